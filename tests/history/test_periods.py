"""Which order lines are counted together, and that what is closed stays closed."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_lib.history import Piece, periods_of
from crm_lib.history.periods import LINES, Period, batches
from crm_lib.periods import Window, add_months

AS_OF = date(2024, 1, 1)


def piece(first: str, last: str, key: str = "", rows: int = 10) -> Piece:
    return Piece(key or first, Path("x"), rows, date.fromisoformat(first), date.fromisoformat(last))


def windows(found: list[Period]) -> list[str]:
    return [str(period.window) for period in found]


def test_a_file_a_month_makes_a_period_a_month() -> None:
    found = periods_of(
        [piece("2023-02-01", "2023-02-28"), piece("2023-01-03", "2023-01-30")], AS_OF
    )
    assert windows(found) == ["2023-01-01 – 2023-01-31", "2023-02-01 – 2023-02-28"]


def test_files_that_share_a_month_share_a_period() -> None:
    pieces = [
        piece("2023-01-03", "2023-03-02", "long"),
        piece("2023-02-05", "2023-02-06", "within"),
        piece("2023-03-20", "2023-03-31", "end"),
        piece("2023-04-01", "2023-04-01", "apart"),
    ]
    found = periods_of(pieces, AS_OF)
    assert windows(found) == ["2023-01-01 – 2023-03-31", "2023-04-01 – 2023-04-30"]
    assert [item.key for item in found[0].pieces] == ["long", "within", "end"]


def test_a_period_ends_before_the_day_and_knows_nothing_later() -> None:
    later = [piece("2024-01-01", "2024-01-05"), Piece("undated", Path("x"), 5, None, None)]
    found = periods_of([piece("2023-12-02", "2024-01-20"), *later], date(2023, 12, 10))
    assert windows(found) == ["2023-12-01 – 2023-12-09"]
    assert periods_of(later, AS_OF) == []


def test_the_key_changes_with_a_row_and_with_the_window() -> None:
    (old,) = periods_of([piece("2023-12-02", "2023-12-20", "old")], AS_OF)
    (new,) = periods_of([piece("2023-12-02", "2023-12-20", "new")], AS_OF)
    (cut,) = periods_of([piece("2023-12-02", "2023-12-20", "old")], date(2023, 12, 10))
    assert len({old.key, new.key, cut.key}) == 3


def test_small_periods_are_counted_together_and_large_ones_in_turn() -> None:
    small = [piece(f"2023-0{month}-01", f"2023-0{month}-02") for month in range(1, 7)]
    assert windows(batches(periods_of(small, AS_OF))) == ["2023-01-01 – 2023-06-30"]
    large = [piece("2022-01-01", "2023-12-31", rows=3 * LINES)]
    assert windows(batches(periods_of(large, AS_OF))) == [
        "2022-01-01 – 2022-08-31", "2022-09-01 – 2023-04-30", "2023-05-01 – 2023-12-31",
    ]  # fmt: skip


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 5), st.integers(1, 3 * LINES)),
        min_size=1,
        max_size=12,
    )
)
def test_batches_cover_every_month_once(files: list[tuple[int, int, int]]) -> None:
    start = date(2021, 1, 1)
    pieces = [
        Piece(str(at), Path("x"), rows, add_months(start, first), add_months(start, first + more))
        for at, (first, more, rows) in enumerate(files)
    ]
    made = batches(periods_of(pieces, AS_OF))
    for one, other in pairwise(made):
        assert one.window.end <= other.window.start
    for item in pieces:
        assert item.first_on is not None
        assert item.last_on is not None
        inside = [period for period in made if item in period.pieces]
        assert inside[0].window.start <= item.first_on
        assert item.last_on < inside[-1].window.end


def test_a_window_is_not_empty() -> None:
    with pytest.raises(Exception, match="must end after"):
        Period(Window(AS_OF, AS_OF), ())
