"""Facts, ledger and cohorts of order lines: crm_lib beside plain SQL, pandas, polars and summaries."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from bench import company, compare, process
from bench.machine import described
from bench.models import LIFETIMES, OURS, PYMC
from bench.process import Run, Say

OURS_600MB = "crm_lib, CRM_MEMORY=600MB"
SQL, PANDAS, POLARS = "DuckDB SQL", "pandas", "polars"
PANDAS_TUNED = "pandas, tuned"
Task = Literal["facts", "summary"]
ENGINES: dict[Task, tuple[str, ...]] = {
    "facts": (OURS, OURS_600MB, SQL, PANDAS, PANDAS_TUNED, POLARS),
    "summary": (OURS, LIFETIMES, PYMC),
}
STAGES = {
    "facts": "customer facts",
    "ledger": "ledger, customer × month",
    "cohorts": "cohorts",
}
DRIVERS = {
    OURS: ("bench.drivers.lines_ours", process.python()),
    OURS_600MB: ("bench.drivers.lines_ours", process.python()),
    SQL: ("bench.drivers.lines_sql", process.python()),
    PANDAS: ("bench.drivers.lines_pandas", process.python()),
    PANDAS_TUNED: ("bench.drivers.lines_pandas", process.python()),
    POLARS: ("bench.drivers.lines_polars", process.python("polars")),
    LIFETIMES: ("bench.drivers.lines_summary", process.python("lifetimes")),
    PYMC: ("bench.drivers.lines_summary", process.python("pymc")),
}


@dataclass(frozen=True)
class Scenario(process.Scenario):
    """A company's size and what is made of its lines: facts, ledger, cohorts; or the short summary."""

    task: Task
    size: str

    @property
    def name(self) -> str:
        return f"lines-{self.task}-{self.size}"

    def measure(self, *, repetitions: int, full: bool, say: Say) -> dict[str, Any]:
        """Every run of every engine; one whose numbers are not ours says so and has no time."""
        lines = company.lines(self.size)
        limit = process.FULL_LIMIT_SECONDS if full else process.LIMIT_SECONDS
        engines = [engine for engine in ENGINES[self.task] if DRIVERS[engine][1].exists()]
        lines.read_bytes()  # into the system's cache, for everyone
        with tempfile.TemporaryDirectory(dir=company.home(self.size)) as scratch:
            ours = Path(scratch) / "ours"

            def once(engine: str) -> Run:
                return self._once(engine, lines, ours, limit)

            runs = process.in_turns(engines, repetitions, once, say)
        facts = {"lines": company.rows(lines), "customers": company.SIZES[self.size]}
        return {"scenario": self.name, "machine": described(), **facts, "runs": runs}

    def _once(self, engine: str, lines: Path, ours: Path, limit: float) -> Run:
        """One run into a folder of its own; ours of the first turn is what the others must equal."""
        module, python = DRIVERS[engine]
        with tempfile.TemporaryDirectory(dir=ours.parent) as out:
            job = {
                "task": "facts_tuned" if engine == PANDAS_TUNED else self.task,
                "lines": str(lines),
                "out": out,
                "home": str(company.home(self.size)),
                "dataset": company.NAME,
                "observed_from": str(company.FIRST_DAY),
                "as_of": str(company.SECOND_END),
                "last_day": str(company.SECOND_END - timedelta(days=1)),
            }
            little = {"CRM_MEMORY": "600MB"} if engine == OURS_600MB else {}
            run = process.drive(module, job, python=python, limit=limit, environment=little)
            if run["status"] != "done":
                return run
            if engine == OURS and not ours.exists():
                Path(out).rename(ours)
                Path(out).mkdir()
                return run
            said = compare.disagreement(ours, Path(out)) if ours.exists() else "crm_lib has none"
        return {**run, "status": f"other numbers: {said}"} if said else run


SCENARIOS = tuple(
    Scenario(task, size, quick=size == "100k") for size in ("100k", "1m", "3m") for task in ENGINES
)
