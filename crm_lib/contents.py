"""A hash of the rows of a table, whatever their order: equal rows, equal hash."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir


def of_row(rows: ir.Table, *columns: str) -> ir.IntegerValue:
    """A hash of these columns of each row, of all without any named."""
    return ibis.struct({name: rows[name] for name in columns or rows.columns}).hash()


def by(rows: ir.Table, column: str) -> dict[Any, str]:
    """By value of `column`, the hash of the rows that have it."""
    hashed = rows.select(value=rows[column], one=of_row(rows).cast(dt.Decimal(38, 0)))
    # Added up, not combined by XOR, in which two equal rows would cancel each other out.
    each = hashed.group_by("value").agg(rows=hashed.count(), total=hashed.one.sum())
    found = each.to_pyarrow().to_pylist()
    return {row["value"]: f"{row['rows']} {row['total']}" for row in found}


def of(rows: ir.Table) -> str:
    """The hash of all rows."""
    return by(rows.mutate(every_=ibis.literal(0)), "every_").get(0, "")
