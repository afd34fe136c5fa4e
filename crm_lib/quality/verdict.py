"""The verdict on a data set as of a day: where every row went, how every rule came out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import ibis.expr.types as ir
from pydantic import BaseModel, ConfigDict

from crm_lib.dataset import Dataset
from crm_lib.errors import CriticalDataFailure, UsageError
from crm_lib.quality import rules as rulebook
from crm_lib.quality import sentences
from crm_lib.quality.assessment import Assessment
from crm_lib.quality.outcomes import Count, RuleOutcome, TableCount
from crm_lib.sources import Notes

Status = Literal["passed", "passed with warnings", "failed"]


class Verdict(BaseModel):
    """One verdict for all tables; it survives a round trip through JSON unchanged.

    `anonymous`: accepted lines without a customer, a fact and no defect. `profiles`: the measures of
    each table's accepted rows, days as ISO text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    currency: str
    as_of: date
    scope: str = ""
    tables: list[TableCount]
    outcomes: list[RuleOutcome]
    anonymous: Count
    profiles: dict[str, dict[str, float | str | None]]

    @property
    def status(self) -> Status:
        if any(outcome.is_critical_failure for outcome in self.outcomes):
            return "failed"
        return "passed with warnings" if self.worth_saying else "passed"

    @property
    def worth_saying(self) -> list[RuleOutcome]:
        """The outcomes that a reader must know of, the gravest first."""
        quiet = ("passed", "not applicable")
        said = [outcome for outcome in self.outcomes if outcome.result not in quiet]
        return sorted(said, key=lambda o: (not o.is_critical_failure, o.severity != "critical"))

    @property
    def lines(self) -> TableCount:
        return next(count for count in self.tables if count.table == "lines")

    def quarantine_rules(self, table: str) -> list[str]:
        """The rules of `table` whose failing rows are set aside; see `fates.accepted`."""
        rows = [o for o in self.outcomes if o.table == table and o.kind == "row"]
        found = [outcome for outcome in rows if outcome.result != "not applicable"]
        return [outcome.rule_id for outcome in found if outcome.on_fail == "quarantine"]

    def summary(self) -> dict[str, Any]:
        """The verdict on the ledger for a page: `verdict`, `rows`, `money`, `currency`, `failures`
        (sentences on critical rules that failed) and `warnings` (on everything else worth saying)."""
        lines = self.lines
        said = [
            (o.is_critical_failure, sentences.finding(o, self.currency)) for o in self.worth_saying
        ]
        names = ("read", "accepted", "quarantined", "later", "out_of_scope")
        return {
            "verdict": self.status,
            "rows": {name: getattr(lines, name).rows for name in names},
            "money": {name: float(getattr(lines, name).money or 0) for name in names},
            "currency": self.currency,
            "failures": [text for is_critical, text in said if is_critical],
            "warnings": [text for is_critical, text in said if not is_critical],
        }

    def raise_if_critical(self) -> None:
        """Raise CriticalDataFailure that lists every critical rule that failed or could not be checked."""
        failures = [outcome for outcome in self.outcomes if outcome.is_critical_failure]
        if failures:
            raise CriticalDataFailure(
                sentences.critical(self.dataset, self.as_of, failures, self.currency)
            )


def assess(
    dataset: Dataset,
    staged: Mapping[str, ir.Table],
    failures: Mapping[str, ir.Table],
    *,
    as_of: date,
    scope: str = "",
    notes: Mapping[str, Notes] | None = None,
    buyers: ir.Table | None = None,
) -> Verdict:
    """The verdict on staged tables and the row failures found in them (`judge.FAILURES`).

    `notes`: by table, what was noticed of its files when they were read (`sources.Notes`). `buyers`:
    customer_id of everyone with an accepted line, where that is known.
    Only rows before `as_of` (or without a readable date) and, for lines, in `scope` count towards
    outcomes; rows recorded later change nothing but the count `later`.
    Raises UsageError for faulty rules, a faulty scope, or one that no line meets.
    """
    rules = rulebook.load(dataset)
    work = Assessment(rules, staged, failures, as_of, scope, notes or {}, buyers)
    if scope and not work.counts["lines"].judged and work.counts["lines"].out_of_scope.rows:
        raise UsageError(
            f"None of {work.counts['lines'].out_of_scope.rows:,} order lines before {as_of} meets the "
            f"scope '{scope}'."
        )
    outcomes = [outcome for name in staged for outcome in work.outcomes(name)]
    outcomes += map(RuleOutcome.not_applicable, rulebook.not_applicable(dataset))
    return Verdict(
        dataset=dataset.name,
        currency=dataset.currency,
        as_of=as_of,
        scope=scope,
        tables=list(work.counts.values()),
        outcomes=outcomes,
        anonymous=work.anonymous(),
        profiles={name: work.shown_profile(name) for name in staged},
    )
