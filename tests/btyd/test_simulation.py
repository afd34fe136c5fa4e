"""Simulated customers and futures against what the models say of them in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.btyd import MODELS, Histories, PurchaseModel
from crm_lib.btyd.bg_nbd import BgNbd
from crm_lib.btyd.mbg_nbd import MbgNbd
from crm_lib.btyd.nbd import Nbd
from crm_lib.btyd.pareto_nbd import ParetoNbd
from crm_lib.btyd.simulation import futures, predicted_total, predictive_interval, simulate
from crm_lib.errors import UsageError

# Fitted to CDNOW's 1/10 sample (Fader, Hardie & Lee 2005; BTYDplus), times in weeks.
TRUTHS: list[PurchaseModel] = [
    Nbd(unit="week", r=0.385, alpha=12.07),
    BgNbd(unit="week", r=0.243, alpha=4.414, a=0.793, b=2.426),
    MbgNbd(unit="week", r=0.525, alpha=6.183, a=0.891, b=1.614),
    ParetoNbd(unit="week", r=0.553, alpha=10.58, s=0.606, beta=11.67),
]
every_model = pytest.mark.parametrize("truth", TRUTHS, ids=lambda model: model.name)


def one_history(x: float, t_x: float, T: float, customers: float = 1) -> Histories:
    return Histories(*(np.array([v], dtype=float) for v in (x, t_x, T, customers)), unit="week")


def test_every_model_of_purchases_can_be_simulated() -> None:
    assert {type(truth) for truth in TRUTHS} == set(MODELS.values())


@every_model
def test_counts_of_simulated_customers_have_the_models_distribution(truth) -> None:
    n = 60_000
    x = simulate(truth, np.full(n, 39.0), unit="week", seed=1).x
    counts = np.arange(6)
    expected = truth.probabilities(counts, 39.0, unit="week")
    seen = np.array([(x == k).mean() for k in counts])
    assert (np.abs(seen - expected) < 4 * np.sqrt(expected * (1 - expected) / n)).all()
    error = x.std() / np.sqrt(n)
    assert x.mean() == pytest.approx(truth.expected_of_new(39.0, unit="week")[0], abs=4 * error)


@every_model
def test_a_fit_finds_the_parameters_that_histories_were_simulated_from(truth) -> None:
    T = np.random.default_rng(0).integers(40 * 7, 60 * 7, 8_000)
    model = type(truth).fit(simulate(truth, T, unit="day", seed=5))
    assert model.unit == "week"
    for name, value in truth.params_.items():
        error = model.estimate_.standard_errors[name]
        assert abs(model.params_[name] - value) < 3 * error


# Histories of customers who buy no more, who have just bought, who never came back, who buy often.
HISTORIES = [(0, 0, 38.86), (2, 30.43, 38.86), (5, 8.0, 39.0), (26, 30.86, 31.0), (1, 2.0, 20.0)]


@every_model
@pytest.mark.parametrize("history", HISTORIES)
def test_futures_have_the_expectation_and_the_silence_of_the_closed_form(truth, history) -> None:
    seen, n = one_history(*history), 40_000
    drawn = futures(truth, seen, horizon=39.0, unit="week", draws=n, seed=8)[0]
    expected = truth.expected_purchases(seen, horizon=39.0, unit="week")[0]
    assert drawn.mean() == pytest.approx(expected, abs=4 * drawn.std() / np.sqrt(n))
    # Silence until T + 39 after a history: the likelihood of the longer silence, divided.
    params = np.array(list(truth.params_.values()))
    longer = one_history(history[0], history[1], history[2] + 39.0)
    both = [truth.log_likelihoods(params, one)[0] for one in (longer, seen)]
    silent = np.exp(both[0] - both[1])
    error = np.sqrt(silent * (1 - silent) / n)
    assert (drawn == 0).mean() == pytest.approx(silent, abs=4 * error + 1e-12)


@every_model
def test_past_and_future_together_are_a_longer_past(truth) -> None:
    """Simulate for 20 weeks, draw each customer's next 19: counts as if simulated for 39 weeks."""
    n = 40_000
    past = simulate(truth, np.full(n, 20.0), unit="week", seed=11)
    ahead = futures(truth, past, horizon=19.0, unit="week", draws=1, seed=12)[:, 0]
    both = past.x + ahead
    counts = np.arange(5)
    expected = truth.probabilities(counts, 39.0, unit="week")
    seen = np.array([(both == k).mean() for k in counts])
    assert (np.abs(seen - expected) < 4 * np.sqrt(expected * (1 - expected) / n)).all()


