"""What quality tests share: a project with rules of its own, and small staged tables."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pytest

from crm_lib import engine
from crm_lib.dataset import Dataset
from crm_lib.quality import judge, rules
from crm_lib.quality.verdict import Verdict, assess

AS_OF = date(2023, 2, 1)
ROOT = Path(__file__).resolve().parents[2]
LINES = {
    "customer_id": "c", "order_id": "o", "ordered_at": "at", "amount": "money", "quantity": "n",
}  # fmt: skip
_TYPES = {
    "ordered_at": pa.timestamp("us"), "at": pa.timestamp("us"), "sent_at": pa.timestamp("us"),
    "redeemed_at": pa.timestamp("us"), "resolved_at": pa.timestamp("us"),
    "acquired_on": pa.date32(), "starts_on": pa.date32(), "ends_on": pa.date32(),
    "launched_on": pa.date32(), "amount": pa.decimal128(18, 4), "spend": pa.decimal128(18, 4),
    "quantity": pa.float64(), "score": pa.float64(), "scale_max": pa.float64(), "row_id": pa.int64(),
    "year": pa.int64(), "supplier_count": pa.int64(), "our_rank": pa.int64(),
}  # fmt: skip

_ENGINE = engine.connect()
_NUMBERS = itertools.count()

Project = Callable[..., Path]


def expectation(rule_id: str, type_: str, **kwargs: Any) -> dict[str, Any]:
    """A well-formed expectation of severity warning."""
    meta = {"rule_id": rule_id, "because": "the test says so, at some length"}
    return {"type": type_, "kwargs": kwargs, "severity": "warning", "meta": meta}


def dataset(tables: dict[str, dict[str, str]] | None = None, **settings: Any) -> Dataset:
    """A data set of these tables (column → raw name); by default order lines only."""
    configured = {
        name: {"source": {"files": "x.csv"}, "columns": columns}
        for name, columns in (tables or {"lines": LINES}).items()
    }
    given = {
        "name": "t", "title": "T", "currency": "EUR", "observed_from": date(2023, 1, 1),
        "default_as_of": AS_OF, "tables": configured, **settings,
    }  # fmt: skip
    return Dataset.model_validate(given)


def staged(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> ir.Table:
    """A staged table: `row_id` counts from 1 in one file, ISO text becomes dates, numbers money."""
    made: dict[str, pa.Array] = {
        name: pa.array([_cell(name, row[at]) for row in rows], _TYPES.get(name, pa.string()))
        for at, name in enumerate(columns)
    }
    made["row_id"] = pa.array([(1 << 40) + at for at in range(1, len(rows) + 1)], pa.int64())
    made["source_file"] = pa.array(["shop.csv"] * len(rows), pa.string())
    return bound(pa.table(made))


def bound(table: pa.Table) -> ir.Table:
    """The rows as a table of the engine, as staging gives them."""
    return _ENGINE.create_table(f"rows_{next(_NUMBERS)}", table, temp=True)


def _cell(name: str, value: Any) -> Any:
    type_ = _TYPES.get(name, pa.string())
    if value is None:
        return None
    if pa.types.is_decimal(type_):
        return Decimal(str(value))
    if pa.types.is_temporal(type_):
        return datetime.fromisoformat(value)
    return value


def judge_rows(rule_list: Sequence[rules.Rule], table: ir.Table) -> pa.Table:
    """The failures of all row rules, those that compare rows included."""
    return pa.concat_tables(
        [judge.judge_each(rule_list, table), judge.judge_copies(rule_list, table)]
    )


def failing(table: ir.Table, rule_list: list[rules.Rule]) -> set[tuple[int, str]]:
    """(row number, rule_id) of every failure; a rule that could not be checked has row number 0."""
    found = judge_rows(rule_list, table).to_pylist()
    return {((row["row_id"] or 0) & ((1 << 40) - 1), row["rule_id"]) for row in found}


def verdict_on(data: Dataset, tables: dict[str, ir.Table], scope: str = "") -> Verdict:
    """Judge, then assess as of 2023-02-01."""
    by_table = rules.load(data)
    failures = {name: bound(judge_rows(by_table[name], table)) for name, table in tables.items()}
    return assess(data, tables, failures, as_of=AS_OF, scope=scope)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """`project(lines=[expectation, …])`: a project whose suites are exactly these."""

    def make(**suites: Any) -> Path:
        for folder in ("data", "notebooks", "expectations"):
            (tmp_path / folder).mkdir(exist_ok=True)
        for table, expectations in suites.items():
            content = (
                expectations
                if isinstance(expectations, dict)
                else {"name": table, "expectations": expectations}
            )
            (tmp_path / "expectations" / f"{table}.json").write_text(json.dumps(content))
        monkeypatch.setenv("CRM_HOME", str(tmp_path))
        return tmp_path

    return make


@pytest.fixture
def own_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suites that ship with the project."""
    monkeypatch.setenv("CRM_HOME", str(ROOT))
