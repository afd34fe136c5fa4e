"""Names: enough of them, writable in an old encoding, and fitting what the customer is."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from crm_lib.simulate.behaviour import people
from crm_lib.simulate.block import Block, People
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.companies import words
from crm_lib.simulate.companies.retailer import RETAILER
from crm_lib.simulate.companies.supplier import SUPPLIER
from crm_lib.simulate.laws import Company
from crm_lib.simulate.tables import customers

COMPANIES = pytest.mark.parametrize("company", [RETAILER, SUPPLIER], ids=lambda c: c.name)
TRADES = {**words.TRADES, "any": words.WORKS, "dealers": words.DEALERS}


def made(company: Company) -> tuple[People, pd.DataFrame]:
    """The people of a block, and their canonical table."""
    of = Block(company, Clock(company.laws, 24), seed=7, number=0, first=0, count=16_384)
    persons = people.make(of)
    return persons, customers.table(of, persons).to_pandas()


@COMPANIES
def test_names_can_be_written_in_cp1252(company: Company) -> None:
    accounts = company.accounts
    names = [
        *(name for spoken in words.LANGUAGES for name in (*spoken.first, *spoken.family)),
        *(trade for trades in TRADES.values() for trade in trades),
        *words.CAFES,
        *words.LEGAL_FORMS,
        *company.places,
        *company.regions.values(),
        *(s.name for s in (*company.segments, *company.sources)),
        *(p.name for p in company.products),
        *company.rivals,
        *(accounts.staff if accounts else ()),
    ]
    assert "".join(names).encode("cp1252").decode("cp1252") == "".join(names)
    assert not "".join(names).isascii()


def test_there_are_names_enough() -> None:
    first = {name for spoken in words.LANGUAGES for name in spoken.first}
    family = {name for spoken in words.LANGUAGES for name in spoken.family}
    assert len(first) >= 120
    assert len(family) >= 240
    assert {len(set(trades)) >= 12 for trades in TRADES.values()} == {True}
    assert len(set(words.FIRMS)) * len(words.LEGAL_FORMS) >= 60 * 6
    assert sum(spoken.share for spoken in words.LANGUAGES) == pytest.approx(1)
    assert sum(words.LEGAL_FORM_SHARES) == pytest.approx(1)


def test_a_firm_is_called_after_its_industry_and_a_distributor_after_dealing() -> None:
    _, rows = made(SUPPLIER)
    assert set(SUPPLIER.industries) == set(words.TRADES)
    trade = rows["name"].str.split(" ").str[1]
    is_dealer = rows["role"] == "distributor"
    assert set(trade[is_dealer]) == set(words.DEALERS)
    for industry, trades in words.TRADES.items():
        assert set(trade[~is_dealer & (rows["industry"] == industry)]) == set(trades)


def test_an_industry_without_words_of_its_own_has_those_of_any() -> None:
    _, rows = made(replace(SUPPLIER, industries={"Chemistry": 1.0}))
    trade = rows["name"].str.split(" ").str[1]
    assert set(trade[rows["role"] != "distributor"]) == set(words.WORKS)


def test_a_small_cafe_is_called_like_one_and_a_household_like_a_person() -> None:
    persons, rows = made(RETAILER)
    cafes = persons.segment == [s.name for s in RETAILER.segments].index("Small cafés")
    first = rows["name"].str.split(" ").str[0]
    assert set(first[cafes]) == set(words.CAFES)
    assert set(first[~cafes]) == {name for spoken in words.LANGUAGES for name in spoken.first}


@COMPANIES
def test_names_are_many_and_the_same_each_time(company: Company) -> None:
    _, rows = made(company)
    _, again = made(company)
    assert rows.equals(again)
    assert rows["name"].head(1000).nunique() > 950
    assert rows["customer_id"].is_unique
