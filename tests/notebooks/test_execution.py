"""Every notebook says something true of any ledger: good, tiny, one-sided, empty of what it looks for."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from crm_lib.errors import CrmError
from tests.conftest import SIX_CUSTOMERS, SIX_YML
from tests.notebooks.conftest import Ledger, RunNotebook
from tests.notebooks.said import NO_VALUE, Said, titles, visible

STEMS = (
    "01_data_quality",
    "02_customer_base",
    "03_segments",
    "04_lifecycle",
    "05_profitability",
    "06_lifetime_value",
)
REFUSED = "No lifetime value is shown. "
HEAD = "customer,order,when,amount,quantity,product\n"
PEOPLE = (
    "customer,name,region,size\nanna,Anna Lee,north,small\nben,Ben May,south,\nzoe,Zoe Fox,,large\n"
)
GOODS = "product,category\ntea,drinks\ncup,crockery\n"
BESIDE_YML = """\
  customers:
    source: {files: data/odd/customers.csv}
    columns: {customer_id: customer, name: name, region: region, size: size}
  products:
    source: {files: data/odd/products.csv}
    columns: {product_id: product, category: category}
"""


def rows(*lines: str) -> str:
    return HEAD + "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class Odd:
    """An odd ledger: its lines, the day of the report, settings of `dataset.yml`."""

    lines: str
    as_of: str = "2023-04-01"
    settings: str = ""
    beside: str = BESIDE_YML

    def write(self, ledger: Ledger) -> None:
        files = {"lines.csv": self.lines, "customers.csv": PEOPLE, "products.csv": GOODS}
        ledger("odd", files, self.settings + SIX_YML.replace("data/six", "data/odd") + self.beside)


ANONYMOUS = [f",{i},2023-0{1 + i % 3}-1{i},{i}0.00,1,tea" for i in range(1, 9)]
ODD = {
    "six customers": Odd(SIX_CUSTOMERS),
    "one purchase, no full month": Odd(rows("anna,1,2023-01-20,30.00,1,tea"), "2023-01-31"),
    "nobody repeats": Odd(
        rows(*[f"k{i},{i},2023-0{1 + i % 3}-1{i},{i}0.00,1,tea" for i in range(1, 9)])
    ),
    "anonymous but one": Odd(rows(*ANONYMOUS, "anna,99,2023-02-02,5.00,1,tea")),
    "nobody known": Odd(rows(*ANONYMOUS), beside=""),
    "only returns": Odd(
        rows("anna,1,2023-01-20,-30.00,-1,tea", "anna,2,2023-02-20,-30.00,-1,tea"), "2023-03-01"
    ),
    "all warm-up": Odd(SIX_CUSTOMERS, settings="warm_up_days: 365\n"),
}
"""Ledgers in which much of what the reports look for does not exist."""


def flaws(said: Said) -> list[str]:
    """What a reader must never see: a missing value as Python writes it, a figure that finds nothing."""
    texts = [text for part in said.parts for text in visible(part)] + list(said.exports.values())
    found = [NO_VALUE.search(text) for text in texts]
    unreadable = [hit.string[max(0, hit.start() - 50) : hit.end() + 50] for hit in found if hit]
    mute = [
        figure.text
        for figure in said.figures
        if not all(title.strip().endswith(".") for title in titles(figure) or [""])
    ]
    return unreadable + mute


@pytest.mark.parametrize("stem", STEMS)
def test_a_whole_company_fills_every_section(company: str, said: RunNotebook, stem: str) -> None:
    told = said(stem, dataset=company, as_of="2024-01-01")
    assert flaws(told) == []
    # Four years of a relationship take longer than the company is observed.
    assert [
        part for part in told.left_out if "of the relationship against year 1" not in part
    ] == []
    assert told.finding.endswith(".")
    assert told.metrics
    assert told.exports
    assert told.figures
    assert "Person c" not in told.text + "".join(told.exports.values())


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("name", ODD)
def test_odd_ledgers_are_told_in_words(
    ledger: Ledger, said: RunNotebook, name: str, stem: str
) -> None:
    ODD[name].write(ledger)
    try:
        told = said(stem, dataset="odd", as_of=ODD[name].as_of)
    except CrmError as error:
        pytest.fail(f"a run of this ledger would publish nothing: {error}")
    assert flaws(told) == []
    assert told.finding.endswith(".")
    # Every ledger is too short to look three months back; only one lacks tables, none knows a cost.
    allowed = ["months", *(["hold no table"] if name == "nobody known" else [])]
    allowed += ["needs", "hold no table"] if stem == "05_profitability" else []
    # Where no model may be used, every section that needs one repeats the reason in the finding.
    refused = told.finding.startswith(REFUSED)
    allowed += [told.finding.removeprefix(REFUSED)] if refused else []
    assert all(any(word in text for word in allowed) for text in told.left_out), told.left_out


def test_more_returns_than_purchases(ledger: Ledger, said: RunNotebook) -> None:
    odd = Odd(SIX_CUSTOMERS + "gina,12,2023-02-03,-8000.00,-1,tea\n")
    odd.write(ledger)
    segments, stages = (
        said(stem, dataset="odd", as_of=odd.as_of) for stem in ("03_segments", "04_lifecycle")
    )
    assert flaws(segments) == flaws(stages) == []
    assert "Revenue does not exceed returns" in segments.finding
    assert "No customer has bought" not in segments.text
    assert "Revenue does not exceed returns" in stages.text
    assert "0% of all revenue" not in stages.text


def test_one_of_everything_is_said_in_the_singular(ledger: Ledger, said: RunNotebook) -> None:
    odd = Odd(rows("anna,1,2023-01-20,30.00,1,tea"), "2023-02-01")
    odd.write(ledger)
    segments = said("03_segments", dataset="odd", as_of=odd.as_of)
    assert "Everyone who has bought is in one segment, Cooling." in segments.text
    base = said("02_customer_base", dataset="odd", as_of=odd.as_of)
    assert "January 2023 brought €30 from 1 customer" in base.finding
    assert "The one full month is January 2023 with €30." in base.text


def test_stages_of_equal_size_are_not_ranked(ledger: Ledger, said: RunNotebook) -> None:
    lines = rows("anna,1,2023-01-20,30.00,1,tea", "ben,2,2023-01-20,-5.00,-1,tea")
    odd = Odd(lines, "2023-02-01", beside="")
    odd.write(ledger)
    told = said("04_lifecycle", until="finding", dataset="odd", as_of=odd.as_of)
    assert told.finding.startswith("50% of customers are prospects; no stage holds more.")


def test_a_name_is_nothing_to_profile_by(ledger: Ledger, said: RunNotebook) -> None:
    odd = Odd(SIX_CUSTOMERS, settings="audience: internal\n")
    odd.write(ledger)
    told = said("03_segments", dataset="odd", as_of=odd.as_of)
    assert "By region, 'north' brings the largest share of revenue" in told.text
    assert "Anna Lee" not in told.text
