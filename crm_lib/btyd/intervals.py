"""How sure a fitted model is: intervals of its parameters and of anything that follows from them.

The likelihood is taken as it is, not as a normal curve at its peak. Parameters are drawn from a
multivariate t around the estimate (in logarithms, with the covariance of the fit) and weighted by
likelihood ÷ density of the proposal; a proposal that fits badly is moved to the weighted draws and
used again. The effective sample size says whether that went well; where it did not, no interval is
given. Takes thousands of likelihoods, no Markov chains.

Prior: each log parameter normal around its estimate with a standard deviation of `PRIOR_SPREAD`.
That is next to flat wherever the data say anything; it only makes the tails proper.

These are intervals of parameters and expectations. What a single customer does varies far more: see
`simulation.predictive_interval`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import linalg, special

from crm_lib.btyd.estimation import Estimate, Objective
from crm_lib.btyd.histories import Array
from crm_lib.errors import NoModel, UsageError, listing

PRIOR_SPREAD = 3.0
DEGREES = 6
"""Degrees of freedom of the proposal: tails heavier than those of a likelihood."""
ENOUGH = 0.25
"""A proposal with this effective share of its draws is good; else it is moved, up to `MOVES` times."""
MOVES = 3
LEAST_EFFECTIVE = 200.0
"""With fewer effective draws than this the ends of a 95 % interval are noise."""


class Fitted(Protocol):
    """A model fitted by maximum likelihood: of purchases, of spend or of contracts."""

    params_: dict[str, float]
    estimate_: Estimate | None

    @classmethod
    def _objective(cls, data: Any) -> Objective: ...


Model = TypeVar("Model", bound=Fitted)


@dataclass(frozen=True, eq=False)
class Draws:
    """Parameters drawn, one row a draw, in the order of `names`, with weights that add up to 1.

    `effective` is the effective sample size 1 / Σ weight²: how many independent draws they are worth.
    """

    names: tuple[str, ...]
    values: Array
    weights: Array

    @property
    def effective(self) -> float:
        return float(1 / np.square(self.weights).sum())

    def interval(self, level: float = 0.95) -> pd.DataFrame:
        """One row a parameter: name (index), low, median, high; equal tails."""
        tails = _tails(level)
        ends = [_quantiles(column, self.weights, tails) for column in self.values.T]
        return pd.DataFrame(ends, index=pd.Index(self.names, name="name"), columns=_ENDS)

    def sample(self, n: int, seed: int) -> Array:
        """`n` rows of equal weight, by systematic resampling."""
        at = (np.arange(n) + np.random.default_rng(seed).random()) / n
        rows = np.searchsorted(np.cumsum(self.weights), at)
        return self.values[np.minimum(rows, len(self.values) - 1)]


_ENDS = ["low", "median", "high"]


def draws(model: Fitted, data: Any, *, seed: int, n: int = 4000) -> Draws:
    """Weighted draws of the parameters of `model`, which was fitted to `data`.

    `data` are what the model was fitted to: histories, spend or retention. Raises UsageError for a
    model that was not fitted, NoModel where a parameter is weak or the draws are worth fewer than
    `LEAST_EFFECTIVE`.
    """
    if n < 2 * LEAST_EFFECTIVE:
        raise UsageError(f"At least {2 * LEAST_EFFECTIVE:.0f} draws are needed, not {n}.")
    estimate = _estimate(model)
    log_likelihood, names = type(model)._objective(_ready(model, data)), estimate.names
    mode = np.log([estimate.params[name] for name in names])
    rng = np.random.default_rng(seed)
    centre, covariance = mode, estimate.covariance
    best: Draws | None = None
    for _ in range(MOVES + 1):
        theta, log_density = _proposed(rng, centre, covariance, n)
        values = np.array([log_likelihood(np.exp(at))[0] for at in theta])
        log_prior = -np.square((theta - mode) / PRIOR_SPREAD).sum(axis=1) / 2
        drawn = Draws(names, np.exp(theta), _normalised(values + log_prior - log_density))
        if best is None or drawn.effective > best.effective:
            best = drawn
        if best.effective >= ENOUGH * n:
            return best
        centre, covariance = _moments(theta, drawn.weights, covariance)
    assert best is not None
    if best.effective < LEAST_EFFECTIVE:
        raise NoModel(
            f"{n:,} draws of the parameters are worth only {best.effective:,.0f}: the likelihood "
            "has no peak that an interval could be read from. Observe more customers, or longer."
        )
    return best


def _estimate(model: Fitted) -> Estimate:
    estimate = model.estimate_
    if estimate is None:
        raise UsageError("Intervals need a fitted model; this one was made from given parameters.")
    if estimate.weak:
        raise NoModel(
            f"The data do not determine {listing(estimate.weak)}: the search ran to its bound. "
            "There is no interval for parameters like these, nor for what follows from them."
        )
    return estimate


def _ready(model: Fitted, data: Any) -> Any:
    """The data in the model's unit, same customers in one row."""
    unit = getattr(model, "unit", None)
    if unit is not None and data.unit != unit:
        if not hasattr(data, "to"):
            raise UsageError(f"The model is for a {unit}, the data for a {data.unit}.")
        data = data.to(unit)
    return data.compressed() if hasattr(data, "compressed") else data


