"""A run that failed: its page beside the published runs, which stay as they are, and its error."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crm_lib.errors import CriticalDataFailure, CrmError, ReportFailed
from crm_lib.publishing import manifest, pages
from crm_lib.publishing.making import Made
from crm_lib.publishing.manifest import Manifest
from crm_lib.publishing.reports import Report
from crm_lib.publishing.store import Store, run_day
from crm_lib.quality import sentences
from crm_lib.quality.verdict import Verdict

QUALITY = "data_quality"
"""The subject of the report that is attempted even when the data fails."""


def quality_report(reports: Sequence[Report]) -> tuple[Report, ...]:
    """The report on the data among those of the run, if any."""
    return tuple(report for report in reports if report.subject == QUALITY)


def of_data(store: Store, draft: Path, made: Manifest, verdict: Verdict, reports: Made) -> CrmError:
    """Keep the page of a run whose data broke a critical rule; returns the error to raise."""
    critical = [outcome for outcome in verdict.worth_saying if outcome.is_critical_failure]
    problems = [
        {"title": outcome.rule_id, "text": sentences.finding(outcome, verdict.currency)}
        for outcome in critical
    ]
    shown = next((stem for stem in reports.metrics if stem not in reports.problems), "")
    details = {"title": "The report on the data", "href": f"{shown}.html"} if shown else None
    page = _keep(store, draft, made, kind="data", problems=problems, details=details)
    text = sentences.critical(verdict.dataset, verdict.as_of, critical, verdict.currency)
    return CriticalDataFailure(f"{text}\nNothing was published. What failed: {page.as_uri()}")


def of_reports(store: Store, draft: Path, made: Manifest, reports: Made) -> CrmError:
    """Keep the page of a run with failed reports, whose other pages go; returns the error to raise."""
    titles = {record.stem: record.title for record in made.reports}
    failed = reports.problems.items()
    problems = [
        {"title": titles[stem], "text": problem.text, "where": problem.heading}
        for stem, problem in failed
    ]
    for left in ("notebooks", "exports"):
        shutil.rmtree(draft / left)
    for stem in titles:
        (draft / f"{stem}.html").unlink(missing_ok=True)
    page = _keep(store, draft, made, kind="report", problems=problems)
    lines = [f"{stem}, under '{problem.heading}': {problem.text}" for stem, problem in failed]
    text = "\n".join([f"{len(failed)} report(s) as of {made.as_of} failed.", *lines])
    return ReportFailed(f"{text}\nNothing was published. What failed: {page.as_uri()}")


def _keep(store: Store, draft: Path, made: Manifest, **context: Any) -> Path:
    """Write the failure's page and manifest and move the draft to its place; returns the page."""
    last_good = store.links().get("latest")
    standing = (
        {"as_of": str(run_day(last_good)), "href": "../../latest/index.html"} if last_good else None
    )
    made = made.model_copy(update={"kind": "failed", "reports": []})
    made.write(draft)
    manifest.write_metrics(draft, {})
    pages.write_failure(draft, made, {**context, "still_published": standing})
    return store.publish_failure(draft, run_day(made.id)) / "index.html"
