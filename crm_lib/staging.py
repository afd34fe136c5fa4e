"""Staging: raw rows → canonical tables. It renames, evaluates, casts; it judges and drops nothing."""

from __future__ import annotations

from pathlib import Path

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend
from sqlglot import expressions as sql

from crm_lib import casting, conditions, corrections, schema, sources
from crm_lib.dataset import Dataset, Mapping, TableConfig
from crm_lib.errors import SourceError, unknown

PROVENANCE = ("source_file", "row_id")
_ARITHMETIC = (sql.Mul, sql.Add, sql.Sub, sql.Div, sql.Neg, sql.Paren)


def stage(name: str, dataset: Dataset, backend: Backend, scratch: Path) -> ir.Table:
    """The canonical table `name`, one row for each raw row (grain: see `schema`).

    Columns: those mapped, attributes, `source_file`, `row_id`, `unreadable_<column>` (the raw text
    of a cell that could not be read, else null); `lines` also gets `day`.
    Raises SourceError for a missing file or column, UsageError for a faulty expression.
    """
    config = dataset.tables[name]
    raw = corrections.applied(raw_rows(name, dataset, backend, scratch), dataset.name, name, backend)
    declared = schema.table(name)
    inputs, unread = _evaluated(raw, config, declared)
    columns: dict[str, ir.Value] = {}
    for column, mapping in config.mappings.items():
        made = casting.cast_column(inputs[column], declared.column(column), mapping, dataset)
        columns[column] = made.value
        flags = [flag for flag in (made.unreadable, _unread(inputs, column, unread)) if flag is not None]
        if flags:
            columns[f"unreadable_{column}"] = ibis.coalesce(*flags)
    if name == "lines":
        columns["day"] = columns["ordered_at"].cast(dt.date)
    return inputs.select(**columns, **{key: inputs[key] for key in PROVENANCE})


def raw_rows(name: str, dataset: Dataset, backend: Backend, scratch: Path) -> ir.Table:
    """The raw rows behind the canonical table `name`, with `source_file` and `row_id`."""
    return sources.read(dataset.tables[name], backend, scratch, dataset.obtain)


def _unread(inputs: ir.Table, column: str, unread: set[str]) -> ir.Value | None:
    return inputs[f"unread_{column}"] if column in unread else None


def _evaluated(
    raw: ir.Table, config: TableConfig, declared: schema.Table
) -> tuple[ir.Table, set[str]]:
    """One raw value a mapped column, plus `unread_<column>` for arithmetic on text cells."""
    selected: dict[str, str] = {}
    unread: set[str] = set()
    for column, mapping in config.mappings.items():
        text, trouble = _expression(raw, column, mapping, declared)
        selected[column] = text
        if trouble:
            selected[f"unread_{column}"] = trouble
            unread.add(column)
    selected |= {name: name for name in PROVENANCE}
    return conditions.select(raw, selected, f"mapping of '{declared.name}'"), unread


def _expression(
    raw: ir.Table, column: str, mapping: Mapping, declared: schema.Table
) -> tuple[str, str | None]:
    """SQL for a mapping: a raw column by its exact name, else an expression over raw columns."""
    known = [name for name in raw.columns if name not in PROVENANCE]
    if mapping.from_ in known:
        return sql.column(mapping.from_, quoted=True).sql("duckdb"), None
    what = f"mapping of '{declared.name}.{column}'"
    parsed = conditions.parse(mapping.from_, what)
    names = conditions.columns_of(parsed)
    folded = {name.lower(): name for name in known}
    for name in names:
        if name.lower() not in folded:
            raise SourceError(f"In the {what}: " + unknown("raw column", name, known))
    if declared.column(column).type not in ("money", "number", "count"):
        return parsed.sql("duckdb"), None
    texts = [n for n in names if raw[folded[n.lower()]].type().is_string()]
    return _reading_numbers(parsed, texts)


def _reading_numbers(parsed: sql.Expression, texts: list[str]) -> tuple[str, str | None]:
    """Text columns inside arithmetic read as numbers; what cannot be read is told apart."""
    wrapped: list[str] = []

    def wrap(node: sql.Expression) -> sql.Expression:
        inside = isinstance(node.parent, _ARITHMETIC)
        if isinstance(node, sql.Column) and node.name in texts and inside:
            wrapped.append(node.name)
            return sql.TryCast(this=node.copy(), to=sql.DataType.build("double"))
        return node

    text = parsed.copy().transform(wrap).sql("duckdb")
    if not wrapped:
        return text, None
    cells = [sql.column(name, quoted=True).sql("duckdb") for name in dict.fromkeys(wrapped)]
    faults = [f"WHEN trim({c}) <> '' AND TRY_CAST({c} AS DOUBLE) IS NULL THEN {c}" for c in cells]
    return text, f"CASE {' '.join(faults)} END"
