"""Every number and sentence that a stakeholder reads is written here and nowhere else."""

from __future__ import annotations

from crm_lib.present.words.catalogue import say
from crm_lib.present.words.format import (
    UNITS,
    bare,
    change,
    check_unit,
    count,
    counted,
    day,
    days,
    is_missing,
    is_numeric,
    known_currency,
    listed,
    money,
    month,
    months,
    percent,
    points,
    ratio,
    through,
    unit_label,
    value,
)

__all__ = [
    "UNITS",
    "bare",
    "change",
    "check_unit",
    "count",
    "counted",
    "day",
    "days",
    "is_missing",
    "is_numeric",
    "known_currency",
    "listed",
    "money",
    "month",
    "months",
    "percent",
    "points",
    "ratio",
    "say",
    "through",
    "unit_label",
    "value",
]
