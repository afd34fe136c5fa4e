"""Intervals: agreement with what is known exactly, coverage, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bench.coverage import run, section
from crm_lib import btyd
from crm_lib.btyd.contractual import ContractModel, fit_bdw, fit_sbg
from crm_lib.btyd.estimation import Estimate
from crm_lib.btyd.intervals import (
    Draws,
    draws,
    interval,
    models,
    parameter_interval,
    wald_interval,
)
from crm_lib.btyd.retention import Retention
from crm_lib.btyd.simulation import simulate
from crm_lib.errors import NoModel, UsageError

# Fitted to CDNOW's 1/10 sample (Fader, Hardie & Lee 2005; BTYDplus), times in weeks.
TRUTHS = {
    "nbd": {"r": 0.385, "alpha": 12.07},
    "bg_nbd": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "mbg_nbd": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
    "pareto_nbd": {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67},
}
CDNOW_LIKE = btyd.MODELS["bg_nbd"](unit="week", **TRUTHS["bg_nbd"])


class _Weekly:
    """Data of which only the unit matters."""

    unit = "week"


def known_to_the_day(truth: btyd.PurchaseModel) -> btyd.Histories:
    """Customers of CDNOW's kind, half a year and more after their first purchase."""
    T = np.random.default_rng(0).integers(27 * 7, 39 * 7, 2_400)
    made = simulate(truth, T, unit="day", seed=1).to("day")
    return replace(made, t_x=np.ceil(made.t_x)).to("week").compressed()


@pytest.fixture(scope="module")
def seen() -> btyd.Histories:
    return known_to_the_day(CDNOW_LIKE)


@pytest.mark.parametrize("name", sorted(btyd.MODELS))
def test_every_model_of_purchases_has_parameter_intervals_around_its_estimate(name) -> None:
    truth = btyd.MODELS[name](unit="week", **TRUTHS[name])
    seen = known_to_the_day(truth)
    model = type(truth).fit(seen)
    found = parameter_interval(model, seen, seed=1, n=1_000)
    assert list(found.index) == list(model.names)
    assert ((found["low"] < found["estimate"]) & (found["estimate"] < found["high"])).all()
    # Close to a normal likelihood both kinds of interval are of a like size, in logarithms.
    wald = wald_interval(model)
    ratio = np.log(found["high"] / found["low"]) / np.log(wald["high"] / wald["low"])
    assert ratio.between(0.7, 1.6).all()


@pytest.mark.parametrize("fit", [fit_sbg, fit_bdw])
def test_contract_models_have_intervals_too(fit) -> None:
    # Fader & Hardie (2007), high-end segment.
    retention = Retention.of([1000, 869, 743, 653, 593, 551, 517, 491], unit="year")
    model = fit(retention)
    found = parameter_interval(model, retention, seed=1)
    assert ((found["low"] < found["estimate"]) & (found["estimate"] < found["high"])).all()

    def at_12(one: ContractModel) -> float:
        return float(one.survival(12)[0])

    low, high = interval(model, retention, at_12, seed=1)
    assert low < at_12(model) < high
    assert 0.01 < high - low < 0.15


def test_with_one_parameter_in_closed_form_the_interval_is_that_of_the_posterior() -> None:
    """A Poisson rate λ with 30 events in 10 units of time: gamma(30, 10) under a flat log prior."""

    class Poisson:
        unit, params_ = "week", {"rate": 3.0}
        estimate_ = Estimate({"rate": 3.0}, 0.0, np.array([[1 / 30]]))

        @classmethod
        def _objective(cls, data):
            return lambda params: (30 * np.log(params[0]) - 10 * params[0], np.zeros(1))

    drawn = draws(Poisson(), _Weekly(), seed=3, n=40_000)
    low, median, high = drawn.interval(0.9).loc["rate"]
    exact = stats.gamma(30, scale=1 / 10).ppf([0.05, 0.5, 0.95])
    np.testing.assert_allclose([low, median, high], exact, rtol=0.01)
    assert 0.8 * 40_000 < drawn.effective <= 40_000


