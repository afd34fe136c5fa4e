"""Campaigns: days, money and arms as they were planted, and redemptions that are orders."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from crm_lib import schema
from crm_lib.simulate import laws
from crm_lib.simulate.block import Block, Exposures
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.tables import campaigns, opening_hours
from tests.simulate.contact_world import World, company, world

SPRING = laws.Campaign(
    "spring", "promotion", 0.2, 28, lift=0.3, discount_rate=0.1, redemption=0.4, cost_each=0.35,
    cost_fixed=1_200,
)  # fmt: skip
EARLY = laws.Campaign("early", "retention", 0.1, 14, cost_each=0.5, silent_days=90)
LATER = laws.Campaign("later", "pilot", 1.2)


@pytest.fixture(scope="module")
def made() -> World:
    return world(of=company(campaigns=(SPRING, EARLY, LATER)))


@pytest.fixture(scope="module")
def exposures(made: World) -> Exposures:
    """The first ten customers in spring, every other treated; 0 and 2 redeem; 0 and 1 in early."""
    spring = made.block.clock.day_at(0.2)
    redeemed = np.full(12, np.nan)
    redeemed[[0, 2]] = spring + 0.0, spring + 7.25
    return Exposures(
        campaign=np.array([0] * 10 + [1] * 2),
        customer=np.array([*range(10), 0, 1]),
        is_treated=np.array([True, False] * 6),
        redeemed=redeemed,
    )


def _table(made: World, exposures: Exposures) -> pd.DataFrame:
    return campaigns.exposures_table(made.block, made.people, exposures).to_pandas()


def test_campaigns_of_the_window_by_day(made: World) -> None:
    table = campaigns.table(made.block.company, made.block.clock)
    assert tuple(table.column_names) == schema.CAMPAIGNS.column_names
    rows = table.to_pylist()
    assert [row["campaign_id"] for row in rows] == ["early", "spring"]
    assert rows[1] == {
        "campaign_id": "spring",
        "kind": "promotion",
        "starts_on": date(2025, 3, 15),  # 0.2 × 365 = day 73
        "ends_on": date(2025, 4, 11),
        "cost": Decimal("1200.00"),
    }


def test_truth_holds_what_was_planted(made: World) -> None:
    rows = campaigns.truth(made.block.company, made.block.clock).to_pylist()
    assert [row["silent_days"] for row in rows] == [90, 0]
    assert rows[1] == {
        "campaign_id": "spring", "kind": "promotion", "starts_on": date(2025, 3, 15),
        "ends_on": date(2025, 4, 11), "lift": 0.3, "discount_rate": 0.1, "redemption": 0.4,
        "control_share": 0.2, "silent_days": 0,
    }  # fmt: skip


def test_exposures_state_arm_times_and_cost(made: World, exposures: Exposures) -> None:
    table = _table(made, exposures)
    assert set(table.columns) == set(schema.EXPOSURES.column_names)
    assert table["customer_id"][9] == "C00000010"
    assert list(table["arm"][:2]) == ["treatment", "control"]
    assert set(table["cost"][table["arm"] == "control"]) == {Decimal("0.00")}
    assert set(table["cost"][(table["arm"] == "treatment")]) == {Decimal("0.35"), Decimal("0.50")}
    assert set(table["sent_at"]) == {
        pd.Timestamp("2025-03-15 08:00"), pd.Timestamp("2025-02-06 08:00"),
    }  # fmt: skip
    # A quarter of the twelve hours from 8 o'clock.
    assert table["redeemed_at"][2] == pd.Timestamp("2025-03-22 11:00")


def test_nothing_is_redeemed_before_it_was_sent(made: World, exposures: Exposures) -> None:
    redeemed = _table(made, exposures).dropna(subset="redeemed_at")
    assert list(redeemed["customer_id"]) == ["C00000001", "C00000003"]
    assert (redeemed["redeemed_at"] >= redeemed["sent_at"]).all()


def test_cost_of_a_customer_over_campaigns(made: World, exposures: Exposures) -> None:
    found = campaigns.cost_cents(made.block, made.people, exposures)
    assert list(found[:4]) == [85, 0, 35, 0]
    assert found.sum() == 5 * 35 + 50


def test_a_company_without_campaigns_has_empty_tables() -> None:
    bare = company()
    block = Block(bare, Clock(bare.laws, 12), 1, 0, 0, 10)
    nobody = Exposures(*(np.zeros(0, dtype=kind) for kind in ("i8", "i8", "?", "f8")))
    people = world(10, of=bare).people
    assert campaigns.table(bare, block.clock).num_rows == 0
    assert campaigns.exposures_table(block, people, nobody).num_rows == 0
    assert not campaigns.cost_cents(block, people, nobody).any()


def test_times_of_orders_come_back_within_a_second() -> None:
    """An order's second of the opening hours, made continuous and recorded again."""
    day, second = np.arange(0, 1_800, 7), 8 * 3600 + np.arange(0, 1_800, 7) * 24
    time = opening_hours.continuous(day, second)
    assert np.abs(opening_hours.seconds(time) - (day * 86_400 + second)).max() <= 1
