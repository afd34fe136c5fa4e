"""What a verdict is made of: counts of rows and money, and one outcome a rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from crm_lib.quality.rule import Kind, OnFail, Rule, Severity

Result = Literal["passed", "failed", "could not check"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Count(_Strict):
    """Rows, and their money where the table has an amount; `unreadable` rows have one nobody can read."""

    rows: int = 0
    money: Decimal | None = None
    unreadable: int = 0


class TableCount(_Strict):
    """Where the rows of one table went. read = accepted + quarantined + later + out_of_scope."""

    table: str
    read: Count
    accepted: Count = Count()
    quarantined: Count = Count()
    later: Count = Count()
    out_of_scope: Count = Count()

    @model_validator(mode="after")
    def _adds_up(self) -> TableCount:
        parts = (self.accepted, self.quarantined, self.later, self.out_of_scope)
        for name in Count.model_fields:
            whole = getattr(self.read, name) or 0
            if (total := sum(getattr(part, name) or 0 for part in parts)) != whole:
                raise ValueError(f"'{self.table}': {whole} {name} read, but {total} accounted for")
        return self

    @property
    def judged(self) -> int:
        """Rows that rules are measured against: those before the day and in scope."""
        return self.accepted.rows + self.quarantined.rows


class Example(_Strict):
    """Where one failing row stands; its value only where the column names no person."""

    source_file: str
    row: int
    value: str | None = None


class RuleOutcome(_Strict):
    """How one rule came out. `failing_rows` counts also what its tolerance forgives.

    `observed` is the measured number of a table rule (days as ISO text), `money` that of the
    failing rows, `problem` why the rule could not be checked.
    """

    rule_id: str
    table: str
    subject: str
    kind: Kind
    severity: Severity
    because: str
    on_fail: OnFail
    tolerate: float
    result: Result
    failing_rows: int = 0
    checked_rows: int = 0
    money: Decimal | None = None
    observed: str = ""
    example: Example | None = None
    problem: str = ""

    @classmethod
    def of(cls, rule: Rule, result: Result, checked_rows: int, **more: object) -> RuleOutcome:
        """The outcome of `rule`, with the rule's own words."""
        own = {name: getattr(rule, name) for name in cls.model_fields if hasattr(rule, name)}
        return cls.model_validate({**own, "result": result, "checked_rows": checked_rows, **more})

    @property
    def share(self) -> float:
        """Failing rows as a share of the rows checked."""
        return self.failing_rows / self.checked_rows if self.checked_rows else 0.0

    @property
    def is_critical_failure(self) -> bool:
        return self.severity == "critical" and self.result != "passed"

    @property
    def is_worth_saying(self) -> bool:
        """Failed or unchecked, or rows were set aside or forgiven under a critical rule."""
        forgiven = self.failing_rows > 0 and (
            self.severity == "critical" or self.on_fail == "quarantine"
        )
        return self.result != "passed" or forgiven
