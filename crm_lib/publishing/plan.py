"""What a run would do, with everything checked before anything is read or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from crm_lib import coverage, schema
from crm_lib import dataset as datasets
from crm_lib.coverage import ReportCoverage
from crm_lib.dataset import Dataset
from crm_lib.errors import NotInData, UsageError, unknown
from crm_lib.publishing import parameters, reports
from crm_lib.publishing.parameters import Value
from crm_lib.publishing.reports import Report


@dataclass(frozen=True)
class Plan:
    """The days, reports and parameters of a run. `only`: reports were picked, so it goes to the lab.

    `coverage` speaks of every report asked for; those that the data cannot fill are not in `reports`.
    """

    dataset: Dataset
    days: tuple[date, ...]
    reports: tuple[Report, ...]
    coverage: tuple[ReportCoverage, ...]
    scope: str
    only: bool
    extra: Mapping[str, Any] = field(default_factory=dict)

    def parameters(self, day: date) -> dict[str, dict[str, Value]]:
        """Every report's parameters on a day: report → name → value. Raises UsageError."""
        given: dict[str, Value] = {
            "dataset": self.dataset.name, "as_of": str(day), "scope": self.scope,
        }  # fmt: skip
        declarations = {report.stem: report.declaration for report in self.reports}
        values = parameters.resolve(declarations, given, self.extra)
        for report in self.reports:
            _check_choices(report, values[report.stem], self.dataset)
        return values


def make(
    dataset: str,
    days: Sequence[date],
    *,
    only: Sequence[str] = (),
    extra: Mapping[str, Any] | None = None,
    scope: str = "",
) -> Plan:
    """The checked plan. Raises UsageError for an unknown data set, report or parameter, a value of
    the wrong type, or a day before the data begin; NotInData for a picked report that the data set
    lacks a table or column for."""
    config = datasets.load(dataset)
    if not days:
        raise UsageError("A run needs at least one as_of day.")
    asked = reports.select(only)
    covered = coverage.coverage(config, [report.path for report in asked])
    plan = Plan(
        dataset=config,
        days=tuple(days),
        reports=_possible(asked, covered, picked=bool(only)),
        coverage=tuple(covered),
        scope=scope.strip(),
        only=bool(only),
        extra=dict(extra or {}),
    )
    plan.parameters(days[0])
    for day in days:
        if day <= config.observed_from:
            raise UsageError(
                f"as_of {day} lies before the data: '{dataset}' is observed from "
                f"{config.observed_from}."
            )
    return plan


def _possible(
    asked: list[Report], covered: list[ReportCoverage], *, picked: bool
) -> tuple[Report, ...]:
    """The reports that the data set can fill. Raises NotInData when one that was picked is not, or all."""
    impossible = {item.report: item for item in covered if item.coverage == "impossible"}
    found = tuple(report for report in asked if report.stem not in impossible)
    if impossible and (picked or not found):
        lacks = "; ".join(f"{stem} needs {item.missing}" for stem, item in impossible.items())
        raise NotInData(f"The data set lacks tables or columns: {lacks}. See `crm check`.")
    return found


def _check_choices(report: Report, values: Mapping[str, Value], dataset: Dataset) -> None:
    """Raise UsageError for a value that is not among those the notebook names; an empty text passes."""
    for name, allowed in report.choices.items():
        known = _columns(allowed, dataset) if isinstance(allowed, str) else tuple(allowed)
        # Without the table there is nothing to choose: the section itself says so.
        if known and values[name] not in ("", *known):
            raise UsageError(f"{report.stem}: " + unknown(name, str(values[name]), known))


def _columns(table: str, dataset: Dataset) -> tuple[str, ...]:
    """The columns of `table` that a report may be made by: no key, and what names a person only for
    an internal audience."""
    declared = schema.table(table)
    open_to = [
        name
        for name in dataset.supplies(table)
        if dataset.audience == "internal" or not declared.column(name).personal
    ]
    return tuple(name for name in open_to if name not in declared.key)
