"""The repeat ladder and the time to a second purchase on numbers checked by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from crm_lib.analysis import repeat
from crm_lib.errors import UsageError
from tests.analysis.ledger import SIX, Ledger

# Second purchases after 5 and 10 days; two customers still waiting after 7 and 20 days.
FOUR = [
    ("a", "1", "2023-01-01", "1"), ("a", "2", "2023-01-06", "1"),
    ("b", "3", "2023-01-02", "1"), ("b", "4", "2023-01-12", "1"),
    ("c", "5", "2023-01-24", "1"),
    ("d", "6", "2023-01-11", "1"),
]  # fmt: skip


def four(**options: str) -> Ledger:
    return Ledger(FOUR, end="2023-02-01", **{"warm_up_ends": "2023-01-01", **options})


def test_survival_is_kaplan_and_meier() -> None:
    frame = repeat.survival(four().customers)
    alive = dict(zip(frame["days"], frame["survival"], strict=True))
    # 3 of 4 after day 5; one censored at 7; half of the two left after day 10.
    assert alive == pytest.approx({0: 1, 5: 3 / 4, 7: 3 / 4, 10: 3 / 8, 20: 3 / 8})
    assert list(frame["customers"]) == [4, 4, 3, 2, 1]
    assert (frame["lower"] <= frame["survival"]).all()
    assert (frame["survival"] <= frame["upper"]).all()
    assert frame["share"].iloc[-1] == pytest.approx(5 / 8)
    assert not frame[["lower", "upper"]].isna().any(axis=None)


def test_time_to_second() -> None:
    frame = repeat.time_to_second(four().customers, horizons=(7, 20, 90)).set_index("within_days")
    assert frame.loc[7, "share"] == pytest.approx(1 / 4)
    assert frame.loc[20, "share"] == pytest.approx(5 / 8)
    assert frame.loc[20, "lower"] < 5 / 8 < frame.loc[20, "upper"]
    assert pd.isna(frame.loc[90, "share"])  # nobody was observed for 90 days
    assert frame["median_days"].eq(10).all()
    assert (frame["customers"].iloc[0], frame["returned"].iloc[0]) == (4, 2)


def test_groups_and_missing_values() -> None:
    customers = four().customers
    grouped = customers.mutate(
        size=(customers.customer_id < "c").ifelse(
            "small", (customers.customer_id == "d").ifelse("big", None)
        )
    )
    frame = repeat.time_to_second(grouped, by="size", horizons=(20,)).set_index("group")
    assert frame["customers"].to_dict() == {"big": 1, "small": 2, "unknown": 1}
    assert frame["returned"].to_dict() == {"big": 0, "small": 2, "unknown": 0}
    assert frame.loc["small", "share"] == 1  # everyone came back within 10 days
    assert frame.loc["big", "share"] == 0
    assert pd.isna(frame.loc["unknown", "share"])
    with pytest.raises(UsageError, match="Did you mean 'size'"):
        repeat.survival(grouped, by="sise")


def test_first_seen_customers_only_on_request() -> None:
    customers = four(warm_up_ends="2023-01-02").customers  # a was there from the first day
    assert repeat.time_to_second(customers)["customers"].iloc[0] == 3
    assert repeat.time_to_second(customers, include_first_seen=True)["customers"].iloc[0] == 4


def test_nobody_left_to_follow() -> None:
    ledger = four(warm_up_ends="2023-02-01")
    assert repeat.survival(ledger.customers).empty
    assert repeat.time_to_second(ledger.customers).empty
    empty = repeat.ladder(ledger.customers, ledger.occasions)
    assert empty.empty
    assert "probability_within" in empty.columns


def test_ladder() -> None:
    ledger = four()
    (first, second) = repeat.ladder(ledger.customers, ledger.occasions, within_days=7).to_dict(
        "records"
    )
    assert (first["step"], first["customers"], first["continued"]) == ("1st→2nd", 4, 2)
    assert first["probability"] == 0.5
    # Wilson 1927 for 2 of 4 at 95%.
    assert (first["lower"], first["upper"]) == pytest.approx((0.15004, 0.84996), abs=1e-5)
    assert first["median_gap_days"] == 7.5
    assert first["probability_within"] == pytest.approx(1 / 4)
    assert first["within_lower"] < 1 / 4 < first["within_upper"]
    assert (second["step"], second["customers"], second["continued"]) == ("2nd→3rd", 2, 0)
    assert pd.isna(second["median_gap_days"])
    assert second["probability_within"] == 0


def test_ladder_steps() -> None:
    ledger = Ledger(SIX, warm_up_ends="2023-01-01")
    frame = repeat.ladder(ledger.customers, ledger.occasions, steps=2)
    assert list(frame["step"]) == ["1st→2nd", "2nd→3rd"]
    # anna, ben, carla, dora, emil bought once; anna and ben twice; anna three times.
    assert list(frame["customers"]) == [5, 2]
    assert list(frame["continued"]) == [2, 1]
    assert list(frame["median_gap_days"]) == [(31 + 59) / 2, 28]


@pytest.mark.parametrize("options", [{"steps": 0}, {"within_days": 0}, {"steps": "3"}])
def test_ladder_options_are_positive(options: dict[str, Any]) -> None:
    ledger = four()
    with pytest.raises(UsageError, match="at least 1"):
        repeat.ladder(ledger.customers, ledger.occasions, **options)


def test_horizons_are_days() -> None:
    with pytest.raises(UsageError, match="days from 1 on"):
        repeat.time_to_second(four().customers, horizons=())


def test_ordinals() -> None:
    rows = [("a", str(d), f"2023-01-{d:02}", "1") for d in range(1, 24)]
    ledger = Ledger(rows, end="2023-02-01", warm_up_ends="2023-01-01")
    steps = list(repeat.ladder(ledger.customers, ledger.occasions, steps=30)["step"])
    assert steps[:3] == ["1st→2nd", "2nd→3rd", "3rd→4th"]
    assert "10th→11th" in steps
    assert "21st→22nd" in steps
