"""The benchmark measures in processes of their own, keeps what it measured, and writes its page from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import data, process, report, results, tree
from bench.models import LIFETIMES, OURS
from bench.report import shapes
from tests.bench.made import result, run


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0663, "66 ms"), (0.9999, "1.00 s"), (3.618, "3.62 s"), (102.4, "102 s")]
)
def test_seconds_read_well(value: float, shown: str) -> None:
    assert shapes.seconds(value) == shown


def test_engines_not_measured_again_keep_their_runs(tmp_path: Path) -> None:
    results.keep({"scenario": "fit-a-b", "runs": [run(OURS, 1.0), run(LIFETIMES, 700.0)]}, tmp_path)
    results.keep({"scenario": "fit-a-b", "runs": [run(OURS, 2.0)]}, tmp_path)
    kept = results.load(tmp_path)["fit-a-b"]["runs"]
    assert [(r["engine"], r["seconds"]) for r in kept] == [(OURS, 2.0), (LIFETIMES, 700.0)]


def test_a_process_past_its_deadline_is_ended() -> None:
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as waiting:
        ended = process.watched(waiting, time.perf_counter() - 1, 5.0)
    assert ended == "did not finish in 5 s"


def test_committed_results_hold_no_path_and_give_the_page() -> None:
    """README.md is what the results say, so that no number in it is typed by hand."""
    found = results.load()
    assert "/" not in "".join(run.get("status", "") for r in found.values() for run in r["runs"])
    assert not any(word in json.dumps(found) for word in ("/tmp", "/root", "/home", "/work"))
    studied = results.FOLDER / "coverage.md"
    coverage = studied.read_text(encoding="utf-8") if studied.is_file() else ""
    assert (data.HERE / "README.md").read_text(encoding="utf-8") == report.page(found, coverage)


def test_medians_are_of_finished_runs_and_their_stages() -> None:
    runs = [run(OURS, s, stages={"a": s / 2, "b": s / 2}) for s in (1.0, 9.0, 2.0)]
    stopped = run(OURS, status="did not finish in 300 s")
    found = shapes.summary(result("x-y", *runs, stopped)["x-y"], OURS)
    assert (found["seconds"], found["range"], found["stages"]["a"]) == (2.0, [1.0, 9.0], 1.0)
    assert (found["finished"], found["runs"]) == (3, 4)
    assert shapes.summary(result("x-y", stopped)["x-y"], OURS) == {"status": stopped["status"]}


def test_the_page_says_how_long_measuring_took() -> None:
    fit, month = "fit-bg_nbd-1m", "month-retailer-10m"
    found = result(fit, run(OURS, 1.0, process_seconds=90.0))
    slow = [run(OURS, 1.0, process_seconds=30.0), run(LIFETIMES, 1.0, process_seconds=1200.0)]
    found |= result("fit-pareto_nbd-100k", *slow)
    found |= result(month, run("24 months", 1.0, process_seconds=600.0), lines=1, customers=1)
    assert "about 2 minutes and `make bench FULL=1` 32 " in report.durations(found)
    assert "not known yet" in report.durations({})


def test_memory_is_of_a_process_and_all_it_started() -> None:
    held = 60_000_000
    inner = f"held = bytearray({held}); input()"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    with subprocess.Popen([sys.executable, "-c", outer], stdin=subprocess.PIPE, text=True) as root:
        memory = tree.Memory(root.pid)
        memory.start()
        deadline = time.monotonic() + 60
        while memory.peak <= held and time.monotonic() < deadline:
            time.sleep(0.05)
        memory.stop()
        root.communicate("\n")
    assert memory.peak > held
    assert memory.processes == 2


def test_a_run_that_fails_or_takes_too_long_says_so() -> None:
    refuse = [sys.executable, "-c", "import sys; print('needs 9 GB'); sys.exit(2)"]
    assert tree.run(refuse, os.environ, limit=60)["status"] == "exit code 2: needs 9 GB"
    said = "print('Traceback'); print('crm: a report failed:\\n  05 needs memory'); raise SystemExit(5)"
    found = tree.run([sys.executable, "-c", said], os.environ, limit=60)
    assert found["status"] == "exit code 5: a report failed: 05 needs memory"
    wait = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert tree.run(wait, os.environ, limit=1)["status"] == "did not finish in 1 s"
    text = tree.without_paths("cannot write /a/b/cache/x: full", Path("/a/b"))
    assert text == "cannot write cache/x: full"


def test_a_limit_of_memory_holds_for_the_command() -> None:
    large = [sys.executable, "-c", "held = bytearray(2_000_000_000)"]
    found = tree.run(large, os.environ, limit=60, address_space=10**9)
    assert found["status"] == "exit code 1: MemoryError"
