"""Outside: the market has our share and its parts add up; goals, events and the self-assessment."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from crm_lib.simulate import laws
from crm_lib.simulate.behaviour import lifecycle
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.tables import outside
from tests.simulate import account_world as small

INDUSTRIES = {"Food": 0.5, "Energy": 0.3, "Wood": 0.2}
PILLARS = {
    "people": (("Able?", "Enough?", "Willing?"), 3.4, 1_000.0),
    "culture": (("Quick?",), 2, 0.05),
}
COMPANY = small.company(industries=INDUSTRIES, readiness=PILLARS)
CLOCK = Clock(COMPANY.laws, 24)
DEMAND = lifecycle.demand(COMPANY, CLOCK)
SALES = np.rint(np.random.default_rng(1).uniform(5, 15, (2, 24)) * 12_345 * (DEMAND > 0)).astype(
    int
)
JOINED = np.arange(24) * 3 + 1


def test_our_sales_are_our_share_of_the_market_to_the_cent() -> None:
    cents = outside.market_cents(COMPANY, CLOCK, SALES)
    for row, share in enumerate((0.05, 0.4)):
        assert cents[row].sum() == round(int(SALES[row].sum()) / share)


def test_the_market_follows_demand_season_and_events() -> None:
    """In "Old" demand is the same all the time: 31 days at 0.8 in January, 1.2 in February …"""
    cents = outside.market_cents(COMPANY, CLOCK, SALES)[0]
    lengths = np.bincount(CLOCK.month_of_day)
    event = np.array([1.0] * 6 + [0.9] * 18)  # a quarter into 731 days: 1 July 2024 and a day
    index = lengths * np.array([0.8, 1.2] * 12) * event
    assert cents / cents.sum() == pytest.approx(index / index.sum(), rel=0.01)


def test_a_market_is_never_smaller_than_our_sales_in_it() -> None:
    skewed = SALES.copy()
    skewed[1, -1] = skewed[1].sum() * 3
    cents = outside.market_cents(COMPANY, CLOCK, skewed)
    assert (cents >= skewed).all()
    assert cents[1].sum() == round(int(skewed[1].sum()) / 0.4)
    assert (cents[1, :12] == 0).all()


def test_industries_add_up_to_the_market_exactly() -> None:
    table = outside.market(COMPANY, CLOCK, SALES).to_pandas()
    cents = outside.market_cents(COMPANY, CLOCK, SALES)
    summed = table.groupby(["category", "month"], observed=True)["sales"].sum()
    for row, name in enumerate(("Old", "New")):
        assert [int(value * 100) for value in summed[name]] == list(cents[row][cents[row] > 0])
    by_industry = table.groupby("industry", observed=True)["sales"].sum().astype(float)
    for name, share in INDUSTRIES.items():
        assert by_industry[name] / by_industry.sum() == pytest.approx(share, abs=1e-6)


def test_no_market_before_its_category() -> None:
    table = outside.market(COMPANY, CLOCK, SALES).to_pandas()
    first = table.groupby("category", observed=True)["month"].min()
    assert str(first["Old"]) == "2024-01-01"
    assert str(first["New"]) == "2025-01-01"
    assert len(table) == (24 + 12) * 3


def test_without_industries_a_row_is_a_category_and_month() -> None:
    table = outside.market(small.company(), CLOCK, SALES)
    assert table.column_names == ["month", "category", "sales"]
    assert table.num_rows == 24 + 12


def test_of_a_category_that_we_do_not_sell_the_market_is_unknown() -> None:
    nothing = SALES.copy()
    nothing[1] = -5
    table = outside.market(COMPANY, CLOCK, nothing)
    assert set(table["category"].to_pylist()) == {"Old"}


def test_parts_of_a_whole_add_up() -> None:
    assert outside.split(10, [1, 1, 1]).tolist() == [3, 4, 3]
    assert outside.split(np.array([7, 0]), [[1, 3], [1, 1]]).tolist() == [[2, 5], [0, 0]]
    assert outside.split(5, [0.0, 0.0]).tolist() == [0, 0]


def test_goals_are_what_comes_about_times_the_growth_of_the_half() -> None:
    reps = {"R0001": SALES[0] // 2, "R0002": SALES[0] * 0}
    table = outside.targets(COMPANY, CLOCK, SALES.sum(axis=0), SALES, reps, JOINED).to_pandas()
    table["month"] = [(m.year - 2024) * 12 + m.month - 1 for m in table["month"]]
    whole = table[table[["segment", "category", "rep_id"]].isna().all(axis=1)]
    revenue = whole[whole["measure"] == "revenue"].set_index("month")["target"]
    growth = np.repeat([1.05, 0.97], 12)
    law = SALES.sum(axis=0) / 100 * growth
    assert np.abs(revenue.sort_index() - law).max() <= 50
    assert (revenue % 100 == 0).all()
    customers = whole[whole["measure"] == "new customers"].set_index("month")["target"]
    assert list(customers) == list(np.rint(JOINED * growth))
    assert set(table["rep_id"].dropna()) == {"R0001"}  # no goal where nothing comes about
    champions = table[table["segment"] == "Champions"]
    assert set(champions["measure"]) == {"customers"}
    assert champions["target"].iloc[-1] == round(JOINED.sum() * 0.1 * 0.97)
    assert dict(table.groupby("category")["month"].min()) == {"Old": 0, "New": 12}


def test_events_are_those_up_to_the_end_of_the_window() -> None:
    table = outside.events(COMPANY, CLOCK)
    assert table.to_pylist() == [
        {"on": CLOCK.date_of(round(0.25 * 731)), "what": "A slump", "kind": "economy"}
    ]


def test_the_money_of_a_pillar_adds_up_and_answers_lie_around_its_mean() -> None:
    frame = outside.readiness(COMPANY, 1_000, 1).to_pandas()
    assert list(frame["question"]) == ["Able?", "Enough?", "Willing?", "Quick?"]
    spent = frame.groupby("pillar")["spend"].sum()
    assert (spent["people"], spent["culture"]) == (Decimal("1000.00"), Decimal("0.05"))
    questions = tuple(f"Question {number}?" for number in range(4_000))
    many = outside.readiness(small.company(readiness={"people": (questions, 3.0, 9.0)}), 1_000, 1)
    scores = many["score"].to_numpy()
    assert set(scores) == {1, 2, 3, 4, 5}
    assert small.within(scores.mean(), 3.0, scores.std() / np.sqrt(len(scores)))


def test_what_was_invested_grows_with_the_customers() -> None:
    """Declared for 1,000 customers; 0.05 × 2,346 / 1,000 = 0.1173 comes to 12 cents."""
    frame = outside.readiness(COMPANY, 2_346, 1).to_pandas()
    spent = frame.groupby("pillar")["spend"].sum()
    assert (spent["people"], spent["culture"]) == (Decimal("2346.00"), Decimal("0.12"))


@pytest.mark.parametrize("name", ["market", "targets", "events", "readiness"])
def test_the_tables_pass_the_expectations(name: str, make_project: Callable[..., Path]) -> None:
    table = {
        "market": lambda: outside.market(COMPANY, CLOCK, SALES),
        "targets": lambda: outside.targets(
            COMPANY, CLOCK, SALES.sum(axis=0), SALES, {"R0001": SALES[0]}, JOINED
        ),
        "events": lambda: outside.events(COMPANY, CLOCK),
        "readiness": lambda: outside.readiness(COMPANY, 1_000, 1),
    }[name]
    assert small.equal(table(), table())
    assert small.complaints(make_project, name, table()) == []


def test_a_company_without_events_or_pillars() -> None:
    plain = small.company(laws=laws.Laws())
    assert outside.events(plain, CLOCK).num_rows == 0
    assert outside.readiness(plain, 1_000, 1).num_rows == 0
