"""What an occasion earns: credibility and expected spend by hand, and what must hold of any ledger."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pytest

from crm_lib.analysis import margins
from crm_lib.btyd.gamma_gamma import GammaGamma
from crm_lib.engine import collect
from crm_lib.ledger import Component
from tests.analysis.ledger import SIX, Ledger

JAN, FEB, MAR = "2023-01-01", "2023-02-01", "2023-03-01"
Month = tuple[str, str, float, float]
"""Customer, month, bought, earned."""


def months(rows: Sequence[Month]) -> ir.Table:
    columns = {"customer_id": "string", "month": "string", "bought": "float64", "earned": "float64"}
    table = ibis.memtable([dict(zip(columns, row, strict=True)) for row in rows], schema=columns)
    return table.mutate(month=table.month.cast("date"))


def times(n: int, rows: Sequence[Month]) -> list[Month]:
    """Each customer so many times over, as a1, a2 …"""
    return [(f"{who}{i}", *rest) for who, *rest in rows for i in range(n)]  # type: ignore[misc]


# a: rates 0.5 and 0.3 of 100 each; b: 0.1 and 0.1 of 50 each; 15 customers of each kind.
TWO = times(15, [("a", JAN, 100, 50), ("a", FEB, 100, 30), ("b", JAN, 50, 5), ("b", FEB, 50, 5)])


def test_credibility_by_hand() -> None:
    found = margins.rates(months(TWO))
    # Within: each a has 100·(0.1² + 0.1²) = 2, b 0; divided by 60 months − 30 customers.
    assert found.own.within == pytest.approx(1)
    # Between: Σ w (rate − 0.3)² = 15·(200·0.1² + 100·0.2²), less 1·(30 − 1), ÷ (w − Σ w² ÷ w).
    assert found.own.between == pytest.approx((90 - 29) / (4500 - 750_000 / 4500))
    k = 1 / found.own.between
    z_a, z_b = 200 / (200 + k), 100 / (100 + k)
    assert found.mean == pytest.approx((0.4 * z_a + 0.1 * z_b) / (z_a + z_b))
    assert found.own.k == pytest.approx(k)


def expected_rates(rows: Sequence[Month]) -> dict[str, float]:
    table = months(rows)
    found = margins.rates(table)
    sums = table.group_by("customer_id").agg(b=table.bought.sum(), e=table.earned.sum())
    frame = collect(sums.select("customer_id", rate=found.expected(sums.e, sums.b)))
    return dict(zip(frame["customer_id"], frame["rate"], strict=True))


def test_rates_are_drawn_to_the_mean_and_keep_what_was_earned() -> None:
    rates = expected_rates(TWO)
    mean = margins.rates(months(TWO)).mean
    assert 0.1 < rates["b0"] < mean < rates["a0"] < 0.4
    assert 200 * rates["a0"] + 100 * rates["b0"] == pytest.approx(90)


def test_where_nobody_bought_in_two_months_chance_is_not_taken_for_a_rate() -> None:
    """300 customers of one month each, whose rates differ by chance alone."""
    rng = np.random.default_rng(1)
    rows = [(f"c{i}", JAN, 100.0, float(rng.normal(30, 25))) for i in range(300)]
    found = margins.rates(months(rows))
    assert not found.own.is_known
    assert found.own.k is None
    mean = sum(row[3] for row in rows) / 30_000
    assert [*expected_rates(rows).values()] == [pytest.approx(found.mean)] * 300
    assert found.mean == pytest.approx(mean)
    # One short of what is enough: 29 customers with a second month.
    more = [*rows, *((f"c{i}", FEB, 100.0, 30.0) for i in range(29))]
    assert not margins.rates(months(more)).own.is_known
    assert margins.rates(months([*more, ("c29", FEB, 100.0, 30.0)])).own.is_known


def test_a_month_of_costs_alone_belongs_to_the_purchase_before() -> None:
    a = [("a", JAN, 100.0, 60.0), ("a", FEB, 0.0, -10.0), ("a", MAR, 100.0, 30.0)]
    apart = [*times(15, a), *(row for row in TWO if row[0].startswith("b"))]
    found, whole = margins.rates(months(apart)), margins.rates(months(TWO))
    assert found.mean == pytest.approx(whole.mean)
    assert found.own.k == pytest.approx(whole.own.k)


def test_a_month_that_loses_more_than_was_bought_counts_as_losing_it_all() -> None:
    (row,) = collect(margins.earnings(months([("a", JAN, 10.0, -1000.0)]))).to_dict("records")
    assert (row["earned"], row["rate_weighed"], row["rate_squares"]) == (-1000, -10, 10)


def test_steady_rates_are_taken_as_they_are() -> None:
    rows = [("a", JAN, 10, 5), ("a", FEB, 30, 15), ("b", JAN, 10, 1), ("b", FEB, 10, 1)]
    rates = expected_rates(times(15, rows))
    assert margins.rates(months(times(15, rows))).own.k == 0
    assert (rates["a0"], rates["b14"]) == pytest.approx((0.5, 0.1))


def test_one_rate_of_all_is_nobodys_own() -> None:
    rows = times(
        15, [("a", JAN, 10, 6), ("a", FEB, 30, 18), ("b", JAN, 70, 42), ("b", FEB, 1, 0.6)]
    )
    found = margins.rates(months(rows))
    assert found.own.is_known
    assert found.own.k is None
    assert found.mean == pytest.approx(0.6)


def test_rates_that_differ_by_chance_only_are_all_the_mean() -> None:
    rows = times(
        10, [(name, month, 100, e) for name in "abcd" for month, e in ((JAN, 80), (FEB, 20))]
    )
    found = margins.rates(months(rows))
    assert found.own.is_known
    assert found.own.between == 0
    assert found.own.k is None
    assert set(expected_rates(rows).values()) == {0.5}


def test_currency_and_order_of_rows_change_nothing() -> None:
    cents = [(who, month, 100 * bought, 100 * earned) for who, month, bought, earned in TWO]
    assert expected_rates(cents) == pytest.approx(expected_rates(TWO))
    assert expected_rates(TWO[::-1]) == pytest.approx(expected_rates(TWO))


def test_spending_of_six_customers() -> None:
    frame = collect(margins.spending(Ledger(SIX).occasions)).set_index("customer_id")
    assert frame["x"].to_dict() == {"anna": 2, "ben": 1, "carla": 0, "dora": 0, "emil": 0}
    assert frame["mean_spend"].dropna().to_dict() == {"anna": 50, "ben": 30}
    assert frame["first_spend"]["carla"] == 500  # returns are no part of an occasion


def test_expected_spend_lies_between_the_own_mean_and_everyones() -> None:
    model = GammaGamma(p=6.25, q=3.74, gamma=15.44)
    spend = margins.Spend(model, "", 30.0, 30.0, 10, 0, None, None)
    rows = ibis.memtable({"x": [0, 1, 40, 3], "mean_spend": [None, 22.0, 22.0, 0.0]})
    found = collect(rows.select(e=spend.expected(rows.x, rows.mean_spend)))["e"].to_list()
    mean = 6.25 * 15.44 / 2.74
    assert found[0] == found[3] == pytest.approx(mean)
    assert found[1] == pytest.approx(6.25 * (15.44 + 22) / (6.25 + 2.74))
    assert 22 < found[2] < found[1] < mean


def test_too_few_to_model_spend_means_the_mean_for_all() -> None:
    spent = margins.spending(Ledger(SIX).occasions)
    found = margins.spend(spent)
    assert found.model is None
    assert "needs at least 5 customers" in found.refusal
    assert found.mean == pytest.approx((100 + 30) / 3)
    assert found.correlation is None


def test_what_nobody_bought_again_is_no_mean_of_repeat_purchases() -> None:
    once = spent([(0, None, None)] * 9).mutate(first_spend=20.0)
    found = margins.spend(once)
    assert (found.mean, found.repeat_mean) == (20.0, None)
    assert found.refusal == (
        "Gamma-Gamma needs at least 5 customers with purchases and a mean spend above 0, not 0."
    )
    assert margins.spend(spent([(2, 30.0, 1.0)])).repeat_mean == 30.0


def spent(rows: Sequence[tuple[int, float | None, float | None]]) -> ir.Table:
    """`margins.spending` of customers with x repeat occasions, their mean and variance."""
    columns = {"x": "int64", "mean_spend": "float64", "variance": "float64"}
    table = ibis.memtable([dict(zip(columns, row, strict=True)) for row in rows], schema=columns)
    return table.mutate(first_spend=table.mean_spend)


def expected_spend(found: margins.Spend, x: int, mean_spend: float | None) -> float:
    row = ibis.memtable(
        {"x": [x], "mean_spend": [mean_spend]}, schema={"x": "int64", "mean_spend": "float64"}
    )
    return float(collect(row.select(e=found.expected(row.x, row.mean_spend)))["e"].iloc[0])


def heavy(steady: bool) -> ir.Table:
    """400 customers whose mean spend has a long tail, cut off at 150; perhaps each spends the same
    every time, perhaps a mean of x spread around the own one."""
    rng = np.random.default_rng(1)
    own = np.minimum(10 / rng.gamma(1.3 if steady else 1.0, 1.0, 400), 150)
    x = 2 + np.arange(400) % 3
    mean = own if steady else own * rng.gamma(5 * x, 1 / (5 * x))
    share = 1e-8 if steady else 0.2
    return spent([(int(n), float(m), share * float(m) ** 2) for n, m in zip(x, mean, strict=True)])


@pytest.mark.parametrize(
    ("steady", "refusal"), [(True, "do not determine p"), (False, "customer nothing is known of")]
)
def test_a_model_of_spend_that_is_far_off_or_open_is_not_used(steady: bool, refusal: str) -> None:
    table = heavy(steady)
    found = margins.spend(table)
    fitted = GammaGamma.fit(margins._paid(table, 400))
    assert fitted.estimate_ is not None
    assert fitted.estimate_.weak if steady else fitted.population_mean > 2 * found.mean
    assert fitted.params_["q"] < 2
    assert found.model is None
    assert refusal in found.refusal
    # Unknown: the mean of all; known: nearly the own where it never varies, else near it.
    assert (
        expected_spend(found, 0, None)
        == found.mean
        == pytest.approx(
            collect(table.agg(m=(table.x * table.mean_spend).sum() / table.x.sum()))["m"].iloc[0]
        )
    )
    assert found.own.k is not None
    assert expected_spend(found, 4, 120.0) == pytest.approx(120.0, rel=1e-4 if steady else 0.2)


def test_credibility_of_spend_by_hand() -> None:
    # 20 customers with means 10 and 30, each of 3 repeats with a variance of 6 around it.
    each = [(3, 10.0, 6.0), (3, 30.0, 6.0)] * 10
    own = margins._own_spend(spent(each))
    assert own.within == pytest.approx(20 * 3 * 6 / (60 - 20))
    assert own.between == pytest.approx((60 * 100 - 19 * 9) / (60 - 180 / 60))
    found = margins.Spend(None, "for a reason", 20.0, 20.0, 20, 0, None, None, own)
    k = own.k or 0.0
    assert expected_spend(found, 3, 30.0) == pytest.approx((90 + k * 20) / (3 + k))
    assert expected_spend(found, 3, 0.0) == expected_spend(found, 0, None) == 20.0


def component(name: str, status: str) -> Component:
    return Component(name, name, "contribution", status, "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "word"),
    [
        ((), "revenue"),
        (("contact_cost",), "revenue less cost to serve"),
        (("cost_of_goods",), "gross profit"),
        (("cost_of_goods", "effort_cost"), "contribution"),
        (("acquisition_cost",), "revenue"),
    ],
)
def test_a_margin_is_called_what_it_is(known: tuple[str, ...], word: str) -> None:
    names = ("revenue", "cost_of_goods", "contact_cost", "effort_cost", "acquisition_cost")
    parts = [component(n, "measured" if n in (*known, "revenue") else "missing") for n in names]
    assert margins.earning(parts) == word


def test_a_cost_that_few_lines_bear_is_told() -> None:
    parts = [
        Component("cost_of_goods", "cost of goods", "gross profit", "measured", "lines.cost", "", "order lines", 200, 100),
        Component("contact_cost", "contacts", "contribution", "by rule", "contacts.cost", "", "contacts", 100, 96),
        Component("effort_cost", "hours", "contribution", "missing", "", "", "efforts", 100, 0),
        Component("acquisition_cost", "acquisition", "net profit", "measured", "", "", "customers", 10, 1),
    ]  # fmt: skip
    # Contacts are known well enough; hours are missing, and acquisition is no part of a margin.
    assert margins.partly_known(parts) == [("cost of goods", 0.5, "order lines")]
