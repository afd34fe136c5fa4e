"""Lifecycle stages: where each customer stands, measured against its own cadence.

Every customer is in exactly one stage. `silence` is the time since the last occasion in multiples
of the gap expected of this customer, so the same 40 days are nothing for one who comes twice a year
and alarming for one who comes weekly. Rules, the first that holds:

| stage       | rule                                                                              |
|-------------|-----------------------------------------------------------------------------------|
| Prospect    | no purchase yet                                                                   |
| Lost        | silence > 6                                                                       |
| Dormant     | silence > 3                                                                       |
| At risk     | silence > 1.5                                                                     |
| Reactivated | the last gap was longer than 3 expected gaps: back from dormancy, one purchase ago  |
| New         | one occasion, after the warm-up                                                   |
| Established | own gaps weigh at least as much as the population's (4 occasions)                 |
| Developing  | everyone else; also who was first seen in the warm-up with one occasion           |

These are business rules on facts, no probabilities: a model's P(alive) is a second opinion beside
them, joined by customer.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.engine import collect
from crm_lib.needs import needs
from crm_lib.periods import YEAR_DAYS
from crm_lib.ratios import share_of
from crm_lib.stage_rules import DEFAULT, STAGES, Thresholds

COLUMNS = ("customer_id", "stage", "expected_gap_days", "silence", "return_multiple")


@needs(lines=())
def stage(
    customers: ir.Table,
    *,
    thresholds: Thresholds = DEFAULT,
    typical: float | None = None,
    carried: Sequence[str] = (),
) -> ir.Table:
    """The stage of every customer on the day of the facts.

    In: customer facts; `typical`: the gap of the whole population (`typical_gap`), where `customers`
    are only some of it; `carried`: further columns that go along. Out: one row a customer:
    `customer_id`, `stage`, `expected_gap_days` (see `Thresholds`), `silence` (days since the last
    occasion ÷ expected gap; null for a prospect), `return_multiple` (the last gap ÷ the gap expected
    before it; null with fewer than two occasions).

    A customer's own gap is the mean of its gaps: against companies whose leavers are known it told
    who had left better than the median did (decision 22). The population's typical gap is the median
    of the customers' own median gaps, each repeat customer counting once, so that a few slow ones do
    not stretch it. It is short of the truth: gaps still open on the last day are not in it. Where
    nobody has come back yet, the longest observation so far stands in. The gap expected before the
    last one is made of the earlier gaps alone: with the last gap among its own measures, no return
    would look long.
    """
    facts = _with_gaps(customers, carried)
    if typical is None:
        facts = facts.cross_join(_typical_gap(facts))
    else:
        facts = facts.mutate(typical=ibis.literal(float(typical), "float64"))
    facts = facts.mutate(
        expected_gap_days=_expected(facts.own, facts.gaps, facts.typical, thresholds),
        expected_before=_expected(facts.own_before, facts.gaps - 1, facts.typical, thresholds),
    )
    facts = facts.mutate(
        silence=facts.days_since_last / facts.expected_gap_days,
        return_multiple=facts.last_gap_days / facts.expected_before,
    )
    named = facts.mutate(stage=_rule(facts, thresholds))
    return named.select(*COLUMNS, *carried)


def _with_gaps(customers: ir.Table, carried: Sequence[str]) -> ir.Table:
    """What a stage follows from, with the number of own gaps, their mean, and that without the last one."""
    gaps = ibis.greatest(customers.occasions.fill_null(0) - 1, 0)
    span = customers.t_x.cast("float64")
    needed = (
        "customer_id", "occasions", "is_first_seen", "days_since_last", "last_gap_days", "T", "median_gap_days",
    )  # fmt: skip
    return customers.select(
        *dict.fromkeys((*needed, *carried)),
        gaps=gaps,
        own=span / gaps.nullif(0),
        own_before=(span - customers.last_gap_days) / (gaps - 1).nullif(0),
    )  # fmt: skip


@needs(lines=())
def typical_gap(customers: ir.Table) -> float:
    """The population's typical gap in days, as `stage` uses it. In: customer facts."""
    return float(collect(_typical_gap(customers))["typical"].iloc[0])


def _typical_gap(facts: ir.Table) -> ir.Table:
    """The population's typical gap, days, from the customers' own: one row, one column."""
    fallback = facts["T"].max().cast("float64")
    known = ibis.coalesce(facts.median_gap_days.median(), fallback, 1.0)
    return facts.agg(typical=ibis.greatest(known, 1.0))


