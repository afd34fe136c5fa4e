"""`python -m bench`: measure, print, keep; see README.md for what is measured and how."""

from __future__ import annotations

import argparse
from fnmatch import fnmatch
from pathlib import Path

from bench import data, report, runner
from bench.scenarios import SCENARIOS, Scenario


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller set, printed and not kept")
    parser.add_argument("--full", action="store_true", help="limits of 25 minutes a measurement")
    parser.add_argument("--repetitions", type=int, help="3 without it, 1 with --quick")
    parser.add_argument("--only", default="*", help="scenarios by name, as fit-bg_nbd-*")
    parser.add_argument("--write", action="store_true", help="measure nothing, write README.md")
    chosen = parser.parse_args()
    folder = data.FOLDER / "quick" if chosen.quick else runner.RESULTS
    if not chosen.write:
        repetitions = chosen.repetitions or (1 if chosen.quick else 3)
        wanted = _chosen(chosen.only, quick=chosen.quick)
        _measure(wanted, folder, repetitions=repetitions, full=chosen.full)
    page = report.page(runner.load(folder), _coverage())
    if chosen.quick:
        print(page)
        return
    (data.HERE / "README.md").write_text(page, encoding="utf-8")
    print("Tables: bench/README.md")


def _chosen(only: str, *, quick: bool) -> list[Scenario]:
    wanted = [s for s in SCENARIOS if fnmatch(s.name, only) and (s.quick or not quick)]
    if not wanted:
        names = ", ".join(s.name for s in SCENARIOS)
        raise SystemExit(f"No scenario is called {only}. There are: {names}.")
    return wanted


def _measure(wanted: list[Scenario], folder: Path, *, repetitions: int, full: bool) -> None:
    for scenario in wanted:
        _say(scenario.name)
        result = runner.measure(scenario, repetitions=repetitions, full=full, say=_say)
        runner.keep(result, folder)


def _say(line: str) -> None:
    print(line, flush=True)


def _coverage() -> str:
    """The section on intervals, as `make bench-coverage` wrote it."""
    studied = runner.RESULTS / "coverage.md"
    return studied.read_text(encoding="utf-8") if studied.is_file() else ""


if __name__ == "__main__":
    main()
