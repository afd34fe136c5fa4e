"""The two companies: their declarations hold together, and their customers and products are tables.

Tolerances are 4 standard errors of what is estimated.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from crm_lib import schema, simulate
from crm_lib.simulate.behaviour import lifecycle, people
from crm_lib.simulate.block import Block, People
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.companies.questions import QUESTIONS
from crm_lib.simulate.companies.retailer import RETAILER
from crm_lib.simulate.companies.supplier import SUPPLIER
from crm_lib.simulate.laws import ADOPTERS, STAGES, Company
from crm_lib.simulate.tables import arrow, catalogue, customers

COMPANIES = pytest.mark.parametrize("company", [RETAILER, SUPPLIER], ids=lambda c: c.name)
MONTHS = pytest.mark.parametrize("months", [24, 36, 60])
COUNT = 16_384


def block(company: Company, months: int = 24) -> Block:
    return Block(company, Clock(company.laws, months), seed=7, number=0, first=0, count=COUNT)


def within(share: float, expected: float, count: int) -> bool:
    return abs(share - expected) <= 4 * np.sqrt(expected * (1 - expected) / count)


@pytest.fixture(scope="module")
def retailer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The retailer with 20,000 customers over 24 months, as files."""
    out = tmp_path_factory.mktemp("simulated") / "retailer"
    return simulate.simulate("retailer", customers=20_000, months=24, seed=3, out=out).folder


def query(folder: Path, sql: str) -> tuple[Any, ...]:
    """One row of figures about simulated files; {folder} in the statement is their folder."""
    found = duckdb.sql(sql.format(folder=folder)).fetchone()
    assert found is not None
    return found


# The declarations


def shares(company: Company) -> Iterator[tuple[str, list[float]]]:
    """Everything that is split into shares."""
    laws = company.laws
    yield "segments", [s.share for s in company.segments]
    yield "sources", [s.share for s in company.sources]
    yield "places", list(company.places.values())
    yield "roles", list(company.roles.values())
    yield "causes", [share for share, _, _ in laws.complaints.causes.values()]
    yield "drivers", list(laws.survey.drivers.values())
    for segment in company.segments:
        yield f"channels of {segment.name}", list(segment.channels.values())
        for name, values in segment.attributes.items():
            yield f"{name} of {segment.name}", list(values.values())
    if company.accounts:
        yield "industries", list(company.industries.values())
        yield "brand tiers", list(company.brand_tiers.values())
        yield "rungs", [share for share, *_ in company.accounts.rungs.values()]


@COMPANIES
def test_shares_add_up_to_one(company: Company) -> None:
    wrong = {name: sum(parts) for name, parts in shares(company) if abs(sum(parts) - 1) > 1e-9}
    assert wrong == {}


@COMPANIES
def test_the_seasons_of_a_year_cancel_out(company: Company) -> None:
    assert len(company.laws.season) == 12
    assert np.mean(company.laws.season) == pytest.approx(1, abs=1e-12)


@COMPANIES
def test_every_name_refers_to_something_declared(company: Company) -> None:
    laws = company.laws
    categories = [category.name for category in company.categories]
    drawn = {name for segment in company.segments for name in segment.categories}
    assert drawn == set(categories), "a category that nobody buys, or one that is not sold"
    assert len(set(categories)) == len(categories)
    assert set(company.regions) == set(company.places)
    assert set(laws.survey.performance) == set(laws.survey.drivers)
    assert set(laws.adoption) == set(STAGES)
    assert {len(weights) for weights in laws.adoption.values()} == {len(ADOPTERS)}
    incident = laws.incident
    assert incident is not None
    hit = next(s for s in company.segments if s.name == incident.segment)
    assert hit.channels[incident.channel] >= 0.5, "the incident hits too little to be found"
    won = [c.source for c in laws.campaigns if c.kind == "acquisition"]
    assert set(won) <= {source.name for source in company.sources}
    assert len(won) == 1
    campaign_ids = [c.campaign_id for c in laws.campaigns]
    assert len(set(campaign_ids)) == len(campaign_ids)
    assert any(source.sells for source in company.sources)


@COMPANIES
def test_a_successor_starts_when_its_predecessor_ends(company: Company) -> None:
    ids = [p.product_id for p in company.products]
    assert len(set(ids)) == len(ids)
    replaced = 0
    for category in company.categories:
        by_id = {p.product_id: p for p in category.products}
        for product in category.products:
            assert product.launched >= category.introduction
            assert (product.replaced is None) == (product.successor == "")
            if product.replaced is not None:
                assert by_id[product.successor].launched == product.replaced
                replaced += 1
    assert replaced >= 3


@COMPANIES
def test_one_product_is_faulty(company: Company) -> None:
    rates = sorted(p.return_rate for p in company.products)
    assert rates[-1] == 0.2
    assert rates[0] >= 0.02
    assert rates[-2] <= 0.06


