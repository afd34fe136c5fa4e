"""The dashboard: how the customer base is doing, each number with its window and its changes.

The series of months and what is added up over the windows are made here; which numbers these give,
over which windows, and what they may be compared with is in `headlines`.
"""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib import headlines
from crm_lib.baskets import added
from crm_lib.engine import collect
from crm_lib.headlines import Sums
from crm_lib.levels import TOP_ONE_IN
from crm_lib.needs import needs
from crm_lib.periods import Window, month_numbers, months


@needs(lines=(), optional={"lines.cost": "margin and margin rate, profit and profit rate"})
def measures(
    months: ir.Table,
    customer_months: ir.Table,
    customers: ir.Table,
    *,
    observed: Window,
    warm_up_ends: date,
    ledger: ir.Table | None = None,
    profit_label: str = "profit",
    series: ir.Table | None = None,
    buyers: ir.Table | None = None,
) -> pd.DataFrame:
    """How is the customer base doing? The headline numbers, with change on the last period and the year.

    In: month totals, customer-month ledger and customer facts, all as of `observed.end`, and the profit
    ledger with what its profit is to be called (`book.profit_label`); `series` (`monthly`) and `buyers`,
    where they have been made. Out, as
    pandas (two dozen rows from five rows of sums): one row a measure and span. `key`; `label`;
    `span` ("month": the last full month, "year": the 12 months up to its end); `value`; `unit`
    ("money", "count", or "percent" as a fraction); `window_start`, `window_end` (excluded), `window`
    (text); `denominator`; `change` on the full period before and `year_change` on the same period a
    year before (relative, or for percentages the difference of the fractions), each with the value
    it starts `…_from`, its `…_window` and, where it is null, its `…_reason`; `note` says why a value
    is null or what it leaves out. Margin rows appear only where lines have a cost, profit rows only
    where it is more than revenue or margin under another name.

    A customer first seen in the warm-up is never new, so new customers are not compared with a
    window that the warm-up touches.
    """
    if series is None:
        series = monthly(
            months, customer_months, customers, observed=observed, warm_up_ends=warm_up_ends, ledger=ledger
        )  # fmt: skip
    who = by_revenue(customer_months, observed=observed) if buyers is None else buyers
    sums = _sums(series, who, headlines.windows(observed))
    return headlines.rows(
        sums, observed=observed, warm_up_ends=warm_up_ends, profit_label=profit_label
    )


@needs(lines=())
def monthly(
    months: ir.Table,
    customer_months: ir.Table,
    customers: ir.Table,
    *,
    observed: Window,
    warm_up_ends: date,
    ledger: ir.Table | None = None,
    moved: ir.Table | None = None,
) -> ir.Table:
    """The customer base month by month: the series behind the headline numbers.

    In: as in `measures`; `moved`: `flow.moves`, where made. Out: one row a calendar month, in order:
    `month`, `revenue`, `anonymous_revenue`, `margin` (null without costs), `profit` (null without a
    ledger), `orders`, `occasions`, `active_customers`, `new_customers`, `first_seen_customers` (first
    occasion within the warm-up), `kept_customers` (active in the month before, too), `kept_of` (active
    in the month before; null unless that month was wholly observed), `repeat_buying_rate`
    (kept_customers ÷ kept_of), `revenue_per_active_customer` (known customers' revenue ÷
    active_customers), `is_partial`, `is_warm_up`.
    """
    kept = _kept(customer_months) if moved is None else _kept_of(moved)
    series = months.mutate(number=month_numbers(months.month))
    series = series.left_join(kept, "number").drop("number", "number_right")
    for part in (_firsts(customers, warm_up_ends), _profits(months, ledger)):
        series = series.left_join(part, "month").drop("month_right")
    counts = ["occasions", "kept_customers", "new_customers", "first_seen_customers"]
    counts += ["profit"] if ledger is not None else []
    series = series.mutate(**{name: series[name].fill_null(0) for name in counts})
    in_order = ibis.window(order_by="month")
    before_whole = ~series.is_partial.lag().over(in_order)
    series = series.mutate(
        kept_of=ibis.ifelse(before_whole, series.active_customers.lag().over(in_order), None)
    )
    known = (series.revenue - series.anonymous_revenue).cast("float64")
    series = series.mutate(
        repeat_buying_rate=series.kept_customers / series.kept_of.nullif(0),
        revenue_per_active_customer=known / series.active_customers.nullif(0),
    )
    return series.order_by("month").select(*_SERIES)


_SERIES = (
    "month", "revenue", "anonymous_revenue", "margin", "profit", "orders", "occasions", "active_customers",
    "new_customers", "first_seen_customers", "kept_customers", "kept_of", "repeat_buying_rate",
    "revenue_per_active_customer", "is_partial", "is_warm_up",
)  # fmt: skip


