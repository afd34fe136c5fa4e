"""Maximum likelihood for a handful of positive parameters, with analytic gradients.

All parameters are positive, so the search runs over their logarithms: nothing can leave the
domain, and the scale of time or money only shifts the start. A quasi-Newton search comes near the
optimum; Newton steps with a Hessian made of differences of the exact gradient end it, and leave
the covariance that standard errors come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

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
_NEWTON_STEPS = 50
_DONE = 1e-9
"""A step that promises less log-likelihood than this, or this of 1,000 customers', ends the search."""
_FOLLOWS = 0.3
"""A parameter that moves by this share with another, in logarithms, is as undetermined as it."""


@dataclass(frozen=True)
class Estimate:
    """The end of a search.

    `covariance` is of the logarithms of the parameters, in the order of `names`; rows and columns of
    weak parameters are 0. `weak`: parameters that ran to the end of their range, that follow one
    that did, or that the data do not determine; they have no standard error, and a reader must be told.
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


@dataclass
class _Point:
    """A place of the search: cost a customer, its gradient and, once asked for, its Hessian."""

    theta: Array
    cost: float
    gradient: Array
    hessian: Array | None = field(default=None)


class _Search:
    """The search for the lowest cost a customer over logarithms of parameters, within a box."""

    def __init__(self, objective: Objective, low: Array, high: Array, customers: float) -> None:
        self.objective, self.low, self.high, self.customers = objective, low, high, customers
        self.enough = _DONE * max(1.0, customers * 1e-3) / customers

    def cost(self, theta: Array) -> tuple[float, Array]:
        params = np.exp(theta)
        value, gradient = self.objective(params)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return np.inf, np.zeros_like(theta)
        return -value / self.customers, -gradient * params / self.customers

    def at(self, theta: Array) -> _Point:
        return _Point(theta, *self.cost(theta))

    def from_start(self, theta: Array) -> _Point:
        """The optimum near a start: quasi-Newton first, Newton to end."""
        found = optimize.minimize(
            self.cost,
            theta,
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(self.low, self.high, strict=True)),
            options={"maxiter": 200, "ftol": 1e-10, "gtol": 1e-5},
        )
        return self.newton(self.at(found.x))

    def newton(self, point: _Point) -> _Point:
        """Newton steps until they promise nothing more; a Hessian serves as long as it serves well.

        The Hessian that `point` brings may be that of coarser data.
        """
        fresh = point.hessian is None
        if point.hessian is None:
            point.hessian = self.hessian(point.theta)
        for _ in range(_NEWTON_STEPS):
            step = self._step(point)
            promise = -float(point.gradient @ step)
            if promise < self.enough:
                break
            to = self._line(point, step)
            good = to is not None and to.cost < point.cost - 0.45 * promise
            if to is None:
                if fresh:
                    break
                to = point
            # A step that kept what it promised has a Hessian good enough for the next.
            fresh = not good
            to.hessian = point.hessian if good else self.hessian(to.theta)
            point = to
        return point

    def _line(self, point: _Point, step: Array) -> _Point | None:
        for size in (1.0, 0.5, 0.25, 0.05, 0.01):
            to = self.at(np.clip(point.theta + size * step, self.low, self.high))
            if to.cost < point.cost:
                return to
        return None

    def hessian(self, theta: Array) -> Array:
        """Central differences of the gradient, made symmetric."""
        rows = []
        for i in range(len(theta)):
            step = np.zeros_like(theta)
            step[i] = _STEP
            ahead, behind = self.cost(theta + step)[1], self.cost(theta - step)[1]
            rows.append((ahead - behind) / (2 * _STEP))
        matrix = np.array(rows)
        return (matrix + matrix.T) / 2

    def free(self, point: _Point) -> np.ndarray:
        """Which parameters are inside their range, or at its end but drawn back inside."""
        low = (point.theta < self.low + _AT_BOUND) & (point.gradient >= 0)
        high = (point.theta > self.high - _AT_BOUND) & (point.gradient <= 0)
        return ~(low | high)

    def _step(self, point: _Point) -> Array:
        """The Newton step of the free parameters, at most 1 in any logarithm; always downhill."""
        step, free = np.zeros_like(point.theta), self.free(point)
        if not free.any() or point.hessian is None:
            return step
        values, vectors = linalg.eigh(point.hessian[np.ix_(free, free)])
        curvature = np.maximum(np.abs(values), 1e-10 * max(1.0, np.abs(values).max()))
        part = -(vectors / curvature) @ (vectors.T @ point.gradient[free])
        step[free] = part / max(1.0, np.abs(part).max())
        return step


def maximise(
    objective: Objective,
    starts: Mapping[str, float] | Sequence[Mapping[str, float]],
    *,
    natural: Mapping[str, float] | None = None,
    customers: float = 1.0,
    coarse: Objective | None = None,
) -> Estimate:
    """The parameters with the highest log-likelihood, the best of the searches from all `starts`.

    `natural` is each parameter's natural size (default 1; times have that of the data), around which
    `LOG_REACH` bounds the search. `customers` scales the stopping rule. `coarse`, the objective on
    smaller data of as many customers, is searched first and `objective` only from its optimum.
    Raises NoModel where the likelihood is not finite at any start.
    """
    starts = [starts] if isinstance(starts, Mapping) else starts
    names = tuple(starts[0])
    centre = np.log([(natural or {}).get(name, 1.0) for name in names])
    low, high = centre - LOG_REACH, centre + LOG_REACH
    search = _Search(objective, low, high, customers)
    first = search if coarse is None else _Search(coarse, low, high, customers)
    found = [
        first.from_start(theta)
        for theta in (np.clip(np.log([s[n] for n in names]), low, high) for s in starts)
        if np.isfinite(first.cost(theta)[0])
    ]
    if not found:
        raise NoModel(f"The likelihood is not finite where the search starts: {dict(starts[0])}.")
    end = min(found, key=lambda point: point.cost)
    if coarse is not None:
        point = search.at(end.theta)
        point.hessian = end.hessian
        end = search.newton(point)
    return _estimate(search, end, names)


def _estimate(search: _Search, end: _Point, names: tuple[str, ...]) -> Estimate:
    information = search.hessian(end.theta) * search.customers
    covariance, weak = _covariance(information, search.free(end))
    return Estimate(
        params=dict(zip(names, (float(v) for v in np.exp(end.theta)), strict=True)),
        log_likelihood=float(-end.cost * search.customers),
        covariance=covariance,
        weak=tuple(name for name, w in zip(names, weak, strict=True) if w),
    )


def _covariance(information: Array, free: np.ndarray) -> tuple[Array, np.ndarray]:
    """Inverse of the information on the parameters that are determined, and which are not.

    Not determined: at the end of its range; or the likelihood is (nearly) flat or rises in a
    direction that moves the parameter; or it moves along with one that is not determined.
    """
    size = len(information)
    weak = ~free
    if free.any():
        values, vectors = linalg.eigh(information[np.ix_(free, free)])
        # A standard error of the logarithm above 20 tells nothing: the parameter may be anything.
        flat = values < 1 / 400
        weak[free] = (np.abs(vectors[:, flat]) > _FOLLOWS).any(axis=1)
    if weak.any() and not weak.all():
        known = ~weak
        moves = np.linalg.lstsq(information[np.ix_(known, known)], information[np.ix_(known, weak)])
        weak[known] |= (np.abs(moves[0]) > _FOLLOWS).any(axis=1)
    covariance = np.zeros((size, size))
    if not weak.all():
        known = ~weak
        covariance[np.ix_(known, known)] = linalg.pinvh(information[np.ix_(known, known)])
    return covariance, weak


def best(estimates: Sequence[Estimate]) -> Estimate:
    """The estimate with the highest log-likelihood, of searches from several starts."""
    return max(estimates, key=lambda estimate: estimate.log_likelihood)
