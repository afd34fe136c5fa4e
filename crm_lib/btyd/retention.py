"""Retention under contract: how many customers each renewal found, and how many it lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.btyd.histories import Array, Unit, factor
from crm_lib.errors import UsageError, listing


@dataclass(frozen=True)
class Retention:
    """How many customers a renewal found and how many it lost, over all cohorts together.

    `at_risk[t - 1]` customers faced their t-th renewal and `lost[t - 1]` of them left; who was
    acquired too lately to face it is not among them (right-censored). Make it with `of`.
    """

    at_risk: Array
    lost: Array
    unit: Unit

    @classmethod
    def of(
        cls,
        survivors: Sequence[float] | Mapping[object, Sequence[float]] | pd.DataFrame,
        *,
        unit: Unit,
    ) -> Retention:
        """Retention from counts of customers at the start and after each period, in order.

        One cohort: [1000, 869, 743]. Several: {start: counts}, each as long as it was observed.
        Or a frame with columns cohort, period (0, 1, 2 …) and customers. Counts may be weights.
        Raises UsageError for counts that rise, are negative or missing, or show no period at all.
        """
        factor(unit, "day")
        cohorts = {name: _checked(name, counts) for name, counts in _cohorts(survivors).items()}
        periods = max((len(counts) - 1 for counts in cohorts.values()), default=0)
        if periods < 1:
            raise UsageError(
                "Retention needs the customers at the start and after at least one period; "
                f"there are only starts ({len(cohorts):,} cohorts)."
            )
        at_risk, lost = np.zeros(periods), np.zeros(periods)
        for counts in cohorts.values():
            at_risk[: len(counts) - 1] += counts[:-1]
            lost[: len(counts) - 1] += counts[:-1] - counts[1:]
        return cls(at_risk, lost, unit)

    @property
    def customers(self) -> float:
        """Customers who faced at least their first renewal."""
        return float(self.at_risk[0])

    @property
    def periods(self) -> int:
        """Renewals that some customer faced."""
        return int(np.count_nonzero(self.at_risk))

    @property
    def rates(self) -> Array:
        """Observed retention rate r(t) of each period that some customer faced."""
        seen = slice(self.periods)
        return 1.0 - self.lost[seen] / self.at_risk[seen]


def _cohorts(survivors: Any) -> dict[object, Any]:
    """The counts by cohort, whichever way they came."""
    if isinstance(survivors, pd.DataFrame):
        return _from_frame(survivors)
    if isinstance(survivors, Mapping):
        return dict(survivors)
    return {"the cohort": survivors}


def _from_frame(frame: pd.DataFrame) -> dict[object, Any]:
    missing = [name for name in ("cohort", "period", "customers") if name not in frame.columns]
    if missing:
        raise UsageError(
            "A retention frame needs cohort, period and customers; "
            f"{listing(missing)} is missing among {listing(frame.columns)}."
        )
    found: dict[object, Any] = {}
    for cohort, rows in frame.sort_values("period").groupby("cohort", sort=True):
        if rows["period"].tolist() != list(range(len(rows))):
            raise UsageError(
                f"Cohort {cohort}: its periods must be 0, 1, 2 … without gap or repetition, "
                f"not {listing(rows['period'], 10)}."
            )
        found[cohort] = rows["customers"].to_numpy(dtype=float, na_value=np.nan)
    return found


def _checked(cohort: object, counts: npt.ArrayLike) -> Array:
    values = np.asarray(counts, dtype=float)
    name = f"Cohort {cohort}" if cohort != "the cohort" else "The cohort"
    if values.ndim != 1 or not len(values):
        raise UsageError(f"{name}: a list of counts is needed, one for each period.")
    if not np.isfinite(values).all() or (values < 0).any():
        at = int(np.flatnonzero(~np.isfinite(values) | (values < 0))[0])
        raise UsageError(f"{name}: period {at} has {values[at]:g} customers; counts are 0 or more.")
    if (np.diff(values) > 0).any():
        at = int(np.flatnonzero(np.diff(values) > 0)[0])
        raise UsageError(
            f"{name}: customers rise from {values[at]:g} in period {at} to {values[at + 1]:g} in "
            f"period {at + 1}. Who came back or came later is a new customer of another cohort."
        )
    return values
