"""Input no model is meant for: a right answer, a weak fit that says so, or a named refusal.

Never NaN or infinity, never a warning of numpy, never an exception that explains nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.btyd import MODELS, Histories, PurchaseModel, histories
from crm_lib.errors import NoModel

ALL = pytest.mark.parametrize("name", sorted(MODELS))


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def of(x: object, t_x: object, T: object, **more: object) -> Histories:
    return histories(pd.DataFrame({"x": x, "t_x": t_x, "T": T, **more}), unit="day")


def sound(model: PurchaseModel, data: Histories) -> None:
    """Everything a fitted model says is a finite number in its range."""
    estimate = model.estimate_
    assert estimate is not None
    assert np.isfinite(estimate.log_likelihood)
    assert set(estimate.standard_errors) == set(model.names) - set(estimate.weak)
    assert np.isfinite(list(estimate.standard_errors.values())).all()
    assert (np.array(list(model.params_.values())) > 0).all()
    longest = max(float(data.T.max()), 1e-9)
    for horizon in (0.0, 0.01 * longest, longest, 50 * longest):
        said = model.predict(data, horizon=horizon, unit="day").to_numpy()
        assert np.isfinite(said).all()
        assert (said >= 0).all()
        assert (said[:, 0] <= 1).all()
    shares = model.probabilities(np.arange(6), longest, unit="day")
    assert ((shares >= 0) & (shares <= 1)).all()
    assert shares.sum() <= 1 + 1e-9
    assert np.isfinite(model.expected_of_new(longest, unit="day")).all()
    assert model.log_likelihood(data) == pytest.approx(estimate.log_likelihood, rel=1e-6, abs=1e-6)


# --- refusals -------------------------------------------------------------------------------------


@ALL
def test_everybody_buys_once(name: str) -> None:
    with pytest.raises(NoModel, match="Not one of 50 customers bought again"):
        MODELS[name].fit(of([0] * 50, [0] * 50, np.arange(50) + 1))


@ALL
def test_fewer_than_five_customers(name: str) -> None:
    with pytest.raises(NoModel, match="at least 5 customers, not 4"):
        MODELS[name].fit(of([1, 2, 0, 3], [3, 4, 0, 5], [9, 9, 9, 9]))


@ALL
def test_nobody_observed_for_any_time(name: str) -> None:
    with pytest.raises(NoModel, match="any time"):
        MODELS[name].fit(of([0] * 9, [0] * 9, [0] * 9))


# --- fits -----------------------------------------------------------------------------------------


@ALL
def test_five_customers(name: str) -> None:
    data = of([0, 1, 3, 0, 2], [0, 20, 70, 0, 65], [100, 90, 80, 100, 85])
    sound(MODELS[name].fit(data), data)


@ALL
def test_one_repeat_among_many(name: str) -> None:
    data = of([0] * 999 + [1], [0] * 999 + [50], [100] * 1000)
    sound(MODELS[name].fit(data), data)


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"nbd"}))
def test_nobody_leaves(name: str) -> None:
    """Steady buyers up to the last day: what makes customers leave is weak, predictions are not."""
    rng = np.random.default_rng(1)
    rate = rng.gamma(4, 1 / 40, 2000)
    x = rng.poisson(rate * 300)
    data = of(x, np.where(x > 0, 300 * rng.random(2000) ** (1 / np.maximum(x, 1)), 0), 300)
    model = MODELS[name].fit(data)
    sound(model, data)
    assert model.estimate_ is not None
    assert set(model.estimate_.weak) & ({"a", "b"} | {"s", "beta"})
    nbd = MODELS["nbd"].fit(data).predict(data, horizon=300, unit="day")["expected_purchases"]
    ours = model.predict(data, horizon=300, unit="day")["expected_purchases"]
    assert ours.sum() == pytest.approx(nbd.sum(), rel=0.02)


@ALL
@pytest.mark.parametrize("x", [1, 3, 400])
def test_everybody_has_the_same_count(name: str, x: int) -> None:
    T = np.arange(500, 600)
    data = of([x] * 100, T - np.arange(100) % 7, T)
    sound(MODELS[name].fit(data), data)


@ALL
def test_everybody_has_the_same_history(name: str) -> None:
    data = of([3] * 100, [30] * 100, [40] * 100)
    model = MODELS[name].fit(data)
    sound(model, data)
    assert model.estimate_ is not None
    assert {"r", "alpha"} <= set(model.estimate_.weak)


@ALL
def test_everybody_is_watched_equally_long(name: str) -> None:
    rng = np.random.default_rng(2)
    x = rng.geometric(0.4, 500) - 1
    data = of(x, np.where(x > 0, np.ceil(rng.random(500) * 90), 0), [90] * 500)
    sound(MODELS[name].fit(data), data)


@ALL
def test_all_repeats_on_the_last_day(name: str) -> None:
    data = of([0, 1, 2, 3, 4] * 20, [0, 50, 50, 50, 50] * 20, [50] * 100)
    sound(MODELS[name].fit(data), data)


@ALL
def test_all_repeats_on_the_first_day(name: str) -> None:
    """Orders counted one by one may share the day of the first."""
    data = of([0, 1, 2, 3, 4] * 20, [0] * 100, np.arange(100) + 1)
    sound(MODELS[name].fit(data), data)


@ALL
def test_thousands_of_purchases(name: str) -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(0, 5001, 300)
    data = of(x, np.where(x > 0, rng.integers(1500, 2001, 300), 0), [2000] * 300)
    sound(MODELS[name].fit(data), data)


@ALL
def test_one_customer_of_thousands_of_purchases(name: str, sample_days: pd.DataFrame) -> None:
    frame = pd.concat([sample_days, pd.DataFrame({"x": [5000], "t_x": [270], "T": [272]})])
    data = histories(frame, unit="day")
    sound(MODELS[name].fit(data), data)


@ALL
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_tiny_and_huge_times(name: str, scale: float, sample_days: pd.DataFrame) -> None:
    """Times in another unit give the same customers: the parameters that are times scale along."""
    frame = sample_days.assign(t_x=sample_days["t_x"] * scale, T=sample_days["T"] * scale)
    plain = MODELS[name].fit(histories(sample_days, unit="day"))
    other = MODELS[name].fit(histories(frame, unit="day"))
    for parameter, value in plain.params_.items():
        by = scale if parameter in MODELS[name].time_names else 1
        assert other.params_[parameter] == pytest.approx(value * by, rel=1e-4)


@ALL
def test_fractions_of_customers(name: str) -> None:
    data = of([0, 1, 2, 5], [0, 20, 40, 60], [70, 60, 80, 90], weight=[20.5, 7.25, 3.1, 0.01])
    sound(MODELS[name].fit(data), data)


@st.composite
def samples(draw: st.DrawFn) -> Histories:
    """5 to 40 customers with counts and times on some grid: all small, all equal, or all apart."""
    n = draw(st.integers(5, 40))
    most = draw(st.sampled_from([1, 2, 10, 5000]))
    span = draw(st.sampled_from([1, 7, 365, 100_000]))
    T = np.array(draw(st.lists(st.integers(0, span), min_size=n, max_size=n)), dtype=float)
    if draw(st.booleans()):
        T = np.full(n, float(span))
    x = np.array(draw(st.lists(st.integers(0, most), min_size=n, max_size=n)))
    share = np.array(draw(st.lists(st.sampled_from([0.0, 0.01, 0.5, 1.0]), min_size=n, max_size=n)))
    return of(x, np.where(x > 0, share * T, 0), T)


@ALL
def test_any_sample_is_fitted_or_refused(name: str) -> None:
    # An example of Pareto/NBD takes the longest to fit.
    @given(samples())
    @settings(max_examples=15 if name == "pareto_nbd" else 40, deadline=None, derandomize=True)
    def check(data: Histories) -> None:
        if data.repeats and data.T.any():
            sound(MODELS[name].fit(data), data)
        else:
            with pytest.raises(NoModel, match=r"bought again|for any time"):
                MODELS[name].fit(data)

    check()
