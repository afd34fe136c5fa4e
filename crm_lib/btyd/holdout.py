"""A held-out period: histories up to a day, and what the same customers bought in the time after it.

A model or a rule sees the histories only; how well it told the purchases that came is then measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.btyd.histories import Array, Histories, Unit, histories
from crm_lib.errors import UsageError, listing

TIE_DIGITS = 9
"""Predictions that agree to so many decimals are equal: nobody is ranked by a rounding error."""


@dataclass(frozen=True)
class Holdout:
    """Calibration histories, row by row with the purchases in the `horizon` after T.

    `horizon` is in the unit of the histories. Make it with `holdout`, which checks and compresses.
    """

    seen: Histories
    actual: Array
    horizon: float

    @property
    def unit(self) -> Unit:
        return self.seen.unit

    @property
    def weight(self) -> Array:
        return self.seen.weight

    @property
    def customers(self) -> float:
        return self.seen.customers

    @property
    def purchases(self) -> float:
        """Purchases of all customers in the held-out period."""
        return self.total(self.actual)

    def total(self, values: Array) -> float:
        """A value by row, summed over customers."""
        return float(self.weight @ values)

    def mean(self, values: Array) -> float:
        """A value by row, its mean over customers."""
        return self.total(values) / self.customers

    def by_rank(self, predicted: Array, values: Array, groups: int) -> Array:
        """Sums of `values` in `groups` equally large groups of customers, best predicted first.

        Customers with equal predictions share what they have, so that the order of rows never matters:
        where a boundary falls among them, each counts in part on either side.
        """
        rank, place = np.unique(-np.round(predicted, TIE_DIGITS), return_inverse=True)
        customers = np.bincount(place, self.weight, len(rank)).astype(float)
        sums = np.bincount(place, self.weight * values, len(rank)).astype(float)
        edges = np.linspace(0, self.customers, groups + 1)
        reached = np.interp(edges, _running(customers), _running(sums))
        return np.diff(reached)


def _running(values: Array) -> Array:
    return np.concatenate([[0.0], np.cumsum(values)])


def holdout(frame: pd.DataFrame, *, horizon: float, unit: Unit) -> Holdout:
    """A checked holdout from a frame with x, t_x, T and `actual`, and perhaps `weight`: see `histories`.

    `actual`: purchases in the `horizon` after T; all times in `unit`. Customers with the same history
    and the same purchases become one row. Raises UsageError naming what is wrong, NoModel where no
    customer is left.
    """
    if "actual" not in frame.columns:
        raise UsageError(
            "A holdout needs x, t_x, T and actual, the purchases that followed; actual is missing among "
            f"{listing(frame.columns)}."
        )
    if not (np.isfinite(horizon) and horizon > 0):
        raise UsageError(f"A held-out period is a number of {unit}s above 0, not {horizon}.")
    if "weight" in frame.columns:
        frame = frame[frame["weight"] != 0]
    actual = frame["actual"].to_numpy(dtype=float, na_value=np.nan)
    wrong = ~(np.isfinite(actual) & (actual >= 0) & (actual == np.floor(actual)))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise UsageError(
            f"{int(wrong.sum()):,} of {len(actual):,} customers have an actual that is no count "
            f"(0, 1, 2 …), for example row {first}: {actual[first]:g}."
        )
    seen = histories(frame, unit=unit)
    rows = pd.DataFrame(
        {"x": seen.x, "t_x": seen.t_x, "T": seen.T, "actual": actual, "weight": seen.weight}
    )
    kept = rows.groupby(["x", "t_x", "T", "actual"], sort=True)["weight"].sum().reset_index()
    x, t_x, T, actual, weight = (kept[name].to_numpy(float) for name in rows.columns)
    return Holdout(Histories(x, t_x, T, weight, unit), actual, float(horizon))
