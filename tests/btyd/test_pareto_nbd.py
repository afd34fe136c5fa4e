"""Pareto/NBD: published numbers, cases computed with mpmath to 40 digits and more, and its peak."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.btyd import Histories, histories
from crm_lib.btyd.estimation import maximise
from crm_lib.btyd.histories import levels
from crm_lib.btyd.nbd import Nbd
from crm_lib.btyd.pareto_integral import log_integral, points
from crm_lib.btyd.pareto_nbd import ParetoNbd
from crm_lib.btyd.simulation import simulate
from tests.btyd.conftest import one
from tests.simulate.blocks import plain_retailer

TABLE = {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}
"""Fader, Hardie & Lee 2005, CDNOW 1/10 sample, in weeks."""


def model_of(*params: float) -> ParetoNbd:
    return ParetoNbd(unit="week", **dict(zip(ParetoNbd.names, params, strict=True)))


@pytest.fixture(scope="module")
def fitted(sample: Histories) -> ParetoNbd:
    return ParetoNbd.fit(sample)


# --- published ------------------------------------------------------------------------------------


def test_cdnow_sample_fader_hardie_lee_2005_and_clvtools(fitted: ParetoNbd) -> None:
    assert fitted.params_ == pytest.approx(TABLE, rel=1e-3)
    assert fitted.estimate_ is not None
    assert fitted.estimate_.log_likelihood == pytest.approx(-9594.976, abs=0.01)
    assert fitted.estimate_.weak == ()


def test_heavy_buyer_of_the_btyd_vignette(fitted: ParetoNbd) -> None:
    buyer = one(26, 30.86, 31)
    assert fitted.p_alive(buyer)[0] == pytest.approx(0.9979, abs=5e-5)
    ahead = fitted.expected_purchases(buyer, horizon=52, unit="week")[0]
    assert ahead == pytest.approx(25.46, abs=0.005)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ((0.55, 10.56, 0.61, 11.64), [0.05077821, 0.09916088, 0.14542507]),
        (tuple(TABLE.values()), [0.05097984, 0.0995754, 0.14606119]),
    ],
)
def test_expected_of_new_btyd(params: tuple[float, ...], expected: list[float]) -> None:
    found = model_of(*params).expected_of_new(np.array([1.0, 2.0, 3.0]), unit="week")
    assert found == pytest.approx(expected, rel=1e-6)


def test_holdout_by_frequency_fader_hardie_lee_2005(fitted: ParetoNbd, sample: Histories) -> None:
    ahead = fitted.expected_purchases(sample, horizon=39, unit="week")
    by_x = pd.Series(ahead).groupby(np.minimum(sample.x, 7)).mean()
    published = [0.1385, 0.5995, 1.1959, 1.7139, 2.3984, 2.9073, 3.8186, 6.4032]
    assert by_x.to_numpy() == pytest.approx(published, abs=2e-4)


def test_holdout_total_and_error(
    fitted: ParetoNbd, sample: Histories, bought_later: np.ndarray
) -> None:
    ahead = fitted.expected_purchases(sample, horizon=39, unit="week")
    assert ahead.sum() == pytest.approx(1666, abs=1)
    assert np.abs(ahead - bought_later).mean() == pytest.approx(0.755, abs=5e-4)


# --- exact ----------------------------------------------------------------------------------------


def test_exact_cases_to_60_digits(exact_cases: pd.DataFrame) -> None:
    """With P(alive) down to 8.1e-31."""
    cases = exact_cases[exact_cases["model"] == "Pareto/NBD"]
    assert len(cases) == 15
    for case in cases.itertuples():
        model = model_of(case.p1, case.p2, case.p3, case.p4)
        history = one(case.x, case.t_x, case.T)
        ahead = model.expected_purchases(history, horizon=case.horizon, unit="week")[0]
        assert model.p_alive(history)[0] == pytest.approx(case.p_alive, rel=1e-9, abs=0), case.case
        assert ahead == pytest.approx(case.expected_purchases, rel=1e-9, abs=0), case.case


@pytest.mark.parametrize(
    ("at", "expected"),
    [  # p, q, α, β, τ; log Φ and its derivatives by p, q, α, β, with mpmath to 40 digits
        (
            (2.5, 1.6, 10.5, 11.5, 30),
            (-12.634988939429306, -4.0262058656125116, -4.0446579173479265, -0.04658566091950388, -0.029235680307472117),
        ),
        (
            (0.5, 2, 10, 10, 0),
            (-3.8593427475992329, -2.9692517596607124, -2.9692517596607124, -0.03, -0.12),
        ),
        (
            (5000.75, 1.25, 3, 60, 5990),
            (-43508.964573196574, -8.6985473609368843, -8.7080116279515032, -0.83426501711115048, -0.00020657065336780098),
        ),
        (
            (0.5, 1.25, 16, 2**-10, 0),
            (1.6550723415381563, -2.8435476126655758, 3.7170274332452411, -0.029987741080822537, -276.68085013180356),
        ),
        (
            (3.5, 51, 10, 5000, 20),
            (-444.16270411181428, -3.7231750466182163, -8.5239122909765089, -0.087952087893457833, -0.010131760430915591),
        ),
        (
            (1.25, 0.5, 0.25, 131072, 0),
            (-4.1908728616816811, -2.1855767285162805, -11.812030356037946, -1.0325031985952651, -3.752702334222288e-6),
        ),
        (
            (0.75, 1024, 1048576, 8192, 12),
            (-9236.9895097325797, -13.862962710557504, -9.0133546306809584, -7.1524207653032674e-7, -0.12469527129954354),
        ),
    ],
)  # fmt: skip
def test_death_integral_and_its_gradient(
    at: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    p, q, alpha, beta, tau = at
    where, _ = points(levels(np.array([0.0])), levels(np.array([float(tau)])))
    found = log_integral(np.array([p]), np.array([q]), alpha, beta, where)
    assert np.ravel(found) == pytest.approx(expected, rel=1e-11, abs=0)


@pytest.mark.parametrize(
    ("params", "expected"),
    [  # P(X(39) = 0, 1, 10, 300) with mpmath to 40 digits
        (
            tuple(TABLE.values()),
            (0.59362503160238387, 0.16556294727717548, 0.0041934393320804204, 4.6206631449408122e-34),
        ),
        (
            (0.5, 10, 0.2, 0.001),
            (0.90281755752023727, 0.041099292512073264, 0.0010705610278601779, 3.2459383478548878e-33),
        ),
        (
            (5, 0.5, 3, 40),
            (0.0092233330774621711, 0.0090759902505746823, 0.0079128541644110353, 0.00089225157197729444),
        ),
        (
            (400, 40, 0.6, 500),
            (0.00012026208244659224, 0.00012022343325471009, 0.00011987649896169663, 0.00015250427245333587),
        ),
    ],
)  # fmt: skip
def test_probabilities_fader_hardie_2006(
    params: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    found = model_of(*params).probabilities([0, 1, 10, 300], 39, unit="week")
    assert found == pytest.approx(expected, rel=1e-11, abs=0)


def test_probabilities_add_up_and_have_the_expectation_as_mean() -> None:
    model, counts = model_of(1.2, 8, 2.5, 30), np.arange(400.0)
    shares = model.probabilities(counts, 60, unit="week")
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    assert shares @ counts == pytest.approx(model.expected_of_new(60, unit="week")[0], rel=1e-10)


# --- identities -----------------------------------------------------------------------------------

size = st.floats(-5, 5).map(np.exp)
time = st.floats(-6, 8).map(np.exp)


@settings(max_examples=60, deadline=None)
@given(size, time, size, time, st.integers(0, 5000), time, st.floats(0, 1))
def test_what_a_history_says_is_sound_whatever_the_parameters(
    r: float, alpha: float, s: float, beta: float, x: int, T: float, share: float
) -> None:
    """P(alive) falls with the silence and is 1 at a purchase of just now; nothing is ever NaN."""
    model = model_of(r, alpha, s, beta)
    t_x = np.sort([0.0, share * T, T])
    seen = Histories(np.full(3, x), t_x, np.full(3, T), np.ones(3), "week")
    alive = model.p_alive(seen)
    assert np.isfinite(alive).all()
    assert (np.diff(alive) >= -1e-9 * alive[1:]).all()
    assert alive[2] == pytest.approx(1, abs=1e-9)
    assert (alive >= 0).all()
    ahead = model.expected_purchases(seen, horizon=100, unit="week")
    assert (ahead <= alive * (r + x) / (alpha + T) * 100 * (1 + 1e-9)).all()
    assert np.isfinite(model.log_likelihood(seen))


def _slopes(params: np.ndarray, data: Histories) -> np.ndarray:
    """Numerical slope by the logarithm of each parameter (five points)."""

    def along(i: int, by: float) -> float:
        moved = params.copy()
        moved[i] *= np.exp(by)
        return float(data.weight @ ParetoNbd.log_likelihoods(moved, data))

    h = 2e-3
    near = np.array([along(i, h) - along(i, -h) for i in range(4)])
    far = np.array([along(i, 2 * h) - along(i, -2 * h) for i in range(4)])
    return (8 * near - far) / (12 * h)


@pytest.mark.parametrize(
    "params",
    [(0.5, 10, 0.6, 11), (0.5, 10, 0.6, 10), (0.5, 12, 1, 9), (0.5, 10, 0.2, 0.001),
     (0.5, 0.02, 1, 500), (2, 1e4, 0.3, 20), (0.5, 10, 2000, 3e5), (300, 4e3, 0.6, 11)],
)  # fmt: skip
def test_gradient_where_parameters_are_awkward(params: tuple[float, ...]) -> None:
    rng = np.random.default_rng(4)
    T = rng.integers(1, 400, 200) / 7
    x = np.append(rng.integers(0, 9, 198), [300, 5000]).astype(float)
    data = Histories(
        x, np.where(x > 0, T * rng.random(200), 0.0), T, rng.integers(1, 5, 200) * 1.0, "week"
    )
    at = np.array(params, dtype=float)
    value, gradient = ParetoNbd.log_likelihood_and_gradient(at, data)
    assert value == pytest.approx(data.weight @ ParetoNbd.log_likelihoods(at, data), rel=1e-12)
    scale = np.abs(gradient * at).max()
    assert gradient * at == pytest.approx(_slopes(at, data), rel=1e-6, abs=1e-6 * scale)


def test_the_likelihood_has_no_step_where_alpha_is_beta_or_s_is_1() -> None:
    data = histories(pd.DataFrame({"x": [2, 0, 9], "t_x": [30, 0, 35], "T": [39, 39, 38]}), unit="week")  # fmt: skip
    for params, i in (((0.5, 10.0, 0.6, 10.0), 3), ((0.5, 10.0, 1.0, 12.0), 2)):
        at = np.array(params)
        here, slope = ParetoNbd.log_likelihood_and_gradient(at, data)
        for by in (-1e-7, -1e-10, 1e-10, 1e-7):
            moved = at.copy()
            moved[i] += by
            there = ParetoNbd.log_likelihood_and_gradient(moved, data)[0]
            assert there == pytest.approx(here + slope[i] * by, abs=1e-11)


def test_no_leaving_is_the_end_of_pareto_nbd(sample: Histories) -> None:
    never = model_of(0.3848, 12.0721, 1e-13, 1e3)
    stays = Nbd(unit="week", r=0.3848, alpha=12.0721)
    assert never.log_likelihood(sample) == pytest.approx(stays.log_likelihood(sample), abs=1e-4)
    assert never.p_alive(sample) == pytest.approx(np.ones(len(sample)), abs=1e-7)


# --- the peak -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_fit_ends_above_the_truth_and_above_searches_from_anywhere(seed: int) -> None:
    """The likelihood has long ridges, on which other programs stop far below the peak."""
    rng = np.random.default_rng(seed)
    r, s = 10 ** rng.uniform(-0.8, 0.8, 2)
    truth = model_of(r, r * 10 ** rng.uniform(0, 1.5), s, s * 10 ** rng.uniform(0.5, 2.5))
    data = simulate(truth, rng.integers(20, 100, 3000), unit="week", seed=seed).compressed()
    fitted = ParetoNbd.fit(data).estimate_
    assert fitted is not None
    assert fitted.log_likelihood > truth.log_likelihood(data)
    objective, span = ParetoNbd._objective(data), data.time / data.customers
    for _ in range(3):
        start = 10 ** rng.uniform(-1.5, 1.5, 4) * np.array([1, span, 1, span])
        other = maximise(
            objective, dict(zip(truth.names, start, strict=True)),
            natural={"alpha": data.time / data.repeats, "beta": span}, customers=data.customers,
        )  # fmt: skip
        assert fitted.log_likelihood > other.log_likelihood - 1e-3


def test_parameters_that_a_simulated_company_was_made_with() -> None:
    """Each segment of a company without disturbances, as analyses see it: orders by their day."""
    life = plain_retailer()
    spells, bought = life.spells, life.bought
    repeats = bought.take(np.flatnonzero(~bought.is_first))
    last = np.floor(spells.starts)
    np.maximum.at(last, repeats.spell, np.floor(repeats.time))
    counts = np.bincount(repeats.spell, minlength=len(spells))
    frame = pd.DataFrame(
        {
            "x": counts,
            "t_x": np.where(counts > 0, last - np.floor(spells.starts), 0.0),
            "T": life.block.clock.days - 1 - np.floor(spells.starts),
        }
    )
    segment = life.people.segment[spells.customer]
    for number, declared in enumerate(life.block.company.segments):
        model = ParetoNbd.fit(histories(frame[segment == number], unit="day"))
        assert model.estimate_ is not None
        law, errors = declared.purchasing, model.estimate_.standard_errors
        true = {"r": law.r, "alpha": law.alpha_days, "s": law.s, "beta": law.beta_days}
        for name, error in errors.items():
            assert abs(model.params_[name] - true[name]) < 3 * error, (declared.name, name)
