"""Repeat purchase: how many come back, how often, and how soon.

Two readings stand side by side. The ladder counts who has come back so far, and takes everyone who
has not for someone who never will. The Kaplan–Meier estimate treats an open gap as what it is,
right-censored on the last observed day. Customers first seen in the warm-up are left out unless
asked for: their first observed occasion may be their tenth.

These functions count in the engine, carry one row a distinct duration with its weight to pandas for
statsmodels and lifelines, and return small pandas frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.engine import collect
from crm_lib.errors import UsageError, check_whole, unknown
from crm_lib.needs import needs

CONFIDENCE = 0.95
HORIZONS = (30, 90, 180, 365)
"""Days within which a second order is reported."""

_LADDER = [
    "step", "number", "customers", "continued", "probability", "lower", "upper", "median_gap_days",
    "within_days", "probability_within", "within_lower", "within_upper",
]  # fmt: skip
_SECOND = [
    "group", "customers", "returned", "median_days", "within_days", "share", "lower", "upper",
]  # fmt: skip
_CURVE = ["group", "days", "customers", "survival", "lower", "upper"]


@needs(lines=())
def ladder(
    customers: ir.Table,
    occasions: ir.Table,
    *,
    steps: int = 6,
    within_days: int = 180,
    include_first_seen: bool = False,
) -> pd.DataFrame:
    """The repeat-purchase ladder: how many go from each purchase occasion to the next, and how fast.

    In: customer facts and purchase occasions as of the same day. Out, as pandas, one row a step that
    somebody could take, at most `steps`: `step` ("1st→2nd"), `number` (of the occasion reached),
    `customers` (who had the occasion before), `continued` (who had this one, too), `probability`
    (continued ÷ customers) with its Wilson interval `lower`, `upper` (95%), `median_gap_days` (of
    those who continued), and, censoring respected, `within_days` with `probability_within`,
    `within_lower`, `within_upper` (Kaplan–Meier: continued within so many days of the occasion
    before; null when nobody was observed for so long).
    """
    check_whole("steps", steps)
    check_whole("within_days", within_days)
    left_out = customers.filter(customers.is_first_seen & (not include_first_seen))
    gaps = collect(_gaps(_chosen(customers, include_first_seen), left_out, occasions, steps))
    rows = [
        _rung(int(number), part, within_days)
        for number, part in gaps.groupby(gaps["number"].astype(int), sort=True)
    ]
    maybe = ["median_gap_days", "probability_within", "within_lower", "within_upper"]
    return pd.DataFrame(rows, columns=_LADDER).astype(dict.fromkeys(maybe, float))


def _rung(number: int, gaps: pd.DataFrame, within_days: int) -> dict[str, Any]:
    """A row of `ladder`: from the occasion before to the one with this number."""
    from statsmodels.stats.proportion import proportion_confint

    returned = gaps[gaps["returned"] == 1]
    asked, continued = int(gaps["weight"].sum()), int(returned["weight"].sum())
    low, high = proportion_confint(continued, asked, alpha=1 - CONFIDENCE, method="wilson")
    return {
        "step": f"{_ordinal(number - 1)}→{_ordinal(number)}",
        "number": number,
        "customers": asked,
        "continued": continued,
        "probability": continued / asked,
        "lower": low,
        "upper": high,
        "median_gap_days": _weighted_median(returned),
        "within_days": within_days,
        **_within(_fitted(gaps), within_days, int(gaps["days"].max())),
    }


@needs(lines=())
def survival(
    customers: ir.Table, *, by: str | None = None, include_first_seen: bool = False
) -> pd.DataFrame:
    """Time to the second purchase: the share of customers still without one, day by day.

    In: customer facts (with the column `by`, if groups are wanted: `book.profile`). Out, as pandas,
    one row a group and distinct duration: `group` ("all" without `by`; missing values are
    "unknown"), `days` since the first occasion, `customers` (observed so long and still waiting just
    before that day), `survival` (Kaplan & Meier 1958: share without a second occasion), `lower`,
    `upper` (95%, Greenwood on the log-log scale), `share` (1 − survival: came back by then).
    Who has not come back is censored on the last observed day. Empty when nobody is left to follow.
    """
    rows = []
    for group, part in _waits(customers, by, include_first_seen).groupby("group", sort=True):
        fit = _fitted(part)
        at_risk = fit.event_table["at_risk"]
        band = fit.confidence_interval_survival_function_
        for day, alive, (low, high) in zip(
            fit.survival_function_.index,
            fit.survival_function_.iloc[:, 0],
            band.to_numpy(),
            strict=True,
        ):
            # The estimate starts at 1 and is certain there; lifelines leaves the band empty.
            sure = alive == 1
            rows.append(
                (
                    group,
                    int(day),
                    int(at_risk[day]),
                    alive,
                    1.0 if sure else low,
                    1.0 if sure else high,
                )
            )
    frame = pd.DataFrame(rows, columns=_CURVE)
    return frame.assign(share=1 - frame["survival"].astype(float))


@needs(lines=())
def time_to_second(
    customers: ir.Table,
    *,
    by: str | None = None,
    horizons: Sequence[int] = HORIZONS,
    include_first_seen: bool = False,
) -> pd.DataFrame:
    """How many come back for a second purchase within so many days, censoring respected.

    In: as in `survival`. Out, as pandas, one row a group and horizon: `group`, `customers`,
    `returned` (so far), `median_days` (by which half have come back; null if fewer than half do
    within the time observed), `within_days`, `share` (Kaplan–Meier: came back within so many days),
    `lower`, `upper` (95%); null when nobody of the group was observed for so long.
    """
    if not horizons or min(horizons) < 1:
        raise UsageError(f"horizons are days from 1 on, not {list(horizons)}.")
    rows = []
    for group, part in _waits(customers, by, include_first_seen).groupby("group", sort=True):
        fit, longest = _fitted(part), int(part["days"].max())
        median = float(fit.median_survival_time_)
        for days in horizons:
            share, low, high = _within(fit, days, longest).values()
            rows.append(
                {
                    "group": group,
                    "customers": int(part["weight"].sum()),
                    "returned": int(part.loc[part["returned"] == 1, "weight"].sum()),
                    "median_days": median if median < float("inf") else None,
                    "within_days": days,
                    "share": share,
                    "lower": low,
                    "upper": high,
                }
            )
    maybe = ["median_days", "share", "lower", "upper"]
    return pd.DataFrame(rows, columns=_SECOND).astype(dict.fromkeys(maybe, float))


def _chosen(customers: ir.Table, include_first_seen: bool) -> ir.Table:
    buyers = customers.filter(customers.first_on.notnull())
    return buyers if include_first_seen else buyers.filter(~buyers.is_first_seen)


def _gaps(customers: ir.Table, left_out: ir.Table, occasions: ir.Table, steps: int) -> ir.Table:
    """Closed gaps and each customer's open last one: number (of the occasion that ends the gap), days, returned, weight."""
    chosen = customers.select("customer_id", "occasions", "days_since_last")
    closed = occasions.filter(occasions.number >= 2, occasions.number <= steps + 1)
    closed = closed.anti_join(left_out, "customer_id")
    still_open = chosen.filter(chosen.occasions <= steps)
    every = closed.select("number", days="gap_days", returned=ibis.literal(1)).union(
        still_open.select(
            number=still_open.occasions + 1, days="days_since_last", returned=ibis.literal(0)
        )
    )
    return (
        every.group_by("number", "days", "returned")
        .agg(weight=every.count())
        .order_by("number", "days", "returned")
    )


