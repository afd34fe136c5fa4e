"""Spending: what a model of spend is told of customers, how many purchases and their mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.btyd.histories import Array, Levels, distinct, levels
from crm_lib.errors import UsageError, listing

_BIN = 0.02
"""Width in log spend of the bins that a search on many customers starts with."""


@dataclass(frozen=True, eq=False)
class Spending:
    """What customers spent, one row each: x purchases with the mean `mean_spend`, and `weight`.

    Make it with `spending`, which checks. Rows without a purchase or with a mean of 0 or less stay
    (an answer is wanted for them too), but no model is fitted on them: see `excluded`.
    """

    x: Array
    mean_spend: Array
    weight: Array

    def __len__(self) -> int:
        return len(self.x)

    @property
    def customers(self) -> float:
        return float(self.weight.sum())

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Which rows have purchases with a mean above 0."""
        return (self.x > 0) & (self.mean_spend > 0)

    @property
    def excluded(self) -> dict[str, float]:
        """Customers that no model is fitted on, by reason."""
        bought = self.x > 0
        return {
            "no purchase": float(self.weight[~bought].sum()),
            "spend of 0": float(self.weight[bought & (self.mean_spend == 0)].sum()),
            "negative spend": float(self.weight[bought & (self.mean_spend < 0)].sum()),
        }

    def fittable(self) -> Spending:
        """The usable rows."""
        return self if self.usable.all() else self.take(self.usable)

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Spending:
        """Some of the rows."""
        return Spending(self.x[rows], self.mean_spend[rows], self.weight[rows])

    def scaled(self, by: float) -> Spending:
        """The same in a money unit of which one is `by` of the present."""
        return replace(self, mean_spend=self.mean_spend / by)

    def median(self) -> float:
        """The customer in the middle."""
        order = np.argsort(self.mean_spend)
        running = np.cumsum(self.weight[order])
        return float(self.mean_spend[order][np.searchsorted(running, running[-1] / 2)])

    def compressed(self) -> Spending:
        """One row for each distinct x and mean, weights added up."""
        (x, mean_spend), place = distinct(self.x, self.mean_spend)
        return Spending(x, mean_spend, np.bincount(place, self.weight).astype(float))

    def coarse(self) -> Spending:
        """Usable rows in bins of 2 %: good enough to start a fit, not to end one."""
        (x, log_spend), place = distinct(self.x, np.round(np.log(self.mean_spend) / _BIN))
        return Spending(x, np.exp(log_spend * _BIN), np.bincount(place, self.weight).astype(float))

    @cached_property
    def total(self) -> Array:
        """Spend of each row's customer over all his purchases."""
        return self.x * self.mean_spend

    @cached_property
    def purchases(self) -> Array:
        """Weighted purchases of each row."""
        return self.weight * self.x

    @cached_property
    def x_levels(self) -> Levels:
        return levels(self.x)


def spending(frame: pd.DataFrame) -> Spending:
    """Checked spending from a frame with columns x, mean_spend and perhaps `weight`, a row a customer.

    x is the number of purchases that `mean_spend` is the mean of. The literature leaves out the
    first purchase: x is then the x of the histories. mean_spend may be null where x is 0. Money is
    taken as float, in any unit. Raises UsageError naming what is wrong, how many rows, an example.
    """
    missing = [name for name in ("x", "mean_spend") if name not in frame.columns]
    if missing:
        raise UsageError(
            f"Spending needs x and mean_spend; {listing(missing)} is missing among "
            f"{listing(frame.columns)}."
        )
    weighted = frame if "weight" in frame.columns else frame.assign(weight=1.0)
    x, mean_spend, weight = (
        weighted[name].to_numpy(dtype=float, na_value=np.nan)
        for name in ("x", "mean_spend", "weight")
    )
    mean_spend = np.where((x == 0) & np.isnan(mean_spend), 0.0, mean_spend)
    finite = np.isfinite(x) & np.isfinite(mean_spend) & np.isfinite(weight)
    _refuse(~finite, "have a missing or infinite number", x, mean_spend)
    _refuse((x < 0) | (x != np.floor(x)), "have an x that is no count (0, 1, 2 …)", x, mean_spend)
    _refuse(weight < 0, "have a negative weight", x, mean_spend)
    kept = weight > 0
    return Spending(x[kept], mean_spend[kept], weight[kept])


def _refuse(bad: npt.NDArray[np.bool_], fault: str, x: Array, mean_spend: Array) -> None:
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        raise UsageError(
            f"{int(bad.sum()):,} of {len(bad):,} rows of spending {fault}, "
            f"for example row {i}: x = {x[i]:g}, mean_spend = {mean_spend[i]:g}."
        )
