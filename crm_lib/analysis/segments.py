"""Segments: who bought recently, often and for how much (RFM), and tiers by value.

All functions read the facts: one row a customer as of a day. Scores come from published cut
points, so that equal customers get equal scores and the scores do not depend on the order of
rows or on the currency's unit. The map from scores to segments is configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import ibis
import ibis.expr.types as ir
import pandas as pd
from pydantic import BaseModel, ConfigDict, model_validator

from crm_lib.engine import collect
from crm_lib.errors import UsageError, listing, unknown
from crm_lib.needs import needs
from crm_lib.ratios import ratio, share_of
from crm_lib.segment_map import DEFAULT, NO_PURCHASE, SegmentMap

FACTS = ("customer_id", "days_since_last", "occasions", "revenue", "is_first_seen")
"""The facts that go along with a customer's class."""
RFM = (*FACTS, "recency_score", "frequency_score", "monetary_score", "segment")
"""The columns of `rfm`."""

NO_REVENUE = "Zero or negative"
"""Value tier of a customer whose returns equal or exceed the purchases."""

NOT_IN_BASE = "Not in the base"
"""In a comparison of two days: unknown on that day."""

_WHOLE = ibis.window()


class CutPoints(BaseModel):
    """The values at which a customer reaches the scores 2, 3, …; `None`: nobody reaches that score.

    `recency` in days since the last purchase (at most), `frequency` in purchase occasions and
    `monetary` in revenue, net of returns (at least). Serialise with `model_dump_json()`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    recency: tuple[int | None, ...]
    frequency: tuple[int | None, ...]
    monetary: tuple[Decimal | None, ...]

    @model_validator(mode="after")
    def _same_scores(self) -> CutPoints:
        if len({len(self.recency), len(self.frequency), len(self.monetary)}) != 1:
            raise ValueError("recency, frequency and monetary need equally many cut points")
        return self

    @property
    def scores(self) -> int:
        """The highest score."""
        return len(self.recency) + 1

    def frame(self) -> pd.DataFrame:
        """A small frame to publish: measure, unit, score, direction, reached_at.

        One row a measure and score from 2 up; every other customer has score 1. `reached_at` is
        missing where no customer reaches the score; where two scores are reached at the same
        value, customers get the higher.
        """
        measures = (
            ("Days since last purchase", "days", "at most", self.recency),
            ("Purchase occasions", "occasions", "at least", self.frequency),
            ("Revenue", "currency", "at least", self.monetary),
        )
        rows = [
            (name, unit, score, direction, float("nan") if value is None else float(value))
            for name, unit, direction, values in measures
            for score, value in enumerate(values, start=2)
        ]
        return pd.DataFrame(rows, columns=["measure", "unit", "score", "direction", "reached_at"])


@needs(lines=())
def cut_points(customers: ir.Table, scores: int = 5) -> CutPoints:
    """Values at which recency, frequency and revenue reach each score, from the customers as found.

    Base: customers with at least one purchase occasion. The cut for score s is the
    (s - 1)/`scores` quantile of the mid-distribution function F(v) - p(v)/2 (Parzen 2004,
    "Quantile probability and statistical data modeling"): customers of equal value sit at the
    middle of the places they take, so ties favour neither end, and where all are equal all get
    the middle score. Computed exactly in the engine.
    """
    if scores < 2:
        raise UsageError(f"Scores need at least two levels, not {scores}.")
    bought = customers.filter(customers.days_since_last.notnull())
    recency = _reached_at(bought, -bought.days_since_last, scores)
    frequency = _reached_at(bought, bought.occasions, scores)
    return CutPoints(
        recency=tuple(None if cut is None else -int(cut) for cut in recency),
        frequency=tuple(None if cut is None else int(cut) for cut in frequency),
        monetary=tuple(_reached_at(bought, bought.revenue, scores)),
    )


def _reached_at(base: ir.Table, value: ir.NumericValue, scores: int) -> list[Decimal | None]:
    """The lowest value with score 2, 3, …: exact integer arithmetic over the distinct values."""
    counts = base.group_by(value=value).aggregate(n=lambda t: t.count())
    up_to = counts.n.sum().over(ibis.cumulative_window(order_by="value"))
    score = 1 + ((2 * up_to - counts.n) * scores) // (2 * counts.n.sum().over(_WHOLE))
    lowest = counts.mutate(score=score).group_by("score").aggregate(lowest=lambda t: t.value.min())
    # As text, because a float would not hold every amount exactly.
    found = collect(lowest.mutate(lowest=lowest.lowest.cast("string")).order_by("score"))
    cuts = []
    for level in range(2, scores + 1):
        reached = found.lowest[found.score >= level]
        cuts.append(Decimal(reached.iloc[0]) if len(reached) else None)
    return cuts


@needs(lines=())
def rfm(
    customers: ir.Table,
    *,
    cuts: CutPoints | None = None,
    segments: SegmentMap = DEFAULT,
    carried: Sequence[str] = (),
) -> ir.Table:
    """Each customer's recency, frequency and monetary score and segment.

    One row a customer: customer_id, days_since_last (days), occasions, revenue, is_first_seen
    (where the facts have it), recency_score, frequency_score, monetary_score (1 to 5, 5 is best)
    and segment. Customers without an occasion have null scores and the segment "No purchase".
    `cuts`: cut points to score by, such as those of another day; by default the customers' own.
    `carried`: further columns that go along.
    Raises UsageError when `cuts` and `segments` have different numbers of scores.
    """
    cuts = cut_points(customers, segments.scores) if cuts is None else cuts
    if cuts.scores != segments.scores:
        raise UsageError(
            f"The cut points make {cuts.scores} scores, the segment map expects {segments.scores}."
        )
    bought = customers.days_since_last.notnull()
    scored = customers.select(
        *_carried(customers),
        *carried,
        recency_score=_score(-customers.days_since_last, _negated(cuts.recency), bought),
        frequency_score=_score(customers.occasions, cuts.frequency, bought),
        monetary_score=_score(customers.revenue, cuts.monetary, bought),
    )
    return scored.mutate(segment=_segment(scored, segments))


def _segment(scored: ir.Table, segments: SegmentMap) -> ir.StringValue:
    branches = []
    for rule in segments.rules:
        inside = scored.recency_score.between(*rule.recency)
        inside &= scored.frequency_score.between(*rule.frequency)
        if rule.monetary:
            inside &= scored.monetary_score.between(*rule.monetary)
        branches.append((inside, rule.name))
    return ibis.cases(*branches, else_=NO_PURCHASE)


def meanings(segments: SegmentMap = DEFAULT) -> pd.DataFrame:
    """A small frame, one row a segment in the order of the map: segment, meaning, action."""
    first = {rule.name: rule for rule in reversed(segments.rules)}
    rows = [(name, first[name].meaning, first[name].action) for name in segments.names]
    rows.append((NO_PURCHASE, "Known, but has not bought yet", "Invite to a first purchase"))
    return pd.DataFrame(rows, columns=["segment", "meaning", "action"])


def _negated(cuts: Sequence[int | None]) -> list[int | None]:
    return [None if cut is None else -cut for cut in cuts]


def _score(
    value: ir.NumericValue, cuts: Sequence[int | Decimal | None], bought: ir.BooleanValue
) -> ir.IntegerValue:
    """1 + the number of cut points reached; null for those who never bought."""
    score = ibis.literal(1, "int64")
    for cut in cuts:
        if cut is not None:
            bound = ibis.literal(str(cut)).cast(value.type())
            score += (value >= bound).ifelse(1, 0)
    return bought.ifelse(score, ibis.null("int64"))


def _carried(customers: ir.Table) -> list[str]:
    """The facts that go along with a customer's class."""
    return [column for column in FACTS if column in customers.columns]


