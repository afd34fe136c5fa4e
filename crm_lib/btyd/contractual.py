"""Customers under contract: how many renew, and what that says of the renewals to come.

Who has not renewed has left; that is seen, unlike in a shop. Two models of it: shifted beta
geometric (Fader & Hardie 2007, "How to project customer retention"), in which each customer leaves
with a constant chance of its own, and beta discrete Weibull (Fader, Hardie, Liu, Davin &
Steenburgh 2018), in which that chance may also rise or fall with tenure. sBG is BdW with c = 1.

A period is one term of the contract; t counts renewals that came due. T = t says that the customer
left at the t-th renewal, S(t) = P(T > t), r(t) = S(t) / S(t - 1).
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cache
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import special

from crm_lib.btyd.estimation import Objective, maximise
from crm_lib.btyd.histories import Array
from crm_lib.btyd.parameters import MIN_CUSTOMERS, Timed
from crm_lib.btyd.retention import Retention
from crm_lib.errors import NoModel, UsageError

_EXACT_TERMS = 500
"""Renewals summed one by one before the rest of an endless sum is integrated."""
_LOG_TIMES = (0.0, 0.1, 1.0, 10.0, 100.0, 600.0)
"""Where the integral is cut, in logarithms of time: each part by Gauss-Legendre with `_NODES`."""
_NODES = 48
_LARGEST_LOG = 150.0
_FAR = 100.0
_LEAST_HAZARD = 1e-200
"""Rounding must not carry a chance of leaving to 0, whose logarithm ends a search."""


class ContractModel(Timed):
    """A model of how many renewals customers stay, with its parameters.

    Made by `fit_sbg` or `fit_bdw`, or with parameters one knows. One renewal comes due every
    `unit`; t and tenure are whole numbers of renewals, discount rates are those of one unit.
    """

    # --- fitting ----------------------------------------------------------------------------------

    @classmethod
    def fit(cls, retention: Retention) -> Self:
        """The model with the highest likelihood of this retention.

        `estimate_` holds log-likelihood, covariance, standard errors and the parameters that ran
        to a bound (`weak`). Raises NoModel where the counts cannot carry it: fewer than
        `MIN_CUSTOMERS`, fewer periods than parameters, nobody left, or nobody stayed.
        """
        cls._check(retention)
        estimate = maximise(
            cls._objective(retention), cls._starts(retention), customers=retention.customers
        )
        model = cls(unit=retention.unit, **estimate.params)
        model.estimate_ = estimate
        model.customers_ = retention.customers
        return model

    @classmethod
    def _objective(cls, retention: Retention) -> Objective:
        return lambda params: cls.log_likelihood_and_gradient(params, retention)

    @classmethod
    def _check(cls, retention: Retention) -> None:
        if retention.customers < MIN_CUSTOMERS:
            raise NoModel(
                f"{cls.title} needs at least {MIN_CUSTOMERS} customers who faced a renewal, "
                f"not {retention.customers:g}."
            )
        if not retention.lost.any():
            raise NoModel(
                f"Nobody of {retention.customers:,.0f} customers left in {retention.periods} "
                "periods: how long they will stay cannot be estimated from that."
            )
        if not (retention.at_risk - retention.lost).any():
            raise NoModel("Nobody renewed even once: there is no retention to project.")
        if retention.periods < len(cls.names):
            raise NoModel(
                f"{cls.title} has {len(cls.names)} parameters and needs as many observed periods, "
                f"not {retention.periods}."
            )

    @classmethod
    @abstractmethod
    def _starts(cls, retention: Retention) -> list[dict[str, float]]:
        """Where the searches begin; the best end counts."""

    @classmethod
    @abstractmethod
    def _renewals(cls, params: Array, t: Array) -> tuple[Array, Array, Array, Array]:
        """log P(leave) and log P(stay) at the t-th renewal, of those who reach it; t whole, from 1.

        Then the gradients of both with respect to `params`, one row a parameter.
        """

    @classmethod
    @abstractmethod
    def _log_survival(cls, params: Array, t: Array) -> Array:
        """log S(t), also between renewals."""

    @classmethod
    def log_likelihood_and_gradient(
        cls, params: Array, retention: Retention
    ) -> tuple[float, Array]:
        """The log-likelihood of all customers and its gradient with respect to `params`.

        The product over renewals of P(leave)^lost · P(stay)^stayed: the same as P(T = t) of those
        who left times S(t) of those who are still there.
        """
        t = np.arange(1.0, len(retention.lost) + 1)
        leave, stay, leave_gradient, stay_gradient = cls._renewals(params, t)
        lost, stayed = retention.lost, retention.at_risk - retention.lost
        seen = lost > 0  # a renewal that lost nobody may have P(leave) = 0
        value = lost[seen] @ leave[seen] + stayed @ stay
        gradient = leave_gradient[:, seen] @ lost[seen] + stay_gradient @ stayed
        return float(value), gradient

    def log_likelihood(self, retention: Retention) -> float:
        """The log-likelihood of all customers. UsageError where the periods have another length."""
        if retention.unit != self.unit:
            raise UsageError(
                f"The model renews every {self.unit}, these customers every {retention.unit}."
            )
        return self.log_likelihood_and_gradient(self._vector, retention)[0]

    # --- what it says of customers ----------------------------------------------------------------

    def survival(self, t: npt.ArrayLike) -> Array:
        """S(t): the share of a cohort still there after t renewals, t = 0, 1, 2 …"""
        return np.exp(self._log_survival(self._vector, _whole(t, 0, "t")))

    def retention_rate(self, t: npt.ArrayLike) -> Array:
        """r(t) = S(t) / S(t - 1): of those who reach their t-th renewal, the share that renews."""
        return np.exp(self._renewals(self._vector, _whole(t, 1, "t"))[1])

    def probabilities(self, t: npt.ArrayLike) -> Array:
        """P(T = t): the share of a cohort that leaves at the t-th renewal, t = 1, 2, 3 …"""
        times = _whole(t, 1, "t")
        before = self._log_survival(self._vector, times - 1)
        return np.exp(before + self._renewals(self._vector, times)[0])

    def expected_residual_lifetime(
        self, tenure: npt.ArrayLike, *, discount_rate: float, horizon: int | None = None
    ) -> Array:
        """DERL: discounted renewals still to come from customers about to face their n-th renewal.

        sum over t ≥ n of S(t) / S(n - 1) / (1 + discount_rate)^(t - n), with n = `tenure` ≥ 1, the
        terms begun so far; the renewal now due is not discounted (Fader & Hardie 2010,
        "Customer-base valuation in a contractual setting", equation 6; for sBG it equals
        r(n) · 2F1(1, β + n; α + β + n; 1 / (1 + d))). `discount_rate` is for one `unit`. `horizon`
        limits the number of renewals counted; None counts all. One number a tenure. Raises NoModel
        where no rate discounts an endless sum that does not converge.
        """
        tenures = _whole(tenure, 1, "tenure")
        if not (np.isfinite(discount_rate) and discount_rate >= 0):
            raise UsageError(f"A discount rate is a number of 0 or more, not {discount_rate}.")
        if horizon is not None and (horizon < 1 or horizon != int(horizon)):
            raise UsageError(f"A horizon is a whole number of renewals from 1, not {horizon}.")
        log_v = -float(np.log1p(discount_rate))
        if horizon is None:
            return self._endless(tenures, log_v)
        distinct, place = np.unique(tenures, return_inverse=True)
        ahead = np.arange(horizon, dtype=float)
        sums = []
        for n in distinct:
            stay = self._renewals(self._vector, n + ahead)[1]
            sums.append(np.exp(np.cumsum(stay) + log_v * ahead).sum())
        return np.array(sums)[place].reshape(tenures.shape)

    def _endless(self, tenures: Array, log_v: float) -> Array:
        """The sum without end: from a far renewal backwards, DERL(n) = r(n) (1 + v DERL(n + 1))."""
        last = int(tenures.max(initial=1)) + _EXACT_TERMS
        stay = np.exp(self._renewals(self._vector, np.arange(1.0, last + 1))[1])
        value, values, v = self._tail(last, log_v), np.empty(last), np.exp(log_v)
        for n in range(last, 0, -1):
            value = stay[n - 1] * (1 + v * value)
            values[n - 1] = value
        return values[tenures.astype(int) - 1]

    def _tail(self, last: int, log_v: float) -> float:
        """DERL after renewal `last`: Euler-Maclaurin, as the sum is smooth so far out.

        f(k) = S(last + k) / S(last) · v^(k - 1) for k = 1, 2, …; the integral runs over log time.
        """
        index = self._tail_index()
        if log_v == 0 and index <= 1:
            raise NoModel(
                f"{self!r}: without discounting the expected number of renewals has no limit. "
                "Give a discount rate above 0 or a horizon."
            )
        at = self._log_survival(self._vector, np.array([float(last)]))

        def terms(k: Array, log_scale: Array | float = 0.0) -> Array:
            after = self._log_survival(self._vector, last + k)
            return np.exp(after - at + log_v * (k - 1) + log_scale)

        y, weights = _composite(_LOG_TIMES)
        first, second = terms(np.array([1.0, 2.0]))
        total = last * (weights @ terms(1 + last * np.expm1(y), y))
        total += first / 2 - (second - first) / 12
        if log_v == 0:  # what is left falls like a power of time
            end = np.array(_LOG_TIMES[-1:])
            total += last * terms(1 + last * np.expm1(end), end)[0] / (index - 1)
        return float(total)

    @abstractmethod
    def _tail_index(self) -> float:
        """k where S(t) falls like t^-k: the expected lifetime is finite where k > 1."""


class ShiftedBetaGeometric(ContractModel):
    """Chance of leaving at a renewal: constant for a customer, Beta(alpha, beta) over customers."""

    name = "sbg"
    title = "sBG"
    source = "Fader & Hardie 2007, How to project customer retention"
    names = ("alpha", "beta")

    @classmethod
    def _starts(cls, retention: Retention) -> list[dict[str, float]]:
        lost = float(retention.lost.sum() / retention.at_risk.sum())
        return [{"alpha": size * lost, "beta": size * (1 - lost)} for size in (2.0, 20.0)]

    @classmethod
    def _renewals(cls, params: Array, t: Array) -> tuple[Array, Array, Array, Array]:
        alpha, beta = params
        kept, everyone = beta + t - 1, alpha + beta + t - 1
        both = -1 / everyone
        return (
            np.log(alpha / everyone),
            np.log(kept / everyone),
            np.stack([1 / alpha + both, both]),
            np.stack([both, 1 / kept + both]),
        )

    @classmethod
    def _log_survival(cls, params: Array, t: Array) -> Array:
        alpha, beta = params
        return _log_gamma_gap(np.array([beta]), alpha) - _log_gamma_gap(beta + t, alpha)

    def _tail_index(self) -> float:
        return self.params_["alpha"]


class BetaDiscreteWeibull(ContractModel):
    """S(t | θ) = (1 - θ)^(t^c), θ Beta(gamma, delta): c > 1 is a chance of leaving that rises."""

    name = "bdw"
    title = "BdW"
    source = "Fader, Hardie, Liu, Davin & Steenburgh 2018, beta-discrete-Weibull"
    names = ("gamma", "delta", "c")

    @classmethod
    def _starts(cls, retention: Retention) -> list[dict[str, float]]:
        lost = float(retention.lost.sum() / retention.at_risk.sum())
        return [
            {"gamma": size * lost, "delta": size * (1 - lost), "c": c}
            for size, c in ((2.0, 1.0), (1.0, 1.5), (20.0, 0.7))
        ]

    @classmethod
    def _renewals(cls, params: Array, t: Array) -> tuple[Array, Array, Array, Array]:
        stay = cls._log_survival(params, t) - cls._log_survival(params, t - 1)
        stay = np.minimum(stay, -_LEAST_HAZARD)
        gradient = cls._survival_gradient(params, t) - cls._survival_gradient(params, t - 1)
        leaving = np.expm1(stay)
        return np.log(-leaving), stay, gradient * np.exp(stay) / leaving, gradient

    @classmethod
    def _log_survival(cls, params: Array, t: Array) -> Array:
        gamma, delta, c = params
        u, beyond = _power(t, c)
        gap_at_0 = _log_gamma_gap(np.array([delta]), gamma)
        return gap_at_0 - _log_gamma_gap(delta + u, gamma) - gamma * beyond

    @classmethod
    def _survival_gradient(cls, params: Array, t: Array) -> Array:
        """Gradient of log S(t), one row a parameter."""
        gamma, delta, c = params
        u, beyond = _power(t, c)
        gap, gap_at_0 = _digamma_gap(delta + u, gamma), _digamma_gap(np.array([delta]), gamma)
        by_gamma = special.digamma(gamma + delta) - special.digamma(gamma + delta + u) - beyond
        by_c = -gap * u * np.log(np.maximum(t, 1.0))
        return np.stack([by_gamma, gap_at_0 - gap, by_c])

    def _tail_index(self) -> float:
        return self.params_["gamma"] * self.params_["c"]


def fit_sbg(retention: Retention) -> ShiftedBetaGeometric:
    """The shifted beta geometric of this retention: see `ContractModel.fit`."""
    return ShiftedBetaGeometric.fit(retention)


def fit_bdw(retention: Retention) -> BetaDiscreteWeibull:
    """The beta discrete Weibull of this retention: see `ContractModel.fit`."""
    return BetaDiscreteWeibull.fit(retention)


def _power(t: Array, c: float) -> tuple[Array, Array]:
    """t^c up to e^150, and the logarithm of what is beyond: there S falls like t^(-c·gamma)."""
    with np.errstate(divide="ignore"):
        size = c * np.log(t)
    return np.exp(np.minimum(size, _LARGEST_LOG)), np.maximum(size - _LARGEST_LOG, 0.0)


def _log_gamma_gap(z: Array, gamma: float) -> Array:
    """ln Γ(z + γ) - ln Γ(z), by Stirling's series where the two would cancel."""
    far = np.maximum(z, _FAR)
    end = far + gamma
    near, gone = 1 / far, 1 / end
    series = gamma * np.log(far) + (end - 0.5) * np.log1p(gamma / far) - gamma
    series += (gone - near) / 12 - (gone**3 - near**3) / 360
    return np.where(z < _FAR, special.gammaln(z + gamma) - special.gammaln(z), series)


