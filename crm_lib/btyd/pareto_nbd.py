"""Pareto/NBD: customers buy at random at a rate of their own until they leave, unseen, at any time.

Formulas of Fader & Hardie (2005, "A note on deriving the Pareto/NBD model and related expressions")
and, for P(X(t) = n), of their note of 2006.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import special

from crm_lib.btyd.estimation import Objective
from crm_lib.btyd.histories import Array, Histories
from crm_lib.btyd.model import PurchaseModel
from crm_lib.btyd.pareto_integral import Index, LogIntegral, Points, log_integral, points
from crm_lib.btyd.special import log_rising

_PANELS, _NODES = 64, 16
_GONE = 41.0
"""e^−41 is below the precision of a number beside 1."""


@dataclass(frozen=True)
class _Prepared:
    """Histories with the few distinct pairs (x, t_x) and (x, T) that their likelihood depends on."""

    data: Histories
    last: Points
    last_row: Index
    end: Points
    end_row: Index

    @classmethod
    def of(cls, data: Histories) -> Self:
        last, end = points(data.x_levels, data.t_x_levels), points(data.x_levels, data.T_levels)
        return cls(data, *last, *end)


class ParetoNbd(PurchaseModel):
    """Purchases are Poisson with a rate from Gamma(r, alpha); lifetimes exponential with a rate from
    Gamma(s, beta). alpha and beta are times; r/alpha is the mean rate of buying, s/beta of leaving.
    """

    name = "pareto_nbd"
    title = "Pareto/NBD"
    source = (
        "Schmittlein, D. C., Morrison, D. G. & Colombo, R. (1987). Counting your customers: who are they "
        "and what will they do next? Management Science 33(1), 1–24."
    )
    names = ("r", "alpha", "s", "beta")
    time_names = ("alpha", "beta")

    @classmethod
    def _objective(cls, data: Histories) -> Objective:
        prepared = _Prepared.of(data)
        return lambda params: _value_and_gradient(params, prepared)

    @classmethod
    def log_likelihoods(cls, params: Array, data: Histories) -> Array:
        r, alpha, s, beta = params
        left, stayed = _left(params, prepared := _Prepared.of(data)), _stayed(params, prepared)
        both = np.logaddexp(left.value[prepared.last_row], stayed.value[prepared.end_row])
        return log_rising(r, data.x) + r * np.log(alpha) + s * np.log(beta) + both

    @classmethod
    def log_likelihood_and_gradient(cls, params: Array, data: Histories) -> tuple[float, Array]:
        return _value_and_gradient(params, _Prepared.of(data))

    def _p_alive(self, data: Histories) -> Array:
        r, alpha, s, beta = self._vector
        prepared = _Prepared.of(data)
        left, stayed = _left(self._vector, prepared), _stayed(self._vector, prepared)
        both = np.logaddexp(left.value[prepared.last_row], stayed.value[prepared.end_row])
        alive = -(r + data.x) * np.log(alpha + data.T) - s * np.log(beta + data.T)
        return np.minimum(np.exp(alive - both), 1.0)

    def _expected_if_alive(self, x: Array, T: Array, horizon: Array) -> Array:
        r, alpha, s, beta = self._vector
        return (r + x) / (alpha + T) * _time_as_customer(s, beta + T, horizon)

    def _expected_of_new(self, t: Array) -> Array:
        r, alpha, s, beta = self._vector
        return r / alpha * _time_as_customer(s, np.asarray(beta), t)

    def _probabilities(self, counts: Array, t: float) -> Array:
        r, alpha, s, beta = self._vector
        stayed = np.exp(_log_nbd(counts, r, alpha, np.asarray(t)) - s * np.log1p(t / beta))
        # Times of leaving on a scale where both α + u and β + u vary by a constant factor.
        scale = min(alpha, beta)
        latest = min(t, beta * np.expm1(min(_GONE / s, 500.0)))
        nodes, weights = _composite(np.log1p(latest / scale))
        u = scale * np.expm1(nodes)
        leaving = weights * s / (beta + u) * np.exp(-s * np.log1p(u / beta)) * (scale + u)
        return stayed + np.exp(_log_nbd(counts[:, None], r, alpha, u)) @ leaving


def _left(params: Array, prepared: _Prepared) -> LogIntegral:
    """log F of the distinct (x, t_x): see `pareto_integral`."""
    r, alpha, s, beta = params
    p = r + prepared.last.x
    found = log_integral(p, np.full_like(p, s + 1), alpha, beta, prepared.last)
    return found._replace(value=found.value + np.log(s), q=found.q + 1 / s)


def _stayed(params: Array, prepared: _Prepared) -> LogIntegral:
    """log G of the distinct (x, T): see `pareto_integral`."""
    r, alpha, s, beta = params
    p = r + prepared.end.x
    found = log_integral(p + 1, np.full_like(p, s), alpha, beta, prepared.end)
    p = p[prepared.end.at]
    return found._replace(value=found.value + np.log(p), p=found.p + 1 / p)


def _value_and_gradient(params: Array, prepared: _Prepared) -> tuple[float, Array]:
    """The weighted log-likelihood and its gradient; rows are met once, the rest is distinct pairs."""
    r, alpha, s, beta = params
    data, customers = prepared.data, prepared.data.customers
    left, stayed = _left(params, prepared), _stayed(params, prepared)
    left_log, stayed_log = left.value[prepared.last_row], stayed.value[prepared.end_row]
    both = np.logaddexp(left_log, stayed_log)
    of_left = data.weight * np.exp(left_log - both)
    by_last = np.bincount(prepared.last_row, of_left, len(prepared.last.tau))
    by_end = np.bincount(prepared.end_row, data.weight - of_left, len(prepared.end.tau))
    by_x, counts = data.weight_by_x, data.x_levels.values
    value = by_x @ log_rising(r, counts)
    value += customers * (r * np.log(alpha) + s * np.log(beta))
    value += np.einsum("i,i->", data.weight, both)
    gradient = [
        np.einsum("i,i->", by_last, left[i]) + np.einsum("i,i->", by_end, stayed[i])
        for i in range(1, 5)
    ]
    by_r, by_s, by_alpha, by_beta = gradient
    by_r += by_x @ (special.digamma(r + counts) - special.digamma(r)) + customers * np.log(alpha)
    by_s += customers * np.log(beta)
    return float(value), np.array(
        [by_r, by_alpha + customers * r / alpha, by_s, by_beta + customers * s / beta]
    )


def _time_as_customer(s: float, beta: Array, horizon: Array) -> Array:
    """Expected time until one leaves or the horizon ends, of lifetimes Pareto(s, beta).

    beta/(s−1) (1 − (beta/(beta + horizon))^(s−1)), in a form that holds at s = 1.
    """
    log_growth = np.log1p(horizon / beta)
    return beta * log_growth * special.exprel((1 - s) * log_growth)


def _log_nbd(n: Array, r: float, alpha: float, t: Array) -> Array:
    """log P(n purchases in t) of a customer who stays."""
    ways = log_rising(r, n) - special.gammaln(n + 1)
    return ways - r * np.log1p(t / alpha) + special.xlogy(n, t / (alpha + t))


def _composite(end: float) -> tuple[Array, Array]:
    """Nodes and weights of Gauss–Legendre rules on equal panels of [0, end]."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    width = end / _PANELS
    starts = np.arange(_PANELS)[:, None] * width
    return (starts + width * (nodes + 1) / 2).ravel(), np.tile(weights * width / 2, _PANELS)