@COMPANIES
@MONTHS
def test_every_stage_of_life_is_there_at_the_end(company: Company, months: int) -> None:
    stage = lifecycle.stages(company, Clock(company.laws, months))
    assert {STAGES[code] for code in stage[:, -1]} == set(STAGES)
    falling = (stage[:, 0] == STAGES.index("Maturity")) & (stage[:, -1] == STAGES.index("Decline"))
    rising = (stage[:, 0] == -1) & (stage[:, -1] == STAGES.index("Growth"))
    assert falling.any()
    assert rising.any()


@COMPANIES
@MONTHS
def test_neither_campaigns_nor_the_incident_overlap(company: Company, months: int) -> None:
    clock, incident = Clock(company.laws, months), company.laws.incident
    assert incident is not None
    taken = np.zeros(clock.days, dtype=int)
    for campaign in company.laws.campaigns:
        first = clock.day_at(campaign.starts)
        assert first > 60, "nobody would be known for 30 days"
        assert first + campaign.days <= clock.days
        taken[first : first + campaign.days] += 1
    taken[clock.month_of_day == clock.month_at(incident.moment)] += 1
    assert taken.max() == 1


@COMPANIES
def test_events_are_of_different_kinds_and_two_change_demand(company: Company) -> None:
    events = company.laws.events
    assert len({event.kind for event in events}) >= 4
    assert sorted(event.factor for event in events if event.factor != 1) == [0.93, 1.04]


@COMPANIES
def test_the_self_assessment_has_seven_pillars_of_four_questions(company: Company) -> None:
    assert list(company.readiness) == list(QUESTIONS)
    assert len(QUESTIONS) == 7
    assert {len(questions) for questions, _, _ in company.readiness.values()} == {4}
    money = {pillar: spend for pillar, (_, _, spend) in company.readiness.items()}
    assert money["technology"] > sum(money.values()) / 2


@pytest.mark.parametrize("name", simulate.COMPANIES)
def test_readiness_cost_a_few_hundredths_of_five_years_revenue(tmp_path: Path, name: str) -> None:
    """At a quarter of the declared size, since both grow with the number of customers."""
    count = simulate.company(name).customers // 4
    out = tmp_path / name
    simulate.simulate(name, customers=count, months=60, seed=3, out=out, jobs=1)
    (share,) = query(
        out,
        """select (select sum(spend) from '{folder}/readiness/*.parquet') / sum(amount)
           from '{folder}/lines/*/*.parquet'""",
    )
    assert 0.02 < share < 0.06


# Customers


def made(company: Company) -> tuple[Block, People, pd.DataFrame]:
    of = block(company)
    persons = people.make(of)
    return of, persons, customers.table(of, persons).to_pandas()


def test_a_consumer_has_no_columns_of_a_firm() -> None:
    _, _, rows = made(RETAILER)
    assert list(rows.columns) == [
        "customer_id", "name", "role", "acquired_on", "source", "acquisition_cost", "region",
        "age_band", "household",
    ]  # fmt: skip
    assert set(rows["role"]) == {"end customer"}


def test_a_business_customer_has_every_canonical_column() -> None:
    _, _, rows = made(SUPPLIER)
    assert list(rows.columns) == list(schema.CUSTOMERS.column_names)
    assert rows.notna().all(axis=None)


@COMPANIES
def test_attributes_follow_the_shares_of_the_segment(company: Company) -> None:
    _, persons, rows = made(company)
    for code, segment in enumerate(company.segments):
        of_segment = rows[persons.segment == code]
        for name, values in segment.attributes.items():
            for value, share in values.items():
                found = (of_segment[name] == value).mean()
                assert within(found, share, len(of_segment)), f"{segment.name}: {name} {value}"


def test_an_attribute_that_a_segment_does_not_have_is_missing() -> None:
    _, persons, rows = made(RETAILER)
    cafes = [s.name for s in RETAILER.segments].index("Small cafés")
    assert (rows["age_band"].isna() == (persons.segment == cafes)).all()


def test_the_main_market_is_where_most_customers_live() -> None:
    _, _, rows = made(SUPPLIER)
    assert set(rows.loc[rows["market"] == "main", "region"]) == {"North"}
    assert rows["region"].mode().item() == "North"
    assert set(rows.loc[rows["market"] == "other", "region"]) == {"South", "West", "East"}


@COMPANIES
def test_region_and_source_are_those_of_the_person(company: Company) -> None:
    _, persons, rows = made(company)
    towns = list(company.places)
    assert list(rows["region"]) == [company.regions[towns[place]] for place in persons.place]
    assert list(rows["source"]) == [company.sources[source].name for source in persons.source]


@COMPANIES
def test_winning_a_customer_costs_what_the_source_costs(company: Company) -> None:
    of, persons, rows = made(company)
    cents = customers.acquisition_cents(of, persons)
    assert list(rows["acquisition_cost"]) == arrow.money(cents).to_pylist()
    for code, source in enumerate(company.sources):
        paid = cents[persons.source == code] / 100
        error = 0.3 * source.cost / np.sqrt(len(paid))
        assert abs(paid.mean() - source.cost) <= 4 * error
        # The standard error of a Gamma's variation is below 1/√n for shapes above 2.
        assert abs(paid.std() / paid.mean() - 0.3) <= 4 * 0.3 / np.sqrt(len(paid))