TIERS: tuple[tuple[str, float], ...] = (
    ("Top 20%", 0.2),
    ("Next 30%", 0.5),
    ("Lower 50%", 1.0),
)
"""Value tiers, best first, each with the share of customers from the top where it ends."""


@needs(lines=())
def value_tiers(
    customers: ir.Table,
    *,
    tiers: Sequence[tuple[str, float]] = TIERS,
    levels: ir.Table | None = None,
    carried: Sequence[str] = (),
) -> ir.Table:
    """Each customer's tier by revenue net of returns.

    One row a customer: customer_id, days_since_last, occasions, revenue, is_first_seen (where the
    facts have it), revenue_rank (1 = most; equal revenue, equal rank; null without an occasion)
    and value_tier. A customer is in the tier that ends at the share p when fewer than p of the
    customers with an occasion have more revenue: equal customers share a tier, which may then hold
    more than its share. Zero or negative revenue, and no purchase, are tiers of their own.
    `levels`: of the whole base (`revenue_levels`), where `customers` are only some of it. `carried`:
    further columns that go along.
    Raises UsageError when the shares do not rise to 1.
    """
    ends = [end for _, end in tiers]
    if not ends or ends[-1] != 1 or any(b <= a for a, b in zip([0.0, *ends], ends, strict=False)):
        raise UsageError(f"Value tiers need shares that rise to 1, not {listing(map(str, ends))}.")
    bought = customers.days_since_last.notnull()
    known = (*_carried(customers), *carried)
    kept = customers.select(*known, paid=bought.ifelse(customers.revenue, None))
    levels = revenue_levels(customers) if levels is None else levels
    ranked = kept.left_join(levels, "paid").drop("paid", "paid_right")
    branches = [(ranked.above.isnull(), NO_PURCHASE), (ranked.revenue <= 0, NO_REVENUE)]
    for name, end in tiers:
        share = Fraction(str(end))
        inside = ranked.above * share.denominator < ranked.buyers * share.numerator
        branches.append((inside, name))
    tier = ibis.cases(*branches, else_=tiers[-1][0])
    return ranked.mutate(revenue_rank=ranked.above + 1, value_tier=tier).drop("above", "buyers")


