"""The benchmark's page: README.md, written from the results alone."""

from __future__ import annotations

from bench import lines as line_scenarios
from bench import models as model_scenarios
from bench import monthly as monthly_scenarios
from bench import reporting as reporting_scenarios
from bench.process import Scenario
from bench.report import lines, models, monthly, reporting
from bench.report.machine import machine
from bench.report.shapes import table
from bench.results import Results, minutes

SUBJECTS = (monthly, reporting, lines, models)
SCENARIOS: tuple[Scenario, ...] = (
    *model_scenarios.SCENARIOS,
    *line_scenarios.SCENARIOS,
    *reporting_scenarios.SCENARIOS,
    *monthly_scenarios.SCENARIOS,
)

INTRODUCTION = """# How fast, how right: `crm_lib` beside its floor and its peers

Written by `make bench` from the files in `results/`; do not edit it by hand. {durations}
`make bench QUICK=1` takes under 5 minutes (a smaller set, printed and not kept); `ONLY='lines-*'`
picks scenarios by name, with any of them.
"""

METHOD = """## Method

- Each measurement runs in a fresh process, in an environment that has only that library. Libraries take
  turns (crm_lib, peer, crm_lib, peer …), up to three times; the tables show medians. A process
  that takes over a minute is not repeated. Imports are not counted.
- Peak memory is of the whole process: libraries, data and work. That of a run is of all its processes
  together, a page they share counted once (PSS), sampled five times a second.
"""


def page(results: Results, coverage: str = "") -> str:
    """The whole README. `coverage`: the section on intervals, if it has been studied."""
    aims = [row for subject in SUBJECTS for row in subject.aims(results)]
    parts = [
        INTRODUCTION.format(durations=durations(results)),
        f"## Aims\n\n{table(['aim', 'measured', ''], aims)}\n",
        *(section for subject in SUBJECTS for section in subject.sections(results)),
        coverage,
        METHOD,
        *(subject.method() for subject in SUBJECTS),
        machine(results),
    ]
    return "\n".join(part.rstrip() + "\n" for part in parts if part)


def durations(results: Results) -> str:
    """How long `make bench` takes with and without `FULL=1`, by the last measurements."""
    ordinary, full = (minutes(results, SCENARIOS, full=full) for full in (False, True))
    if all(scenario.quick for scenario in SCENARIOS if scenario.name in results):
        return "How long `make bench` takes\nis not known yet."
    return (
        f"When last measured, `make bench` took\nabout {ordinary:.0f} minutes and `make bench FULL=1` "
        f"{full:.0f} (also 10 M customers a month; limits of 25 minutes\ninstead of 5)."
    )