@COMPANIES
def test_the_truth_about_customers_is_what_decided(company: Company) -> None:
    of, persons, rows = made(company)
    true = customers.truth(of, persons).to_pandas()
    assert list(true["customer_id"]) == list(rows["customer_id"])
    assert list(true["joined_on"]) == list(rows["acquired_on"])
    assert (true["rate"] == persons.rate).all()
    for code, segment in enumerate(company.segments):
        values = true.loc[persons.segment == code, "mean_order_value"]
        assert set(true.loc[persons.segment == code, "segment"]) == {segment.name}
        # p/ν with ν ~ Gamma(q): variance mean² / (q − 2)
        error = segment.spend.mean / np.sqrt((segment.spend.q - 2) * len(values))
        assert abs(values.mean() - segment.spend.mean) <= 4 * error


# Products


@COMPANIES
@MONTHS
def test_the_products_are_the_canonical_table(company: Company, months: int) -> None:
    clock = Clock(company.laws, months)
    rows = catalogue.table(company, clock).to_pandas()
    assert list(rows.columns) == list(schema.PRODUCTS.column_names)
    assert rows.notna().all(axis=None)
    assert (rows["launched_on"] < clock.date_of(clock.days)).all()
    assert rows["launched_on"].nunique() > 20, "products came one after the other"
    assert list(rows["list_price"].astype(float)) == [p.list_price for p in company.products]


@COMPANIES
@MONTHS
def test_the_stages_of_a_category_follow_each_other(company: Company, months: int) -> None:
    clock = Clock(company.laws, months)
    true = catalogue.truth(company, clock)["categories"].to_pandas()
    assert set(true["category"]) == {c.name for c in company.categories}
    for _, stages in true.groupby("category"):
        assert stages["to_on"].isna().tolist() == [False] * (len(stages) - 1) + [True]
        assert stages["stage"].map(STAGES.index).is_monotonic_increasing
        ends = pd.to_datetime(stages["to_on"]).iloc[:-1] + pd.Timedelta(days=1)
        assert ends.tolist() == pd.to_datetime(stages["from_on"]).iloc[1:].tolist()
        assert stages["from_on"].iloc[0] >= clock.start


def test_the_stages_of_capsules_and_pods_are_dated() -> None:
    true = catalogue.truth(RETAILER, Clock(RETAILER.laws, 24))["categories"].to_pandas()
    chosen = true[true["category"].isin(["Coffee capsules", "Compostable pods"])]
    found = [(row.category, row.stage, str(row.from_on)) for row in chosen.itertuples()]
    assert found == [
        ("Coffee capsules", "Maturity", "2024-01-01"),
        ("Coffee capsules", "Decline", "2024-08-01"),  # 0.3 · 24 = 7.2 months
        ("Compostable pods", "Introduction", "2024-05-01"),  # 0.15 · 24 = 3.6 months
        ("Compostable pods", "Growth", "2024-11-01"),  # 0.4 · 24 = 9.6 months
    ]


@COMPANIES
def test_what_replaces_a_product_is_launched_on_that_day(company: Company) -> None:
    clock = Clock(company.laws, 24)
    launched = catalogue.table(company, clock).to_pandas().set_index("product_id")["launched_on"]
    true = catalogue.truth(company, clock)["products"].to_pandas()
    replaced = true.dropna(subset=["successor_id"])
    assert list(replaced["replaced_on"]) == list(launched[replaced["successor_id"]])
    assert list(true["return_rate"]) == [p.return_rate for p in company.products]
    assert list(true["cost_rate"]) == [p.cost_rate for p in company.products]


# What comes of it


def test_nothing_is_sold_before_its_launch(retailer: Path) -> None:
    early, products = query(
        retailer,
        """select count(*) filter (ordered_at < launched_on), count(distinct product_id)
           from '{folder}/lines/*/*.parquet' join '{folder}/products/*.parquet' using (product_id)""",
    )
    assert early == 0
    assert products == len(RETAILER.products)


def test_the_retailer_is_as_large_as_meant(retailer: Path) -> None:
    """60 to 85 million lines with 10 million customers; a quarter to 45 % of buyers come once."""
    lines, margin = query(
        retailer,
        """select count(*) / 20000, 1 - sum(cost) / sum(amount)
           from '{folder}/lines/*/*.parquet'""",
    )
    once, orders, same_day = query(
        retailer,
        """select count(*) filter (orders = 1) / count(*) filter (orders > 0), avg(orders),
                  1 - sum(occasions) / sum(orders)
           from '{folder}/truth/profits-*.parquet'""",
    )
    assert 6.5 < lines < 8.2
    assert 2.7 < orders < 3.4
    assert 0.25 < once < 0.45
    assert same_day < 0.02
    assert 0.37 < margin < 0.45


def test_costly_customers_lose_money_and_the_others_do_not(retailer: Path) -> None:
    costly, others = query(
        retailer,
        """select avg(contribution) filter (is_costly), avg(contribution) filter (not is_costly)
           from '{folder}/truth/profits-*.parquet'
           join '{folder}/truth/customers-*.parquet' using (customer_id)""",
    )
    assert costly < 0 < others
