"""Who earns and who costs in companies whose truth is known: found exactly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from crm_lib import dataset as datasets
from crm_lib.analysis import acquisition, losses, profit
from crm_lib.book import Book, open_book
from crm_lib.engine import collect
from crm_lib.score import tenure
from crm_lib.score.truth import Truth

AS_OF = date(2026, 1, 1)
COMPANIES = ("retailer", "supplier")


@pytest.fixture
def opened(simulated: Callable[..., str]) -> Callable[[str], tuple[Book, Truth]]:
    def make(company: str) -> tuple[Book, Truth]:
        name = simulated(company)
        dataset = datasets.load(name)
        book = open_book(name, as_of=dataset.default_as_of or AS_OF)
        return book, Truth(dataset, book.backend)

    return make


@pytest.mark.parametrize("company", COMPANIES)
def test_the_unprofitable_are_the_planted_ones(
    opened: Callable[[str], tuple[Book, Truth]], company: str
) -> None:
    """Before the share of campaigns as a whole, which the truth does not allot."""
    book, truth = opened(company)
    found = profit.by_customer(book.ledger)
    found = found.mutate(found=found.profit + found.campaign_cost.fill_null(0))
    planted = truth.table("profits").select("customer_id", planted="contribution")
    both = found.join(planted, "customer_id")
    assert int(both.count().execute()) == 1_000
    assert int(both.filter(both.found != both.planted).count().execute()) == 0
    unprofitable = int(both.filter(both.found < 0).count().execute())
    stated = collect(truth.table("segments"))["unprofitable"].sum()
    assert unprofitable == stated > 0


@pytest.mark.parametrize("company", COMPANIES)
def test_the_costly_are_unprofitable_for_their_contacts(
    opened: Callable[[str], tuple[Book, Truth]], company: str
) -> None:
    """Planted: serving costly customers takes times the margin of each order. Of the money lost on
    those of them who are unprofitable, three quarters or more are put down to contacts."""
    book, truth = opened(company)
    found = losses.negatives(profit.by_customer(book.ledger))
    costly = truth.table("customers").filter(lambda t: t.is_costly).select("customer_id")
    theirs = collect(found.join(costly, "customer_id"))
    assert len(theirs) >= 10
    by_contacts = theirs.loc[theirs["cause"] == "contact_cost", "loss"].sum()
    assert by_contacts / theirs["loss"].sum() >= 0.75


@pytest.mark.parametrize("company", COMPANIES)
def test_profit_by_year_of_the_relationship_is_the_planted_one(
    opened: Callable[[str], tuple[Book, Truth]], company: str
) -> None:
    book, truth = opened(company)
    judged = [row for row in tenure.rows(truth, book) if row.holds is not None]
    assert judged
    assert all(row.holds for row in judged), judged


@pytest.mark.parametrize("company", COMPANIES)
def test_sources_cost_what_was_planted(
    opened: Callable[[str], tuple[Book, Truth]], company: str
) -> None:
    book, truth = opened(company)
    people = book.profile
    curves = acquisition.payback(book.ledger, people, people, by="source", observed=book.observed)
    each = acquisition.brought(book.ledger, book.customers)
    table = acquisition.by_origin(each, people, curves, by="source").set_index("source")
    planted = truth.table("customers").join(truth.table("profits"), "customer_id")
    sums = collect(
        planted.group_by("source").agg(
            cost=planted.acquisition_cost.sum(), won=(planted.occasions > 0).sum()
        )
    ).set_index("source")
    for source, row in sums.iterrows():
        assert table.loc[source, "cost"] == pytest.approx(row["cost"], abs=0.005)
        assert table.loc[source, "won"] == row["won"]
    assert table.loc["all", "cost"] == pytest.approx(sums["cost"].sum(), abs=0.005)
