"""Show things in a notebook cell, and sections that only some data sets can fill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from crm_lib.errors import NotInData
from crm_lib.present.html import Html
from crm_lib.present.page import note


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
        show(note(f"Not part of this report: {missing}"))
