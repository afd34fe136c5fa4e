"""NBD: customers who buy at random and never leave."""

from __future__ import annotations

import numpy as np

from crm_lib.btyd.histories import Array, Histories, dot
from crm_lib.btyd.model import PurchaseModel
from crm_lib.btyd.special import log_rising, log_rising_slope, negative_binomial


class Nbd(PurchaseModel):
    """Purchases at a rate that is gamma (r, alpha) over customers; the yardstick without leaving.

    P(alive) is 1 for everybody. With λ ~ gamma (r + x, alpha + T) after a history, the purchases
    of a horizon h are expected to be (r + x) / (alpha + T) · h.
    """

    name = "nbd"
    title = "NBD"
    source = (
        "Ehrenberg, A. S. C. (1959). The pattern of consumer purchases. "
        "Journal of the Royal Statistical Society C 8(1), 26–41."
    )
    names = ("r", "alpha")

    @classmethod
    def _starts(cls, data: Histories) -> list[dict[str, float]]:
        return [{"r": 1.0, "alpha": data.time / data.repeats}]

    @classmethod
    def log_likelihoods(cls, params: Array, data: Histories) -> Array:
        r, alpha = params
        silent = r * np.log1p(data.T / alpha) + data.x * np.log(alpha + data.T)
        return log_rising(r, data.x_levels.values)[data.x_levels.place] - silent

    @classmethod
    def log_likelihood_and_gradient(cls, params: Array, data: Histories) -> tuple[float, Array]:
        r, alpha = params
        x, T = data.x_levels.values, data.T_levels.values
        customers, seen, repeats = data.weight_by_x, data.weight_by_T, data.repeats_by_T
        grown = np.log1p(T / alpha)
        value = dot(customers, log_rising(r, x)) - r * dot(seen, grown)
        value -= dot(repeats, np.log(alpha + T))
        by_r = dot(customers, log_rising_slope(r, x)) - dot(seen, grown)
        by_alpha = dot(r * seen * T / alpha - repeats, 1 / (alpha + T))
        return value, np.array([by_r, by_alpha])

    def _p_alive(self, data: Histories) -> Array:
        return np.ones(len(data))

    def _expected_if_alive(self, x: Array, T: Array, horizon: Array) -> Array:
        r, alpha = self._vector
        return (r + x) / (alpha + T) * horizon

    def _expected_of_new(self, t: Array) -> Array:
        r, alpha = self._vector
        return r / alpha * t

    def _probabilities(self, counts: Array, t: float) -> Array:
        r, alpha = self._vector
        return negative_binomial(counts, r, t / alpha)[0]
