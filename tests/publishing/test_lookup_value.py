"""A customer's profit and lifetime value in `crm lookup`, as in the report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from crm_lib import lookup, marts, terminal
from crm_lib.book import open_book
from crm_lib.engine import collect

DAY = date(2026, 1, 1)


@pytest.mark.xdist_group("supplier")
def test_a_customer_is_worth_what_the_marts_say(
    simulated: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = simulated("supplier")
    book = open_book(name, as_of=DAY)
    known = marts.equity(book)
    values = collect(book.mart("clv")).set_index("customer_id")["clv"]
    profits = collect(marts.profits(book)).set_index("customer_id")
    best = values.idxmax()
    found = lookup.customer(name, best, as_of=DAY)
    assert found.clv == values[best]
    assert found.profit == pytest.approx(profits.loc[best, "profit"])
    assert found.profit_rank == profits.loc[best, "profit_rank"]
    assert (found.clv_earning, found.clv_horizon_months) == ("contribution", 36)
    assert known["clv"] == pytest.approx(values.sum())
    assert known["customers"] == values.count()  # null: never bought
    terminal.customer(found)
    shown = " ".join(capsys.readouterr().out.split())
    assert "Net profit so far" in shown
    assert "contribution of the next 36 months, discounted at 10" in shown


@pytest.mark.xdist_group("supplier")
def test_who_never_bought_has_no_value(
    simulated: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = simulated("supplier")
    book = open_book(name, as_of=DAY)
    never = collect(book.customers.filter(book.customers.first_on.isnull()))["customer_id"].iloc[0]
    found = lookup.customer(name, never, as_of=DAY)
    assert found.clv is None
    terminal.customer(found)
    assert "Lifetime value not available: never bought" in " ".join(capsys.readouterr().out.split())
