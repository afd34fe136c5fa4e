"""Dates as GX sees them: whole days since 1970-01-01. (On datetimes a check costs 25 times as much.)"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import ibis
import ibis.expr.types as ir

from crm_lib import schema
from crm_lib.errors import UsageError

EARLIEST, LATEST = "1901-01-01", "2199-12-31"
"""Days outside stand for "unknown" in many systems: 1900-01-01, 9999-12-31."""
_EPOCH = date(1970, 1, 1).toordinal()
_BOUNDS = ("min_value", "max_value", "value_set", "parameter")


def is_told(day: ir.DateValue) -> ir.BooleanValue:
    """Does it say a day, rather than stand for "unknown"? Null where there is none."""
    return day.between(ibis.literal(EARLIEST).cast("date"), ibis.literal(LATEST).cast("date"))


def day_number(day: str | date) -> int:
    """Days since 1970-01-01 of a date or of ISO text, whose time of day is ignored.

    Raises ValueError for text that is no ISO date.
    """
    known = day if isinstance(day, date) else datetime.fromisoformat(str(day).strip()).date()
    return known.toordinal() - _EPOCH


def day_of(number: float) -> date:
    """The date that `day_number` made."""
    return date.fromordinal(int(number) + _EPOCH)


def converted(kwargs: dict[str, Any], column: schema.Column, place: str) -> dict[str, Any]:
    """The arguments of a rule on `column` with its dates as day numbers.

    Raises UsageError, opening with `place`, for a bound of a dated column that is no date.
    """
    if column.type not in ("day", "time"):
        return kwargs
    try:
        return {
            name: _number(value) if name in _BOUNDS else value for name, value in kwargs.items()
        }
    except ValueError:
        raise UsageError(
            f"{place}: '{column.name}' is a {column.type}; its bounds must be dates such as "
            "2018-01-01."
        ) from None


def _number(value: Any) -> Any:
    if value is None:
        return None
    return [day_number(item) for item in value] if isinstance(value, list) else day_number(value)
