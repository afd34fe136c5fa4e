"""Frames that show what a model gets right: they add up, and they show a wrong model as wrong.

The published table of CDNOW by repeats is checked in tests/golden/test_verified.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib import btyd
from crm_lib.btyd.diagnostics import by_decile, by_p_alive, by_repeats, frequency, tracking
from crm_lib.btyd.holdout import Holdout, holdout
from crm_lib.btyd.nbd import Nbd
from crm_lib.errors import UsageError

RATE, WEEKS, HORIZON = 0.2, 40, 20


@pytest.fixture(scope="module")
def purchases() -> list[np.ndarray]:
    """600 customers who enter through the first ten weeks and never leave; gamma rates, mean 0.2."""
    random = np.random.default_rng(3)
    made = []
    for _ in range(600):
        rate = random.gamma(2.0, RATE / 2)
        times = random.integers(1, 70) / 7 + np.concatenate(
            [[0], np.cumsum(random.exponential(1 / rate, 200))]
        )
        made.append(times[times <= WEEKS + HORIZON])
    return made


@pytest.fixture(scope="module")
def held(purchases: list[np.ndarray]) -> Holdout:
    rows = []
    for times in purchases:
        seen = times[times <= WEEKS]
        rows.append((len(seen) - 1, seen[-1] - seen[0], WEEKS - times[0], len(times) - len(seen)))
    return holdout(pd.DataFrame(rows, columns=["x", "t_x", "T", "actual"]), horizon=HORIZON, unit="week")  # fmt: skip


@pytest.fixture(scope="module")
def true() -> Nbd:
    return Nbd(unit="week", r=2.0, alpha=2.0 / RATE)


def counted(purchases: list[np.ndarray], ends: np.ndarray) -> np.ndarray:
    repeats = np.concatenate([times[1:] for times in purchases]) - WEEKS
    return np.histogram(repeats, bins=np.concatenate([[-np.inf], ends]))[0]


def test_tracking_follows_customers_from_the_day_they_came(
    purchases: list[np.ndarray], held: Holdout, true: Nbd
) -> None:
    ends = np.arange(-WEEKS + 4, HORIZON + 1, 4.0)
    table = tracking(true, held.seen, counted(purchases, ends), ends=ends, unit="week")
    # NBD: E[X(t)] = rate · t, by hand.
    entered = WEEKS - np.repeat(held.seen.T, held.weight.astype(int))
    by_hand = [RATE * np.maximum(WEEKS + end - entered, 0).sum() for end in ends]
    assert table["expected_cumulative"].to_list() == pytest.approx(by_hand, rel=1e-3)
    assert table["expected"].sum() == pytest.approx(by_hand[-1], rel=1e-3)
    assert table["actual_cumulative"].iloc[-1] == held.seen.repeats + held.purchases
    assert table["is_holdout"].sum() == HORIZON / 4
    gap = table["actual_cumulative"].iloc[-1] / table["expected_cumulative"].iloc[-1] - 1
    assert abs(gap) < 0.1


def test_tracking_takes_ends_in_another_unit(purchases: list[np.ndarray], held: Holdout, true: Nbd) -> None:  # fmt: skip
    ends = np.arange(-WEEKS + 4, HORIZON + 1, 4.0)
    actual = counted(purchases, ends)
    weekly = tracking(true, held.seen, actual, ends=ends, unit="week")
    daily = tracking(true, held.seen, actual, ends=ends * 7, unit="day")
    assert daily["expected"].to_list() == pytest.approx(weekly["expected"].to_list(), rel=1e-3)


@pytest.mark.parametrize(("ends", "actual"), [([1, 2], [3]), ([2, 1], [3, 3]), ([[1]], [[1]])])
def test_tracking_refuses_periods_that_do_not_follow_each_other(
    held: Holdout, true: Nbd, ends: list[float], actual: list[float]
) -> None:
    with pytest.raises(UsageError, match="one ascending end and one count"):
        tracking(true, held.seen, actual, ends=ends, unit="week")


def test_groups_by_repeats_add_up_to_all(held: Holdout, true: Nbd) -> None:
    expected = true.expected_purchases(held.seen, horizon=HORIZON, unit="week")
    table = by_repeats(held, expected)
    assert table["customers"].sum() == held.customers
    assert table["customers"] @ table["actual"] == pytest.approx(held.purchases)
    assert table["customers"] @ table["expected"] == pytest.approx(held.total(expected))
    assert table["is_open"].to_list() == [False] * (len(table) - 1) + [True]
    assert table["expected"].is_monotonic_increasing
    # Customers never left, so the true model is right in every group, up to chance.
    error = np.sqrt(table["expected"] / table["customers"])
    assert (abs(table["actual"] - table["expected"]) < 4 * error + 0.05).all()


def test_deciles_hold_equally_many_and_add_up(held: Holdout, true: Nbd) -> None:
    expected = true.expected_purchases(held.seen, horizon=HORIZON, unit="week")
    table = by_decile(held, expected)
    assert table["customers"].to_list() == [held.customers / 10] * 10
    assert table["customers"] @ table["actual"] == pytest.approx(held.purchases)
    assert table["customers"] @ table["expected"] == pytest.approx(held.total(expected))
    assert table["expected"].is_monotonic_decreasing
    assert table["actual_share"].sum() == pytest.approx(1)
    assert table["actual"].iloc[0] > 3 * table["actual"].iloc[-1]


def test_equal_predictions_make_equal_deciles(held: Holdout) -> None:
    table = by_decile(held, np.ones(len(held.seen)))
    assert table["actual"].to_list() == pytest.approx([held.purchases / held.customers] * 10)


def test_frequency_counts_every_customer_and_takes_each_for_his_own_time(
    held: Holdout, true: Nbd
) -> None:
    table = frequency(true, held.seen, top=10)
    assert table["actual"].sum() == held.customers
    assert table["expected"].sum() == pytest.approx(held.customers)
    spans = np.repeat(held.seen.T, held.weight.astype(int))
    none = ((2 / RATE) / (2 / RATE + spans)) ** 2  # NBD: P(X(T) = 0) = (α/(α+T))^r
    assert table["expected"].iloc[0] == pytest.approx(none.sum())
    assert (abs(table["actual"] - table["expected"]) < 4 * np.sqrt(table["expected"])).all()
    wrong = frequency(Nbd(unit="week", r=2.0, alpha=1.0 / RATE), held.seen, top=10)
    assert (abs(wrong["actual"] - wrong["expected"]) > 4 * np.sqrt(wrong["expected"])).any()


def test_bands_of_p_alive_hold_every_customer_once(held: Holdout) -> None:
    model = btyd.fit(held.seen, "bg_nbd")
    alive = model.p_alive(held.seen)
    table = by_p_alive(held, alive)
    assert table["customers"].sum() == held.customers
    assert table["customers"] @ table["p_alive"] == pytest.approx(held.total(alive))
    bought = held.total((held.actual > 0).astype(float))
    assert table["customers"] @ table["bought_share"] == pytest.approx(bought)
    assert ((table["low"] <= table["p_alive"]) & (table["p_alive"] <= table["high"])).all()


def test_the_ends_of_a_band_belong_to_the_next_but_for_1(held: Holdout) -> None:
    alive = np.where(np.arange(len(held.seen)) % 2 == 0, 0.5, 1.0)
    table = by_p_alive(held, alive, bands=(0, 0.5, 1))
    assert table[["low", "high"]].values.tolist() == [[0.5, 1.0]]


@pytest.mark.parametrize("bands", [(0, 0.5), (0.2, 1), (0, 0.5, 0.5, 1)])
def test_bands_that_leave_a_gap_are_refused(held: Holdout, bands: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="ascend from 0 to 1"):
        by_p_alive(held, held.seen.x * 0, bands=bands)
