"""What the drivers share: read the job, take the time, report.

A driver is a program of its own: it reads a job as JSON from standard input, measures one thing
once, and writes a report as JSON to the file that the job names. It runs in its library's
environment, so that this module stands on Python alone.
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
from typing import Any

Job = dict[str, Any]
"""What to measure: `task`, the `report` to write, and what the driver's other parts need."""
Report = dict[str, Any]


def timed(work: Callable[[], Any]) -> tuple[Any, Report]:
    """What `work` returns, and its seconds on the clock and on the processors."""
    gc.collect()
    clock, processors = time.perf_counter(), time.process_time()
    result = work()
    return result, {
        "seconds": time.perf_counter() - clock,
        "processor_seconds": time.process_time() - processors,
    }


def staged(stages: Mapping[str, Callable[[], Any]]) -> Report:
    """Do the stages in order: seconds of each and of all, and the peak of memory until its end."""
    taken: dict[str, Report] = {}
    peaks: dict[str, int] = {}
    for name, work in stages.items():
        _, taken[name] = timed(work)
        peaks[name] = memory()["peak"]
    return {
        "seconds": sum(each["seconds"] for each in taken.values()),
        "processor_seconds": sum(each["processor_seconds"] for each in taken.values()),
        "stages": {name: each["seconds"] for name, each in taken.items()},
        "peaks": peaks,
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
