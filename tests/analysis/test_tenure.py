"""Profit by year of the relationship: the same customers, by hand, and the pitfalls it is to avoid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from crm_lib.analysis import tenure
from crm_lib.errors import NotInData, UsageError
from tests.analysis.ledger import Ledger, exact
from tests.analysis.profits import Month, ledger

START, END = date(2020, 1, 1), date(2024, 6, 1)


class Life:
    """Order lines (at 40 % margin) with the profit ledger made of them, and costs beside."""

    def __init__(
        self,
        orders: list[tuple[str, str, int]],
        costs: Sequence[Month] = (),
        warm_up: str = "2020-01-01",
    ) -> None:
        rows = [(who, f"{who}{i}", day, str(amount)) for i, (who, day, amount) in enumerate(orders)]
        self.made = Ledger(
            rows, start=str(START), end=str(END), warm_up_ends=warm_up,
            costs=[str(Decimal(amount) * 6 / 10) for _, _, amount in orders],
        )  # fmt: skip
        months: list[Month] = [
            (who, day[:7], {"revenue": amount, "cost_of_goods": Decimal(amount) * 6 / 10})
            for who, day, amount in orders
            if day < str(END)
        ]
        # One row a customer and month is not needed here: everything is summed.
        self.ledger = ledger([*months, *costs])
        self.customers = self.made.customers
        self.observed = self.made.observed

    def years(self) -> dict[tuple[str, int], dict[str, object]]:
        return {(r["customer_id"], r["year"]): r for r in exact(self.table)}  # type: ignore[misc]

    @property
    def table(self):  # type: ignore[no-untyped-def]
        return tenure.years(self.made.lines, self.ledger, self.customers, observed=self.observed)


def test_a_year_begins_on_the_anniversary() -> None:
    """365.25 days: a purchase 365 days after the first is of year 1, one 366 days after of year 2."""
    life = Life(
        [("anna", "2021-03-10", 100), ("anna", "2022-03-10", 50), ("anna", "2022-03-11", 20)]
    )
    years = life.years()
    assert years["anna", 1]["revenue"] == 150
    assert years["anna", 2]["revenue"] == 20
    assert years["anna", 1]["gross_profit"] == 60


def test_costs_count_by_the_middle_of_their_month_and_acquisition_not_at_all() -> None:
    costs: list[Month] = [
        ("anna", "2020-12", {"contact_cost": 1}),
        ("anna", "2022-03", {"contact_cost": 2}),
        ("anna", "2021-03", {"acquisition_cost": 30}),
    ]
    life = Life([("anna", "2021-03-10", 100), ("anna", "2023-01-01", 10)], costs)
    years = life.years()
    # 15 March 2022 lies after the anniversary of 10 March; what came before the first purchase is year 1.
    assert years["anna", 1]["profit"] == 40 - 1
    assert years["anna", 2]["profit"] == 4 - 2


def test_the_years_add_up_to_the_ledger() -> None:
    costs: list[Month] = [("ben", "2022-07", {"effort_cost": 7, "acquisition_cost": 3})]
    life = Life(
        [("anna", "2021-03-10", 100), ("ben", "2020-02-01", 30), ("ben", "2023-02-01", 60)], costs
    )
    whole = exact(
        life.ledger.agg(profit=life.ledger.profit.sum() + life.ledger.acquisition_cost.sum())
    )
    assert sum(row["profit"] for row in life.years().values()) == whole[0]["profit"]  # type: ignore[misc]


def crowd(stay: int, leave: int) -> Life:
    """`stay` customers bring 100 in year 1 and 200 in year 4, `leave` only 50 in year 1; 40 % is margin."""
    first = date(2020, 1, 5)
    orders = []
    for i in range(stay):
        # Of two sorts, so that the means have a spread.
        orders += [
            (f"s{i}", str(first), 90 + 20 * (i % 2)),
            (f"s{i}", str(first + timedelta(1200)), 200),
        ]
    orders += [(f"l{i}", str(first), 50) for i in range(leave)]
    orders += [(f"new{i}", "2023-05-05", 70) for i in range(10)]
    return Life(orders)


def test_whole_years_are_those_observed_to_their_end() -> None:
    """A year of anna's that is not over, and all of bert, who came too late, are left out."""
    days = [("anna", "2020-01-10", 100), ("anna", "2022-12-10", 30), ("anna", "2024-02-01", 7)]
    life = Life([*days, ("bert", "2023-08-01", 50)])
    whole = tenure.years(
        life.made.lines, life.ledger, life.customers, observed=life.observed, whole_only=True
    )
    every = life.years()
    assert sorted(every) == [("anna", 1), ("anna", 3), ("anna", 5), ("bert", 1)]
    found = {(r["customer_id"], r["year"]): r for r in exact(whole)}
    assert found == {key: every[key] for key in [("anna", 1), ("anna", 3)]}


