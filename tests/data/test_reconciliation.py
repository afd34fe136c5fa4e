"""Every part of the profit that a data set knows is held against its source, also where that is nothing."""

from __future__ import annotations

from crm_lib.book import open_book
from crm_lib.engine import collect
from tests.conftest import MakeProject

LINES = (
    "customer,order,when,amount,cost\nanna,1,2023-01-05,10.00,6.00\nben,2,2023-02-05,5.00,0.00\n"
)
YML = """
title: Shop without returns
currency: EUR
observed_from: 2023-01-01
default_as_of: 2023-03-01
tables:
  lines:
    source: {files: data/shop/lines.csv}
    columns: {customer_id: customer, order_id: order, ordered_at: when, amount: amount, cost: cost}
"""


def test_a_month_without_returns_or_costs_is_there_as_nothing(make_project: MakeProject) -> None:
    make_project("shop", {"lines.csv": LINES}, YML)
    frame = collect(open_book("shop", as_of="2023-03-01").reconciliation)
    assert (frame.difference == 0).all()
    held = {(row.component, row.month.month): row.ledger for row in frame.itertuples()}
    assert held == {
        ("revenue", 1): 10, ("revenue", 2): 5,
        ("returns", 1): 0, ("returns", 2): 0,
        ("cost_of_goods", 1): 6, ("cost_of_goods", 2): 0,
    }  # fmt: skip
