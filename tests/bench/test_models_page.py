"""What the page says of models is what their results say."""

from __future__ import annotations

from typing import Any

from bench import report
from bench.models import LIFETIMES, OURS, PYMC
from tests.bench.made import result, run


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