def _kept(customer_months: ir.Table) -> ir.Table:
    """By number of the month: occasions, and customers active in the month before, too."""
    own = ibis.window(group_by="customer_id", order_by="month")
    active = customer_months.filter(customer_months.occasions > 0)
    active = active.mutate(
        before=month_numbers(active.month.lag().over(own)), at=month_numbers(active.month)
    )
    return active.group_by(number=active["at"]).agg(
        occasions=added(active.occasions),
        kept_customers=active.count(where=active.before == active["at"] - 1),
    )


def _kept_of(moved: ir.Table) -> ir.Table:
    return moved.group_by(number=moved.period).agg(
        occasions=added(moved.occasions),
        kept_customers=added(moved.customers, where=moved.move == "retained"),
    )


def _firsts(customers: ir.Table, warm_up_ends: date) -> ir.Table:
    """By month of the first occasion: customers who are new, and those first seen in the warm-up."""
    buyers = customers.filter(customers.first_on.notnull())
    is_new = buyers.first_on >= ibis.literal(warm_up_ends)
    return buyers.group_by(month=buyers.first_on.truncate("M")).agg(
        new_customers=buyers.count(where=is_new), first_seen_customers=buyers.count(where=~is_new)
    )


def _profits(months: ir.Table, ledger: ir.Table | None) -> ir.Table:
    """Profit by month, of rows without a customer, too."""
    if ledger is None:
        return months.select("month", profit=ibis.null(months.revenue.type()))
    return ledger.group_by("month").agg(profit=ledger.profit.sum())


def _calendar(windows: list[Window]) -> ir.Table:
    """One row a window and month: number (of the window), month."""
    pairs = [
        {"number": i, "month": month}
        for i, window in enumerate(windows)
        for month in months(window)
    ]
    return ibis.memtable(pairs, schema={"number": "int64", "month": "date"})


def _sums(series: ir.Table, buyers: ir.Table, seen: list[Window]) -> dict[Window, Sums]:
    """The sums that the measures are made of, for every window."""
    if not seen:
        return {}
    calendar = _calendar(seen)
    joined = calendar.join(series, "month")
    totals = joined.group_by("number").agg(
        revenue=joined.revenue.sum(),
        anonymous_revenue=joined.anonymous_revenue.sum(),
        known_revenue=(joined.revenue - joined.anonymous_revenue).sum(),
        margin=joined.margin.sum(),
        profit=joined.profit.sum(),
        orders=joined.orders.sum(),
        occasions=joined.occasions.sum(),
        new=joined.new_customers.sum(),
        kept=joined.kept_customers.sum(where=joined.kept_of.notnull()),
        kept_of=joined.kept_of.sum(),
    )
    both = totals.left_join(_best(buyers), "number").drop("number_right")
    frame = collect(both).astype(float)
    return {
        seen[int(number)]: dict(zip(frame.columns, sums, strict=True))
        for number, sums in zip(frame["number"], frame.to_numpy().tolist(), strict=True)
    }


@needs(lines=())
def by_revenue(customer_months: ir.Table, *, observed: Window) -> ir.Table:
    """The customers with an occasion in each window of the dashboard, by what they brought in it.

    Out: number (of the window), revenue, customers, repeaters (with two or more occasions). It adds up
    over customers, so that it can be made of some after the others.
    """
    inside = customer_months.join(_calendar(headlines.windows(observed)), "month")
    each = inside.group_by("number", "customer_id").agg(
        occasions=inside.occasions.sum(), revenue=inside.revenue.sum()
    )
    buyers = each.filter(each.occasions > 0)
    return buyers.group_by("number", "revenue").agg(
        customers=buyers.count(), repeaters=buyers.count(where=buyers.occasions >= 2)
    )


def _best(buyers: ir.Table) -> ir.Table:
    """Sums over `by_revenue`: one row a window."""
    levels = buyers.group_by("number", "revenue").agg(
        customers=buyers.customers.sum().cast("int64"), repeaters=buyers.repeaters.sum()
    )
    best_first = ibis.cumulative_window(group_by="number", order_by=ibis.desc(levels.revenue))
    placed = levels.mutate(
        above=levels.customers.sum().over(best_first) - levels.customers,
        of=levels.customers.sum().over(ibis.window(group_by="number")),
    )
    # 20% of the customers, rounded up to a whole one; equal revenues may stand in any order.
    top = (placed["of"] + TOP_ONE_IN - 1) // TOP_ONE_IN
    counted = ibis.least(placed.customers, ibis.greatest(top - placed.above, 0)).cast("int64")
    return placed.group_by("number").agg(
        active=placed.customers.sum(),
        repeaters=placed.repeaters.sum(),
        active_revenue=(placed.revenue * placed.customers).sum(),
        top_revenue=(placed.revenue * counted).sum(),
    )
