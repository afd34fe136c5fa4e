"""What `crm init` proposes: lines of a `dataset.yml`, each with its reason and what else it could be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from crm_lib.dataset import Source


@dataclass(frozen=True)
class Entry:
    """One line: a setting, or a canonical column with the raw column or expression that makes it.

    `value` None: required, but nothing was found. `check`: what the user must confirm, since the
    files do not decide it. `others`: what it could be instead, each with a reason.
    """

    key: str
    value: Any
    because: str = ""
    check: str = ""
    others: tuple[tuple[Any, str], ...] = ()

    @property
    def raw(self) -> str:
        """The raw column or expression, without how to read it."""
        found = self.value["from"] if isinstance(self.value, dict) else self.value
        return "" if found is None else str(found)


@dataclass(frozen=True)
class TableProposal:
    """A canonical table: its source, columns and attributes, and the raw columns left over.

    `query`: the table is made by SQL from the source, which it calls `rows`.
    """

    name: str
    label: str
    source: Source
    columns: tuple[Entry, ...]
    attributes: tuple[Entry, ...] = ()
    absent: tuple[str, ...] = ()
    unused: tuple[tuple[str, str], ...] = ()
    query: str = ""

    @property
    def outside(self) -> tuple[str, ...]:
        """The files outside the project, which `dataset.yml` can name only for this machine."""
        return tuple(file for file in self.source.files if Path(file).is_absolute())

    def column(self, key: str) -> Entry | None:
        return next((entry for entry in self.columns if entry.key == key), None)


@dataclass(frozen=True)
class Preview:
    """What the order lines come to when they are read as proposed: all of them, and those complete with
    order, day and amount, of which everything else is told.

    The two measures of purchases (share of customers first seen within the warm-up, orders on a
    customer's day) are None where no line is a purchase of a known customer.
    """

    lines: int
    complete: int
    customers: int
    orders: int
    revenue: Decimal
    anonymous_share: float
    return_share: float
    first_seen_share: float | None
    orders_a_day: float | None
    hours: dict[int, int] = field(default_factory=dict)
    unreadable: dict[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposal:
    """A whole `dataset.yml`, not yet written. `preview` is None where the lines cannot be read."""

    settings: tuple[Entry, ...]
    tables: tuple[TableProposal, ...]
    unused_files: tuple[tuple[str, str], ...] = ()
    preview: Preview | None = None
    trouble: str = ""

    @property
    def lines(self) -> TableProposal:
        return next(table for table in self.tables if table.name == "lines")

    def setting(self, key: str) -> Entry:
        return next(entry for entry in self.settings if entry.key == key)

    @property
    def outside(self) -> tuple[str, ...]:
        """The files of all tables that lie outside the project, each once."""
        return tuple(dict.fromkeys(file for table in self.tables for file in table.outside))

    def _entries(self) -> Iterator[tuple[str, Entry]]:
        for entry in self.settings:
            yield entry.key, entry
        for table in self.tables:
            for entry in (*table.columns, *table.attributes):
                yield f"{table.name}.{entry.key}", entry

    @property
    def checks(self) -> list[tuple[str, str]]:
        """What the user must confirm: (place, question)."""
        return [(place, entry.check) for place, entry in self._entries() if entry.check]

    @property
    def missing(self) -> list[str]:
        """Required lines for which nothing was found."""
        return [place for place, entry in self._entries() if entry.value is None]

    @property
    def as_of(self) -> date | None:
        day = self.setting("default_as_of").value
        return day if isinstance(day, date) else None
