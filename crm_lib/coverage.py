"""Coverage: which reports a data set fills, what it lacks, and what would unlock the rest.

reports = coverage.coverage(dataset)
coverage.frame(reports)             # one row a report
coverage.presence(dataset)          # one row a canonical column
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pandas as pd

from crm_lib import notebookcode, project, schema
from crm_lib.dataset import Dataset
from crm_lib.needs import REGISTRY, Need

Extent = Literal["full", "partial", "impossible"]


@dataclass(frozen=True)
class Lack:
    """One table or column (`table` or `table.column`) that a data set lacks for one analysis."""

    item: str
    analysis: str
    purpose: str


@dataclass(frozen=True)
class ReportCoverage:
    """One report: made in full, in part (a section or a number lacks data), or not at all."""

    report: str
    title: str
    coverage: Extent
    lacks: tuple[Lack, ...] = ()

    @property
    def missing(self) -> str:
        """What the data set lacks for this report: `customers.role, products`."""
        return ", ".join(dict.fromkeys(lack.item for lack in self.lacks))

    @property
    def unlock(self) -> str:
        """Each missing item with what it would make possible."""
        by_item: dict[str, dict[str, None]] = {}  # several analyses may name the same purpose
        for lack in self.lacks:
            by_item.setdefault(lack.item, {})[lack.purpose.rstrip(".") or lack.analysis] = None
        return "; ".join(f"{item}: {', '.join(purposes)}" for item, purposes in by_item.items())


def coverage(dataset: Dataset, notebooks: Sequence[Path] | None = None) -> list[ReportCoverage]:
    """How far `dataset` fills each notebook (default: all of the project, in reading order).

    Which analyses a notebook uses is read from its code; what they need is declared beside them.
    Raises UsageError for a file that is no notebook.
    """
    if notebooks is None:
        notebooks = sorted(project.notebooks_folder().glob("[0-9][0-9]_*.ipynb"))
    return [_report(dataset, path) for path in notebooks]


def frame(reports: Sequence[ReportCoverage]) -> pd.DataFrame:
    """One row a report: report, title, coverage, missing, unlock."""
    columns = ["report", "title", "coverage", "missing", "unlock"]
    rows = [[getattr(report, name) for name in columns] for report in reports]
    return pd.DataFrame(rows, columns=columns)


def unlocks(reports: Sequence[ReportCoverage]) -> pd.DataFrame:
    """One row a missing table or column, the most useful first: item, analyses, reports, purposes."""
    lacks = [(lack, report.report) for report in reports for lack in report.lacks]
    rows = []
    for item in dict.fromkeys(lack.item for lack, _ in lacks):
        mine = [(lack, report) for lack, report in lacks if lack.item == item]
        analyses = dict.fromkeys(lack.analysis for lack, _ in mine)
        purposes = dict.fromkeys(lack.purpose for lack, _ in mine)
        in_reports = ", ".join(dict.fromkeys(report for _, report in mine))
        said = "; ".join(purpose.rstrip(".") for purpose in purposes)
        rows.append((item, len(analyses), in_reports, said))
    found = pd.DataFrame(rows, columns=["item", "analyses", "reports", "purposes"])
    return found.sort_values("analyses", ascending=False, kind="stable", ignore_index=True)


def presence(dataset: Dataset) -> pd.DataFrame:
    """One row a canonical column: table, column, meaning, is_required, is_supplied, analyses (their number)."""
    rows = []
    for table in schema.TABLES.values():
        supplied = dataset.supplies(table.name)
        extra = [table.column(name) for name in supplied if name not in table.column_names]
        for column in (*table.columns, *extra):
            users = [n for n in declared().values() if column.name in _needed(n, table)]
            rows.append(
                {
                    "table": table.name,
                    "column": column.name,
                    "meaning": column.meaning,
                    "is_required": column.required,
                    "is_supplied": column.name in supplied,
                    "analyses": len(users),
                }
            )
    return pd.DataFrame(rows)


def _report(dataset: Dataset, path: Path) -> ReportCoverage:
    known = declared()
    uses = notebookcode.uses(path, set(known))
    lacks = {use: _lacks(dataset, known[use.analysis]) for use in uses}
    missing = [lack for found in lacks.values() for lack in found]
    missing += [lack for use in uses for lack in _would_add(dataset, known[use.analysis])]
    fails = any(found and not use.optional for use, found in lacks.items())
    nothing_left = bool(lacks) and all(lacks.values())
    extent: Extent = "full"
    if missing:
        extent = "impossible" if fails or nothing_left else "partial"
    return ReportCoverage(path.stem, notebookcode.title(path), extent, tuple(missing))


def _lacks(dataset: Dataset, need: Need) -> list[Lack]:
    items = []
    for table, columns in need.tables.items():
        supplied = dataset.supplies(table)
        if not supplied:
            items.append(table)
        else:
            items += [f"{table}.{column}" for column in columns if column not in supplied]
    return [Lack(item, need.name, need.purpose) for item in items]


def _would_add(dataset: Dataset, need: Need) -> list[Lack]:
    """Columns without which the analysis works, but says less."""
    places = {item: item.split(".", 1) for item in need.optional}
    return [
        Lack(item, need.name, need.optional[item])
        for item, (table, column) in places.items()
        if column not in dataset.supplies(table)
    ]


def _needed(need: Need, table: schema.Table) -> tuple[str, ...]:
    """The columns of `table` that an analysis reads, required and optional ones included."""
    prefix = f"{table.name}."
    added = [item.removeprefix(prefix) for item in need.optional if item.startswith(prefix)]
    read = (*table.required, *need.tables[table.name]) if table.name in need.tables else ()
    return (*read, *added)


@cache
def declared() -> dict[str, Need]:
    """Every analysis there is. Importing them declares them; nothing else here rests on them."""
    package = importlib.import_module("crm_lib.analysis")
    for module in pkgutil.iter_modules(package.__path__, "crm_lib.analysis."):
        importlib.import_module(module.name)
    return REGISTRY
