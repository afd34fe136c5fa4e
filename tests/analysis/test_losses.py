"""Why customers are unprofitable: each component's part by hand, and the parts make the whole."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.analysis import losses, profit
from tests.analysis.ledger import exact
from tests.analysis.profits import Month, ledger

BASE: list[Month] = [
    ("good", "2023-01", {"revenue": 900, "cost_of_goods": 500, "contact_cost": 20}),
    ("talker", "2023-01", {"revenue": 100, "cost_of_goods": 50, "contact_cost": 80}),
]
"""Together: 1,000 sold, 550 of goods (55 %), 100 of contacts (10 %), 350 earned (35 %)."""


def customers(months: list[Month]) -> object:
    return profit.by_customer(ledger(months))


def test_gains_by_hand() -> None:
    rows = {row["customer_id"]: row for row in exact(losses.gains(customers(BASE)))}
    talker = rows["talker"]
    # 80 of contacts instead of 10 on 100 sold; goods at 50 instead of 55.
    assert talker["gain_contact_cost"] == pytest.approx(70)
    assert talker["gain_cost_of_goods"] == pytest.approx(-5)
    # Average, it would have earned 35; it lost 30.
    assert talker["shortfall"] == pytest.approx(65)


def test_the_cause_alone_would_have_ended_the_loss() -> None:
    (row,) = exact(losses.negatives(customers(BASE)))
    assert (row["customer_id"], row["loss"], row["cause"]) == ("talker", 30, "contact_cost")
    assert row["is_alone"]


def test_returns_take_their_goods_along() -> None:
    """What came back is worth its margin only: with goods at 60 %, 100 returned cost 40."""
    months: list[Month] = [
        ("good", "2023-01", {"revenue": 1000, "cost_of_goods": 600}),
        ("sender", "2023-01", {"revenue": 0, "returns": 100, "contact_cost": 1}),
    ]
    rows = {row["customer_id"]: row for row in exact(losses.gains(customers(months)))}
    # 100 of 1,100 gross sales came back in all: 9.09 of the sender's 100 would be average.
    assert rows["sender"]["gain_returns"] == pytest.approx((100 - 100 / 11) * 0.4)
    (row,) = exact(losses.negatives(customers(months)))
    assert row["cause"] == "returns"


def test_who_never_bought_has_the_cost_that_was_spent() -> None:
    months: list[Month] = [*BASE, ("nobody", "2023-02", {"acquisition_cost": 12})]
    rows = {row["customer_id"]: row for row in exact(losses.negatives(customers(months)))}
    assert rows["nobody"]["cause"] == "acquisition_cost"
    assert rows["nobody"]["gain"] == pytest.approx(12)
    assert rows["nobody"]["is_alone"]
    assert rows["nobody"]["first_month"] is None


def test_two_costs_together_are_alone_none() -> None:
    months: list[Month] = [
        ("good", "2023-01", {"revenue": 1000, "cost_of_goods": 500}),
        ("both", "2023-01", {"contact_cost": 6, "effort_cost": 5}),
    ]
    (row,) = exact(losses.negatives(customers(months)))
    assert (row["cause"], row["is_alone"]) == ("contact_cost", False)


def test_where_everybody_loses_alike_no_cost_is_to_blame() -> None:
    months: list[Month] = [
        (name, "2023-01", {"revenue": 100 * n, "cost_of_goods": 120 * n}) for n, name in ((1, "a"), (2, "b"))
    ]  # fmt: skip
    assert {row["cause"] for row in exact(losses.negatives(customers(months)))} == {"none"}


def test_causes_add_up_to_all_losses() -> None:
    months: list[Month] = [
        *BASE,
        ("nobody", "2023-02", {"acquisition_cost": 12}),
        ("late", "2023-03", {"revenue": 10, "cost_of_goods": 5, "acquisition_cost": 9}),
    ]
    found = losses.negatives(customers(months))
    rows = exact(losses.causes(found, recent_since=date(2023, 3, 1)))
    assert [row["cause"] for row in rows] == ["contact_cost", "acquisition_cost"]
    assert sum(row["loss"] for row in rows) == sum(row["loss"] for row in exact(found))  # type: ignore[misc]
    assert sum(row["loss_share"] for row in rows) == pytest.approx(1)  # type: ignore[misc]
    second = rows[1]
    assert (second["customers"], second["never_bought"], second["recent"]) == (2, 1, 1)


AMOUNTS = st.integers(0, 1_000)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "revenue": st.integers(-300, 1_000), "discount": AMOUNTS, "returns": st.integers(300, 900),
            "cost_of_goods": AMOUNTS, "contact_cost": AMOUNTS, "acquisition_cost": AMOUNTS,
        }
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(people=PEOPLE, scale=st.sampled_from([1, 100]))
def test_gains_make_up_the_shortfall_in_any_ledger_and_scale(
    people: list[dict[str, int]], scale: int
) -> None:
    months: list[Month] = [
        (f"c{i}", "2023-01", {name: amount * scale for name, amount in person.items()})
        for i, person in enumerate(people)
    ]
    for row in exact(losses.gains(customers(months))):
        parts = sum(float(row[f"gain_{name}"]) for name in losses.COMPONENTS)  # type: ignore[arg-type]
        assert parts == pytest.approx(row["shortfall"], abs=1e-6 * scale)
