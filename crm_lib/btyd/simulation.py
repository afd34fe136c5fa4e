"""Customers drawn from a purchase model: whole histories, and the futures of histories seen.

Both are exact: no grid of time, no approximation. Futures give the predictive intervals of
individual customers, which are far wider than the interval of their expectation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.btyd.bg_nbd import BgNbd
from crm_lib.btyd.histories import Array, Histories, Unit, factor
from crm_lib.btyd.mbg_nbd import MbgNbd
from crm_lib.btyd.model import PurchaseModel
from crm_lib.btyd.nbd import Nbd
from crm_lib.btyd.pareto_nbd import ParetoNbd
from crm_lib.errors import UsageError, listing

Rng = np.random.Generator
Counts = npt.NDArray[np.int64]

CELLS_AT_ONCE = 2_000_000
"""Customers × draws held at a time by `predicted_total` and `predictive_interval`."""


# --- histories from nothing -----------------------------------------------------------------------


def simulate(model: PurchaseModel, T: npt.ArrayLike, *, unit: Unit, seed: int) -> Histories:
    """Histories of customers who live as the model says, one row each, in the order of T.

    `T` is the time each is observed after the first purchase, in `unit`; the histories are in the
    model's unit. Times are continuous: round them up to days for a log of days. Raises UsageError
    for a T that is no time, or a model that cannot be simulated.
    """
    observed = np.atleast_1d(np.asarray(T, dtype=float)) * factor(unit, model.unit)
    if observed.ndim != 1 or not (np.isfinite(observed) & (observed >= 0)).all():
        raise UsageError("T is a time of 0 or more, or a list of them, one for each customer.")
    rng = np.random.default_rng(seed)
    rates = _gamma(rng, model.params_["r"], model.params_["alpha"], len(observed))
    x, t_x = _rule(_LIVES, model)(model.params_, rates, observed, rng)
    return Histories(x.astype(float), t_x, observed, np.ones(len(observed)), model.unit)


def _live_forever(
    params: dict[str, float], rates: Array, T: Array, rng: Rng
) -> tuple[Counts, Array]:
    x = rng.poisson(rates * T)
    return x, _last_of(x, T, rng)


def _live_pareto(
    params: dict[str, float], rates: Array, T: Array, rng: Rng
) -> tuple[Counts, Array]:
    """A life of exponential length; its rate is gamma (s, beta)."""
    leaving = _gamma(rng, params["s"], params["beta"], len(T))
    active = np.minimum(_wait(rng, leaving), T)
    x = rng.poisson(rates * active)
    return x, _last_of(x, active, rng)


def _live_beta_geometric(first_is_chance: int) -> Callable[..., tuple[Counts, Array]]:
    def live(params: dict[str, float], rates: Array, T: Array, rng: Rng) -> tuple[Counts, Array]:
        """The purchases that would come if nobody left, cut after the one that ends in leaving."""
        come = rng.poisson(rates * T)
        leaves = _log_stay(rng, params["a"], params["b"], np.zeros(len(T)))
        until = _chances_until_leaving(rng, leaves) - first_is_chance
        cut = until < come
        x = np.where(cut, until, come)
        t_x = _last_of(x, T, rng)
        # The k-th of n times that are uniform over T is T · beta (k, n - k + 1).
        inner = cut & (x > 0)
        t_x[inner] = T[inner] * rng.beta(x[inner], come[inner] - x[inner] + 1)
        return x, t_x

    return live


def _last_of(x: Counts, T: Array, rng: Rng) -> Array:
    """The last of x times that are uniform over T; 0 where there is none."""
    return np.where(x > 0, T * rng.random(len(T)) ** (1 / np.maximum(x, 1)), 0.0)


# --- futures of histories seen --------------------------------------------------------------------


def futures(
    model: PurchaseModel | Sequence[PurchaseModel],
    histories: Histories,
    *,
    horizon: float,
    unit: Unit,
    draws: int,
    seed: int,
) -> Counts:
    """Purchases in the `horizon` (in `unit`) after T, drawn given each history: rows × draws.

    Each draw is one customer's possible future: is it still there, at which rate does it buy, when
    does it leave, all from their distribution given x, t_x, T. With several models (of
    `intervals.models`) the draws are shared out among them, so that the uncertainty of the
    parameters is in them too. Weights are ignored: a row is one customer.
    """
    if draws < 1:
        raise UsageError(f"The number of draws is 1 or more, not {draws}.")
    models = [model] if isinstance(model, PurchaseModel) else list(model)
    rng = np.random.default_rng(seed)
    shares = [len(part) for part in np.array_split(np.arange(draws), len(models))]
    parts = [
        _futures(one, histories, horizon * factor(unit, one.unit), share, rng)
        for one, share in zip(models, shares, strict=True)
        if share
    ]
    return np.concatenate(parts, axis=1)


def _futures(
    model: PurchaseModel, histories: Histories, horizon: float, draws: int, rng: Rng
) -> Counts:
    if not (np.isfinite(horizon) and horizon >= 0):
        raise UsageError(f"A horizon is a time of 0 or more, not {horizon}.")
    data = histories.to(model.unit)
    shape = (len(data), draws)
    # λ given the history and being there: gamma (r + x, α + T), whatever makes customers leave.
    x, T = data.x[:, None], data.T[:, None]
    rates = _gamma(rng, model.params_["r"] + x, model.params_["alpha"] + T, shape)
    still_there = rng.random(shape) < model.p_alive(data)[:, None]
    counts = _rule(_GO_ON, model)(model.params_, rates, x, T, horizon, rng)
    return np.where(still_there, counts, 0)


def _go_on_forever(
    params: dict[str, float], rates: Array, x: Array, T: Array, horizon: float, rng: Rng
) -> Counts:
    return rng.poisson(rates * horizon)


def _go_on_pareto(
    params: dict[str, float], rates: Array, x: Array, T: Array, horizon: float, rng: Rng
) -> Counts:
    """Who was there for T leaves at a rate μ that is gamma (s, β + T)."""
    leaving = _gamma(rng, params["s"], params["beta"] + T, rates.shape)
    return rng.poisson(rates * np.minimum(_wait(rng, leaving), horizon))


def _go_on_beta_geometric(first_is_chance: int) -> Callable[..., Counts]:
    def go_on(
        params: dict[str, float], rates: Array, x: Array, T: Array, horizon: float, rng: Rng
    ) -> Counts:
        """Who passed n chances to leave takes one with a probability p that is beta (a, b + n)."""
        passed = np.broadcast_to(x + first_is_chance, rates.shape)
        leaves = _log_stay(rng, params["a"], params["b"], passed)
        return np.minimum(rng.poisson(rates * horizon), _chances_until_leaving(rng, leaves))

    return go_on


# --- what futures say -----------------------------------------------------------------------------


def predictive_interval(
    model: PurchaseModel | Sequence[PurchaseModel],
    histories: Histories,
    *,
    horizon: float,
    unit: Unit,
    seed: int,
    level: float = 0.95,
    draws: int = 1000,
) -> pd.DataFrame:
    """One row a history, in order: expected, low and high purchases in the `horizon` after T.

    low and high are counts: the interval of a customer's own purchases, with at least the
    probability `level` in it. `expected` is the mean of the draws.
    """
    if not 0 < level < 1:
        raise UsageError(f"A level is between 0 and 1, not {level}.")
    rows = max(1, CELLS_AT_ONCE // draws)
    parts = []
    for block, start in enumerate(range(0, len(histories), rows)):
        some = histories.take(np.arange(start, min(start + rows, len(histories))))
        drawn = futures(
            model, some, horizon=horizon, unit=unit, draws=draws, seed=seed + 7919 * block
        )
        tail = (1 - level) / 2
        low = np.quantile(drawn, tail, axis=1, method="inverted_cdf")
        high = np.quantile(drawn, 1 - tail, axis=1, method="inverted_cdf")
        parts.append(pd.DataFrame({"expected": drawn.mean(axis=1), "low": low, "high": high}))
    return pd.concat(parts, ignore_index=True)


def predicted_total(
    model: PurchaseModel | Sequence[PurchaseModel],
    histories: Histories,
    *,
    horizon: float,
    unit: Unit,
    seed: int,
    draws: int = 400,
) -> Counts:
    """Purchases of all customers together in the `horizon` after T: one number a draw.

    A row of weight w is w customers, each with a future of its own; weights must be whole numbers.
    """
    weight = histories.weight.astype(np.int64)
    if (weight != histories.weight).any():
        raise UsageError(
            "A total of purchases needs whole customers: weights are not whole numbers."
        )
    each = np.repeat(np.arange(len(histories)), weight)
    rows = max(1, CELLS_AT_ONCE // draws)
    total = np.zeros(draws, dtype=np.int64)
    for block, start in enumerate(range(0, len(each), rows)):
        some = histories.take(each[start : start + rows])
        total += futures(
            model, some, horizon=horizon, unit=unit, draws=draws, seed=seed + 7919 * block
        ).sum(axis=0)
    return total


# --- distributions --------------------------------------------------------------------------------


def _gamma(
    rng: Rng, shape: Array | float, rate: Array | float, size: int | tuple[int, ...]
) -> Array:
    return rng.gamma(shape, 1.0, size) / rate


def _wait(rng: Rng, rate: Array) -> Array:
    """An exponential time; for a rate so small that it is 0 as a number, one without end."""
    with np.errstate(divide="ignore", over="ignore"):
        return rng.standard_exponential(rate.shape) / rate


def _log_stay(rng: Rng, a: float, b: float, passed: Array) -> Array:
    """log (1 - p) with p ~ beta (a, b + passed), also where p is too small for 1 - p to differ."""
    p = rng.beta(a, b + passed)
    with np.errstate(divide="ignore"):
        return np.log1p(-p)


def _chances_until_leaving(rng: Rng, log_stay: Array) -> Counts:
    """The number of the chance at which a customer leaves: 1, 2, … (geometric)."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        waited = np.ceil(rng.standard_exponential(log_stay.shape) / -log_stay)
    return np.clip(np.nan_to_num(waited, nan=1.0, posinf=_NEVER), 1, _NEVER).astype(np.int64)


_NEVER = float(2**53)

_LIVES: dict[type[PurchaseModel], Callable[..., tuple[Counts, Array]]] = {
    Nbd: _live_forever,
    BgNbd: _live_beta_geometric(BgNbd.first_is_chance),
    MbgNbd: _live_beta_geometric(MbgNbd.first_is_chance),
    ParetoNbd: _live_pareto,
}
_GO_ON: dict[type[PurchaseModel], Callable[..., Counts]] = {
    Nbd: _go_on_forever,
    BgNbd: _go_on_beta_geometric(BgNbd.first_is_chance),
    MbgNbd: _go_on_beta_geometric(MbgNbd.first_is_chance),
    ParetoNbd: _go_on_pareto,
}


def _rule(
    rules: Mapping[type[PurchaseModel], Callable[..., Any]], model: PurchaseModel
) -> Callable[..., Any]:
    if type(model) not in rules:
        known = listing(one.title for one in rules)
        raise UsageError(f"{model.title} cannot be simulated; these can: {known}.")
    return rules[type(model)]
