"""Staging: raw rows → canonical tables. It renames, evaluates, casts; it judges and drops nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend
from sqlglot import expressions as sql

from crm_lib import casting, conditions, corrections, engine, machine, schema, sources, textfiles
from crm_lib.dataset import Dataset, Mapping
from crm_lib.errors import SourceError
from crm_lib.parts import Part

PROVENANCE = ("source_file", "row_id")
RAW_HASH = "raw_hash"
_NUMERIC = ("money", "number", "count")
_LANES = 2
"""How many parts are staged at a time: the last rows of one keep a single processor busy."""
_ROOMY_BYTES = 256 * 2**20
"""Of an engine's memory for each thread, from which parts are staged so: 200 MiB were enough, 100 were not."""


def write(
    name: str,
    dataset: Dataset,
    reader: sources.Reader,
    scratch: Path,
    path_of: Callable[[Part], Path],
    done: Callable[[Part], object] = lambda part: None,
) -> None:
    """Write the canonical rows of each part that `reader` reads to a Parquet file of its own: see `stage`.

    done: hears of each part when its file is whole.
    Raises SourceError also for what shows only while rows are read: a fault in the middle of a
    file, an expression that fails on some row.
    """
    # Out of order, a group of rows waits in each thread and cannot be spilled.
    roomy = machine.engine_bytes() >= _ROOMY_BYTES * machine.threads()
    several = len(reader.parts) > 1 and roomy
    lanes: SimpleQueue[_Lane] = SimpleQueue()

    def write_part(part: Part) -> None:
        lane = lanes.get()
        try:
            lane.write(part, path_of(part), in_order=not several)
            done(part)
        finally:
            lanes.put(lane)

    try:
        for at in range(_LANES if several else 1):
            backend = engine.beside(reader.backend) if several else reader.backend
            lanes.put(_Lane(name, dataset, reader, backend, scratch / str(at)))
        with ThreadPoolExecutor(_LANES) as threads:
            list(threads.map(write_part, reader.parts))
    except duckdb.Error as error:
        if machine.is_full(error):
            raise
        raise SourceError(
            f"The table '{name}' of '{dataset.name}' cannot be read: {sources.first_line(error)}"
        ) from None


class _Lane:
    """A connection by which parts are staged, one after the other."""

    def __init__(
        self, name: str, dataset: Dataset, reader: sources.Reader, backend: Backend, scratch: Path
    ) -> None:
        self.backend, self.reader = backend, reader
        self.view, self.options = ibis.util.gen_name(f"raw_{name}"), engine.PARQUET[dataset.engine]
        self._see(reader.parts[0])
        # The expression is made once: for hundreds of parts that takes longer than to run it.
        self.query = staged(name, dataset, backend.table(self.view), backend, scratch).compile()

    def _see(self, part: Part) -> None:
        query = self.reader.query(part)
        self.backend.raw_sql(f'CREATE OR REPLACE VIEW "{self.view}" AS {query}')

    def write(self, part: Part, path: Path, *, in_order: bool) -> None:
        """In order as they are read, or as they come: rows of a file know their number."""
        self._see(part)
        options = f"{self.options}, PRESERVE_ORDER {str(in_order).lower()}"
        target = textfiles.quoted(str(path))
        self.backend.raw_sql(f"COPY ({self.query}) TO {target} ({options})")


def stage(name: str, dataset: Dataset, backend: Backend, scratch: Path) -> ir.Table:
    """The canonical table `name`, one row for each raw row (grain: see `schema`).

    Columns: those mapped, attributes, `source_file`, `row_id`, `unreadable_<column>` (the raw text
    of a cell that could not be read, else null), `raw_hash` (of the whole raw row: equal rows, equal
    hashes); `lines` also gets `day`.
    Raises SourceError for a missing file or column, UsageError for a faulty expression.
    """
    raw = raw_rows(name, dataset, backend, scratch)
    found = staged(name, dataset, raw, backend, scratch)
    corrections.check_rows(raw, dataset.name, name, backend, scratch)
    return found


