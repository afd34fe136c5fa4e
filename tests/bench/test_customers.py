"""The benchmark's customers follow their laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import data

COUNT = 400_000
ERRORS = 4
"""Standard errors within which a mean must lie."""


def near(values: np.ndarray, expected: float) -> bool:
    return bool(abs(values.mean() - expected) < ERRORS * values.std() / np.sqrt(len(values)))


def test_bg_nbd_customers_buy_as_published() -> None:
    """CDNOW's E[X(78)] and P(X(39) = 0) of Fader, Hardie & Lee (2005)."""
    rng = np.random.default_rng(1)
    long = data.bg_nbd(data.LAWS["bg_nbd"], np.full(COUNT, 78.0), rng)
    short = data.bg_nbd(data.LAWS["bg_nbd"], np.full(COUNT, 39.0), rng)
    assert near(long["x"], 1.8576)
    assert near(short["x"] == 0, 0.5737864)


def test_pareto_nbd_customers_buy_as_published() -> None:
    """E[X(3)] with CDNOW's parameters, and the closed form over two years."""
    law, rng = data.LAWS["pareto_nbd"], np.random.default_rng(2)
    assert near(data.pareto_nbd(law, np.full(COUNT, 3.0), rng)["x"], 0.14606)
    r, alpha, s, beta = law.values()
    expected = r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + 104)) ** (s - 1))
    assert near(data.pareto_nbd(law, np.full(COUNT, 104.0), rng)["x"], expected)


def test_last_purchases_are_those_of_customers_played_purchase_by_purchase() -> None:
    law, T, rng = data.LAWS["bg_nbd"], 50.0, np.random.default_rng(3)
    played = []
    for _ in range(20_000):
        rate, leaves = rng.gamma(law["r"], 1 / law["alpha"]), rng.beta(law["a"], law["b"])
        at = last = 0.0
        while (at := at + rng.exponential(1 / max(rate, 1e-9))) <= T:
            last = at
            if rng.random() < leaves:
                break
        played.append(last)
    drawn = data.bg_nbd(law, np.full(COUNT, T), rng)["t_x"]
    error = np.hypot(np.std(played) / np.sqrt(len(played)), drawn.std() / np.sqrt(COUNT))
    assert abs(drawn.mean() - np.mean(played)) < ERRORS * error


def test_mean_spend_follows_the_gamma_gamma_law() -> None:
    """E[z] = p γ / (q − 1), whatever the number of purchases."""
    law, rng = data.LAWS["gamma_gamma"], np.random.default_rng(4)
    for x in (1, 7):
        z = data.mean_spend(law, np.full(COUNT, x), rng)
        assert near(z, law["p"] * law["gamma"] / (law["q"] - 1))


@pytest.mark.parametrize("law", data.LAWS)
def test_customers_are_histories_on_a_daily_grid(law: str) -> None:
    found = data.customers(law, 20_000, np.random.default_rng(5))
    x, t_x, T = found["x"], found["t_x"], found["T"]
    assert ((t_x == 0) == (x == 0)).all()
    assert (t_x <= T).all()
    assert (t_x == np.floor(t_x)).all()
    assert 1 <= T.min() < T.max() <= 7 * data.LONGEST_WEEKS
    if law == "gamma_gamma":
        assert (found["z"] > 0).all()
        assert x.min() == 1


def test_a_file_is_whole_and_the_same_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "_CHUNK", 400)
    monkeypatch.setitem(data.SIZES, "1k", 1_000)
    made = []
    for folder in ("one", "two"):
        monkeypatch.setattr(data, "FOLDER", tmp_path / folder)
        made.append(pd.read_parquet(data.path("gamma_gamma_1k")))
    pd.testing.assert_frame_equal(*made)
    assert made[0]["customer_id"].tolist() == list(range(1_000))
    assert made[0]["z"].nunique() == 1_000


def test_cdnow_counts_days_up_to_the_end_of_calibration(tmp_path: Path) -> None:
    log = tmp_path / "CDNOW_sample.txt"
    log.write_text(
        " 00004 0001 19970101  2   29.33\n"
        " 00004 0001 19970118  1   10.00\n"
        " 00004 0001 19970118  1   19.73\n"
        " 00004 0001 19980101  1    5.00\n"
        " 00021 0002 19970901  1   10.00\n"
    )
    found = pd.DataFrame(data.cdnow(log))
    assert found.to_dict("list") == {
        "customer_id": [4, 21],
        "x": [1, 0],
        "t_x": [17, 0],
        "T": [272, 29],
    }
