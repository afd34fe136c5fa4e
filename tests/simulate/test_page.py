"""The page on the companies: what it says is planted is what is declared, and what it lists is there."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from crm_lib import simulate
from crm_lib.simulate import page, page_summary
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.laws import Company, Purchasing

COMPANIES = [simulate.company(name) for name in simulate.COMPANIES]


def planted(company: Company, subject: str, months: int = page.MONTHS) -> str:
    return " ".join(dict(page_summary.planted(company, Clock(company.laws, months)))[subject])


def test_half_of_the_customers_have_left_after_the_median() -> None:
    law = Purchasing(r=1.0, alpha_days=30.0, s=2.0, beta_days=100.0)
    days = page_summary.median_days(law)
    assert (100 / (100 + days)) ** 2 == pytest.approx(0.5)


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: company.name)
def test_every_segment_source_and_campaign_is_named(company: Company) -> None:
    for subject, names in {
        "Segments": [each.name for each in company.segments],
        "Sources of customers": [each.name for each in company.sources],
        "Campaigns": [each.campaign_id for each in company.laws.campaigns],
    }.items():
        said = planted(company, subject)
        assert [name for name in names if name not in said] == []


def test_what_is_planted_is_said_in_words() -> None:
    supplier = simulate.company("supplier")
    # r 2.4 and α 58: one purchase every 24 days; p 4, q 4, γ 2,025: 2,700 an order.
    assert (
        "one purchase every 24 days, leaving after about 813 days (median), EUR 2,700"
        in planted(supplier, "Segments")
    )
    assert "In September 2025 60 % of the repeat purchases of Workshops" in planted(
        supplier, "Incident"
    )
    assert "Wired sensors (declining since June 2022)" in planted(supplier, "Product categories")
    assert "price list mailing" in planted(supplier, "Sources of customers").partition("Worse")[2]
    assert "vendor (55 % of accounts, 18 % of their wallet" in planted(
        supplier, "Business accounts"
    )


def test_dates_are_those_of_the_window() -> None:
    supplier = simulate.company("supplier")
    assert "In December 2025 60 %" not in planted(supplier, "Incident")
    # 0.93 · 12 months: the twelfth month.
    assert "In December 2025 60 %" in planted(supplier, "Incident", months=12)


def test_a_company_without_disturbance_has_none_planted() -> None:
    plain = simulate.company("retailer", without_disturbance=True)
    subjects = dict(page_summary.planted(plain, Clock(plain.laws, 24)))
    assert not {"Incident", "Campaigns", "Satisfaction", "Business accounts"} & set(subjects)


def test_the_truth_is_listed_table_by_table_and_column_by_column(tmp_path: Path) -> None:
    simulate.simulate(
        "supplier", customers=300, months=24, seed=3, out=tmp_path / "s", dirt="heavy", jobs=1
    )
    columns: dict[str, set[str]] = {}
    for path in (tmp_path / "s" / "truth").glob("*.parquet"):
        name = re.sub(r"-\d+$", "", path.stem)
        columns.setdefault(name, set()).update(pq.read_schema(path).names)
    assert set(columns) == set(page.TRUTH)
    for name, (_, tells) in page.TRUTH.items():
        assert set(re.findall(r"`(\w+)`", tells)) <= columns[name], name
