"""Could a rule ever run? Each is tried on one row of its table before any data is read.

A regular expression that does not close, a bound that cannot be compared with its column: GX tells of
them only when it judges, as a check that could not run, which would look like a fault of the data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from crm_lib import schema
from crm_lib.errors import UsageError
from crm_lib.quality import gx
from crm_lib.quality.rule import Rule

_VALUES: dict[str, object] = {
    "text": "1", "day": 0, "time": 0, "money": 1.0, "number": 1.0, "count": 1,
}  # fmt: skip
"""A value of each type as it crosses to GX: days are counted from 1970. The text is a number, a date
and JSON in one, so that no rule about the form of a text stumbles over it."""


@dataclass(frozen=True)
class _Trial:
    rule_id: str
    type: str
    kwargs: dict[str, Any]


def check(rules: Sequence[tuple[str, Rule]]) -> None:
    """Raise UsageError, opening with the place of the rule, for a rule of one table that can never run.

    rules: (place, rule). A condition is tried apart from the check that it stands before.
    """
    trials, places, columns = [], [], {}
    for place, rule in rules:
        declared = schema.table(rule.table)
        for name in rule.columns:
            columns[name] = declared.column(name).type if rule.kind == "row" else "number"
        bare = {name: value for name, value in rule.kwargs.items() if name != "row_condition"}
        for kwargs in [bare, rule.kwargs] if bare != rule.kwargs else [bare]:
            trials.append([rule.type, kwargs])
            places.append(place)
    problems = _problems(json.dumps(trials, sort_keys=True), tuple(columns.items()))
    for place, (type_, _), problem in zip(places, trials, problems, strict=True):
        if problem:
            raise UsageError(f"{place}: {type_} can never run: {problem.rstrip('.')}.")


@cache
def _problems(trials: str, columns: tuple[tuple[str, str], ...]) -> list[str]:
    """What keeps each trial from running, empty where nothing does. Asking GX takes 15 ms a rule."""
    row = pd.DataFrame({name: [_VALUES[type_]] for name, type_ in columns})
    tried = [_Trial(str(at), *trial) for at, trial in enumerate(json.loads(trials))]
    judged = gx.judge(row, tried)
    return [judged[trial.rule_id].problem for trial in tried]
