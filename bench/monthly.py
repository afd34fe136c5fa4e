"""The monthly run, `crm run`, on the simulated retailer: by stage, the month after, within 4 GB."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bench import company, process, tree
from bench.machine import described
from bench.process import Run, Say

FIRST, SECOND = "24 months", "one month more"
MEMORY_4GB, ULIMIT_4GB = "CRM_MEMORY=2400MB", "ulimit -v 4 GB"
LEDGER, LOOKUP = "ledger and truth", "lookup"
LIMIT_SECONDS, LIMIT_BYTES = 3_600.0, 4 * 10**9
LOOKUPS = 300


@dataclass(frozen=True)
class Scenario(process.Scenario):
    """A company's size. Runs with 4 GB of memory are among those `only_full`."""

    size: str

    @property
    def name(self) -> str:
        return f"month-retailer-{self.size}"

    def measure(self, *, repetitions: int, full: bool, say: Say) -> dict[str, Any]:
        """Both runs, then what they left: the ledger beside the truth, and lookups.

        A run of minutes is not repeated: `repetitions` is for those that are short.
        """
        home = company.home(self.size)
        steps: dict[str, Callable[[], Run]] = {
            FIRST: lambda: _first(home),
            SECOND: lambda: _second(home),
            LEDGER: lambda: _drive(home, "bench.drivers.ledger_total"),
            LOOKUP: lambda: _drive(home, "bench.drivers.lookup"),
        }
        limited: dict[str, Callable[[], Run]] = {
            MEMORY_4GB: lambda: _first(home, CRM_MEMORY="2400MB"),
            ULIMIT_4GB: lambda: _first(home, address_space=LIMIT_BYTES),
        }
        steps |= {engine: limited[engine] for engine in self.only_full if full}
        runs = []
        for engine, step in steps.items():
            run = {"engine": engine, **step()}
            say(f"  {engine:<19} {process.shown(run)}")
            runs.append(run)
        return {
            "scenario": self.name,
            "machine": described(),
            **_facts(home, self.size),
            "runs": runs,
        }


def _facts(home: Path, size: str) -> dict[str, int]:
    """Customers and lines of the 24 months, and lines of all 25."""
    lines = home / "whole" / "lines"
    last = lines / f"{company.FIRST_END:%Y-%m}"
    total = company.rows(lines / "*" / "*.parquet")
    first = total - company.rows(last / "*.parquet")
    return {"customers": company.SIZES[size], "lines": first, "lines_second": total}


def _first(home: Path, address_space: int | None = None, **environment: str) -> Run:
    """From nothing: 24 months of files, no cache."""
    company.deliver_first(home)
    return _run(home, company.FIRST_END, address_space, environment)


def _second(home: Path) -> Run:
    """With the cache that the first left, and the files of one month more."""
    company.deliver_second(home)
    return _run(home, company.SECOND_END, None, {})


def _run(home: Path, as_of: date, address_space: int | None, environment: dict[str, str]) -> Run:
    command = [sys.executable, "-m", "crm_lib.cli", "run", company.NAME, "--as-of", str(as_of)]
    found = tree.run(
        command,
        {**company.environment(home), **environment},
        limit=LIMIT_SECONDS,
        address_space=address_space,
    )
    found["status"] = tree.without_paths(found["status"], home, process.ROOT)
    if found["status"] == "done":
        found["stages"] = stages(home / "reports" / company.NAME / str(as_of))
    return found


def stages(published: Path) -> dict[str, float]:
    """Seconds by stage, as the run's own manifest says; what a stage is made of as `data: <name>`,
    `marts: <name>` and `report: <name>`."""
    manifest = json.loads((published / "manifest.json").read_text())
    found: dict[str, float] = {}
    for name, seconds in manifest["durations"].items():
        found[name] = float(seconds)
        parts = manifest.get(f"{name}_durations", {})
        found |= {f"{name}: {part}": float(taken) for part, taken in parts.items()}
    for report in manifest["reports"]:
        found[f"report: {report['stem']}"] = round(sum(report["durations"].values()), 2)
    return found


def _drive(home: Path, module: str) -> Run:
    job = {
        "task": "run",
        "dataset": company.NAME,
        "as_of": str(company.SECOND_END),
        "count": LOOKUPS,
    }
    return process.drive(
        module, job, python=process.python(), environment=company.environment(home)
    )


SCENARIOS = (
    Scenario("20k", quick=True),
    Scenario("100k"),
    Scenario("1m"),
    Scenario("10m", is_full=True, only_full=(MEMORY_4GB, ULIMIT_4GB)),
)
