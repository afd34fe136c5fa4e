"""The dashboard: how the customer base is doing, each number with its window and its changes.

Two spans, both of whole calendar months only: the last full month, and the 12 months that end with
it. A month that is not observed from its first to its last day is never compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.engine import collect
from crm_lib.needs import needs
from crm_lib.periods import Window, add_months, last_full_month, months

TOP_ONE_IN = 5
"""The 20 of 80/20: one active customer in five; their share of revenue is reported."""


@dataclass(frozen=True)
class _Measure:
    """A sum over the window, or such a sum divided by another one."""

    key: str
    label: str
    unit: str
    of: str
    per: str | None = None
    denominator: str = ""


_MEASURES = (
    _Measure("revenue", "Revenue", "money", "revenue"),
    _Measure("margin", "Margin", "money", "margin"),
    _Measure("margin_rate", "Margin rate", "percent", "margin", "revenue", "revenue"),
    _Measure("profit", "{profit}", "money", "profit"),
    _Measure("profit_rate", "{profit} rate", "percent", "profit", "revenue", "revenue"),
    _Measure("orders", "Orders", "count", "orders"),
    _Measure("occasions", "Purchase occasions of known customers", "count", "occasions"),
    _Measure("active_customers", "Active customers", "count", "active"),
    _Measure("new_customers", "New customers", "count", "new"),
    _Measure(
        "repeat_purchase_rate", "Repeat purchase rate", "percent", "repeaters", "active",
        "active customers; counted: two or more purchase occasions",
    ),
    _Measure(
        "repeat_buying_rate", "Repeat-buying rate", "percent", "kept", "kept_of",
        "customers active in the month before",
    ),
    _Measure(
        "revenue_per_active_customer", "Revenue per active customer", "money",
        "known_revenue", "active", "active customers",
    ),
    _Measure(
        "average_order_value", "Average order value", "money", "revenue", "orders",
        "orders with a purchase",
    ),
    _Measure(
        "top_share", "Revenue of the top 20%", "percent", "top_revenue",
        "active_revenue", "revenue of active customers",
    ),
    _Measure(
        "anonymous_share", "Revenue without a known customer", "percent", "anonymous_revenue", "revenue",
        "revenue",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class _Span:
    """A window to report, with the windows it is compared to."""

    name: str
    now: Window
    previous: Window
    year_before: Window


_SAME_AS_ANOTHER = ("revenue", "gross profit")
"""Profit that goes by these names is in the measures already: as revenue, and as margin."""


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
    spans = _spans(observed.end)
    if series is None:
        series = monthly(
            months, customer_months, customers, observed=observed, warm_up_ends=warm_up_ends, ledger=ledger
        )  # fmt: skip
    who = by_revenue(customer_months, observed=observed) if buyers is None else buyers
    sums = _sums(series, who, _windows(observed))
    named = _told(sums, profit_label)
    return pd.DataFrame(
        [_row(each, span, sums, observed, warm_up_ends) for span in spans for each in named]
    )


def _told(sums: dict[Window, dict[str, float]], profit_label: str) -> list[_Measure]:
    """The measures that the data can tell, profit under its name."""
    absent = {name for name in ("margin", "profit") if _lacks(sums, name)}
    if profit_label in _SAME_AS_ANOTHER:
        absent.add("profit")
    return [
        replace(each, label=each.label.format(profit=profit_label.capitalize()))
        for each in _MEASURES
        if each.of not in absent
    ]


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

    In: as in `measures`; `moved`: `flow.moves`, where made. Out: one row a calendar month, in order: `month`, `revenue`, `anonymous_revenue`, `margin` (null without costs), `profit` (null without a ledger), `orders`, `occasions`, `active_customers`,
    `new_customers`, `first_seen_customers` (first occasion within the warm-up), `kept_customers`
    (active in the month before, too), `kept_of` (active in the month before; null unless that month
    was wholly observed), `repeat_buying_rate` (kept_customers ÷ kept_of),
    `revenue_per_active_customer` (known customers' revenue ÷ active_customers), `is_partial`,
    `is_warm_up`.
    """
    kept = _kept(customer_months) if moved is None else _kept_of(moved)
    buyers = customers.filter(customers.first_on.notnull())
    is_new = buyers.first_on >= ibis.literal(warm_up_ends)
    firsts = buyers.group_by(month=buyers.first_on.truncate("M")).agg(
        new_customers=buyers.count(where=is_new), first_seen_customers=buyers.count(where=~is_new)
    )
    series = months.mutate(number=_number(months.month))
    series = series.left_join(kept, "number").drop("number", "number_right")
    for part in (firsts, _profits(months, ledger)):
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
    active = active.mutate(before=_number(active.month.lag().over(own)), at=_number(active.month))
    return active.group_by(number=active["at"]).agg(
        occasions=active.occasions.sum(),
        kept_customers=active.count(where=active.before == active["at"] - 1),
    )


