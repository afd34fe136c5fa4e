"""What one pass over a table tells: counts by fate, days, filled cells; references looked up by value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import ibis.expr.types as ir
import pytest

from crm_lib.quality import assessment, fates, rules
from crm_lib.quality.outcomes import Count
from crm_lib.quality.tally import Tally
from crm_lib.quality.verdict import Verdict, assess
from tests.quality.conftest import (
    AS_OF,
    LINES,
    Project,
    bound,
    dataset,
    expectation,
    judge_rows,
    staged,
    verdict_on,
)

COLUMNS = ["customer_id", "order_id", "ordered_at", "amount", "place"]
ROWS = [
    ("a", "1", "2023-01-05", "0.10", "x"),
    ("a", "2", "2023-01-05", "0.20", None),
    (None, "3", "2023-01-20", "-0.05", "x"),
    ("b", None, "2023-01-21", "7", "x"),  # set aside: no order
    ("b", "5", "1900-01-01", "2", "x"),  # set aside: a day that stands for "unknown"
    ("b", "6", "2023-01-25", "9", "y"),  # out of scope
    ("b", "7", "2199-12-31", "1000", "x"),  # later
    ("b", "8", "9999-12-31", "40", "x"),  # set aside: a day that stands for "unknown", too
]


def judged(how: Callable[..., ir.Table]) -> ir.Table:
    """What `how`, a function of `fates`, makes of the rows."""
    table, listed = staged(COLUMNS, ROWS), rules.load(dataset())["lines"]
    failures = bound(judge_rows(listed, table))
    aside = [rule.rule_id for rule in listed if rule.on_fail == "quarantine"]
    return how("lines", table, failures, aside, as_of=AS_OF, scope="place IS NULL OR place = 'x'")


def tally() -> Tally:
    return Tally.of(judged(fates.with_fate), "ordered_at", ["place"])


def test_every_row_and_cent_has_one_fate(project: Project) -> None:
    project()
    assert tally().by_fate == {
        "accepted": Count(rows=3, money=Decimal("0.25")),
        "quarantined": Count(rows=3, money=Decimal("49")),
        "out_of_scope": Count(rows=1, money=Decimal("9")),
        "later": Count(rows=1, money=Decimal("1000")),
    }


def test_accepted_rows_are_those_whose_fate_it_is(project: Project) -> None:
    project()
    kept, fated = (
        judged(how).to_pyarrow().to_pandas() for how in (fates.accepted, fates.with_fate)
    )
    expected = fated[fated.fate == "accepted"].order_id.tolist()
    assert sorted(kept.order_id) == sorted(expected) == ["1", "2", "3"]


def test_what_a_profile_reads_of_it(project: Project) -> None:
    project()
    found = tally()
    assert found.anonymous() == Count(rows=1, money=Decimal("-0.05"))
    assert found.filled_share("place") == pytest.approx(2 / 3)
    assert found.total_amount() == 0.25
    # Whatever became of the rows, but for unknown and later days.
    assert found.days() == [date(2023, 1, day) for day in (5, 20, 21, 25)]


def test_of_nothing_nothing_is_measured(project: Project) -> None:
    project()
    table = staged(COLUMNS, ROWS[-1:])
    found = Tally.of(fates.with_fate("lines", table, None, [], as_of=AS_OF), "ordered_at", ["place"])  # fmt: skip
    assert (found.filled_share("place"), found.total_amount(), found.days()) == (None, None, [])
    assert found.by_fate["accepted"] == Count(money=Decimal(0))


def test_references_are_told_alike_by_row_by_value_and_by_buyer(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project()
    columns = {**LINES, "product_id": "p"}
    data = dataset({"lines": columns, "products": {"product_id": "p"}, "customers": {"customer_id": "c"}})  # fmt: skip
    names = ["customer_id", "order_id", "ordered_at", "amount", "product_id"]
    rows = [
        ("a", "1", "2023-01-05", 5, "tea"),
        ("b", "2", "2023-01-05", 3, "pot"),
        ("b", "3", "2023-01-06", 4, None),
        (None, "4", "2023-01-06", 1, "tea"),
        ("c", None, "2023-01-06", 8, "cup"),  # set aside
        ("d", "6", "2023-02-01", 9, "jar"),  # later
    ]
    tables = {
        "lines": staged(names, rows),
        "products": staged(["product_id"], [("tea",)]),
        "customers": staged(["customer_id"], [("a",)]),
    }
    by_row = verdict_on(data, tables)
    with monkeypatch.context() as patched:
        patched.setattr(assessment, "FEW", 0)
        by_value = verdict_on(data, tables)
    failures = {name: bound(judge_rows(rules.load(data)[name], table)) for name, table in tables.items()}  # fmt: skip
    buyers = staged(["customer_id"], [("a",), ("b",)]).select("customer_id")
    by_buyer = assess(data, tables, failures, as_of=AS_OF, buyers=buyers)
    assert by_row == by_value == by_buyer
    assert _found(by_row, "lines.customer_id_known") == (2, Decimal(7), "row 2 of shop.csv: b")
    assert _found(by_row, "lines.product_id_known") == (1, Decimal(3), "row 2 of shop.csv: pot")


def _found(verdict: Verdict, rule_id: str) -> tuple[int, Decimal | None, str]:
    outcome = next(o for o in verdict.outcomes if o.rule_id == rule_id)
    return outcome.failing_rows, outcome.money, str(outcome.example)


def test_a_share_of_filled_cells_is_judged(project: Project) -> None:
    rule = "expect_column_proportion_of_non_null_values_to_be_between"
    project(lines=[expectation("lines.places", rule, column="place", min_value=0.7)])
    data = dataset({"lines": {**LINES, "place": "p"}})
    verdict = verdict_on(data, {"lines": staged(COLUMNS, ROWS[:3])})
    found = next(o for o in verdict.outcomes if o.rule_id == "lines.places")
    assert found.result == "failed"
    assert found.observed.startswith("present_share_place is 0.66666")
