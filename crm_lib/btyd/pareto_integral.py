"""The integral of the Pareto/NBD: Φ(p, q) = ∫₀^∞ (α + τ + v)^−p (β + τ + v)^−q dv, with derivatives.

A customer with x repeats, the last at t_x, has the likelihood Γ(r+x)/Γ(r) α^r β^s (F + G), where

    F = s Φ(r+x, s+1) at τ = t_x      left at some time after t_x
    G = (r+x) Φ(r+x+1, s) at τ = T    less what of F lies beyond T, plus being alive at T

which is the formula of Fader & Hardie (2005, "A note on deriving the Pareto/NBD model") after one
integration by parts. Both terms are positive, so nothing cancels, and each depends on x and one
time only: a million histories have a few ten thousand of them.

With near = min(α, β) + τ, far = max(α, β) + τ and ζ = far/near − 1,
Φ = near^−b far^(1−c+b) ₂F₁(1, b; c; −ζ) / (c − 1), b the exponent of near and c = p + q. The
continued fraction of Gauss for this ₂F₁ has positive terms only: it converges for every ζ ≥ 0 to
full precision, in less than ten levels where α and β are alike, and can be differentiated level by
level.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.btyd.histories import Array, Levels

Index = npt.NDArray[np.intp]

_CHUNK = 8_192
"""Points worked on together: what fits a processor's cache."""

_MANY_LEVELS = 40
_MOST_LEVELS = 120
"""Beyond, it is quicker to integrate where near is small and leave the rest to the fraction."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2


class Points(NamedTuple):
    """Where Φ is wanted: counts `x[at]` (x holds each count once) at the times `tau`, ascending."""

    x: Array
    at: Index
    tau: Array


class LogIntegral(NamedTuple):
    """log Φ at each point and its derivatives by p, q, α and β."""

    value: Array
    p: Array
    q: Array
    alpha: Array
    beta: Array


def points(x: Levels, tau: Levels) -> tuple[Points, Index]:
    """The distinct pairs of x and tau, and for each row which pair it has."""
    row, pairs = pd.factorize(tau.place * len(x.values) + x.place, sort=True)
    return Points(x.values, pairs % len(x.values), tau.values[pairs // len(x.values)]), row


def log_integral(p: Array, q: Array, alpha: float, beta: float, at: Points) -> LogIntegral:
    """log Φ(p, q) at each point; p and q hold the exponents for each of the counts `at.x`."""
    if alpha < beta:
        value, by_q, by_p, by_beta, by_alpha = log_integral(q, p, beta, alpha, at)
        return LogIntegral(value, by_p, by_q, by_alpha, by_beta)
    near = beta + at.tau
    found = np.empty((5, len(near)))
    for part, levels in _chunks(p, q, alpha - beta, near):
        place = near[part], alpha - beta, at.at[part]
        if levels <= _MOST_LEVELS:
            found[:, part] = _whole(p, q, *place, levels)
        else:
            found[:, part] = _in_two(p, q, *place)
    return LogIntegral(*found)


def _whole(
    p: Array, q: Array, near: Array, gap: float, at: Index, levels: int
) -> tuple[Array, ...]:
    """log Φ and its derivatives by p, q, far and near, all by the fraction; far = near + gap."""
    far = near + gap
    log_far, log_near = np.log(far), np.log(near)
    fraction, by_b, by_c, by_zeta = _log_fraction(q, p + q, gap / near, at, levels)
    kappa = (p + q - 1)[at]
    p, q = p[at], q[at]
    slope = by_zeta / near
    return (
        fraction - np.log(kappa) + (1 - p) * log_far - q * log_near,
        by_c - 1 / kappa - log_far,
        by_b + by_c - 1 / kappa - log_near,
        (1 - p) / far + slope,
        -q / near - slope * (far / near),
    )


def _in_two(p: Array, q: Array, near: Array, gap: float, at: Index) -> tuple[Array, ...]:
    """The same where near is so small beside far that the fraction needs too many levels.

    It is left the integral from where near has become 1/8 of far, or less if far's exponent is
    large. Before, the integrand is a power of near + v and a factor of far that hardly falls.
    """
    reach = np.maximum(8.0, p)
    stretch = np.maximum(gap / near / reach[at], 1.001)
    ends = {0, int(np.argmin(np.abs(q - 1))), len(p) - 1}
    levels = max(_levels(float(q[i]), float(p[i] + q[i]), float(reach[i])) for i in ends)
    after = np.array(_whole(p, q, near * stretch, gap, at, levels))
    before = np.array(_before(p[at], q[at], near, near + gap, np.log(stretch)))
    value = np.logaddexp(before[0], after[0])
    share = np.exp(before[0] - value)
    return value, *(share * before[1:] + (1 - share) * after[1:])


def _before(p: Array, q: Array, near: Array, far: Array, end: Array) -> tuple[Array, ...]:
    """The part of Φ where near + v is less than near e^end, by Gauss and Legendre's rule in log v."""
    # Where q is large there is nothing to add beyond e^−40.
    width = np.minimum(end, 40 / np.maximum(q - 1, 1e-9))
    u = _NODES * width[:, None]
    grown = near[:, None] * np.expm1(u) / far[:, None]
    faded = np.log1p(grown)
    weight = _WEIGHTS * np.exp((1 - q[:, None]) * u - p[:, None] * faded)
    total = weight.sum(axis=1)
    log_near, log_far = np.log(near), np.log(far)
    return (
        np.log(total * width) + (1 - q) * log_near - p * log_far,
        -log_far - np.einsum("ij,ij->i", weight, faded) / total,
        -log_near - np.einsum("ij,ij->i", weight, u) / total,
        -p / far * np.einsum("ij,ij->i", weight, 1 / (1 + grown)) / total,
        -q / near * np.einsum("ij,ij->i", weight, np.exp(-u)) / total,
    )


