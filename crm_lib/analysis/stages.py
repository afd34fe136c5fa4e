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

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from crm_lib.engine import collect
from crm_lib.errors import UsageError, unknown
from crm_lib.needs import needs

STAGES = (
    "Prospect",
    "New",
    "Developing",
    "Established",
    "Reactivated",
    "At risk",
    "Dormant",
    "Lost",
)
"""All stages, in the order of a customer's life."""
NOT_YET = "Not yet a customer"
"""In a comparison of two days: unknown on the earlier one."""
NO_LONGER = "No longer listed"
"""In a comparison of two days: unknown on the later one."""

_YEAR_DAYS = 365.25


class Thresholds(BaseModel):
    """The limits of the stages, in multiples of the customer's expected gap.

    `prior_gaps`: how many own gaps the population's typical gap is worth. With n own gaps, the
    expected gap is n/(n+prior_gaps) own median + prior_gaps/(n+prior_gaps) population, and from
    n = prior_gaps on a customer counts as established. `shortest_gap_days`: no expected gap is
    shorter; a shop where many come every other day sets 7, so that a long weekend is no silence.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_risk: float = Field(default=1.5, gt=0)
    dormant: float = 3.0
    lost: float = 6.0
    prior_gaps: float = Field(default=3.0, gt=0)
    shortest_gap_days: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _rising(self) -> Thresholds:
        if not self.at_risk < self.dormant < self.lost:
            raise ValueError(
                "the limits must rise: at_risk < dormant < lost, "
                f"not {self.at_risk:g}, {self.dormant:g}, {self.lost:g}"
            )
        return self

    @classmethod
    def of(cls, configured: Mapping[str, float]) -> Thresholds:
        """The thresholds as `stages:` of `dataset.yml` changes them.

        Raises UsageError for an unknown name, a value that is no number or limits that do not rise.
        """
        for name in configured:
            if name not in cls.model_fields:
                raise UsageError("stages: " + unknown("threshold", name, cls.model_fields))
        try:
            return cls.model_validate(dict(configured))
        except ValidationError as error:
            text = error.errors()[0]["msg"].removeprefix("Value error, ")
            place = "".join(f"{part}: " for part in error.errors()[0]["loc"])
            raise UsageError(f"stages: {place}{text}.") from None


DEFAULT = Thresholds()


@needs(lines=())
def stage(customers: ir.Table, *, thresholds: Thresholds = DEFAULT) -> ir.Table:
    """The stage of every customer on the day of the facts.

    In: customer facts. Out: one row a customer: `customer_id`, `stage`, `expected_gap_days`
    (see `Thresholds`), `silence` (days since the last occasion ÷ expected gap; null for
    a prospect), `return_multiple` (the last gap ÷ the gap expected before it; null with fewer than
    two occasions).

    The population's typical gap is the median of the customers' own median gaps, each repeat
    customer counting once. It is short of the truth: gaps still open on the last day are not in it.
    Where nobody has come back yet, the longest observation so far stands in. The gap expected
    before the last one takes the mean of the earlier gaps for the own part, which is what the facts
    keep of them: with the last gap among its own measures, no return would look long.
    """
    gaps = ibis.greatest(customers.occasions.fill_null(0) - 1, 0)
    span = (customers.t_x - customers.last_gap_days).cast("float64")
    facts = customers.select(
        "customer_id",
        "occasions",
        "is_first_seen",
        "days_since_last",
        "last_gap_days",
        gaps=gaps,
        own=customers.median_gap_days.fill_null(0),
        own_before=(span / (gaps - 1).nullif(0)).fill_null(0),
    )
    facts = facts.cross_join(_typical_gap(customers))
    facts = facts.mutate(
        expected_gap_days=_expected(facts.own, facts.gaps, facts.typical, thresholds),
        expected_before=_expected(facts.own_before, facts.gaps - 1, facts.typical, thresholds),
    )
    facts = facts.mutate(
        silence=facts.days_since_last / facts.expected_gap_days,
        return_multiple=facts.last_gap_days / facts.expected_before,
    )
    named = facts.mutate(stage=_rule(facts, thresholds))
    return named.select("customer_id", "stage", "expected_gap_days", "silence", "return_multiple")


def _typical_gap(customers: ir.Table) -> ir.Table:
    """The population's typical gap, days: one row, one column."""
    fallback = customers["T"].max().cast("float64")
    known = ibis.coalesce(customers.median_gap_days.median(), fallback, 1.0)
    return customers.agg(typical=ibis.greatest(known, 1.0))


