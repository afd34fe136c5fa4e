"""Histories: what is refused, and that unit, order and compression change nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.btyd import MODELS, Histories, histories
from crm_lib.btyd.histories import DAYS, distinct, factor
from crm_lib.errors import NoModel, UsageError

FIVE = pd.DataFrame(
    {
        "x": [0, 2, 1, 0, 5, 2, 3],
        "t_x": [0, 30, 10, 0, 77, 30, 60],
        "T": [100, 90, 80, 100, 84, 90, 70],
    }
)
ALL = pytest.mark.parametrize("name", sorted(MODELS))


# --- what is refused ------------------------------------------------------------------------------


def test_a_unit_must_be_said() -> None:
    with pytest.raises(TypeError):
        histories(FIVE)  # type: ignore[call-arg]


def test_an_unknown_unit_is_named_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"weeks.*week"):
        histories(FIVE, unit="weeks")  # type: ignore[arg-type]


def test_a_frame_in_weeks_is_not_taken_as_days() -> None:
    frame = FIVE.copy()
    frame.attrs["unit"] = "week"
    with pytest.raises(UsageError, match="in weeks, but unit is 'day'"):
        histories(frame, unit="day")
    assert histories(frame, unit="week").unit == "week"


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("x", 1.5, "no count"),
        ("x", -1, "no count"),
        ("t_x", 101, "later than T"),
        ("t_x", -1, "negative"),
        ("T", np.nan, "missing or infinite"),
        ("T", np.inf, "missing or infinite"),
    ],
)
def test_what_is_wrong_is_counted_with_an_example(column: str, value: float, says: str) -> None:
    frame = FIVE.astype(float)
    frame.loc[1, column] = value
    with pytest.raises(UsageError, match=rf"1 of 7 histories.*{says}.*row 1"):
        histories(frame, unit="day")


def test_recency_without_a_repeat_is_refused() -> None:
    with pytest.raises(UsageError, match="no repeat"):
        histories(FIVE.assign(t_x=FIVE["t_x"] + 1), unit="day")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(UsageError, match="t_x is missing"):
        histories(FIVE.drop(columns="t_x"), unit="day")


def test_no_customer_is_no_model() -> None:
    with pytest.raises(NoModel, match="no customer"):
        histories(FIVE.assign(weight=0), unit="day")


def test_recency_of_who_never_repeated_may_be_null() -> None:
    frame = FIVE.astype({"t_x": "Int64"})
    frame.loc[[0, 3], "t_x"] = pd.NA
    assert list(histories(frame, unit="day").t_x) == list(FIVE["t_x"])


# --- what changes nothing -------------------------------------------------------------------------


@ALL
def test_days_and_weeks_give_the_same_model_and_predictions(name: str, sample: Histories) -> None:
    weeks, days = MODELS[name].fit(sample), MODELS[name].fit(sample.to("day"))
    for parameter, value in weeks.params_.items():
        by = 7 if parameter in MODELS[name].time_names else 1
        assert days.params_[parameter] == pytest.approx(value * by, rel=1e-4)
    pd.testing.assert_frame_equal(
        weeks.predict(sample, horizon=39, unit="week"),
        days.predict(sample, horizon=273, unit="day"),
        rtol=1e-4,
    )


@ALL
def test_a_model_in_weeks_reads_histories_in_days(name: str, sample: Histories) -> None:
    model = MODELS[name].fit(sample)
    pd.testing.assert_frame_equal(
        model.predict(sample.to("day"), horizon=1, unit="year"),
        model.predict(sample, horizon=365.25 / 7, unit="week"),
        rtol=1e-8,
    )


@ALL
def test_order_of_rows_changes_nothing_but_the_order_of_predictions(
    name: str, sample_days: pd.DataFrame
) -> None:
    mixed = sample_days.sample(frac=1, random_state=1)
    plain, other = (
        MODELS[name].fit(histories(frame, unit="day")) for frame in (sample_days, mixed)
    )
    assert other.params_ == pytest.approx(plain.params_, rel=1e-9)
    there = other.predict(histories(mixed, unit="day"), horizon=90, unit="day")
    here = plain.predict(histories(sample_days, unit="day"), horizon=90, unit="day")
    there.index, here.index = mixed.index, sample_days.index
    pd.testing.assert_frame_equal(there.loc[here.index], here, rtol=1e-8)


@ALL
def test_a_weight_is_as_many_rows(name: str, sample_days: pd.DataFrame) -> None:
    few = sample_days.head(400)
    weight = np.arange(len(few)) % 3 + 1
    weighted = MODELS[name].fit(histories(few.assign(weight=weight), unit="day"))
    repeated = MODELS[name].fit(histories(few.loc[few.index.repeat(weight)], unit="day"))
    assert weighted.params_ == pytest.approx(repeated.params_, rel=1e-9)
    assert weighted.customers_ == repeated.customers_ == weight.sum()


@ALL
def test_compression_changes_no_likelihood(name: str, sample: Histories) -> None:
    short = sample.compressed()
    assert len(short) < len(sample)
    params = np.array([1.3 + i for i in range(len(MODELS[name].names))])
    whole, whole_slope = MODELS[name].log_likelihood_and_gradient(params, sample)
    part, part_slope = MODELS[name].log_likelihood_and_gradient(params, short)
    assert part == pytest.approx(whole, rel=1e-12)
    assert part_slope == pytest.approx(whole_slope, rel=1e-10)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(3, 5), st.integers(1, 4)),
        min_size=1,
        max_size=30,
    )
)
@settings(deadline=None)
def test_compression_adds_up_what_a_group_by_adds_up(
    rows: list[tuple[int, int, int, int]],
) -> None:
    frame = pd.DataFrame(rows, columns=["x", "t_x", "T", "weight"])
    frame["t_x"] = np.where(frame["x"] > 0, frame["t_x"], 0)
    short = histories(frame, unit="day").compressed()
    expected = frame.groupby(["x", "t_x", "T"])["weight"].sum().reset_index()
    found = pd.DataFrame({c: getattr(short, c) for c in expected.columns})
    pd.testing.assert_frame_equal(found, expected.astype(float))
    assert short.compressed() is short


def test_distinct_rows_find_their_way_back() -> None:
    columns = [FIVE[c].to_numpy(float) for c in FIVE.columns]
    parts, place = distinct(*columns)
    assert len(parts[0]) == 5
    for part, column in zip(parts, columns, strict=True):
        assert (part[place] == column).all()


def test_coarse_histories_have_the_same_customers_and_repeats(sample: Histories) -> None:
    coarse = sample.coarse()
    assert len(coarse) < len(sample.compressed())
    assert coarse.customers == sample.customers
    assert coarse.repeats == sample.repeats
    assert (coarse.t_x <= coarse.T).all()
    assert ((coarse.t_x > 0) == (coarse.x > 0)).all()


def test_units_are_of_days() -> None:
    assert factor("week", "day") == 7
    assert factor("year", "month") == pytest.approx(12)
    assert set(DAYS) == {"day", "week", "month", "year"}
