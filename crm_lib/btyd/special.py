"""Functions of purchase models that scipy has not, or not stable over the whole range."""

from __future__ import annotations

import numpy as np
from scipy import special

from crm_lib.btyd.histories import Array

_TABLE = 100_000
"""Up to so large a count sums over all smaller ones are tabulated."""
_PRECISION = 1e-14
_TERMS = 2_000
_NODES_AT_ONCE = 1 << 20


def log_rising(start: float, count: Array) -> Array:
    """log of start · (start + 1) ⋯ (start + count - 1) = log Γ(start + count) - log Γ(start).

    `count` are whole numbers. Added up, not subtracted: no digits are lost where start is large.
    """
    if count.max(initial=0) > _TABLE:
        return special.gammaln(start + count) - special.gammaln(start)
    return _running(np.log(start + _below(count)))[count.astype(np.intp)]


def log_rising_slope(start: float, count: Array) -> Array:
    """The derivative of `log_rising` by start: ψ(start + count) - ψ(start), added up likewise."""
    if count.max(initial=0) > _TABLE:
        return special.digamma(start + count) - special.digamma(start)
    return _running(1 / (start + _below(count)))[count.astype(np.intp)]


def _below(count: Array) -> Array:
    return np.arange(count.max(initial=0))


def _running(terms: Array) -> Array:
    """Sums of the first 0, 1, 2 … terms."""
    return np.concatenate([[0.0], np.cumsum(terms)])


def negative_binomial(counts: Array, r: float, u: float) -> tuple[Array, Array]:
    """P(K = n) and P(K ≥ n) of purchases in a time t at rates that are gamma (r, α); u = t / α."""
    if u == 0:
        return np.where(counts == 0, 1.0, 0.0), np.where(counts == 0, 1.0, 0.0)
    log_pmf = log_rising(r, counts) - special.gammaln(counts + 1) - r * np.log1p(u)
    exactly = np.exp(log_pmf - counts * np.log1p(1 / u))
    tail = special.betainc(np.maximum(counts, 1), r, u / (1 + u))
    return exactly, np.where(counts == 0, 1.0, tail)


def purchases_until_leaving(A: Array, u: Array, a: float, B: Array) -> Array:
    """Expected purchases when each is a chance to leave: rate gamma (A, 1), p beta (a, B), time u.

    A sum of positive terms, so there is nothing to cancel anywhere (a = 1, a + b < 1 and the like
    are no special cases): purchase j + 1 comes if the customer would buy more than j times, K being
    negative binomial, and has stayed at each of j chances,

        E = Σ_j P(K > j) · (B)_j / (a + B)_j .

    Where that takes too many terms (a long horizon), the integral over p is used.
    """
    A, u, B = (np.asarray(v, dtype=float) for v in np.broadcast_arrays(A, u, B))
    none = A * np.log1p(u)
    total = np.zeros(A.shape)
    # Beyond this exp(-none) is no longer a normal number and the sum cannot start.
    summed = none < 600
    left = ~summed
    todo = np.flatnonzero(summed & (u > 0))
    left[todo] = ~_summed(A[todo], u[todo], a, B[todo], total, todo)
    rest = np.flatnonzero(left)
    if len(rest):
        total[rest] = _integrated(A[rest], u[rest], a, B[rest])
    return total


def _summed(A: Array, u: Array, a: float, B: Array, total: Array, rows: np.ndarray) -> np.ndarray:
    """Adds the series of each row into `total`; says which rows came to an end within `_TERMS`."""
    done = np.zeros(len(rows), dtype=bool)
    at = np.arange(len(rows))
    z = u / (1 + u)
    exactly, more = np.exp(-A * np.log1p(u)), -np.expm1(-A * np.log1p(u))
    stayed, sum_ = np.ones_like(A), np.zeros_like(A)
    for j in range(_TERMS):
        sum_ += more * stayed
        stayed = stayed * ((B + j) / (a + B + j))
        exactly = exactly * (z * (A + j) / (j + 1))
        more = np.maximum(more - exactly, 0)
        if j % 8 == 7:
            # What is still to come, were the ratio of neighbouring terms to stay.
            ratio = np.minimum(z * np.maximum((A + j) / (j + 1), 1), 1) * (B + j) / (a + B + j)
            end = more * stayed < _PRECISION * sum_ * (1 - ratio)
            if end.any():
                total[rows[at[end]]] = sum_[end]
                done[at[end]] = True
                go = ~end
                at, A, B, z = at[go], A[go], B[go], z[go]
                exactly, more, stayed, sum_ = exactly[go], more[go], stayed[go], sum_[go]
                if not len(at):
                    break
    return done


def _integrated(A: Array, u: Array, a: float, B: Array) -> Array:
    """The same expectation as an integral over p, by the trapezoidal rule in logit p.

    With h(p) = (1 - (1 + p u)^-A) / p the expectation is E h(p) for p ~ beta (a, B); by parts it is
    E g(p) for p ~ beta (a + 1, B) with g = h - (1 - p) h' / (a + B), which no small a spoils; and
    g(1) + E[g(p) - g(1)] is not spoiled by a small B. Every part is positive.
    """
    out = np.empty_like(A)
    spread = np.sqrt(1 / (a + 1) + 1 / (B + 1))
    mode = np.log((a + 1) / B)
    # Both tails fall at least exponentially, by a + 1 and B + 1, beyond what curvature spreads.
    low = np.minimum(mode, -np.log1p(A * u)) - 9 * spread - 40 / (a + 1)
    high = mode + 9 * spread + 40 / (B + 1)
    step = np.minimum(0.2, 0.4 / np.sqrt(a + 1))
    nodes = int(np.ceil((high - low).max() / step)) + 1
    block = max(1, _NODES_AT_ONCE // nodes)
    for start in range(0, len(A), block):
        rows = slice(start, start + block)
        y = np.linspace(low[rows], high[rows], nodes, axis=1)
        out[rows] = _trapezoid(y, A[rows, None], u[rows, None], a, B[rows, None])
    return out


def _trapezoid(y: Array, A: Array, u: Array, a: float, B: Array) -> Array:
    p, stays = special.expit(y), special.expit(-y)
    log_weight = (a + 1) * special.log_expit(y) + B * special.log_expit(-y)
    weight = np.exp(log_weight - special.betaln(a + 1, B)) * (y[:, 1:2] - y[:, :1])

    def g(p: Array, stays: Array) -> Array:
        grown = np.log1p(p * u)
        h = -np.expm1(-A * grown) / p
        slope = (h - A * u * np.exp(-(A + 1) * grown)) / p
        return h + stays * np.maximum(slope, 0) / (a + B)

    at_1 = g(np.ones_like(A), np.zeros_like(A))
    return at_1[:, 0] + np.einsum("ij,ij->i", weight, g(p, stays) - at_1)
