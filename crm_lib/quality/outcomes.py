"""What a verdict is made of: counts of rows and money, and one outcome a rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from crm_lib.quality.rule import Kind, OnFail, Rule, Severity

Result = Literal["passed", "within tolerance", "failed", "could not check", "not applicable"]
"""within tolerance: rows failed and were set aside, or failed a critical rule, but few enough.
not applicable: the data set does not map a column that the rule reads."""


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

    def __str__(self) -> str:
        value = "" if self.value is None else f": {self.value}"
        return f"row {self.row:,} of {self.source_file}{value}"


class RuleOutcome(_Strict):
    """How one rule came out.

    `observed` is the measured number of a table rule (days as ISO text), `money` that of the
    failing rows, `problem` why the rule could not be checked or does not apply.
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
    def of(cls, rule: Rule, failing_share: float, problem: str = "", **more: object) -> RuleOutcome:
        """The outcome of `rule`, with the rule's own words; a `problem` means it did not run."""
        own = {name: getattr(rule, name) for name in cls.model_fields if hasattr(rule, name)}
        result = "could not check" if problem else _result(rule, failing_share)
        return cls.model_validate({**own, **more, "result": result, "problem": problem})

    @classmethod
    def not_applicable(cls, rule: Rule) -> RuleOutcome:
        """The outcome of a rule that reads columns which the data set does not map."""
        reason = f"dataset.yml maps no {', '.join(rule.lacks)} in '{rule.table}'"
        return cls.of(rule, 0.0).model_copy(update={"result": "not applicable", "problem": reason})

    @property
    def share(self) -> float:
        """Failing rows as a share of the rows checked."""
        return self.failing_rows / self.checked_rows if self.checked_rows else 0.0

    @property
    def is_critical_failure(self) -> bool:
        return self.severity == "critical" and self.result in ("failed", "could not check")


def _result(rule: Rule, failing_share: float) -> Result:
    if failing_share == 0:
        return "passed"
    if failing_share > rule.tolerate:
        return "failed"
    said = rule.severity == "critical" or rule.on_fail == "quarantine"
    return "within tolerance" if said else "passed"
