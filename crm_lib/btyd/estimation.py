"""Maximum likelihood for a handful of positive parameters, with analytic gradients.

All parameters are positive, so the search runs over their logarithms: nothing can leave the
domain, and the scale of time or money only shifts the start. A quasi-Newton search comes near the
optimum; Newton steps with a Hessian made of differences of the exact gradient end it, and leave
the covariance that standard errors come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize

from crm_lib.btyd.histories import Array
from crm_lib.errors import NoModel

Objective = Callable[[Array], tuple[float, Array]]
"""Parameters → log-likelihood and its gradient with respect to the parameters."""

LOG_REACH = 9.0
"""How far a parameter may move from its natural size: a factor of e^9, about 8,000, either way."""

_AT_BOUND = 1e-3
_STEP = 1e-4
_NEWTON_STEPS = 25
_DONE = 1e-9
"""A Newton step that promises less log-likelihood than this, a customer, ends the search."""


@dataclass(frozen=True)
class Estimate:
    """The end of a search.

    `covariance` is of the logarithms of the parameters, in the order of `names`; rows and columns of
    weak parameters are 0. `weak`: parameters that ran to the end of their range or that the data
    do not determine; they have no standard error, and a reader must be told.
    """

    params: dict[str, float]
    log_likelihood: float
    covariance: Array
    weak: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.params)

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard errors of the parameters by the delta method; only of those that are not weak."""
        sizes = np.sqrt(np.diag(self.covariance))
        return {
            name: float(value * size)
            for (name, value), size in zip(self.params.items(), sizes, strict=True)
            if name not in self.weak
        }


def maximise(
    objective: Objective,
    start: Mapping[str, float],
    *,
    natural: Mapping[str, float] | None = None,
    customers: float = 1.0,
) -> Estimate:
    """The parameters with the highest log-likelihood, searched from `start`.

    `natural` is each parameter's natural size (default 1; times have that of the data), around which
    `LOG_REACH` bounds the search. `customers` scales the stopping rule. Raises NoModel where the
    likelihood is not finite at the start or the search ends nowhere.
    """
    names = tuple(start)
    centre = np.log([(natural or {}).get(name, 1.0) for name in names])
    low, high = centre - LOG_REACH, centre + LOG_REACH
    at = np.clip(np.log([start[name] for name in names]), low, high)

    def cost(theta: Array) -> tuple[float, Array]:
        params = np.exp(theta)
        value, gradient = objective(params)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return 1e25, np.zeros_like(theta)
        return -value / customers, -gradient * params / customers

    if cost(at)[0] >= 1e25:
        raise NoModel(f"The likelihood is not finite where the search starts: {dict(start)}.")
    found = optimize.minimize(
        cost,
        at,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(low, high, strict=True)),
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7},
    )
    theta, hessian, free = _newton(cost, found.x, low, high, customers)
    covariance, undetermined = _covariance(hessian * customers, free)
    value = -cost(theta)[0] * customers
    weak = tuple(n for n, f, u in zip(names, free, undetermined, strict=True) if not f or u)
    params = dict(zip(names, (float(v) for v in np.exp(theta)), strict=True))
    return Estimate(params, float(value), covariance, weak)


def _newton(
    cost: Objective, theta: Array, low: Array, high: Array, customers: float
) -> tuple[Array, Array, np.ndarray]:
    """Newton steps over the parameters that are not at a bound, until they promise nothing more.

    Returns the end, the Hessian of `cost` there, and which parameters are free.
    """
    value, gradient = cost(theta)
    for _ in range(_NEWTON_STEPS):
        free = (theta > low + _AT_BOUND) & (theta < high - _AT_BOUND)
        hessian = _hessian(cost, theta)
        step = _downhill(hessian, gradient, free)
        promise = float(-gradient @ step)
        if promise * customers < _DONE * max(1.0, customers * 1e-3):
            break
        for size in (1.0, 0.5, 0.25, 0.05):
            trial = np.clip(theta + size * step, low, high)
            trial_value, trial_gradient = cost(trial)
            if trial_value < value:
                theta, value, gradient = trial, trial_value, trial_gradient
                break
        else:
            break
    return theta, hessian, free


def _hessian(cost: Objective, theta: Array) -> Array:
    """Central differences of the gradient, made symmetric."""
    rows = []
    for i in range(len(theta)):
        step = np.zeros_like(theta)
        step[i] = _STEP
        rows.append((cost(theta + step)[1] - cost(theta - step)[1]) / (2 * _STEP))
    matrix = np.array(rows)
    return (matrix + matrix.T) / 2


def _downhill(hessian: Array, gradient: Array, free: np.ndarray) -> Array:
    """The Newton step of the free parameters, of at most 1 in the logarithm; always downhill."""
    step = np.zeros_like(gradient)
    if not free.any():
        return step
    values, vectors = linalg.eigh(hessian[np.ix_(free, free)])
    curvature = np.maximum(np.abs(values), 1e-10 * max(1.0, np.abs(values).max()))
    part = -(vectors / curvature) @ (vectors.T @ gradient[free])
    step[free] = part / max(1.0, np.abs(part).max())
    return step


def _covariance(information: Array, free: np.ndarray) -> tuple[Array, np.ndarray]:
    """Inverse of the information on the free parameters, and which of all are undetermined.

    Undetermined: the likelihood is (nearly) flat or rises in a direction that moves the parameter.
    """
    size = len(information)
    covariance, undetermined = np.zeros((size, size)), np.zeros(size, dtype=bool)
    if not free.any():
        return covariance, undetermined
    values, vectors = linalg.eigh(information[np.ix_(free, free)])
    # A standard error of the logarithm above 20 tells nothing: the parameter may be anything.
    flat = values < 1 / 400
    places = np.flatnonzero(free)
    if flat.any():
        moved = (np.abs(vectors[:, flat]) > 0.3).any(axis=1)
        undetermined[places[moved]] = True
    known = vectors[:, ~flat] / values[~flat] @ vectors[:, ~flat].T
    covariance[np.ix_(free, free)] = known
    covariance[undetermined, :] = 0.0
    covariance[:, undetermined] = 0.0
    return covariance, undetermined


def best(estimates: Sequence[Estimate]) -> Estimate:
    """The estimate with the highest log-likelihood, of searches from several starts."""
    return max(estimates, key=lambda estimate: estimate.log_likelihood)
