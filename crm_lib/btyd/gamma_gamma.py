"""Gamma-Gamma: what customers spend a purchase, and what one can expect of each from few purchases.

A customer's purchases are Gamma(p, ν) with a ν of its own, ν is Gamma(q, γ) over customers, and
spend does not depend on how often the customer buys: `spend_frequency_correlation` looks whether it
does. Fader, Hardie & Lee (2005b, "RFM and CLV"); formulas of Fader & Hardie (2013, note 025).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Self

import numpy as np
import pandas as pd
from scipy import special, stats

from crm_lib.btyd.estimation import Objective, maximise
from crm_lib.btyd.histories import COARSE_ROWS, Array, dot, levels
from crm_lib.btyd.parameters import MIN_CUSTOMERS, Parametric
from crm_lib.btyd.spending import Spending
from crm_lib.errors import NoModel, UsageError, listing


class GammaGamma(Parametric):
    """Spend a purchase: Gamma(p, ν) for a customer, ν ~ Gamma(q, gamma) over customers.

    Made by `fit`, or with parameters one knows: `GammaGamma(p=6.25, q=3.74, gamma=15.44)`. gamma is
    in the unit of money of the data; p and q have none.
    """

    name = "gamma_gamma"
    title = "Gamma-Gamma"
    source = (
        "Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: using iso-value curves for "
        "customer base analysis. Journal of Marketing Research 42(4), 415–430."
    )
    names = ("p", "q", "gamma")

    def __init__(self, **params: float) -> None:
        super().__init__(**params)
        self.excluded_: Mapping[str, float] = {}

    # --- fitting ----------------------------------------------------------------------------------

    @classmethod
    def fit(cls, spending: Spending) -> Self:
        """The model with the highest likelihood of this spending.

        The search is on spend divided by its median, so that the unit of money changes nothing.
        `customers_` took part; `excluded_` counts those that did not, by reason. Raises NoModel
        where fewer than `MIN_CUSTOMERS` have purchases with a mean above 0.
        """
        usable = spending.fittable()
        if usable.customers < MIN_CUSTOMERS:
            raise NoModel(
                f"{cls.title} needs at least {MIN_CUSTOMERS} customers with purchases and a mean "
                f"spend above 0, not {usable.customers:g}{_left_out(spending.excluded)}."
            )
        median = usable.median()
        data = usable.scaled(median)
        estimate = maximise(
            cls._objective(data),
            [{"p": 2.0, "q": 3.0, "gamma": 1.0}, {"p": 1.0, "q": 10.0, "gamma": 10.0}],
            customers=data.customers,
            coarse=cls._objective(data.coarse()) if len(data) > COARSE_ROWS else None,
        )
        params = estimate.params | {"gamma": estimate.params["gamma"] * median}
        in_money = estimate.log_likelihood - data.customers * np.log(median)
        model = cls(**params)
        model.estimate_ = replace(estimate, params=params, log_likelihood=float(in_money))
        model.customers_ = usable.customers
        model.excluded_ = spending.excluded
        return model

    @classmethod
    def _objective(cls, spending: Spending) -> Objective:
        data = spending.fittable()
        log_total = dot(data.purchases, np.log(data.total))
        log_mean = dot(data.weight, np.log(data.mean_spend))
        by_x = np.bincount(data.x_levels.place, data.weight)
        customers, purchases = data.customers, float(data.purchases.sum())
        x = data.x_levels.values

        def value_and_gradient(params: Array) -> tuple[float, Array]:
            p, q, gamma = params
            more = np.log1p(data.total / gamma)
            rate = 1 / (gamma + data.total)
            all_more, more_x = dot(data.weight, more), dot(data.purchases, more)
            spread = log_total - purchases * np.log(gamma) - more_x
            both = special.digamma(p * x + q)
            value = p * spread - q * all_more - log_mean - by_x @ special.betaln(p * x, q)
            by_p = spread + by_x @ (x * (both - special.digamma(p * x)))
            by_q = by_x @ (both - special.digamma(q)) - all_more
            by_gamma = q * (customers / gamma - dot(data.weight, rate))
            by_gamma -= p * dot(data.purchases, rate)
            return float(value), np.array([by_p, by_q, by_gamma])

        return value_and_gradient

    def log_likelihood(self, spending: Spending) -> float:
        """The log-likelihood of all usable customers."""
        return self._objective(spending)(self._vector)[0]

    # --- what it says of customers -----------------------------------------------------------------

    @property
    def population_mean(self) -> float:
        """Mean spend a purchase over customers, pγ/(q − 1). NoModel where q ≤ 1: it does not exist."""
        p, q, gamma = (self.params_[name] for name in self.names)
        if q <= 1:
            raise NoModel(
                f"{self!r}: with q = {q:.3g}, at most 1, spend varies so much between customers that "
                "its mean does not exist, and no spend can be expected. Look for a few enormous "
                "purchases, or model segments apart."
            )
        return p * gamma / (q - 1)

    def expected_spend(self, spending: Spending) -> Array:
        """E[mean spend a purchase | x, mean_spend], row by row, in the data's unit of money.

        Between the customer's own mean and that of the population, the nearer to its own the more
        purchases it has; of those without purchases, or with a mean of 0 or less, the population's.
        Never negative. Raises NoModel where q ≤ 1.
        """
        population = self.population_mean
        p, q, gamma = (self.params_[name] for name in self.names)
        known = p * (gamma + spending.total) / (p * spending.x + q - 1)
        return np.where(spending.usable, known, population)


def _left_out(excluded: Mapping[str, float]) -> str:
    counts = [f"{n:g} with {reason}" for reason, n in excluded.items() if n]
    return f"; left out: {listing(counts)}" if counts else ""


def spend_frequency_correlation(
    spending: Spending, model: GammaGamma | None = None, *, level: float = 0.95
) -> pd.DataFrame:
    """Whether customers who buy more often spend more a purchase: Gamma-Gamma assumes that none do.

    Two rows, `pearson_of_logs` and `spearman`; columns correlation, low, high (ends of the
    interval), p_value (of no correlation), customers. Only customers with purchases and a mean above
    0. The logarithm of a mean lies below the mean's by the more the fewer purchases it has, which
    alone makes a small correlation; `model`, if given, corrects for it. Intervals by Fisher's z
    (Spearman: Bonett & Wright 2000). Raises NoModel where x or spend is the same for everybody.
    """
    if not 0 < level < 1:
        raise UsageError(f"A level is between 0 and 1, not {level}.")
    data = spending.fittable()
    n = data.customers
    x, spend = np.log(data.x), np.log(data.mean_spend)
    if n < MIN_CUSTOMERS or np.ptp(x) == 0 or np.ptp(spend) == 0:
        raise NoModel(
            f"Whether spend goes with frequency cannot be told of {n:g} customers with purchases: at "
            f"least {MIN_CUSTOMERS} are needed, who differ in both."
        )
    if model is not None:
        many = model.params_["p"] * data.x
        spend = spend - (special.digamma(many) - np.log(many))
    found = {
        "pearson_of_logs": _correlation(x, spend, data.weight),
        "spearman": _correlation(_ranks(x, data.weight), _ranks(spend, data.weight), data.weight),
    }
    rows = []
    for name, rho in found.items():
        error = np.sqrt((1 + (rho**2 / 2 if name == "spearman" else 0)) / (n - 3))
        reach = stats.norm.ppf((1 + level) / 2) * error
        t = rho * np.sqrt((n - 2) / max(1 - rho**2, 1e-300))
        rows.append(
            {
                "correlation": rho,
                "low": np.tanh(np.arctanh(rho) - reach),
                "high": np.tanh(np.arctanh(rho) + reach),
                "p_value": 2 * stats.t.sf(abs(t), n - 2),
                "customers": n,
            }
        )
    return pd.DataFrame(rows, index=pd.Index(found, name="measure"))


def _correlation(one: Array, other: Array, weight: Array) -> float:
    one = one - np.average(one, weights=weight)
    other = other - np.average(other, weights=weight)
    both = dot(weight, one * other)
    sizes = dot(weight, one * one) * dot(weight, other * other)
    return float(np.clip(both / np.sqrt(sizes), -1 + 1e-15, 1 - 1e-15))


def _ranks(values: Array, weight: Array) -> Array:
    """The mean rank of each value among weighted customers."""
    found = levels(values)
    at = np.bincount(found.place, weight)
    return np.asarray((np.cumsum(at) - at / 2)[found.place])
