"""The scoreboard as `crm score` prints it: for a terminal of any width, or whole for a file or program."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from crm_lib.present import words

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

_UNBOUNDED = 10_000
"""Characters a line of what a file or program takes: nothing is wrapped."""
_MARKS = {True: ("yes", ""), False: ("NO", "bold red"), None: ("–", "")}
"""How a measure that holds, fails, or is not judged is marked, and its style."""
_MARGIN = 5
"""Characters before a measure, for its mark."""
_GAP = "   "
_COLUMNS = ("measure", "planted", "found", "tolerance")


def show(dataset: str, as_of: date, board: pd.DataFrame, *, notes: bool = False) -> bool:
    """What was planted, what was found and how far apart they may be, below the name of each subject.

    What fails or is not judged has its note below; with `notes` everything has. True when every
    measure that has a tolerance keeps it.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_UNBOUNDED)
    holds = [None if each is None or each != each else bool(each) for each in board["holds"]]
    _line(console, f"What was planted in {dataset}, and what was found before {as_of}")
    for subject, group in board.groupby("subject", sort=False):
        console.print()
        _line(console, str(subject), "bold")
        _subject(console, group, [holds[place] for place in group.index], notes)
    console.print()
    for sentence in _conclusion(board, holds):
        _line(console, sentence)
    if not notes:
        _line(console, "What each measure means: --notes", "dim")
    return False not in holds


def _subject(
    console: Console, rows: pd.DataFrame, holds: Sequence[bool | None], notes: bool
) -> None:
    """The measures of one subject: one line each if all fit, else with their values below.

    A note that the next measure shares is printed once, after the last.
    """
    texts = [_COLUMNS, *rows[list(_COLUMNS)].itertuples(index=False, name=None)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    is_wide = _MARGIN + sum(widths) + len(_GAP) * (len(widths) - 1) <= console.width
    if is_wide:
        _line(console, " " * _MARGIN + _in_columns(_COLUMNS, widths), "dim")
    shown = [
        note if notes or not held else "" for note, held in zip(rows["note"], holds, strict=True)
    ]
    for values, held, note, following in zip(
        texts[1:], holds, shown, [*shown[1:], ""], strict=True
    ):
        mark, style = _MARKS[held]
        start = f"{mark:<{_MARGIN}}"
        if is_wide:
            _line(console, start + _in_columns(values, widths), style)
        else:
            _line(console, start + values[0], style, _MARGIN)
            _values(console, values[1:], style)
        if note and note != following:
            _line(console, " " * (_MARGIN + 2) + note, "dim", _MARGIN + 2)


def _in_columns(values: Sequence[str], widths: Sequence[int]) -> str:
    cells = (value.ljust(width) for value, width in zip(values, widths, strict=True))
    return _GAP.join(cells).rstrip()


def _values(console: Console, values: Sequence[str], style: str) -> None:
    """Planted, found and tolerance in one line if they fit, else below each other."""
    start = " " * (_MARGIN + 2)
    named = [(name, text) for name, text in zip(_COLUMNS[1:], values, strict=True) if text]
    line = start + _GAP.join(f"{name} {text}" for name, text in named)
    if len(line) <= console.width:
        _line(console, line, style)
        return
    for name, text in named:
        _line(console, f"{start}{name:<9}  {text}", style, len(start) + 11)


def _line(console: Console, text: str, style: str = "", indent: int = 0) -> None:
    """Print a line; what does not fit goes below it, indented. No word or number is cut."""
    parts = textwrap.wrap(
        text, console.width, subsequent_indent=" " * indent, replace_whitespace=False,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    for part in parts:
        console.print(part, style=style, markup=False, soft_wrap=True)


def _conclusion(board: pd.DataFrame, holds: Sequence[bool | None]) -> list[str]:
    """How many measures hold, and which do not."""
    failing = [
        f"{subject}, {measure}"
        for subject, measure, held in zip(board["subject"], board["measure"], holds, strict=True)
        if held is False
    ]
    held = holds.count(True)
    if not held and not failing:
        return ["Nothing could be judged."]
    text = f"{words.counted(held, 'measure holds', 'measures hold')}."
    if not failing:
        return [text]
    outside = words.counted(
        len(failing), "is outside its tolerance", "are outside their tolerances"
    )
    return [text, f"{outside}: {'; '.join(failing)}."]
