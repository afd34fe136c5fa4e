"""What the values of a raw column say: its kind, how much of it can be read as what, its range."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib import casting
from crm_lib.init import dates

Kind = Literal["text", "number", "time", "other"]
SAMPLE = 100_000
"""Rows looked at; dates are looked at whole, for the first and the last day."""
READABLE = 0.9
"""From this share of its filled cells on, a column counts as numbers or dates."""


@dataclass(frozen=True)
class Column:
    """A raw column as its sample shows it; shares are of filled cells."""

    name: str
    kind: Kind
    rows: int
    filled: int
    distinct: int
    examples: tuple[str, ...] = ()
    number_share: float = 0.0
    decimal: str = "."
    decimal_is_sure: bool = True
    whole_share: float = 0.0
    negative_share: float = 0.0
    low: float | None = None
    high: float | None = None
    signs: dict[str, float] = field(default_factory=dict)
    reading: dates.Reading | None = None

    @property
    def is_number(self) -> bool:
        return self.number_share >= READABLE

    @property
    def is_date(self) -> bool:
        return self.reading is not None and self.reading.share >= READABLE

    @property
    def missing_share(self) -> float:
        return 1 - self.filled / self.rows if self.rows else 0.0

    @property
    def is_unique(self) -> bool:
        return self.distinct == self.filled == self.rows


def look(rows: ir.Table) -> dict[str, Column]:
    """Every raw column of `rows` (a table of raw rows), by name, in order."""
    names = [name for name in rows.columns if name not in ("source_file", "row_id")]
    sample = rows.select(names).limit(SAMPLE).cache()
    return {name: _column(sample, rows, name) for name in names}


def _column(sample: ir.Table, rows: ir.Table, name: str) -> Column:
    raw = sample[name]
    texts = sample.select(cell=casting.as_text(raw))
    facts = _counted(texts) | {"name": name}
    if isinstance(raw, (ir.TimestampValue, ir.DateValue)):
        return Column(kind="time", reading=dates.typed(rows, name), **facts)
    if isinstance(raw, ir.NumericValue) and not isinstance(raw, ir.BooleanValue):
        numbers = sample.select(number=raw.cast(dt.float64))
        whole = isinstance(raw, ir.IntegerValue)
        reading = dates.found(texts, rows, name) if whole else None
        return Column(kind="number", number_share=1.0, reading=reading, **facts, **_range(numbers))
    if not isinstance(raw, ir.StringValue):
        return Column(kind="other", **facts)
    reading = dates.found(texts, rows, name)
    return Column(kind="text", reading=reading, **facts, **_numbers(texts))


def _one(table: ir.Table) -> dict[str, Any]:
    row: dict[str, Any] = table.to_pyarrow().to_pylist()[0]
    return row


def _counted(texts: ir.Table) -> dict[str, Any]:
    """Rows, filled cells, distinct values, and the five most frequent ones."""
    cell = texts.cell
    counts = _one(texts.aggregate(rows=texts.count(), filled=cell.count(), distinct=cell.nunique()))
    often = texts.filter(cell.notnull()).group_by("cell").aggregate(times=ibis._.count())
    often = often.order_by(ibis.desc("times"), "cell").limit(5)
    return {**counts, "examples": tuple(often.cell.to_pyarrow().to_pylist())}


def _range(numbers: ir.Table) -> dict[str, Any]:
    """The range of a table's column `number`, the shares of whole and of negative numbers."""
    number = numbers.number
    finite = numbers.filter(~number.isnan() & ~number.isinf())
    found = _one(
        finite.aggregate(
            low=finite.number.min(), high=finite.number.max(),
            whole_share=(finite.number % 1 == 0).mean(), negative_share=(finite.number < 0).mean(),
        )
    )  # fmt: skip
    return {key: value or 0.0 if key.endswith("share") else value for key, value in found.items()}


def _numbers(texts: ir.Table) -> dict[str, Any]:
    """How much of a text column reads as numbers, by which decimal mark, beside which signs."""
    signs = _signs(texts)
    bare: ir.Value = texts.cell
    for sign in sorted(signs, key=len, reverse=True):
        bare = bare.replace(sign, "")
    cells = texts.select(cell=bare.strip()).filter(lambda table: table.cell.notnull())
    read = cells.select(
        point=casting.plain_number(cells.cell, ".", "XXX").try_cast(dt.float64),
        comma=casting.plain_number(cells.cell, ",", "XXX").try_cast(dt.float64),
    )
    differ = read.point.notnull() & read.comma.notnull() & (read.point != read.comma)
    share = _one(
        read.aggregate(
            point=read.point.notnull().mean(), comma=read.comma.notnull().mean(),
            unsure=differ.sum(),
        )
    )  # fmt: skip
    name = "comma" if (share["comma"] or 0) > (share["point"] or 0) else "point"
    if not share[name]:
        return {}
    return {
        "number_share": share[name],
        "decimal": {"comma": ",", "point": "."}[name],
        "decimal_is_sure": not share["unsure"] or share["comma"] != share["point"],
        "signs": signs,
        **_range(read.select(number=read[name])),
    }


def _signs(texts: ir.Table) -> dict[str, float]:
    """The currency signs beside the numbers of a column, with the share of cells that bear them."""
    bare = texts.cell.re_replace(r"[0-9.,'’\s()+\-−\x{00A0}\x{202F}]", "")
    left = texts.select(left=bare).filter(lambda table: table.left.length().between(1, 4))
    counted = left.group_by("left").aggregate(times=ibis._.count()).limit(1000)
    found = {row["left"]: row["times"] for row in counted.to_pyarrow().to_pylist()}
    total = int(texts.cell.count().execute()) or 1
    return {sign: found[sign] / total for sign in casting.SIGNS if found.get(sign)}
