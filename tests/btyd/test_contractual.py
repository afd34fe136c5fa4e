"""Contractual retention: published fits, hand-checked identities, degenerate counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from crm_lib.btyd.contractual import (
    BetaDiscreteWeibull,
    ContractModel,
    ShiftedBetaGeometric,
    fit_bdw,
    fit_sbg,
)
from crm_lib.btyd.retention import Retention
from crm_lib.errors import NoModel, UsageError

# Fader & Hardie (2007), "How to project customer retention", table 1: 1,000 customers a segment.
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394]

MODELS = [fit_sbg, fit_bdw]


def years(counts: list[int], until: int) -> Retention:
    return Retention.of(counts[: until + 1], unit="year")


@pytest.mark.parametrize(
    ("fit", "counts", "params", "log_likelihood"),
    [
        (fit_sbg, REGULAR, {"alpha": 0.7041, "beta": 1.182}, -1680.27),
        (fit_sbg, HIGH_END, {"alpha": 0.6681, "beta": 3.8061}, -1611.16),
        (fit_bdw, REGULAR, {"gamma": 0.4556, "delta": 0.7793, "c": 1.2835}, -1679.60),
        (fit_bdw, HIGH_END, {"gamma": 0.2143, "delta": 1.4266, "c": 1.7236}, -1605.31),
    ],
)
def test_parameters_of_fader_hardie_2007_and_of_the_bdw_paper_on_seven_years(
    fit, counts, params, log_likelihood
) -> None:
    model = fit(years(counts, 7))
    assert model.params_ == pytest.approx(params, rel=5e-4)
    assert model.estimate_.log_likelihood == pytest.approx(log_likelihood, abs=0.006)
    assert model.log_likelihood(years(counts, 7)) == pytest.approx(model.estimate_.log_likelihood)
    assert model.estimate_.weak == ()


@pytest.mark.parametrize(("counts", "percent"), [(REGULAR, 17.0), (HIGH_END, 37.8)])
def test_sbg_forecast_of_year_12_as_printed(counts, percent) -> None:
    assert 100 * fit_sbg(years(counts, 7)).survival(12)[0] == pytest.approx(percent, abs=0.05)


def test_on_four_years_of_the_high_end_segment_the_choice_of_model_matters() -> None:
    seen = years(HIGH_END, 4)
    assert 100 * fit_sbg(seen).survival(12)[0] == pytest.approx(30.7, abs=0.05)
    assert 100 * fit_bdw(seen).survival(12)[0] == pytest.approx(38.9, abs=0.05)


def test_likelihood_is_that_of_leaving_times_and_censored_survival() -> None:
    model = BetaDiscreteWeibull(unit="year", gamma=0.4556, delta=0.7793, c=1.2835)
    lost = -np.diff(REGULAR[:8])
    by_hand = lost @ np.log(model.probabilities(range(1, 8))) + 241 * np.log(model.survival(7)[0])
    assert model.log_likelihood(years(REGULAR, 7)) == pytest.approx(by_hand, rel=1e-12)


def test_bdw_with_c_1_is_sbg() -> None:
    sbg = ShiftedBetaGeometric(unit="month", alpha=0.7, beta=1.2)
    bdw = BetaDiscreteWeibull(unit="month", gamma=0.7, delta=1.2, c=1.0)
    t = np.arange(1, 40)
    for said in ("survival", "retention_rate", "probabilities"):
        np.testing.assert_allclose(getattr(bdw, said)(t), getattr(sbg, said)(t), rtol=1e-11)
    assert sbg.retention_rate(1)[0] == pytest.approx(1.2 / 1.9)  # β / (α + β)


@pytest.mark.parametrize(
    ("model", "params"),
    [(ShiftedBetaGeometric, [0.7, 1.2]), (BetaDiscreteWeibull, [0.4, 0.8, 1.3]),
     (BetaDiscreteWeibull, [30.0, 400.0, 0.4]), (BetaDiscreteWeibull, [0.3, 2.0, 9.0])],
)  # fmt: skip
def test_gradient_equals_numerical_differences(model: type[ContractModel], params) -> None:
    data, at = years(HIGH_END, 12), np.array(params)
    numeric = []
    for i in range(len(at)):
        step = np.zeros_like(at)
        step[i] = 1e-5 * at[i]
        up, down = (model.log_likelihood_and_gradient(at + s, data)[0] for s in (step, -step))
        numeric.append((up - down) / (2 * step[i]))
    _, exact = model.log_likelihood_and_gradient(at, data)
    np.testing.assert_allclose(exact, numeric, rtol=2e-6)


@pytest.mark.parametrize(
    "truth",
    [
        ShiftedBetaGeometric(unit="month", alpha=0.9, beta=4.0),
        BetaDiscreteWeibull(unit="month", gamma=0.8, delta=5.0, c=1.4),
        BetaDiscreteWeibull(unit="month", gamma=1.5, delta=6.0, c=0.7),
    ],
)
def test_parameters_are_recovered_within_three_standard_errors_from_staggered_cohorts(
    truth,
) -> None:
    rng = np.random.default_rng(20)
    cohorts = {}
    for start in range(12):
        left = rng.multinomial(2000, [*truth.probabilities(range(1, 13)), truth.survival(12)[0]])
        cohorts[start] = (2000 - np.cumsum([0, *left[:-1]]))[: 13 - start]
    model = type(truth).fit(Retention.of(cohorts, unit="month"))
    for name, error in model.estimate_.standard_errors.items():
        assert abs(model.params_[name] - truth.params_[name]) < 3 * error
    assert set(model.estimate_.standard_errors) == set(truth.names)


# --- residual lifetime --------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [REGULAR, HIGH_END])
def test_residual_lifetime_of_sbg_is_the_closed_form_of_fader_and_hardie_2010(counts) -> None:
    model = fit_sbg(years(counts, 7))
    a, b = model.params_.values()
    n, rate = np.array([1, 2, 5, 10]), 0.1
    closed = (b + n - 1) / (a + b + n - 1) * special.hyp2f1(1, b + n, a + b + n, 1 / (1 + rate))
    got = model.expected_residual_lifetime(n, discount_rate=rate)
    np.testing.assert_allclose(got, closed, rtol=1e-12)


@pytest.mark.parametrize("rate", [0.002, 0.1, 3.0])
def test_residual_lifetime_of_bdw_is_its_sum(rate) -> None:
    model = fit_bdw(years(HIGH_END, 7))
    t = np.arange(3, 40_000)
    discounts = np.exp(-np.log1p(rate) * (t - 3.0))
    summed = (model.survival(t) / model.survival(2) * discounts).sum()
    got = model.expected_residual_lifetime(3, discount_rate=rate)
    assert got[0] == pytest.approx(summed, rel=1e-9)
    within = model.expected_residual_lifetime([3, 3], discount_rate=rate, horizon=39_997)
    np.testing.assert_allclose(within, summed, rtol=1e-9)


@pytest.mark.parametrize(
    ("alpha", "beta", "n"),
    [(1.5, 3.0, 1), (1.01, 3.0, 1), (1.5, 0.01, 2), (500.0, 5000.0, 1), (3.0, 1e6, 200)],
)
def test_undiscounted_lifetime_where_it_exists(alpha, beta, n) -> None:
    model = ShiftedBetaGeometric(unit="year", alpha=alpha, beta=beta)
    got = model.expected_residual_lifetime(n, discount_rate=0)[0]
    assert got == pytest.approx((beta + n - 1) / (alpha - 1), rel=1e-9)


def test_a_lifetime_without_limit_is_refused_unless_a_horizon_cuts_it() -> None:
    endless = ShiftedBetaGeometric(unit="year", alpha=0.9, beta=3.0)
    with pytest.raises(NoModel, match="no limit"):
        endless.expected_residual_lifetime(1, discount_rate=0)
    once = endless.expected_residual_lifetime(1, discount_rate=0, horizon=1)[0]
    assert once == pytest.approx(3 / 3.9)


@pytest.mark.parametrize("wrong", [{"discount_rate": -0.1}, {"discount_rate": 0.1, "horizon": 0}])
def test_a_rate_or_horizon_that_is_none_is_named(wrong) -> None:
    model = ShiftedBetaGeometric(unit="year", alpha=0.9, beta=3.0)
    with pytest.raises(UsageError, match=r"discount rate|horizon"):
        model.expected_residual_lifetime(1, **wrong)
    with pytest.raises(UsageError, match="tenure"):
        model.expected_residual_lifetime(0, discount_rate=0.1)


# --- input --------------------------------------------------------------------------------------


def test_a_frame_a_mapping_and_a_list_say_the_same() -> None:
    frame = pd.DataFrame(
        {"cohort": [2021] * 3 + [2020] * 4, "period": [2, 0, 1, 0, 1, 2, 3],
         "customers": [70, 120, 90, 100, 80, 60, 50]}
    )  # fmt: skip
    found = Retention.of(frame, unit="year")
    same = Retention.of({"a": [100, 80, 60, 50], "b": [120, 90, 70], "late": [90]}, unit="year")
    for one in (found, same):
        assert one.at_risk.tolist() == [220, 170, 60]
        assert one.lost.tolist() == [50, 40, 10]
    np.testing.assert_allclose(found.rates, [17 / 22, 13 / 17, 5 / 6])
    assert (found.customers, found.periods) == (220, 3)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([10, 11], "rise from 10 in period 0 to 11 in period 1"),
        ([10, -1], "period 1 has -1"),
        ([10, float("nan")], "period 1 has nan"),
        ({"a": [10], "b": [7]}, "only starts"),
        ([], "a list of counts"),
        (pd.DataFrame({"cohort": [1], "customer": [2], "period": [0]}), "customers is missing"),
        (pd.DataFrame({"cohort": [1, 1], "period": [0, 2], "customers": [5, 4]}), "0, 1, 2"),
    ],
)
def test_wrong_counts_are_named(counts, said) -> None:
    with pytest.raises(UsageError, match=said):
        Retention.of(counts, unit="year")


def test_a_misspelt_unit_and_another_period_do_not_pass() -> None:
    with pytest.raises(UsageError, match="'month'"):
        Retention.of([10, 5], unit="moth")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="every year"):
        fit_sbg(years(REGULAR, 7)).log_likelihood(Retention.of(REGULAR, unit="month"))


@pytest.mark.parametrize("fit", MODELS)
@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([100] * 6, "Nobody of 100 customers left"),
        ([100, 0, 0, 0, 0], "Nobody renewed even once"),
        ([100, 60], "needs as many observed periods, not 1"),
        ([4, 3, 2, 2, 1], "at least 5 customers"),
    ],
)
def test_what_cannot_carry_a_model_is_refused_by_name(fit, counts, said) -> None:
    with pytest.raises(NoModel, match=said):
        fit(Retention.of(counts, unit="year"))


@pytest.mark.parametrize("fit", MODELS)
@pytest.mark.parametrize(
    "counts",
    [
        [1024, 512, 256, 128, 64, 32],  # one chance for all
        [100, 50, 50, 50, 50],  # half leave at once, the rest never
        [1000, 990, 900, 700, 300, 50],  # nobody stays much longer than the others
        [100, 100, 100, 100, 0],  # all leave at once
        [5, 4, 3, 2, 1],
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_parameter_at_its_bound_is_named_and_every_number_is_finite(fit, counts) -> None:
    model = fit(Retention.of(counts, unit="year"))
    assert model.estimate_.weak
    assert np.isfinite(list(model.params_.values())).all()
    survival = model.survival(range(6))
    assert ((survival >= 0) & (survival <= 1)).all()
    assert np.isfinite(model.expected_residual_lifetime([1, 3], discount_rate=0.1)).all()


# --- properties ---------------------------------------------------------------------------------

PARAMETER = st.floats(1e-3, 1e3)


@given(PARAMETER, PARAMETER, st.floats(0.05, 20))
def test_survival_falls_from_1_and_its_steps_are_the_leaving_probabilities(gamma, delta, c) -> None:
    model = BetaDiscreteWeibull(unit="month", gamma=gamma, delta=delta, c=c)
    survival = model.survival(np.arange(61))
    assert survival[0] == 1.0
    assert (np.diff(survival) <= 1e-12).all()
    assert (survival >= 0).all()
    leaving = model.probabilities(np.arange(1, 61))
    np.testing.assert_allclose(leaving, -np.diff(survival), atol=1e-11)


COUNTS = st.lists(st.integers(10, 500), min_size=4, max_size=7).map(
    lambda counts: sorted(counts, reverse=True)
)


@settings(max_examples=30, deadline=None)
@given(st.lists(COUNTS, min_size=2, max_size=4), st.sampled_from(MODELS))
def test_order_of_cohorts_is_nothing_and_twice_the_customers_is_the_same_model(
    cohorts, fit
) -> None:
    if all(len(set(counts)) == 1 for counts in cohorts):
        cohorts = [*cohorts, [50, 40, 35, 33]]
    once = fit(Retention.of(dict(enumerate(cohorts)), unit="month"))
    turned = fit(Retention.of(dict(enumerate(reversed(cohorts))), unit="month"))
    twice = fit(Retention.of({i: 2 * np.array(c) for i, c in enumerate(cohorts)}, unit="month"))
    assert turned.params_ == once.params_
    assert twice.estimate_.log_likelihood == pytest.approx(
        2 * once.estimate_.log_likelihood, rel=1e-6
    )
    if not (once.estimate_.weak or twice.estimate_.weak):
        assert twice.params_ == pytest.approx(once.params_, rel=0.02)


@pytest.mark.parametrize("fit", MODELS)
def test_twice_the_customers_shrink_standard_errors_by_the_root_of_two(fit) -> None:
    once, twice = (fit(Retention.of(k * np.array(REGULAR), unit="year")) for k in (1.0, 2.0))
    assert twice.params_ == pytest.approx(once.params_, rel=1e-5)
    for name, error in once.estimate_.standard_errors.items():
        assert twice.estimate_.standard_errors[name] == pytest.approx(error / np.sqrt(2), rel=1e-4)
