"""The results: one file a scenario, kept, so that the page is written from them alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import data
from bench.process import Scenario

FOLDER = data.HERE / "results"

Results = dict[str, dict[str, Any]]
"""By the name of the scenario: scenario, machine, runs (each with engine, status, at, load)."""


def keep(result: dict[str, Any], folder: Path) -> None:
    """Write the result; runs of engines that were not measured this time stay, with their date."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{result['scenario']}.json"
    if target.is_file():
        measured = {run["engine"] for run in result["runs"]}
        earlier = json.loads(target.read_text())["runs"]
        result["runs"] += [run for run in earlier if run["engine"] not in measured]
    target.write_text(json.dumps(result, indent=1) + "\n")


def load(folder: Path = FOLDER) -> Results:
    """Results by scenario name."""
    return {
        found["scenario"]: found
        for found in (json.loads(path.read_text()) for path in sorted(folder.glob("*-*.json")))
    }


def minutes(results: Results, scenarios: Iterable[Scenario], *, full: bool) -> float:
    """How long the scenarios took when they were last measured, start of processes included.

    full: with what is measured only then. Companies, which are simulated once, are not counted.
    """
    runs = [
        run
        for scenario in scenarios
        if full or not scenario.is_full
        for run in results.get(scenario.name, {}).get("runs", [])
        if full or run["engine"] not in scenario.only_full
    ]
    return sum(float(run.get("process_seconds", 0.0)) for run in runs) / 60
