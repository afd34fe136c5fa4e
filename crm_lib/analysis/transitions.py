"""Transitions: how customers moved between the lifecycle stages of two days, and what came of them."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib.engine import collect, kept
from crm_lib.errors import UsageError
from crm_lib.needs import needs
from crm_lib.stage_rules import STAGES

NOT_YET = "Not yet a customer"
"""In a comparison of two days: unknown on the earlier one."""
NO_LONGER = "No longer listed"
"""In a comparison of two days: unknown on the later one."""


@needs(lines=())
def counted(compared: ir.Table) -> ir.Table:
    """What became of customers since an earlier day, in few rows, for `matrix` and `bought_since`.

    In: `stages.stage` of the earlier day, carrying was_known (then), now_stage (null: unknown now) and
    has_bought (from that day on). Out: one row each of these with stage: customers.
    """
    kinds = compared.group_by("was_known", "stage", "now_stage", "has_bought")
    return kept(kinds.agg(customers=compared.count()))


@needs(lines=())
def matrix(before: ir.Table, after: ir.Table | None = None) -> ir.Table:
    """How customers moved between the stages of two days; balanced.

    In: `stages.stage` of an earlier and of a later day; or `counted` alone. Out: one row a pair of
    stages, in order of life and with zeros: `from_stage`, `to_stage`, `customers`, `share` (of those
    who stood in `from_stage`; null when nobody did). Rows add up to the sizes before, columns to the
    sizes after; who was unknown on the earlier day comes from "Not yet a customer".
    """
    if after is None:
        from_stage = before.was_known.ifelse(before.stage, None)
        both = before.select("customers", from_stage=from_stage, to_stage=before.now_stage)
    else:
        earlier = before.select("customer_id", from_stage="stage")
        later = after.select("customer_id", to_stage="stage")
        both = earlier.outer_join(later, "customer_id").mutate(customers=1)
    moved = both.select(
        "customers",
        from_stage=lambda t: t.from_stage.fill_null(NOT_YET),
        to_stage=lambda t: t.to_stage.fill_null(NO_LONGER),
    )
    found = moved.group_by("from_stage", "to_stage").agg(customers=moved.customers.sum())
    froms = enumerate((NOT_YET, *STAGES))
    tos = enumerate((*STAGES, NO_LONGER))
    grid = ibis.memtable([{"row": i, "from_stage": name} for i, name in froms]).cross_join(
        ibis.memtable([{"column": i, "to_stage": name} for i, name in tos])
    )
    cells = grid.left_join(found, ["from_stage", "to_stage"]).drop(
        "from_stage_right", "to_stage_right"
    )
    cells = cells.mutate(customers=cells.customers.fill_null(0))
    total = cells.customers.sum().over(ibis.window(group_by="from_stage"))
    cells = cells.mutate(share=cells.customers.cast("float64") / total.nullif(0))
    # Nobody leaves a customer list as a rule: the column is there only when it is needed.
    cells = cells.filter((cells.to_stage != NO_LONGER) | (cells.customers > 0))
    return cells.order_by("row", "column").select("from_stage", "to_stage", "customers", "share")


@needs(lines=())
def expected_time_in_stage(
    moves: ir.Table | pd.DataFrame, *, before: date, after: date
) -> pd.DataFrame:
    """How long a stay in each stage lasts, if customers go on moving as between these two days.

    In: `matrix`, perhaps collected, between `before` and `after`; the days between are the step of the chain.
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
    frame = moves if isinstance(moves, pd.DataFrame) else collect(moves)
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
def bought_since(stages: ir.Table, occasions: ir.Table | None, since: date) -> pd.DataFrame:
    """How right the stages were: who of each stage on the day `since` bought from that day on.

    In: `stage` as of `since`, and purchase occasions up to a later day; or `counted` alone. Out, as pandas,
    one row a stage that held anybody, in order of life: `stage`, `customers`, `bought`, `share` (bought ÷
    customers) with its Wilson interval `lower`, `upper` (95%). Nobody can be lost and come back:
    a stage is a rule on silence, and this says how often the rule was wrong.
    """
    from statsmodels.stats.proportion import proportion_confint

    if occasions is None:
        joined = stages.filter(stages.was_known)
    else:
        later = occasions.filter(occasions.on >= ibis.literal(since))
        buyers = later.select("customer_id").distinct().mutate(has_bought=True)
        joined = stages.left_join(buyers, "customer_id").drop("customer_id_right")
        joined = joined.mutate(customers=1)
    bought = joined.customers.sum(where=joined.has_bought).fill_null(0)
    counts = joined.group_by("stage").agg(customers=joined.customers.sum(), bought=bought)
    frame = collect(counts).set_index("stage")
    frame = frame.loc[[name for name in STAGES if name in frame.index]].reset_index()
    frame["share"] = frame["bought"] / frame["customers"]
    low, high = proportion_confint(frame["bought"], frame["customers"], method="wilson")
    return frame.assign(lower=low, upper=high)