def _expected(
    own: ir.NumericValue, gaps: ir.NumericValue, typical: ir.NumericValue, thresholds: Thresholds
) -> ir.NumericValue:
    """The own gap shrunk towards the typical one, with the weight of `gaps` own gaps."""
    weight = ibis.greatest(gaps, 0)
    prior = thresholds.prior_gaps
    shrunk = (weight * own + prior * typical) / (weight + prior)
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
    `revenue_share` (null when there is no revenue), `median_silence` (in expected gaps).
    """
    joined = stages.join(customers.select("customer_id", "revenue"), "customer_id")
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
            share=_share(listed.customers, listed.customers.sum()),
            revenue_share=_share(listed.revenue, listed.revenue.sum()),
        )
        .order_by("number")
        .select("stage", "customers", "share", "revenue", "revenue_share", "median_silence")
    )


@needs(lines=())
def transitions(before: ir.Table, after: ir.Table) -> ir.Table:
    """How customers moved between the stages of two days; balanced.

    In: `stage` of an earlier and of a later day. Out: one row a pair of stages, in order of life and
    with zeros: `from_stage`, `to_stage`, `customers`, `share` (of those who stood in `from_stage`;
    null when nobody did). Rows add up to the sizes before, columns to the sizes after; who was
    unknown on the earlier day comes from "Not yet a customer".
    """
    earlier = before.select("customer_id", from_stage="stage")
    later = after.select("customer_id", to_stage="stage")
    moved = earlier.outer_join(later, "customer_id").select(
        from_stage=lambda t: t.from_stage.fill_null(NOT_YET),
        to_stage=lambda t: t.to_stage.fill_null(NO_LONGER),
    )
    counted = moved.group_by("from_stage", "to_stage").agg(customers=moved.count())
    froms = enumerate((NOT_YET, *STAGES))
    tos = enumerate((*STAGES, NO_LONGER))
    grid = ibis.memtable([{"row": i, "from_stage": name} for i, name in froms]).cross_join(
        ibis.memtable([{"column": i, "to_stage": name} for i, name in tos])
    )
    cells = grid.left_join(counted, ["from_stage", "to_stage"]).drop(
        "from_stage_right", "to_stage_right"
    )
    cells = cells.mutate(customers=cells.customers.fill_null(0))
    total = cells.customers.sum().over(ibis.window(group_by="from_stage"))
    cells = cells.mutate(share=_share(cells.customers, total))
    # Nobody leaves a customer list as a rule: the column is there only when it is needed.
    cells = cells.filter((cells.to_stage != NO_LONGER) | (cells.customers > 0))
    return cells.order_by("row", "column").select("from_stage", "to_stage", "customers", "share")


def _share(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    return part.cast("float64") / whole.cast("float64").nullif(0)


@needs(lines=())
def expected_time_in_stage(moves: ir.Table, *, before: date, after: date) -> pd.DataFrame:
    """How long a stay in each stage lasts, if customers go on moving as between these two days.

    In: `transitions` between `before` and `after`; the days between are the step of the chain.
    Out, as pandas (eight rows, from a matrix inverse): `stage`, `customers` (before), `stay` (share
    still, or again, there a step later), `expected_days` in the stage (step ÷ (1 − stay); null when
    nobody left), `days_until_lost` (expected time to the first day as Lost, from the fundamental
    matrix (I − Q)⁻¹; null where that is not certain to come). `step_days` repeats the step.
    Source: Kemeny & Snell 1976, Finite Markov Chains, ch. 3.

    A rough guide: it takes the moves of one step for those of every step, and a stay shorter than
    a step goes unseen.
    """
    step = (after - before).days
    if step < 1:
        raise UsageError(
            f"The later day must come after the earlier one, not {after} after {before}."
        )
    frame = collect(moves)
    names = list(STAGES)
    counts = frame.pivot(index="from_stage", columns="to_stage", values="customers")
    counts = counts.reindex(index=names, columns=names, fill_value=0).fillna(0).astype(float)
    total = counts.sum(axis=1).to_numpy()
    with np.errstate(invalid="ignore"):
        chain = counts.to_numpy() / total[:, None]
    stay = np.diag(chain)
    with np.errstate(divide="ignore"):
        stays = np.where(stay < 1, step / (1 - stay), np.nan)
    return pd.DataFrame(
        {
            "stage": names,
            "customers": total.astype(int),
            "stay": stay,
            "expected_days": stays,
            "days_until_lost": step * _steps_until(chain, names.index("Lost")),
            "step_days": step,
        }
    )


def _steps_until(chain: NDArray[np.float64], end: int) -> NDArray[np.float64]:
    """Expected steps from each state to `end`; NaN where the chain may never come there."""
    chain = np.nan_to_num(chain)
    states = len(chain)
    absorbed = chain.copy()
    absorbed[end] = np.eye(states)[end]
    links = ((absorbed > 0) | np.eye(states, dtype=bool)).astype(float)
    paths: NDArray[np.float64] = np.linalg.matrix_power(links, states)
    reach = np.greater(paths, 0)
    # Certain to end: every state it can reach can itself reach the end.
    certain = [bool(np.all(reach[reach[i], end])) for i in range(states)]
    inner = [i for i in range(states) if certain[i] and i != end]
    steps = np.full(states, np.nan)
    steps[end] = 0.0
    if inner:
        kept = absorbed[np.ix_(inner, inner)]
        steps[inner] = np.linalg.solve(np.eye(len(inner)) - kept, np.ones(len(inner)))
    return steps


@needs(lines=())
def bought_since(stages: ir.Table, occasions: ir.Table, since: date) -> pd.DataFrame:
    """How right the stages were: who of each stage on the day `since` bought from that day on.

    In: `stage` as of `since`, and purchase occasions up to a later day. Out, as pandas, one row a
    stage that held anybody, in order of life: `stage`, `customers`, `bought`, `share` (bought ÷
    customers) with its Wilson interval `lower`, `upper` (95%). Nobody can be lost and come back:
    a stage is a rule on silence, and this says how often the rule was wrong.
    """
    from statsmodels.stats.proportion import proportion_confint

    later = occasions.filter(occasions.on >= ibis.literal(since))
    buyers = later.select("customer_id").distinct().mutate(has_bought=True)
    joined = stages.left_join(buyers, "customer_id").drop("customer_id_right")
    counted = joined.group_by("stage").agg(
        customers=joined.count(), bought=joined.has_bought.fill_null(False).sum()
    )
    frame = collect(counted).set_index("stage")
    frame = frame.loc[[name for name in STAGES if name in frame.index]].reset_index()
    frame["share"] = frame["bought"] / frame["customers"]
    low, high = proportion_confint(frame["bought"], frame["customers"], method="wilson")
    return frame.assign(lower=low, upper=high)


@needs(lines=())
def at_risk(stages: ir.Table, customers: ir.Table) -> ir.Table:
    """Whom we may lose next: customers at risk or dormant, the most valuable first.

    In: `stage` and the facts of the same day. Out: one row a customer, ordered: `customer_id`,
    `stage`, `days_since_last`, `expected_gap_days`, `silence`, `occasions`, `revenue`,
    `value_at_stake` (money a year: revenue since the first occasion, spread over the time since, and
    over a whole year where that is shorter; so nobody has more at stake than it ever brought).
    Customers whose returns eat up their purchases have nothing at stake and are left out.
    """
    facts = customers.select("customer_id", "days_since_last", "occasions", "revenue", "T")
    risky = stages.filter(stages.stage.isin(["At risk", "Dormant"])).join(facts, "customer_id")
    years = ibis.greatest((risky["T"] + 1) / _YEAR_DAYS, 1.0)
    listed = risky.mutate(value_at_stake=risky.revenue.cast("float64") / years).filter(
        lambda t: t.value_at_stake > 0
    )
    return listed.order_by(ibis.desc("value_at_stake"), "customer_id").select(
        "customer_id",
        "stage",
        "days_since_last",
        "expected_gap_days",
        "silence",
        "occasions",
        "revenue",
        "value_at_stake",
    )
