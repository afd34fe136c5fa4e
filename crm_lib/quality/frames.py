"""The verdict as report frames."""

from __future__ import annotations

import pandas as pd

from crm_lib.quality.outcomes import TableCount
from crm_lib.quality.verdict import Verdict

_PARTS = ("read", "accepted", "quarantined", "later", "out_of_scope")


def rules_frame(verdict: Verdict) -> pd.DataFrame:
    """One row a rule, those worth knowing first, those that do not apply last.

    Columns: rule_id, table, subject, severity, result, failing_rows, checked_rows, share (of rows),
    money (of the failing rows, float), tolerate (share of rows), on_fail, observed, example
    ("row 3 of orders.csv: x"), because. `observed` also says why a rule could not be checked or does
    not apply.
    """
    worth = {outcome.rule_id for outcome in verdict.worth_saying}
    quiet = [outcome for outcome in verdict.outcomes if outcome.rule_id not in worth]
    rows = [
        {
            "rule_id": o.rule_id,
            "table": o.table,
            "subject": o.subject,
            "severity": o.severity,
            "result": o.result,
            "failing_rows": o.failing_rows,
            "checked_rows": o.checked_rows,
            "share": o.share,
            "money": float("nan") if o.money is None else float(o.money),
            "tolerate": o.tolerate,
            "on_fail": o.on_fail,
            "observed": o.problem or o.observed,
            "example": str(o.example) if o.example else "",
            "because": o.because,
        }
        for o in [*verdict.worth_saying, *quiet]
    ]
    return pd.DataFrame(rows)


def reconciliation_frame(verdict: Verdict) -> pd.DataFrame:
    """One row a table: table; read, accepted, quarantined, later, out_of_scope (rows); the same with
    `_money` (float, NaN where the table has no amount); unreadable_money (rows whose amount nobody
    can read). In rows and in money, read is the sum of the other four.
    """
    return pd.DataFrame([_reconciled(count) for count in verdict.tables])


def _reconciled(count: TableCount) -> dict[str, object]:
    parts = {name: getattr(count, name) for name in _PARTS}
    money = {name: float("nan") if p.money is None else float(p.money) for name, p in parts.items()}
    return {
        "table": count.table,
        **{name: part.rows for name, part in parts.items()},
        **{f"{name}_money": value for name, value in money.items()},
        "unreadable_money": count.read.unreadable,
    }
