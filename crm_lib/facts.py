"""Facts: what each customer did, as of a day. Made once in the engine, read by every analysis.

All functions take order lines (see `schema.LINES`) that already end before `as_of`, and return
Ibis tables; nothing crosses to pandas here.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib import conditions, periods
from crm_lib.dataset import Dataset

Occasion = Literal["day", "order"]
_SUMS = ("units", "revenue", "purchases", "returns", "discount", "cost", "margin")


def marked(lines: ir.Table, dataset: Dataset) -> ir.Table:
    """Order lines with `is_purchase` and `is_return`, as the data set defines them."""
    lines = conditions.flag(lines, dataset.purchase, "is_purchase", "purchase condition")
    return conditions.flag(lines, dataset.returned, "is_return", "return condition")


def occasions(lines: ir.Table, occasion: Occasion) -> ir.Table:
    """One row a purchase occasion of a known customer: a day, or an order where so configured.

    Columns: customer_id, on (day), number (1 = first), gap_days (since the one before; null for the
    first), revenue (of the purchase lines).
    """
    bought = lines.filter(lines.is_purchase, lines.customer_id.notnull())
    if occasion == "day":
        grouped = bought.group_by("customer_id", on=bought.day).agg(revenue=bought.amount.sum())
        order = [grouped.on]
    else:
        grouped = bought.group_by("customer_id", "order_id").agg(
            on=bought.day.min(), at=bought.ordered_at.min(), revenue=bought.amount.sum()
        )
        order = [grouped.on, grouped["at"], grouped.order_id]
    window = ibis.window(group_by=grouped.customer_id, order_by=order)
    return grouped.select(
        "customer_id",
        "on",
        number=(ibis.row_number().over(window) + 1).cast(dt.int64),
        gap_days=grouped.on.delta(grouped.on.lag().over(window), unit="day").cast(dt.int64),
        revenue=grouped.revenue,
    )


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
    named = lines.filter(lines.customer_id.notnull())
    bought = named.group_by("customer_id").agg(
        orders=named.order_id.nunique(where=named.is_purchase),
        lines=named.count(),
        **_money(named),
    )
    history = _history(occasions(lines, occasion))
    if known is not None:
        everyone = bought.select("customer_id").union(known.select("customer_id"), distinct=True)
        bought = everyone.left_join(bought, "customer_id").drop("customer_id_right")
        zero = {name: bought[name].fill_null(0) for name in ("orders", "lines", *_SUMS[:4])}
        bought = bought.mutate(**zero)
    joined = bought.left_join(history, "customer_id").drop("customer_id_right")
    last_day = ibis.literal(as_of - timedelta(days=1))
    return joined.mutate(
        occasions=joined.occasions.fill_null(0),
        active_months=joined.active_months.fill_null(0),
        x=(joined.occasions.fill_null(0) - 1).clip(lower=0),
        t_x=joined.last_on.delta(joined.first_on, unit="day").cast(dt.int64),
        T=last_day.delta(joined.first_on, unit="day").cast(dt.int64),
        days_since_last=last_day.delta(joined.last_on, unit="day").cast(dt.int64),
        is_first_seen=(joined.first_on < ibis.literal(warm_up_ends)).fill_null(False),
    )


def _history(each: ir.Table) -> ir.Table:
    """One row a customer with an occasion: its days, number and gaps."""
    return each.group_by("customer_id").agg(
        first_on=each.on.min(),
        second_on=each.on.min(where=each.number == 2),
        last_on=each.on.max(),
        occasions=each.count(),
        median_gap_days=each.gap_days.median().cast(dt.float64),
        last_gap_days=each.gap_days.argmax(each.number),
        active_months=each.on.truncate("M").nunique(),
    )


def _money(rows: ir.Table) -> dict[str, ir.Value]:
    """Units and exact sums of money over order lines; null columns for what the data lacks."""
    nothing = ibis.null(rows.amount.type())
    columns = rows.columns
    cost = rows.cost.sum() if "cost" in columns else nothing
    return {
        "units": rows.quantity.sum() if "quantity" in columns else ibis.null(dt.float64),
        "revenue": rows.amount.sum(),
        "purchases": rows.amount.sum(where=rows.amount > 0).fill_null(0),
        "returns": -rows.amount.sum(where=rows.amount < 0).fill_null(0),
        "discount": rows.discount.sum() if "discount" in columns else nothing,
        "cost": cost,
        "margin": rows.amount.sum() - cost if "cost" in columns else nothing,
    }


def customer_months(lines: ir.Table, occasion: Occasion) -> ir.Table:
    """One row a known customer and month with any order line (sparse): the base of the ledger.

    Columns: customer_id, month (first day), occasions, orders, lines, units, revenue, purchases,
    returns, discount, cost, margin. Summed over customers it is the ledger of known customers.
    """
    named = lines.filter(lines.customer_id.notnull()).mutate(month=lines.day.truncate("M"))
    unit = named.day if occasion == "day" else named.order_id
    return named.group_by("customer_id", "month").agg(
        occasions=unit.nunique(where=named.is_purchase),
        orders=named.order_id.nunique(where=named.is_purchase),
        lines=named.count(),
        **_money(named),
    )


def months(lines: ir.Table, *, observed: periods.Window, warm_up_ends: date) -> ir.Table:
    """One row a calendar month of the observed window, anonymous lines included.

    Columns: month, lines, orders (with a purchase), active_customers (known, with a purchase), revenue,
    anonymous_revenue, units, purchases, returns, discount, cost, margin; is_partial (the window does
    not cover the whole month), is_warm_up (it starts before the warm-up ends). Revenue adds up to
    the ledger.
    """
    dated = lines.mutate(month=lines.day.truncate("M"))
    grouped = dated.group_by("month").agg(
        lines=dated.count(),
        orders=dated.order_id.nunique(where=dated.is_purchase),
        active_customers=dated.customer_id.nunique(where=dated.is_purchase),
        anonymous_revenue=dated.amount.sum(where=dated.customer_id.isnull()).fill_null(0),
        **_money(dated),
    )
    rows = [
        {
            "month": month,
            "is_partial": periods.is_partial_month(month, observed),
            "is_warm_up": month < warm_up_ends,
        }
        for month in periods.months(observed)
    ]
    every = ibis.memtable(
        rows, schema={"month": "date", "is_partial": "bool", "is_warm_up": "bool"}
    )
    joined = every.left_join(grouped, "month").drop("month_right")
    counted = ("lines", "orders", "active_customers", "anonymous_revenue", *_SUMS[:4])
    return joined.mutate(**{name: joined[name].fill_null(0) for name in counted}).order_by("month")


def days(lines: ir.Table, *, observed: periods.Window) -> ir.Table:
    """One row a day of the observed window, also without a line: day, lines, revenue."""
    grouped = lines.group_by("day").agg(lines=lines.count(), revenue=lines.amount.sum())
    rows = [{"day": observed.start + timedelta(days=i)} for i in range(observed.days)]
    every = ibis.memtable(rows, schema={"day": "date"})
    joined = every.left_join(grouped, "day").drop("day_right")
    filled = {name: joined[name].fill_null(0) for name in ("lines", "revenue")}
    return joined.mutate(**filled).order_by("day")
