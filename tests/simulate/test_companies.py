"""The two companies as data sets: complete, without a fault, consistent to the cent, and reported on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from crm_lib import schema
from crm_lib.book import Book, open_book
from crm_lib.dataset import load
from crm_lib.publishing import runner

Simulated = Callable[..., str]
COMPANIES = [
    pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("retailer", "supplier")
]


@pytest.fixture(params=COMPANIES)
def book(request: pytest.FixtureRequest, simulated: Simulated) -> Book:
    name = simulated(str(request.param))
    return open_book(name, as_of=load(name).default_as_of)


def _filled(book: Book) -> set[tuple[str, str]]:
    """(table, column) of every canonical column with a value in it."""
    found = set()
    for name in book.dataset.tables:
        staged = book.staged(name)
        for column in set(schema.table(name).column_names) & set(staged.columns):
            if staged[column].notnull().any().execute():
                found.add((name, column))
    return found


@pytest.mark.xdist_group("retailer")
def test_every_column_of_every_table_is_filled_in_one_of_them(simulated: Simulated) -> None:
    names = [simulated("retailer"), simulated("supplier")]
    filled = [_filled(open_book(name, as_of=load(name).default_as_of)) for name in names]
    every = {(t.name, c.name) for t in schema.TABLES.values() for c in t.columns}
    assert every - filled[0] - filled[1] == set()
    assert {name for name, _ in filled[1]} == set(schema.TABLES)  # the supplier has every table
    mapped = [{(t, c) for t in load(n).tables for c in load(n).tables[t].columns} for n in names]
    assert [lack - have for lack, have in zip(mapped, filled, strict=True)] == [set(), set()]


def test_a_clean_company_breaks_no_rule(book: Book) -> None:
    assert book.verdict.status == "passed"
    assert book.verdict.worth_saying == []
    assert all(count.read == count.accepted for count in book.verdict.tables)
    assert book.verdict.anonymous.rows == 0


_RECOMPUTED = """
    WITH sold AS (
        SELECT customer_id, sum(amount) AS revenue, sum(cost) AS cost, sum(discount) AS discount,
               -sum(amount) FILTER (amount < 0) AS returns,
               count(DISTINCT ordered_at::DATE) FILTER (amount > 0) AS occasions,
               min(ordered_at::DATE) FILTER (amount > 0) AS first_on,
               max(ordered_at::DATE) FILTER (amount > 0) AS last_on
        FROM read_parquet('{folder}/lines/*/*.parquet') GROUP BY ALL
    ),
    spent AS (SELECT customer_id, sum(cost) AS cost FROM {costs} GROUP BY ALL)
    SELECT count(*) AS customers, count(*) FILTER (
        true_.revenue = coalesce(sold.revenue, 0) AND true_.cost = coalesce(sold.cost, 0)
        AND true_.returns = coalesce(sold.returns, 0)
        AND true_.discount = coalesce(sold.discount, 0)
        AND true_.occasions = coalesce(sold.occasions, 0)
        AND true_.first_on IS NOT DISTINCT FROM sold.first_on
        AND true_.last_on IS NOT DISTINCT FROM sold.last_on
        AND true_.margin = true_.revenue - true_.cost
        AND true_.contribution = true_.margin - coalesce(spent.cost, 0) - people.acquisition_cost
    ) AS equal
    FROM read_parquet('{folder}/truth/profits-*.parquet') AS true_
    JOIN read_parquet('{folder}/customers/*.parquet') AS people USING (customer_id)
    LEFT JOIN sold USING (customer_id) LEFT JOIN spent USING (customer_id)
"""


def test_the_true_profits_are_what_the_tables_add_up_to(book: Book, companies: Path) -> None:
    folder = companies / "data" / book.dataset.name
    tables = [name for name in ("contacts", "exposures", "efforts") if (folder / name).is_dir()]
    parts = [
        f"SELECT customer_id, cost FROM read_parquet('{folder}/{name}/*.parquet')"
        for name in tables
    ]
    costs = f"({' UNION ALL '.join(parts)})"
    customers, equal = duckdb.sql(_RECOMPUTED.format(folder=folder, costs=costs)).fetchone() or ()
    assert customers == equal == 1_000


def test_costly_customers_cost_more_than_they_bring(book: Book, companies: Path) -> None:
    truth = companies / "data" / book.dataset.name / "truth"
    people, profits = (
        pd.read_parquet(truth / f"{name}-0000.parquet").set_index("customer_id")
        for name in ("customers", "profits")
    )
    # The service after an order of the last weeks may lie beyond the window.
    settled = pd.to_datetime(profits.last_on) < pd.Timestamp("2025-12-01")
    costly = profits[people.is_costly & settled]
    assert len(costly) >= 20
    assert (costly.margin < costly.contact_cost).all()


@pytest.mark.slow
def test_all_reports_run_on_it(book: Book, companies: Path) -> None:
    runner.run(book.dataset.name, [book.as_of], jobs=1)
    folder = companies / "reports" / book.dataset.name / "latest"
    pages = sorted(path.name for path in folder.glob("0*.html"))
    assert [name[:2] for name in pages] == ["01", "02", "03", "04", "05", "06"]
    for name in pages:
        text = re.sub("<[^>]+>", " ", (folder / name).read_text(encoding="utf-8"))
        assert "The data passed every rule" in text
        assert "nan" not in re.findall(r"\w+", text)


def test_the_truth_by_segment_and_by_tenure_adds_up(book: Book, companies: Path) -> None:
    truth = companies / "data" / book.dataset.name / "truth"
    profits = pd.read_parquet(truth / "profits-0000.parquet")
    segments = pd.read_parquet(truth / "segments.parquet")
    assert segments.customers.sum() == len(profits) == 1_000
    assert segments.contribution.sum() == profits.contribution.sum()
    assert segments.unprofitable.sum() == (profits.contribution < 0).sum() > 0
    assert segments.losses.sum() == profits.contribution[profits.contribution < 0].sum()
    tenure = pd.read_parquet(truth / "tenure.parquet")
    assert tenure.year.tolist() == list(range(1, len(tenure) + 1))
    first = tenure.iloc[0]
    assert (first.revenue, first.margin) == (first.revenue_first_year, first.margin_first_year)
    assert 0 < first.revenue < profits.revenue.sum()
