"""Every error a user can cause or must act on, with the exit code of the command line.

An error of this module says what was wrong, how many there are, an example, and what to do.
Anything else that escapes is a fault of ours (exit code 1).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from numbers import Integral


class CrmError(Exception):
    """Base of all errors with a message meant for the user."""

    exit_code = 1


class UsageError(CrmError):
    """Wrong usage or configuration: a parameter, `dataset.yml`, an expectation file, a file name."""

    exit_code = 2


class SourceError(UsageError):
    """A source cannot be read as `dataset.yml` describes it."""


class NotInData(UsageError):
    """An analysis needs a table or column that this data set does not supply."""


class NoTable(NotInData):
    """The data set has no canonical table `table`."""

    def __init__(self, message: str, table: str = "") -> None:
        super().__init__(message)
        self.table = table


class NoModel(NotInData):
    """The data cannot carry the model that was asked for, or a simple rule predicts better."""


class CriticalDataFailure(CrmError):
    """The data broke a critical rule beyond its tolerance; nothing may be published from it."""

    exit_code = 3


class ReportFailed(CrmError):
    """A notebook did not finish; nothing of its run is published."""

    exit_code = 5


class RunLocked(CrmError):
    """Another run of the same data set is under way."""

    exit_code = 6


def listing(names: Iterable[str], limit: int = 30) -> str:
    """The names as one readable line, shortened after `limit`."""
    known = [str(name) for name in names]
    shown = ", ".join(known[:limit]) or "none"
    return shown if len(known) <= limit else f"{shown} … and {len(known) - limit} more"


def check_whole(what: str, value: object, least: int = 1) -> None:
    """Raise UsageError unless `value` is a whole number of `least` or more."""
    if not isinstance(value, Integral) or value < least:
        raise UsageError(f"{what} must be a whole number of at least {least}, not {value!r}.")


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The text for a name that does not exist: the nearest known one, then all there are."""
    names = [str(item) for item in known]
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"There is no {kind} '{name}'.{hint} Known: {listing(names)}."
