"""One rule of the data's quality: what must hold, how grave it is when it does not, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["critical", "warning"]
OnFail = Literal["keep", "quarantine"]
Kind = Literal["row", "table"]


@dataclass(frozen=True)
class Rule:
    """One rule: a Great Expectations type with its arguments, and what follows when it fails.

    `kind`: a row rule names failing rows; a table rule judges the table's profile (see `profile`).
    `tolerate`: the share of rows (0 to 1) that may fail before the rule itself counts as failed.
    `subject`: the canonical columns it is about, for the reader. `lacks`: columns it reads that the
    data set does not map, so that it does not apply.
    """

    rule_id: str
    table: str
    kind: Kind
    type: str
    kwargs: dict[str, Any]
    severity: Severity
    because: str
    on_fail: OnFail = "keep"
    tolerate: float = 0.0
    subject: str = ""
    lacks: tuple[str, ...] = ()

    @property
    def measure(self) -> str:
        """The profile's column that a table rule judges."""
        return str(self.kwargs["column"])

    @property
    def columns(self) -> list[str]:
        """Every column of the judged frame that the rule reads."""
        return list(
            dict.fromkeys(
                [
                    *argument_columns(self.kwargs),
                    *condition_columns(self.kwargs.get("row_condition")),
                ]
            )
        )


def argument_columns(kwargs: dict[str, Any]) -> list[str]:
    """The columns that an expectation's arguments name."""
    found = [kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs]
    return [*found, *kwargs.get("column_list", [])]


def condition_columns(condition: Any) -> list[str]:
    """The columns that a `row_condition` reads: GX's own form, comparisons joined by and, or."""
    if not isinstance(condition, dict):
        return []
    if "column" in condition:
        return [str(condition["column"]["name"])]
    return [name for part in condition.get("conditions", []) for name in condition_columns(part)]
