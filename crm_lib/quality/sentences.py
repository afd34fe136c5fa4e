"""Findings about the data as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from crm_lib.quality.outcomes import RuleOutcome


def percent(share: float) -> str:
    """A share as per cent; never "0%" of something that is there, never "100%" of what is not all."""
    if 0 < share < 0.0001:
        return "less than 0.01%"
    if 0.9999 < share < 1:
        return "more than 99.99%"
    return f"{share:.2%}"


def finding(outcome: RuleOutcome, currency: str) -> str:
    """What a rule found: how many of how many, their money, one example, and why it matters."""
    return f"{_fact(outcome, currency)} {outcome.because}"


def critical(dataset: str, as_of: date, failures: Sequence[RuleOutcome], currency: str) -> str:
    """The text of a critical failure: every rule concerned and what to do."""
    listed = "\n".join(f"- {finding(outcome, currency)}" for outcome in failures)
    count = "a critical rule" if len(failures) == 1 else f"{len(failures)} critical rules"
    return (
        f"The data of '{dataset}' before {as_of} breaks {count}; nothing is published from it.\n{listed}\n"
        "Correct the source or its mapping in dataset.yml. Where such rows are acceptable, raise the "
        "rule's share under `tolerate:`."
    )


def _fact(outcome: RuleOutcome, currency: str) -> str:
    if outcome.result == "could not check":
        return f"The rule {outcome.rule_id} could not be checked: {outcome.problem.rstrip('.')}."
    if not outcome.failing_rows:
        return f"{outcome.rule_id} fails: {outcome.observed}."
    rows = f"{outcome.failing_rows:,} of {outcome.checked_rows:,} rows of '{outcome.table}'"
    money = f", {currency} {outcome.money:,.2f} in all," if outcome.money else ""
    one = outcome.failing_rows == 1
    fail, are = ("fails", "is") if one else ("fail", "are")
    fate = "set aside" if outcome.on_fail == "quarantine" else "kept"
    return (
        f"{rows} ({percent(outcome.share)}){money} {fail} {outcome.rule_id} and {are} {fate}"
        f"{_example(outcome)}."
    )


def _example(outcome: RuleOutcome) -> str:
    return f" (for example {outcome.example})" if outcome.example else ""
