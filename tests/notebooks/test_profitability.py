"""The notebook on profitability: what it says of ledgers with costs, good and odd, to the cent."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from tests.conftest import SIX_YML
from tests.notebooks.conftest import Ledger, RunNotebook
from tests.notebooks.said import Said
from tests.notebooks.test_execution import flaws

STEM = "05_profitability"
HEAD = "customer,order,when,amount,cost,product\n"
YML = (
    SIX_YML.replace("data/six", "data/odd").replace(
        "      quantity: quantity\n", "      cost: cost\n"
    )
    + """\
  customers:
    source: {files: data/odd/customers.csv}
    columns: {customer_id: customer, source: source, acquisition_cost: won_for}
  products:
    source: {files: data/odd/products.csv}
    columns: {product_id: product, category: category}
"""
)
PEOPLE = "customer,source,won_for\nanna,fair,40\nben,fair,5\nzoe,web,7\n"
GOODS = "product,category\ntea,drinks\ncup,crockery\n"
LINES = [
    "anna,1,2023-01-05,100.00,60.00,tea", "anna,2,2023-02-05,50.00,30.00,tea",
    "ben,3,2023-01-20,30.00,33.00,cup", ",4,2023-03-15,40.00,20.00,tea",
]  # fmt: skip
ODD = {
    "earning": LINES,
    "everybody loses": ["anna,1,2023-03-05,10.00,60.00,tea", "ben,2,2023-03-06,5.00,9.00,cup"],
    "only returns": ["anna,1,2023-03-05,-10.00,-6.00,tea"],
    "nobody known": [",1,2023-03-05,10.00,6.00,tea", ",2,2023-03-06,5.00,2.00,cup"],
    "one": ["anna,1,2023-03-05,10.00,6.00,tea"],
}


def told(ledger: Ledger, said: RunNotebook, lines: list[str]) -> Said:
    text = HEAD + "".join(f"{line}\n" for line in lines)
    files = {"lines.csv": text, "customers.csv": PEOPLE, "products.csv": GOODS}
    ledger("odd", files, YML)
    return said(STEM, dataset="odd", as_of="2023-04-01")


@pytest.mark.parametrize("name", ODD)
def test_any_ledger_with_costs_is_told_in_words(
    ledger: Ledger, said: RunNotebook, name: str
) -> None:
    found = told(ledger, said, ODD[name])
    assert flaws(found) == []
    assert found.finding.endswith(".")
    assert all("needs" in text or "hold no table" in text for text in found.left_out), (
        found.left_out
    )


def test_the_numbers_by_hand(ledger: Ledger, said: RunNotebook) -> None:
    """220 sold, 143 of goods, 52 to win three: 25 remain. Anna 20, ben −8, zoe −7, nobody 20."""
    found = told(ledger, said, LINES)
    assert found.finding == (
        "Net profit is €25.00, 11.4% of revenue. 33% of customers earn it; 2 customers (67%) cost "
        "€15.00 more than they bring."
    )
    numbers = {key: number["value"] for key, number in found.metrics.items()}
    assert numbers["profit"] == 25
    assert numbers["unprofitable_customers"] == 2
    assert numbers["unprofitable_loss"] == 15
    assert numbers["whale_peak"] == pytest.approx(20 / 5)
    assert "Every component agrees with its source to the cent" in found.text
    assert "1 order line sold below cost lost €3.00" in found.text
    losses = pd.read_csv(io.StringIO(found.exports["unprofitable_customers"]))
    assert losses["customer_id"].tolist() == ["ben", "zoe"]
    assert losses["cause"].tolist() == ["cost_of_goods", "acquisition_cost"]


def test_a_product_that_no_table_knows_is_called_unknown(ledger: Ledger, said: RunNotebook) -> None:
    found = told(ledger, said, [*LINES, "anna,5,2023-02-06,1.00,0.50,spoon"])
    assert "Unknown" in found.text


def test_a_loss_is_called_one(ledger: Ledger, said: RunNotebook) -> None:
    found = told(ledger, said, ODD["everybody loses"])
    assert found.finding == (
        "Net profit is −€106.00: costs exceed revenue, and no customer earns anything."
    )
    assert "Of €15.00 gross sales nothing is left" in found.text


def test_without_a_cost_revenue_is_not_called_profit(
    ledger: Ledger, said: RunNotebook, six_customers: object
) -> None:
    found = said(STEM, dataset="six", as_of="2023-04-01")
    assert found.finding.startswith(
        "No cost is known, so this page shows revenue, not profit: €725"
    )
    assert "profit" not in found.metrics
    assert "net profit a customer" not in found.text.lower()
    assert not any("Below zero:" in part.html for part in found.parts)


def test_parts_make_the_whole_across_the_page(company: str, said: RunNotebook) -> None:
    """Months, customers and components of one page add up to the same profit, to the cent."""
    found = said(STEM, pictures=False, dataset=company, as_of="2024-01-01")
    names = found.names
    profit = found.metrics["profit"]["value"]
    assert names["monthly"]["profit"].sum() == pytest.approx(profit, abs=0.005)
    by_customer = pd.read_csv(io.StringIO(found.exports["profit_by_customer"]))["profit"].sum()
    assert names["by_group"]["profit"].sum() == pytest.approx(by_customer, abs=0.005)
    assert names["peak"]["profit"].iloc[0] == pytest.approx(by_customer, abs=0.005)
    assert names["curve"]["profit"].iloc[-1] == pytest.approx(by_customer, abs=0.005)
    reconciled = names["reconciliation"].groupby("component")[["ledger", "difference"]].sum()
    costs = reconciled["ledger"].drop(["revenue", "returns", "discount"]).sum()
    assert reconciled.loc["revenue", "ledger"] - costs == pytest.approx(profit, abs=0.005)
    assert (reconciled["difference"] == 0).all()
    assert names["causes"]["loss"].sum() == pytest.approx(
        found.metrics["unprofitable_loss"]["value"], abs=0.005
    )