def test_predictive_interval_holds_the_future_of_at_least_its_share_of_customers() -> None:
    truth = TRUTHS[1]
    past = simulate(truth, np.full(4_000, 39.0), unit="week", seed=21)
    found = predictive_interval(truth, past, horizon=39, unit="week", seed=22, level=0.8, draws=400)
    actual = futures(truth, past, horizon=39, unit="week", draws=1, seed=23)[:, 0]
    inside = ((actual >= found["low"]) & (actual <= found["high"])).mean()
    assert 0.8 - 3 * np.sqrt(0.8 * 0.2 / 4_000) < inside
    assert (found["low"] <= found["high"]).all()
    exact = truth.expected_purchases(past, horizon=39, unit="week").sum()
    assert found["expected"].sum() == pytest.approx(exact, rel=0.02)


def test_total_counts_every_customer_of_a_row_on_his_own() -> None:
    truth = TRUTHS[3]
    drawn = predicted_total(
        truth, one_history(2, 30.0, 39.0, customers=300), horizon=39, unit="week", seed=3, draws=800
    )
    single = futures(
        truth, one_history(2, 30.0, 39.0), horizon=39, unit="week", draws=20_000, seed=4
    )
    assert drawn.mean() == pytest.approx(300 * single.mean(), rel=0.03)
    assert drawn.std() == pytest.approx(np.sqrt(300) * single.std(), rel=0.15)
    with pytest.raises(UsageError, match="whole"):
        predicted_total(truth, one_history(2, 30, 39, 1.5), horizon=39, unit="week", seed=3)


def test_several_models_share_the_draws_and_add_their_spread() -> None:
    slow, fast = Nbd(unit="week", r=50.0, alpha=500.0), Nbd(unit="week", r=50.0, alpha=10.0)
    seen = one_history(0, 0, 0)
    drawn = futures([slow, fast], seen, horizon=10, unit="week", draws=2_001, seed=1)[0]
    assert drawn.shape == (2_001,)
    assert drawn[:1_001].mean() == pytest.approx(1.0, rel=0.15)
    assert drawn[1_001:].mean() == pytest.approx(50.0, rel=0.05)


def test_units_are_converted_and_seeds_repeat() -> None:
    truth = TRUTHS[1]
    weeks = simulate(truth, np.full(50, 30.0), unit="week", seed=2)
    days = simulate(truth, np.full(50, 210.0), unit="day", seed=2)
    np.testing.assert_allclose(days.t_x, weeks.t_x)
    by_week = futures(truth, weeks, horizon=10, unit="week", draws=5, seed=3)
    by_day = futures(truth, weeks.to("day"), horizon=70, unit="day", draws=5, seed=3)
    np.testing.assert_array_equal(by_week, by_day)


@pytest.mark.parametrize("T", [[-1.0], [float("nan")], [[1.0]]])
def test_a_time_that_is_none_is_refused(T) -> None:
    with pytest.raises(UsageError, match="T is a time"):
        simulate(TRUTHS[0], T, unit="week", seed=1)


def test_wrong_requests_are_named() -> None:
    seen = one_history(0, 0, 10)
    with pytest.raises(UsageError, match="horizon"):
        futures(TRUTHS[0], seen, horizon=-1, unit="week", draws=5, seed=1)
    with pytest.raises(UsageError, match="draws"):
        futures(TRUTHS[0], seen, horizon=1, unit="week", draws=0, seed=1)
    with pytest.raises(UsageError, match="level"):
        predictive_interval(TRUTHS[0], seen, horizon=1, unit="week", seed=1, level=95)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(MODELS)),
    st.floats(1e-3, 1e3),
    st.floats(1e-3, 1e3),
    st.integers(0, 2**31),
)
def test_simulated_histories_are_possible_ones_whatever_the_parameters(
    name, size, time, seed
) -> None:
    model = MODELS[name]
    params = {n: time if n in model.time_names else size for n in model.names}
    made = simulate(model(unit="week", **params), np.full(200, 52.0), unit="week", seed=seed)
    assert (made.x >= 0).all()
    assert ((made.t_x >= 0) & (made.t_x <= made.T)).all()
    assert ((made.t_x > 0) <= (made.x > 0)).all()
    ahead = futures(model(unit="week", **params), made, horizon=52, unit="week", draws=2, seed=seed)
    assert (ahead >= 0).all()
