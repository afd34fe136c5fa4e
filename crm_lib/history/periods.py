"""Periods: consecutive calendar months whose order lines lie in the same files.

No two periods share a month, so that what is counted of one by month stands whatever comes later. A
folder a month makes a period a month, one file of all years makes one period.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from crm_lib import cache
from crm_lib.periods import Window, add_months, month_start, months

LINES = 2_000_000
"""Order lines that are counted at a time: enough to keep the engine busy, few enough for its memory."""


@dataclass(frozen=True)
class Piece:
    """A file of staged order lines. key: hash of the rows in it and of which of them are set aside.

    first_on, last_on: days that its rows are dated; None where none is, then nothing is counted of them.
    """

    key: str
    path: Path
    rows: int
    first_on: date | None
    last_on: date | None


@dataclass(frozen=True)
class Period:
    """The order lines of `pieces` within `window`, which ends before `as_of`."""

    window: Window
    pieces: tuple[Piece, ...]

    @property
    def key(self) -> str:
        """Hash of everything that the lines of the period depend on."""
        return cache.hashed(str(self.window), *sorted(piece.key for piece in self.pieces))[:16]

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces)


def periods_of(pieces: Iterable[Piece], as_of: date) -> list[Period]:
    """The periods before `as_of` in order of time."""
    found: list[Period] = []
    dated = [piece for piece in pieces if piece.first_on and piece.first_on < as_of]
    for piece in sorted(dated, key=lambda piece: (piece.first_on, piece.last_on, piece.key)):
        alone = Period(_months_of(piece, as_of), (piece,))
        if found and alone.window.start < found[-1].window.end:
            alone = together([found.pop(), alone])
        found.append(alone)
    return found


def _months_of(piece: Piece, as_of: date) -> Window:
    """The calendar months that the piece has days in, as far as they lie before `as_of`."""
    first, last = piece.first_on or as_of, piece.last_on or as_of
    return Window(month_start(first), min(add_months(month_start(last), 1), as_of))


def batches(found: Sequence[Period]) -> list[Period]:
    """Periods to be counted at a time: small ones together, large ones a few months at a time."""
    made: list[Period] = []
    for period in found:
        if made and made[-1].rows + period.rows <= LINES:
            made[-1] = together([made[-1], period])
        else:
            made.append(period)
    return [part for each in made for part in _split(each)]


def together(found: Sequence[Period]) -> Period:
    """Consecutive periods as one."""
    window = Window(found[0].window.start, max(period.window.end for period in found))
    return Period(window, tuple(dict.fromkeys(piece for each in found for piece in each.pieces)))


def _split(period: Period) -> Iterator[Period]:
    every = months(period.window)
    parts = min(len(every), math.ceil(period.rows / LINES)) or 1
    starts = [every[at * len(every) // parts] for at in range(parts)]
    for start, end in zip(starts, [*starts[1:], period.window.end], strict=True):
        yield Period(Window(start, end), period.pieces)
