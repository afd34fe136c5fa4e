"""One sentence from one frame: what a figure or table shows, computed from the same rows.

Every function takes a small pandas frame, as the figure beside it does, and returns a whole sentence
from `present.words`. A frame with nothing to say gives a sentence that says so.
"""

from __future__ import annotations

from crm_lib.present.sentences.base import (
    customer_base,
    customer_flow,
    decomposition,
    flow_base,
    flow_revenue,
    months,
)
from crm_lib.present.sentences.lifecycle import (
    at_risk,
    bought_since,
    cohorts,
    ladder,
    ladder_base,
    second_purchase,
    stage_values,
    stages,
    transitions,
)
from crm_lib.present.sentences.quality import (
    coverage,
    reconciliation,
    verdict,
    volume,
    volume_window,
)
from crm_lib.present.sentences.segments import (
    clusters,
    concentration,
    gini,
    grid,
    habits,
    moves,
    over_index,
    preferences,
    profile,
    segment_gap,
    segments,
    tiers,
)

__all__ = [
    "at_risk",
    "bought_since",
    "clusters",
    "cohorts",
    "concentration",
    "coverage",
    "customer_base",
    "customer_flow",
    "decomposition",
    "flow_base",
    "flow_revenue",
    "gini",
    "grid",
    "habits",
    "ladder",
    "ladder_base",
    "months",
    "moves",
    "over_index",
    "preferences",
    "profile",
    "reconciliation",
    "second_purchase",
    "segment_gap",
    "segments",
    "stage_values",
    "stages",
    "tiers",
    "transitions",
    "verdict",
    "volume",
    "volume_window",
]
