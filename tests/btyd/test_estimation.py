"""The search: gradients, optima, bounds, standard errors; and parameters found again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from crm_lib.btyd import MODELS, Histories
from crm_lib.btyd.estimation import LOG_REACH, maximise
from crm_lib.btyd.model import PurchaseModel
from crm_lib.btyd.simulation import simulate
from crm_lib.errors import NoModel, UsageError

ALL = pytest.mark.parametrize("name", sorted(MODELS))
TRUE = {
    "bg_nbd": {"r": 0.5, "alpha": 6.0, "a": 0.8, "b": 2.5},
    "mbg_nbd": {"r": 0.7, "alpha": 6.0, "a": 0.9, "b": 2.0},
    "pareto_nbd": {"r": 0.6, "alpha": 8.0, "s": 0.7, "beta": 12.0},
    "nbd": {"r": 0.4, "alpha": 12.0},
}


def drawn(name: str, customers: int, seed: int) -> Histories:
    """Customers of the model with the parameters `TRUE`, in weeks, watched for 20 to 100 weeks."""
    model = MODELS[name](unit="week", **TRUE[name])
    spans = np.random.default_rng(seed).integers(20, 101, customers)
    return simulate(model, spans, unit="week", seed=seed)


@ALL
@pytest.mark.parametrize("seed", range(30))
def test_gradient_is_the_slope_of_the_likelihood(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = drawn(name, 40, seed)
    params = np.exp(rng.normal(0.5, 1.5, len(MODELS[name].names)))
    gradient = MODELS[name].log_likelihood_and_gradient(params, data)[1] * params

    def along(i: int, by: float) -> float:
        moved = params.copy()
        moved[i] *= np.exp(by)
        return MODELS[name].log_likelihood_and_gradient(moved, data)[0]

    h = 1e-3
    for i in range(len(params)):
        near, far = along(i, h) - along(i, -h), along(i, 2 * h) - along(i, -2 * h)
        slope = (8 * near - far) / (12 * h)
        assert gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-6)


@ALL
@pytest.mark.parametrize("seed", range(5))
def test_rows_add_up_to_the_whole(name: str, seed: int) -> None:
    data = drawn(name, 60, seed)
    params = np.exp(np.random.default_rng(seed).normal(0.5, 1.5, len(MODELS[name].names)))
    rows = MODELS[name].log_likelihoods(params, data)
    whole = MODELS[name].log_likelihood_and_gradient(params, data)[0]
    assert rows.sum() == pytest.approx(whole, rel=1e-10)


@ALL
def test_parameters_are_found_again(name: str) -> None:
    """20,000 simulated customers: within 3 standard errors of the truth, and those are small."""
    model = MODELS[name].fit(drawn(name, 20_000, seed=20))
    assert model.estimate_ is not None
    errors = model.estimate_.standard_errors
    assert model.estimate_.weak == ()
    for parameter, truth in TRUE[name].items():
        assert abs(model.params_[parameter] - truth) < 3 * errors[parameter]
        assert errors[parameter] < 0.2 * truth


@ALL
def test_standard_errors_are_the_spread_of_estimates(name: str) -> None:
    """Over 30 samples of 2,000 customers, within what 30 samples can tell (a factor of 1.5)."""
    fits = [MODELS[name].fit(drawn(name, 2000, seed)) for seed in range(100, 130)]
    for parameter in MODELS[name].names:
        spread = np.std([np.log(fit.params_[parameter]) for fit in fits], ddof=1)
        said = np.median(
            [fit.estimate_.standard_errors[parameter] / fit.params_[parameter] for fit in fits]  # type: ignore[union-attr]
        )
        assert 1 / 1.5 < spread / said < 1.5


def test_more_customers_search_on_a_coarser_grid_and_end_on_the_exact_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = drawn("bg_nbd", 3000, seed=5)
    exact = MODELS["bg_nbd"].fit(data)
    monkeypatch.setattr("crm_lib.btyd.model.COARSE_ROWS", 100)
    by_way = MODELS["bg_nbd"].fit(data)
    assert by_way.params_ == pytest.approx(exact.params_, rel=1e-5)
    assert by_way.estimate_ is not None
    assert exact.estimate_ is not None
    assert by_way.estimate_.log_likelihood == pytest.approx(
        exact.estimate_.log_likelihood, abs=1e-6
    )
    assert by_way.estimate_.covariance == pytest.approx(exact.estimate_.covariance, rel=1e-3)


@ALL
def test_no_other_start_ends_higher(name: str) -> None:
    """Small and awkward samples: four searches from anywhere do not beat the one of `fit`."""
    for seed in range(4):
        data = drawn(name, 25, seed)
        if data.repeats:
            assert _lag(MODELS[name], data, seed) < 1e-3


def _lag(model: type[PurchaseModel], data: Histories, seed: int) -> float:
    """By how much log-likelihood `fit` lags behind searches from 4 random starts."""
    rng = np.random.default_rng(seed)
    fitted = model.fit(data).estimate_
    assert fitted is not None
    natural = dict.fromkeys(model.time_names, data.time / data.customers)
    natural["alpha"] = data.time / data.repeats
    starts = [
        {n: natural.get(n, 1.0) * float(np.exp(rng.uniform(-3, 3))) for n in model.names}
        for _ in range(4)
    ]
    other = maximise(
        lambda params: model.log_likelihood_and_gradient(params, data),
        starts,
        natural=natural,
        customers=data.customers,
    )
    return other.log_likelihood - fitted.log_likelihood


# --- the search itself ----------------------------------------------------------------------------


def quadratic(peak: dict[str, float]) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """A log-likelihood that is quadratic in the logarithms with a narrow ridge."""
    centre = np.log(list(peak.values()))
    shape = np.array([[100.0, 99.0], [99.0, 100.0]])

    def objective(params: np.ndarray) -> tuple[float, np.ndarray]:
        away = np.log(params) - centre
        return float(-away @ shape @ away / 2), -(shape @ away) / params

    return objective


def test_a_known_peak_with_its_covariance() -> None:
    peak = {"one": 3.0, "two": 0.02}
    found = maximise(quadratic(peak), {"one": 1.0, "two": 1.0})
    assert found.params == pytest.approx(peak, rel=1e-6)
    shape = np.array([[100.0, 99.0], [99.0, 100.0]])
    assert found.covariance == pytest.approx(np.linalg.inv(shape), rel=1e-4)
    assert found.standard_errors["one"] == pytest.approx(3 * np.sqrt(100 / 199), rel=1e-4)
    assert found.weak == ()


def test_a_peak_beyond_the_range_is_weak_and_what_follows_it_too() -> None:
    found = maximise(
        quadratic({"one": np.exp(LOG_REACH + 3), "two": 1.0}), {"one": 1.0, "two": 1.0}
    )
    assert found.params["one"] == pytest.approx(np.exp(LOG_REACH), rel=0.011)
    assert found.weak == ("one", "two")
    assert found.standard_errors == {}


def test_a_parameter_without_effect_is_weak() -> None:
    def objective(params: np.ndarray) -> tuple[float, np.ndarray]:
        away = np.log(params[0]) - 1
        return -50 * away**2, np.array([-100 * away / params[0], 0.0])

    found = maximise(objective, {"one": 1.0, "two": 1.0})
    assert found.weak == ("two",)
    assert found.standard_errors["one"] == pytest.approx(np.e / 10, rel=1e-4)


def test_a_likelihood_that_is_no_number_at_the_start_is_no_model() -> None:
    with pytest.raises(NoModel, match="not finite"):
        maximise(lambda params: (np.nan, params), {"one": 1.0})


@ALL
def test_parameters_are_checked(name: str) -> None:
    good = TRUE[name]
    with pytest.raises(UsageError, match="has the parameters"):
        MODELS[name](unit="week", r=1.0)
    with pytest.raises(UsageError, match="positive"):
        MODELS[name](unit="week", **good | {"r": -1.0})
    with pytest.raises(UsageError, match="positive"):
        MODELS[name](unit="week", **good | {"alpha": float("nan")})
    with pytest.raises(UsageError, match="unit of time"):
        MODELS[name](unit="fortnight", **good)  # type: ignore[arg-type]
