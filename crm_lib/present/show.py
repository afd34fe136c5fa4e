"""Show things in a notebook cell, and sections that only some data sets can fill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from crm_lib import schema
from crm_lib.errors import NoTable, NotInData
from crm_lib.present import words
from crm_lib.present.html import Html
from crm_lib.present.page import note
from crm_lib.present.words import say


def show(*parts: Html) -> None:
    """Display findings, numbers, figures and tables, one below the other."""
    from IPython.display import display

    for part in parts:
        display(part)


@contextmanager
def if_possible() -> Iterator[None]:
    """A section that needs more than every data set has: says what is missing where it is.

    Any other error goes through.
    """
    try:
        yield
    except NotInData as missing:
        show(note(say("missing.part", reason=_reason(missing))))


def _reason(missing: NotInData) -> str:
    """What is missing, for readers who know neither names of tables nor where they are mapped."""
    if isinstance(missing, NoTable) and missing.table:
        grain = schema.table(missing.table).grain
        return say("missing.table", table=missing.table, grain=grain)
    return words.plain_days(str(missing))
