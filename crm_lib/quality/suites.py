"""Business rules: the suites of `expectations/` as rules on canonical columns and on measures.

A rule names canonical columns, attributes of a data set, or measures of the table's profile (see
`measures`). Rules about columns that a data set lacks do not apply to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from crm_lib import dataset as datasets
from crm_lib import project, schema
from crm_lib.dataset import Dataset
from crm_lib.errors import CrmError, UsageError, unknown
from crm_lib.quality import dates, gx, measures, trial
from crm_lib.quality.rule import Kind, Rule, argument_columns, condition_columns
from crm_lib.quality.suitefile import Entry, read

_ACROSS_ROWS = (
    "expect_column_values_to_be_increasing", "expect_column_values_to_be_decreasing",
    "expect_column_value_z_scores_to_be_less_than", "expect_column_values_to_not_be_outliers",
    "expect_compound_columns_to_be_unique",
)  # fmt: skip
_OF_TYPE = ("expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list")
_OF_TEXT = ("_match_", "_lengths_", "_parseable")


@dataclass(frozen=True)
class _Scope:
    """The table a rule is for, and the columns that data sets may give it."""

    table: schema.Table
    dataset: Dataset

    def has(self, name: str) -> bool:
        """Is `name` a canonical column, or an attribute of this or (lest it seem misspelt) another set?"""
        return name in self._own() or (
            self.table.open_ended and name in _attributes(self.table.name)
        )

    def _own(self) -> tuple[str, ...]:
        return (*self.table.column_names, *self.dataset.supplies(self.table.name))

    def check(self, name: str, place: str) -> None:
        if not self.has(name):
            text = unknown(f"column of '{self.table.name}'", name, dict.fromkeys(self._own()))
            raise UsageError(f"{place}: {text} Measures: {measures.known(self.table)}.")


def load(dataset: Dataset) -> dict[str, list[Rule]]:
    """The business rules that apply to the data set, by table; errors as in `every`."""
    return {
        name: [rule for rule in rules if not rule.lacks] for name, rules in every(dataset).items()
    }


def every(dataset: Dataset) -> dict[str, list[Rule]]:
    """All business rules, by table; `lacks` names the columns that the data set does not map.

    Raises UsageError for a file that names no table, is no JSON, or holds an unknown key, type,
    argument, column or measure, or a rule that can never run.
    """
    found: dict[str, list[Rule]] = {}
    for path in sorted(project.expectations_folder().glob("*.json")):
        if path.stem not in schema.TABLES:
            text = unknown("canonical table", path.stem, schema.TABLES)
            raise UsageError(f"{project.shown(path)}: {text}")
        scope = _Scope(schema.TABLES[path.stem], dataset)
        entries = read(path)
        rules = [_rule(entry, scope) for entry in entries]
        trial.check([(entry.place, rule) for entry, (rule, _) in zip(entries, rules, strict=True)])
        supplied = dataset.supplies(path.stem)
        found[path.stem] = [
            replace(rule, lacks=tuple(name for name in columns if name not in supplied))
            for rule, columns in rules
        ]
    return found


def _rule(entry: Entry, scope: _Scope) -> tuple[Rule, list[str]]:
    """The rule, and the columns that a data set must supply for it to apply."""
    gx.check(entry.type, entry.kwargs, entry.place)
    _check_supported(entry)
    for name in argument_columns(entry.kwargs):
        if not measures.is_measure(name, scope.table):
            scope.check(name, entry.place)
    if translated := measures.as_measure(entry.type, entry.kwargs):
        return _table_rule(entry, scope, *translated)
    column = entry.kwargs.get("column", "")
    if measures.is_measure(column, scope.table) and not scope.has(column):
        return _table_rule(entry, scope, entry.type, entry.kwargs)
    return _row_rule(entry, scope)


def _row_rule(entry: Entry, scope: _Scope) -> tuple[Rule, list[str]]:
    if not gx.judges_rows(entry.type):
        raise UsageError(
            f"{entry.place}: {entry.type} judges a whole table. Write it as a rule on a measure, for "
            f'example {{"column": "rows"}} in expect_column_values_to_be_between. Measures: '
            f"{measures.known(scope.table)}."
        )
    columns = argument_columns(entry.kwargs)
    kwargs = entry.kwargs
    for name in columns:
        scope.check(name, entry.place)
        declared = scope.table.column(name)
        if any(part in entry.type for part in _OF_TEXT) and declared.type != "text":
            raise UsageError(
                f"{entry.place}: {entry.type} is for text; '{name}' is a {declared.type}."
            )
        kwargs = dates.converted(kwargs, declared, entry.place)
    kwargs, more = _conditioned(kwargs, scope, entry.place)
    return _made(entry, scope, "row", entry.type, kwargs), [*columns, *more]


def _table_rule(
    entry: Entry, scope: _Scope, type_: str, kwargs: dict[str, Any]
) -> tuple[Rule, list[str]]:
    measure = kwargs["column"]
    if entry.meta.on_fail == "quarantine":
        raise UsageError(
            f"{entry.place}: a rule on the whole table ({measure}) names no rows that could be set "
            'aside; write "on_fail": "keep".'
        )
    if "row_condition" in kwargs:
        raise UsageError(f"{entry.place}: a measure takes no row_condition.")
    parts = measures.split(measure, scope.table)
    if parts:
        scope.check(parts[1], entry.place)
    measures.check(measure, scope.table, entry.place)
    kwargs = dates.converted(kwargs, measures.type_of(measure, scope.table), entry.place)
    return _made(entry, scope, "table", type_, kwargs), [parts[1]] if parts else []


def _made(entry: Entry, scope: _Scope, kind: Kind, type_: str, kwargs: dict[str, Any]) -> Rule:
    subject = ", ".join(argument_columns(entry.kwargs)) or "rows"
    meta = entry.meta
    return Rule(
        meta.rule_id, scope.table.name, kind, type_, kwargs, entry.severity, meta.because,
        meta.on_fail, meta.tolerate, subject,
    )  # fmt: skip


def _check_supported(entry: Entry) -> None:
    reason = ""
    if entry.type in _ACROSS_ROWS:
        reason = "compares rows with each other, but rows are judged one by one"
    elif entry.type in _OF_TYPE:
        reason = (
            "is not needed: types follow from the schema, and unreadable cells are always found"
        )
    elif "mostly" in entry.kwargs:
        reason = "takes no `mostly` here: write meta.tolerate, which dataset.yml can override"
    if reason:
        raise UsageError(f"{entry.place}: {entry.type} {reason}.")


def _conditioned(
    kwargs: dict[str, Any], scope: _Scope, place: str
) -> tuple[dict[str, Any], list[str]]:
    """The arguments with dates in their `row_condition` as day numbers, and the columns it reads."""
    if "row_condition" not in kwargs:
        return kwargs, []
    condition = kwargs["row_condition"]
    names = condition_columns(condition)
    if not names:
        raise UsageError(
            f'{place}: write the row_condition as {{"type": "comparison", "column": {{"name": '
            '"quantity"}, "operator": ">", "parameter": 0}; "and" and "or" join `conditions`.'
        )
    for name in names:
        scope.check(name, place)
    return {**kwargs, "row_condition": _dated(condition, scope, place)}, names


def _dated(condition: dict[str, Any], scope: _Scope, place: str) -> dict[str, Any]:
    if "conditions" in condition:
        parts = [_dated(part, scope, place) for part in condition["conditions"]]
        return {**condition, "conditions": parts}
    column = scope.table.column(condition["column"]["name"])
    return dates.converted(condition, column, place)


def _attributes(table: str) -> list[str]:
    """The attributes that any data set of the project gives to `table`."""
    found: list[str] = []
    for name in datasets.names():
        try:
            config = datasets.load(name).tables.get(table)
        except CrmError:
            continue  # Its own faults are told when it is used.
        found += config.attributes if config else []
    return found
