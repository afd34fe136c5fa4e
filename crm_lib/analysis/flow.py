"""Customer flow: who joined and who left each period, in customers and in revenue, balanced exactly.

A customer is active in a period with at least one purchase occasion in it. In every period

    opening + new + first seen + reactivated − lapsed = closing = retained + new + first seen + reactivated

new: first occasion ever, after the warm-up. first seen: first occasion observed, within the warm-up,
so possibly an old customer. reactivated: active now, not in the period before, but earlier.
lapsed: active in the period before, not now.

The revenue of all lines flows the same way:

    opening + new + first seen + reactivated + change of retained − lapsed
            + change of inactive + change of anonymous = closing

inactive: returns booked for customers without an occasion in the period; anonymous: no customer known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from crm_lib.baskets import added
from crm_lib.errors import UsageError, unknown
from crm_lib.needs import needs
from crm_lib.periods import Window, add_months, month_number, month_numbers

_ARRIVALS = ("new", "first_seen", "reactivated")
_MONTHS_A_QUARTER = 3


@dataclass(frozen=True)
class _Period:
    number: int
    start: date
    end: date


@needs(lines=())
def monthly(
    customer_months: ir.Table,
    customers: ir.Table,
    months: ir.Table,
    *,
    observed: Window,
    warm_up_ends: date,
    moved: ir.Table | None = None,
) -> ir.Table:
    """Who joined, who left and what that did to revenue, month by month.

    In: the customer-month ledger, the customer facts and the month totals, all as of `observed.end`;
    `moved`: `moves` of the first two, where they have been made. Out: one row a calendar month, in order:
    `start`, `end` (excluded), the customers `opening`, `new`, `first_seen`, `reactivated`, `retained`,
    `lapsed`, `closing`; the same as money in `revenue_…`, where `revenue_retained_change`,
    `revenue_inactive_change` and `revenue_anonymous_change` are differences to the month before;
    `is_partial` (not every day observed, so its lapsed customers may still come) and `is_warm_up`. The
    first month opens at 0.
    """
    return _calendar(customer_months, customers, months, observed, warm_up_ends, 1, 0, moved)


@needs(lines=())
def moves(customer_months: ir.Table, customers: ir.Table, *, warm_up_ends: date) -> ir.Table:
    """How many customers came, stayed and went each month: what `monthly` is made of, in few rows.

    Out: one row a month and kind: period (number of the month), move ("new", "first_seen",
    "retained", "reactivated", "inactive"), goes (not active in the month after), customers, occasions,
    revenue, revenue_before (theirs in the month they were active in before). It adds up over customers,
    so that it can be made of some after the others.
    """
    return _moves(_by_calendar(customer_months, 1, 0), customers, warm_up_ends)


@needs(lines=())
def quarterly(
    customer_months: ir.Table,
    customers: ir.Table,
    months: ir.Table,
    *,
    observed: Window,
    warm_up_ends: date,
    fiscal_year_start: int = 1,
) -> ir.Table:
    """Who joined, who left and what that did to revenue, quarter by quarter.

    Quarters count from the month `fiscal_year_start` (1–12); everything else as in `monthly`.
    """
    if not 1 <= fiscal_year_start <= 12:
        raise UsageError(f"fiscal_year_start is a month from 1 to 12, not {fiscal_year_start}.")
    return _calendar(
        customer_months,
        customers,
        months,
        observed,
        warm_up_ends,
        _MONTHS_A_QUARTER,
        fiscal_year_start - 1,
    )


def is_by_quarter(period: str) -> bool:
    """Is the flow asked for by "quarter", not by "month"? Raises UsageError for anything else."""
    if period not in ("month", "quarter"):
        raise UsageError(unknown("period of the flow", period, ("month", "quarter")))
    return period == "quarter"


@needs(lines=())
def rolling(
    lines: ir.Table, customers: ir.Table, *, days: int, observed: Window, warm_up_ends: date
) -> ir.Table:
    """Who joined, who left and what that did to revenue, in windows of `days` days.

    The windows lie side by side and the last one ends the day before `observed.end`; the first is
    partial where the days do not divide. In: accepted order lines; out: as in `monthly`.
    """
    if days < 1:
        raise UsageError(f"A window has at least 1 day, not {days}.")
    count = -(-observed.days // days)
    first = observed.end - timedelta(days=count * days)
    steps = [first + timedelta(days=i * days) for i in range(count + 1)]
    periods = [_Period(i, *steps[i : i + 2]) for i in range(count)]
    dated = lines.mutate(period=lines.day.delta(first, unit="day") // days)
    totals = (
        dated.filter(dated.customer_id.isnull())
        .group_by("period")
        .agg(revenue_anonymous=lambda t: t.amount.sum())
    )
    activity = (
        dated.filter(dated.customer_id.notnull())
        .group_by("customer_id", "period")
        .agg(
            is_active=lambda t: t.is_purchase.any(),
            occasions=lambda t: t.is_purchase.any().cast("int64"),
            revenue=lambda t: t.amount.sum(),
        )
    )
    moved = _moves(activity, customers, warm_up_ends)
    return _flow(moved, totals, periods, observed, warm_up_ends)


def _calendar(
    customer_months: ir.Table,
    customers: ir.Table,
    months: ir.Table,
    observed: Window,
    warm_up_ends: date,
    size: int,
    offset: int,
    moved: ir.Table | None = None,
) -> ir.Table:
    """The flow over calendar periods of `size` months; `offset` months shift their boundaries."""

    def start(index: int) -> date:
        return add_months(date(1, 1, 1), index * size + offset - 12)

    first, last = (
        (month_number(day) - offset) // size for day in (observed.start, observed.last_day)
    )
    periods = [_Period(i, start(i), start(i + 1)) for i in range(first, last + 1)]
    if moved is None:
        activity = _by_calendar(customer_months, size, offset)
        moved = _moves(activity, customers, warm_up_ends)
    totals = (
        months.mutate(period=_number(months.month, size, offset))
        .group_by("period")
        .agg(revenue_anonymous=lambda t: t.anonymous_revenue.sum())
    )
    return _flow(moved, totals, periods, observed, warm_up_ends)


def _number(day: ir.DateColumn, size: int, offset: int) -> ir.IntegerColumn:
    return ((month_numbers(day) - offset) // size).cast("int64")


def _by_calendar(customer_months: ir.Table, size: int, offset: int) -> ir.Table:
    """One row a customer and period with an order line: is_active, occasions, revenue."""
    rows = customer_months.select(
        "customer_id", "occasions", "revenue", period=_number(customer_months.month, size, offset)
    )
    if size > 1:
        rows = rows.group_by("customer_id", "period").agg(
            occasions=rows.occasions.sum(), revenue=rows.revenue.sum()
        )
    return rows.mutate(is_active=rows.occasions > 0)


def _flow(
    moved: ir.Table,
    totals: ir.Table,
    periods: list[_Period],
    observed: Window,
    warm_up_ends: date,
) -> ir.Table:
    """The balanced flow from `moves`."""
    calendar = ibis.memtable(
        [
            {
                "period": period.number,
                "start": period.start,
                "end": period.end,
                "is_partial": period.start < observed.start or period.end > observed.end,
                "is_warm_up": period.start < warm_up_ends,
            }
            for period in periods
        ]
    )
    flow = calendar
    for part in (_arrivals(moved), _lapses(moved), _inactive(moved), totals):
        flow = flow.left_join(part, "period").drop("period_right")
    flow = flow.mutate(
        {name: flow[name].fill_null(0) for name in flow.columns if name not in calendar.columns}
    )
    return _balanced(flow)


def _moves(activity: ir.Table, customers: ir.Table, warm_up_ends: date) -> ir.Table:
    """`moves` from one row a customer and period: is_active, occasions, revenue."""
    active = activity.filter(activity.is_active)
    own = ibis.window(group_by="customer_id", order_by="period")
    beside = active.mutate(
        period_before=active.period.lag().over(own),
        period_after=active.period.lead().over(own),
        revenue_before=active.revenue.lag().over(own),
    )
    first_seen = customers.filter(customers.first_on < ibis.literal(warm_up_ends))
    first_seen = first_seen.select("customer_id", is_first_seen=True)
    joined = beside.left_join(first_seen, "customer_id")
    move = ibis.cases(
        (joined.period_before.isnull() & joined.is_first_seen.notnull(), "first_seen"),
        (joined.period_before.isnull(), "new"),
        (joined.period_before == joined.period - 1, "retained"),
        else_="reactivated",
    )
    goes = joined.period_after.isnull() | (joined.period_after > joined.period + 1)
    moved = joined.group_by("period", move=move, goes=goes).agg(
        customers=joined.count(),
        occasions=added(joined.occasions),
        revenue=joined.revenue.sum(),
        revenue_before=joined.revenue_before.sum(),
    )
    passive = activity.filter(~activity.is_active)
    money = moved.revenue.type()
    inactive = passive.group_by("period").agg(
        move=ibis.literal("inactive"),
        goes=ibis.literal(False),
        customers=passive.count(),
        occasions=ibis.literal(0, "int64"),
        revenue=passive.revenue.sum(),
        revenue_before=ibis.null(money),
    )
    return moved.union(inactive.select(moved.columns))


def _arrivals(moved: ir.Table) -> ir.Table:
    kinds = {kind: moved.move == kind for kind in (*_ARRIVALS, "retained")}
    return moved.group_by("period").agg(
        **{kind: moved.customers.sum(where=is_kind) for kind, is_kind in kinds.items()},
        **{f"revenue_{kind}": moved.revenue.sum(where=kinds[kind]) for kind in _ARRIVALS},
        revenue_retained=moved.revenue.sum(where=kinds["retained"]),
        revenue_retained_before=moved.revenue_before.sum(where=kinds["retained"]),
    )


def _lapses(moved: ir.Table) -> ir.Table:
    """The customers not active in the period after, booked in that period."""
    left = moved.filter(moved.goes)
    return left.group_by(period=left.period + 1).agg(
        lapsed=left.customers.sum(), revenue_lapsed=left.revenue.sum()
    )


def _inactive(moved: ir.Table) -> ir.Table:
    inactive = moved.filter(moved.move == "inactive")
    return inactive.group_by("period").agg(revenue_inactive=inactive.revenue.sum())


_BALANCE = (
    "start", "end", "opening", "new", "first_seen", "reactivated", "retained", "lapsed", "closing",
    "revenue_opening", "revenue_new", "revenue_first_seen", "revenue_reactivated", "revenue_retained_change",
    "revenue_lapsed", "revenue_inactive_change", "revenue_anonymous_change", "revenue_closing",
    "is_partial", "is_warm_up",
)  # fmt: skip


def _balanced(flow: ir.Table) -> ir.Table:
    """The flow with what each period opens and closes with, and the changes between: `_BALANCE`."""
    flow = flow.mutate(
        closing=flow.retained + flow.new + flow.first_seen + flow.reactivated,
        revenue_closing=flow.revenue_retained
        + flow.revenue_new
        + flow.revenue_first_seen
        + flow.revenue_reactivated
        + flow.revenue_inactive
        + flow.revenue_anonymous,
        revenue_retained_change=flow.revenue_retained - flow.revenue_retained_before,
    )

    def before(column: ir.Column) -> ir.Column:
        return column.lag().over(ibis.window(order_by="period")).fill_null(0)

    flow = flow.mutate(
        opening=before(flow.closing),
        revenue_opening=before(flow.revenue_closing),
        revenue_inactive_change=flow.revenue_inactive - before(flow.revenue_inactive),
        revenue_anonymous_change=flow.revenue_anonymous - before(flow.revenue_anonymous),
    )
    return flow.order_by("period").select(*_BALANCE)
