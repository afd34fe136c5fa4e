"""Figures: draw functions `(ax, frame, **options) -> ax`, one file a subject.

They draw a frame that was made for them and never aggregate; the finding above a figure is its title.
"""

from __future__ import annotations

from crm_lib.present.figures.base import customer_flow, decomposition, revenue_by_month
from crm_lib.present.figures.lifecycle import (
    cohort_triangle,
    days_to_second,
    repeat_ladder,
    stage_sizes,
    survival,
    transition_matrix,
)
from crm_lib.present.figures.lifetime import (
    calibration,
    clv_by_group,
    customer_equity,
    frequency,
    levers,
    tracking,
)
from crm_lib.present.figures.profit import (
    cost_to_serve,
    payback,
    profit_bridge,
    profit_by_month,
    tenure_years,
    whale_curve,
)
from crm_lib.present.figures.quality import volume_by_day
from crm_lib.present.figures.segments import lorenz, profile_bars, rfm_grid, segment_sizes

__all__ = [
    "calibration",
    "clv_by_group",
    "cohort_triangle",
    "cost_to_serve",
    "customer_equity",
    "customer_flow",
    "days_to_second",
    "decomposition",
    "frequency",
    "levers",
    "lorenz",
    "payback",
    "profile_bars",
    "profit_bridge",
    "profit_by_month",
    "repeat_ladder",
    "revenue_by_month",
    "rfm_grid",
    "segment_sizes",
    "stage_sizes",
    "survival",
    "tenure_years",
    "tracking",
    "transition_matrix",
    "volume_by_day",
    "whale_curve",
]
