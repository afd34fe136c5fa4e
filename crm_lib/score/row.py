"""One comparison of what was planted with what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeVar

from crm_lib.book import Book
from crm_lib.present import words
from crm_lib.score.truth import Truth

EXACT = "none"
"""The tolerance of what must agree to the last cent, day or row."""

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One line of the board. `planted`, `found` and `tolerance` are texts with their units.

    holds: whether `found` lies within the tolerance; None where there is nothing to judge, which
    the note explains.
    """

    measure: str
    planted: str
    found: str
    tolerance: str
    holds: bool | None
    note: str = ""


class Subject(Protocol):
    """A module of this package: one subject, compared in `rows`.

    NAME is how the board calls it. WHOLE_WINDOW: its truth is over the whole window, so that it can
    only be compared as of the first day after it.
    """

    NAME: str
    WHOLE_WINDOW: bool

    def rows(self, truth: Truth, book: Book) -> list[Row]:
        """The comparisons of the subject, in the order of the board."""


def same(
    measure: str, planted: T, found: T, shown: Callable[[T], str] = str, note: str = ""
) -> Row:
    """A row for two values that must be equal, shown by `shown`."""
    return Row(measure, shown(planted), shown(found), EXACT, planted == found, note)


def money(currency: str) -> Callable[[Decimal], str]:
    """How exact amounts are shown: with their cents."""
    return lambda amount: words.money(amount, currency, digits=2)


def share(part: float, whole: float) -> str:
    """A share with its parts: 12.5% (5 of 40)."""
    if not whole:
        return "none"
    return f"{words.percent(part / whole)} ({words.count(part)} of {words.count(whole)})"
