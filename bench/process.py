"""A driver in a fresh process of its own, watched; libraries take turns.

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
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import data

ROOT = data.HERE.parent
LIMIT_BYTES = 14e9
LIMIT_SECONDS, FULL_LIMIT_SECONDS = 300.0, 1_500.0
"""A measurement that takes longer is stopped and reported as such."""
LONG_SECONDS = 60.0
"""A process that took longer is not repeated."""

Run = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Scenario(ABC):
    """What is measured together, and kept in one file of results.

    quick: part of `QUICK=1`, too. is_full: only with `FULL=1`. only_full: engines measured only then,
    because they take minutes.
    """

    quick: bool = False
    is_full: bool = False
    only_full: tuple[str, ...] = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """Of the file of results."""

    @abstractmethod
    def measure(self, *, repetitions: int, full: bool, say: Say) -> dict[str, Any]:
        """The result: scenario, machine, and every run of every engine, in the order they ran."""


def python(environment: str | None = None) -> Path:
    """The Python of the environment `bench/.venv-<environment>`; of this process without a name."""
    if environment is None:
        return Path(sys.executable)
    return data.HERE / f".venv-{environment}" / "bin" / "python"


def in_turns(
    engines: Iterable[str], repetitions: int, once: Callable[[str], Run], say: Say
) -> list[Run]:
    """The runs of every engine, in the order they ran; who failed or took long is not repeated."""
    left, runs = list(engines), []
    for turn in range(repetitions):
        for engine in list(left):
            run = once(engine)
            runs.append({"engine": engine, **run})
            say(f"  {engine:<19} {turn + 1}  {shown(run)}")
            if run["process_seconds"] > LONG_SECONDS or run["status"] != "done":
                left.remove(engine)
    return runs


def shown(run: Run) -> str:
    """A run in a few words."""
    if run["status"] != "done":
        return str(run["status"])
    cold = f", cold {run['cold_seconds']:.2f} s" if "cold_seconds" in run else ""
    peak = f", peak {run['peak_bytes'] / 1e9:.2f} GB" if "peak_bytes" in run else ""
    return f"{run['seconds']:.3f} s{cold}{peak}"


def drive(
    module: str,
    job: dict[str, Any],
    *,
    python: Path,
    limit: float = LIMIT_SECONDS,
    environment: Mapping[str, str] | None = None,
) -> Run:
    """One run of a driver: its report, `status` and the seconds of the whole process."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        caches = {"PYTENSOR_FLAGS": f"base_compiledir={folder}/pytensor", "NUMBA_CACHE_DIR": folder}
        errors = Path(folder) / "errors.txt"
        began, took = time.perf_counter(), started()
        with errors.open("w") as stream:
            process = subprocess.Popen(
                [str(python), "-m", module],
                cwd=ROOT,
                env={**os.environ, **caches, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                text=True,
            )
            assert process.stdin
            process.stdin.write(json.dumps({**job, "report": str(report)}))
            process.stdin.close()
            status = watched(process, began + limit, limit)
        took["process_seconds"] = time.perf_counter() - began
        if status != "done":
            last = errors.read_text().strip().splitlines()[-1:] if status == "failed" else []
            return {"status": ": ".join([status, *last]), **took}
        return {"status": "done", **took, **json.loads(report.read_text())}


def started() -> Run:
    """When a run began, and what else the machine did then."""
    return {"at": datetime.now(UTC).isoformat(timespec="seconds"), "load": os.getloadavg()[0]}


def watched(process: subprocess.Popen[str], deadline: float, limit: float) -> str:
    """Wait for the process within its limits; how it ended."""
    while process.poll() is None:
        time.sleep(0.05)
        stopped = ""
        if time.perf_counter() > deadline:
            stopped = f"did not finish in {limit:,.0f} s"
        elif _resident(process.pid) > LIMIT_BYTES:
            stopped = f"stopped at {LIMIT_BYTES / 1e9:.0f} GB of memory"
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
