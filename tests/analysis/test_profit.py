"""Profit by customer, month, group and product: by hand, parts equal the whole."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis
import pytest

from crm_lib.analysis import profit
from crm_lib.engine import collect
from crm_lib.errors import NotInData, UsageError
from crm_lib.periods import Window
from tests.analysis.ledger import exact
from tests.analysis.profits import Month, ledger

MONTHS: list[Month] = [
    ("anna", "2023-01", {"revenue": 100, "discount": 10, "cost_of_goods": 60, "acquisition_cost": 5}),
    ("anna", "2023-03", {"revenue": 50, "cost_of_goods": 30}),
    ("ben", "2023-01", {"revenue": 40, "returns": 20, "cost_of_goods": 24, "contact_cost": 36}),
    ("cleo", "2023-03", {"acquisition_cost": 7}),
    ("dora", "2023-01", {"revenue": 20, "cost_of_goods": 20}),
    ("emil", "2023-03", {"revenue": -5, "returns": 5, "cost_of_goods": -3, "occasions": 0}),
    (None, "2023-03", {"revenue": 30, "cost_of_goods": 18, "campaign_cost": 4}),
]  # fmt: skip
"""Profits: anna 55, ben −20, cleo −7, dora 0, emil −2 and 8 of nobody."""

OBSERVED = Window(date(2023, 1, 1), date(2023, 4, 1))


def test_each_customer_by_hand() -> None:
    rows = {row["customer_id"]: row for row in exact(profit.by_customer(ledger(MONTHS)))}
    assert {name: row["profit"] for name, row in rows.items()} == {
        "anna": 55, "ben": -20, "cleo": -7, "dora": 0, "emil": -2,
    }  # fmt: skip
    assert [rows[n]["profit_rank"] for n in ("anna", "dora", "emil", "cleo", "ben")] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert rows["anna"]["profit_rate"] == pytest.approx(55 / 150)
    assert rows["cleo"]["profit_rate"] is None
    assert rows["emil"]["profit_rate"] is None
    assert rows["anna"]["first_month"] == date(2023, 1, 1)
    assert rows["emil"]["first_month"] is None
    assert {n for n, row in rows.items() if row["is_negative"]} == {"ben", "cleo", "emil"}


def test_equal_profits_share_a_rank() -> None:
    same: list[Month] = [(name, "2023-01", {"revenue": 10}) for name in "abc"]
    same.append(("d", "2023-01", {"revenue": 5}))
    ranks = {
        row["customer_id"]: row["profit_rank"] for row in exact(profit.by_customer(ledger(same)))
    }
    assert ranks == {"a": 1, "b": 1, "c": 1, "d": 4}


def test_months_add_up_to_the_ledger_and_stand_in_order() -> None:
    rows = exact(profit.by_month(ledger(MONTHS), observed=OBSERVED))
    assert [row["month"].month for row in rows] == [1, 2, 3]  # type: ignore[attr-defined]
    assert [row["profit"] for row in rows] == [15, 0, 19]
    assert sum(row["revenue"] for row in rows) == Decimal(235)  # type: ignore[misc]
    assert [row["active_customers"] for row in rows] == [3, 0, 1]
    assert rows[0]["cost_to_serve_per_customer"] == pytest.approx(12)
    assert rows[0]["cost_to_serve_share"] == pytest.approx(36 / 160)
    assert rows[1]["cost_to_serve_share"] is None
    assert not any(row["is_partial"] for row in rows)


def test_a_component_that_is_missing_stays_null_and_a_quiet_month_is_zero() -> None:
    table = ledger(MONTHS, known=["cost_of_goods"])
    rows = exact(profit.by_month(table, observed=Window(date(2023, 1, 1), date(2023, 3, 20))))
    assert [row["contact_cost"] for row in rows] == [None, None, None]
    assert rows[1]["cost_of_goods"] == 0
    assert [row["is_partial"] for row in rows] == [False, False, True]


def test_a_cost_from_before_the_window_is_kept() -> None:
    early: list[Month] = [*MONTHS, ("anna", "2022-12", {"acquisition_cost": 3})]
    rows = exact(profit.by_month(ledger(early), observed=OBSERVED))
    assert rows[0]["month"] == date(2022, 12, 1)
    assert rows[0]["is_partial"]
    assert rows[0]["profit"] == -3


def test_the_bridge_leads_from_gross_sales_to_profit() -> None:
    steps = [(r["step"], r["amount"], r["kind"]) for r in exact(profit.bridge(ledger(MONTHS)))]
    assert steps == [
        ("gross_sales", 270, "start"), ("discount", -10, "cost"), ("returns", -25, "cost"),
        ("revenue", 235, "subtotal"), ("cost_of_goods", -149, "cost"), ("gross_profit", 86, "subtotal"),
        ("contact_cost", -36, "cost"), ("effort_cost", 0, "cost"), ("handling_cost", 0, "cost"),
        ("terms_cost", 0, "cost"), ("contribution", 50, "subtotal"), ("exposure_cost", 0, "cost"),
        ("campaign_cost", -4, "cost"), ("acquisition_cost", -12, "cost"), ("profit", 34, "end"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("known", "steps"),
    [
        ([], ["gross_sales", "discount", "returns", "profit"]),
        (["cost_of_goods"], ["gross_sales", "discount", "returns", "revenue", "cost_of_goods", "profit"]),
        (["contact_cost"], ["gross_sales", "discount", "returns", "revenue", "contact_cost", "profit"]),
    ],
)  # fmt: skip
def test_the_bridge_has_no_step_that_is_not_known(known: list[str], steps: list[str]) -> None:
    plain: list[Month] = [("anna", "2023-01", {"revenue": 100, "discount": 5})]
    assert [row["step"] for row in exact(profit.bridge(ledger(plain, known=known)))] == steps


def test_the_whale_curve_rises_to_its_peak_and_falls_to_the_total() -> None:
    rows = exact(profit.whale(profit.by_customer(ledger(MONTHS))))
    assert [(row["customers"], row["profit"]) for row in rows] == [
        (0, 0), (1, 55), (2, 55), (3, 53), (4, 46), (5, 26),
    ]  # fmt: skip
    assert [row["customers"] for row in rows if row["is_peak"]] == [1]
    assert rows[1]["profit_share"] == pytest.approx(55 / 26)


def test_a_thinned_whale_curve_keeps_its_peak_and_its_ends() -> None:
    many: list[Month] = [(f"c{i:04d}", "2023-01", {"revenue": 10}) for i in range(777)]
    many += [(f"d{i:04d}", "2023-01", {"acquisition_cost": 3}) for i in range(223)]
    rows = exact(profit.whale(profit.by_customer(ledger(many)), points=10))
    assert len(rows) <= 12
    assert [row["customers"] for row in rows if row["is_peak"]] == [777]
    assert (rows[0]["profit"], rows[-1]["profit"]) == (0, 7770 - 669)


def test_peak_and_tail_make_the_whole() -> None:
    (row,) = exact(profit.peak(profit.by_customer(ledger(MONTHS))))
    assert (row["customers"], row["earning"], row["unprofitable"], row["never_bought"]) == (
        5,
        1,
        3,
        2,
    )
    assert (row["peak_profit"], row["loss"], row["profit"]) == (55, 29, 26)
    assert row["peak_rate"] == pytest.approx(55 / 26)
    assert (row["earning_share"], row["unprofitable_share"]) == (0.2, 0.6)


def test_there_is_no_rate_where_nothing_is_earned() -> None:
    loss: list[Month] = [("a", "2023-01", {"revenue": 5}), ("b", "2023-01", {"contact_cost": 9})]
    (row,) = exact(profit.peak(profit.by_customer(ledger(loss))))
    assert (row["profit"], row["peak_rate"]) == (-4, None)


def test_revenue_alone_makes_nobody_unprofitable() -> None:
    customers = profit.by_customer(ledger(MONTHS, known=[]))
    with pytest.raises(NotInData, match="needs a cost"):
        profit.whale(customers)


def test_groups_add_up_and_those_without_one_are_a_row() -> None:
    groups = ibis.memtable({"customer_id": ["anna", "ben", "dora"], "tier": ["A", "B", "B"]})
    customers = profit.by_customer(ledger(MONTHS))
    rows = {row["tier"]: row for row in exact(profit.by_group(customers, groups, "tier"))}
    assert {tier: row["profit"] for tier, row in rows.items()} == {"A": 55, "B": -20, None: -9}
    assert rows["B"]["unprofitable_share"] == 0.5
    assert sum(row["profit_share"] for row in rows.values()) == pytest.approx(1)  # type: ignore[misc]
    with pytest.raises(UsageError, match="Did you mean 'tier'"):
        profit.by_group(customers, groups, "tir")


LINES = ibis.memtable(
    {
        "product_id": ["tea", "tea", "cup", "pot", "pot"],
        "amount": [10.0, 4.0, 3.0, -8.0, 9.0],
        "cost": [6.0, 5.0, 1.0, -6.0, None],
    }
)


def test_products_by_hand_with_sales_below_cost() -> None:
    goods = ibis.memtable({"product_id": ["tea", "cup"], "category": ["drinks", "crockery"]})
    rows = {row["category"]: row for row in exact(profit.by_product(LINES, goods))}
    assert {name: row["gross_profit"] for name, row in rows.items()} == {
        "drinks": 3, "crockery": 2, None: -2,
    }  # fmt: skip
    assert (rows["drinks"]["below_cost"], rows["drinks"]["below_cost_loss"]) == (1, 1)
    assert rows[None]["below_cost"] == 0, "a return is no sale below cost"
    assert rows["drinks"]["gross_rate"] == pytest.approx(3 / 14)


def test_products_say_what_they_need() -> None:
    with pytest.raises(NotInData, match="`cost`"):
        profit.by_product(LINES.drop("cost"), by="product_id")
    with pytest.raises(NotInData, match="`category` of the table `products`"):
        profit.by_product(LINES)
    with pytest.raises(UsageError, match="Did you mean 'category'"):
        profit.by_product(LINES, by="categry")


def test_the_order_of_rows_does_not_matter() -> None:
    backwards = collect(profit.by_customer(ledger(MONTHS[::-1])).order_by("customer_id"))
    assert backwards.equals(collect(profit.by_customer(ledger(MONTHS)).order_by("customer_id")))
