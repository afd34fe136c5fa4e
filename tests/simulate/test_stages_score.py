"""The score of the stages: calls and delays by hand, and a truth that is turned round is noticed."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crm_lib.score import stages
from crm_lib.score.stages import PARTS

DAY = date(2025, 7, 1)


def seen(*rows: tuple[bool, int, float, int]) -> pd.DataFrame:
    """A census from (gone, days since the last purchase, expected gap, days since leaving), the same
    rows in every part of the customers."""
    frame = pd.DataFrame(rows, columns=["gone", "days_since_last", "expected_gap_days", "left"])
    frame = frame.assign(
        day=DAY,
        silence=frame.days_since_last / frame.expected_gap_days,
        last_on=pd.Timestamp(DAY) - pd.to_timedelta(frame.days_since_last + 1, "D"),
        left_on=pd.Timestamp(DAY) - pd.to_timedelta(frame.left, "D"),
    )
    return pd.concat([frame.assign(part=part) for part in range(PARTS)], ignore_index=True)


WEEKLY_GONE = (True, 60, 7.0, 60)
YEARLY_ALIVE = (False, 200, 300.0, 0)
RHYTHMS = seen(WEEKLY_GONE, (True, 120, 7.0, 110), YEARLY_ALIVE, (False, 3, 7.0, 0))


def test_own_gaps_tell_who_has_left_where_rhythms_differ() -> None:
    row = stages._ranking(RHYTHMS)
    assert row.found.startswith("1.000")
    assert row.planted.startswith("0.500")  # the yearly customer is the longest silent of all
    assert row.holds is True


def test_calls_at_equal_false_alarms() -> None:
    row = stages._caught(RHYTHMS, limit=1.0, alarms=0.5)
    assert row.planted == "50.0% after 90 days"
    assert row.found == "100.0% after 1.00 own gaps"
    assert row.holds is True


def test_days_from_leaving_to_the_call() -> None:
    gone = RHYTHMS[RHYTHMS.gone]
    row = stages._delay(gone, limit=3.0)
    # Last purchases 61 and 121 days before; left 60 and 110 days before, so 1 and 11 days later.
    # A fixed rule calls on day 91 of the silence; three gaps of 7 days are over on day 22.
    assert row.planted == "80 – 85 – 90 days"
    assert row.found == "11 – 16 – 21 days"
    assert row.holds is True


def test_who_ranks_the_living_first_does_not_hold() -> None:
    turned = RHYTHMS.assign(gone=~RHYTHMS.gone)
    assert stages._ranking(turned).holds is False


def test_what_chance_may_do_is_tolerated_and_no_more() -> None:
    stream = np.random.default_rng(5)
    rows = [(bool(i % 2), int(d), 10.0, 5) for i, d in enumerate(stream.integers(1, 400, 40))]
    same = seen(*rows)
    same["silence"] = same.days_since_last + stream.normal(0, 30, len(same))  # noise, no advantage
    assert stages._ranking(same).holds is True
    worse = same.assign(silence=same.silence - 60 * same.gone)
    assert stages._ranking(worse).holds is False


def test_too_few_are_not_judged() -> None:
    few = RHYTHMS[RHYTHMS.part < 3]
    row = stages._ranking(few)
    assert (row.tolerance, row.holds) == ("too few to judge", None)


@pytest.mark.parametrize("limit", [1.5, 3.0, 6.0])
def test_calls_by_stage(limit: float) -> None:
    text = stages._calls(RHYTHMS.gone, RHYTHMS.silence > limit)
    assert text == "100.0% right (misses 0.0% of the gone, calls 0.0% of the living)"
    fixed = stages._calls(RHYTHMS.gone, RHYTHMS.days_since_last > 90)
    assert fixed == "50.0% right (misses 50.0% of the gone, calls 50.0% of the living)"
