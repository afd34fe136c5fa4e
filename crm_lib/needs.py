"""What an analysis needs: declared beside it, read by coverage, the docs and error texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from crm_lib import schema

_Function = TypeVar("_Function", bound=Callable[..., object])

FEWEST_CUSTOMERS = 30
"""What fewer customers did says too little of others: no model is fitted to it or judged by it, no
interval is given, no course of means carried on, and no such group is named beside another."""


@dataclass(frozen=True)
class Need:
    """One analysis function: the canonical tables and columns it reads, and those that add to it."""

    name: str
    tables: dict[str, tuple[str, ...]]
    purpose: str
    optional: dict[str, str] = field(default_factory=dict)


REGISTRY: dict[str, Need] = {}
"""Every declared analysis by `subject.function`, a subject being a module or package of analyses."""


def needs(
    *, optional: dict[str, str] | None = None, **tables: tuple[str, ...]
) -> Callable[[_Function], _Function]:
    """Declare the canonical tables (and columns beyond the required ones) a function reads.

    `optional`: `table.column` → what that column adds; without it the function says less, but works.
    The first line of the function's docstring becomes its purpose in coverage and docs.
    Raises UsageError for a table or column that the schema does not know.
    """
    more = optional or {}
    every = [(table, column) for table, columns in tables.items() for column in columns]
    for table, column in (*every, *(tuple(item.split(".", 1)) for item in more)):
        schema.table(table).column(column)

    def declare(function: _Function) -> _Function:
        subject = function.__module__.removeprefix("crm_lib.analysis.").partition(".")[0]
        name = f"{subject}.{function.__name__}"
        purpose = (function.__doc__ or "").strip().splitlines()[0] if function.__doc__ else ""
        REGISTRY[name] = Need(name, tables, purpose, more)
        return function

    return declare
