"""The verdict: where every row and every cent went, and how each rule came out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir
import pytest

from crm_lib.errors import CriticalDataFailure, UsageError
from crm_lib.quality import fates, frames, rules, trial
from crm_lib.quality.outcomes import Count, RuleOutcome, TableCount
from crm_lib.quality.verdict import Verdict
from tests.quality.conftest import (
    LINES,
    Project,
    bound,
    dataset,
    expectation,
    judge_rows,
    staged,
    verdict_on,
)

BETWEEN = "expect_column_values_to_be_between"
COLUMNS = ["customer_id", "order_id", "ordered_at", "amount", "quantity", "unreadable_amount"]
GOOD = ("anna", "1", "2023-01-05", "10.10", 1, None)
LATER = ("anna", "2", "2023-02-01", "1000", 1, None)
UNREADABLE = ("ben", "3", "2023-01-06", None, 1, "ten")
NO_ORDER = ("ben", None, "2023-01-06", "7", 1, None)
ANONYMOUS = (None, "4", "2023-01-31", "0.20", 1, None)


def lines(*rows: tuple[Any, ...]) -> ir.Table:
    return staged(COLUMNS, rows)


def outcome(verdict: Verdict, rule_id: str) -> RuleOutcome:
    return next(o for o in verdict.outcomes if o.rule_id == rule_id)


def test_every_row_and_cent_is_accounted_for(project: Project) -> None:
    project()
    verdict = verdict_on(dataset(), {"lines": lines(GOOD, LATER, UNREADABLE, NO_ORDER, ANONYMOUS)})
    count = verdict.lines
    assert count.read == Count(rows=5, money=Decimal("1017.30"), unreadable=1)
    assert count.accepted == Count(rows=2, money=Decimal("10.30"), unreadable=0)
    assert count.quarantined == Count(rows=2, money=Decimal("7"), unreadable=1)
    assert count.later == Count(rows=1, money=Decimal("1000"))
    assert count.out_of_scope.rows == 0
    assert verdict.anonymous == Count(rows=1, money=Decimal("0.20"), unreadable=0)


def test_a_count_that_does_not_add_up_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="3 rows read, but 2 accounted for"):
        TableCount(table="lines", read=Count(rows=3), accepted=Count(rows=2))
    with pytest.raises(ValueError, match=r"money read, but 1\.00"):
        TableCount(
            table="lines",
            read=Count(rows=1, money=Decimal("1.01")),
            accepted=Count(rows=1, money=Decimal("1.00")),
        )


def test_rows_from_the_day_on_change_nothing_but_later(project: Project) -> None:
    project(lines=[expectation("lines.small", BETWEEN, column="amount", max_value=100)])
    tables = {
        "lines": {**LINES, "product_id": "p"},
        "products": {"product_id": "p", "launched_on": "d"},
    }
    columns = ["product_id", "customer_id", "order_id", "ordered_at", "amount"]
    early = [("tea", "anna", "1", "2023-01-05", 10), ("cup", "anna", "1", "2023-01-05", 20)]
    late = [("pot", None, None, "2023-02-01", 5000), ("tea", "anna", "1", "2023-02-03", None)]
    products = [("tea", "2023-01-01"), ("cup", "2023-02-01"), ("tea", "2023-02-07")]

    def judged(rows: list[Any], known: list[Any]) -> dict[str, Any]:
        names = ["product_id", "launched_on"]
        made = {"lines": staged(columns, rows), "products": staged(names, known)}
        found = verdict_on(dataset(tables), made).model_dump()
        for count in found["tables"]:
            count.pop("read")
            count.pop("later")
        return found

    assert judged(early + late, products) == judged(early, products[:1])


def test_lines_out_of_scope_are_counted_and_not_judged(project: Project) -> None:
    project(lines=[expectation("lines.small", BETWEEN, column="amount", max_value=8)])
    table = lines(GOOD, NO_ORDER, UNREADABLE, ANONYMOUS, LATER)
    inside = verdict_on(dataset(), {"lines": table}, scope="amount < 9")
    count = inside.lines
    assert (count.out_of_scope.rows, count.out_of_scope.money) == (1, Decimal("10.10"))
    assert (count.accepted.rows, count.quarantined.rows, count.later.rows) == (1, 2, 1)
    assert outcome(inside, "lines.small").result == "passed"
    assert outcome(verdict_on(dataset(), {"lines": table}), "lines.small").failing_rows == 1
    with pytest.raises(UsageError, match="Did you mean 'amount'"):
        verdict_on(dataset(), {"lines": table}, scope="amont < 9")
    with pytest.raises(UsageError, match="None of 4 order lines before 2023-02-01 meets"):
        verdict_on(dataset(), {"lines": table}, scope="customer_id = 'nobody'")


def test_few_bad_rows_are_set_aside_and_many_stop_publication(project: Project) -> None:
    project()
    few = verdict_on(dataset(), {"lines": lines(*[GOOD] * 99, NO_ORDER)})
    found = outcome(few, "lines.order_id_present")
    assert (found.result, found.failing_rows, found.share) == ("within tolerance", 1, 0.01)
    assert few.status == "passed with warnings"
    few.raise_if_critical()

    many = verdict_on(dataset(), {"lines": lines(*[GOOD] * 98, NO_ORDER, NO_ORDER)})
    assert outcome(many, "lines.order_id_present").result == "failed"
    assert many.status == "failed"
    with pytest.raises(CriticalDataFailure) as error:
        many.raise_if_critical()
    text = str(error.value)
    assert "2 of 100 rows of 'lines' (2.00%), EUR 14.00 in all, fail lines.order_id_present" in text
    assert "row 99 of shop.csv" in text
    assert "tolerate" in text
    assert error.value.exit_code == 3
    said = many.summary()
    assert [len(said["failures"]), len(said["warnings"])] == [1, 1], "identical rows are a warning"
    assert "lines.order_id_present" in said["failures"][0]
    assert "lines.rows_distinct" in said["warnings"][0]

    tolerated = dataset(tolerate={"lines.order_id_present": 0.02})
    table = lines(*[GOOD] * 98, NO_ORDER, NO_ORDER)
    assert verdict_on(tolerated, {"lines": table}).status == "passed with warnings"


def test_clean_data_pass_without_a_word(project: Project) -> None:
    project()
    distinct = [("anna", str(at), "2023-01-05", "1", 1, None) for at in range(5)]
    verdict = verdict_on(dataset(), {"lines": lines(*distinct)})
    assert verdict.status == "passed"
    assert verdict.summary() == {
        "verdict": "passed",
        "rows": {"read": 5, "accepted": 5, "quarantined": 0, "later": 0, "out_of_scope": 0},
        "money": {"read": 5, "accepted": 5, "quarantined": 0, "later": 0, "out_of_scope": 0},
        "currency": "EUR",
        "failures": [],
        "warnings": [],
    }


def test_identical_rows_are_a_warning_and_stay(project: Project) -> None:
    project()
    verdict = verdict_on(dataset(), {"lines": lines(GOOD, GOOD, GOOD, ANONYMOUS)})
    found = outcome(verdict, "lines.rows_distinct")
    assert (found.result, found.failing_rows, found.money) == ("failed", 2, Decimal("20.20"))
    assert found.example is not None
    assert found.example.row == 3
    assert verdict.status == "passed with warnings"
    assert verdict.lines.accepted.rows == 4

    aside = verdict_on(
        dataset(duplicates="quarantine"), {"lines": lines(GOOD, GOOD, GOOD, ANONYMOUS)}
    )
    assert (aside.lines.accepted.rows, aside.lines.quarantined.money) == (2, Decimal("20.20"))


def test_dangling_keys_are_counted_with_their_money_and_stay(project: Project) -> None:
    project()
    tables = {"lines": {**LINES, "product_id": "p"}, "products": {"product_id": "p"}}
    names = ["customer_id", "order_id", "ordered_at", "amount", "product_id"]
    rows = [
        ("a", "1", "2023-01-05", 5, "tea"),
        ("a", "2", "2023-01-05", 3, "pot"),
        ("a", "3", "2023-01-05", 2, None),
    ]
    verdict = verdict_on(
        dataset(tables),
        {"lines": staged(names, rows), "products": staged(["product_id"], [("tea",)])},
    )
    found = outcome(verdict, "lines.product_id_known")
    assert (found.result, found.failing_rows, found.money) == ("failed", 1, Decimal("3"))
    assert str(found.example) == "row 2 of shop.csv: pot"
    assert verdict.lines.accepted.rows == 3


def test_rules_on_the_whole_table(project: Project) -> None:
    written = [
        expectation("lines.gap", BETWEEN, column="longest_gap_days", max_value=9),
        expectation("lines.fresh", BETWEEN, column="freshness_days", max_value=9),
        expectation("lines.begins", BETWEEN, column="first_day", max_value="2023-01-04"),
        expectation("lines.mean", "expect_column_mean_to_be_between", column="amount", min_value=3, max_value=5),
        expectation("lines.single", "expect_column_values_to_be_unique", column="order_id"),
    ]  # fmt: skip
    project(lines=written)
    rows = [("a", o, day, m, 1, None) for o, day, m in
            [("1", "2023-01-05", 2), ("1", "2023-01-05", 4), ("2", "2023-01-16", 6)]]  # fmt: skip
    verdict = verdict_on(dataset(), {"lines": lines(*rows)})
    results = {o.rule_id: (o.result, o.observed) for o in verdict.outcomes}
    assert results["lines.gap"] == ("failed", "longest_gap_days is 10")
    assert results["lines.fresh"] == ("failed", "freshness_days is 16")
    assert results["lines.begins"] == ("failed", "first_day is 2023-01-05")
    assert results["lines.mean"] == ("passed", "mean_amount is 4")
    assert outcome(verdict, "lines.single").failing_rows == 1
    assert verdict.profiles["lines"]["days_without_rows"] == 10


def test_a_critical_rule_that_cannot_be_checked_stops_publication(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "check", lambda rules: None)  # it would tell before any data is read
    written = expectation("lines.text", BETWEEN, column="order_id", min_value=0)
    project(lines=[written])
    warned = verdict_on(dataset(), {"lines": lines(GOOD)})
    assert outcome(warned, "lines.text").result == "could not check"
    assert warned.status == "passed with warnings"
    assert any("could not be checked" in text for text in warned.summary()["warnings"])

    project(lines=[{**written, "severity": "critical"}])
    with pytest.raises(CriticalDataFailure, match="could not be checked"):
        verdict_on(dataset(), {"lines": lines(GOOD)}).raise_if_critical()


def test_a_rule_on_a_column_not_mapped_is_listed_and_no_warning(project: Project) -> None:
    written = expectation("lines.cost", BETWEEN, column="cost", min_value=0)
    project(lines=[{**written, "severity": "critical"}])
    verdict = verdict_on(dataset(), {"lines": lines(GOOD, ANONYMOUS)})
    found = outcome(verdict, "lines.cost")
    assert (found.result, found.failing_rows) == ("not applicable", 0)
    assert found.problem == "dataset.yml maps no cost in 'lines'"
    assert verdict.status == "passed"
    assert verdict.worth_saying == []
    (*_, last) = frames.rules_frame(verdict).to_dict("records")
    assert (last["rule_id"], last["result"]) == ("lines.cost", "not applicable")
    assert last["observed"] == "dataset.yml maps no cost in 'lines'"


def test_no_person_is_named_in_an_example(project: Project) -> None:
    kinds = "expect_column_values_to_be_in_set"
    project(
        customers=[
            expectation("customers.name", kinds, column="name", value_set=["x"]),
            expectation("customers.role", kinds, column="role", value_set=["x"]),
        ]
    )
    tables = {"lines": LINES, "customers": {"customer_id": "c", "name": "n", "role": "r"}}
    people = staged(["customer_id", "name", "role"], [("a", "Jane Doe", "partner")])
    verdict = verdict_on(dataset(tables), {"lines": lines(GOOD), "customers": people})
    assert str(outcome(verdict, "customers.name").example) == "row 1 of shop.csv"
    assert str(outcome(verdict, "customers.role").example) == "row 1 of shop.csv: partner"
    assert "Jane" not in verdict.model_dump_json()


def test_a_verdict_survives_json(project: Project) -> None:
    project()
    verdict = verdict_on(dataset(), {"lines": lines(GOOD, UNREADABLE, LATER, ANONYMOUS)})
    again = Verdict.model_validate_json(verdict.model_dump_json())
    assert again == verdict
    assert again.status == verdict.status
    assert again.quarantine_rules("lines") == verdict.quarantine_rules("lines")


def test_frames_add_up_and_put_first_what_matters(project: Project) -> None:
    project()
    verdict = verdict_on(dataset(), {"lines": lines(GOOD, NO_ORDER, LATER, ANONYMOUS)})
    (row,) = frames.reconciliation_frame(verdict).to_dict("records")
    parts = ("accepted", "quarantined", "later", "out_of_scope")
    assert row["read"] == sum(row[part] for part in parts) == 4
    assert row["read_money"] == pytest.approx(sum(row[f"{part}_money"] for part in parts))
    listed = frames.rules_frame(verdict)
    assert listed.loc[0, "rule_id"] == "lines.order_id_present"
    assert len(listed) == len(verdict.outcomes)


def test_accepted_rows_are_those_the_verdict_counts(project: Project) -> None:
    project()
    table = lines(GOOD, NO_ORDER, LATER, ANONYMOUS)
    failures = bound(judge_rows(rules.load(dataset())["lines"], table))
    verdict = verdict_on(dataset(), {"lines": table})
    kept = fates.accepted(
        "lines", table, failures, verdict.quarantine_rules("lines"), as_of=date(2023, 2, 1)
    )
    assert sorted(kept.order_id.execute()) == ["1", "4"]
    assert "fate" not in kept.columns