def test_the_same_customers_are_compared_and_pooling_flatters() -> None:
    life = crowd(stay=40, leave=60)
    found = tenure.paired(life.table, life.customers, observed=life.observed).set_index("group")
    assert (found.loc["won", "customers"], found.loc["stayed", "customers"]) == (100, 40)
    assert found.loc["stayed", ["early", "late", "ratio"]].tolist() == pytest.approx([40, 80, 2])
    # Everyone: 40·40 + 60·20 in year 1, 40·80 in year 4.
    assert found.loc["won", "early"] == pytest.approx(28)
    assert found.loc["won", "ratio"] == pytest.approx(32 / 28)
    # Pooled: year 1 of all 110 who bought in it and were there for a whole year, year 4 of 40.
    assert found.loc["pooled", "early"] == pytest.approx((40 * 40 + 60 * 20 + 10 * 28) / 110)
    assert found.loc["pooled", "ratio"] > found.loc["stayed", "ratio"]
    assert found.loc["stayed", "low"] < 2 < found.loc["stayed", "high"]


def test_the_curve_starts_and_ends_where_the_pairs_do() -> None:
    life = crowd(stay=40, leave=60)
    paired = tenure.paired(life.table, life.customers, observed=life.observed).set_index("group")
    rows = exact(tenure.curve(life.table))
    curve = {(row["group"], row["year"]): row["profit"] for row in rows}
    for group in tenure.GROUPS:
        assert curve[group, 1] == pytest.approx(paired.loc[group, "early"])
        assert curve[group, 4] == pytest.approx(paired.loc[group, "late"])
    assert curve["stayed", 2] == 0, "a year without a purchase counts as zero"


def test_who_was_first_seen_in_the_warm_up_is_left_out_and_counted() -> None:
    early = [(f"e{i}", "2020-01-03", 10) for i in range(5)]
    late = [(f"n{i}", "2020-03-03", 10) for i in range(40)]
    life = Life([*early, *late, ("x", "2023-01-01", 10)], warm_up="2020-02-01")
    base = tenure.base(life.customers, observed=life.observed, years=4)
    assert (base.buyers, base.first_seen, base.too_recent, base.compared) == (46, 5, 1, 40)
    assert not any(who.startswith("e") for who, _ in life.years())


def test_too_short_data_say_so() -> None:
    life = Life([("anna", "2023-03-10", 100)])
    with pytest.raises(
        NotInData,
        match=r"against year 1 needs 30 customers observed for 4 whole years.*of 1, 0 were",
    ):
        tenure.paired(life.table, life.customers, observed=life.observed)
    with pytest.raises(UsageError, match="not 3 with 2"):
        tenure.paired(life.table, life.customers, observed=life.observed, early=3, late=2)


def test_the_latest_year_that_enough_were_observed_for_stands_in() -> None:
    """In data of four years less some days nobody was observed for four: year 3, then 2, stand in."""
    orders = [(f"a{i}", "2020-07-05", 10) for i in range(30)]
    orders += [(f"b{i}", "2022-03-05", 10) for i in range(40)]
    life = Life(orders)
    when = {"observed": life.observed}
    assert tenure.reached(life.customers, **when) == 3
    assert tenure.reached(life.customers, late=2, **when) == 2
    few = Life([*orders[:29], *orders[30:]])
    assert tenure.reached(few.customers, observed=few.observed) == 2
    one = Life(orders[:29])
    with pytest.raises(NotInData, match=r"observed for 2 whole years .*of 29, 29 were"):
        tenure.reached(one.customers, observed=one.observed)


def test_the_interval_ends_where_the_difference_is_no_longer_seen() -> None:
    """At its bounds ȳ − R·x̄ lies exactly t standard errors from zero: the definition of the interval."""
    from scipy.stats import t

    n, x, y, xx, yy, xy = 200, 10.0, 15.0, 40.0, 90.0, 30.0
    for bound in tenure.fieller(n, x, y, xx, yy, xy):
        error = np.sqrt((yy - 2 * bound * xy + bound**2 * xx) / n)
        assert abs(y - bound * x) / error == pytest.approx(t.ppf(0.975, n - 1))


def test_the_interval_covers_the_true_ratio() -> None:
    """95 % of samples within ±3 standard errors of the count (1,000 samples, a fixed seed)."""
    random = np.random.default_rng(7)
    hits = 0
    for _ in range(1_000):
        x = random.gamma(2.0, 5.0, 150)
        y = 1.5 * x * random.gamma(4.0, 0.25, 150)
        c = np.cov(x, y)
        low, high = tenure.fieller(150, x.mean(), y.mean(), c[0, 0], c[1, 1], c[0, 1])
        hits += low <= 1.5 <= high
    assert abs(hits - 950) <= 3 * np.sqrt(1_000 * 0.95 * 0.05)


def test_an_interval_that_the_data_cannot_bound_is_not_given() -> None:
    assert np.isnan(tenure.fieller(50, 0.1, 5.0, 100.0, 100.0, 0.0)).all()
    assert np.isnan(tenure.fieller(10, 10.0, 15.0, 4.0, 9.0, 3.0)).all()
