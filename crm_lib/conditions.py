"""SQL expressions that people write in `dataset.yml` and `--scope`, checked before they run.

They are DuckDB's dialect; Ibis translates them where another engine does the work.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import ibis
import ibis.expr.types as ir
import sqlglot
from sqlglot import expressions as sql

from crm_lib import engine, schema
from crm_lib.dataset import Dataset
from crm_lib.errors import SourceError, UsageError, unknown


def parse(text: str, what: str) -> sql.Expression:
    """The parsed expression. Raises UsageError when it is not one plain SQL expression over a row."""
    try:
        parsed = sqlglot.parse_one(f"SELECT {text}", dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        first = str(error).splitlines()[0].split(" Line 1,")[0]
        raise UsageError(
            f"The {what} '{text}' is not an SQL expression: {first} {_SPELLING}"
        ) from None
    clauses = [name for name, value in parsed.args.items() if value]
    found = parsed.expressions[0]
    if not isinstance(parsed, sql.Select) or clauses != ["expressions"]:
        raise UsageError(f"The {what} '{text}' must be one SQL expression, not a whole query.")
    if len(parsed.expressions) > 1 or isinstance(found, (sql.Alias, sql.Star)):
        raise UsageError(f"The {what} '{text}' must be one SQL expression. {_SPELLING}")
    if parsed.find(sql.AggFunc, sql.Window, sql.Subquery):
        raise UsageError(
            f"The {what} '{text}' must be about one row: no sum, count or subquery. Where several "
            "rows are needed, write `sources:` and a `query:`."
        )
    expression: sql.Expression = found
    return expression


_SPELLING = (
    "A column whose name has a space or a sign goes into double quotes, text into single ones: "
    "\"Unit Price\" * Quantity, Country = 'France'."
)


def over_raw(text: str, known: list[str], what: str) -> sql.Expression:
    """What a mapping says, as SQL: a raw column by its name, else an expression over raw columns.

    Raises SourceError where it is neither, or names a column that is not among `known`.
    """
    same = [name for name in known if name.lower() == text.strip().lower()]
    if same:
        return sql.column(text if text in same else same[0], quoted=True)
    try:
        parsed = parse(text, what)
    except UsageError as error:
        near = unknown("raw column", text, known)
        raise SourceError(f"{error} Or is it a name? {near}") from None
    try:
        check_columns(parsed, known, what, "raw column")
    except UsageError as error:
        raise SourceError(str(error)) from None
    return parsed


def columns_of(expression: sql.Expression) -> list[str]:
    """The column names an expression reads, in order of appearance."""
    return list(dict.fromkeys(column.name for column in expression.find_all(sql.Column)))


def check_columns(
    expression: sql.Expression, known: list[str], what: str, kind: str = "column"
) -> None:
    """Raise UsageError for a column that is not among `known` (compared as SQL does, any case)."""
    folded = {name.lower() for name in known}
    for column in expression.find_all(sql.Column):
        if column.name.lower() not in folded:
            hint = " Text goes into single quotes." if column.this.quoted else ""
            raise UsageError(f"In the {what} '{expression.sql('duckdb')}': "
                             + unknown(kind, column.name, known) + hint)  # fmt: skip


def check_lines(dataset: Dataset, scope: str) -> None:
    """Raise UsageError where `scope`, `purchase` or `returned` is no condition on the order lines that
    the data set maps: it cannot be parsed, names another column, compares what cannot be compared, or
    may mean something else to the engine of the data set.

    Reads no data, so it is cheap enough to ask before every run: one line of nulls tells as much.
    """
    types = {name: _DTYPES[schema.LINES.column(name).type] for name in dataset.supplies("lines")}
    line = {name: ibis.null(type_) for name, type_ in {**types, "day": "date"}.items()}
    rows = engine.connect().sql("SELECT 1 AS one").select(**line)
    written = {
        "scope": scope,
        "purchase condition": dataset.purchase,
        "return condition": dataset.returned,
    }
    for what, condition in written.items():
        if condition.strip():
            flagged = flag(rows, condition, "met", what)
            _check_answer(rows, condition, what)
            try:
                flagged.met.execute()
            except duckdb.Error as error:
                raise _refused(error, what, condition) from None
            if dataset.engine != "duckdb":
                check_portable(condition, what)


def _check_answer(rows: ir.Table, condition: str, what: str) -> None:
    """Raise UsageError for an expression that gives something else than yes or no, such as `amount`."""
    type_ = select(rows, {"met": condition}, what).met.type()
    if not (type_.is_boolean() or type_.is_null()):
        raise UsageError(
            f"The {what} '{condition}' is no condition: it gives a value ({type_}), not yes or no. "
            "Compare it with something, for example amount > 0."
        )


def check_portable(condition: str, what: str) -> None:
    """Raise UsageError for a condition with something that Spark does not have, or takes otherwise.

    Spark counts the days of the week from 1 and whole months of a difference, its numbers are cut off where
    DuckDB rounds them, and its regular expressions are Java's: no error would say so.
    """
    for node in parse(condition, what).walk():
        if not _is_portable(node):
            raise UsageError(
                f"The {what} '{condition}' has '{node.sql('duckdb')}', which Spark may take otherwise than "
                "DuckDB. Comparisons, IN, BETWEEN, LIKE, CASE, + - * / %, casts to DATE, TIMESTAMP, DOUBLE or "
                "DECIMAL, and lower, upper, trim, length, abs, coalesce, nullif, greatest, least, year, month, "
                "day, starts_with mean the same. Or map a column that holds the answer: DuckDB evaluates mappings."
            )


def _is_portable(node: sql.Expression) -> bool:
    if isinstance(node, sql.Cast):
        return node.to.this in _PORTABLE_TYPES
    if isinstance(node, sql.Literal):
        return "\\" not in node.name
    return isinstance(node, _PORTABLE)


_PORTABLE = (
    sql.Column, sql.Identifier, sql.Boolean, sql.Null, sql.Paren, sql.And, sql.Or, sql.Not,
    sql.EQ, sql.NEQ, sql.GT, sql.GTE, sql.LT, sql.LTE, sql.NullSafeEQ, sql.NullSafeNEQ, sql.Is, sql.In,
    sql.Between, sql.Like, sql.ILike, sql.Add, sql.Sub, sql.Mul, sql.Div, sql.Mod, sql.Neg, sql.Case, sql.If,
    sql.DataType, sql.DataTypeParam, sql.Coalesce, sql.Nullif, sql.Greatest, sql.Least, sql.Abs,
    sql.Lower, sql.Upper, sql.Trim, sql.Length, sql.Year, sql.Month, sql.Day, sql.StartsWith,
)  # fmt: skip
"""What means the same in DuckDB's SQL and in what sqlglot makes of it for Spark, as tests hold it to."""
_PORTABLE_TYPES = (
    sql.DataType.Type.DATE, sql.DataType.Type.TIMESTAMP, sql.DataType.Type.DOUBLE, sql.DataType.Type.DECIMAL,
)  # fmt: skip


