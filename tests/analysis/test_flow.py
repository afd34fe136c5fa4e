"""Customer flow on a ledger checked by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from crm_lib.analysis import flow
from crm_lib.errors import UsageError
from tests.analysis.ledger import SIX, Ledger, exact

COUNTS = ("opening", "new", "first_seen", "reactivated", "retained", "lapsed", "closing")
MONEY = ("opening", "new", "first_seen", "reactivated", "retained_change", "lapsed", "inactive_change",
         "anonymous_change", "closing")  # fmt: skip


def monthly(ledger: Ledger) -> list[dict[str, object]]:
    return exact(
        flow.monthly(ledger.customer_months, ledger.customers, ledger.months, **ledger.dates)
    )


def test_customers_by_month() -> None:
    rows = monthly(Ledger(SIX))
    assert [tuple(row[name] for name in COUNTS) for row in rows] == [
        (0, 1, 2, 0, 0, 0, 3),  # ben is new; anna and emil came within the warm-up
        (3, 1, 0, 0, 1, 2, 2),  # carla is new, anna stays, ben and emil lapse
        (2, 1, 0, 1, 1, 1, 3),  # dora is new, ben is back, anna stays, carla lapses
    ]


def test_revenue_by_month_includes_returns_of_inactive_and_anonymous() -> None:
    rows = monthly(Ledger(SIX))
    assert [tuple(row[f"revenue_{name}"] for name in MONEY) for row in rows] == [
        (0, 30, 120, 0, 0, 0, 0, 0, 150),
        (150, 400, 0, 0, -50, 50, -5, 0, 445),  # fred returned 5 without buying
        (445, 10, 0, 30, 0, 400, 5, 40, 130),
    ]


def test_money_is_exact() -> None:
    cents = [("a", str(i), "2023-02-01", "0.1") for i in range(10)]
    assert monthly(Ledger(cents))[1]["revenue_new"] == Decimal("1.0")


def test_warm_up_turned_off_calls_everyone_new() -> None:
    first = monthly(Ledger(SIX, warm_up_ends="2023-01-01"))[0]
    assert (first["new"], first["first_seen"], first["is_warm_up"]) == (3, 0, False)


def test_partial_and_warm_up_months_are_marked() -> None:
    rows = monthly(Ledger(SIX, end="2023-03-15"))
    assert [row["is_partial"] for row in rows] == [False, False, True]
    assert [row["is_warm_up"] for row in rows] == [True, False, False]


def test_a_month_without_any_line_has_a_row() -> None:
    rows = monthly(Ledger([SIX[0], SIX[2]]))
    february = rows[1]
    assert february["start"] == date(2023, 2, 1)
    assert (february["opening"], february["lapsed"], february["closing"]) == (1, 1, 0)
    assert rows[2]["reactivated"] == 1


def test_quarters_of_the_calendar_and_of_the_fiscal_year() -> None:
    ledger = Ledger(SIX)
    tables = (ledger.customer_months, ledger.customers, ledger.months)
    (whole,) = exact(flow.quarterly(*tables, **ledger.dates))
    assert (whole["start"], whole["closing"], whole["is_partial"]) == (date(2023, 1, 1), 5, False)
    rows = exact(flow.quarterly(*tables, **ledger.dates, fiscal_year_start=3))
    assert [row["start"] for row in rows] == [date(2022, 12, 1), date(2023, 3, 1)]
    assert [row["closing"] for row in rows] == [4, 3]
    assert [row["is_partial"] for row in rows] == [True, True]


def test_a_fiscal_year_starts_in_a_month() -> None:
    ledger = Ledger(SIX)
    with pytest.raises(UsageError, match="from 1 to 12, not 13"):
        flow.quarterly(
            ledger.customer_months,
            ledger.customers,
            ledger.months,
            **ledger.dates,
            fiscal_year_start=13,
        )


def test_rolling_windows_end_with_the_last_observed_day() -> None:
    ledger = Ledger(SIX)
    rows = exact(flow.rolling(ledger.lines, ledger.customers, days=30, **ledger.dates))
    # 90 days in three windows: from January 1, January 31 and March 2.
    assert [row["start"] for row in rows] == [date(2023, 1, 1), date(2023, 1, 31), date(2023, 3, 2)]
    assert [tuple(row[name] for name in COUNTS) for row in rows] == [
        (0, 1, 2, 0, 0, 0, 3),
        (3, 2, 0, 0, 1, 2, 3),  # carla and dora (March 1) are new
        (3, 0, 0, 1, 1, 2, 2),
    ]
    assert sum(row["revenue_closing"] for row in rows) == 725
    assert not any(row["is_partial"] for row in rows)


def test_the_first_rolling_window_is_partial_where_days_do_not_divide() -> None:
    ledger = Ledger(SIX)
    rows = exact(flow.rolling(ledger.lines, ledger.customers, days=60, **ledger.dates))
    assert [row["is_partial"] for row in rows] == [True, False]
    assert rows[0]["start"] == date(2022, 12, 2)


def test_a_rolling_window_has_days() -> None:
    ledger = Ledger(SIX)
    with pytest.raises(UsageError, match="at least 1 day, not 0"):
        flow.rolling(ledger.lines, ledger.customers, days=0, **ledger.dates)


def test_a_period_that_is_misspelt_is_told() -> None:
    assert [flow.is_by_quarter(period) for period in ("quarter", "month")] == [True, False]
    with pytest.raises(UsageError, match="Did you mean 'quarter'"):
        flow.is_by_quarter("quater")