def _kept_of(moved: ir.Table) -> ir.Table:
    return moved.group_by(number=moved.period + 1).agg(
        occasions=moved.occasions.sum(),
        kept_customers=moved.customers.sum(where=moved.move == "retained"),
    )


def _profits(months: ir.Table, ledger: ir.Table | None) -> ir.Table:
    """Profit by month, of rows without a customer, too."""
    if ledger is None:
        return months.select("month", profit=ibis.null(months.revenue.type()))
    return ledger.group_by("month").agg(profit=ledger.profit.sum())


def _number(month: ir.DateColumn) -> ir.IntegerColumn:
    return month.year() * 12 + month.month()


def _spans(as_of: date) -> list[_Span]:
    """The last full month and the 12 months up to its end, with what they are compared to."""
    month = last_full_month(as_of)
    year = Window(add_months(month.end, -12), month.end)
    year_earlier = _earlier(year, 12)
    return [
        _Span("month", month, _earlier(month, 1), _earlier(month, 12)),
        _Span("year", year, year_earlier, year_earlier),
    ]


def _earlier(window: Window, by_months: int) -> Window:
    return Window(add_months(window.start, -by_months), add_months(window.end, -by_months))


def _is_observed(window: Window, observed: Window) -> bool:
    return observed.start <= window.start and window.end <= observed.end


def _windows(observed: Window) -> list[Window]:
    """The windows that are reported or compared with, as far as they are wholly observed."""
    spans = _spans(observed.end)
    wanted = {w for span in spans for w in (span.now, span.previous, span.year_before)}
    return [window for window in sorted(wanted, key=str) if _is_observed(window, observed)]


def _calendar(windows: list[Window]) -> ir.Table:
    """One row a window and month: number (of the window), month."""
    pairs = [
        {"number": i, "month": month}
        for i, window in enumerate(windows)
        for month in months(window)
    ]
    return ibis.memtable(pairs, schema={"number": "int64", "month": "date"})


def _sums(series: ir.Table, buyers: ir.Table, seen: list[Window]) -> dict[Window, dict[str, float]]:
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
    inside = customer_months.join(_calendar(_windows(observed)), "month")
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


def _lacks(sums: dict[Window, dict[str, float]], name: str) -> bool:
    return all(pd.isna(row[name]) for row in sums.values())


def _value(measure: _Measure, sums: dict[str, float] | None) -> float | None:
    """The measure in one window; None where the window is not observed or nothing divides it."""
    if sums is None:
        return None
    # No customer at all in the window leaves the sums over customers empty.
    top, per = (
        0.0 if pd.isna(sums[name]) else sums[name]
        for name in (measure.of, measure.per or measure.of)
    )
    if measure.per is None:
        return top
    return top / per if per > 0 else None


def _row(
    measure: _Measure,
    span: _Span,
    sums: dict[Window, dict[str, float]],
    observed: Window,
    warm_up_ends: date,
) -> dict[str, object]:
    value = _value(measure, sums.get(span.now))
    row: dict[str, object] = {
        "key": measure.key,
        "label": measure.label,
        "span": span.name,
        "value": value,
        "unit": measure.unit,
        "window_start": span.now.start,
        "window_end": span.now.end,
        "window": str(span.now),
        "denominator": measure.denominator,
    }
    for prefix, then in (("change", span.previous), ("year_change", span.year_before)):
        reason = _not_comparable(measure, span.now, then, observed, warm_up_ends)
        earlier = _value(measure, sums.get(then))
        if not reason and (value is None or earlier is None):
            reason = f"nothing to divide by in {span.now if value is None else then}"
        elif not reason and measure.unit != "percent" and not (earlier or 0) > 0:
            reason = f"it was not above zero in {then}"
        row[prefix] = None if reason else _difference(measure, value or 0.0, earlier or 0.0)
        row[f"{prefix}_from"] = None if reason else earlier
        row[f"{prefix}_window"] = str(then)
        row[f"{prefix}_reason"] = reason
    return row | {"note": _note(measure, span.now, value, observed, warm_up_ends)}


def _difference(measure: _Measure, now: float, then: float) -> float:
    return now - then if measure.unit == "percent" else now / then - 1


def _not_comparable(
    measure: _Measure, now: Window, then: Window, observed: Window, warm_up_ends: date
) -> str:
    """Why the two windows cannot be compared; empty when they can."""
    for window in (now, then):
        if not _is_observed(window, observed):
            return f"{window} is not wholly observed ({observed})"
        if measure.key == "new_customers" and window.start < warm_up_ends:
            return f"{window} touches the warm-up, which ends before {warm_up_ends}"
    return ""


def _note(
    measure: _Measure, window: Window, value: float | None, observed: Window, warm_up_ends: date
) -> str:
    if not _is_observed(window, observed):
        return f"{window} is not wholly observed ({observed})"
    if value is None:
        return f"nothing to divide by in {window}"
    if measure.key == "new_customers" and window.start < warm_up_ends:
        return f"without customers first seen in the warm-up, before {warm_up_ends}"
    return ""
