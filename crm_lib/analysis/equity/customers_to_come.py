"""What customers to come are worth, beside the present ones: future cohorts at the pace of the last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib import btyd
from crm_lib.analysis.equity.new_customers import Newcomers
from crm_lib.btyd import discounting

_YEAR_MONTHS = 12


@dataclass(frozen=True)
class Future:
    """What customers to come are worth on the day of the report, in money.

    first: margin of a new customer's first occasion; later: that of the others within the horizon,
    discounted to the first; acquisition_cost: of winning one (None: unknown, and not deducted). clv:
    first + later − acquisition_cost. customers: expected within the horizon; equity: what
    they are worth together, discounted to the day.
    """

    first: float
    later: float
    acquisition_cost: float | None
    customers: float
    equity: float

    @property
    def clv(self) -> float:
        return self.first + self.later - (self.acquisition_cost or 0.0)

    def steps(self) -> pd.DataFrame:
        """How `clv` comes about: step ("first", "later", "acquisition_cost", "clv"), amount (money)."""
        rows = [("first", self.first), ("later", self.later)]
        if self.acquisition_cost is not None:
            rows.append(("acquisition_cost", -self.acquisition_cost))
        return pd.DataFrame([*rows, ("clv", self.clv)], columns=["step", "amount"])


def future(
    won: Newcomers,
    *,
    model: btyd.PurchaseModel | None = None,
    of_new: tuple[float, float],
    horizon_months: int,
    discount_rate: float,
) -> Future:
    """What those who will be won within the horizon are worth, at the pace of `won`.

    of_new: margin of the first and of a later occasion of a customer nothing is known of. Each is valued
    over the horizon from the first purchase on, and discounted from the middle of its month to the day.
    model: of a new customer, if not that of `won`. Raises NoModel where `won` has a refusal.
    """
    first, each = of_new
    later = each * _of_new(model or won.known, horizon_months, discount_rate)
    value = first + later - (won.acquisition_cost or 0.0)
    months = (np.arange(horizon_months) + 0.5) / _YEAR_MONTHS
    customers = won.a_month * horizon_months
    equity = won.a_month * value * float(((1 + discount_rate) ** -months).sum())
    return Future(first, later, won.acquisition_cost, customers, equity)


def _of_new(model: btyd.PurchaseModel, horizon_months: int, discount_rate: float) -> float:
    """Expected occasions of a new customer after the first, within the horizon, each discounted to it."""
    return discounting.discounted_of_new(
        model, horizon=horizon_months, unit="month", discount_rate_a_year=discount_rate
    )


def parts(
    present: float, interval: tuple[float, float] | None, future: Future | None
) -> pd.DataFrame:
    """Equity of present customers and of those to come, where a value is put on them: part ("present",
    "future"), equity, low, high."""
    low, high = interval or (np.nan, np.nan)
    rows = [("present", present, low, high)]
    if future is not None:
        rows.append(("future", future.equity, np.nan, np.nan))
    return pd.DataFrame(rows, columns=["part", "equity", "low", "high"])
