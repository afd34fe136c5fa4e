"""NBD against recomputed values of CDNOW and its closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crm_lib.btyd import Histories
from crm_lib.btyd.bg_nbd import BgNbd
from crm_lib.btyd.nbd import Nbd
from tests.btyd.conftest import one

PRINTED = Nbd(unit="week", r=0.3848, alpha=12.0721)


def test_cdnow_sample_recomputed(sample: Histories) -> None:
    model = Nbd.fit(sample)
    assert model.params_ == pytest.approx({"r": 0.3848, "alpha": 12.0721}, rel=1e-3)
    assert model.estimate_ is not None
    assert model.estimate_.log_likelihood == pytest.approx(-9763.660, abs=0.01)


def test_cdnow_holdout_total_fader_hardie_lee_2005(sample: Histories) -> None:
    predicted = Nbd.fit(sample).expected_purchases(sample, horizon=39, unit="week")
    assert predicted.sum() == pytest.approx(2930, abs=0.5)


def test_nobody_leaves(sample: Histories) -> None:
    assert (PRINTED.p_alive(sample) == 1).all()


def test_conditional_expectation_ehrenberg_1959() -> None:
    expected = PRINTED.expected_purchases(one(2, 30, 39), horizon=39, unit="week")[0]
    assert expected == pytest.approx((0.3848 + 2) / (12.0721 + 39) * 39, rel=1e-14)


def test_counts_are_negative_binomial() -> None:
    counts = np.arange(50)
    law = stats.nbinom.pmf(counts, 0.3848, 12.0721 / (12.0721 + 39))
    assert PRINTED.probabilities(counts, 39, unit="week") == pytest.approx(law, rel=1e-12)
    assert PRINTED.probabilities([0, 1], 0, unit="week") == pytest.approx([1, 0])


def test_no_leaving_is_the_end_of_bg_nbd() -> None:
    """BG/NBD with a probability to leave of next to nothing predicts what NBD predicts."""
    nobody = BgNbd(unit="week", r=0.3848, alpha=12.0721, a=1e-9, b=1e3)
    history = one(7, 20, 39)
    assert nobody.expected_purchases(history, horizon=39, unit="week") == pytest.approx(
        PRINTED.expected_purchases(history, horizon=39, unit="week"), rel=1e-9
    )
    assert nobody.log_likelihood(history) == pytest.approx(
        PRINTED.log_likelihood(history), rel=1e-9
    )
