"""What an analysis needs: declared beside it, read by coverage, the docs and error texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from crm_lib import schema

_Function = TypeVar("_Function", bound=Callable[..., object])


@dataclass(frozen=True)
class Need:
    """One analysis function and the canonical tables and optional columns it reads."""

    name: str
    tables: dict[str, tuple[str, ...]]
    purpose: str


REGISTRY: dict[str, Need] = {}
"""Every declared analysis by `module.function`."""


def needs(**tables: tuple[str, ...]) -> Callable[[_Function], _Function]:
    """Declare the canonical tables (and columns beyond the required ones) a function reads.

    The first line of the function's docstring becomes its purpose in coverage and docs.
    Raises UsageError for a table or column that the schema does not know.
    """
    for table, columns in tables.items():
        for column in columns:
            schema.table(table).column(column)

    def declare(function: _Function) -> _Function:
        name = f"{function.__module__.rsplit('.', 1)[-1]}.{function.__name__}"
        purpose = (function.__doc__ or "").strip().splitlines()[0] if function.__doc__ else ""
        REGISTRY[name] = Need(name, tables, purpose)
        return function

    return declare
