"""The decomposition of a change on numbers checked by hand."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pandas as pd
import pytest

from crm_lib.analysis import decomposition
from crm_lib.errors import NotInData, UsageError
from crm_lib.periods import Window
from tests.analysis.ledger import SIX, Ledger, exact

JANUARY, FEBRUARY, MARCH = (Window(date(2023, m, 1), date(2023, m + 1, 1)) for m in (1, 2, 3))
EMPTY = Window(date(2022, 1, 1), date(2022, 2, 1))


def by_factor(frame: pd.DataFrame, column: str) -> dict[str, float]:
    return dict(zip(frame["factor"], frame[column], strict=True))


def test_two_factors_share_their_joint_effect() -> None:
    # 2 × 10 = 20 → 3 × 12 = 36: customers (3−2)·(10+12)/2 = 11, value (12−10)·(2+3)/2 = 5.
    effects = decomposition.shapley({"customers": 2, "value": 10}, {"customers": 3, "value": 12})
    assert effects == {"customers": 11, "value": 5}


def test_three_factors_and_a_negative_one() -> None:
    before, after = {"a": 1, "b": 2, "c": -3}, {"a": 2, "b": 0, "c": 4}
    effects = decomposition.shapley(before, after)
    assert sum(effects.values()) == 0 - (-6)
    # a: weights 1/3, 1/6, 1/6, 1/3 on the products b·c of (2,−3), (0,−3), (2,4), (0,4).
    assert effects["a"] == Fraction(-6, 3) + Fraction(8, 6)


def test_both_windows_need_the_same_factors() -> None:
    with pytest.raises(UsageError, match="same factors"):
        decomposition.shapley({"a": 1}, {"b": 1})


def test_factors_of_a_window() -> None:
    (row,) = exact(decomposition.factors(Ledger(SIX).lines, FEBRUARY))
    # carla's return is no purchase; fred only returned; nothing was anonymous.
    assert row == {
        "customers": 2, "orders": 2, "lines": 2, "purchases": 550, "returns": -105, "anonymous": 0,
        "revenue": 445,
    }  # fmt: skip


def test_effects_add_up_to_the_change_of_the_ledger() -> None:
    frame = decomposition.decompose(Ledger(SIX).lines, before=FEBRUARY, after=MARCH)
    effect = by_factor(frame, "effect")
    assert effect["total"] == 130 - 445
    assert sum(frame["effect"][:-1]) == pytest.approx(effect["total"], abs=1e-9)
    # 2 customers × 1 order × 1 line × 275 → 3 × 1 × 1 × 30.
    assert effect["customers"] == pytest.approx((275 + 30) / 2)
    assert effect["orders_a_customer"] == effect["lines_an_order"] == 0
    assert effect["value_a_line"] == pytest.approx((30 - 275) * 2.5)
    assert (effect["returns"], effect["anonymous"]) == (105, 40)
    assert by_factor(frame, "share")["total"] == 1


def test_an_empty_window_gives_the_change_to_customers() -> None:
    frame = decomposition.decompose(Ledger(SIX).lines, before=EMPTY, after=JANUARY)
    assert by_factor(frame, "effect")["customers"] == 150
    assert pd.isna(by_factor(frame, "before")["value_a_line"])
    nothing = decomposition.decompose(Ledger(SIX).lines, before=EMPTY, after=EMPTY)
    assert nothing["effect"].eq(0).all()
    assert nothing["share"].isna().all()


def test_margin_has_a_rate_more() -> None:
    costs = ["60", "20", "20", "10", "10", "400", "-80", "5", "10", "-2", "20"]
    ledger = Ledger(SIX, costs=costs)
    frame = decomposition.decompose(ledger.lines, before=FEBRUARY, after=MARCH, measure="margin")
    effect, after = by_factor(frame, "effect"), by_factor(frame, "after")
    # February: 445 − (20+400−80−2) = 107; March: 130 − (20+10+5+20) = 75.
    assert effect["total"] == 75 - 107
    assert sum(frame["effect"][:-1]) == pytest.approx(-32, abs=1e-9)
    assert after["margin_rate"] == pytest.approx(55 / 90)
    assert after["anonymous"] == 20


def test_margin_of_gifts_comes_out_though_it_has_no_rate() -> None:
    gift = Ledger([("a", "1", "2023-02-01", "0"), ("a", "2", "2023-03-01", "9")], costs=["4", "5"])
    lines = gift.lines.mutate(is_purchase=True)
    frame = decomposition.decompose(lines, before=FEBRUARY, after=MARCH, measure="margin")
    assert by_factor(frame, "before")["total"] == -4
    assert by_factor(frame, "effect")["total"] == 8
    assert sum(frame["effect"][:-1]) == pytest.approx(8, abs=1e-9)


def test_margin_needs_costs_and_measures_are_two() -> None:
    lines = Ledger(SIX).lines
    with pytest.raises(NotInData, match="`cost`"):
        decomposition.decompose(lines, before=JANUARY, after=MARCH, measure="margin")
    with pytest.raises(UsageError, match="Did you mean 'revenue'"):
        decomposition.decompose(lines, before=JANUARY, after=MARCH, measure="revenu")  # type: ignore[arg-type]


def test_groups_add_up_to_the_whole() -> None:
    lines = Ledger(SIX).lines
    lines = lines.mutate(place=(lines.order_id.cast("int64") % 3).cast("string").nullif("0"))
    frame = decomposition.decompose(lines, before=FEBRUARY, after=MARCH, by="place")
    totals = frame[frame["factor"] == "total"]
    assert totals["effect"].sum() == 130 - 445
    assert totals["before"].sum() == 445
    assert totals["place"].isna().sum() == 1
    with pytest.raises(UsageError, match="Did you mean 'place'"):
        decomposition.decompose(lines, before=FEBRUARY, after=MARCH, by="plase")
