"""What became of each staged row as of a day: accepted, quarantined, later or out of scope."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import cast

import ibis
import ibis.expr.types as ir

from crm_lib import conditions, known, schema
from crm_lib.quality import dates

FATES = ("accepted", "quarantined", "later", "out_of_scope")


def with_fate(
    table: str,
    staged: ir.Table,
    failures: ir.Table | None,
    quarantine: Collection[str],
    *,
    as_of: date,
    scope: str = "",
) -> ir.Table:
    """`staged` with one more column, `fate`: one of `FATES` for each row, in this order of precedence.

    later: dated on or after `as_of`; not, where its rule sets it aside, by a date that stands for
    "unknown", such as 9999-12-31. out_of_scope (lines only): does not meet the SQL condition
    `scope`; a row that fails a quarantine rule stays in when the condition cannot be told, such as
    `amount > 0` of an unreadable amount. quarantined: fails a rule among `quarantine` (rule ids).
    Raises UsageError for a scope that is no condition on the columns of `staged`.
    """
    scoped = _with_scope(staged, scope if table == "lines" else "")
    marked = _with_quarantine(scoped, failures, quarantine)
    recorded = schema.table(table).recorded
    later: ir.BooleanValue = ibis.literal(False)
    if recorded is not None and recorded in staged.columns:
        day = known.day_of(marked, recorded)
        is_later = (day >= ibis.literal(as_of)) & (dates.is_told(day) | ~marked.set_aside_)
        later = ibis.coalesce(is_later, False)
    inside = marked.in_scope_ | (marked.scope_unknown_ & marked.set_aside_)
    fate = ibis.cases(
        (later, "later"), (~inside, "out_of_scope"), (marked.set_aside_, "quarantined"),
        else_="accepted",
    )  # fmt: skip
    return marked.mutate(fate=fate).drop("in_scope_", "scope_unknown_", "set_aside_")


def accepted(
    table: str,
    staged: ir.Table,
    failures: ir.Table | None,
    quarantine: Collection[str],
    *,
    as_of: date,
    scope: str = "",
) -> ir.Table:
    """The rows of `staged` that reports see, as they stood then; arguments as in `with_fate`."""
    rows = _with_scope(staged, scope if table == "lines" else "")
    rows = rows.filter(rows.in_scope_).drop("in_scope_", "scope_unknown_")
    if failures is not None and quarantine:
        bad = _bad(failures, quarantine)
        rows = rows.anti_join(bad, rows.row_id == bad.set_aside_id)
    return known.without_later(rows, schema.table(table), as_of)


def _with_scope(staged: ir.Table, scope: str) -> ir.Table:
    if not scope.strip():
        return staged.mutate(in_scope_=ibis.literal(True), scope_unknown_=ibis.literal(False))
    marked = conditions.flag(staged, scope, "in_scope_", "scope")
    return conditions.flag(marked, f"({scope}) IS NULL", "scope_unknown_", "scope")


def _with_quarantine(
    staged: ir.Table, failures: ir.Table | None, quarantine: Collection[str]
) -> ir.Table:
    if failures is None or not quarantine:
        return staged.mutate(set_aside_=ibis.literal(False))
    ids = _bad(failures, quarantine)
    joined = staged.left_join(ids, staged.row_id == ids.set_aside_id)
    marked = joined.mutate(set_aside_=joined.set_aside_id.notnull())
    return cast(ir.Table, marked.drop("set_aside_id"))


def _bad(failures: ir.Table, quarantine: Collection[str]) -> ir.Table:
    """set_aside_id: row_id of every row that fails a quarantine rule, once."""
    bad = failures.filter(failures.rule_id.isin(sorted(quarantine)) & failures.row_id.notnull())
    return bad.select(set_aside_id=bad.row_id).distinct()
