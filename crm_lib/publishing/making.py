"""All reports of a run: notebooks executed beside each other, each rendered as soon as it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from crm_lib.publishing import pool, render, tidy
from crm_lib.publishing.manifest import Manifest, ReportRecord
from crm_lib.publishing.reports import Report
from crm_lib.publishing.worker import Outcome, Problem, Task


@dataclass
class Made:
    """The reports of a run so far. `metrics`: report → key → number; `problems`: report → why."""

    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)


def make(
    reports: Sequence[Report],
    draft: Path,
    manifest: Manifest,
    *,
    jobs: int,
    scratch: Path,
    cell_timeout_seconds: int,
    say: Callable[[str], None],
) -> Made:
    """Make `reports` into the folder `draft`, and fill in their records in `manifest`.

    A report that fails is a problem in the result, not an exception.
    """
    made = Made()
    records = {record.stem: record for record in manifest.reports}
    tasks = [
        Task(report.path, records[report.stem].parameters, draft / "exports", scratch, cell_timeout_seconds)
        for report in sorted(reports, key=_length, reverse=True)
    ]  # fmt: skip
    siblings = [{"title": report.title, "href": f"{report.stem}.html"} for report in reports]

    def done(outcome: Outcome) -> None:
        record = records[outcome.stem]
        problem = outcome.problem or _render(outcome, record, draft, manifest, siblings, made)
        if problem:
            made.problems[outcome.stem] = problem
        record.durations["execute"] = round(outcome.seconds, 2)
        seconds = sum(record.durations.values())
        say(f"{outcome.stem} {'failed' if problem else 'done'} in {seconds:.1f} s")

    if tasks:
        at_once = pool.shared(min(jobs, len(tasks))).jobs
        say(f"running {len(tasks)} report(s), {at_once} at a time")
        pool.run_all(tasks, jobs, scratch, done)
    made.metrics = dict(sorted(made.metrics.items()))
    made.problems = dict(sorted(made.problems.items()))
    return made


def _length(report: Report) -> int:
    """How much a notebook has to do: the longest begin first, so that none is left to run alone at the end."""
    return sum(cell.cell_type == "code" for cell in nbformat.read(report.path, as_version=4).cells)


def _render(
    outcome: Outcome,
    record: ReportRecord,
    draft: Path,
    manifest: Manifest,
    siblings: list[dict[str, Any]],
    made: Made,
) -> Problem | None:
    """Write the page and the executed notebook; a fault in rendering fails the report."""
    start = time.perf_counter()
    context = {
        "dataset": manifest.dataset,
        "dataset_title": manifest.dataset_title,
        "as_of": manifest.as_of,
        "verdict": manifest.verdict,
        "generated_at": manifest.generated_at,
        "siblings": [{**each, "current": each["href"] == record.href} for each in siblings],
    }
    try:
        nb = nbformat.reads(outcome.notebook, as_version=4)
        html = render.render_notebook(nb, title=record.title, context=context)
        record.finding = render.first_finding(nb)
        made.metrics[outcome.stem] = render.headline_numbers(nb)
    except Exception as error:
        return Problem("rendering the page", tidy.short_error(type(error).__name__, str(error)))
    (draft / record.href).write_text(html, encoding="utf-8")
    (draft / "notebooks" / f"{outcome.stem}.ipynb").write_text(outcome.notebook, encoding="utf-8")
    record.durations["render"] = round(time.perf_counter() - start, 2)
    return None
