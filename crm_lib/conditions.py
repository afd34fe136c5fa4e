"""SQL expressions that people write in `dataset.yml` and `--scope`, checked before they run.

They are DuckDB's dialect; Ibis translates them where another engine does the work.
"""

from __future__ import annotations

import duckdb
import ibis
import ibis.expr.types as ir
import sqlglot
from sqlglot import expressions as sql

from crm_lib.errors import UsageError, unknown


def parse(text: str, what: str) -> sql.Expression:
    """The parsed expression. Raises UsageError when it is not one plain SQL expression."""
    try:
        parsed = sqlglot.parse_one(f"SELECT {text}", dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"The {what} '{text}' is not an SQL expression: {first}") from None
    if not isinstance(parsed, sql.Select) or len(parsed.expressions) != 1 or parsed.find(sql.From):
        raise UsageError(f"The {what} '{text}' must be one SQL expression, without SELECT or FROM.")
    found: sql.Expression = parsed.expressions[0]
    return found


def columns_of(expression: sql.Expression) -> list[str]:
    """The column names an expression reads, in order of appearance."""
    return list(dict.fromkeys(column.name for column in expression.find_all(sql.Column)))


def check_columns(expression: sql.Expression, known: list[str], what: str) -> None:
    """Raise UsageError for a column that is not among `known` (compared as SQL does, any case)."""
    folded = {name.lower() for name in known}
    for name in columns_of(expression):
        if name.lower() not in folded:
            raise UsageError(f"In the {what} '{expression.sql('duckdb')}': "
                             + unknown("column", name, known))  # fmt: skip


def flag(table: ir.Table, condition: str, name: str, what: str = "condition") -> ir.Table:
    """`table` with a boolean column `name`: does the row meet `condition` (unknown counts as no)?"""
    parsed = parse(condition, what)
    check_columns(parsed, list(table.columns), what)
    met = f"COALESCE(CAST(({parsed.sql('duckdb')}) AS BOOLEAN), FALSE)"
    return _queried(table, f'*, {met} AS "{name}"', what, condition)


def select(table: ir.Table, expressions: dict[str, str], what: str) -> ir.Table:
    """One column per entry of `expressions` (name → SQL over the columns of `table`)."""
    parts = ", ".join(f'{text} AS "{name}"' for name, text in expressions.items())
    return _queried(table, parts, what, parts)


def keep(table: ir.Table, condition: str, what: str = "condition") -> ir.Table:
    """The rows of `table` that meet `condition`; all of them when it is empty."""
    if not condition.strip():
        return table
    flagged = flag(table, condition, "meets_condition", what)
    return flagged.filter(flagged.meets_condition).drop("meets_condition")


def _queried(table: ir.Table, columns: str, what: str, text: str) -> ir.Table:
    """`SELECT columns FROM table`; the engine's complaint about it as a UsageError."""
    rows = ibis.util.gen_name("rows")  # nested selections need names of their own
    try:
        return table.alias(rows).sql(f"SELECT {columns} FROM {rows}", dialect="duckdb")
    except duckdb.Error as error:
        first = str(error).split("\n\nLINE")[0].strip()
        raise UsageError(f"The {what} '{text}' does not work on this data: {first}") from None
