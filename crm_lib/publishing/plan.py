"""What a run would do, with everything checked before anything is read or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from crm_lib import conditions, coverage
from crm_lib import dataset as datasets
from crm_lib.coverage import ReportCoverage
from crm_lib.dataset import Dataset
from crm_lib.errors import NotInData, UsageError
from crm_lib.publishing import choices, parameters, reports
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
            choices.check(report, values[report.stem], self.dataset)
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
    the wrong type or out of range, a faulty condition on order lines, a currency not yet written, or
    a day before the data begin; NotInData for a picked report that the data set lacks a table or
    column for."""
    config = datasets.load(dataset)
    if not config.currency_known:
        raise UsageError(
            f"The currency of '{dataset}' is not known: data/{dataset}/dataset.yml says "
            f"{config.currency}. Write your currency there, for example `currency: EUR`."
        )
    conditions.check_lines(config, scope.strip() or config.scope)
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
