"""What BG/NBD and MBG/NBD share: customers buy at random and may leave after a purchase.

Alive, a customer buys at a rate λ of its own, and at each chance to leave does so with a probability
p of its own; λ is gamma (r, α), p is beta (a, b) over customers. The two models differ in one
thing only: whether the first purchase, too, is a chance to leave. With n chances passed or taken,

    L = Γ(r+x)/Γ(r) · α^r · [ B(a, b+n) (α+T)^-(r+x) + 1{n>0} B(a+1, b+n-1) (α+t_x)^-(r+x) ] / B(a, b)

where the first term is of customers still there and the second of those who left at t_x.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import special

from crm_lib.btyd.histories import Array, Histories, distinct, dot
from crm_lib.btyd.model import PurchaseModel
from crm_lib.btyd.special import (
    log_rising,
    log_rising_slope,
    negative_binomial,
    purchases_until_leaving,
)

_BLOCK = 1 << 15
"""Rows at a time: what a block needs stays in the processor's cache."""


class BetaGeometric(PurchaseModel):
    """Customers with a gamma rate of purchase and a beta probability to leave at a chance."""

    names = ("r", "alpha", "a", "b")
    first_is_chance: ClassVar[int]
    """1 where a customer may leave after the very first purchase, else 0."""

    @classmethod
    def _starts(cls, data: Histories) -> list[dict[str, float]]:
        """Four, near where the highest peak has been found on awkward samples.

        Many leave after a while; few leave; some leave at once and the others never; customers buy
        at much the same rate and differ in when they leave.
        """
        rate = data.repeats / data.time
        shapes = [
            (0.5, 2.0, 0.5, 2.0),
            (2.0, 1.0, 0.1, 5.0),
            (2.0, 1.0, 0.01, 0.1),
            (10.0, 2.0, 1.0, 0.5),
        ]
        return [
            {"r": r, "alpha": r / (faster * rate), "a": a, "b": b} for r, faster, a, b in shapes
        ]

    # --- likelihood -------------------------------------------------------------------------------

    @classmethod
    def log_likelihoods(cls, params: Array, data: Histories) -> Array:
        r, alpha, a, b = params
        x = data.x_levels.values
        chances = x + cls.first_is_chance
        by_x = log_rising(r, x) + log_rising(b, chances) - log_rising(a + b, chances)
        silent = r * np.log1p(data.T / alpha) + data.x * np.log(alpha + data.T)
        left = special.log_expit(-cls._odds_of_leaving(params, data))
        return by_x[data.x_levels.place] - silent - left

    @classmethod
    def _odds_of_leaving(cls, params: Array, data: Histories) -> Array:
        """Logarithm of P(left at t_x) / P(still there), row by row; -inf without a chance to leave."""
        r, alpha, a, b = params
        chances = data.x + cls.first_is_chance
        silent = (r + data.x) * np.log1p((data.T - data.t_x) / (alpha + data.t_x))
        log_odds = np.log(a) - np.log(b + np.maximum(chances, 1) - 1) + silent
        return np.where(chances > 0, log_odds, -np.inf)

    @classmethod
    def log_likelihood_and_gradient(cls, params: Array, data: Histories) -> tuple[float, Array]:
        r, alpha, a, b = params
        x, T = data.x_levels.values, data.T_levels.values
        customers, seen, repeats = data.weight_by_x, data.weight_by_T, data.repeats_by_T
        chances = x + cls.first_is_chance
        grown = np.log1p(T / alpha)
        value = dot(
            customers, log_rising(r, x) + log_rising(b, chances) - log_rising(a + b, chances)
        )
        value -= r * dot(seen, grown) + dot(repeats, np.log(alpha + T))
        both = -log_rising_slope(a + b, chances)
        gradient = np.array(
            [
                dot(customers, log_rising_slope(r, x)) - dot(seen, grown),
                dot(r * seen * T / alpha - repeats, 1 / (alpha + T)),
                dot(customers, both),
                dot(customers, both + log_rising_slope(b, chances)),
            ]
        )
        left, left_gradient = cls._leaving(params, data if cls.first_is_chance else data.repeaters)
        return value + left, gradient + left_gradient

    @classmethod
    def _leaving(cls, params: Array, data: Histories) -> tuple[float, Array]:
        """Σ weight · log(1 + odds of having left) and its gradient; each row has had a chance."""
        r, alpha, a, b = params
        x, t_x, T = data.x_levels, data.t_x_levels, data.T_levels
        passed = b + x.values + cls.first_is_chance - 1
        by_x = (np.log(a) - np.log(passed), r + x.values)
        # log (α + t) - log α and 1/α - 1/(α + t): of times far below α the digits stay.
        by_t_x, by_T = (
            (np.log1p(t.values / alpha), t.values / (alpha * (alpha + t.values))) for t in (t_x, T)
        )
        value, by_rate, by_alpha = 0.0, 0.0, 0.0
        gone = np.zeros(len(x.values))
        for start in range(0, len(data), _BLOCK):
            rows = slice(start, start + _BLOCK)
            i, j, k = x.place[rows], t_x.place[rows], T.place[rows]
            weight, power = data.weight[rows], by_x[1][i]
            silence = by_T[0][k] - by_t_x[0][j]
            log_odds = by_x[0][i] + power * silence
            small = np.exp(-np.abs(log_odds))
            value += dot(weight, np.maximum(log_odds, 0) + np.log(1 + small))
            p_gone = weight * np.where(log_odds > 0, 1.0, small) / (1 + small)
            by_rate += dot(p_gone, silence)
            by_alpha += dot(p_gone * power, by_t_x[1][j] - by_T[1][k])
            gone += np.bincount(i, p_gone, minlength=len(gone))
        return value, np.array([by_rate, by_alpha, gone.sum() / a, -(gone / passed).sum()])

    # --- what it says of customers -----------------------------------------------------------------

    def _p_alive(self, data: Histories) -> Array:
        return special.expit(-self._odds_of_leaving(self._vector, data))

    def _expected_if_alive(self, x: Array, T: Array, horizon: Array) -> Array:
        r, alpha, a, b = self._vector
        rows = np.broadcast_arrays(x, T, horizon)
        (counts, seen, ahead), place = distinct(*(row.ravel() for row in rows))
        expected = purchases_until_leaving(
            r + counts, ahead / (alpha + seen), a, b + counts + self.first_is_chance
        )
        return expected[place].reshape(rows[0].shape)

    def _expected_of_new(self, t: Array) -> Array:
        _, _, a, b = self._vector
        stays = b / (a + b) if self.first_is_chance else 1.0
        zero = np.zeros_like(t)
        return stays * self._expected_if_alive(zero, zero, t)

    def _probabilities(self, counts: Array, t: float) -> Array:
        r, alpha, a, b = self._vector
        chances = counts + self.first_is_chance
        exactly, at_least = negative_binomial(counts, r, t / alpha)
        stayed = np.exp(log_rising(b, chances) - log_rising(a + b, chances))
        left = np.where(chances > 0, a / (b + np.maximum(chances, 1) - 1), 0.0)
        return stayed * (exactly + left * at_least)