def _proposed(
    rng: np.random.Generator, centre: Array, covariance: Array, n: int
) -> tuple[Array, Array]:
    """Draws from a multivariate t, and the logarithm of their density but for a constant."""
    root = linalg.cholesky(covariance, lower=True)
    size = len(centre)
    scale = np.sqrt(DEGREES / rng.chisquare(DEGREES, (n, 1)))
    standard = rng.standard_normal((n, size)) * scale
    log_density = -(DEGREES + size) / 2 * np.log1p(np.square(standard).sum(axis=1) / DEGREES)
    return centre + standard @ root.T, log_density


def _normalised(log_weights: Array) -> Array:
    usable = np.where(np.isfinite(log_weights), log_weights, -np.inf)
    if not np.isfinite(usable).any():
        raise NoModel("The likelihood is not finite anywhere around the estimate.")
    return np.asarray(special.softmax(usable))


def _moments(theta: Array, weights: Array, covariance: Array) -> tuple[Array, Array]:
    """Mean and covariance of the weighted draws; a little of the old one keeps it invertible."""
    centre = weights @ theta
    away = theta - centre
    return centre, (away.T * weights) @ away + 0.05 * covariance


# --- intervals ------------------------------------------------------------------------------------


def parameter_interval(
    model: Fitted, data: Any, *, seed: int, level: float = 0.95, n: int = 4000
) -> pd.DataFrame:
    """One row a parameter: name (index), estimate, low, high, standard_error, from weighted draws."""
    estimate = _estimate(model)
    found = draws(model, data, seed=seed, n=n).interval(level)
    found.insert(0, "estimate", [estimate.params[name] for name in estimate.names])
    found["standard_error"] = [estimate.standard_errors[name] for name in estimate.names]
    return found.drop(columns="median")


def wald_interval(model: Fitted, *, level: float = 0.95) -> pd.DataFrame:
    """One row a parameter: name (index), low, high as estimate · e^(± z · standard error of the log).

    Takes no time, and is what the importance-sampled interval becomes with many customers.
    """
    estimate = _estimate(model)
    z = float(special.ndtri(1 - _tails(level)[0]))
    size = z * np.sqrt(np.diag(estimate.covariance))
    at = np.array(list(estimate.params.values()))
    return pd.DataFrame(
        {"low": at * np.exp(-size), "high": at * np.exp(size)},
        index=pd.Index(estimate.names, name="name"),
    )


def models(model: Model, drawn: Draws, *, n: int = 400, seed: int = 0) -> list[Model]:
    """`n` models of equal weight with parameters from the draws: what the data hold possible."""
    return [_with(model, row, drawn.names) for row in drawn.sample(n, seed)]


def interval(
    model: Model,
    data: Any,
    quantity: Callable[[Model], npt.ArrayLike],
    *,
    seed: int,
    level: float = 0.95,
    n: int = 4000,
    evaluations: int = 400,
) -> tuple[Any, Any]:
    """Low and high end of whatever `quantity` makes of a model: a number, or an array of any shape.

        low, high = interval(model, seen, lambda m: m.expected_purchases(seen, horizon=52, unit="week").sum(), seed=1)

    Of `n` draws `evaluations` of equal weight are taken through `quantity`. Raises what `draws` raises,
    and NoModel where the quantity is not finite for a draw: then it has no interval either.
    """
    tails = _tails(level)
    possible = models(model, draws(model, data, seed=seed, n=n), n=evaluations, seed=seed)
    values = np.array([np.asarray(quantity(one), dtype=float) for one in possible])
    broken = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if broken.any():
        raise NoModel(
            f"For {int(broken.sum())} of {len(values)} possible sets of parameters the quantity is "
            f"not a finite number, for example for {possible[int(np.argmax(broken))].params_}."
        )
    low, high = np.quantile(values, [tails[0], tails[-1]], axis=0)
    return (float(low), float(high)) if values.ndim == 1 else (low, high)


def _with(model: Model, values: Array, names: tuple[str, ...]) -> Model:
    other = copy.copy(model)
    other.params_ = dict(zip(names, (float(v) for v in values), strict=True))
    other.estimate_ = None
    return other


def _tails(level: float) -> tuple[float, float, float]:
    if not 0 < level < 1:
        raise UsageError(f"A level is between 0 and 1, not {level}.")
    return (1 - level) / 2, 0.5, (1 + level) / 2


def _quantiles(values: Array, weights: Array, at: tuple[float, ...]) -> Array:
    """Quantiles of weighted values, each at the middle of its weight."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) - weights[order] / 2
    return np.asarray(np.interp(at, reached, values[order]))
