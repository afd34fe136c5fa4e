"""The profit of simulated companies: exactly what was planted, and seen where it is not."""

from __future__ import annotations

from collections.abc import Callable

import ibis
import pytest

from crm_lib import dataset as datasets
from crm_lib.book import Book, open_book
from crm_lib.engine import collect
from crm_lib.score import profit
from crm_lib.score.row import Row
from crm_lib.score.truth import Truth

Simulated = Callable[..., str]
DAY = "2026-01-01"
COMPANIES = [
    pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("retailer", "supplier")
]


def compared(book: Book) -> dict[str, Row]:
    truth = Truth(datasets.load(book.dataset.name), book.backend)
    return {row.measure: row for row in profit.rows(truth, book)}


@pytest.mark.parametrize("dirt", ["none", "heavy"])
@pytest.mark.parametrize("company", COMPANIES)
def test_every_customers_profit_is_the_planted_one(
    simulated: Simulated, company: str, dirt: str
) -> None:
    book = open_book(simulated(company, dirt), as_of=DAY)
    found = compared(book)
    assert [row.measure for row in found.values() if not row.holds] == []
    assert found["customers with another profit"].found.startswith("0.0% (0 of ")
    assert int(found["unprofitable customers"].planted) > 0
    assert ("representatives' hours" in found) is (company == "supplier")
    assert (collect(book.reconciliation).difference == 0).all()
    assert book.profit_label == "net profit"


@pytest.mark.xdist_group("retailer")
def test_a_cost_of_one_customer_too_much_is_told(simulated: Simulated) -> None:
    book = open_book(simulated("retailer"), as_of=DAY)
    ledger = book.ledger
    first = ledger.filter(ledger.contact_cost > 0).customer_id.min()
    hit = (ledger.customer_id == first) & (ledger.contact_cost > 0)
    more = hit.ifelse(ibis.literal(1).cast("decimal(18, 2)"), 0)
    book.ledger = ledger.mutate(
        contact_cost=ledger.contact_cost + more, profit=ledger.profit - more
    )
    wrong = {row.measure for row in compared(book).values() if not row.holds}
    assert {"customers with another profit", "contacts"} <= wrong
    assert "acquisition" not in wrong


@pytest.mark.xdist_group("supplier")
def test_a_customer_without_a_row_in_the_ledger_counts_as_different(simulated: Simulated) -> None:
    book = open_book(simulated("supplier"), as_of=DAY)
    some = book.ledger.customer_id.max()
    book.ledger = book.ledger.filter(book.ledger.customer_id != some)
    row = compared(book)["customers with another profit"]
    assert not row.holds
    assert "(1 of 1,000)" in row.found
