"""What every model of repeat purchases has in common: fit, parameters with units, predictions."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from crm_lib.btyd.estimation import Objective, maximise
from crm_lib.btyd.histories import COARSE_ROWS, Array, Histories, Unit, dot, factor
from crm_lib.btyd.parameters import MIN_CUSTOMERS, Timed
from crm_lib.errors import NoModel, UsageError


class PurchaseModel(Timed):
    """A model of when customers buy again and when they stop, with its parameters.

    Made by `fit`, or with parameters one knows: `BgNbd(unit="week", r=.243, alpha=4.414, a=.793,
    b=2.426)`. `params_` are in `unit`; parameters in `time_names` are times. Histories in another
    unit are converted, never taken as they are. Arrays come back in the order of the histories' rows.
    """

    time_names: ClassVar[tuple[str, ...]] = ("alpha",)

    # --- fitting ----------------------------------------------------------------------------------

    @classmethod
    def fit(cls, histories: Histories) -> Self:
        """The model with the highest likelihood of these histories; parameters in their unit.

        `estimate_` holds log-likelihood, covariance and what the data leave undetermined. Raises NoModel
        where the data cannot carry a model: fewer than `MIN_CUSTOMERS`, nobody observed for any
        time, or no repeat purchase at all.
        """
        cls._check(histories)
        data = histories.compressed()
        natural = dict.fromkeys(cls.time_names, data.time / data.customers)
        # Time a purchase, rather than time observed: with r = 1 that is the natural size of alpha.
        natural["alpha"] = data.time / data.repeats
        coarse = data.coarse() if len(data) > COARSE_ROWS else None
        estimate = maximise(
            cls._objective(data),
            cls._starts(data),
            natural=natural,
            customers=data.customers,
            coarse=None if coarse is None else cls._objective(coarse),
        )
        model = cls(unit=histories.unit, **estimate.params)
        model.estimate_ = estimate
        model.customers_ = histories.customers
        return model

    @classmethod
    def _objective(cls, data: Histories) -> Objective:
        return lambda params: cls.log_likelihood_and_gradient(params, data)

    @classmethod
    def _check(cls, data: Histories) -> None:
        if data.customers < MIN_CUSTOMERS:
            raise NoModel(
                f"{cls.title} needs at least {MIN_CUSTOMERS} customers, not {data.customers:g}."
            )
        if not (data.T > 0).any():
            raise NoModel("Nobody is observed for any time after the first purchase.")
        if not data.repeats:
            raise NoModel(
                f"Not one of {data.customers:,.0f} customers bought again: whether they buy rarely "
                "or have left cannot be told apart. Observe them for longer."
            )

    @classmethod
    def _starts(cls, data: Histories) -> list[dict[str, float]]:
        """Where searches begin: more than one where a likelihood may have more than one peak."""
        span = data.time / data.customers
        return [{name: span / 2 if name in cls.time_names else 1.0 for name in cls.names}]

    @classmethod
    @abstractmethod
    def log_likelihoods(cls, params: Array, data: Histories) -> Array:
        """The log-likelihood of each row, one customer each; `params` in the order of `names`."""

    @classmethod
    @abstractmethod
    def log_likelihood_and_gradient(cls, params: Array, data: Histories) -> tuple[float, Array]:
        """The weighted log-likelihood of all rows and its gradient with respect to `params`."""

    def log_likelihood(self, histories: Histories) -> float:
        """The log-likelihood of all customers, times taken in the model's unit."""
        data = histories.to(self.unit)
        return dot(data.weight, self.log_likelihoods(self._vector, data))

    # --- what it says of customers -----------------------------------------------------------------

    @abstractmethod
    def _p_alive(self, data: Histories) -> Array:
        """P(still a customer | history); histories in the model's unit."""

    @abstractmethod
    def _expected_if_alive(self, x: Array, T: Array, horizon: Array) -> Array:
        """E[purchases in (T, T + horizon] | x, T, alive at T]; arrays that broadcast."""

    @abstractmethod
    def _expected_of_new(self, t: Array) -> Array:
        """E[X(t)]: repeat purchases of a customer in the time t after the first."""

    @abstractmethod
    def _probabilities(self, counts: Array, t: float) -> Array:
        """P(X(t) = n) for each n of `counts`."""

    def p_alive(self, histories: Histories) -> Array:
        """P(still a customer at T | x, t_x, T), row by row."""
        return self._p_alive(histories.to(self.unit))

    def expected_purchases(self, histories: Histories, *, horizon: float, unit: Unit) -> Array:
        """E[purchases in the `horizon` (in `unit`) after T | x, t_x, T], row by row."""
        data = histories.to(self.unit)
        span = np.asarray(self._span(horizon, unit))
        return self._p_alive(data) * self._expected_if_alive(data.x, data.T, span)

    def expected_of_new(self, t: float | Array, *, unit: Unit) -> Array:
        """E[X(t)]: repeat purchases in the time t (in `unit`) after a customer's first one."""
        times = np.atleast_1d(np.asarray(t, dtype=float)) * factor(unit, self.unit)
        if not (np.isfinite(times) & (times >= 0)).all():
            raise UsageError("A time after the first purchase is a number of 0 or more.")
        return self._expected_of_new(times)

    def probabilities(self, counts: Array | list[int], t: float, *, unit: Unit) -> Array:
        """P(X(t) = n) for each n of `counts`: shares of customers with n repeats in the time t."""
        numbers = np.asarray(counts, dtype=float)
        if (numbers < 0).any() or (numbers != np.floor(numbers)).any():
            raise UsageError("Counts of purchases are whole numbers of 0 or more.")
        return self._probabilities(numbers, self._span(t, unit))

    def predict(self, histories: Histories, *, horizon: float, unit: Unit) -> pd.DataFrame:
        """One row a history, in order: p_alive, expected_purchases in the `horizon` after T."""
        data = histories.to(self.unit)
        alive = self._p_alive(data)
        ahead = self._expected_if_alive(data.x, data.T, np.asarray(self._span(horizon, unit)))
        return pd.DataFrame({"p_alive": alive, "expected_purchases": alive * ahead})

    def _span(self, horizon: float, unit: Unit) -> float:
        if not (np.isfinite(horizon) and horizon >= 0):
            raise UsageError(f"A horizon is a number of {unit}s of 0 or more, not {horizon}.")
        return float(horizon) * factor(unit, self.unit)
