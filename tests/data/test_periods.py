"""The only date arithmetic of the product."""

from __future__ import annotations

from datetime import date
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_lib import periods
from crm_lib.errors import NotInData, UsageError
from crm_lib.periods import Window

DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))


def test_month_arithmetic_clips_to_the_last_day() -> None:
    assert periods.add_months(date(2023, 1, 31), 1) == date(2023, 2, 28)
    assert periods.add_months(date(2024, 3, 31), -1) == date(2024, 2, 29)
    assert periods.add_months(date(2023, 11, 15), 3) == date(2024, 2, 15)


@given(DAYS, st.integers(-600, 600))
def test_months_between_undoes_add_months(day: date, months: int) -> None:
    assert periods.months_between(day, periods.add_months(day, months)) == months


@given(DAYS)
def test_last_full_month_ends_by_as_of(as_of: date) -> None:
    month = periods.last_full_month(as_of)
    assert month.end <= as_of < periods.add_months(month.end, 1)
    assert not periods.is_partial_month(month.start, Window(month.start, as_of))


def test_a_month_cut_by_as_of_is_partial() -> None:
    observed = Window(date(2010, 12, 1), date(2011, 12, 10))
    partial = [m for m in periods.months(observed) if periods.is_partial_month(m, observed)]
    assert partial == [date(2011, 12, 1)]


def test_back_fill_days_keep_the_day_of_the_month() -> None:
    found = periods.as_of_days("2024-01-31..2024-04-30", "month")
    assert found == [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)]
    assert periods.as_of_days("2018-01-01") == [date(2018, 1, 1)]


@pytest.mark.parametrize(
    ("text", "every", "said"),
    [
        ("01.01.2018", None, "YYYY-MM-DD"),
        ("2017-01-01..2017-03-01", None, "needs a step"),
        ("2017-03-01..2017-01-01", "month", "ends before it starts"),
        ("2017-01-01", "month", "needs a range"),
    ],
)
def test_wrong_days_say_what_is_wrong(text: str, every: periods.Step | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        periods.as_of_days(text, every)


def test_a_window_cannot_be_empty() -> None:
    with pytest.raises(UsageError, match="must end after it starts"):
        Window(date(2020, 1, 1), date(2020, 1, 1))


def test_windows_to_compare_lie_side_by_side_in_what_was_observed() -> None:
    observed = Window(date(2023, 1, 1), date(2023, 3, 20))
    after, before = periods.compared(observed, months=1)
    assert (after.start, after.end) == (date(2023, 2, 1), date(2023, 3, 1))
    assert (before.start, before.end) == (date(2023, 1, 1), date(2023, 2, 1))
    assert periods.compared(observed, months=2) == (after, before), "no more than was observed"
    with pytest.raises(NotInData, match="Two full months are needed"):
        periods.compared(Window(date(2023, 1, 1), date(2023, 2, 20)), months=3)
    for wrong in (0, "3", 2.5):
        with pytest.raises(UsageError, match=f"months must be a whole .* 1, not {wrong!r}"):
            periods.compared(observed, months=cast(int, wrong))
        with pytest.raises(UsageError, match="months must be a whole number"):
            periods.trailing(observed.end, cast(int, wrong))
    assert periods.compared(observed, months=cast(int, np.int64(1))) == (after, before)