def revenue_levels(customers: ir.Table) -> ir.Table:
    """One row a distinct revenue `paid` by buyers: above (buyers who paid more), buyers (all)."""
    bought = customers.filter(customers.days_since_last.notnull())
    levels = bought.group_by(paid=bought.revenue).agg(here=bought.count())
    as_much = levels.here.sum().over(ibis.cumulative_window(order_by=levels.paid.desc()))
    return levels.select("paid", above=as_much - levels.here, buyers=levels.here.sum().over(_WHOLE))


@needs(lines=())
def sizes(classified: ir.Table, by: str = "segment") -> ir.Table:
    """Size and value of each segment or tier; the parts add up to the whole.

    One row a class, most revenue first: customers, customers_share (of all customers in the
    table), revenue, revenue_share (of their revenue, net of returns; null where that is not
    positive), revenue_per_customer, occasions_per_customer, median_days_since_last (days).
    Raises UsageError for a column that does not exist.
    """
    if by not in classified.columns:
        raise UsageError(unknown("column", by, classified.columns))
    parts = classified.group_by(by).aggregate(
        customers=lambda t: t.count(),
        revenue=lambda t: t.revenue.sum().fill_null(0),
        occasions=lambda t: t.occasions.sum().fill_null(0),
        median_days_since_last=lambda t: t.days_since_last.median(),
    )
    return parts.select(
        by,
        "customers",
        customers_share=parts.customers / parts.customers.sum().over(_WHOLE),
        revenue=parts.revenue,
        revenue_share=share_of(parts.revenue, parts.revenue.sum().over(_WHOLE)),
        revenue_per_customer=ratio(parts.revenue, parts.customers),
        occasions_per_customer=parts.occasions / parts.customers,
        median_days_since_last=parts.median_days_since_last,
    ).order_by(ibis.desc("revenue"), by)


@needs(lines=())
def grid(scored: ir.Table) -> ir.Table:
    """How many customers have each pair of recency and frequency score.

    `scored` is a result of `rfm`. One row a pair that occurs: recency_score, frequency_score,
    customers, revenue. Customers without an occasion have no scores and are left out.
    """
    rated = scored.filter(scored.recency_score.notnull())
    return (
        rated.group_by("recency_score", "frequency_score")
        .aggregate(customers=rated.count(), revenue=rated.revenue.sum())
        .order_by("recency_score", "frequency_score")
    )


@needs(lines=())
def segment_changes(before: ir.Table, now: ir.Table | None, by: str = "segment") -> ir.Table:
    """Who moved from which segment (or tier) to which between two days.

    `before` and `now` are results of `rfm` or `value_tiers`. Score both by the same cut points:
    with each day's own, a customer also moves because others did. One row a pair of segments that
    occurs: before, now, customers, share_of_before (of the customers in that segment before),
    revenue_before, revenue_now. A customer unknown on one of the days is "Not in the base" there. Without
    `now`, `before` carries was_known (on that day), now_`by` and now_revenue (null: unknown now).
    Raises UsageError for a column that does not exist.
    """
    for table in (before, before if now is None else now):
        if by not in table.columns:
            raise UsageError(unknown("column", by, table.columns))
    if now is None:
        nobody = ibis.null(before.revenue.type())
        both = before.select(
            before=before.was_known.ifelse(before[by], None),
            now=before[f"now_{by}"],
            revenue_before=before.was_known.ifelse(before.revenue, nobody),
            revenue_now="now_revenue",
        )
    else:
        earlier = before.select("customer_id", before=before[by], revenue_before=before.revenue)
        later = now.select("customer_id", now=now[by], revenue_now=now.revenue)
        both = earlier.outer_join(later, "customer_id")
    moves = both.mutate(
        before=lambda t: t.before.fill_null(NOT_IN_BASE),
        now=lambda t: t.now.fill_null(NOT_IN_BASE),
    )
    pairs = moves.group_by("before", "now").aggregate(
        customers=lambda t: t.count(),
        revenue_before=lambda t: t.revenue_before.sum().fill_null(0),
        revenue_now=lambda t: t.revenue_now.sum().fill_null(0),
    )
    of_before = pairs.customers.sum().over(group_by="before")
    return pairs.select(
        "before",
        "now",
        "customers",
        share_of_before=pairs.customers / of_before,
        revenue_before=pairs.revenue_before,
        revenue_now=pairs.revenue_now,
    ).order_by("before", "now")