def _digamma_gap(z: Array, gamma: float) -> Array:
    """ψ(z + γ) - ψ(z), the derivative of `_log_gamma_gap` with respect to z."""
    far = np.maximum(z, _FAR)
    near, gone = 1 / far, 1 / (far + gamma)
    series = np.log1p(gamma * near) + gamma * near * gone / 2
    series += (near**2 - gone**2) / 12 - (near**4 - gone**4) / 120
    return np.where(z < _FAR, special.digamma(z + gamma) - special.digamma(z), series)


@cache
def _composite(cuts: tuple[float, ...]) -> tuple[Array, Array]:
    """Nodes and weights of Gauss-Legendre between neighbouring cuts."""
    at, weight = np.polynomial.legendre.leggauss(_NODES)
    nodes = [low + (at + 1) * (high - low) / 2 for low, high in pairwise(cuts)]
    weights = [weight * (high - low) / 2 for low, high in pairwise(cuts)]
    return np.concatenate(nodes), np.concatenate(weights)


def _whole(values: npt.ArrayLike, least: int, what: str) -> Array:
    numbers = np.asarray(values, dtype=float)
    if not (np.isfinite(numbers).all() and (numbers >= least).all() and (numbers % 1 == 0).all()):
        raise UsageError(f"{what} counts renewals: a whole number from {least}, not {values!r}.")
    return np.atleast_1d(numbers)
