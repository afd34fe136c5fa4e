"""Facts: what each customer did, as of a day. Made once in the engine, read by every analysis.

Functions of `lines` take order lines (see `schema.LINES`) that already end before `as_of`; the others
take what `baskets` adds up of them. All return Ibis tables; nothing crosses to pandas here.
"""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib import baskets, conditions, periods
from crm_lib.baskets import Occasion
from crm_lib.dataset import Dataset

_MONEY = ("units", "revenue", "purchases", "returns", "discount", "cost", "margin")


def marked(lines: ir.Table, dataset: Dataset) -> ir.Table:
    """Order lines with `is_purchase` and `is_return`, as the data set defines them."""
    lines = conditions.flag(lines, dataset.purchase, "is_purchase", "purchase condition")
    return conditions.flag(lines, dataset.returned, "is_return", "return condition")


def occasions(lines: ir.Table, occasion: Occasion) -> ir.Table:
    """One row a purchase occasion of a known customer: a day, or an order where so configured.

    Columns: customer_id, on (day), number (1 = first), gap_days (since the one before; null for the
    first), revenue (of the purchase lines).
    """
    if occasion == "order":
        return baskets.numbered(baskets.occasions_of(baskets.of(lines, occasion), occasion))
    bought = lines.filter(lines.is_purchase, lines.customer_id.notnull())
    days = bought.group_by("customer_id", on="day").agg(revenue=baskets.added(bought.amount))
    return baskets.numbered(days)


def customers(
    lines: ir.Table,
    occasion: Occasion,
    *,
    as_of: date,
    warm_up_ends: date,
    known: ir.Table | None = None,
) -> ir.Table:
    """One row a customer known before `as_of`: with an order line, or in `known` (customer_id).

    Days: first_on, second_on, last_on (purchase occasions; null without one). Counts: occasions,
    orders (with a purchase), lines, active_months, x (repeat occasions). Spans in days: median_gap_days,
    last_gap_days, t_x (first to last occasion), T (first occasion to the last observed day,
    as_of − 1), days_since_last (= T − t_x). Money: revenue (net), purchases, returns (positive),
    discount, cost, margin (null where the data set has none). is_first_seen: the first occasion
    lies in the warm-up, so the customer may have bought before and is not called new.
    """
    put = baskets.of(lines, occasion)
    history = baskets.history(baskets.numbered(baskets.occasions_of(put, occasion)))
    each = put.mutate(orders=put.is_bought.cast(dt.int64))
    done = deeds(each, history, baskets.repeated(put))
    return seen(done, as_of=as_of, warm_up_ends=warm_up_ends, known=known)


def customer_months(lines: ir.Table, occasion: Occasion) -> ir.Table:
    """One row a known customer and month with any order line (sparse): the base of the ledger.

    Columns: customer_id, month (first day), occasions, orders, lines, units, revenue, purchases,
    returns, discount, cost, margin. Summed over customers it is the ledger of known customers.
    """
    put = baskets.of(lines, occasion)
    rows = baskets.customer_months(put, occasion)
    return known_months(baskets.counted_once(rows, baskets.repeated(put), occasion))


def months(lines: ir.Table, *, observed: periods.Window, warm_up_ends: date) -> ir.Table:
    """One row a calendar month of the observed window, anonymous lines included.

    Columns: month, lines, orders (with a purchase), active_customers (known, with a purchase), revenue,
    anonymous_revenue, units, purchases, returns, discount, cost, margin; is_partial (the window does
    not cover the whole month), is_warm_up (it starts before the warm-up ends). Revenue adds up to
    the ledger.
    """
    put = baskets.of(lines, "day")
    rows = baskets.customer_months(put, "day")
    return calendar(
        baskets.months(rows, baskets.monthly(put)),
        observed=observed,
        warm_up_ends=warm_up_ends,
    )


