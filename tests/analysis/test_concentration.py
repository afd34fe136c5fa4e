"""Lorenz curve, Gini, top shares and ranks, computed by hand."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import cast

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest

from crm_lib.analysis import concentration, segments
from crm_lib.engine import collect
from crm_lib.errors import UsageError

SCHEMA = {
    "customer_id": "string",
    "occasions": "int64",
    "days_since_last": "int64",
    "revenue": "decimal(38, 4)",
    "units": "float64",
}


def facts(*amounts: str, browsers: tuple[str, ...] = ()) -> ir.Table:
    """One buyer for each amount, and known customers without an occasion."""
    rows = [(amount, 1) for amount in amounts] + [(amount, 0) for amount in browsers]
    columns = {
        "customer_id": [f"c{i:02d}" for i in range(len(rows))],
        "occasions": [occasions for _, occasions in rows],
        "days_since_last": [1] * len(rows),
        "revenue": [Decimal(amount) for amount, _ in rows],
        "units": [float(amount) for amount, _ in rows],
    }
    return ibis.memtable(pd.DataFrame(columns, dtype=object), schema=SCHEMA)


FIVE = facts("10", "40", "0", "30", "20", browsers=("0", "-7"))
"""Five buyers with 100 in all, and two customers who never bought."""


def test_the_lorenz_curve_runs_from_the_lowest_to_the_whole() -> None:
    curve = collect(concentration.lorenz(FIVE))
    assert curve.customers.tolist() == [0, 1, 2, 3, 4, 5]
    assert curve.value.tolist() == [0, 0, 10, 30, 60, 100]
    assert curve.customers_share.tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert curve.value_share.tolist() == pytest.approx([0, 0, 0.1, 0.3, 0.6, 1])


def test_the_lorenz_curve_is_thinned_to_few_exact_points() -> None:
    curve = collect(concentration.lorenz(facts(*map(str, range(1, 1001))), points=4))
    assert curve.customers.tolist() == [0, 250, 500, 750, 1000]
    assert curve.value.tolist() == [n * (n + 1) / 2 for n in (0, 250, 500, 750, 1000)]
    with pytest.raises(UsageError, match="at least one point"):
        concentration.lorenz(FIVE, points=0)


def test_gini_by_hand_and_at_its_ends() -> None:
    # Sum of place × value = 2·10 + 3·20 + 4·30 + 5·40 = 400; 2·400/(5·100) − 6/5 = 0.4.
    assert concentration.gini(FIVE) == pytest.approx(0.4)
    assert concentration.gini(facts("7", "7", "7")) == pytest.approx(0)
    assert concentration.gini(facts("0", "0", "0", "1")) == pytest.approx(0.75)
    assert math.isnan(concentration.gini(facts("0", "0")))
    assert math.isnan(concentration.gini(facts()))


def test_negative_values_are_said_not_hidden() -> None:
    table = facts("-100", "150", "0", browsers=("-5.25",))
    # 2·(1·−100 + 3·150)/(3·50) − 4/3 = 10/3.
    assert concentration.gini(table) == pytest.approx(10 / 3)
    found = collect(concentration.negatives(table)).iloc[0]
    assert (found.customers, found.value) == (2, -105.25)
    assert (found.without_occasion, found.known_customers) == (1, 4)
    assert collect(concentration.lorenz(table)).value_share.min() == pytest.approx(-2)
    # Concentration among those who bring something: one customer brings it all.
    assert concentration.hhi(table) == 1


def test_hhi_by_hand() -> None:
    assert concentration.hhi(FIVE) == pytest.approx(0.1**2 + 0.2**2 + 0.3**2 + 0.4**2)
    assert concentration.hhi(facts("3", "3", "3", "3")) == pytest.approx(0.25)
    assert math.isnan(concentration.hhi(facts("0", "-1")))


def test_top_shares_round_up_to_whole_customers() -> None:
    found = collect(concentration.top_shares(FIVE, shares=(0.01, 0.2, 0.5, 1)))
    assert found.share.tolist() == [0.01, 0.2, 0.5, 1]
    assert found.customers.tolist() == [1, 1, 3, 5]
    assert found.customers_share.tolist() == [0.2, 0.2, 0.6, 1]
    assert found.value.tolist() == [40, 40, 90, 100]
    assert found.value_share.tolist() == pytest.approx([0.4, 0.4, 0.9, 1])
    # A tenth of thirty is three, whatever binary fractions make of 0.1.
    thirty = facts(*map(str, range(30)))
    assert collect(concentration.top_shares(thirty, shares=(0.1,))).customers.tolist() == [3]


def test_the_fewest_customers_that_reach_a_share() -> None:
    for share, customers, value in ((0.4, 1, 40), (0.7, 2, 70), (0.71, 3, 90), (1, 4, 100)):
        found = collect(concentration.customers_for_share(FIVE, share)).iloc[0]
        assert (found.customers, found.value) == (customers, value)
        assert found.customers_share == pytest.approx(customers / 5)
    # Cents count: 80% of 1.00 is reached by 0.80, not by 0.7999.
    exact = facts("0.8000", "0.2000")
    short = facts("0.7999", "0.2001")
    assert collect(concentration.customers_for_share(exact)).customers.tolist() == [1]
    assert collect(concentration.customers_for_share(short)).customers.tolist() == [2]
    assert collect(concentration.customers_for_share(facts("0"))).empty


def test_ranked_customers_share_rank_flag_and_share_when_equal() -> None:
    table = facts("90", "50", "50", "50", "20", "10", "9", "8", "0", "-3", browsers=("1",))
    found = collect(concentration.ranked(table)).set_index("customer_id").sort_index()
    assert found.revenue_rank.tolist() == [1, 2, 2, 2, 5, 6, 7, 8, 9, 10]
    assert found.is_top_20_percent.tolist() == [True] * 4 + [False] * 6
    total = 284
    assert found.cumulative_share.tolist()[:5] == pytest.approx(
        [90 / total, 240 / total, 240 / total, 240 / total, 260 / total]
    )
    assert found.cumulative_share.iloc[-1] == pytest.approx(1)


def test_one_customer_of_five_is_the_top_20_percent() -> None:
    found = collect(concentration.ranked(FIVE))
    assert found.loc[found.is_top_20_percent, "revenue"].tolist() == [40]


def test_nobody_is_in_the_top_without_positive_value() -> None:
    assert not collect(concentration.ranked(facts("0", "0"))).is_top_20_percent.any()


def test_the_top_20_percent_is_the_top_value_tier() -> None:
    table = facts(*[str(amount) for amount in (5, 5, 9, 1, 0, -2, 9, 9, 3, 4, 7)])
    top = collect(concentration.ranked(table)).set_index("customer_id").is_top_20_percent
    tiers = collect(segments.value_tiers(table)).set_index("customer_id").value_tier
    assert (top == (tiers == "Top 20%")[top.index]).all()


def test_any_number_of_the_facts_can_be_ranked() -> None:
    found = collect(concentration.ranked(FIVE, value="units"))
    assert {"units", "units_rank"} <= set(found.columns)
    assert concentration.gini(FIVE, value="units") == pytest.approx(0.4)
    assert concentration.gini(FIVE, value="occasions") == pytest.approx(0)


def test_wrong_options_say_what_there_is() -> None:
    with pytest.raises(UsageError, match="Did you mean 'revenue'"):
        concentration.gini(FIVE, value="revenu")
    with pytest.raises(UsageError, match="numeric column"):
        concentration.negatives(FIVE, value="customer_id")
    with pytest.raises(UsageError, match="0 and up to 1"):
        concentration.top_shares(FIVE, shares=(0.1, 20))
    with pytest.raises(UsageError, match=r"0 and up to 1 \(.*\), not 'x'"):
        concentration.top_shares(FIVE, shares=cast(list[float], [0.1, "x"]))
    with pytest.raises(UsageError, match="0 and up to 1"):
        concentration.customers_for_share(FIVE, 80)
