"""Discounted purchases: the closed form of Pareto/NBD, sums by hand, and identities of all models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from crm_lib.btyd import (
    MODELS,
    Histories,
    PurchaseModel,
    discounted_of_new,
    discounted_purchases,
    histories,
)
from crm_lib.btyd.discounting import discounted_if_alive
from crm_lib.btyd.nbd import Nbd
from crm_lib.btyd.pareto_nbd import ParetoNbd
from crm_lib.errors import UsageError
from tests.btyd.conftest import one

PARAMS = {
    "bg_nbd": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "mbg_nbd": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
    "pareto_nbd": {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669},
    "nbd": {"r": 0.385, "alpha": 12.072},
}
ALL = pytest.mark.parametrize("name", sorted(MODELS))
FOREVER = np.inf


def model_of(name: str) -> PurchaseModel:
    return MODELS[name](unit="week", **PARAMS[name])


@pytest.fixture
def three() -> Histories:
    frame = pd.DataFrame({"x": [2, 0, 26], "t_x": [30.43, 0, 30.86], "T": [38.86, 38.86, 31]})
    return histories(frame, unit="week")


# --- Pareto/NBD without end -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "expected"),
    [  # Fader, Hardie & Lee 2005b, eq. 2, at 15 % a year, with mpmath to 40 digits
        ((0.553, 10.578, 0.606, 11.669), (6.5152715444731305, 0.47945414246455293, 86.465880823762391)),
        ((0.5, 10, 1, 12), (3.6757235824815876, 0.14530080048046624, 52.710639028848399)),
        ((0.5, 10, 3.5, 120), (2.0631063280141208, 0.15013800672623755, 31.620666122066939)),
    ],
)  # fmt: skip
def test_discounted_expected_residual_transactions(
    three: Histories, params: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    model = ParetoNbd(unit="week", **dict(zip(ParetoNbd.names, params, strict=True)))
    found = discounted_purchases(model, three, horizon=FOREVER, unit="year", discount_rate_a_year=0.15)  # fmt: skip
    assert found == pytest.approx(expected, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.2, 3), st.floats(1, 50), st.floats(0.2, 3), st.floats(1, 200),
       st.integers(0, 40), st.floats(0.5, 300), st.floats(0.02, 3))  # fmt: skip
def test_closed_form_with_tricomis_function(
    r: float, alpha: float, s: float, beta: float, x: int, T: float, rate: float
) -> None:
    """DERT = P(alive) (r + x)/(α + T) δ^(s−1) (β + T)^s Ψ(s, s; δ(β + T))."""
    model, seen = ParetoNbd(unit="week", r=r, alpha=alpha, s=s, beta=beta), one(x, T if x else 0, T)
    delta = np.log1p(rate) * 7 / 365.25
    psi = special.hyperu(s, s, delta * (beta + T))
    residual = (r + x) / (alpha + T) * delta ** (s - 1) * (beta + T) ** s * psi
    found = discounted_purchases(model, seen, horizon=FOREVER, unit="day", discount_rate_a_year=rate)  # fmt: skip
    # Near s = 1 scipy's Ψ is right to 1e-8 only, as its integral shows.
    assert found[0] == pytest.approx(model.p_alive(seen)[0] * residual, rel=1e-7)


def test_finite_horizon_and_new_customers_of_pareto_nbd() -> None:
    """With mpmath to 40 digits, 15 % a year; E of a new customer without end: rβ/α U(1, 2 − s, δβ)."""
    model = model_of("pareto_nbd")
    found = discounted_purchases(model, one(2, 30.43, 38.86), horizon=3, unit="year", discount_rate_a_year=0.15)  # fmt: skip
    assert found[0] == pytest.approx(3.5962714368019691, rel=1e-12)
    new = [
        discounted_of_new(model, horizon=h, unit="year", discount_rate_a_year=0.15)
        for h in (3, FOREVER)
    ]
    assert new == pytest.approx([2.4742721531328854, 3.9710950369945859], rel=1e-12)


# --- all models -------------------------------------------------------------------------------------


def test_a_steady_buyer_by_hand() -> None:
    """52.18 purchases a year for 2 years at δ = log 1.1: 52.18 (1 − 1.1^−2)/log 1.1."""
    steady = Nbd(unit="week", r=1e9, alpha=1e9)
    found = discounted_purchases(steady, one(0, 0, 0), horizon=2, unit="year", discount_rate_a_year=0.1)  # fmt: skip
    assert found[0] == pytest.approx(365.25 / 7 * (1 - 1.1**-2) / np.log(1.1), rel=1e-6)


@ALL
def test_it_is_the_sum_over_days_of_purchases_times_their_worth(
    name: str, three: Histories
) -> None:
    model, days = model_of(name), np.arange(0, 731)
    ahead = [model.expected_purchases(three, horizon=float(d), unit="day") for d in days]
    worth = 1.2 ** -((days[1:] - 0.5) / 365.25)
    by_day = np.diff(np.array(ahead), axis=0).T @ worth
    found = discounted_purchases(model, three, horizon=730, unit="day", discount_rate_a_year=0.2)
    assert found == pytest.approx(by_day, rel=1e-6)


@ALL
def test_without_discount_it_is_the_expectation(name: str, three: Histories) -> None:
    model = model_of(name)
    found = discounted_purchases(model, three, horizon=2, unit="year", discount_rate_a_year=0)
    ahead = model.expected_purchases(three, horizon=2, unit="year")
    assert found == pytest.approx(ahead, rel=1e-12)
    new = discounted_of_new(model, horizon=2, unit="year", discount_rate_a_year=0)
    assert new == pytest.approx(model.expected_of_new(2, unit="year")[0], rel=1e-12)


@ALL
def test_units_are_converted_and_rows_keep_their_order(name: str, three: Histories) -> None:
    model = model_of(name)
    found = discounted_purchases(model, three, horizon=3, unit="year", discount_rate_a_year=0.1)
    turned = three.take(np.array([2, 0, 1, 0])).to("day")
    again = discounted_purchases(model, turned, horizon=36, unit="month", discount_rate_a_year=0.1)
    assert again == pytest.approx(found[[2, 0, 1, 0]], rel=1e-10)


@ALL
def test_it_grows_with_the_horizon_and_falls_with_the_rate(name: str, three: Histories) -> None:
    def at(horizon: float, rate: float) -> np.ndarray:
        return discounted_purchases(
            model_of(name), three, horizon=horizon, unit="year", discount_rate_a_year=rate
        )

    ends = np.array([at(h, 0.1) for h in (0, 0.25, 1, 5, 30, 100, FOREVER)])
    assert (ends[0] == 0).all()
    assert (np.diff(ends, axis=0) > 0).all()
    rates = np.array([at(3, d) for d in (0, 0.01, 0.1, 0.5, 3)])
    assert (np.diff(rates, axis=0) < 0).all()
    assert at(200, 0.1) == pytest.approx(at(FOREVER, 0.1), rel=1e-6)


def test_many_rows_are_worked_on_in_parts(monkeypatch: pytest.MonkeyPatch, three: Histories) -> None:  # fmt: skip
    model = model_of("pareto_nbd")
    whole = discounted_purchases(model, three, horizon=3, unit="year", discount_rate_a_year=0.1)
    monkeypatch.setattr("crm_lib.btyd.discounting._AT_ONCE", 1)
    parts = discounted_purchases(model, three, horizon=3, unit="year", discount_rate_a_year=0.1)
    assert (parts == whole).all()


@pytest.mark.parametrize(
    ("horizon", "rate", "says"),
    [
        (-1, 0.1, "A horizon is a number of years of 0 or more, not -1"),
        (np.nan, 0.1, "not nan"),
        (3, -0.1, r"0\.1 is 10 %\), not -0\.1"),
        (3, np.inf, "not inf"),
        (FOREVER, 0, "needs a discount rate above 0"),
    ],
)
def test_requests_that_make_no_sense_are_refused(
    three: Histories, horizon: float, rate: float, says: str
) -> None:
    model = model_of("nbd")
    with pytest.raises(UsageError, match=says):
        discounted_purchases(model, three, horizon=horizon, unit="year", discount_rate_a_year=rate)
    with pytest.raises(UsageError, match=says):
        discounted_of_new(model, horizon=horizon, unit="year", discount_rate_a_year=rate)
    with pytest.raises(UsageError, match="Did you mean 'year'"):
        discounted_of_new(model, horizon=1, unit="yaer", discount_rate_a_year=0.1)  # type: ignore[arg-type]


# --- leaving at once --------------------------------------------------------------------------------

QUICK = [
    ("bg_nbd", {"r": 2.0, "alpha": 60.0, "a": 3000.0, "b": 9000.0}),
    ("mbg_nbd", {"r": 0.5, "alpha": 6.0, "a": 3000.0, "b": 900.0}),
    ("pareto_nbd", {"r": 1.0, "alpha": 10.0, "s": 8103.0, "beta": 8 * 8103.0}),
]


@pytest.mark.parametrize(("name", "params"), QUICK)
@pytest.mark.parametrize(("x", "T"), [(0, 20.0), (300, 1000.0), (3000, 7305.0)])
def test_customers_who_leave_long_before_the_horizon(
    name: str, params: dict[str, float], x: int, T: float
) -> None:
    """Against 8,000 nodes in 400 pieces; the time to leave is a fraction of T and of the horizon."""
    model, end, delta = MODELS[name](unit="day", **params), 3 * 365.25, np.log(1.1) / 365.25
    at, weights = np.polynomial.legendre.leggauss(20)
    edges = np.concatenate([[0.0], np.geomspace(1e-6, end, 400)])
    half = np.diff(edges)[:, None] / 2
    u = (edges[:-1, None] + half * (at + 1)).ravel()
    seen, observed = np.array([float(x)]), np.array([T])
    fine = delta * (half * weights).ravel() * np.exp(-delta * u)
    expected = np.exp(-delta * end) * model._expected_if_alive(seen, observed, np.array([end]))[0]
    expected += fine @ model._expected_if_alive(seen, observed, u)
    data = Histories(seen, observed, observed, np.ones(1), "day")
    found = discounted_if_alive(model, data, horizon=3, unit="year", discount_rate_a_year=0.1)
    assert found[0] == pytest.approx(expected, rel=1e-9)
