"""Customer flow balances for any ledger, and agrees with sets of customers counted one by one."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_lib.analysis import flow
from tests.analysis.ledger import Ledger, Row, exact
from tests.properties.ledgers import few, rows

WARM_UP_ENDS = "2023-01-20"


def ledger(lines: list[Row], end: str = "2023-05-20") -> Ledger:
    return Ledger(lines, end=end, warm_up_ends=WARM_UP_ENDS)


def monthly(book: Ledger) -> list[dict[str, object]]:
    return exact(flow.monthly(book.customer_months, book.customers, book.months, **book.dates))


def assert_balanced(flows: list[dict[str, object]]) -> None:
    closing, money = 0, Decimal(0)
    for row in flows:
        assert row["opening"] == closing
        assert row["revenue_opening"] == money
        arrived = row["new"] + row["first_seen"] + row["reactivated"]
        closing = row["opening"] + arrived - row["lapsed"]
        assert row["closing"] == closing == row["retained"] + arrived
        money = sum(
            row[f"revenue_{name}"]
            for name in ("opening", "new", "first_seen", "reactivated", "retained_change",
                         "inactive_change", "anonymous_change")
        ) - row["revenue_lapsed"]  # fmt: skip
        assert row["revenue_closing"] == money


def in_month(lines: list[Row], month: date) -> list[Row]:
    return [row for row in lines if row[2][:7] == f"{month:%Y-%m}" and row[2] < "2023-05-20"]


@few
@given(rows)
def test_months_balance_and_agree_with_sets_of_customers(lines: list[Row]) -> None:
    before: set[str] = set()
    ever: set[str] = set()
    flows = monthly(ledger(lines))
    assert_balanced(flows)
    for row in flows:
        inside = in_month(lines, row["start"])
        assert row["revenue_closing"] == sum(Decimal(line[3]) for line in inside)
        bought = sorted((x for x in inside if x[0] and Decimal(x[3]) > 0), key=lambda x: x[2])
        now = {x[0] for x in bought}
        first = {name: next(x[2] for x in bought if x[0] == name) for name in now - ever}
        assert row["new"] == sum(day >= WARM_UP_ENDS for day in first.values())
        assert row["first_seen"] == sum(day < WARM_UP_ENDS for day in first.values())
        assert row["retained"] == len(now & before)
        assert row["reactivated"] == len((now & ever) - before)
        assert row["lapsed"] == len(before - now)
        before, ever = now, ever | now


@few
@given(rows, st.integers(1, 100))
def test_rolling_windows_balance(lines: list[Row], days: int) -> None:
    book = ledger(lines)
    flows = exact(flow.rolling(book.lines, book.customers, days=days, **book.dates))
    assert_balanced(flows)
    kept = [Decimal(x[3]) for x in lines if x[2] < "2023-05-20"]
    assert sum(row["revenue_closing"] for row in flows) == sum(kept)
    assert flows[-1]["end"] == date(2023, 5, 20)


@few
@given(rows, st.randoms(use_true_random=False))
def test_row_order_and_later_lines_never_change_an_earlier_month(
    lines: list[Row], chance: random.Random
) -> None:
    mixed = chance.sample(lines, len(lines))
    assert monthly(ledger(mixed))[:3] == monthly(ledger(lines, end="2023-04-01"))


@pytest.mark.parametrize("lines", [[], [(None, "1", "2023-01-05", "9")]])
def test_a_ledger_without_customers(lines: list[Row]) -> None:
    flows = monthly(ledger(lines))
    assert_balanced(flows)
    assert [row["closing"] for row in flows] == [0] * 5