def staged(name: str, dataset: Dataset, raw: ir.Table, backend: Backend, scratch: Path) -> ir.Table:
    """The canonical rows of raw rows of table `name`, corrections applied: see `stage`."""
    config = dataset.tables[name]
    raw = corrections.applied(raw, dataset.name, name, backend, scratch)
    declared = schema.table(name)
    inputs = _evaluated(raw, config.mappings, declared, dataset)
    columns: dict[str, ir.Value] = {}
    for column, mapping in config.mappings.items():
        made = casting.cast_column(inputs[column], declared.column(column), mapping, dataset)
        columns[column] = made.value
        unread = f"unread_{column}"
        flags = [made.unreadable, inputs[unread] if unread in inputs.columns else None]
        if any(flag is not None for flag in flags):
            known = [flag for flag in flags if flag is not None]
            columns[f"unreadable_{column}"] = ibis.coalesce(*known)
    if name == "lines":
        columns["day"] = columns["ordered_at"].cast(dt.date)
    return inputs.select(**columns, **{key: inputs[key] for key in (*PROVENANCE, RAW_HASH)})


def raw_rows(name: str, dataset: Dataset, backend: Backend, scratch: Path) -> ir.Table:
    """The raw rows behind the canonical table `name`, with `source_file` and `row_id`."""
    return sources.read(dataset.tables[name], backend, scratch, dataset.obtain)


def _evaluated(
    raw: ir.Table, mappings: dict[str, Mapping], declared: schema.Table, dataset: Dataset
) -> ir.Table:
    """One raw value a mapped column, plus `unread_<column>` for arithmetic on text cells."""
    selected = {name: name for name in PROVENANCE}
    helpers: dict[str, ir.Value] = {}
    known = [name for name in raw.columns if name not in PROVENANCE]
    for column, mapping in mappings.items():
        what = f"mapping of '{declared.name}.{column}'"
        expression = conditions.over_raw(mapping.from_, known, what)
        if declared.column(column).type in _NUMERIC:
            expression, unread = _reading_numbers(expression, raw, mapping, dataset, helpers)
            if unread:
                helpers[f"unread_{column}"] = ibis.coalesce(*unread)
                selected[f"unread_{column}"] = f"unread_{column}"
        selected[column] = expression.sql("duckdb")
    cells = [sql.column(name, quoted=True) for name in known]
    selected[RAW_HASH] = sql.func("hash", *cells).sql("duckdb")
    rows = raw.mutate(**helpers) if helpers else raw
    return conditions.select(rows, selected, f"mapping of '{declared.name}'")


def _reading_numbers(
    expression: sql.Expression,
    raw: ir.Table,
    mapping: Mapping,
    dataset: Dataset,
    helpers: dict[str, ir.Value],
) -> tuple[sql.Expression, list[ir.Value]]:
    """The expression with text columns in arithmetic read as numbers, and the texts that fail to.

    The numbers are added to `helpers`, columns to be made before the expression is evaluated.
    """
    by_name = {name.lower(): name for name in raw.columns}
    unread: dict[str, ir.Value] = {}

    def read(node: sql.Expression) -> sql.Expression:
        if not isinstance(node, sql.Column) or not _is_number(node):
            return node
        name = by_name[node.name.lower()]
        if not isinstance(cell := raw[name], ir.StringValue):
            return node
        text = casting.blank_to_null(cell)
        number = casting.plain_number(text, mapping.decimal, dataset.currency).try_cast(dt.float64)
        helper = f"number_{mapping.decimal}_{name}"
        helpers[helper] = number
        unread[name] = ibis.ifelse(number.isnull(), text, ibis.null(dt.string))
        return sql.column(helper, quoted=True)

    return expression.copy().transform(read), list(unread.values())


_ARITHMETIC = (sql.Mul, sql.Add, sql.Sub, sql.Div, sql.IntDiv, sql.Mod, sql.Neg, sql.Abs,
               sql.Round, sql.Floor, sql.Ceil, sql.Sign)  # fmt: skip
_COMPARISON = (sql.EQ, sql.NEQ, sql.GT, sql.GTE, sql.LT, sql.LTE)
_CHOICE = (sql.Paren, sql.Coalesce, sql.Nullif, sql.Greatest, sql.Least, sql.Case, sql.If)


def _is_number(node: sql.Expression) -> bool:
    """Does the place of `node` in an expression for a number ask for a number?"""
    parent = node.parent
    if isinstance(parent, _ARITHMETIC):
        return True
    if isinstance(parent, sql.Cast):
        return bool(parent.to.this in sql.DataType.NUMERIC_TYPES)
    if isinstance(parent, _COMPARISON):
        other = parent.right if node is parent.left else parent.left
        return isinstance(other, (*_ARITHMETIC, sql.Literal)) and not other.is_string
    if isinstance(parent, (sql.Case, sql.If)) and node.arg_key == "this":
        return False
    return isinstance(parent, _CHOICE) and (parent.parent is None or _is_number(parent))
