"""How the dates of a raw column are written, and what its values leave undecided."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, cast

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib import casting, engine

_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
_DAYS = [
    f"{first}{mark}{second}{mark}{year}"
    for first, second in (("%d", "%m"), ("%m", "%d"))
    for mark in "/.-"
    for year in ("%Y", "%y")
]
_NAMED = ["%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d/%b/%Y"]
_YEAR_FIRST = ["%Y%m%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y年%m月%d日%H时%M分", "%Y%m%d%H%M%S"]
FORMATS = [
    *(day + time for day, time in itertools.product([*_DAYS, *_NAMED], _TIMES)),
    *_YEAR_FIRST, *("%Y.%m.%d" + time for time in _TIMES[1:]), *("%Y年%m月%d日" + time for time in _TIMES[1:]),
]  # fmt: skip
"""Formats tried on text that is not ISO 8601."""

_LIKE_A_DATE = (
    r"^[0-9]{1,4}[-/. 年][0-9\pL]{1,9}[-/., 月]+[0-9]{1,4}|^[0-9]{8}([0-9]{6})?$"
    r"|^\pL{3,9}\.? [0-9]{1,2}, [0-9]{4}"
)
_MOST_FORMATS = 4
_TIME = re.compile("%[HI]")
PLAUSIBLE = (date(1970, 1, 1), date(2100, 1, 1))


@dataclass(frozen=True)
class Reading:
    """How a column reads as dates. `formats` is empty for ISO text and for typed columns.

    `share`: of the filled cells. `twin`: the format with day and month swapped that fits as well,
    so that the values do not decide; `twin_span` the days it would give.
    """

    formats: tuple[str, ...] = ()
    share: float = 1.0
    first: date | None = None
    last: date | None = None
    has_time: bool = False
    has_zone: bool = False
    twin: str = ""
    twin_span: tuple[date, date] | None = None
    unread: tuple[str, ...] = ()


def typed(rows: ir.Table, name: str) -> Reading:
    """The reading of a column that holds dates or times already."""
    at = rows[name]
    kind = at.type()
    days = _days(rows.aggregate(first=at.min(), last=at.max()))
    if not isinstance(kind, dt.Timestamp):
        return Reading((), 1.0, **days)
    timed = (at.hour() != 0) | (at.minute() != 0)
    return Reading((), 1.0, **days, has_time=_truth(timed.any()), has_zone=bool(kind.timezone))


def found(texts: ir.Table, rows: ir.Table, name: str) -> Reading | None:
    """How text (or whole numbers such as 20230105) reads as dates; None when it does not.

    `texts` is a sample of the column as text (`cell`), which settles the formats; `rows` has the
    whole column, for the first and last day.
    """
    cells = texts.filter(texts.cell.notnull()).distinct().limit(20_000)
    likely = cells.cell.re_search(_LIKE_A_DATE).mean().execute()
    if not likely > 0.5:
        return None
    whole = rows.select(cell=casting.as_text(rows[name])).filter(lambda table: table.cell.notnull())
    iso = cells.cell.re_search(r"^[0-9]{4}[-/]") & cells.cell.try_cast(dt.timestamp).notnull()
    if float(iso.mean().execute()) > 0.5:
        return _measured(whole, [])
    formats = _fitting(cells)
    return _measured(whole, formats) if formats else None


def _truth(value: ir.Value) -> bool:
    return bool(value.execute())


def _fitting(cells: ir.Table) -> list[str]:
    """The formats that together read what can be read, each the best for what is left over.

    A format that is another with day and month swapped is left out: the rows that only it reads
    are a contradiction for the user to settle, not a second format.
    """
    chosen: list[str] = []
    left = cells
    for _ in range(_MOST_FORMATS):
        some = left.order_by("cell").limit(30).cell.to_pyarrow().to_pylist()
        ruled_out = {*chosen, *(swapped(form) for form in chosen)}
        likely = [
            f for f in FORMATS if f not in ruled_out and any(_reads(f, cell) for cell in some)
        ]
        if not likely:
            break
        hits = {f"f{i}": _plausible(_parsed(left.cell, [f])).sum() for i, f in enumerate(likely)}
        counts = list(left.aggregate(**hits).to_pyarrow().to_pylist()[0].values())
        if not max(counts):
            break
        best = likely[counts.index(max(counts))]
        chosen.append(best)
        left = left.filter(~_plausible(_parsed(left.cell, [best])))
    return chosen


def _reads(form: str, cell: str) -> bool:
    try:
        datetime.strptime(cell, form)
    except ValueError:
        return False
    return True


def swapped(form: str) -> str:
    """The format with day and month exchanged; empty where a name of the month decides."""
    if "%b" in form or "%B" in form or form.startswith("%Y"):
        return ""
    return form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


def _parsed(text: ir.Value, formats: list[str]) -> ir.TimestampValue:
    literals = ibis.array([ibis.literal(form) for form in formats])
    return cast(ir.TimestampValue, engine.try_strptime(text, literals))


def _plausible(at: ir.TimestampValue) -> ir.BooleanValue:
    first, last = PLAUSIBLE
    fits = (at >= ibis.timestamp(str(first))) & (at < ibis.timestamp(str(last)))
    return cast(ir.BooleanValue, fits.fill_null(False))


def _measured(cells: ir.Table, formats: list[str]) -> Reading:
    """Share read, first and last day over the whole column, and whether the twin fits as well."""
    at = _parsed(cells.cell, formats) if formats else cells.cell.try_cast(dt.timestamp)
    share, days = _span(cells, at)
    unread = cells.filter(~_plausible(at)).distinct().order_by("cell").limit(3)
    reading = Reading(
        tuple(formats), share, **days, unread=tuple(unread.cell.to_pyarrow().to_pylist()),
        has_time=bool(_TIME.search("".join(formats))) if formats
        else _truth(cells.cell.contains(":").any()),
        has_zone=not formats and _truth(cells.cell.re_search(casting.OFFSET).any()),
    )  # fmt: skip
    twins = [swapped(form) for form in formats]
    if not formats or not all(twins):
        return reading
    twin_share, twin_days = _span(cells, _parsed(cells.cell, twins))
    return _nearer(reading, twins, twin_days) if twin_share >= share else reading


def _span(cells: ir.Table, at: ir.TimestampValue) -> tuple[float, dict[str, Any]]:
    fits = _plausible(at)
    days = _days(cells.aggregate(first=at.min(where=fits), last=at.max(where=fits)))
    return float(fits.mean().execute() or 0), days


def _days(table: ir.Table) -> dict[str, Any]:
    row = table.to_pyarrow().to_pylist()[0]
    return {key: at.date() if isinstance(at, datetime) else at for key, at in row.items()}


def _nearer(reading: Reading, twins: list[str], days: dict[str, Any]) -> Reading:
    """Of two readings that fit alike, the one with the shorter span; the other is its twin."""
    if not reading.first or not reading.last or not days["first"]:
        return reading
    span = (reading.first, reading.last)
    if days["last"] - days["first"] >= reading.last - reading.first:
        return replace(reading, twin=twins[0], twin_span=(days["first"], days["last"]))
    return replace(reading, formats=tuple(twins), **days, twin=reading.formats[0], twin_span=span)
