"""What the drivers share: read the job and its customers, take the time, report.

A driver is a program of its own: it reads a job as JSON from standard input, measures one thing
once, and writes a report as JSON to the file that the job names. It runs in its library's
environment, so that this module stands on numpy, pandas and pyarrow alone.
"""

from __future__ import annotations

import gc
import json
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd

DAYS_A_WEEK = 7.0
WARM_UP = 2_000
"""Customers of the untimed warm-up, where there is one."""


class Job(TypedDict):
    """What to measure: `task` of `model` on the customers in the file `data`, who follow `law`."""

    task: str
    model: str
    data: str
    report: str
    law: dict[str, float]
    estimates: dict[str, dict[str, float]]
    horizon: float


Report = dict[str, Any]


def customers(job: Job) -> pd.DataFrame:
    """x, t_x, T in weeks (and z), one row a customer, floats."""
    frame = pd.read_parquet(job["data"]).drop(columns="customer_id")
    for name in ("t_x", "T"):
        frame[name] = frame[name] / DAYS_A_WEEK
    frame["x"] = frame["x"].astype(float)
    return frame


def timed(work: Callable[[], Any]) -> tuple[Any, Report]:
    """What `work` returns, and its seconds on the clock and on the processors."""
    gc.collect()
    clock, processors = time.perf_counter(), time.process_time()
    result = work()
    return result, {
        "seconds": time.perf_counter() - clock,
        "processor_seconds": time.process_time() - processors,
    }


def predictions(p_alive: Any, expected: Any) -> Report:
    """Enough of the predictions to compare libraries: totals, and how many are no number."""
    p_alive, expected = np.asarray(p_alive, dtype=float), np.asarray(expected, dtype=float)
    good = np.isfinite(p_alive) & np.isfinite(expected)
    return {
        "alive": float(p_alive[good].sum()),
        "purchases": float(expected[good].sum()),
        "not_a_number": int((~good).sum()),
    }


def memory() -> dict[str, int]:
    """Bytes the process holds now and held at most."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {"now": 0, "peak": most * (1 if sys.platform == "darwin" else 1024)}
    found = dict(line.split(":", 1) for line in lines)
    return {
        "now": int(found["VmRSS"].split()[0]) * 1024,
        "peak": int(found["VmHWM"].split()[0]) * 1024,
    }


def run(tasks: Mapping[str, Callable[[Job], Report]], packages: list[str]) -> None:
    """Do the job on standard input and write its report, with memory and versions."""
    job: Job = json.load(sys.stdin)
    report = tasks[job["task"]](job)
    report["peak_bytes"] = memory()["peak"]
    report["versions"] = {"Python": platform.python_version()}
    report["versions"] |= {name: version(name) for name in packages}
    Path(job["report"]).write_text(json.dumps(report))
