"""The customers that models are fitted to, and what is kept of predictions.

Stands on numpy, pandas and pyarrow, which the environment of every library with models has.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bench.drivers.common import Job, Report

DAYS_A_WEEK = 7.0
WARM_UP = 2_000
"""Customers of the untimed warm-up, where there is one."""


def read(job: Job) -> pd.DataFrame:
    """Of the file `data`: x, t_x, T in weeks (and z), one row a customer, floats."""
    frame = pd.read_parquet(job["data"]).drop(columns="customer_id")
    for name in ("t_x", "T"):
        frame[name] = frame[name] / DAYS_A_WEEK
    frame["x"] = frame["x"].astype(float)
    return frame


def predictions(p_alive: Any, expected: Any) -> Report:
    """Enough of the predictions to compare libraries: totals, and how many are no number."""
    p_alive, expected = np.asarray(p_alive, dtype=float), np.asarray(expected, dtype=float)
    good = np.isfinite(p_alive) & np.isfinite(expected)
    return {
        "alive": float(p_alive[good].sum()),
        "purchases": float(expected[good].sum()),
        "not_a_number": int((~good).sum()),
    }
