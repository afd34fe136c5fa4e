"""One snapshot of a PostgreSQL server: which parts its tables have, what they hold, and their rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from crm_lib.errors import SourceError, unknown
from crm_lib.postgres.columns import Column, converted
from crm_lib.postgres.connection import Connection

_CODE = [Path(__file__), Path(__file__).with_name("columns.py")]
"""What decides which Parquet is made of rows: a part that older code made is not taken for the same."""

_TABLES = """
SELECT n.nspname || '.' || c.relname, c.relname::text, c.oid::bigint, c.oid::regclass::text,
    pg_table_is_visible(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1
"""
_COLUMNS = """
WITH RECURSIVE resolved AS (
    SELECT attnum, attname, atttypid AS type, atttypmod AS typmod FROM pg_attribute
    WHERE attrelid = {0} AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT attnum, attname, typbasetype, CASE typmod WHEN -1 THEN typtypmod ELSE typmod END
    FROM resolved JOIN pg_type t ON t.oid = type AND typtype = 'd'
)
SELECT attname::text, format_type(type, typmod)
FROM resolved JOIN pg_type t ON t.oid = type AND typtype <> 'd' ORDER BY attnum
"""
_KEY = """
SELECT a.attname::text FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = {0} AND i.indisprimary ORDER BY k.place
"""
_NO_MONTH = "no month"
_WITHIN = "{0} >= '0001-01-01' AND {0} < '10000-01-01'"
"""Has the row a month? Null and infinite times have none."""


@dataclass(frozen=True)
class _Table:
    name: str
    short: str
    oid: str
    sql: str
    visible: str


@dataclass(frozen=True)
class TablePart:
    """The rows of a table in a month, or without one, or all: what they are called and what they hold.

    `number` tells it from other parts of the table, whichever come or go: the months since the year 0;
    0 without a month.

    `content` is a hash that the server makes of the columns read: it changes when any row is added,
    changed or gone, and with the names and types of the columns, but not with the order in which the
    rows lie.
    """

    label: str
    number: int
    rows: int
    content: str
    query: str = field(repr=False)
    schema: pa.Schema = field(repr=False)


class Snapshot:
    """What the server that `variable` names held at one moment. Close it, or use it with `with`.

    with Snapshot("CRM_SHOP_DB") as snapshot:
        for part in snapshot.parts("sales.order_lines", ["amount", "ordered_at"], "ordered_at"):
            snapshot.write(part, folder / f"{part.content}.parquet")
    """

    def __init__(self, variable: str) -> None:
        self._connection = Connection(variable)
        self._columns = cache(self._read_columns)
        self._tables: dict[str, _Table] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def columns(self, table: str) -> list[str]:
        """The names of the table's columns, in its order. Raises SourceError for an unknown table."""
        return [column.name for column in self._columns(table)]

    def parts(
        self, table: str, columns: Iterable[str], period: str | None = None
    ) -> list[TablePart]:
        """The parts of a table or view: one a month of `period` (in UTC), and one of the rows without;
        a single one where no `period` is given. The months are in order.

        `columns` are read, and those of the primary key. Where there is none, so is a hash of the whole
        row (`whole_row`), for rows that are identical in `columns` only are not the same row.
        Raises SourceError for an unknown table or column, a `period` that is no date or time, a table
        without rows, or a server that cannot be read.
        """
        every = {column.name: column for column in self._columns(table)}
        key = [
            every[str(name)] for (name,) in self._rows(_KEY.format(self._table(table).oid), table)
        ]
        month = _named(every, period, table) if period else None
        if month and not month.is_time:
            raise SourceError(
                f"`period: {month.name}` of '{table}' must be a date or a time; it is {month.type}."
            )
        wanted = {_named(every, name, table) for name in columns} | set(key)
        read = [column for column in every.values() if column in wanted]
        if not key and len(read) < len(every):
            read.append(_whole_row(list(every.values())))
        query = f"SELECT {_listed(c.read for c in read)} FROM {self._table(table).sql}"
        order = f" ORDER BY {_listed(c.order for c in key or read)}"
        schema = pa.schema([(column.name, column.arrow) for column in read])
        found = [
            TablePart(
                f"{table}, {name}" if month else table,
                _number(name),
                rows,
                _hash(read, key, rows, total),
                query + _condition(month, name) + order,
                schema,
            )
            for name, (rows, total) in self._months(table, read, month).items()
        ]
        if not sum(part.rows for part in found):
            raise SourceError(f"'{table}': there are columns but no rows.")
        return found

    def write(self, part: TablePart, path: Path) -> None:
        """Write the rows of `part` to the Parquet file `path`, in the order of the primary key, or of
        all columns read where there is none: the same rows have the same numbers every time.

        Memory is bounded by a few batches. The file appears whole or not at all.
        """
        partial = path.with_name(f"{path.name}.partial")
        rows = 0
        try:
            with pq.ParquetWriter(partial, part.schema) as writer:
                for batch in self._connection.batches(part.query, part.label):
                    writer.write_batch(converted(batch, part.schema))
                    rows += batch.num_rows
            if rows != part.rows:
                raise SourceError(
                    f"'{part.label}' gave {part.rows:,} rows and then {rows:,}, in one snapshot. Is it "
                    "a view whose rows depend on chance or the clock?"
                )
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def _months(
        self, table: str, read: Sequence[Column], month: Column | None
    ) -> dict[str, tuple[int, str]]:
        """By month (`2024-03`; "no month" for rows without): number of rows, sum of their hashes.

        A sum does not depend on order.
        """
        key = "NULL::timestamp"
        if month:
            key = f"CASE WHEN {_WITHIN.format(month.sql)} THEN date_trunc('month', {month.sql}) END"
        rows = self._rows(
            "SELECT to_char(month, 'YYYY-MM'), rows, total FROM ("
            f"SELECT {key} AS month, count(*) AS rows, sum({_hashed(read)})::text AS total "
            f"FROM {self._table(table).sql} GROUP BY 1) AS months ORDER BY month",
            table,
        )
        return {str(name or _NO_MONTH): (int(str(n)), str(total)) for name, n, total in rows}

    def _table(self, name: str) -> _Table:
        """The table called `name`, with its schema or, where the search path leads to it, without."""
        if self._tables is None:
            found = [_Table(*map(str, row)) for row in self._rows(_TABLES, "")]
            self._tables = {t.short: t for t in found if t.visible == "True"}
            self._tables |= {t.name: t for t in found}
        if name not in self._tables:
            known = sorted({table.name for table in self._tables.values()})
            raise SourceError(
                f"In the database of {self._connection.variable}: {unknown('table', name, known)}"
            )
        return self._tables[name]

    def _read_columns(self, table: str) -> list[Column]:
        rows = self._rows(_COLUMNS.format(self._table(table).oid), table)
        return [Column(str(name), str(type_)) for name, type_ in rows]

    def _rows(self, query: str, table: str) -> list[tuple[object, ...]]:
        return self._connection.rows(query, table)


def _named(columns: dict[str, Column], name: str, table: str) -> Column:
    if name not in columns:
        raise SourceError(f"In '{table}': {unknown('column', name, columns)}")
    return columns[name]


def _whole_row(columns: Sequence[Column]) -> Column:
    """A hash of the whole row as one more column, under a name that is free."""
    name = "whole_row"
    while name in {column.name for column in columns}:
        name += "_"
    return Column(name, "bigint", _hashed(columns))


def _hashed(columns: Sequence[Column]) -> str:
    """SQL for a hash of a row: its text tells a null from an empty cell."""
    return f'hashtextextended(ROW({_listed(c.sql for c in columns)})::text COLLATE "C", 0)'


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _condition(month: Column | None, name: str) -> str:
    """SQL that keeps the rows of one month, in a form that an index on the column can answer."""
    if month is None:
        return ""
    if name == _NO_MONTH:
        return f" WHERE ({_WITHIN.format(month.sql)}) IS NOT TRUE"
    number = _number(name)
    after = f"{(number + 1) // 12:04}-{(number + 1) % 12 + 1:02}"
    return f" WHERE {month.sql} >= '{name}-01' AND {month.sql} < '{after}-01'"


def _number(name: str) -> int:
    """Months from the year 0 to the month called `2024-03`."""
    return 0 if name == _NO_MONTH else int(name[:4]) * 12 + int(name[5:]) - 1


@cache
def _form() -> str:
    return hashlib.blake2b(b"".join(path.read_bytes() for path in _CODE)).hexdigest()


def _hash(read: Sequence[Column], key: Sequence[Column], rows: int, total: str) -> str:
    told = [_form(), [(c.name, c.type) for c in read], [c.name for c in key], rows, total]
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()
