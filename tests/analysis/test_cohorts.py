"""Cohort triangles on a ledger checked by hand."""

from __future__ import annotations

from datetime import date

import ibis
import pytest

from crm_lib.analysis import cohorts
from crm_lib.engine import collect
from crm_lib.errors import NotInData, UsageError
from tests.analysis.ledger import SIX, Ledger, exact


def cells(ledger: Ledger, measure: str = "customers") -> dict[date, list[object]]:
    rows = exact(
        cohorts.triangle(ledger.customer_months, ledger.customers, measure=measure, **ledger.dates)
    )
    found: dict[date, list[object]] = {}
    for row in rows:
        assert row["period"] == len(found.setdefault(row["cohort"], []))
        found[row["cohort"]].append(row["value"])
    return found


def test_customers_active_by_cohort() -> None:
    assert cells(Ledger(SIX)) == {
        date(2023, 1, 1): [3, 1, 2],  # anna, ben, emil; anna; anna and ben
        date(2023, 2, 1): [1, 0],
        date(2023, 3, 1): [1],
    }


def test_revenue_adds_up_to_the_buyers_ledger() -> None:
    found = cells(Ledger(SIX), "revenue")
    assert found == {
        date(2023, 1, 1): [150, 50, 80],
        date(2023, 2, 1): [400, 0],
        date(2023, 3, 1): [10],
    }
    # 725 in all, without 40 anonymous and fred's −5, who never bought.
    assert sum(sum(values) for values in found.values()) == 725 - 40 + 5


def test_margin_where_costs_are_known() -> None:
    ledger = Ledger(SIX, costs=["60", "20", "20", "10", "10", "400", "-80", "5", "10", "-2", "20"])
    assert cells(ledger, "margin")[date(2023, 2, 1)] == [400 - 320, 0]
    without = ledger.customer_months.mutate(margin=ibis.null("decimal(38, 4)"))
    with pytest.raises(NotInData, match="cost"):
        cohorts.triangle(without, ledger.customers, measure="margin", **ledger.dates)


def test_shares_and_marks() -> None:
    ledger = Ledger(SIX, end="2023-03-25")
    frame = collect(
        cohorts.triangle(ledger.customer_months, ledger.customers, **ledger.dates)
    ).set_index(["cohort", "period"])
    first = frame.loc["2023-01-01"]
    assert list(first["share"]) == pytest.approx([1, 1 / 3, 2 / 3])
    assert list(first["per_customer"]) == list(first["share"])
    assert list(first["cohort_size"]) == [3, 3, 3]
    assert list(frame["is_partial"]) == [False, False, True, False, True, True]
    assert list(frame["is_warm_up"]) == [True, True, True, False, False, False]


def test_a_cohort_that_starts_with_nothing_has_no_share() -> None:
    refunded = [("a", "1", "2023-02-01", "10"), ("a", "2", "2023-02-02", "-10")]
    ledger = Ledger([*refunded, ("a", "3", "2023-03-01", "5")])
    frame = collect(
        cohorts.triangle(
            ledger.customer_months, ledger.customers, measure="revenue", **ledger.dates
        )
    )
    assert list(frame["value"]) == [0, 5]
    assert frame["share"].isna().all()


def test_returns_before_the_first_purchase_are_left_out() -> None:
    ledger = Ledger([("a", "1", "2023-01-20", "-7"), ("a", "2", "2023-02-10", "9")])
    assert cells(ledger, "revenue") == {date(2023, 2, 1): [9, 0]}


def test_an_unknown_measure() -> None:
    with pytest.raises(UsageError, match="Did you mean 'customers'"):
        cells(Ledger(SIX), "customer")
