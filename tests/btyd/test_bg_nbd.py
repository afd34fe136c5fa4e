"""BG/NBD against what its papers and the test suites of its peers print."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import special

from crm_lib.btyd import Histories
from crm_lib.btyd.bg_nbd import BgNbd
from tests.btyd.conftest import as_frame, in_weeks, one


@pytest.fixture(scope="module")
def fitted(sample: Histories) -> BgNbd:
    return BgNbd.fit(sample)


PRINTED = BgNbd(unit="week", r=0.243, alpha=4.414, a=0.793, b=2.426)


def test_cdnow_sample_fader_hardie_lee_2005(fitted: BgNbd) -> None:
    published = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    assert fitted.params_ == pytest.approx(published, rel=2e-3)  # they print three digits
    assert fitted.estimate_ is not None
    assert fitted.estimate_.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert fitted.estimate_.weak == ()


def test_cdnow_sample_clvtools(fitted: BgNbd, sample: Histories) -> None:
    published = {"r": 0.2425945, "alpha": 4.4136019, "a": 0.7929199, "b": 2.4258881}
    assert fitted.params_ == pytest.approx(published, rel=1e-4)
    assert fitted.log_likelihood(sample) == pytest.approx(-9582.429, abs=0.01)


@pytest.mark.parametrize(
    ("until", "published", "log_likelihood"),
    [
        ("1997-09-30", {"r": 0.25162, "alpha": 4.78894, "a": 0.72343, "b": 2.16109}, -95368.44),
        ("1998-06-30", {"r": 0.26713, "alpha": 5.98649, "a": 0.48352, "b": 2.11161}, -173425.92),
    ],
)
def test_cdnow_full_recomputed(
    full_log: pd.DataFrame, until: str, published: dict[str, float], log_likelihood: float
) -> None:
    model = BgNbd.fit(in_weeks(as_frame(full_log, until)))
    assert model.params_ == pytest.approx(published, rel=1e-4)
    assert model.estimate_ is not None
    assert model.estimate_.log_likelihood == pytest.approx(log_likelihood, abs=0.01)


def test_conditional_expectation_fader_hardie_lee_2005_spreadsheet() -> None:
    assert PRINTED.expected_purchases(one(2, 30.43, 38.86), horizon=39, unit="week") == (
        pytest.approx(1.226, abs=5e-4)
    )


def test_expected_of_new_btyd_and_clvtools(fitted: BgNbd) -> None:
    times = np.array([0.1429, 1, 3, 31.8571, 32])
    printed = [0.0078, 0.0532, 0.1506, 1.0405, 1.0437]
    assert fitted.expected_of_new(times, unit="week") == pytest.approx(printed, abs=5.1e-5)


def test_expected_of_new_far_ahead_where_the_printed_series_ends_early(fitted: BgNbd) -> None:
    """1.8576 at 78 weeks is printed: that is the series of the paper cut off after 150 terms."""
    r, alpha, a, b = fitted.params_.values()
    terms, j = [1.0], np.arange(150)
    terms += list(np.cumprod((r + j) * (b + j) / ((a + b - 1 + j) * (j + 1)) * 78 / (alpha + 78)))

    def total(series: float) -> float:
        return (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + 78)) ** r * series)

    assert total(sum(terms)) == pytest.approx(1.8576, abs=5e-5)
    whole = total(special.hyp2f1(r, b, a + b - 1, 78 / (alpha + 78)))
    assert fitted.expected_of_new(78, unit="week")[0] == pytest.approx(whole, rel=1e-10)
    assert whole == pytest.approx(1.8576, rel=1e-3)


def test_probabilities_clvtools() -> None:
    model = BgNbd(unit="week", r=0.243, alpha=4.414, a=0.793, b=2.426)
    assert model.probabilities([0], 39, unit="week")[0] == pytest.approx(0.5737864, abs=5e-8)
    assert model.probabilities([10], 2, unit="week")[0] == pytest.approx(1.07869e-7, rel=1e-5)
    assert model.probabilities([11], 30, unit="week")[0] == pytest.approx(0.0019995214, rel=1e-7)


def test_numerical_stability_hardie_note_027() -> None:
    params = np.array([0.25, 4.0, 0.8, 2.5])
    assert BgNbd.log_likelihoods(params, one(0, 0, 40)) == pytest.approx(-0.59947382, abs=5e-9)
    assert BgNbd.log_likelihoods(params, one(200, 38, 40)) == pytest.approx(100.7957, abs=5e-5)


def test_holdout_by_frequency_fader_hardie_lee_2005(
    fitted: BgNbd, sample: Histories, bought_later: np.ndarray
) -> None:
    predicted = fitted.expected_purchases(sample, horizon=39, unit="week")
    by_x = pd.DataFrame(
        {"x": np.minimum(sample.x, 7), "predicted": predicted, "actual": bought_later}
    ).groupby("x")
    assert list(by_x.size()) == [1411, 439, 214, 100, 62, 38, 29, 64]
    actual = [0.2367, 0.6970, 1.3925, 1.5600, 2.5323, 2.9474, 3.8621, 6.3594]
    published = [0.2251, 0.5231, 1.0441, 1.5203, 2.1639, 2.6539, 3.5041, 6.1573]
    assert by_x["actual"].mean().to_numpy() == pytest.approx(actual, abs=5.1e-5)
    # Half a unit of what they print, and what the series behind it leaves out (see above).
    assert by_x["predicted"].mean().to_numpy() == pytest.approx(published, abs=1.5e-4)


def test_holdout_total_and_error(
    fitted: BgNbd, sample: Histories, bought_later: np.ndarray
) -> None:
    predicted = fitted.expected_purchases(sample, horizon=39, unit="week")
    assert bought_later.sum() == 1882
    assert predicted.sum() == pytest.approx(1653, abs=0.5)
    assert np.abs(predicted - bought_later).mean() == pytest.approx(0.785, abs=5e-4)


def test_exact_cases_to_60_digits(exact_cases: pd.DataFrame) -> None:
    cases = exact_cases[exact_cases["model"] == "BG/NBD"]
    assert len(cases) == 22
    for case in cases.itertuples():
        model = BgNbd(unit="week", r=case.p1, alpha=case.p2, a=case.p3, b=case.p4)
        history = one(case.x, case.t_x, case.T)
        expected = model.expected_purchases(history, horizon=case.horizon, unit="week")[0]
        assert expected == pytest.approx(case.expected_purchases, rel=1e-11, abs=1e-300), case
        assert model.p_alive(history)[0] == pytest.approx(case.p_alive, rel=1e-11, abs=1e-300), case


def test_who_never_repeated_is_still_there() -> None:
    history = one(0, 0, 500)
    assert PRINTED.p_alive(history)[0] == 1.0


def test_probabilities_add_up_and_have_the_expectation_as_mean() -> None:
    counts = np.arange(4000)
    shares = PRINTED.probabilities(counts, 39, unit="week")
    assert shares.sum() == pytest.approx(1, abs=1e-10)
    mean = PRINTED.expected_of_new(39, unit="week")[0]
    assert counts @ shares == pytest.approx(mean, rel=1e-9)


def test_predictions_take_any_unit(sample: Histories) -> None:
    weeks = PRINTED.predict(sample, horizon=39, unit="week")
    days = PRINTED.predict(sample.to("day"), horizon=273, unit="day")
    pd.testing.assert_frame_equal(weeks, days, rtol=1e-12)
