"""Gamma-Gamma: published numbers, hand-made cases, money in any unit, and input it is not meant for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.btyd import GammaGamma, Spending, spend_frequency_correlation, spending
from crm_lib.btyd.estimation import Estimate
from crm_lib.errors import NoModel, UsageError
from tests.btyd.conftest import CALIBRATED_UNTIL
from tests.simulate.blocks import plain_retailer

PUBLISHED = GammaGamma(p=6.25, q=3.74, gamma=15.44)


@pytest.fixture(scope="module")
def cdnow(shared_data: Path) -> pd.DataFrame:
    """x and mean_spend of the repeat occasions of the 1/10 sample, 39 weeks; null where none."""
    rows = pd.read_parquet(shared_data / "cdnow" / "cdnow_sample.parquet")
    rows["day"] = pd.to_datetime(rows["date"].astype(str), format="%Y%m%d")
    rows = rows[rows["day"] <= CALIBRATED_UNTIL]
    days = rows.groupby(["customer_id", "day"])["dollar_value"].sum().reset_index()
    again = days[days.groupby("customer_id").cumcount() > 0].groupby("customer_id")["dollar_value"]
    every = pd.Index(sorted(days["customer_id"].unique()))
    return pd.DataFrame(
        {"x": again.size().reindex(every, fill_value=0), "mean_spend": again.mean().reindex(every)}
    )


def drawn(n: int, seed: int, p: float = 6.25, q: float = 3.74, gamma: float = 15.44) -> pd.DataFrame:  # fmt: skip
    rng = np.random.default_rng(seed)
    x = rng.negative_binomial(0.6, 0.2, n)
    rate = rng.gamma(q, 1 / gamma, n)
    mean = rng.gamma(p * np.maximum(x, 1)) / rate / np.maximum(x, 1)
    return pd.DataFrame({"x": x, "mean_spend": np.where(x > 0, mean, 0.0)})


def estimate_of(model: GammaGamma) -> Estimate:
    assert model.estimate_ is not None
    return model.estimate_


# --- published ------------------------------------------------------------------------------------


def test_cdnow_sample_hardie_note_025_and_clvtools(cdnow: pd.DataFrame) -> None:
    seen = spending(cdnow)
    model = GammaGamma.fit(seen)
    assert model.customers_ == 946
    assert cdnow["mean_spend"].mean() == pytest.approx(35.08, abs=0.005)
    for name, value in {"p": 6.25, "q": 3.74, "gamma": 15.44}.items():
        assert model.params_[name] == pytest.approx(value, rel=2e-3)
    assert estimate_of(model).log_likelihood == pytest.approx(-4055.918, abs=0.001)
    assert model.log_likelihood(seen) == pytest.approx(-4055.918, abs=0.001)
    ten = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert model.expected_spend(seen)[:10] == pytest.approx(ten, abs=0.005)
    assert model.excluded_ == {"no purchase": 1411, "spend of 0": 0, "negative spend": 0}


@pytest.mark.parametrize(
    ("x", "mean", "params", "expected"),
    [  # the density of note 025, eq. 1a, with mpmath to 40 digits
        (2, 22.35, (6.25, 3.74, 15.44), -3.5513167597317047),
        (1, 100, (6.25, 3.74, 15.44), -6.9419362420702339),
        (500, 12.5, (0.25, 1.5, 3), -6.6827758897385297),
    ],
)
def test_likelihood_of_one_customer(
    x: int, mean: float, params: tuple[float, ...], expected: float
) -> None:
    model = GammaGamma(**dict(zip(GammaGamma.names, params, strict=True)))
    seen = spending(pd.DataFrame({"x": [x], "mean_spend": [mean]}))
    assert model.log_likelihood(seen) == pytest.approx(expected, rel=1e-12)


def test_expected_spend_by_hand() -> None:
    """Note 025, eq. 5: (γ + x z̄) p / (p x + q − 1); x = 2, z̄ = 40 → 95.44 · 6.25 / 15.24."""
    seen = spending(pd.DataFrame({"x": [2, 0, 3, 4], "mean_spend": [40, np.nan, 0, -5]}))
    mean = 6.25 * 15.44 / 2.74
    expected = [95.44 * 6.25 / 15.24, mean, mean, mean]
    assert PUBLISHED.expected_spend(seen) == pytest.approx(expected, rel=1e-12)
    assert PUBLISHED.population_mean == pytest.approx(mean)


# --- the fit --------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.floats(-2, 5), st.floats(-2, 5), st.floats(-4, 6), st.integers(0, 20))
def test_gradient_is_the_slope_of_the_likelihood(
    log_p: float, log_q: float, log_gamma: float, seed: int
) -> None:
    objective = GammaGamma._objective(spending(drawn(50, seed)))
    at = np.array([log_p, log_q, log_gamma])
    gradient = objective(np.exp(at))[1] * np.exp(at)
    h = 1e-3 * np.eye(3)
    near = [objective(np.exp(at + d))[0] - objective(np.exp(at - d))[0] for d in h]
    far = [objective(np.exp(at + 2 * d))[0] - objective(np.exp(at - 2 * d))[0] for d in h]
    slopes = (8 * np.array(near) - np.array(far)) / 12e-3
    assert gradient == pytest.approx(slopes, rel=1e-6, abs=1e-6 * np.abs(gradient).max())


@pytest.mark.parametrize("unit", [100, 1e-6, 1e9])
def test_money_in_any_unit_gives_the_same_model(unit: float) -> None:
    frame = drawn(2000, seed=3)
    euros = GammaGamma.fit(spending(frame))
    other = GammaGamma.fit(spending(frame.assign(mean_spend=frame["mean_spend"] * unit)))
    scale = np.array([1, 1, unit])
    assert list(other.params_.values()) == pytest.approx(
        np.array(list(euros.params_.values())) * scale, rel=1e-6
    )
    errors = [list(estimate_of(m).standard_errors.values()) for m in (other, euros)]
    assert errors[0] == pytest.approx(np.array(errors[1]) * scale, rel=1e-4)
    shift = euros.customers_ * np.log(unit) if euros.customers_ else np.nan
    assert estimate_of(other).log_likelihood == pytest.approx(
        estimate_of(euros).log_likelihood - shift, rel=1e-9
    )
    expected = [m.expected_spend(spending(f)) for m, f in ((euros, frame), (other, frame.assign(mean_spend=frame["mean_spend"] * unit)))]  # fmt: skip
    assert expected[1] == pytest.approx(expected[0] * unit, rel=1e-6)


@pytest.mark.parametrize("seed", [10, 11, 12])
def test_parameters_are_found_again(seed: int) -> None:
    model = GammaGamma.fit(spending(drawn(20_000, seed)))
    errors = estimate_of(model).standard_errors
    for name, true in PUBLISHED.params_.items():
        assert abs(model.params_[name] - true) < 3 * errors[name]
        assert errors[name] < 0.1 * true


def test_spend_that_a_simulated_company_was_made_with() -> None:
    """Each segment of a company without disturbances; every order counts, the first too."""
    life = plain_retailer()
    orders = pd.DataFrame({"customer": life.orders.customer, "value": life.order_value})
    each = orders[orders["value"] > 0].groupby("customer")["value"].agg(["size", "mean"])
    segment = life.people.segment[each.index]
    for number, declared in enumerate(life.block.company.segments):
        rows = each[segment == number].set_axis(["x", "mean_spend"], axis=1)
        model = GammaGamma.fit(spending(rows))
        law = declared.spend
        for name, error in estimate_of(model).standard_errors.items():
            assert abs(model.params_[name] - getattr(law, name)) < 3 * error, (declared.name, name)


def test_a_weight_is_as_many_rows_and_compression_changes_nothing() -> None:
    frame = drawn(300, seed=5).round({"mean_spend": 0})
    rng = np.random.default_rng(1)
    times = rng.integers(0, 4, len(frame))
    weighted, repeated = (
        spending(frame.assign(weight=times)), spending(frame.loc[frame.index.repeat(times)]),
    )  # fmt: skip
    fits = [GammaGamma.fit(s) for s in (weighted, repeated, repeated.compressed())]
    assert len(repeated.compressed()) < len(repeated)
    for fit in fits[1:]:
        assert fit.params_ == pytest.approx(fits[0].params_, rel=1e-6)
        assert fit.customers_ == pytest.approx(fits[0].customers_)
        assert fit.excluded_ == pytest.approx(fits[0].excluded_)


def test_many_customers_start_on_bins_and_end_on_the_exact_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = spending(drawn(3000, seed=6))
    exact = GammaGamma.fit(seen)
    monkeypatch.setattr("crm_lib.btyd.gamma_gamma.COARSE_ROWS", 100)
    by_way = GammaGamma.fit(seen)
    assert by_way.params_ == pytest.approx(exact.params_, rel=1e-5)


# --- input it is not meant for ----------------------------------------------------------------------

customers = st.lists(
    st.tuples(
        st.integers(0, 5000),
        st.one_of(st.just(0.0), st.floats(-1e9, 1e9, allow_subnormal=False), st.floats(0.01, 100)),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=80, deadline=None)
@given(customers)
def test_any_sample_is_fitted_or_refused(rows: list[tuple[int, float]]) -> None:
    seen = spending(pd.DataFrame(rows, columns=["x", "mean_spend"]))
    try:
        model = GammaGamma.fit(seen)
        expected = model.expected_spend(seen)
    except NoModel:
        return
    assert np.isfinite(estimate_of(model).log_likelihood)
    assert np.isfinite(list(estimate_of(model).standard_errors.values())).all()
    assert np.isfinite(expected).all()
    assert (expected > 0).all()
    assert model.customers_ == seen.usable.sum()
    assert sum(model.excluded_.values()) + model.customers_ == len(rows)


def test_customers_without_a_usable_mean_are_counted_and_change_nothing() -> None:
    frame = drawn(500, seed=8)
    odd = pd.DataFrame({"x": [0, 3, 2, 1], "mean_spend": [np.nan, 0.0, -4.0, -1e6]})
    clean, with_odd = (GammaGamma.fit(spending(f)) for f in (frame, pd.concat([frame, odd])))
    assert with_odd.params_ == clean.params_
    none = float((frame["x"] == 0).sum())
    assert with_odd.excluded_ == {"no purchase": none + 1, "spend of 0": 1, "negative spend": 2}


def test_five_customers_are_fitted_and_four_refused() -> None:
    frame = pd.DataFrame({"x": [1, 2, 3, 2, 1], "mean_spend": [10.0, 30.0, 20.0, 15.0, 80.0]})
    assert GammaGamma.fit(spending(frame)).customers_ == 5
    with pytest.raises(NoModel, match=r"at least 5 customers .* not 4"):
        GammaGamma.fit(spending(frame.head(4)))
    with pytest.raises(NoModel, match=r"not 0; left out: 5 with no purchase\."):
        GammaGamma.fit(spending(frame.assign(x=0)))


def test_spend_that_is_the_same_for_all_leaves_parameters_weak_and_is_expected() -> None:
    frame = pd.DataFrame({"x": np.arange(1, 101) % 7 + 1, "mean_spend": 12.5})
    model = GammaGamma.fit(spending(frame))
    assert estimate_of(model).weak
    assert model.expected_spend(spending(frame)) == pytest.approx(np.full(100, 12.5), rel=0.01)


def test_without_a_mean_no_spend_is_expected() -> None:
    wild = GammaGamma(p=2.0, q=0.9, gamma=15.0)
    seen = spending(pd.DataFrame({"x": [0, 5], "mean_spend": [0, 20.0]}))
    for ask in (lambda: wild.expected_spend(seen), lambda: wild.population_mean):
        with pytest.raises(NoModel, match=r"q = 0\.9, at most 1"):
            ask()
    fitted = GammaGamma.fit(spending(drawn(3000, seed=2, q=0.6)))
    with pytest.raises(NoModel, match="mean does not exist"):
        fitted.expected_spend(seen)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({"x": [1, 2]}, "mean_spend is missing"),
        ({"x": [1, 1.5], "mean_spend": [1, 1]}, r"1 of 2 rows .* no count .* row 1: x = 1\.5"),
        ({"x": [-1], "mean_spend": [1]}, "no count"),
        ({"x": [2, 0], "mean_spend": [np.nan, np.nan]}, "1 of 2 rows .* missing or infinite"),
        ({"x": [2], "mean_spend": [np.inf]}, "missing or infinite"),
        ({"x": [2], "mean_spend": [1], "weight": [-1]}, "negative weight"),
    ],
)
def test_what_is_wrong_is_counted_with_an_example(rows: dict[str, list[float]], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        spending(pd.DataFrame(rows))


def test_parameters_are_checked() -> None:
    with pytest.raises(UsageError, match="has the parameters p, q, gamma, not p, q"):
        GammaGamma(p=1, q=2)
    with pytest.raises(UsageError, match="positive numbers"):
        GammaGamma(p=1, q=-2, gamma=1)


# --- does spend go with frequency? ------------------------------------------------------------------


def test_correlation_of_five_customers_by_hand() -> None:
    """Ranks of x 1, 2, 3, 4.5, 4.5; of spend 2, 1, 3, 4, 5: covariance 8.5, variances 9.5 and 10."""
    frame = pd.DataFrame({"x": [1, 2, 3, 4, 4], "mean_spend": [20.0, 10.0, 30.0, 40.0, 50.0]})
    found = spend_frequency_correlation(spending(frame))
    assert found.loc["spearman", "correlation"] == pytest.approx(8.5 / np.sqrt(95))
    logs = np.log(frame)
    assert found.loc["pearson_of_logs", "correlation"] == pytest.approx(
        np.corrcoef(logs["x"], logs["mean_spend"])[0, 1]
    )
    assert (found["low"] < found["correlation"]).all()
    assert (found["correlation"] < found["high"]).all()
    twice = spend_frequency_correlation(spending(frame.assign(weight=2)))
    assert twice["correlation"].to_numpy() == pytest.approx(found["correlation"].to_numpy())
    assert (twice["customers"] == 10).all()


def test_correlation_is_noticed_and_independence_raises_no_alarm() -> None:
    frame = drawn(20_000, seed=9)
    model = GammaGamma.fit(spending(frame))
    plain = spend_frequency_correlation(spending(frame))
    fair = spend_frequency_correlation(spending(frame), model)
    # The logarithm of a mean of few purchases is too low: without the model, a false alarm.
    assert plain.loc["pearson_of_logs", "p_value"] < 1e-3
    assert fair.loc["pearson_of_logs", "p_value"] > 0.01
    assert (fair.loc["pearson_of_logs", ["low", "high"]].prod()) < 0
    more = frame.assign(mean_spend=frame["mean_spend"] * np.maximum(frame["x"], 1) ** 0.3)
    found = spend_frequency_correlation(spending(more), GammaGamma.fit(spending(more)))
    assert (found["low"] > 0.1).all()
    assert (found["p_value"] < 1e-9).all()


@pytest.mark.parametrize("rows", [{"x": [1, 1, 1, 1, 1], "mean_spend": [1.0, 2, 3, 4, 5]}, {"x": [1, 2, 3, 4, 5], "mean_spend": 7.0}, {"x": [1, 2], "mean_spend": [3.0, 4]}])  # fmt: skip
def test_correlation_without_variation_is_refused(rows: dict[str, object]) -> None:
    with pytest.raises(NoModel, match="cannot be told"):
        spend_frequency_correlation(spending(pd.DataFrame(rows)))


def test_spending_keeps_its_rows_in_order() -> None:
    seen = spending(pd.DataFrame({"x": [3, 0, 1], "mean_spend": [5.0, np.nan, 2.0]}))
    assert isinstance(seen, Spending)
    assert seen.x.tolist() == [3, 0, 1]
    assert seen.mean_spend.tolist() == [5, 0, 2]
    assert seen.fittable().x.tolist() == [3, 1]