def test_interval_of_a_number_and_of_an_array(seen) -> None:
    model = btyd.fit(seen, "bg_nbd")

    def year(one: btyd.PurchaseModel) -> np.ndarray:
        return one.expected_of_new(np.array([26.0, 52.0]), unit="week")

    lows, highs = interval(model, seen, year, seed=2, n=1_000, evaluations=200)
    assert lows.shape == highs.shape == (2,)
    assert (lows < year(model)).all()
    assert (year(model) < highs).all()
    low, high = interval(model, seen, lambda m: year(m)[1], seed=2, n=1_000, evaluations=200)
    assert (low, high) == (lows[1], highs[1])
    narrow = interval(model, seen, year, seed=2, level=0.5, n=1_000, evaluations=200)
    assert (narrow[1] - narrow[0] < highs - lows).all()


def test_the_unit_of_the_data_changes_nothing_and_the_seed_repeats(seen) -> None:
    model = btyd.fit(seen, "bg_nbd")
    in_weeks = draws(model, seen, seed=4, n=500)
    in_days = draws(model, seen.to("day"), seed=4, n=500)
    np.testing.assert_allclose(in_days.values, in_weeks.values)
    np.testing.assert_allclose(in_days.weights, in_weeks.weights, rtol=1e-5)


def test_models_are_possible_ones_and_leave_the_fitted_model_alone(seen) -> None:
    model = btyd.fit(seen, "bg_nbd")
    before = dict(model.params_)
    drawn = draws(model, seen, seed=5, n=1_000)
    possible = models(model, drawn, n=300, seed=5)
    assert model.params_ == before
    rates = np.array([one.params_["r"] for one in possible])
    assert rates.mean() == pytest.approx(float(drawn.weights @ drawn.values[:, 0]), rel=0.02)
    assert possible[0].estimate_ is None


def test_effective_sample_size_and_weighted_quantiles_by_hand() -> None:
    drawn = Draws(("a",), np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([0.25] * 4))
    assert drawn.effective == pytest.approx(4.0)
    assert drawn.interval(0.5).loc["a"].tolist() == pytest.approx([1.5, 2.5, 3.5])
    one = Draws(("a",), np.array([[1.0], [2.0]]), np.array([1.0, 0.0]))
    assert one.effective == pytest.approx(1.0)
    assert (one.sample(7, seed=1) == 1.0).all()


# --- refusals -----------------------------------------------------------------------------------


def test_a_model_that_was_not_fitted_has_no_interval(seen) -> None:
    with pytest.raises(UsageError, match="fitted model"):
        draws(CDNOW_LIKE, seen, seed=1)


def test_a_weak_parameter_is_named() -> None:
    constant = Retention.of([1024, 512, 256, 128, 64, 32], unit="year")
    with pytest.raises(NoModel, match="alpha"):
        draws(fit_sbg(constant), constant, seed=1)


def test_wrong_requests_are_named(seen) -> None:
    model = btyd.fit(seen, "nbd")
    with pytest.raises(UsageError, match="level"):
        interval(model, seen, lambda m: m.params_["r"], seed=1, level=95)
    with pytest.raises(UsageError, match="At least 400 draws"):
        draws(model, seen, seed=1, n=100)
    with pytest.raises(NoModel, match="not a finite number"):
        interval(model, seen, lambda m: np.inf, seed=1, n=500)
    yearly = fit_sbg(Retention.of([100, 70, 55, 50], unit="year"))
    with pytest.raises(UsageError, match="year"):
        draws(yearly, Retention.of([100, 70, 55, 50], unit="month"), seed=1)


def test_draws_worth_too_little_are_refused() -> None:
    """A likelihood that is noise at every draw: a few draws bear all the weight."""

    class Spike:
        unit, params_ = "week", {"rate": 1.0}
        estimate_ = Estimate({"rate": 1.0}, 0.0, np.array([[1.0]]))

        @classmethod
        def _objective(cls, data):
            rng = np.random.default_rng(0)
            return lambda params: (30 * rng.standard_normal(), np.zeros(1))

    with pytest.raises(NoModel, match="worth only"):
        draws(Spike(), _Weekly(), seed=1, n=2_000)


# --- coverage -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bg_nbd", "sbg"])
def test_intervals_of_95_percent_cover_95_percent_of_40_simulations(name) -> None:
    """Within three binomial standard errors; the study of 1,000 is `make bench-coverage`."""
    rows = run(40, [name])
    assert {row.kind for row in rows} == {"Wald", "importance"}
    for row in rows:
        assert row.refused == 0
        assert row.is_good, f"{row.kind} {row.quantity}: {row.share}"
    assert "importance sampling" in section(rows)