def days(lines: ir.Table, *, observed: periods.Window) -> ir.Table:
    """One row a day of the observed window, also without a line: day, lines, revenue."""
    grouped = lines.group_by("day").agg(lines=lines.count(), revenue=lines.amount.sum())
    rows = [{"day": observed.start + timedelta(days=i)} for i in range(observed.days)]
    every = ibis.memtable(rows, schema={"day": "date"})
    joined = every.left_join(grouped, "day").drop("day_right")
    filled = {name: joined[name].fill_null(0) for name in ("lines", "revenue")}
    return joined.mutate(**filled).order_by("day")


def deeds(rows: ir.Table, history: ir.Table, repeated: ir.Table | None) -> ir.Table:
    """One row a known customer with an order line: what does not depend on the day it is asked.

    rows: `baskets.customer_months`, or baskets with their orders. repeated: None where no order is bought
    on two days.
    """
    named = rows.filter(rows.customer_id.notnull())
    added = named.group_by("customer_id").agg(
        orders=baskets.added(named.orders), **baskets.sums(named)
    )
    joined = added.left_join(history, "customer_id").drop("customer_id_right")
    if repeated is None:
        return joined
    return baskets.less(joined, baskets.surplus(repeated, "customer_id"), "customer_id")


def known_months(months: ir.Table) -> ir.Table:
    """The rows of known customers, in the columns of `customer_months`."""
    named = months.filter(months.customer_id.notnull())
    return _with_money(named).select(
        "customer_id", "month", "occasions", "orders", "lines", *_MONEY
    )


def calendar(rows: ir.Table, *, observed: periods.Window, warm_up_ends: date) -> ir.Table:
    """`baskets.months` for every month of the observed window, in the columns of `months`."""
    listed = [
        {
            "month": month,
            "is_partial": periods.is_partial_month(month, observed),
            "is_warm_up": month < warm_up_ends,
        }
        for month in periods.months(observed)
    ]
    every = ibis.memtable(
        listed, schema={"month": "date", "is_partial": "bool", "is_warm_up": "bool"}
    )
    joined = _with_money(every.left_join(rows, "month").drop("month_right"))
    counted = ("lines", "orders", "active_customers", "anonymous_revenue", *_MONEY[:4])
    joined = joined.mutate(**{name: joined[name].fill_null(0) for name in counted})
    return joined.select(
        "month", "is_partial", "is_warm_up", "lines", "orders", "active_customers",
        "anonymous_revenue", *_MONEY,
    ).order_by("month")  # fmt: skip


def seen(
    done: ir.Table, *, as_of: date, warm_up_ends: date, known: ir.Table | None = None
) -> ir.Table:
    """`deeds` as they look on the day, with the `known` customers who did nothing yet."""
    rows = done
    if known is not None:
        listed = known.select(listed_id="customer_id").distinct()
        done = done.view()  # what is a join already, Ibis would go on with
        both = done.outer_join(listed, done.customer_id == listed.listed_id)
        filled = ("orders", "lines", "units", "revenue", "returns")
        rows = both.mutate(
            customer_id=both.customer_id.coalesce(both.listed_id),
            **{name: both[name].fill_null(0) for name in filled},
        )
    rows = _with_money(rows)
    last_day = ibis.literal(as_of - timedelta(days=1))
    occasions = rows.occasions.fill_null(0)
    rows = rows.mutate(occasions=occasions, active_months=rows.active_months.fill_null(0))
    return rows.select(
        "customer_id", "orders", "lines", *_MONEY, "first_on", "second_on", "last_on", "occasions",
        "median_gap_days", "last_gap_days", "active_months",
        x=(rows.occasions - 1).clip(lower=0),
        t_x=rows.last_on.delta(rows.first_on, unit="day").cast(dt.int64),
        T=last_day.delta(rows.first_on, unit="day").cast(dt.int64),
        days_since_last=last_day.delta(rows.last_on, unit="day").cast(dt.int64),
        is_first_seen=(rows.first_on < ibis.literal(warm_up_ends)).fill_null(False),
    )  # fmt: skip


def _with_money(rows: ir.Table) -> ir.Table:
    """With purchases and margin, which follow from revenue, returns and cost."""
    money = rows.revenue.type()
    return rows.mutate(
        purchases=(rows.revenue + rows.returns).cast(money),
        margin=(rows.revenue - rows.cost).cast(money),
    )