def _log_fraction(
    b: Array, c: Array, zeta: Array, at: Index, levels: int
) -> tuple[Array, Array, Array, Array]:
    """log ₂F₁(1, b; c; −ζ) at each point and its derivatives by b, c and ζ.

    It is the fraction 1/(1 + k₁ζ/(1 + k₂ζ/(1 + …))), evaluated from its deepest level upwards.

    Beside each denominator go its logarithmic derivatives: those of 1 + t are t/(1 + t) times
    those of t = kζ/below.
    """
    below = np.ones_like(zeta)
    by_b, by_c, by_zeta = np.zeros((3, len(zeta)))
    for level in range(levels, 0, -1):
        k, k_by_b, k_by_c = _coefficient(level, b, c)
        slope = k[at] / below
        t = slope * zeta
        below = 1 + t
        share = t / below
        by_b = share * (k_by_b[at] - by_b)
        by_c = share * (k_by_c[at] - by_c)
        by_zeta = slope / below - share * by_zeta
    return -np.log(below), -by_b, -by_c, -by_zeta


def _coefficient(level: int, b: Array, c: Array) -> tuple[Array, Array, Array]:
    """k of a level in Gauss's fraction for ₂F₁(b, 1; c; z) and the derivatives of log k by b, c."""
    j = level // 2
    if level % 2:
        low, high = c + (2 * j - 1), c + 2 * j
        one, two = b + j, c + (j - 1)
        by_c = 1 / two if j else 1 / low
        return one * two / (low * high), 1 / one, by_c - 1 / low - 1 / high
    low, high = c + (2 * j - 2), c + (2 * j - 1)
    one = c - b + (j - 1)
    return j * one / (low * high), -1 / one, 1 / one - 1 / low - 1 / high


def _chunks(p: Array, q: Array, gap: float, near: Array) -> Iterator[tuple[slice, int]]:
    """Stretches of the points (near rises along them), and how many levels each needs.

    Few points near τ = 0 may need many levels where the rest needs few, so they go apart.
    """
    # Small exponents converge slowest; among those of near the smallest need not be the slowest.
    slow = {0, int(np.argmin(np.abs(q - 1)))}
    low, end = 0, len(near)
    while low < end:
        zeta = gap / float(near[low])
        levels = max(_levels(float(q[i]), float(p[i] + q[i]), zeta) for i in slow)
        high = min(low + _CHUNK, end)
        if levels > _MANY_LEVELS:
            alike = int(np.searchsorted(near, near[low] * 4, side="right"))
            high = min(high, alike)
        yield slice(low, high), levels
        low = high


def _levels(b: float, c: float, zeta: float) -> int:
    """Levels after which the fraction stands still (Lentz's method), and some for derivatives."""
    up, down = 1.0, 0.0
    for level in range(1, _MOST_LEVELS + 1):
        j = level // 2
        if level % 2:
            k = (b + j) * (c + j - 1) / ((c + 2 * j - 1) * (c + 2 * j))
        else:
            k = j * (c - b + j - 1) / ((c + 2 * j - 2) * (c + 2 * j - 1))
        down = 1 / (1 + k * zeta * down)
        up = 1 + k * zeta / up
        if abs(up * down - 1) < 1e-16:
            break
    return level + 4 + level // 8
