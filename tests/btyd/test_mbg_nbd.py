"""MBG/NBD against what BTYDplus prints, and against its own definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import beta, gamma

from crm_lib.btyd import Histories
from crm_lib.btyd.mbg_nbd import MbgNbd
from tests.btyd.conftest import one

PRINTED = MbgNbd(unit="week", r=0.525, alpha=6.183, a=0.891, b=1.614)


@pytest.fixture(scope="module")
def fitted(sample: Histories) -> MbgNbd:
    return MbgNbd.fit(sample)


def test_cdnow_sample_btydplus(fitted: MbgNbd) -> None:
    published = {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}
    assert fitted.params_ == pytest.approx(published, rel=1e-3)
    assert fitted.estimate_ is not None
    assert fitted.estimate_.log_likelihood == pytest.approx(-9582.132, abs=0.01)


def test_cdnow_holdout_error(fitted: MbgNbd, sample: Histories, bought_later: np.ndarray) -> None:
    """`models.md` of the project's evidence: MAE .765, RMSE 1.607 over weeks 40 to 78."""
    missed = fitted.expected_purchases(sample, horizon=39, unit="week") - bought_later
    assert np.abs(missed).mean() == pytest.approx(0.765, abs=5e-4)
    assert np.sqrt(np.square(missed).mean()) == pytest.approx(1.607, abs=5e-4)


def test_first_purchase_is_a_chance_to_leave() -> None:
    """Batislam et al. 2007: at T = 0 a customer is there with probability b / (a + b)."""
    assert PRINTED.p_alive(one(0, 0, 0))[0] == pytest.approx(1.614 / (0.891 + 1.614), rel=1e-12)


def test_p_alive_hoppe_wagner_2007() -> None:
    """Their closed form: 1 / (1 + a / (b + x) · ((α + T) / (α + t_x))^(r + x))."""
    odds = 0.891 / (1.614 + 2) * ((6.183 + 38.86) / (6.183 + 30.43)) ** (0.525 + 2)
    assert PRINTED.p_alive(one(2, 30.43, 38.86))[0] == pytest.approx(1 / (1 + odds), rel=1e-12)


def test_expectation_is_the_integral_over_customers() -> None:
    """E over λ and p, given the history and being there, of (1 - e^(-λ p t)) / p."""
    r, alpha, a, b = PRINTED.params_.values()
    x, T, t = 2, 38.86, 39

    def over_p(p: float) -> float:
        bought = 1 - ((alpha + T) / (alpha + T + p * t)) ** (r + x)
        return bought / p * stats.beta.pdf(p, a, b + x + 1)

    inside = integrate.quad(over_p, 0, 1, epsabs=0, epsrel=1e-10)[0]
    alive = PRINTED.p_alive(one(x, 30.43, T))[0]
    expected = PRINTED.expected_purchases(one(x, 30.43, T), horizon=t, unit="week")[0]
    assert expected == pytest.approx(alive * inside, rel=1e-8)


def test_probabilities_add_up_and_have_the_expectation_as_mean() -> None:
    counts = np.arange(4000)
    shares = PRINTED.probabilities(counts, 39, unit="week")
    assert shares.sum() == pytest.approx(1, abs=1e-10)
    assert counts @ shares == pytest.approx(PRINTED.expected_of_new(39, unit="week")[0], rel=1e-9)


def test_expectation_of_new_is_the_mean_of_its_histories() -> None:
    """What is expected of a new customer, told after 10 weeks by how many bought how often."""
    early = PRINTED.expected_of_new(10, unit="week")[0]
    both = PRINTED.expected_of_new(49, unit="week")[0]
    r, alpha, a, b = PRINTED.params_.values()
    # Whoever is alive at 10 weeks with x purchases: chance, and expectation of the next 39.
    counts = np.arange(400)
    stayed = np.cumprod(np.append(b / (a + b), (b + 1 + counts) / (a + b + 1 + counts)))[:-1]
    bought = stats.nbinom.pmf(counts, r, alpha / (alpha + 10))
    ahead = PRINTED._expected_if_alive(counts.astype(float), np.full(400, 10.0), np.full(400, 39.0))
    assert early + (stayed * bought) @ ahead == pytest.approx(both, rel=1e-9)


def test_log_likelihood_is_the_density_written_out() -> None:
    r, alpha, a, b = PRINTED.params_.values()
    x, t_x, T = 3, 20.0, 39.0
    stays = beta(a, b + x + 1) / beta(a, b) * (alpha + T) ** -(r + x)
    leaves = beta(a + 1, b + x) / beta(a, b) * (alpha + t_x) ** -(r + x)
    density = gamma(r + x) / gamma(r) * alpha**r * (stays + leaves)
    assert PRINTED.log_likelihood(one(x, t_x, T)) == pytest.approx(np.log(density), rel=1e-12)
