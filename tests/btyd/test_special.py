"""The special functions against scipy's, and the two ways of one expectation against each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from crm_lib.btyd import special as ours


@pytest.mark.parametrize("start", [1e-4, 0.3, 7.0, 8000.0])
def test_rising_factorial_and_its_slope(start: float) -> None:
    count = np.array([0.0, 1, 2, 17, 5000])
    log_gamma = special.gammaln(start + count) - special.gammaln(start)
    assert ours.log_rising(start, count) == pytest.approx(log_gamma, rel=1e-9, abs=1e-9)
    slope = special.digamma(start + count) - special.digamma(start)
    assert ours.log_rising_slope(start, count) == pytest.approx(slope, rel=1e-9, abs=1e-11)


def test_rising_factorial_of_a_count_too_large_for_a_table() -> None:
    count = np.array([3.0, 2e6])
    expected = special.gammaln(0.5 + count) - special.gammaln(0.5)
    assert ours.log_rising(0.5, count) == pytest.approx(expected, rel=1e-12)
    slope = special.digamma(0.5 + count) - special.digamma(0.5)
    assert ours.log_rising_slope(0.5, count) == pytest.approx(slope, rel=1e-12)


def test_negative_binomial() -> None:
    counts = np.arange(60)
    exactly, at_least = ours.negative_binomial(counts, 0.7, 3.0)
    law = stats.nbinom(0.7, 1 / (1 + 3.0))
    assert exactly == pytest.approx(law.pmf(counts), rel=1e-12)
    assert at_least == pytest.approx(law.sf(counts - 1), rel=1e-10)


@pytest.mark.parametrize("a", [1e-4, 0.3, 1.0, 1 + 1e-9, 4.0, 60.0])
def test_sum_and_integral_agree(a: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over 300 customers of all sizes, short horizons and long ones."""
    rng = np.random.default_rng(1)
    A, u, B = np.exp(rng.uniform([-3, -8, -4], [6, 1, 7], (300, 3))).T
    sums = ours.purchases_until_leaving(A, u, a, B)
    monkeypatch.setattr(ours, "_TERMS", 0)
    integrals = ours.purchases_until_leaving(A, u, a, B)
    assert (sums != integrals).any()
    assert integrals == pytest.approx(sums, rel=1e-9)


def test_no_time_no_purchases_and_more_time_more() -> None:
    A = np.full(6, 2.2)
    u = np.array([0, 1e-12, 1e-3, 1, 1e3, 1e9])
    expected = ours.purchases_until_leaving(A, u, 0.8, np.full(6, 3.4))
    assert expected[0] == 0
    assert expected[1] == pytest.approx(2.2e-12, rel=1e-9)
    assert (np.diff(expected) > 0).all()


def test_an_endless_horizon_ends_at_the_chances_taken() -> None:
    """With a > 1 a customer buys (a + B - 1) / (a - 1) times on average until he leaves."""
    found = ours.purchases_until_leaving(np.array([2.2]), np.array([1e30]), 3.0, np.array([4.0]))
    assert found[0] == pytest.approx((3 + 4 - 1) / (3 - 1), rel=1e-9)
