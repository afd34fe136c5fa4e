"""Judging rows: GX on batches streamed from the engine; failing rows come back by `row_id`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from crm_lib import schema
from crm_lib.quality import gx
from crm_lib.quality.rule import Rule
from crm_lib.quality.structure import GIVEN, KEY_COPY, ROW_COPY, UNREADABLE

BATCH_ROWS = 1_000_000
PROVENANCE = ("source_file", "row_id")
FAILURES = pa.schema([("row_id", pa.int64()), ("rule_id", pa.string()), ("problem", pa.string())])
"""One row a failing row and rule. A rule that could not be checked has one row: no row_id, a problem."""

_EPOCH = ibis.literal("1970-01-01").cast(dt.date)


def judge_rows(rules: Sequence[Rule], staged: ir.Table) -> pa.Table:
    """Which rows of a staged table fail which row rules: (row_id, rule_id, problem), see `FAILURES`.

    Independent of `as_of` and scope. Only the columns that rules use leave the engine: dates as
    days since 1970-01-01, money as float64, presence and readability as flags.
    """
    applicable = [r for r in rules if r.kind == "row" and set(_sources(r)) <= set(staged.columns)]
    if not applicable:
        return FAILURES.empty_table()
    failing: list[pa.Table] = []
    problems: dict[str, str] = {}
    for batch in _batches(applicable, staged):
        ids = batch.column("row_id").to_numpy()
        frame = batch.drop_columns(["row_id"]).to_pandas()
        for rule_id, judgement in gx.judge(frame, applicable).items():
            if judgement.problem:
                problems[rule_id] = judgement.problem
            failing.append(_failures(ids[judgement.failing], rule_id))
    unchecked = [{"row_id": None, "rule_id": i, "problem": p} for i, p in problems.items()]
    return pa.concat_tables([*failing, pa.Table.from_pylist(unchecked, FAILURES)])


def _failures(row_ids: npt.NDArray[np.int64], rule_id: str) -> pa.Table:
    count = len(row_ids)
    columns = [
        pa.array(row_ids, pa.int64()),
        pa.repeat(rule_id, count),
        pa.nulls(count, pa.string()),
    ]
    return pa.table(columns, schema=FAILURES)


def _batches(rules: Sequence[Rule], staged: ir.Table) -> Iterator[pa.Table]:
    names = list(dict.fromkeys(name for rule in rules for name in rule.columns))
    declared = schema.table(rules[0].table)
    crossing = {name: _crossing(name, staged, declared) for name in names}
    projected = staged.select(staged.row_id, **crossing)
    for batch in projected.to_pyarrow_batches(chunk_size=BATCH_ROWS):
        if batch.num_rows:
            yield pa.Table.from_batches([batch])


def _sources(rule: Rule) -> list[str]:
    """The staged columns that a row rule rests on."""
    derived = (KEY_COPY, ROW_COPY)
    return [name.removeprefix(GIVEN) for name in rule.columns if name not in derived]


def _crossing(name: str, staged: ir.Table, declared: schema.Table) -> ir.Value:
    """The column of the judged frame that is called `name`."""
    if name == KEY_COPY:
        return _key_copy(staged, declared)
    if name == ROW_COPY:
        same = [staged[column] for column in staged.columns if column not in PROVENANCE]
        return ibis.row_number().over(group_by=same, order_by=staged.row_id) + 1
    if name.startswith(GIVEN):
        return _flag(_given(staged, name.removeprefix(GIVEN)))
    value = staged[name]
    if name.startswith(UNREADABLE):
        return _flag(value.notnull())
    if isinstance(value, (ir.DateValue, ir.TimestampValue)):
        return value.cast(dt.date).delta(_EPOCH, unit="day")
    return value.cast(dt.float64) if isinstance(value, ir.DecimalValue) else value


def _key_copy(staged: ir.Table, declared: schema.Table) -> ir.Value:
    """Which row of its key this is, the earliest recorded first; null where the key is incomplete.

    In this order no row recorded later can make an earlier one a copy.
    """
    order = [staged.row_id]
    if declared.recorded in staged.columns:
        order.insert(0, staged[declared.recorded].asc(nulls_first=True))
    key = [staged[column] for column in declared.key]
    number = ibis.row_number().over(group_by=key, order_by=order) + 1
    return ibis.ifelse(
        ibis.and_(*(column.notnull() for column in key)), number, ibis.null(dt.int64)
    )


def _given(staged: ir.Table, column: str) -> ir.BooleanValue:
    """Does the cell hold anything? One that could not be read does; it is another rule's failure."""
    given = staged[column].notnull()
    unreadable = UNREADABLE + column
    return given | staged[unreadable].notnull() if unreadable in staged.columns else given


def _flag(value: ir.BooleanValue) -> ir.Value:
    return ibis.ifelse(value, ibis.literal(1, dt.int8), ibis.null(dt.int8))
