"""Spend expected of a held-out period: by hand, and on a law that holds and one that changes."""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pytest

from crm_lib.analysis import lifetime, margins, spend_ahead
from crm_lib.btyd.nbd import Nbd
from crm_lib.engine import collect
from crm_lib.periods import Window
from tests.analysis.base import Base
from tests.analysis.ledger import SIX, Ledger

MARCH = Window(date(2023, 3, 1), date(2023, 4, 1))


def expecting(occasions: ir.Table, day: date) -> ir.Table:
    """The customers known before the day, with what they are expected to spend on an occasion."""
    return margins.with_expected_spend(lifetime.known_before(occasions, split=day))


def test_six_customers_by_hand() -> None:
    occasions = Ledger(SIX).occasions
    known = expecting(occasions, MARCH.start)
    spend = collect(known).set_index("customer_id")["expected_spend"].to_dict()
    # Too few for a model: the mean of repeat occasions before March, one of 50.
    assert spend == {"anna": 50, "ben": 50, "carla": 50, "emil": 50}
    held = lifetime.holdout(occasions, split=MARCH.start, as_of=MARCH.end)
    model = Nbd(unit="day", r=1.0, alpha=59.0)
    row = spend_ahead.judge(known, held, model).iloc[0]
    # anna and ben buy for 80 together; dora, new in March, and carla's return do not count.
    assert (row["customers"], row["actual"], row["actual_occasions"]) == (4, 80, 2)
    # NBD: 31 (1 + x) / (59 + T), with T = 54, 39, 18, 44 and one repeat of anna.
    purchases = 31 * (2 / 113 + 1 / 98 + 1 / 77 + 1 / 103)
    assert row["expected_occasions"] == pytest.approx(purchases)
    assert row["expected"] == pytest.approx(50 * purchases)
    assert row["bias"] == pytest.approx(50 * purchases / 80 - 1)


@pytest.fixture(scope="module")
def base() -> Base:
    return Base()


@pytest.fixture(scope="module")
def choice(base: Base) -> lifetime.Choice:
    return lifetime.choose(base.customers, base.occasions, **base.span)  # type: ignore[arg-type]


def bias(occasions: ir.Table, choice: lifetime.Choice) -> float:
    window = choice.window
    assert window is not None
    known = expecting(occasions, window.start)
    found = spend_ahead.judge(known, choice.tested, choice.calibrated).iloc[0]
    assert found["customers"] == choice.tested.customers
    assert found["actual_occasions"] == choice.tested.purchases
    assert found["expected_occasions"] / found["actual_occasions"] - 1 == pytest.approx(
        choice.judged.set_index("contestant").loc[choice.calibrated.name, "bias"]
    )
    return float(found["bias"])


def test_a_law_that_holds_is_met(base: Base, choice: lifetime.Choice) -> None:
    assert abs(bias(base.occasions, choice)) < 0.1


def test_money_that_grows_is_found_though_purchases_are_right(
    base: Base, choice: lifetime.Choice
) -> None:
    """Everything costs half as much again in the held-out period, which no model had seen."""
    dearer = base.occasions.mutate(
        revenue=ibis.ifelse(base.occasions.on < ibis.literal(choice.split), 1.0, 1.5)
        * base.occasions.revenue.cast("float64")
    )
    steady = bias(base.occasions, choice)
    assert bias(dearer, choice) == pytest.approx((1 + steady) / 1.5 - 1)


def test_nothing_spent_has_no_bias(base: Base, choice: lifetime.Choice) -> None:
    window = choice.window
    assert window is not None
    ended = base.occasions.filter(base.occasions.on < ibis.literal(window.start))
    known = expecting(ended, window.start)
    row = spend_ahead.judge(known, choice.tested, choice.calibrated).iloc[0]
    assert row["actual"] == 0
    assert np.isnan(row["bias"])
    assert row["expected"] > 0


def test_what_comes_later_than_the_day_changes_no_expectation(base: Base) -> None:
    day = base.observed.start + timedelta(days=400)
    known = base.occasions.filter(base.occasions.on < ibis.literal(day))
    one, other = (
        collect(expecting(table, day).order_by("customer_id"))["expected_spend"]
        for table in (base.occasions, known)
    )
    assert one.equals(other)
