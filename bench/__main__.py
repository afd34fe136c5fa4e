"""`python -m bench`: measure, print, keep; see README.md for what is measured and how."""

from __future__ import annotations

import argparse
from fnmatch import fnmatch
from pathlib import Path

from bench import data, report, results
from bench.process import Scenario
from bench.report import SCENARIOS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller set, printed and not kept")
    parser.add_argument(
        "--full", action="store_true", help="10 M customers a month, limits of 25 minutes"
    )
    parser.add_argument("--repetitions", type=int, help="3 without it, 1 with --quick")
    parser.add_argument("--only", default="*", help="scenarios by name, as lines-*")
    parser.add_argument("--write", action="store_true", help="measure nothing, write README.md")
    chosen = parser.parse_args()
    folder = data.FOLDER / "quick" if chosen.quick else results.FOLDER
    if not chosen.write:
        wanted = _chosen(chosen.only, quick=chosen.quick, full=chosen.full)
        repetitions = chosen.repetitions or (1 if chosen.quick else 3)
        _measure(wanted, folder, repetitions=repetitions, full=chosen.full)
    page = report.page(results.load(folder), _coverage())
    if chosen.quick:
        print(page)
        return
    (data.HERE / "README.md").write_text(page, encoding="utf-8")
    print("Tables: bench/README.md")


def _chosen(only: str, *, quick: bool, full: bool) -> list[Scenario]:
    """The scenarios called `only`; those that are only for --quick or --full, only then."""
    every = [s for s in SCENARIOS if fnmatch(s.name, only)]
    wanted = [s for s in every if (s.quick if quick else full or not s.is_full)]
    if not wanted:
        names = ", ".join(s.name for s in SCENARIOS)
        raise SystemExit(f"No scenario to measure is called {only}. There are: {names}.")
    return wanted


def _measure(wanted: list[Scenario], folder: Path, *, repetitions: int, full: bool) -> None:
    if minutes := results.minutes(results.load(folder), wanted, full=full):
        _say(f"{len(wanted)} scenarios; they took {minutes:.0f} minutes when last measured")
    for scenario in wanted:
        _say(scenario.name)
        found = scenario.measure(repetitions=repetitions, full=full, say=_say)
        results.keep(found, folder)


def _say(line: str) -> None:
    print(line, flush=True)


def _coverage() -> str:
    """The section on intervals, as `make bench-coverage` wrote it."""
    studied = results.FOLDER / "coverage.md"
    return studied.read_text(encoding="utf-8") if studied.is_file() else ""


if __name__ == "__main__":
    main()
