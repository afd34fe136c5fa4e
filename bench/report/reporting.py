"""The page's part on `make report`: the run on Complete Journey beside its floor."""

from __future__ import annotations

from typing import Any

from bench.report.shapes import NONE, Aim, aim, gigabytes, seconds, summary, table
from bench.reporting import COLD, FLOOR, KERNEL, SCENARIOS, WARM
from bench.results import Results

METHOD = """### The run of `make report`

- Complete Journey, every report, after installation. Cold: nothing in the cache of the data set; warm:
  again, the facts and marts are there.
- The floor adds up, for each report, the start of an empty kernel (the median of five), the notebook's
  imports (each counted from the outermost one), and its cells, run in one process without a kernel
  as soon as everything is imported; divided by the processors. What a run adds is the start of the
  command, staging and judging (cold), rendering, publishing, and waiting.
"""


def method() -> str:
    return METHOD


def sections(results: Results) -> list[str]:
    result = results.get(SCENARIOS[0].name)
    return [_runs(result), _floor(result)] if result else []


def floor(result: dict[str, Any]) -> float | None:
    """Seconds that no arrangement of the run can save; None unless all parts were measured."""
    kernel = summary(result, KERNEL).get("seconds")
    reports = _reports(result)
    if kernel is None or not reports or not all("seconds" in each for each in reports.values()):
        return None
    total = sum(kernel + each["seconds"] for each in reports.values())
    return float(total) / int(result["machine"]["cores"])


def _reports(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    named = sorted({r["engine"] for r in result["runs"] if r["engine"].startswith(f"{FLOOR}: ")})
    return {name.removeprefix(f"{FLOOR}: "): summary(result, name) for name in named}


def _runs(result: dict[str, Any]) -> str:
    rows, least = [], floor(result)
    runs = {engine: summary(result, engine) for engine in (COLD, WARM)}
    stages = dict.fromkeys(name for run in runs.values() for name in run.get("stages", {}))
    names = [name for name in stages if ": " not in name]
    for engine, run in runs.items():
        if "seconds" not in run:
            continue
        over = NONE if least is None else f"{run['seconds'] / least:.1f}×"
        within = [seconds(run["stages"][n]) if n in run["stages"] else NONE for n in names]
        rows.append([engine, seconds(run["seconds"]), over, *within, gigabytes(run["peak_bytes"])])
    head = ["`crm run completejourney`", "all", "of the floor", *names, "peak memory"]
    return f"## `make report` after installation\n\n{table(head, rows)}\n"


def _floor(result: dict[str, Any]) -> str:
    kernel, least = summary(result, KERNEL), floor(result)
    rows = []
    for name, run in _reports(result).items():
        stages = run.get("stages", {})
        cells = [seconds(stages[part]) if part in stages else NONE for part in ("imports", "cells")]
        real = summary(result, WARM).get("stages", {}).get(f"report: {name}")
        start = seconds(kernel["seconds"]) if "seconds" in kernel else NONE
        rows.append([name, start, *cells, NONE if real is None else seconds(real)])
    head = ["floor of the reports", "kernel", "imports", "cells", "in the warm run"]
    said = "" if least is None else f"\nFloor on {result['machine']['cores']} processors: {seconds(least)}.\n"  # fmt: skip
    return f"{table(head, rows)}\n{said}"


def aims(results: Results) -> list[Aim]:
    result = results.get(SCENARIOS[0].name, {})
    cold, warm = summary(result, COLD), summary(result, WARM)
    what = "`make report` after installation, Complete Journey: under 40 s (cold; warm)"
    if "seconds" not in cold or "seconds" not in warm:
        return [aim(what, NONE, None)]
    value = f"{seconds(cold['seconds'])}; {seconds(warm['seconds'])}"
    return [aim(what, value, cold["seconds"] < 40)]
