"""Judging rows: GX on what the engine hands over; failing rows come back by `row_id`.

Millions of rows have few different values in the columns that a rule reads: each value, or combination of
values, is judged once, and the engine finds the rows that hold those that fail. Rules that compare rows
are told by `copies`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from crm_lib import known, machine, schema
from crm_lib.quality import copies, gx
from crm_lib.quality.rule import Rule
from crm_lib.quality.structure import GIVEN, KEY_COPY, ROW_COPY, UNREADABLE

Columns = tuple[str, ...]
"""Those that a rule reads."""
BATCH_ROWS = 4_000_000
"""Different values that cross to GX at a time, where there is memory for as many."""
_BYTES_A_ROW = 1024
"""Of an engine's memory for each of them: Arrow, pandas and GX hold them, too."""
FAILURES = pa.schema([("row_id", pa.int64()), ("rule_id", pa.string()), ("problem", pa.string())])
"""One row a failing row and rule. A rule that could not be checked has one row: no row_id, a problem."""

_EPOCH = ibis.literal("1970-01-01").cast(dt.date)


def judge_each(rules: Sequence[Rule], staged: ir.Table) -> pa.Table:
    """Which rows of a staged table fail which of the rules that can be told of every row by itself: see `FAILURES`.

    Independent of `as_of` and scope. Only the columns that rules use leave the engine: dates as
    days since 1970-01-01, money as float64, presence and readability as flags.
    """
    own = [rule for rule in _applicable(rules, staged) if not copies.is_about_copies(rule)]
    rows = {
        columns: staged.select("row_id", **{name: _crossing(name, staged) for name in columns})
        for columns in map(_read, own)
    }
    return pa.concat_tables([FAILURES.empty_table(), *_by_value(rows, own)])


def judge_copies(rules: Sequence[Rule], staged: ir.Table) -> pa.Table:
    """The failures of the rules that compare rows: see `copies`."""
    found = [FAILURES.empty_table()]
    for rule in _applicable(rules, staged):
        if copies.is_about_copies(rule):
            (column,) = rule.columns
            numbers = copies.numbered(staged, schema.table(rule.table), column)
            if numbers is not None:
                found += _by_value({_read(rule): numbers}, [rule])
    return pa.concat_tables(found)


def _applicable(rules: Sequence[Rule], staged: ir.Table) -> list[Rule]:
    return [r for r in rules if r.kind == "row" and set(_sources(r)) <= set(staged.columns)]


def _read(rule: Rule) -> Columns:
    return tuple(sorted(rule.columns))


# --- value by value -------------------------------------------------------------------------------


def _by_value(rows: Mapping[Columns, ir.Table], rules: Sequence[Rule]) -> Iterator[pa.Table]:
    """Failures of `rules`; rows: by the columns that they read, `row_id` and these columns."""
    wrong: dict[Columns, list[pa.Table]] = {}
    problems: dict[str, str] = {}
    for batch in _batches(rows):
        asked = {rule.rule_id: rule for rule in rules if _read(rule) in batch}
        for rule_id, judgement in gx.judge(_side_by_side(batch), list(asked.values())).items():
            if judgement.problem:
                problems[rule_id] = judgement.problem
            columns = _read(asked[rule_id])
            failing = judgement.failing[judgement.failing < len(batch[columns])]
            if len(failing):
                found = batch[columns].take(failing)
                ids = pa.repeat(rule_id, len(failing))
                wrong.setdefault(columns, []).append(found.append_column("failed_rule", ids))
    for columns, tables in wrong.items():
        yield _holding(rows[columns], columns, pa.concat_tables(tables))
    yield _unchecked(problems)


def _batches(rows: Mapping[Columns, ir.Table]) -> Iterator[dict[Columns, pa.Table]]:
    """The different values in columns, some at a time; those of single columns together."""
    size = _batch_rows()
    different = {
        columns: _in_floats(table.select(*columns).distinct()) for columns, table in rows.items()
    }
    single = {c: v.to_pyarrow().combine_chunks() for c, v in different.items() if len(c) == 1}
    for start in range(0, max(map(len, single.values()), default=0), size):
        yield {c: v.slice(start, size) for c, v in single.items() if len(v) > start}
    for columns, values in different.items():
        if len(columns) > 1:
            for batch in values.to_pyarrow_batches(chunk_size=size):
                if batch.num_rows:
                    yield {columns: pa.Table.from_batches([batch])}


def _in_floats(table: ir.Table) -> ir.Table:
    """Money as GX takes it. The engine finds the different amounts in half the time before that."""
    amounts = [table[name] for name, type_ in table.schema().items() if type_.is_decimal()]
    return table.mutate(**{amount.get_name(): amount.cast(dt.float64) for amount in amounts})


def _batch_rows() -> int:
    return max(1, min(BATCH_ROWS, machine.engine_bytes() // _BYTES_A_ROW))


def _side_by_side(values: Mapping[Columns, pa.Table]) -> pd.DataFrame:
    """Columns of different lengths as one frame: GX takes a tenth of a second a frame, whatever its size.

    A shorter column is filled up with its last value, and what is found there is not looked at.
    """
    places = np.arange(max(map(len, values.values())))
    frames = (v.take(np.minimum(places, len(v) - 1)).to_pandas() for v in values.values())
    return pd.concat(frames, axis="columns")


def _holding(rows: ir.Table, columns: Columns, wrong: pa.Table) -> pa.Table:
    """The rows with one of the values in `wrong` (columns, failed_rule): see `FAILURES`."""
    rows, values = _in_floats(rows), ibis.memtable(wrong)
    found = rows.inner_join(values, [rows[name].identical_to(values[name]) for name in columns])
    found = found.select(rows.row_id, rule_id=values.failed_rule, problem=ibis.null(dt.string))
    return found.to_pyarrow().cast(FAILURES)


def _unchecked(problems: Mapping[str, str]) -> pa.Table:
    rows = [{"row_id": None, "rule_id": i, "problem": p} for i, p in problems.items()]
    return pa.Table.from_pylist(rows, FAILURES)


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
        return known.day_of(staged, name).delta(_EPOCH, unit="day")
    return value


def _given(staged: ir.Table, column: str) -> ir.BooleanValue:
    """Does the cell hold anything? One that could not be read does; it is another rule's failure."""
    given = staged[column].notnull()
    unreadable = UNREADABLE + column
    return given | staged[unreadable].notnull() if unreadable in staged.columns else given


def _flag(value: ir.BooleanValue) -> ir.Value:
    return ibis.ifelse(value, ibis.literal(1, dt.int8), ibis.null(dt.int8))
