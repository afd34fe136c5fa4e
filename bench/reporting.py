"""`make report` after installation, on Complete Journey, beside its floor: kernels, imports, queries.

The floor is what no arrangement of the run can save: a kernel started for each report, its imports
and its cells, each measured by itself, spread evenly over the processors.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bench import data, monthly, process, tree
from bench.machine import described
from bench.process import Run, Say
from crm_lib.publishing import plan

DATASET, AS_OF = "completejourney", date(2018, 1, 1)
COLD, WARM, FLOOR, KERNEL = "cold cache", "warm cache", "floor", "empty kernel"
LIMIT_SECONDS = 600.0


@dataclass(frozen=True)
class Scenario(process.Scenario):
    """The run that `make report` makes."""

    @property
    def name(self) -> str:
        return f"report-{DATASET}"

    def measure(self, *, repetitions: int, full: bool, say: Say) -> dict[str, Any]:
        """Cold and warm runs in turn, then what the floor is made of."""
        folder = data.FOLDER / "report"
        runs = process.in_turns((COLD, WARM), repetitions, lambda e: _run(e, folder), say)
        for engine, job in _floor().items():
            run = process.drive(
                "bench.drivers.floor",
                job,
                python=process.python(),
                environment=_environment(folder),
            )
            say(f"  {engine:<19} {process.shown(run)}")
            runs.append({"engine": engine, **run})
        return {"scenario": self.name, "machine": described(), "runs": runs}


def _environment(folder: Path) -> dict[str, str]:
    places = {"CRM_CACHE": "cache", "CRM_REPORTS": "reports"}
    found = {name: str(folder / place) for name, place in places.items()}
    return {**os.environ, **found, "CRM_HOME": str(process.ROOT)}


def _run(engine: str, folder: Path) -> Run:
    if engine == COLD:
        shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "crm_lib.cli", "run", DATASET, "--as-of", str(AS_OF)]
    found = tree.run(command, _environment(folder), limit=LIMIT_SECONDS)
    found["status"] = tree.without_paths(found["status"], folder, process.ROOT)
    if found["status"] == "done":
        found["stages"] = monthly.stages(folder / "reports" / DATASET / str(AS_OF))
    return found


def _floor() -> dict[str, dict[str, Any]]:
    """By what is measured: an empty kernel, then the notebook of each report with its parameters."""
    made = plan.make(DATASET, [AS_OF])
    given = made.parameters(AS_OF)
    notebooks = {
        f"{FLOOR}: {report.stem}": {
            "task": "cells",
            "notebook": str(report.path),
            "parameters": given[report.stem],
        }
        for report in made.reports
    }
    return {KERNEL: {"task": "kernel"}, **notebooks}


SCENARIOS = (Scenario(),)
