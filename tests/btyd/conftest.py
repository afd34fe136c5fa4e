"""CDNOW as histories, and what tests of models share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_lib.btyd import Histories, histories

CALIBRATED_UNTIL = "1997-09-30"


def occasions(path: Path, customer: str = "customer_id") -> pd.DataFrame:
    """Columns customer, day: purchases of one day are one occasion."""
    rows = pd.read_parquet(path, columns=[customer, "date"])
    days = pd.to_datetime(rows["date"].astype(str), format="%Y%m%d")
    return pd.DataFrame({"customer": rows[customer], "day": days}).drop_duplicates()


def as_frame(log: pd.DataFrame, until: str = CALIBRATED_UNTIL) -> pd.DataFrame:
    """One row a customer: x, t_x, T in days; T counts to the last observed day."""
    end = pd.Timestamp(until)
    days = log[log["day"] <= end].groupby("customer")["day"]
    first, last, bought = days.min(), days.max(), days.size()
    return pd.DataFrame(
        {"x": bought - 1, "t_x": (last - first).dt.days, "T": (end - first).dt.days}
    )


def in_weeks(frame: pd.DataFrame) -> Histories:
    return histories(frame.assign(t_x=frame["t_x"] / 7, T=frame["T"] / 7), unit="week")


@pytest.fixture(scope="session")
def sample_log(shared_data: Path) -> pd.DataFrame:
    """The 1/10 sample of CDNOW: 2,357 customers."""
    return occasions(shared_data / "cdnow" / "cdnow_sample.parquet")


@pytest.fixture(scope="session")
def full_log(shared_data: Path) -> pd.DataFrame:
    """All 23,570 customers of CDNOW."""
    return occasions(shared_data / "cdnow" / "cdnow_master.parquet")


@pytest.fixture(scope="session")
def sample_days(sample_log: pd.DataFrame) -> pd.DataFrame:
    """x, t_x, T in days of the sample, 39 weeks of calibration."""
    return as_frame(sample_log)


@pytest.fixture(scope="session")
def sample(sample_days: pd.DataFrame) -> Histories:
    """Weeks; 2,357 customers with 2,457 repeats in 39 weeks."""
    return in_weeks(sample_days)


@pytest.fixture(scope="session")
def bought_later(sample_log: pd.DataFrame, sample_days: pd.DataFrame) -> np.ndarray:
    """Purchases of each customer of `sample` in weeks 40 to 78."""
    later = sample_log[sample_log["day"] > CALIBRATED_UNTIL].groupby("customer").size()
    return later.reindex(sample_days.index, fill_value=0).to_numpy(float)


@pytest.fixture(scope="session")
def exact_cases(shared_data: Path) -> pd.DataFrame:
    """Expectations and P(alive) computed to 60 digits, one row a case."""
    return pd.read_csv(shared_data / "btyd" / "exact_cases.csv")


def one(x: float, t_x: float, T: float) -> Histories:
    """The history of one customer, in weeks."""
    return histories(pd.DataFrame({"x": [x], "t_x": [t_x], "T": [T]}), unit="week")
