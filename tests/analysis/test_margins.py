"""What an occasion earns: credibility and expected spend by hand, and what must hold of any ledger."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
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


# a: rates 0.5 and 0.3 of 100 each; b: 0.1 and 0.1 of 50 each.
TWO = [
    ("a", JAN, 100, 50),
    ("a", FEB, 100, 30),
    ("b", JAN, 50, 5),
    ("b", FEB, 50, 5),
]


def test_credibility_by_hand() -> None:
    found = margins.rates(months(TWO))
    # Within: a has 100·(0.1² + 0.1²) = 2, b 0; divided by (4 months − 2 customers) = 1.
    assert found.within == pytest.approx(1)
    # Between: Σ w (rate − 0.3)² = 200·0.1² + 100·0.2² = 6, less 1·(2 − 1), ÷ (300 − 50000 ÷ 300).
    assert found.between == pytest.approx(5 / (300 - 50_000 / 300))
    k = 1 / found.between
    z_a, z_b = 200 / (200 + k), 100 / (100 + k)
    assert found.mean == pytest.approx((0.4 * z_a + 0.1 * z_b) / (z_a + z_b))
    assert found.k == pytest.approx(k)


def expected_rates(rows: Sequence[Month]) -> dict[str, float]:
    table = months(rows)
    found = margins.rates(table)
    sums = table.group_by("customer_id").agg(b=table.bought.sum(), e=table.earned.sum())
    frame = collect(sums.select("customer_id", rate=found.expected(sums.e, sums.b)))
    return dict(zip(frame["customer_id"], frame["rate"], strict=True))


def test_rates_are_drawn_to_the_mean_and_keep_what_was_earned() -> None:
    rates = expected_rates(TWO)
    mean = margins.rates(months(TWO)).mean
    assert 0.1 < rates["b"] < mean < rates["a"] < 0.4
    assert 200 * rates["a"] + 100 * rates["b"] == pytest.approx(90)


def test_a_month_of_costs_alone_belongs_to_the_purchase_before() -> None:
    apart = [("a", JAN, 100.0, 60.0), ("a", FEB, 0.0, -10.0), ("a", MAR, 100.0, 30.0), *TWO[2:]]
    assert margins.rates(months(apart)) == margins.rates(months(TWO))


def test_steady_rates_are_taken_as_they_are() -> None:
    rates = expected_rates(
        [("a", JAN, 10, 5), ("a", FEB, 30, 15), ("b", JAN, 10, 1), ("b", FEB, 10, 1)]
    )
    assert rates == pytest.approx({"a": 0.5, "b": 0.1})


def test_rates_that_differ_by_chance_only_are_all_the_mean() -> None:
    rows = [
        (name, month, 100, earned) for name in "abcd" for month, earned in ((JAN, 80), (FEB, 20))
    ]
    found = margins.rates(months(rows))
    assert found.between == 0
    assert found.k is None
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
