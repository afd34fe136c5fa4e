"""The benchmark's customers follow their laws, and its tables say what the results say."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench import data, report, runner
from bench.scenarios import LIFETIMES, OURS, PYMC

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


def run(engine: str, seconds: float | None = None, **more: Any) -> dict[str, Any]:
    if seconds is None:
        return {"engine": engine, "at": "2026-01-01", **more}
    done = {"status": "done", "at": "2026-01-02T03:04:05", "seconds": seconds, "peak_bytes": 2e9}
    return {"engine": engine, **done, "versions": {"Python": "3.11.7"}, **more}


def result(name: str, *runs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    machine = {"processor": "P", "cores": "2", "memory": "23 GiB", "system": "Linux"}
    return {name: {"scenario": name, "machine": machine, "runs": list(runs)}}


def fits() -> dict[str, dict[str, Any]]:
    ours = {"params": {"r": 0.243, "alpha": 4.414}, "log_likelihood": -9582.43}
    return result(
        "fit-bg_nbd-1m",
        *(run(OURS, seconds, **ours) for seconds in (0.5, 0.4, 9.0)),
        run(LIFETIMES, 10.0, log_likelihood=-9590.0),
        run(LIFETIMES, 6.0, log_likelihood=-9582.5),
        run(PYMC, 4.5, cold_seconds=20.0, processor_seconds=4.2, log_likelihood=-9582.5),
    )


def test_tables_show_medians_ratios_and_gaps() -> None:
    page = report.page(fits())
    assert "| 1,000,000 | 500 ms | 6.00 s to 10 s | 16× | – | – | 4.50 s | 9.0× | 20 s |" in page
    assert "| 1,000,000 | -9,582.43 | -7.57 to -0.07 | -0.07 | r 0.243, alpha 4.414 |" in page
    costs = "| BG/NBD, fit, 1,000,000 | – | – | 4.20 s | 2.00 GB | 2.00 GB | 2.00 GB |"
    assert costs in page
    assert "at least 10× lifetimes | 16.0× | reached |" in page
    assert "at least 10× pymc-marketing | 9.0× | missed |" in page
    assert "at least 20× pymc-marketing | – | not measured |" in page
    assert "the worst of a peer | -7.57 | reached |" in page
    better = run(PYMC, 4.5, log_likelihood=-9580.0)
    found = result("fit-bg_nbd-1m", run(OURS, 0.5, params={}, log_likelihood=-9582.0), better)
    assert "the worst of a peer | 2.00 | missed |" in report.page(found)


def test_what_did_not_finish_is_said() -> None:
    stopped = run(LIFETIMES, status="did not finish in 150 s")
    page = report.page(result("fit-pareto_nbd-100k", run(OURS, 0.6), stopped))
    assert "| 100,000 | 600 ms | did not finish in 150 s | – |" in page
    page = report.page(result("fit-pareto_nbd-100k", run(OURS, 0.5), run(LIFETIMES, 25.0), stopped))
    assert "| 25 s (1 of 2 runs; one did not finish in 150 s) | 50× |" in page


def test_the_whole_way_shows_its_stages_and_peak() -> None:
    stages = {"fit": 0.9, "predict": 0.1}
    page = report.page(result("whole-bg_nbd-10m", run(OURS, 1.0, stages=stages, rows=1_450_000)))
    assert "| BG/NBD, 10,000,000 | 1,450,000 | 900 ms | 100 ms | 1.00 s | 2.00 GB |" in page
    assert "under 30 s and 4 GB | 1.0 s, 2.00 GB | reached |" in page


def test_the_page_names_machine_versions_and_day() -> None:
    page = report.page(fits(), coverage="## Intervals\n")
    assert "- P, 2 cores, 23 GiB, Linux\n- measured 2026-01-02\n- crm_lib: Python 3.11.7" in page
    assert "## Intervals" in page


def test_a_busy_machine_is_said() -> None:
    quiet, busy = run(OURS, 0.5, load=1.0), run(PYMC, 4.0, load=9.4)
    page = report.page(result("fit-bg_nbd-1m", quiet, busy))
    assert "other programs ran during 1 of 2 runs (load up to 9)" in page
    assert "other programs" not in report.page(result("fit-bg_nbd-1m", quiet))


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0663, "66 ms"), (0.9999, "1.00 s"), (3.618, "3.62 s"), (102.4, "102 s")]
)
def test_seconds_read_well(value: float, shown: str) -> None:
    assert report.seconds(value) == shown


def test_engines_not_measured_again_keep_their_runs(tmp_path: Path) -> None:
    runner.keep({"scenario": "fit-a-b", "runs": [run(OURS, 1.0), run(LIFETIMES, 700.0)]}, tmp_path)
    runner.keep({"scenario": "fit-a-b", "runs": [run(OURS, 2.0)]}, tmp_path)
    kept = runner.load(tmp_path)["fit-a-b"]["runs"]
    assert [(r["engine"], r["seconds"]) for r in kept] == [(OURS, 2.0), (LIFETIMES, 700.0)]


def test_a_process_past_its_deadline_is_ended() -> None:
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        ended = runner._watched(process, time.perf_counter() - 1, 5.0)
    assert ended == "did not finish in 5 s"


def test_committed_results_hold_no_path_and_give_the_page() -> None:
    """README.md is what the results say, so that no number in it is typed by hand."""
    results = runner.load()
    assert "/" not in "".join(run.get("status", "") for r in results.values() for run in r["runs"])
    assert not any(word in json.dumps(results) for word in ("/tmp", "/root", "/home", "/work"))
    studied = runner.RESULTS / "coverage.md"
    coverage = studied.read_text(encoding="utf-8") if studied.is_file() else ""
    assert (data.HERE / "README.md").read_text(encoding="utf-8") == report.page(results, coverage)
