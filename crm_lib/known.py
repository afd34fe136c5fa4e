"""What was known on a day: rows recorded later do not exist yet, facts added later are null."""

from __future__ import annotations

from datetime import date, datetime
from typing import cast

import ibis
import ibis.expr.types as ir

from crm_lib.schema import Table

_DATED_BY = {"converted_customer_id": "converted_on"}
"""Facts without a date of their own, and the column that dates them."""


def without_later(rows: ir.Table, declared: Table, as_of: date) -> ir.Table:
    """The rows of a canonical table recorded before `as_of`, or without a date, as they stood then.

    A column that may be written after its row (`recorded_later`) is null where that was later, and
    where nothing says when it was.
    """
    limit = ibis.literal(datetime(as_of.year, as_of.month, as_of.day))
    rows = _recorded_before(rows, declared, as_of)
    added = [c.name for c in declared.columns if c.recorded_later and c.name in rows.columns]

    def as_it_stood(name: str) -> ir.Value:
        dated = _DATED_BY.get(name, name)
        nothing = ibis.null(rows[name].type())
        if dated not in rows.columns:
            return nothing
        return ibis.ifelse(rows[dated].cast("timestamp") < limit, rows[name], nothing)

    return rows.mutate(**{name: as_it_stood(name) for name in added})


def _recorded_before(rows: ir.Table, declared: Table, as_of: date) -> ir.Table:
    """The rows of a canonical table recorded before `as_of`, or without a date."""
    if declared.recorded is None or declared.recorded not in rows.columns:
        return rows
    at = day_of(rows, declared.recorded)
    return rows.filter(at.isnull() | (at < ibis.literal(as_of)))


def day_of(rows: ir.Table, name: str) -> ir.DateValue:
    """The day of a date or time; order lines carry that of their time: fewer values, faster to read."""
    is_there = name == "ordered_at" and "day" in rows.columns
    return cast(ir.DateValue, rows.day if is_there else rows[name].cast("date"))