def _expected(
    own: ir.NumericValue, gaps: ir.NumericValue, typical: ir.NumericValue, thresholds: Thresholds
) -> ir.NumericValue:
    """The own gap shrunk towards the typical one, with the weight of `gaps` own gaps."""
    weight = ibis.greatest(gaps, 0)
    prior = thresholds.prior_gaps
    shrunk = (weight * own.fill_null(0) + prior * typical) / (weight + prior)
    return ibis.greatest(shrunk, thresholds.shortest_gap_days)


def _rule(facts: ir.Table, limits: Thresholds) -> ir.StringValue:
    is_new = (facts.occasions == 1) & ~facts.is_first_seen
    return ibis.cases(
        (facts.occasions.fill_null(0) == 0, "Prospect"),
        (facts.silence > limits.lost, "Lost"),
        (facts.silence > limits.dormant, "Dormant"),
        (facts.silence > limits.at_risk, "At risk"),
        (facts.return_multiple > limits.dormant, "Reactivated"),
        (is_new, "New"),
        (facts.gaps >= limits.prior_gaps, "Established"),
        else_="Developing",
    )


@needs(lines=())
def sizes(stages: ir.Table, customers: ir.Table) -> ir.Table:
    """How many customers stand in each stage, and what they have bought.

    In: `stage` and the facts of the same day. Out: one row a stage, all eight in order of life:
    `stage`, `customers`, `share` (of customers), `revenue` (all time, net of returns),
    `revenue_share` (null where revenue does not exceed returns), `median_silence` (in expected gaps).
    """
    joined = _with(stages, customers, "revenue")
    grouped = joined.group_by("stage").agg(
        customers=joined.count(),
        revenue=joined.revenue.sum(),
        median_silence=joined.silence.median(),
    )
    every = ibis.memtable([{"number": i, "stage": name} for i, name in enumerate(STAGES)])
    listed = every.left_join(grouped, "stage").drop("stage_right")
    listed = listed.mutate(
        customers=listed.customers.fill_null(0), revenue=listed.revenue.fill_null(0)
    )
    return (
        listed.mutate(
            share=share_of(listed.customers, listed.customers.sum()),
            revenue_share=share_of(listed.revenue, listed.revenue.sum()),
        )
        .order_by("number")
        .select("stage", "customers", "share", "revenue", "revenue_share", "median_silence")
    )


@needs(lines=())
def at_risk(stages: ir.Table, customers: ir.Table) -> ir.Table:
    """Whom we may lose next: customers at risk or dormant, the most valuable first.

    In: `stage` and the facts of the same day. Out: one row a customer, ordered: `customer_id`, `name`
    (where the facts have it: `book.named`), `stage`, `days_since_last`, `expected_gap_days`, `silence`,
    `occasions`, `revenue`, `value_at_stake` (money a year: revenue since the first occasion, spread
    over the time since, and over a whole year where that is shorter; so nobody has more at stake than
    it ever brought). Customers whose returns eat up their purchases have nothing at stake and are left
    out.
    """
    name = [column for column in ("name",) if column in customers.columns]
    risky = stages.filter(stages.stage.isin(["At risk", "Dormant"]))
    risky = _with(risky, customers, *name, "days_since_last", "occasions", "revenue", "T")
    years = ibis.greatest((risky["T"] + 1) / YEAR_DAYS, 1.0)
    listed = risky.mutate(value_at_stake=risky.revenue.cast("float64") / years).filter(
        lambda t: t.value_at_stake > 0
    )
    return listed.order_by(ibis.desc("value_at_stake"), "customer_id").select(
        "customer_id",
        *name,
        "stage",
        "days_since_last",
        "expected_gap_days",
        "silence",
        "occasions",
        "revenue",
        "value_at_stake",
    )


@needs(lines=())
def at_stake(at_risk: ir.Table) -> pd.DataFrame:
    """All customers at risk or dormant together: customers, value_at_stake (money a year). In: `at_risk`."""
    stake = at_risk.value_at_stake.sum().fill_null(0.0)
    return collect(at_risk.agg(customers=at_risk.count(), value_at_stake=stake))


def _with(stages: ir.Table, customers: ir.Table, *names: str) -> ir.Table:
    """`stages` with these facts, those that it lacks from `customers`."""
    lacking = [name for name in names if name not in stages.columns]
    if not lacking:
        return stages
    return stages.join(customers.select("customer_id", *lacking), "customer_id")
