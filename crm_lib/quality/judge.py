"""Judging rows: GX on what the engine hands over; failing rows come back by `row_id`.

Most rules read one column, and a column of millions of rows has few different values: each value is
judged once, and the engine finds the rows that hold those that fail. Rules about several columns are
judged row by row, in batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from crm_lib import machine, schema
from crm_lib.quality import copies, gx
from crm_lib.quality.rule import Rule
from crm_lib.quality.structure import GIVEN, KEY_COPY, ROW_COPY, UNREADABLE

BATCH_ROWS = 4_000_000
"""Rows that cross to GX at a time, where there is memory for as many."""
_BYTES_A_ROW = 1024
"""Of an engine's memory for each of them: Arrow, pandas and GX hold them, too."""
FAILURES = pa.schema([("row_id", pa.int64()), ("rule_id", pa.string()), ("problem", pa.string())])
"""One row a failing row and rule. A rule that could not be checked has one row: no row_id, a problem."""

_EPOCH = ibis.literal("1970-01-01").cast(dt.date)
_VALUE = "value"


def judge_rows(rules: Sequence[Rule], staged: ir.Table) -> pa.Table:
    """Which rows of a staged table fail which row rules: (row_id, rule_id, problem), see `FAILURES`.

    Independent of `as_of` and scope. Only the columns that rules use leave the engine: dates as
    days since 1970-01-01, money as float64, presence and readability as flags.
    """
    return pa.concat_tables([judge_each(rules, staged), judge_copies(rules, staged)])


def judge_each(rules: Sequence[Rule], staged: ir.Table) -> pa.Table:
    """The failures of the rules that can be told of every row by itself."""
    own = [rule for rule in _applicable(rules, staged) if not copies.is_about_copies(rule)]
    single = [rule for rule in own if len(rule.columns) == 1]
    several = [rule for rule in own if len(rule.columns) > 1]
    return pa.concat_tables(
        [FAILURES.empty_table(), *_by_value(single, staged), *_by_row(several, staged)]
    )


def judge_copies(rules: Sequence[Rule], staged: ir.Table) -> pa.Table:
    """The failures of the rules that compare rows: see `copies`."""
    found = [FAILURES.empty_table()]
    for rule in _applicable(rules, staged):
        if copies.is_about_copies(rule):
            (column,) = rule.columns
            numbers = copies.numbered(staged, schema.table(rule.table), column)
            found += _of_values({column: numbers.rename({_VALUE: column})}, [rule])
    return pa.concat_tables(found)


def _applicable(rules: Sequence[Rule], staged: ir.Table) -> list[Rule]:
    return [r for r in rules if r.kind == "row" and set(_sources(r)) <= set(staged.columns)]


# --- value by value -------------------------------------------------------------------------------


def _by_value(rules: Sequence[Rule], staged: ir.Table) -> Iterator[pa.Table]:
    """Failures of rules on one column each."""
    if rules:
        columns = dict.fromkeys(rule.columns[0] for rule in rules)
        tables = {
            name: staged.select("row_id", **{_VALUE: _crossing(name, staged)}) for name in columns
        }
        yield from _of_values(tables, rules)


def _of_values(tables: Mapping[str, ir.Table], rules: Sequence[Rule]) -> Iterator[pa.Table]:
    """Failures of rules on one column each; tables: by column, its `row_id` and `value`."""
    values = {
        name: table.select(_VALUE).distinct().to_pyarrow()[_VALUE].combine_chunks()
        for name, table in tables.items()
    }
    wrong: dict[str, list[pa.Table]] = {}
    size = _batch_rows()
    for start in range(0, max(map(len, values.values())), size):
        batch = {n: v.slice(start, size) for n, v in values.items() if len(v) > start}
        asked = [rule for rule in rules if rule.columns[0] in batch]
        for rule_id, judgement in gx.judge(_side_by_side(batch), asked).items():
            (name,) = next(rule.columns for rule in asked if rule.rule_id == rule_id)
            if judgement.problem:
                yield _unchecked({rule_id: judgement.problem})
            failing = judgement.failing[judgement.failing < len(batch[name])]
            if len(failing):
                wrong.setdefault(name, []).append(
                    pa.table(
                        {_VALUE: batch[name].take(failing), "rule_id": [rule_id] * len(failing)}
                    )
                )
    for name, found in wrong.items():
        yield _holding(tables[name], pa.concat_tables(found))


