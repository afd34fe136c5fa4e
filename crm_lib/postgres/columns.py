"""What a column of PostgreSQL becomes: exact to the last digit, or text; never a float from a numeric."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

_PLAIN = {
    "smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64(), "boolean": pa.bool_(),
    "real": pa.float32(), "double precision": pa.float64(), "date": pa.date32(),
}  # fmt: skip
_TIMES = {
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
}
_ONE_ORDER = {"smallint", "integer", "bigint", "boolean", "date", "uuid", *_TIMES}
"""Types of which equal values are also written alike, so that an order by them has no ties left."""
_BETWEEN = "CASE WHEN {0} < {1} THEN {1} WHEN {0} > {2} THEN {2} ELSE {0} END"


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, its type as PostgreSQL writes it (`numeric(12,2)`), and the SQL
    that makes it where it is none of the table's own."""

    name: str
    type: str
    made: str = ""

    @property
    def base(self) -> str:
        """The type without length, precision and scale."""
        return re.sub(r"\(.*?\)", "", self.type)

    @property
    def sql(self) -> str:
        return self.made or '"' + self.name.replace('"', '""') + '"'

    @property
    def is_time(self) -> bool:
        """Can months be told by it?"""
        return self.base == "date" or self.base in _TIMES

    @property
    def _decimal(self) -> pa.DataType | None:
        """The exact type of a numeric of declared precision; one without, or too wide, stays text."""
        declared = re.fullmatch(r"numeric\((\d+),(-?\d+)\)", self.type)
        if not declared:
            return None
        precision, scale = int(declared[1]), int(declared[2])
        fits = precision <= 38 and 0 <= scale <= precision
        return pa.decimal128(precision, scale) if fits else None

    @property
    def arrow(self) -> pa.DataType:
        """The type in Parquet."""
        return _PLAIN.get(self.base) or _TIMES.get(self.base) or self._decimal or pa.string()

    @property
    def read(self) -> str:
        """SQL for the value as it is transferred.

        An infinite day or time, or one outside the years 1 to 9999, becomes the nearest end of them
        (which the rules on plausible dates know); NaN in a numeric is a missing number.
        """
        if self.base == "date":
            ends = "date '0001-01-01'", "date '9999-12-31'"
            return _BETWEEN.format(self.sql, *ends)
        if self.base in _TIMES:  # a day from the ends: any zone's clock stays within these years
            ends = f"{self.base} '0001-01-02'", f"{self.base} '9999-12-30'"
            return _BETWEEN.format(self.sql, *ends)
        if self.base == "numeric":
            return f"NULLIF({self.sql}, 'NaN')::text"
        if self.base == "money":  # as text it would bear the server's currency sign
            return f"{self.sql}::numeric::text"
        return self.sql if self.base in _PLAIN else f"{self.sql}::text"

    @property
    def order(self) -> str:
        """SQL that orders by the value, on every server alike (collations differ)."""
        return self.sql if self.base in _ONE_ORDER else f'{self.sql}::text COLLATE "C"'


def converted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with the types of `schema`: exact numerics come from the driver as text."""
    arrays = [
        column if column.type == field.type else pc.cast(column, field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
