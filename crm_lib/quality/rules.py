"""The rules that a data set is judged by: structural ones from the schema, business ones from files."""

from __future__ import annotations

from dataclasses import replace

from crm_lib.dataset import Dataset
from crm_lib.errors import UsageError, unknown
from crm_lib.quality import structure, suites
from crm_lib.quality.rule import Rule

__all__ = ["Rule", "load", "not_applicable"]


def load(dataset: Dataset) -> dict[str, list[Rule]]:
    """Every rule that applies to the data set, by table, structural ones first.

    Raises UsageError for a fault in any file of `expectations/`, for a rule_id given twice, and
    for `tolerate:` entries of `dataset.yml` that name no rule or are no share.
    """
    business = suites.load(dataset)
    rules = {
        name: [*structure.rules(dataset, name), *business.get(name, [])] for name in dataset.tables
    }
    _check_ids([rule for found in rules.values() for rule in found])
    return _with_tolerances(dataset, rules)


def not_applicable(dataset: Dataset) -> list[Rule]:
    """The business rules on tables of the data set that read a column it does not map (`lacks`)."""
    found = suites.every(dataset)
    return [rule for name in dataset.tables for rule in found.get(name, []) if rule.lacks]


def _check_ids(rules: list[Rule]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.rule_id in seen:
            raise UsageError(f"The rule_id '{rule.rule_id}' is given twice; each must be unique.")
        seen.add(rule.rule_id)


def _with_tolerances(dataset: Dataset, rules: dict[str, list[Rule]]) -> dict[str, list[Rule]]:
    ids = [rule.rule_id for found in rules.values() for rule in found]
    for rule_id, share in dataset.tolerate.items():
        if rule_id not in ids:
            raise UsageError("dataset.yml, tolerate: " + unknown("rule", rule_id, sorted(ids)))
        if not 0 <= share <= 1:
            raise UsageError(
                f"dataset.yml, tolerate: {rule_id}: {share} is no share of rows; write 0 to 1, "
                "for example 0.05 for five per cent."
            )
    return {
        name: [replace(r, tolerate=dataset.tolerate.get(r.rule_id, r.tolerate)) for r in found]
        for name, found in rules.items()
    }