def _side_by_side(values: Mapping[str, pa.Array]) -> pd.DataFrame:
    """Columns of different lengths as one frame: GX takes a tenth of a second a frame, whatever its size.

    A shorter column is filled up with its last value, and what is found there is not looked at.
    """
    places = np.arange(max(map(len, values.values())))
    return pd.DataFrame(
        {name: v.take(np.minimum(places, len(v) - 1)).to_pandas() for name, v in values.items()}
    )


def _holding(rows: ir.Table, wrong: pa.Table) -> pa.Table:
    """The rows with one of the values in `wrong` (value, rule_id): see `FAILURES`."""
    values = ibis.memtable(wrong)
    found = rows.inner_join(values, [rows[_VALUE].identical_to(values[_VALUE])])
    found = found.select("row_id", "rule_id", problem=ibis.null(dt.string))
    return found.to_pyarrow().cast(FAILURES)


# --- row by row -----------------------------------------------------------------------------------


def _by_row(rules: Sequence[Rule], staged: ir.Table) -> Iterator[pa.Table]:
    """Failures of rules that read several columns of a row."""
    if not rules:
        return
    problems: dict[str, str] = {}
    for batch in _batches(rules, staged):
        ids = batch.column("row_id").to_numpy()
        frame = batch.drop_columns(["row_id"]).to_pandas()
        for rule_id, judgement in gx.judge(frame, rules).items():
            if judgement.problem:
                problems[rule_id] = judgement.problem
            if len(judgement.failing):
                yield _failures(ids[judgement.failing], rule_id)
    yield _unchecked(problems)


def _batches(rules: Sequence[Rule], staged: ir.Table) -> Iterator[pa.Table]:
    names = dict.fromkeys(name for rule in rules for name in rule.columns)
    projected = staged.select("row_id", **{name: _crossing(name, staged) for name in names})
    for batch in projected.to_pyarrow_batches(chunk_size=_batch_rows()):
        if batch.num_rows:
            yield pa.Table.from_batches([batch])


def _batch_rows() -> int:
    return max(1, min(BATCH_ROWS, machine.engine_bytes() // _BYTES_A_ROW))


def _unchecked(problems: Mapping[str, str]) -> pa.Table:
    rows = [{"row_id": None, "rule_id": i, "problem": p} for i, p in problems.items()]
    return pa.Table.from_pylist(rows, FAILURES)


def _failures(row_ids: npt.NDArray[np.int64], rule_id: str) -> pa.Table:
    count = len(row_ids)
    columns = [
        pa.array(row_ids, pa.int64()),
        pa.repeat(rule_id, count),
        pa.nulls(count, pa.string()),
    ]
    return pa.table(columns, schema=FAILURES)


# --- what crosses ---------------------------------------------------------------------------------


def _sources(rule: Rule) -> list[str]:
    """The staged columns that a row rule rests on."""
    derived = (KEY_COPY, ROW_COPY)
    return [name.removeprefix(GIVEN) for name in rule.columns if name not in derived]


def _crossing(name: str, staged: ir.Table) -> ir.Value:
    """The column of the judged frame that is called `name`."""
    if name.startswith(GIVEN):
        return _flag(_given(staged, name.removeprefix(GIVEN)))
    value = staged[name]
    if name.startswith(UNREADABLE):
        return _flag(value.notnull())
    if isinstance(value, (ir.DateValue, ir.TimestampValue)):
        return value.cast(dt.date).delta(_EPOCH, unit="day")
    return value.cast(dt.float64) if isinstance(value, ir.DecimalValue) else value


def _given(staged: ir.Table, column: str) -> ir.BooleanValue:
    """Does the cell hold anything? One that could not be read does; it is another rule's failure."""
    given = staged[column].notnull()
    unreadable = UNREADABLE + column
    return given | staged[unreadable].notnull() if unreadable in staged.columns else given


def _flag(value: ir.BooleanValue) -> ir.Value:
    return ibis.ifelse(value, ibis.literal(1, dt.int8), ibis.null(dt.int8))
