"""A small frame as a table: numbers to the right with the same digits, units in the head, all text escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crm_lib import errors
from crm_lib.present import words
from crm_lib.present.html import Html, escape, prose, tag

# Where no amount of a column is smaller, cents are noise.
WHOLE_MONEY_FROM = 1_000
# Texts up to the first length stay on one line; a column with one beyond the second gets room.
SHORT_TEXT, LONG_TEXT = 28, 40


@dataclass(frozen=True)
class Column:
    """How one column is shown: its label, its unit (one of `words.UNITS`), decimals if not the usual.

    `bar` draws a share (unit percent) also as a bar; all bars of a table have one scale.
    """

    label: str
    unit: str = "text"
    digits: int | None = None
    bar: bool = False

    def __post_init__(self) -> None:
        words.check_unit(self.unit)
        if self.bar and self.unit != "percent":
            raise errors.UsageError(
                f"Column '{self.label}': only a share (unit percent) can have a bar."
            )


def require_columns(
    frame: pd.DataFrame, names: Mapping[str, object] | list[str] | tuple[str, ...]
) -> None:
    """Raise UsageError naming the first column that the frame does not have, and those it has."""
    for name in names:
        if name not in frame.columns:
            raise errors.UsageError(errors.unknown("column", name, map(str, frame.columns)))


def table(
    frame: pd.DataFrame,
    *,
    columns: Mapping[str, Column],
    caption: str = "",
    note: str = "",
    currency: str | None = None,
    max_rows: int = 50,
    emphasise: str | None = None,
) -> Html:
    """The frame's named columns, in the given order, at most `max_rows` rows.

    `emphasise` names a true/false column whose true rows stand out (a total, the customer in question).
    Raises UsageError for a column the frame lacks, an unknown unit, or money without a currency.
    """
    if not columns:
        raise errors.UsageError("A table needs at least one column.")
    require_columns(frame, [*columns, *([emphasise] if emphasise else [])])
    shown = frame.head(max_rows)
    cells = {name: _texts(shown[name], column) for name, column in columns.items()}
    head = tag("tr", "".join(_head(column, currency) for column in columns.values()))
    body = tag("thead", head) + tag("tbody", _rows(shown, columns, cells, emphasise))
    region = tag(
        "div", tag("table", body, "crm-table"), "crm-scroll",
        tabindex="0", role="region", aria_label=caption or _label(columns),
    )  # fmt: skip
    more = _more(len(frame), max_rows)
    above = tag("p", escape(caption), "crm-caption") if caption else ""
    below = "".join(tag("p", prose(text), "crm-note") for text in (more, note) if text)
    return Html(
        tag("div", above + region + below, "crm-tablewrap"), _plain(cells, columns, more, caption)
    )


def _more(rows: int, max_rows: int) -> str:
    if not rows:
        return words.say("table.empty")
    return (
        words.say("table.more", rows=words.counted(rows - max_rows, "row"))
        if rows > max_rows
        else ""
    )


def _rows(
    shown: pd.DataFrame,
    columns: Mapping[str, Column],
    cells: Mapping[str, list[str]],
    emphasise: str | None,
) -> str:
    strong = [bool(x) for x in shown[emphasise]] if emphasise else [False] * len(shown)
    texts = zip(*cells.values(), strict=True)
    classes = zip(*(_classes(cells[name], column) for name, column in columns.items()), strict=True)
    bars = zip(*_bars(shown, columns), strict=True)
    return "".join(_row(*row) for row in zip(texts, classes, bars, strong, strict=True))


def _label(columns: Mapping[str, Column]) -> str:
    return "Table: " + ", ".join(column.label for column in columns.values())


def _bars(frame: pd.DataFrame, columns: Mapping[str, Column]) -> list[list[int | None]]:
    """Length of each cell's bar in hundredths of the largest share among all columns with bars."""
    with_bars = [name for name, column in columns.items() if column.bar]
    known = [float(x) for name in with_bars for x in frame[name] if not words.is_missing(x)]
    longest = max(known, default=0.0)

    def length(x: Any) -> int | None:
        if words.is_missing(x) or longest <= 0:
            return None
        return round(100 * max(float(x), 0.0) / longest)

    return [
        [length(x) for x in frame[name]] if column.bar else [None] * len(frame)
        for name, column in columns.items()
    ]


def _texts(values: pd.Series[Any], column: Column) -> list[str]:
    digits = column.digits
    if digits is None and column.unit == "money":
        amounts = [abs(float(x)) for x in values if not words.is_missing(x)]
        digits = 2 if any(0 < amount < WHOLE_MONEY_FROM for amount in amounts) else 0
    return [words.bare(x, column.unit, digits) for x in values]


def _classes(texts: list[str], column: Column) -> list[str]:
    """The class of each cell of a column: numbers to the right, short texts on one line, long ones wide."""
    if words.is_numeric(column.unit):
        return ["crm-number"] * len(texts)
    if max(map(len, texts), default=0) > LONG_TEXT:
        return ["crm-long"] * len(texts)
    return ["crm-nowrap" if len(text) <= SHORT_TEXT else "" for text in texts]


def _head(column: Column, currency: str | None) -> str:
    unit = words.unit_label(column.unit, currency)
    label = escape(column.label) + (
        " " + tag("span", f"({escape(unit)})", "crm-unit") if unit else ""
    )
    return tag("th", label, "crm-number" if words.is_numeric(column.unit) else "", scope="col")


def _row(
    texts: Sequence[str], classes: Sequence[str], bars: Sequence[int | None], strong: bool
) -> str:
    cells = []
    for position, (text, css, bar) in enumerate(zip(texts, classes, bars, strict=True)):
        if bar is not None:
            css += f" crm-bar crm-bar-{bar}"
        name, scope = ("th", "row") if position == 0 else ("td", "")
        content = prose(text) if css == "crm-long" else escape(text)
        cells.append(tag(name, content, css, scope=scope))
    return tag("tr", "".join(cells), "crm-strong" if strong else "")


def _plain(
    cells: Mapping[str, list[str]], columns: Mapping[str, Column], more: str, caption: str
) -> str:
    frame = pd.DataFrame({column.label: cells[name] for name, column in columns.items()})
    rows = "" if frame.empty else frame.to_string(index=False)
    return "\n".join(filter(None, [caption, rows, more]))
