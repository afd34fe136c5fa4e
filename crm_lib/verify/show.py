"""The checks in words, for the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_lib.present import words
from crm_lib.verify.check import Result

COLUMNS = ("number", "reference", "ours", "difference", "tolerance")
_LOG_WIDTH = 180


def by_subject(results: Sequence[Result]) -> Iterator[tuple[str, str, list[Result]]]:
    """The results in order, as (subject, source, results of that subject and source)."""
    for (subject, source), group in groupby(results, lambda r: (r.check.subject, r.check.source)):
        yield subject, source, list(group)


def cells(result: Result) -> tuple[str, ...]:
    """The texts of a row, as in `COLUMNS`."""
    check = result.check
    return (
        check.what,
        check.reference,
        result.problem or result.shown,
        "" if result.problem else f"{result.difference:+.2g}" if result.difference else "0",
        f"{check.tolerance:.2g}",
    )


def conclusion(results: Sequence[Result]) -> str:
    """How many numbers hold, in a sentence or two."""
    printed = sum(result.check.is_printed for result in results)
    numbers = (
        f"{words.count(len(results))} reference numbers ({words.count(printed)} printed in papers, notes "
        f"and other software's tests, {words.count(len(results) - printed)} computed apart from this "
        "software)"
    )
    failing = [result for result in results if not result.holds]
    if not failing:
        return f"All {numbers} come out within their tolerances."
    held = words.count(len(results) - len(failing))
    outside = words.counted(len(failing), "does not", "do not")
    return f"{held} of {numbers} come out within their tolerances; {outside}."


def table(results: Sequence[Result], origin: str) -> None:
    """Print every check below its subject, then those that fail again, and the conclusion."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_LOG_WIDTH)
    for subject, source, group in by_subject(results):
        _print(console, f"{subject} ({source})", group)
    if failing := [result for result in results if not result.holds]:
        _print(console, "Outside their tolerances", failing, named=True)
    console.print(f"{conclusion(results)} CDNOW read from: {origin}.", markup=False, soft_wrap=True)


def _print(console: Console, title: str, results: Sequence[Result], named: bool = False) -> None:
    shown = Table(
        title=Text(title), title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    shown.add_column("")
    for place, column in enumerate(COLUMNS):
        shown.add_column(column, justify="right" if place else "left", overflow="fold")
    for result in results:
        number, *values = cells(result)
        text = f"{result.check.subject}: {number}" if named else number
        mark = Text("holds") if result.holds else Text("FAILS", style="bold red")
        shown.add_row(mark, Text(text), *(Text(value) for value in values))
    console.print(shown)
    console.print()
