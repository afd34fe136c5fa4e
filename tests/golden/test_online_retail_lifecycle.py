"""Online Retail (UCI): flow, cohorts and repeat rate as recomputed independently from the raw rows.

Filters: quantity > 0 and price > 0; customers known; an invoice is an occasion; warm-up ignored.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from crm_lib.analysis import cohorts, dashboard, decomposition, flow, repeat, stages
from crm_lib.book import Book, open_book
from crm_lib.engine import collect
from crm_lib.periods import Window

LEDGER = 10_666_684.544
"""£8,911,407.904 of known customers and £1,755,276.64 without one, under the filters."""
KNOWN = 8_911_407.904


@pytest.fixture(scope="module")
def book(shared_data: Path) -> Book:
    return open_book("online_retail", as_of="2011-12-10", scope="quantity > 0 and amount > 0")


@pytest.fixture(scope="module")
def months(book: Book) -> pd.DataFrame:
    table = flow.monthly(
        book.customer_months,
        book.customers,
        book.months,
        observed=book.observed,
        warm_up_ends=book.observed.start,
    )
    return collect(table).set_index("start")


def test_november_2011(months: pd.DataFrame) -> None:
    november = months.loc["2011-11-01"]
    names = ["new", "retained", "reactivated", "closing", "lapsed"]
    assert november[names].to_list() == [323, 622, 719, 1664, 742]


def test_flow_closes_on_the_ledger_and_marks_december(months: pd.DataFrame) -> None:
    assert months["revenue_closing"].sum() == pytest.approx(LEDGER, abs=0.005)
    assert list(months.index[months["is_partial"]]) == [pd.Timestamp("2011-12-01")]


@pytest.mark.parametrize(
    ("cohort", "customers"),
    [
        ("2010-12-01", [885, 324, 286, 340, 321, 352, 321, 309, 313, 350, 331, 445, 235]),
        ("2011-01-01", [417, 92, 111, 96, 134, 120, 103, 101, 125, 136, 152, 49]),
    ],
)
def test_cohorts(book: Book, cohort: str, customers: list[int]) -> None:
    table = cohorts.triangle(
        book.customer_months, book.customers, observed=book.observed, warm_up_ends=book.warm_up_ends
    )
    frame = collect(table)
    found = frame[frame["cohort"] == cohort]
    assert found["value"].to_list() == customers
    assert found["is_partial"].to_list() == [False] * (len(customers) - 1) + [True]
    assert found["is_warm_up"].all() == (cohort == "2010-12-01")


def test_cohort_revenue_is_that_of_all_known_customers(book: Book) -> None:
    frame = collect(
        cohorts.triangle(
            book.customer_months,
            book.customers,
            measure="revenue",
            observed=book.observed,
            warm_up_ends=book.warm_up_ends,
        )
    )
    assert frame["value"].sum() == pytest.approx(KNOWN, abs=0.005)


def test_repeat_rate_by_invoice(book: Book) -> None:
    first = repeat.ladder(book.customers, book.occasions, include_first_seen=True).iloc[0]
    assert first["customers"] == 4338
    assert first["customers"] - first["continued"] == 1493
    assert first["probability"] == pytest.approx(0.6558, abs=5e-5)


def test_dashboard_of_november(book: Book) -> None:
    frame = dashboard.measures(
        book.months,
        book.customer_months,
        book.customers,
        observed=book.observed,
        warm_up_ends=book.warm_up_ends,
    )
    month = frame[frame["span"] == "month"].set_index("key")["value"]
    assert month["active_customers"] == 1664
    assert month["new_customers"] == 323
    assert month["repeat_buying_rate"] == pytest.approx(622 / 1364)


def test_decomposition_closes_on_the_ledger(book: Book, months: pd.DataFrame) -> None:
    november, october = (Window(date(2011, m, 1), date(2011, m + 1, 1)) for m in (11, 10))
    frame = decomposition.decompose(book.lines, before=october, after=november).set_index("factor")
    assert frame.loc["customers", ["before", "after"]].to_list() == [1364, 1664]
    change = (
        months.loc["2011-11-01", "revenue_closing"] - months.loc["2011-10-01", "revenue_closing"]
    )
    assert frame["effect"].drop("total").sum() == pytest.approx(change, abs=0.005)


def test_stages_part_all_customers(book: Book) -> None:
    frame = collect(stages.sizes(stages.stage(book.customers), book.customers)).set_index("stage")
    # 4,372 customers are known; the filters leave those with a line that meets them.
    assert frame["customers"].sum() == 4338
    assert frame.loc["Prospect", "customers"] == 0
    assert frame["revenue"].sum() == pytest.approx(KNOWN, abs=0.005)
