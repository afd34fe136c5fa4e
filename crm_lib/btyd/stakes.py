"""What histories are worth together: margins on expected purchases, how sure that is, and retention.

A stake is what an occasion of the customers with one history earns. Times expected purchases, each
discounted to the day, it is their value; here it is computed for models other than the fitted one, too:
those the data hold possible, and those with customers who stay longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from crm_lib.btyd import discounting, intervals, simulation
from crm_lib.btyd.histories import Array, Histories
from crm_lib.btyd.model import PurchaseModel
from crm_lib.errors import NoModel

DROPOUT = {"bg_nbd": "a", "mbg_nbd": "a", "pareto_nbd": "s"}
"""The parameter that leaving is proportional to, while few leave; NBD knows no leaving."""
YEAR_MONTHS = 12

_DRAWS, _FUTURES, _CHANCES, _SEED = 400, 200, 50, 1
_FEW, _SURE = 1_000, 1.0
"""With more histories than these, and standard errors of the logarithms below this, the likelihood is
taken as a normal curve at its peak."""
_SAMPLED = 2_000
"""Histories that an interval is computed on; of more, a sample in proportion to what they hold."""
_REACH = 12.0
"""The logarithm of the factor by which leaving may shrink while retention is looked for."""


@dataclass(frozen=True)
class Stakes:
    """Histories, and what an occasion of all customers with one earns.

    seen: one row a history, weighted by customers. margin, spend: sums of their expected margin and
    spend an occasion (money); squares: sum of the squares of the margins.
    """

    seen: Histories
    margin: Array
    spend: Array
    squares: Array

    def interval(
        self,
        model: PurchaseModel,
        *,
        horizon_months: int,
        discount_rate: float,
        level: float = 0.95,
    ) -> tuple[float, float] | None:
        """Low and high end of the equity of the present customers; None where the data determine none.

        In it: how sure the parameters of the purchase model are, and chance in what customers do. Not in
        it: how sure the margins are, a change of the times, and whether the model is the right one.
        """
        clv = _discounted(model, self.seen, horizon_months, discount_rate) * self.margin
        some = _sampled(self, np.abs(clv))
        try:
            possible = intervals.models(model, _draws(model, self.seen), n=_DRAWS, seed=_SEED)
        except NoModel:
            return None
        worth = [
            float(_discounted(one, some.seen, horizon_months, discount_rate) @ some.margin)
            for one in possible
        ]
        best = float(_discounted(model, some.seen, horizon_months, discount_rate) @ some.margin)
        chance = _chance(some, model, horizon_months, discount_rate)
        # Each possible value meets chance many times, so that the ends are not those of few draws.
        noise = np.random.default_rng(_SEED + 1).standard_normal((len(worth), _CHANCES)) * chance
        spread = np.array(worth)[:, None] - best + noise
        ends = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2])
        whole = float(clv.sum())
        return whole + float(ends[0]), whole + float(ends[1])


def _draws(model: PurchaseModel, seen: Histories) -> intervals.Draws:
    """Possible parameters: drawn by their likelihood, which with many customers is a normal curve."""
    estimate = model.estimate_
    if estimate is None or estimate.weak:
        raise NoModel("The data do not determine every parameter of the model.")
    if len(seen) <= _FEW or np.diag(estimate.covariance).max() > _SURE**2:
        return intervals.draws(model, seen, seed=_SEED, n=1000)
    mode = np.log(list(estimate.params.values()))
    rng = np.random.default_rng(_SEED)
    values = np.exp(rng.multivariate_normal(mode, estimate.covariance, size=_DRAWS))
    return intervals.Draws(estimate.names, values, np.full(_DRAWS, 1 / _DRAWS))


def _sampled(stakes: Stakes, size: Array) -> Stakes:
    """Histories drawn in proportion to `size`, weighted so that sums stay what they are expected to be."""
    if len(stakes.seen) <= _SAMPLED or not size.sum() > 0:
        return stakes
    share = size / size.sum()
    rows = np.random.default_rng(_SEED).choice(len(size), size=_SAMPLED, p=share)
    by = 1 / (share[rows] * _SAMPLED)
    parts = (stakes.margin[rows], stakes.spend[rows], stakes.squares[rows])
    return Stakes(stakes.seen.take(rows), *(part * by for part in parts))


def _chance(some: Stakes, model: PurchaseModel, horizon_months: int, discount_rate: float) -> float:
    """Standard deviation of what these customers earn together, their expectations being known."""
    drawn = simulation.futures(
        model, some.seen, horizon=horizon_months, unit="month", draws=_FUTURES, seed=_SEED
    )
    expected = model.expected_purchases(some.seen, horizon=horizon_months, unit="month")
    later = _discounted(model, some.seen, horizon_months, discount_rate)
    by = np.divide(later, expected, out=np.zeros_like(later), where=expected > 0)
    return float(np.sqrt(some.squares @ (drawn.var(axis=1) * by**2)))


# --- who is still there ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Living:
    """Present customers by (x, T), which is all that matters of those still there: their expected number,
    and the margins and spend an occasion of those, added up."""

    x: Array
    T: Array
    customers: Array
    margin: Array
    spend: Array

    @classmethod
    def of(cls, stakes: Stakes, model: PurchaseModel) -> Living:
        data = stakes.seen.to(model.unit)
        alive = model.p_alive(stakes.seen)
        frame = pd.DataFrame(
            {
                "x": data.x,
                "T": data.T,
                "customers": data.weight * alive,
                "margin": stakes.margin * alive,
                "spend": stakes.spend * alive,
            }
        )
        sums = frame.groupby(["x", "T"], sort=True).sum().reset_index()
        return cls(*(sums[name].to_numpy(float) for name in frame.columns))

    def occasions(self, model: PurchaseModel, months: int) -> float:
        """Expected occasions of all in the next `months`."""
        return float(self.customers @ self._ahead(model, months, 0.0))

    def kept(self, model: PurchaseModel) -> float:
        """Occasions of the second year from now ÷ those of the first."""
        first = self.occasions(model, YEAR_MONTHS)
        return self.occasions(model, 2 * YEAR_MONTHS) / first - 1 if first else np.nan

    def keeping(self, model: PurchaseModel, target: float) -> float | None:
        """The factor on the parameter of leaving that gives retention `target`; None where none does."""
        if model.name not in DROPOUT or not target < 1:
            return None

        def missed(log_factor: float) -> float:
            return self.kept(with_dropout(model, float(np.exp(log_factor)))) - target

        if not missed(-_REACH) > 0 > missed(0.0):
            return None
        return float(np.exp(optimize.brentq(missed, -_REACH, 0.0)))

    def worth(
        self,
        model: PurchaseModel,
        *,
        horizon_months: int,
        discount_rate: float,
        of: str = "margin",
    ) -> float:
        """Discounted margin (or spend) of all within the horizon."""
        return float(getattr(self, of) @ self._ahead(model, horizon_months, discount_rate))

    def _ahead(self, model: PurchaseModel, months: int, discount_rate: float) -> Array:
        """Discounted occasions of a customer who is still there, by pair; t_x then tells nothing more."""
        seen = Histories(self.x, self.T, self.T, np.ones(len(self.x)), model.unit)
        return discounting.discounted_if_alive(
            model, seen, horizon=months, unit="month", discount_rate_a_year=discount_rate
        )


def with_dropout(model: PurchaseModel, factor: float) -> PurchaseModel:
    """The model with its parameter of leaving (`DROPOUT`) times `factor`."""
    name = DROPOUT[model.name]
    return type(model)(unit=model.unit, **{**model.params_, name: model.params_[name] * factor})


def _discounted(
    model: PurchaseModel, seen: Histories, horizon_months: int, discount_rate: float
) -> Array:
    """Expected occasions within the horizon, each discounted, row by row."""
    return discounting.discounted_purchases(
        model, seen, horizon=horizon_months, unit="month", discount_rate_a_year=discount_rate
    )
