"""Headline numbers: which they are, over which windows, and how each compares with earlier ones.

Two spans, both of whole calendar months only: the last full month, and the 12 months that end with
it. A month that is not observed from its first to its last day is never compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from crm_lib.periods import Window, add_months, last_full_month

Sums = dict[str, float]
"""What was added up over one window, by name: what measures are of, and what they are divided by."""


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


def windows(observed: Window) -> list[Window]:
    """The windows that are reported or compared with, as far as they are wholly observed."""
    spans = _spans(observed.end)
    wanted = {w for span in spans for w in (span.now, span.previous, span.year_before)}
    return [window for window in sorted(wanted, key=str) if _is_observed(window, observed)]


def rows(
    sums: Mapping[Window, Sums], *, observed: Window, warm_up_ends: date, profit_label: str
) -> pd.DataFrame:
    """One row a measure and span, as `dashboard.measures` describes them. sums: of each of `windows`."""
    spans, named = _spans(observed.end), _told(sums, profit_label)
    return pd.DataFrame(
        [_row(each, span, sums, observed, warm_up_ends) for span in spans for each in named]
    )


def _told(sums: Mapping[Window, Sums], profit_label: str) -> list[_Measure]:
    """The measures that the data can tell, profit under its name."""
    absent = {name for name in ("margin", "profit") if _lacks(sums, name)}
    if profit_label in _SAME_AS_ANOTHER:
        absent.add("profit")
    return [
        replace(each, label=each.label.format(profit=profit_label.capitalize()))
        for each in _MEASURES
        if each.of not in absent
    ]


def _lacks(sums: Mapping[Window, Sums], name: str) -> bool:
    return all(pd.isna(row[name]) for row in sums.values())


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


def _value(measure: _Measure, sums: Sums | None) -> float | None:
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
    sums: Mapping[Window, Sums],
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
