"""CDNOW as the papers cut it, and every model fitted to it once, however many checks ask.

Purchases of one day are one occasion, T counts to the last observed day, and the unit is the week.
Calibration ends on 1997-09-30 (39 weeks), the holdout on 1998-06-30 (39 more).
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import pandas as pd

from crm_lib import btyd
from crm_lib.btyd import Histories, PurchaseModel
from crm_lib.btyd.gamma_gamma import GammaGamma
from crm_lib.btyd.holdout import Holdout, holdout
from crm_lib.btyd.spending import Spending, spending
from crm_lib.btyd.tournament import Verdict, tournament
from crm_lib.verify.base import Base
from crm_lib.verify.cdnow import Cdnow

Part = Literal["sample", "full"]

CALIBRATION_ENDS = pd.Timestamp("1997-09-30")
HOLDOUT_ENDS = pd.Timestamp("1998-06-30")
HORIZON = 39
"""Weeks of the holdout."""


class Study:
    """CDNOW's customers, and what our models and analyses make of them."""

    def __init__(self, cdnow: Cdnow) -> None:
        self.cdnow = cdnow
        self._models: dict[tuple[str, Part], PurchaseModel] = {}
        self._verdicts: dict[Part, Verdict] = {}

    def log(self, part: Part) -> pd.DataFrame:
        """The purchases as recorded, see `Cdnow`."""
        return self.cdnow.sample if part == "sample" else self.cdnow.full

    @cached_property
    def base(self) -> Base:
        """The facts of all customers, from which the analyses start."""
        return Base(self.cdnow.full)

    @cached_property
    def _held(self) -> dict[str, Holdout]:
        parts: tuple[Part, Part] = ("sample", "full")
        return {
            part: holdout(split(self.log(part)), horizon=HORIZON, unit="week") for part in parts
        }

    def held(self, part: Part) -> Holdout:
        """Calibration histories with the purchases of the holdout."""
        return self._held[part]

    @cached_property
    def whole(self) -> Histories:
        """All customers over all 78 weeks."""
        return btyd.histories(_histories(occasions(self.cdnow.full), HOLDOUT_ENDS), unit="week")

    def model(self, name: str, part: Part = "sample") -> PurchaseModel:
        """The model fitted to the calibration histories."""
        key = (name, part)
        if key not in self._models:
            self._models[key] = btyd.fit(self.held(part).seen, name)
        return self._models[key]

    @cached_property
    def on_78_weeks(self) -> PurchaseModel:
        """BG/NBD fitted to all customers over all 78 weeks."""
        return btyd.fit(self.whole, "bg_nbd")

    def verdict(self, part: Part) -> Verdict:
        """The tournament of all models and rules."""
        if part not in self._verdicts:
            self._verdicts[part] = tournament(self.held(part))
        return self._verdicts[part]

    @cached_property
    def spend(self) -> Spending:
        """What customers of the sample spent a repeat occasion in calibration, in the order of ids."""
        days = occasions(self.cdnow.sample)
        days = days[days["day"] <= CALIBRATION_ENDS].sort_values(["customer_id", "day"])
        later = days[days.groupby("customer_id").cumcount() > 0].groupby("customer_id")["amount"]
        each = pd.DataFrame(index=sorted(days["customer_id"].unique()))
        each["x"], each["mean_spend"] = later.size(), later.mean()
        return spending(each.fillna(0.0))

    @cached_property
    def spend_model(self) -> GammaGamma:
        """Gamma-Gamma fitted to the repeat buyers of the sample."""
        return GammaGamma.fit(self.spend)


def occasions(log: pd.DataFrame) -> pd.DataFrame:
    """One row a customer and day: customer_id, day, amount."""
    return log.groupby(["customer_id", "day"], as_index=False)["amount"].sum()


def split(log: pd.DataFrame) -> pd.DataFrame:
    """One row a customer: x, t_x, T in weeks at the end of calibration, and actual in the holdout."""
    days = occasions(log)
    seen = _histories(days[days["day"] <= CALIBRATION_ENDS], CALIBRATION_ENDS)
    ahead = days[(days["day"] > CALIBRATION_ENDS) & (days["day"] <= HOLDOUT_ENDS)]
    bought = ahead.groupby("customer_id").size()
    return seen.assign(actual=bought.reindex(seen.index, fill_value=0))


def _histories(days: pd.DataFrame, last_day: pd.Timestamp) -> pd.DataFrame:
    """One row a customer: x, t_x and T in weeks."""
    each = days.groupby("customer_id")["day"].agg(["min", "max", "size"])
    return pd.DataFrame(
        {
            "x": each["size"] - 1,
            "t_x": (each["max"] - each["min"]).dt.days / 7,
            "T": (last_day - each["min"]).dt.days / 7,
        }
    )
