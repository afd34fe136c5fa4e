"""What everything fitted here has in common: a name, parameters above 0, and the estimate behind them."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

import numpy as np

from crm_lib.btyd.estimation import Estimate
from crm_lib.btyd.histories import Array, Unit, factor
from crm_lib.errors import UsageError, listing

MIN_CUSTOMERS = 5
"""Fewer customers determine no four parameters; a fit is refused."""


class Parametric(ABC):
    """A model with the parameters `names`, in `params_`: numbers above 0.

    `estimate_` and `customers_` (how many it was fitted to) are None where parameters were given.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    names: ClassVar[tuple[str, ...]]

    def __init__(self, **params: float) -> None:
        if set(params) != set(self.names):
            raise UsageError(
                f"{self.title} has the parameters {listing(self.names)}, not {listing(params)}."
            )
        wrong = {n: v for n, v in params.items() if not (np.isfinite(v) and v > 0)}
        if wrong:
            raise UsageError(f"Parameters of {self.title} are positive numbers, not {wrong}.")
        self.params_ = {name: float(params[name]) for name in self.names}
        self.estimate_: Estimate | None = None
        self.customers_: float | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._shown()})"

    def _shown(self) -> str:
        return ", ".join(f"{name}={value:.4g}" for name, value in self.params_.items())

    @property
    def _vector(self) -> Array:
        return np.array([self.params_[name] for name in self.names])


class Timed(Parametric):
    """A model whose parameters go with a unit of time."""

    def __init__(self, *, unit: Unit, **params: float) -> None:
        factor(unit, "day")
        super().__init__(**params)
        self.unit: Unit = unit

    def _shown(self) -> str:
        return f"{super()._shown()}, unit={self.unit!r}"
