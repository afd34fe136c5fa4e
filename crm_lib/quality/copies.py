"""Copies: rows that share their key, or every cell, with an earlier row of the same table."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from crm_lib import schema
from crm_lib.quality.rule import Rule
from crm_lib.quality.structure import KEY_COPY, ROW_COPY

PROVENANCE = ("source_file", "row_id")
_RAW_HASH = "raw_hash"


def is_about_copies(rule: Rule) -> bool:
    """Does the rule compare rows, so that it cannot be judged of a part alone?"""
    return bool({KEY_COPY, ROW_COPY} & set(rule.columns))


def numbered(staged: ir.Table, declared: schema.Table, column: str) -> ir.Table:
    """row_id and `column` (which copy this is, 1 for the first) of the rows that are not alone.

    By `KEY_COPY` the earliest recorded row of a key is the first, so that no row recorded later can
    make an earlier one a copy, and a row whose key is incomplete is no copy of any. By `ROW_COPY` rows
    are compared in all columns but where they come from.
    """
    if column == KEY_COPY:
        same: Sequence[str] = declared.key
        staged = staged.filter(*(staged[name].notnull() for name in same))
        few: Sequence[str] = same
    else:
        same = [name for name in staged.columns if name not in PROVENANCE]
        few = [_RAW_HASH] if _RAW_HASH in staged.columns else same
    # Only the few rows that may be copies are sorted: a window over all of them takes minutes.
    shared = staged.group_by(few).agg(occurs=staged.count())
    shared = shared.filter(shared.occurs > 1)
    suspects = staged.semi_join(shared, [staged[name].identical_to(shared[name]) for name in few])
    order = [suspects.row_id]
    if column == KEY_COPY and declared.recorded in staged.columns:
        order.insert(0, suspects[declared.recorded].asc(nulls_first=True))
    window = ibis.window(group_by=[suspects[name] for name in same], order_by=order)
    return suspects.select("row_id", **{column: ibis.row_number().over(window) + 1})