def _waits(customers: ir.Table, by: str | None, include_first_seen: bool) -> pd.DataFrame:
    """The waits for the second occasion, compressed: group, days, returned, weight."""
    if by is not None and by not in customers.columns:
        raise UsageError(unknown("column of the customers", by, customers.columns))
    chosen = _chosen(customers, include_first_seen)
    group = ibis.literal("all") if by is None else chosen[by].cast("string").fill_null("unknown")
    waits = chosen.select(
        group=group,
        days=ibis.coalesce(chosen.second_on.delta(chosen.first_on, unit="day"), chosen["T"]),
        returned=chosen.second_on.notnull().cast("int64"),
    )
    return collect(
        waits.group_by("group", "days", "returned")
        .agg(weight=waits.count())
        .order_by("group", "days", "returned")
    )


def _fitted(waits: pd.DataFrame) -> Any:
    """lifelines' Kaplan–Meier fit of a compressed frame (days, returned, weight)."""
    from lifelines import KaplanMeierFitter

    return KaplanMeierFitter(alpha=1 - CONFIDENCE).fit(
        waits["days"], event_observed=waits["returned"], weights=waits["weight"]
    )


def _within(fit: Any, days: int, longest: int) -> dict[str, float | None]:
    """The share that came back within `days`, with its band.

    None beyond the longest observation, unless everyone had come back by then.
    """
    names = ("probability_within", "within_lower", "within_upper")
    if days > longest and float(fit.survival_function_.iloc[-1, 0]) > 0:
        return dict.fromkeys(names)
    band = fit.confidence_interval_survival_function_
    low, high = band.iloc[band.index.searchsorted(days, side="right") - 1]
    alive = float(fit.survival_function_at_times(days).iloc[0])
    if alive == 1:
        low = high = 1.0
    return dict(zip(names, (1 - alive, 1 - high, 1 - low), strict=True))


def _weighted_median(gaps: pd.DataFrame) -> float | None:
    """The median of durations given with their weights, as if each were written out."""
    total = int(gaps["weight"].sum())
    if not total:
        return None
    cumulative = gaps["weight"].cumsum().to_numpy()
    days = gaps["days"].to_numpy()
    middle = [
        days[cumulative.searchsorted(place, side="right")]
        for place in ((total - 1) // 2, total // 2)
    ]
    return float(sum(middle) / 2)


def _ordinal(number: int) -> str:
    ending = (
        "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number}{ending}"
