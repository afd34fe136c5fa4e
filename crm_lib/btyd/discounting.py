"""Purchases to come, discounted: what a purchase of 1 in the future is worth today.

One convention everywhere: a purchase t years after the last observed day counts 1/(1 + d)^t, t from
its own moment (not the end of its month), a year being 365.25 days, d the discount rate a year. So
customer lifetime value is margin a purchase times `discounted_purchases`.

With E(u) the purchases expected within u, the discounted sum is ∫ e^−δu dE(u), δ = log(1 + d), which
by parts needs nothing but E: e^−δh E(h) + δ ∫₀ʰ e^−δu E(u) du. That holds for every model, so there
is no formula for each; for Pareto/NBD without end it agrees with the closed form of Fader, Hardie &
Lee (2005b, "RFM and CLV").
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from crm_lib.btyd.histories import Array, Histories, Unit, distinct, factor
from crm_lib.btyd.model import PurchaseModel
from crm_lib.errors import UsageError

_FAR = 45.0
"""After δu = 45 nothing counts: e^−45 is below the precision of a number."""
_AT_ONCE = 1 << 20
"""Numbers worked on together; bounds the memory."""


def discounted_purchases(
    model: PurchaseModel,
    histories: Histories,
    *,
    horizon: float,
    unit: Unit,
    discount_rate_a_year: float,
) -> Array:
    """E[Σ 1/(1 + d)^t over the purchases in the `horizon` (in `unit`) after T | x, t_x, T], row by row.

    `horizon` may be infinite if the discount rate is above 0. t in years of 365.25 days from the last
    observed day. Raises UsageError for a horizon or rate that makes no sense.
    """
    data = histories.to(model.unit)
    ahead = discounted_if_alive(
        model, data, horizon=horizon, unit=unit, discount_rate_a_year=discount_rate_a_year
    )
    return model._p_alive(data) * ahead


def discounted_if_alive(
    model: PurchaseModel,
    histories: Histories,
    *,
    horizon: float,
    unit: Unit,
    discount_rate_a_year: float,
) -> Array:
    """`discounted_purchases` of customers known to be customers still, whatever their t_x."""
    delta, end = _rates(model, horizon, unit, discount_rate_a_year)
    data = histories.to(model.unit)
    (x, T), place = distinct(data.x, data.T)
    scale = _scale(model, x, T)
    ahead = np.empty(len(x))
    nodes = _node_count(end / float(scale.min()))
    step = max(1, _AT_ONCE // nodes)
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        expected = partial(model._expected_if_alive, x[part, None], T[part, None])
        ahead[part] = _discounted(expected, scale[part, None], delta, end, nodes)
    return ahead[place]


def discounted_of_new(
    model: PurchaseModel, *, horizon: float, unit: Unit, discount_rate_a_year: float
) -> float:
    """E[Σ 1/(1 + d)^t over the repeat purchases in the `horizon` after a customer's first one].

    t in years from the first purchase, which itself does not count. Otherwise as
    `discounted_purchases`.
    """
    delta, end = _rates(model, horizon, unit, discount_rate_a_year)
    scale = _scale(model, np.zeros((1, 1)), np.zeros((1, 1)))
    nodes = _node_count(end / float(scale.min()))
    return float(
        _discounted(lambda u: model._expected_of_new(u[0])[None], scale, delta, end, nodes)[0]
    )


def _rates(
    model: PurchaseModel, horizon: float, unit: Unit, discount_rate_a_year: float
) -> tuple[float, float]:
    """δ a unit of the model's time, and the horizon in it, cut off where nothing counts any more."""
    if not (np.isfinite(discount_rate_a_year) and discount_rate_a_year >= 0):
        raise UsageError(
            f"A discount rate a year is a number of 0 or more (0.1 is 10 %), not {discount_rate_a_year}."
        )
    if not horizon >= 0:
        raise UsageError(f"A horizon is a number of {unit}s of 0 or more, not {horizon}.")
    delta = float(np.log1p(discount_rate_a_year)) * factor(model.unit, "year")
    end = horizon * factor(unit, model.unit)
    if delta > 0:
        return delta, min(end, _FAR / delta)
    if not np.isfinite(end):
        raise UsageError("A horizon without end needs a discount rate above 0.")
    return delta, end


def _scale(model: PurchaseModel, x: Array, T: Array) -> Array:
    """The shortest time on which expectations after T bend, row by row: that of the model's times, or
    the time to leave, which is far shorter where many purchases each end it, or leaving is quick."""
    own = model.params_
    scale = T + min(own[name] for name in model.time_names)
    if "a" in own:
        rate = (own["r"] + x) / (own["alpha"] + T)
        scale = np.minimum(scale, (own["a"] + own["b"] + x) / (own["a"] * rate))
    if "s" in own:
        scale = np.minimum(scale, (own["beta"] + T) / max(own["s"], 1.0))
    return np.asarray(scale)


def _node_count(stretch: float) -> int:
    """Nodes for an integral over u up to `stretch` times the scale: its logarithm is what counts."""
    return 12 + 3 * int(np.ceil(np.log1p(stretch)))


def _discounted(
    expected: Callable[[Array], Array], scale: Array, delta: float, end: float, nodes: int
) -> Array:
    """∫₀^end e^−δu dE(u) for each row of `scale`; u = scale (e^y − 1), Gauss–Legendre in y."""
    last = np.exp(-delta * end) * expected(np.full_like(scale, end))[:, 0]
    if not delta or not end:
        return np.asarray(last)
    at, weights = np.polynomial.legendre.leggauss(nodes)
    reach = np.log1p(end / scale)
    y = reach * (at + 1) / 2
    u = scale * np.expm1(y)
    weight = weights * reach / 2 * (scale + u) * np.exp(-delta * u)
    return np.asarray(last + delta * np.einsum("ij,ij->i", weight, expected(u)))
