"""What the parameters of a notebook may be, as its metadata state it, checked before anything runs.

`"crm": {"choices": {"span": ["month", "year"], "attribute": "customers"},
"ranges": {"top_share": {"above": 0, "max": 1}, "list_rows": {"min": 1}}}`
"""

from __future__ import annotations

from collections.abc import Mapping

from crm_lib import schema
from crm_lib.dataset import Dataset
from crm_lib.errors import UsageError, unknown
from crm_lib.publishing.parameters import Value
from crm_lib.publishing.reports import Report


def check(report: Report, values: Mapping[str, Value], dataset: Dataset) -> None:
    """Raise UsageError for a value outside the report's choices (an empty text passes) or ranges, and
    for a column of a table that the data set lacks."""
    for name, allowed in report.choices.items():
        if values[name] == "":
            continue
        known = _columns(allowed, dataset) if isinstance(allowed, str) else tuple(allowed)
        if isinstance(allowed, str) and not dataset.supplies(allowed):
            raise UsageError(
                f"{report.stem}: {name} names a column of '{allowed}', a table that "
                f"'{dataset.name}' does not have. Leave {name} out, or map the table in dataset.yml."
            )
        if values[name] not in known:
            raise UsageError(f"{report.stem}: " + unknown(name, str(values[name]), known))
    for name, range_ in report.ranges.items():
        value = values[name]
        if isinstance(value, (int, float)) and not range_.holds(value):
            raise UsageError(
                f"The parameter '{name}' of {report.stem} must be {range_}, not {value}."
            )


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
