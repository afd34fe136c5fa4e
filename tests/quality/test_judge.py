"""Judging rows: planted defects, and nothing else, come back by row_id."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import ibis.expr.datatypes as dt
import pandas as pd
import pyarrow as pa
import pytest

from crm_lib import hashes
from crm_lib.quality import gx, judge, rules
from tests.quality.conftest import (
    LINES,
    Project,
    bound,
    dataset,
    expectation,
    failing,
    judge_rows,
    staged,
)

COLUMNS = [*LINES, "unreadable_amount", "unreadable_ordered_at"]
BETWEEN = "expect_column_values_to_be_between"


def line(
    customer: str | None = "anna", order: str | None = "1", at: str | None = "2023-01-05",
    amount: float | None = 10, quantity: float | None = 1,
    raw_amount: str | None = None, raw_at: str | None = None,
) -> tuple[Any, ...]:  # fmt: skip
    return customer, order, at, amount, quantity, raw_amount, raw_at


@pytest.mark.usefixtures("own_rules")
def test_planted_defects_are_found_exactly() -> None:
    table = staged(COLUMNS, [
        line(),
        line(customer=None),  # anonymous: no defect
        line(order=None),
        line(amount=None, raw_amount="ten"),
        line(amount=None),
        line(at=None, raw_at="31.2.2023"),
        line(at="1900-01-01"),
        line(quantity=0, amount=0),
        line(quantity=1, amount=-5),
        line(quantity=-1, amount=-5),  # a return: no defect
        line(quantity=-1, amount=5),
        line(quantity=None),  # optional: no defect
        line(at="2022-12-31"),
    ])  # fmt: skip
    assert failing(table, rules.load(dataset())["lines"]) == {
        (3, "lines.order_id_present"),
        (4, "lines.amount_readable"),  # not also missing
        (5, "lines.amount_present"),
        (6, "lines.ordered_at_readable"),
        (7, "lines.ordered_at_plausible"),  # not also before the observed days
        (8, "lines.quantity_not_zero"),
        (9, "lines.sale_not_negative"),
        (11, "lines.return_not_positive"),
        (13, "lines.since_observed"),
    }


def test_rows_are_found_in_every_batch(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Different values cross to GX a batch at a time, rows that agree in them once."""
    after = "expect_column_pair_values_a_to_be_greater_than_b"
    project(lines=[expectation("lines.small", after, column_A="amount", column_B="quantity")])
    monkeypatch.setattr(judge, "BATCH_ROWS", 1000)
    pairs = [(at // 70, at % 70) for at in range(4900)]
    table = staged(list(LINES), [("a", "1", "2023-01-05", *pair) for pair in pairs * 3])
    listed_rules = rules.load(dataset())["lines"]
    sizes: list[int] = []
    real = gx.judge

    def counted(frame: pd.DataFrame, listed: Sequence[Any]) -> dict[str, gx.Judgement]:
        if [rule.rule_id for rule in listed] == ["lines.small"]:
            sizes.append(len(frame))
        return real(frame, listed)

    monkeypatch.setattr(gx, "judge", counted)
    found = failing(table, listed_rules)
    assert len(sizes) > 1
    assert sum(sizes) == len(pairs)
    expected = {at + 1 for at, (amount, quantity) in enumerate(pairs * 3) if amount <= quantity}
    assert {row for row, _ in found} == expected


PAIR, MANY = "expect_column_pair_values_", "expect_multicolumn_"
SOLD = {"type": "comparison", "column": {"name": "quantity"}, "operator": ">", "parameter": 1}
EMPTY = {"type": "nullity", "column": {"name": "order_id"}, "is_null": True}
NUMBERS = {"column_A": "amount", "column_B": "quantity"}
LISTED = {"column_list": ["amount", "quantity", "scale_max"]}


@pytest.mark.parametrize(
    ("type_", "kwargs"),
    [
        (BETWEEN, {"column": "amount", "min_value": 1, "row_condition": SOLD}),
        (BETWEEN, {"column": "quantity", "max_value": 2, "row_condition": EMPTY, "mostly": 0.5}),
        (BETWEEN, {"column": "amount", "max_value": 1,
                   "row_condition": {"type": "or", "conditions": [SOLD, EMPTY]}}),
        ("expect_column_values_to_not_be_null", {"column": "order_id", "row_condition": SOLD}),
        ("expect_column_values_to_match_regex", {"column": "customer_id", "regex": "^a", "row_condition": EMPTY}),
        (PAIR + "a_to_be_greater_than_b", {**NUMBERS, "ignore_row_if": "either_value_is_missing"}),
        (PAIR + "a_to_be_greater_than_b", {**NUMBERS, "or_equal": True, "ignore_row_if": "neither"}),
        (PAIR + "to_be_equal", {**NUMBERS, "ignore_row_if": "both_values_are_missing"}),
        (PAIR + "to_be_equal", {"column_A": "customer_id", "column_B": "order_id", "ignore_row_if": "neither"}),
        (PAIR + "to_be_equal", {**NUMBERS, "ignore_row_if": "neither", "row_condition": EMPTY, "mostly": 0.1}),
        (PAIR + "to_be_in_set", {**NUMBERS, "value_pairs_set": [[1, 1], [2, 0]], "ignore_row_if": "either_value_is_missing"}),
        (MANY + "sum_to_equal", {**LISTED, "sum_total": 4, "ignore_row_if": "any_value_is_missing"}),
        (MANY + "sum_to_equal", {**LISTED, "sum_total": 4, "ignore_row_if": "never"}),
        (MANY + "values_to_be_equal", {**LISTED, "ignore_row_if": "all_values_are_missing"}),
        ("expect_select_column_values_to_be_unique_within_record",
         {**LISTED, "ignore_row_if": "any_value_is_missing", "row_condition": SOLD}),
    ],
)  # fmt: skip
def test_combinations_of_values_are_judged_as_rows_are(type_: str, kwargs: dict[str, Any]) -> None:
    """Missing values and NaN included: the same rows fail as where GX sees each of them."""
    names = ["customer_id", "order_id", "amount", "quantity", "scale_max"]
    texts, numbers = (None, "a", "b"), (None, 0, 1, 2, 3)
    some = random.Random(1)
    cells = [
        (some.choice(texts), some.choice(texts), *(some.choice(numbers) for _ in range(3)))
        for _ in range(1000)
    ]
    cells += [("a", None, 1, float("nan"), 2), ("b", "b", 2, float("nan"), float("nan"))] * 3
    rule = rules.Rule("rule", "lines", "row", type_, kwargs, "warning", "why")
    frame = pd.DataFrame(cells, columns=names).astype(dict.fromkeys(names[2:], "float64"))
    (told,) = gx.judge(frame, [rule]).values()
    assert 0 < len(told.failing) < len(cells)
    assert failing(staged(names, cells), [rule]) == {(at + 1, "rule") for at in told.failing}


def test_many_hashes_are_sorted_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "SORTED", 10)
    rows = [line(order=str(at % 40), amount=at % 80) for at in range(100)]
    aside = _structural("lines", LINES, duplicates="quarantine")
    found = failing(staged(COLUMNS, rows), aside)
    assert found == {(at + 1, "lines.rows_distinct") for at in range(80, 100)}


def test_the_earliest_row_of_a_key_stays() -> None:
    """A row recorded later can never make an earlier one a copy."""
    table = staged(["customer_id", "acquired_on"], [
        ("anna", "2023-03-01"), ("anna", "2023-01-01"), ("ben", None), ("ben", "2022-01-01"),
        (None, "2023-01-01"), (None, "2023-01-02"), ("carla", "2023-01-01"),
    ])  # fmt: skip
    found = failing(table, _structural("customers", {"customer_id": "c", "acquired_on": "d"}))
    assert {row for row, rule in found if rule == "customers.key_unique"} == {1, 4}
    assert {row for row, rule in found if rule == "customers.customer_id_present"} == {5, 6}


def test_identical_rows_are_set_aside_only_on_request() -> None:
    rows = [line(), line(), line(amount=11), line(), line(customer=None), line(customer=None)]
    table = staged(COLUMNS, rows)
    kept = _structural("lines", LINES)
    aside = _structural("lines", LINES, duplicates="quarantine")
    assert failing(table, kept) == set()
    assert failing(table, aside) == {(row, "lines.rows_distinct") for row in (2, 4, 6)}


def test_dates_and_conditions_on_dates(project: Project) -> None:
    after = {
        "type": "comparison",
        "column": {"name": "ordered_at"},
        "operator": ">=",
        "parameter": "2023-01-10",
    }
    project(lines=[
        expectation("lines.early", BETWEEN, column="ordered_at", max_value="2023-01-20"),
        expectation("lines.late_are_large", BETWEEN, column="amount", min_value=50, row_condition=after),
    ])  # fmt: skip
    table = staged(COLUMNS, [
        line(at="2023-01-20T23:59:00", amount=60), line(at="2023-01-21", amount=60),
        line(at="2023-01-10", amount=10), line(at="2023-01-09", amount=10),
    ])  # fmt: skip
    assert failing(table, rules.load(dataset())["lines"]) == {
        (2, "lines.early"), (3, "lines.late_are_large"),
    }  # fmt: skip


def test_pairs_of_columns(monkeypatch: pytest.MonkeyPatch, own_rules: None) -> None:
    columns = ["customer_id", "at", "kind", "score", "scale_max", "resolved_at"]
    table = staged(columns, [
        ("anna", "2023-01-05", "survey", 5, 5, None),
        ("anna", "2023-01-05", "survey", 6, 5, None),
        ("anna", "2023-01-05", "complaint", None, None, "2023-01-06"),
        ("anna", "2023-01-05", "complaint", None, 5, "2023-01-04"),
        ("anna", "2023-01-05", "complain", 3, None, None),
    ])  # fmt: skip
    listed = {"lines": LINES, "contacts": {name: name for name in columns}}
    assert failing(table, rules.load(dataset(listed))["contacts"]) == {
        (2, "contacts.score_within_scale"),
        (4, "contacts.resolved_after_made"),
        (5, "contacts.kind_known"),
    }


def test_a_rule_that_cannot_be_checked_says_why() -> None:
    kwargs = {"column": "order_id", "min_value": 0}
    rule = rules.Rule("lines.text", "lines", "row", BETWEEN, kwargs, "warning", "why")
    (found,) = judge_rows([rule], staged(COLUMNS, [line()])).to_pylist()
    assert found["row_id"] is None
    assert found["rule_id"] == "lines.text"
    assert "same type" in found["problem"]


def test_a_table_without_rows_has_no_failures() -> None:
    found = judge_rows(_structural("lines", LINES), staged(COLUMNS, []))
    assert found.num_rows == 0
    assert found.schema == judge.FAILURES
    assert bound(found).row_id.type() == dt.int64
    assert isinstance(found, pa.Table)


def _structural(table: str, columns: dict[str, str], **settings: Any) -> list[rules.Rule]:
    from crm_lib.quality import structure

    tables = {"lines": LINES, table: columns}
    return structure.rules(dataset(tables, **settings), table)
