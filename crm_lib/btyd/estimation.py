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

_AT_BOUND = 1e-2
_STEP = 1e-3
_NEWTON_STEPS = 50
_DONE = 1e-9
"""A step that promises less log-likelihood than this, or this of 1,000 customers', ends the search."""
_IN_QUESTION = 2.0
"""Log-likelihood by which a search may lag before its end and still turn out the best."""
_SAME = 0.02
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
    hessian: Array | None = None


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

    def near(self, theta: Array) -> _Point:
        """About the optimum nearest to a start, by quasi-Newton.

        BFGS knows no bounds, so it searches on a scale on which they are infinitely far. (L-BFGS-B
        does, but calls BLAS for each step, whose threads cost far more than steps of 4 parameters.)
        """
        middle, reach = (self.low + self.high) / 2, (self.high - self.low) / 2

        def cost(phi: Array) -> tuple[float, Array]:
            at = np.tanh(phi)
            value, gradient = self.cost(middle + reach * at)
            return value, gradient * reach * (1 - at) * (1 + at)

        inside = np.clip((theta - middle) / reach, -0.99, 0.99)
        found = optimize.minimize(
            cost,
            np.arctanh(inside),
            jac=True,
            method="BFGS",
            options={"maxiter": 100, "gtol": 1e-4},
        )
        return self.at(middle + reach * np.tanh(found.x))

    def best(self, starts: Sequence[Array]) -> _Point:
        """The lowest of the optima near the starts; Newton ends those that are still in question."""
        near = sorted((self.near(theta) for theta in starts), key=lambda point: point.cost)
        ends: list[_Point] = []
        for point in near:
            in_question = (point.cost - near[0].cost) * self.customers < _IN_QUESTION
            known = any(np.abs(point.theta - end.theta).max() < _SAME for end in ends)
            if in_question and not known:
                ends.append(self.newton(point))
        return min(ends, key=lambda point: point.cost)

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
        """The first of shorter and shorter steps that goes down; no longer than to the first bound."""
        room = np.where(step > 0, self.high - point.theta, point.theta - self.low)
        moving = step != 0
        longest = min(1.0, float((room[moving] / np.abs(step[moving])).min(initial=1.0)))
        for size in (1.0, 0.5, 0.25, 0.05, 0.01):
            theta = point.theta + size * longest * step
            to = self.at(np.clip(theta, self.low, self.high))
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
        return ~self._blocked(point, -point.gradient)

    def _blocked(self, point: _Point, direction: Array) -> np.ndarray:
        """Which parameters are at an end of their range that the direction leads out of."""
        low = (point.theta < self.low + _AT_BOUND) & (direction <= 0)
        high = (point.theta > self.high - _AT_BOUND) & (direction >= 0)
        return low | high

    def _step(self, point: _Point) -> Array:
        """The Newton step of the parameters free to take it; always downhill."""
        free = self.free(point)
        while free.any():
            step = _downhill(point, free)
            out = free & self._blocked(point, step)
            if not out.any():
                return step
            free &= ~out
        return np.zeros_like(point.theta)


def _downhill(point: _Point, free: np.ndarray) -> Array:
    """The Newton step of the free parameters, at most 1 in any logarithm.

    Where the Hessian bends down its curvature is taken as if it bent up.
    """
    assert point.hessian is not None
    step = np.zeros_like(point.theta)
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
    thetas = [np.clip(np.log([start[n] for n in names]), low, high) for start in starts]
    usable = [theta for theta in thetas if np.isfinite(first.cost(theta)[0])]
    if not usable:
        raise NoModel(f"The likelihood is not finite where the search starts: {dict(starts[0])}.")
    end = first.best(usable)
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
