"""`crm init` on files whose cost and discount are not columns of money: a profit, a rate."""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest

from crm_lib import dataset, engine, init, staging
from crm_lib.book import open_book
from crm_lib.engine import collect
from crm_lib.init import names
from crm_lib.init.proposal import Entry, Proposal
from tests import superstore
from tests.conftest import ROOT


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("data", "raw"):
        (tmp_path / folder).mkdir()
    for shared in ("notebooks", "expectations"):
        (tmp_path / shared).symlink_to(ROOT / shared)
    monkeypatch.setenv("CRM_HOME", str(tmp_path))
    for variable in ("CRM_CACHE", "CRM_REPORTS"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def propose(home: Path, header: str, rows: Iterable[str]) -> Proposal:
    path = home / "raw" / "s.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return init.propose([path], name="shop")


def line(proposal: Proposal, key: str) -> Entry:
    found = proposal.lines.column(key)
    assert found is not None
    return found


def sums(home: Path, proposal: Proposal) -> dict[str, Decimal]:
    """The money of the lines, read by the `dataset.yml` that the proposal writes."""
    init.write("shop", proposal, force=True)
    config = dataset.load("shop")
    staged = staging.stage("lines", config, engine.connect(), home / "scratch").to_pyarrow()
    assert not any(staged[name].drop_null() for name in staged.column_names if "unreadable" in name)
    return {
        name: sum(staged[name].to_pylist(), Decimal(0))
        for name in ("amount", "discount", "cost")
        if name in staged.column_names
    }


def test_a_file_with_profit_and_rate_becomes_a_ledger_to_the_cent(home: Path) -> None:
    rows = superstore.rows()
    path = home / "raw" / "superstore.csv"
    path.write_bytes(superstore.csv_bytes(rows))
    proposal = init.propose([path], name="store")
    assert line(proposal, "cost").value == "Sales - Profit"
    assert line(proposal, "discount").value == "Sales * Discount / (1 - Discount)"
    assert "Profit is called a profit" in line(proposal, "cost").because
    assert "have one price before it" in line(proposal, "discount").because
    assert line(proposal, "ordered_at").value == {"from": "Order Date", "format": "%m/%d/%Y"}
    assert {place for place, _ in proposal.checks} == {"currency", "returned"}
    unused = {name for name, _ in proposal.lines.unused}
    assert not unused & {"Profit", "Discount", "Sales"}
    init.write("store", proposal)
    book = open_book("store", as_of=proposal.as_of or "")
    assert book.profit_label == "gross profit"
    money = [{name: Decimal(row[name]) for name in ("Sales", "Profit", "Discount")} for row in rows]
    held = book.ledger.agg(
        **{name: book.ledger[name].sum() for name in ("revenue", "gross_profit", "discount")}
    )
    found = held.to_pyarrow().to_pylist()[0]
    assert found["revenue"] == sum(row["Sales"] for row in money)
    assert found["gross_profit"] == sum(row["Profit"] for row in money)
    given = sum(row["Sales"] * row["Discount"] / (1 - row["Discount"]) for row in money)
    assert found["discount"] == pytest.approx(given, abs=Decimal("0.01"))
    assert (collect(book.reconciliation).difference == 0).all()
    lost = {row["Customer ID"] for row in rows if Decimal(row["Profit"]) < 0}
    assert lost  # losses survive: some customers' profit is negative
    by_customer = book.ledger.group_by("customer_id").agg(profit=book.ledger.profit.sum())
    own: dict[str, Decimal] = {}
    for row in rows:
        own[row["Customer ID"]] = own.get(row["Customer ID"], Decimal(0)) + Decimal(row["Profit"])
    assert {
        row["customer_id"]: row["profit"] for row in by_customer.to_pyarrow().to_pylist()
    } == own


@pytest.mark.parametrize(
    ("header", "profit"),
    [
        ("Kunde;Auftrag;Datum;Umsatz;Rohertrag", "Rohertrag"),
        ("client;commande;date;montant;Bénéfice", "Bénéfice"),
        ("客户编号;订单号;日期;金额;利润", "利润"),
        ("cliente;pedido;fecha;importe;Ganancia", "Ganancia"),
        ("customer;order;date;net sales;Gross Profit", '"Gross Profit"'),
    ],
)
def test_a_profit_in_many_languages(home: Path, header: str, profit: str) -> None:
    rows = [f"c{i % 9};{i};2023-02-{i % 28 + 1:02d};{i + 10},50;{i - 20},25" for i in range(60)]
    proposal = propose(home, header, rows)
    amount = header.split(";")[3]
    amount = f'"{amount}"' if " " in amount else amount
    assert line(proposal, "cost").value == {"from": f"{amount} - {profit}", "decimal": ","}
    assert sums(home, proposal)["cost"] == 60 * Decimal("30.25") + 20 * Decimal("0.50")


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("Profit", ["0.12", "-0.4", "0.33"]),
        ("Profit Margin", ["12", "-4", "33"]),
        ("Profit %", ["12", "-4", "33"]),
        ("Profit Center", ["120", "140", "330"]),
        ("Profit", ["1200", "1400", "3300"]),
    ],
)
def test_what_is_no_profit_of_the_line_makes_no_cost(
    home: Path, name: str, cells: list[str]
) -> None:
    rows = [f"c{i % 9},{i},2023-02-{i % 28 + 1:02d},{i + 50}.5,{cells[i % 3]}" for i in range(60)]
    proposal = propose(home, f"customer,order,date,amount,{name}", rows)
    assert proposal.lines.column("cost") is None


