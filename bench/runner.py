"""Runs the drivers, each measurement in a fresh process, libraries taking turns.

crm_lib, peer, crm_lib, peer …: what slows the machine for a while slows all. A measurement that
exceeds its time or memory is stopped and reported as that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import data, scenarios
from bench.machine import described
from bench.scenarios import LIFETIMES, LIFETIMES_WEIGHTED, OURS, PYMC, Scenario

ROOT = data.HERE.parent
RESULTS = data.HERE / "results"
DRIVERS = {
    OURS: ("bench.drivers.ours", Path(sys.executable)),
    LIFETIMES: ("bench.drivers.lifetimes", data.HERE / ".venv-lifetimes" / "bin" / "python"),
    LIFETIMES_WEIGHTED: (
        "bench.drivers.lifetimes",
        data.HERE / ".venv-lifetimes" / "bin" / "python",
    ),
    PYMC: ("bench.drivers.pymc", data.HERE / ".venv-pymc" / "bin" / "python"),
}
LONG_SECONDS = 60.0
"""A process that took longer is not repeated."""

Run = dict[str, Any]


def measure(
    scenario: Scenario, *, repetitions: int = 3, full: bool = False, say: Callable[[str], None]
) -> dict[str, Any]:
    """The scenario's result: the machine, and every run of every engine, in the order they ran."""
    limit = scenarios.FULL_LIMIT_SECONDS if full else scenarios.LIMIT_SECONDS
    engines = [e for e in scenario.engines if full or e not in scenario.only_full]
    engines = [e for e in engines if DRIVERS[e][1].exists()]
    runs: list[Run] = []
    for turn in range(repetitions):
        for engine in list(engines):
            run = _one(scenario, scenario.task, engine, limit)
            runs.append({"engine": engine, **run})
            say(f"  {engine:<19} {turn + 1}  {_shown(run)}")
            if run["process_seconds"] > LONG_SECONDS or run["status"] != "done":
                engines.remove(engine)
    if scenario.task == "fit":
        _judge(scenario, runs)
    return {"scenario": scenario.name, "machine": described(), "runs": runs}


def _shown(run: Run) -> str:
    if run["status"] != "done":
        return str(run["status"])
    cold = f", cold {run['cold_seconds']:.2f} s" if "cold_seconds" in run else ""
    return f"{run['seconds']:.3f} s{cold}, peak {run['peak_bytes'] / 1e9:.2f} GB"


def _one(
    scenario: Scenario,
    task: str,
    engine: str,
    limit: float,
    estimates: dict[str, Any] | None = None,
) -> Run:
    """One run of a driver: its report, `status` and the seconds of the whole process."""
    module, python = DRIVERS[engine]
    with tempfile.TemporaryDirectory() as folder:
        job: dict[str, Any] = {
            "task": "fit_weighted" if engine == LIFETIMES_WEIGHTED else task,
            "model": scenario.model,
            "data": str(data.path(scenario.data)),
            "report": str(Path(folder) / "report.json"),
            "law": data.LAWS[scenario.model],
            "estimates": estimates or {},
            "horizon": scenarios.HORIZON_WEEKS,
        }
        caches = {"PYTENSOR_FLAGS": f"base_compiledir={folder}/pytensor", "NUMBA_CACHE_DIR": folder}
        errors = Path(folder) / "errors.txt"
        load, began = os.getloadavg()[0], time.perf_counter()
        with errors.open("w") as stream:
            process = subprocess.Popen(
                [str(python), "-m", module],
                cwd=ROOT,
                env=os.environ | caches,
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                text=True,
            )
            assert process.stdin
            process.stdin.write(json.dumps(job))
            process.stdin.close()
            status = _watched(process, began + limit, limit)
        took: Run = {"process_seconds": time.perf_counter() - began, "load": load}
        took["at"] = datetime.now(UTC).isoformat(timespec="seconds")
        if status != "done":
            last = errors.read_text().strip().splitlines()[-1:] if status == "failed" else []
            return {"status": ": ".join([status, *last]), **took}
        report: Run = json.loads(Path(job["report"]).read_text())
        return {"status": "done", **took, **report}


def _watched(process: subprocess.Popen[str], deadline: float, limit: float) -> str:
    """Wait for the process within its limits; how it ended."""
    while process.poll() is None:
        time.sleep(0.05)
        stopped = ""
        if time.perf_counter() > deadline:
            stopped = f"did not finish in {limit:,.0f} s"
        elif _resident(process.pid) > scenarios.LIMIT_BYTES:
            stopped = f"stopped at {scenarios.LIMIT_BYTES / 1e9:.0f} GB of memory"
        if stopped:
            process.kill()
            process.wait()
            return stopped
    return "done" if process.returncode == 0 else "failed"


def _resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def _judge(scenario: Scenario, runs: list[Run]) -> None:
    """Add our log-likelihood at each run's estimate, so that a wrong optimum shows."""
    found = {str(place): run["params"] for place, run in enumerate(runs) if "params" in run}
    if not found:
        return
    judged = _one(scenario, "log_likelihoods", OURS, scenarios.LIMIT_SECONDS, estimates=found)
    for place, value in judged.get("log_likelihoods", {}).items():
        runs[int(place)]["log_likelihood"] = value


def keep(result: dict[str, Any], folder: Path) -> None:
    """Write the result; runs of engines that were not measured this time stay, with their date."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{result['scenario']}.json"
    if target.is_file():
        measured = {run["engine"] for run in result["runs"]}
        earlier = json.loads(target.read_text())["runs"]
        result["runs"] += [run for run in earlier if run["engine"] not in measured]
    target.write_text(json.dumps(result, indent=1) + "\n")


def load(folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Results by scenario name."""
    return {
        found["scenario"]: found
        for found in (json.loads(path.read_text()) for path in sorted(folder.glob("*-*.json")))
    }
