"""CDNOW, 23,570 customers: quarters and the repeat ladder as recomputed from the raw log.

Kaplan–Meier is checked against the same estimate written with numpy from the raw log.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import flow, repeat, stages
from crm_lib.book import Book, open_book
from crm_lib.engine import collect


@pytest.fixture(scope="module")
def book(shared_data: Path) -> Book:
    return open_book("cdnow", as_of="1998-07-01")


def test_quarters(book: Book) -> None:
    table = flow.quarterly(
        book.customer_months,
        book.customers,
        book.months,
        observed=book.observed,
        warm_up_ends=book.warm_up_ends,
    )
    frame = collect(table)
    assert frame["closing"].to_list() == [23570, 5376, 4263, 4221, 3817, 3317]
    assert frame["new"].to_list() == [23570, 0, 0, 0, 0, 0]
    thousands = (frame["revenue_closing"] / 1000).round(1).to_list()
    assert thousands == [1071.8, 359.2, 292.4, 300.8, 262.8, 213.3]
    assert frame["revenue_closing"].sum() == pytest.approx(2_500_315.63, abs=0.005)


def test_repeat_ladder(book: Book) -> None:
    frame = repeat.ladder(book.customers, book.occasions, steps=4)
    assert frame["probability"].round(4).to_list() == [0.4886, 0.6492, 0.7051, 0.7276]
    assert frame["median_gap_days"].to_list() == [57, 52, 44, 37]
    first = frame.iloc[0]
    assert first["customers"] - first["continued"] == 12_054  # bought on one day only
    # Counting who has not come back yet as lost understates each later step.
    assert (frame["lower"] < frame["probability"]).all()
    assert (frame["probability"] < frame["upper"]).all()


def test_survival_against_the_raw_log(book: Book, shared_data: Path) -> None:
    log = pd.read_parquet(shared_data / "cdnow" / "cdnow_master.parquet")
    log["day"] = pd.to_datetime(log["date"].astype(str), format="%Y%m%d")
    days = log.drop_duplicates(["customer_id", "day"]).sort_values(["customer_id", "day"])
    firsts = days.groupby("customer_id").first()["day"]
    second = days[days.groupby("customer_id").cumcount() == 1].set_index("customer_id")["day"]
    wait = (second.reindex(firsts.index) - firsts).dt.days
    censored = (pd.Timestamp("1998-06-30") - firsts).dt.days
    duration, returned = wait.fillna(censored).to_numpy(), wait.notna().to_numpy()
    assert len(duration) == 23_570
    alive = 1.0
    expected = {}
    for day in np.unique(duration):
        at_risk = (duration >= day).sum()
        alive *= 1 - ((duration == day) & returned).sum() / at_risk
        expected[int(day)] = alive
    frame = repeat.survival(book.customers)
    found = dict(zip(frame["days"], frame["survival"], strict=True))
    assert found == pytest.approx({0: 1.0, **expected})
    share = repeat.time_to_second(book.customers, horizons=(90, 365))["share"].to_list()
    assert share == pytest.approx([1 - expected[90], 1 - expected[365]])


def test_stages_part_all_customers(book: Book) -> None:
    frame = collect(stages.sizes(stages.stage(book.customers), book.customers)).set_index("stage")
    assert frame["customers"].sum() == 23_570
    # Nobody came after March 1997, so nobody is new, and most are long gone.
    assert frame.loc[["Prospect", "New"], "customers"].sum() == 0
    assert frame.loc["Lost", "share"] > 0.5
