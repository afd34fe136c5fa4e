"""Copies: rows that share their key, or every cell, with an earlier row of the same table."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from crm_lib import hashes, schema
from crm_lib.quality.rule import Rule
from crm_lib.quality.structure import KEY_COPY, ROW_COPY
from crm_lib.staging import PROVENANCE, RAW_HASH

_HASH = "hash_of_cells"


def is_about_copies(rule: Rule) -> bool:
    """Does the rule compare rows, so that it cannot be judged of a part alone?"""
    return bool({KEY_COPY, ROW_COPY} & set(rule.columns))


def numbered(staged: ir.Table, declared: schema.Table, column: str) -> ir.Table | None:
    """row_id and `column` (which copy this is, 1 for the first) of the rows that are not alone; None if all are.

    By `KEY_COPY` the earliest recorded row of a key is the first, so that no row recorded later can
    make an earlier one a copy, and a row whose key is incomplete is no copy of any. By `ROW_COPY` rows
    are compared in all columns but where they come from.
    """
    if column == KEY_COPY:
        same: Sequence[str] = declared.key
        staged = staged.filter(*(staged[name].notnull() for name in same))
    else:
        same = [name for name in staged.columns if name not in PROVENANCE]
    rows = staged.mutate(**{_HASH: _hash_of(staged, same)})
    repeated = hashes.repeated(rows.select(_HASH))
    if not len(repeated):
        return None
    # Only the few rows that may be copies are sorted: a window over all of them takes minutes.
    suspects = rows.semi_join(ibis.memtable(pa.table({_HASH: repeated})), _HASH)
    order = [suspects.row_id]
    if column == KEY_COPY and declared.recorded in staged.columns:
        order.insert(0, suspects[declared.recorded].asc(nulls_first=True))
    window = ibis.window(group_by=[suspects[name] for name in same], order_by=order)
    return suspects.select("row_id", **{column: ibis.row_number().over(window) + 1})


def _hash_of(staged: ir.Table, columns: Sequence[str]) -> ir.Value:
    """Equal where all these columns are."""
    if RAW_HASH in columns:
        return staged[RAW_HASH]
    return _hash(ibis.array([staged[name].cast(dt.string) for name in columns]))


@ibis.udf.scalar.builtin(name="hash")
def _hash(cells: dt.Array(dt.string)) -> dt.uint64:  # type: ignore[valid-type]
    """A number of 64 bits, equal for equal cells."""