_DTYPES = {
    "text": "string", "day": "date", "time": "timestamp", "money": "decimal(18, 4)",
    "number": "float64", "count": "int64",
}  # fmt: skip
"""What staging makes of each canonical type, as far as comparing it goes."""


def flag(table: ir.Table, condition: str, name: str, what: str = "condition") -> ir.Table:
    """`table` with a boolean column `name`: does the row meet `condition` (unknown counts as no)?"""
    parsed = parse(condition, what)
    check_columns(parsed, list(table.columns), what)
    met = f"COALESCE(CAST(({parsed.sql('duckdb')}) AS BOOLEAN), FALSE)"
    return _queried(table, f"*, {met} AS {quoted(name)}", what, condition)


def select(table: ir.Table, expressions: dict[str, str], what: str) -> ir.Table:
    """One column per entry of `expressions` (name → SQL over the columns of `table`)."""

    def columns(names: Iterable[str]) -> str:
        return ", ".join(f"{expressions[name]} AS {quoted(name)}" for name in names)

    try:
        return _queried(table, columns(expressions), what, "")
    except UsageError:
        for name, text in expressions.items():  # which of them is it?
            _queried(table, columns([name]), f"{what} ({name})", text)
        raise


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return sql.to_identifier(name, quoted=True).sql("duckdb")


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
    except engine.errors() as error:
        raise _refused(error, what, text) from None


def _refused(error: Exception, what: str, text: str) -> UsageError:
    first = str(error).split("\n\nLINE")[0].strip()
    return UsageError(f"The {what} '{text}' does not work on this data: {first}")