def test_a_cost_that_is_there_is_taken_before_a_profit(home: Path) -> None:
    rows = [f"c{i % 9},{i},2023-02-{i % 28 + 1:02d},{i + 50}.5,{i}.5,50" for i in range(60)]
    proposal = propose(home, "customer,order,date,amount,profit,cogs", rows)
    assert line(proposal, "cost").value == "cogs"


def priced(amount: str, rates: tuple[str, ...]) -> list[str]:
    """Lines of ten products, each with one list price, sold at several rates.

    amount: "net", "list" or "none", the last with the list price of a unit instead.
    """
    drawn, made = random.Random(1), []
    for i in range(200):
        product, rate, units = (
            drawn.randrange(10),
            Decimal(drawn.choice(rates)),
            drawn.randint(1, 4),
        )
        price = Decimal(1000 + 137 * product) / 100
        shown = {"net": price * units * (1 - rate), "list": price * units, "none": price}[amount]
        made.append(f"c{i % 9},{i // 2},2023-02-{i % 28 + 1:02d},P{product},{units},{shown},{rate}")
    return made


RATES = ("0", "0.1", "0.25")
HEADER = "customer,order,date,sku,quantity,amount,discount"


def test_a_rate_on_an_amount_after_it(home: Path) -> None:
    proposal = propose(home, HEADER, priced("net", RATES))
    assert line(proposal, "discount").value == "amount * discount / (1 - discount)"
    assert not line(proposal, "discount").check
    lists = sum(Decimal(row.split(",")[5]) for row in priced("list", RATES))
    found = sums(home, proposal)
    assert found["amount"] + found["discount"] == pytest.approx(lists, abs=Decimal("0.01"))


def test_a_rate_on_an_amount_before_it(home: Path) -> None:
    proposal = propose(home, HEADER, priced("list", RATES))
    assert line(proposal, "amount").value == "amount * (1 - discount)"
    assert "before the discount" in line(proposal, "amount").check
    assert line(proposal, "discount").value == "amount * discount"
    net = sum(Decimal(row.split(",")[5]) for row in priced("net", RATES))
    assert sums(home, proposal)["amount"] == net


def test_a_rate_on_list_prices_of_units(home: Path) -> None:
    header = HEADER.replace("amount", "unit price")
    proposal = propose(home, header, priced("none", RATES))
    assert line(proposal, "amount").value == 'quantity * "unit price" * (1 - discount)'
    net = sum(Decimal(row.split(",")[5]) for row in priced("net", RATES))
    assert sums(home, proposal)["amount"] == net


def test_a_share_that_is_still_paid(home: Path) -> None:
    """In Chinese shops 0.8 is what is paid (8 折), and 1 is no discount."""
    rows = [
        ",".join([*cells[:-1], str(1 - Decimal(cells[-1]))])
        for cells in (row.split(",") for row in priced("net", ("0", "0", "0", "0.1", "0.25")))
    ]
    proposal = propose(home, HEADER.replace("discount", "折扣"), rows)
    assert line(proposal, "discount").value == "amount * (1 - 折扣) / 折扣"
    lists = sum(
        Decimal(row.split(",")[5]) for row in priced("list", ("0", "0", "0", "0.1", "0.25"))
    )
    found = sums(home, proposal)
    assert found["amount"] + found["discount"] == pytest.approx(lists, abs=Decimal("0.01"))


def test_per_cents_in_a_column_that_says_so(home: Path) -> None:
    rows = [
        ",".join([*cells[:-1], f"{100 * Decimal(cells[-1]):g}"])
        for cells in (row.split(",") for row in priced("net", RATES))
    ]
    proposal = propose(home, HEADER.replace("discount", "Discount %"), rows)
    assert line(proposal, "discount").value == (
        'amount * ("Discount %" / 100) / (1 - "Discount %" / 100)'
    )


def test_a_rate_that_nothing_can_test_is_asked_about(home: Path) -> None:
    rows = [
        f"c{i % 9},{i},2023-02-{i % 28 + 1:02d},{i + 10}.5,{(0, 0.1, 0.2)[i % 3]}"
        for i in range(60)
    ]
    proposal = propose(home, "customer,order,date,amount,discount", rows)
    entry = line(proposal, "discount")
    assert "is taken for a rate" in entry.check
    assert [value for value, _ in entry.others] == ["amount * discount", "discount"]


def test_a_discount_in_money_stays_money(home: Path) -> None:
    drawn = random.Random(2)
    rows = [
        f"c{i % 9},{i},2023-02-{i % 28 + 1:02d},{i + 10}.5,{drawn.randrange(900) / 100}"
        for i in range(90)
    ]
    proposal = propose(home, "customer,order,date,amount,discount", rows)
    assert line(proposal, "discount").value == "discount"


@pytest.mark.parametrize(
    ("raw", "sure"),
    [
        ("Profit", True), ("GROSS_PROFIT", True), ("Gewinn", True), ("Deckungsbeitrag", True),
        ("Bénéfice", True), ("Marge brute", True), ("Ganancia", True), ("利润", True), ("毛利额", True),
        ("毛利率", False), ("Profit pct", False), ("Profit center", False), ("Margin rate", False),
        ("Profit per unit", False), ("Non-profit", True),
    ],
)  # fmt: skip
def test_names_of_profit_are_told_apart(raw: str, sure: bool) -> None:
    assert (names.likeness(raw, names.PROFIT, "profit") >= 0.45) is sure
