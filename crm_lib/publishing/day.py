"""The run of one day: open the data, make the reports beside each other, publish them in one move."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from crm_lib import cache, project
from crm_lib.book import Book
from crm_lib.publishing import clock, failures, making, manifest, pages, usage
from crm_lib.publishing.making import Made
from crm_lib.publishing.manifest import Manifest, ReportRecord
from crm_lib.publishing.plan import Plan
from crm_lib.publishing.reports import Report
from crm_lib.publishing.store import Store

Say = Callable[[str], None]


@dataclass(frozen=True)
class Published:
    """What the run of a day left: the folder to read, and how many seconds each stage took."""

    as_of: date
    folder: Path
    status: Literal["published", "lab", "unchanged"]
    durations: dict[str, float] = field(default_factory=dict)

    @property
    def times(self) -> str:
        """Where the time went, ready to follow a sentence; empty when nothing was made."""
        listed = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in self.durations.items())
        return f" ({listed})" if listed else ""

    @property
    def address(self) -> str:
        """The address of the page to open: by `latest` or the day, which later runs lead on."""
        return (self.folder / "index.html").as_uri()


@dataclass(frozen=True)
class DayRun:
    """One day of a plan, under way. `durations` grows as stages end (seconds)."""

    plan: Plan
    day: date
    store: Store
    run_id: str
    scratch: Path
    jobs: int
    say: Say
    cell_timeout_seconds: int
    skip_unchanged: bool
    durations: dict[str, float] = field(default_factory=dict)

    def timed(self, stage: str) -> AbstractContextManager[None]:
        return cache.timed(stage, self.durations)

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """An empty folder for the pages; gone at the end unless it was moved into place."""
        folder = self.store.draft(self.run_id)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def publish(run: DayRun) -> Published:
    """Make and publish one day. Raises CriticalDataFailure or ReportFailed, then nothing changed."""
    with usage.watched() as used:
        return _published(run, used)


def _published(run: DayRun, used: usage.Usage) -> Published:
    from crm_lib import marts
    from crm_lib.book import open_book

    run.say(f"as of {run.day}: reading and judging the data")
    with run.timed("data"):
        book = open_book(run.plan.dataset.name, as_of=run.day, scope=run.plan.scope)
        failed = book.verdict.status == "failed"
    made = _manifest(run, book)
    if run.skip_unchanged and (same := _unchanged(run, made.fingerprint)):
        run.store.discard_failure(run.day)
        return Published(run.day, same, "unchanged")
    with run.draft() as draft:
        if failed:
            with run.timed("reports"):
                shown = _make(run, failures.quality_report(run.plan.reports), draft, made)
            _account(run, made, used)
            raise failures.of_data(run.store, draft, made, book.verdict, shown)
        took: dict[str, float] = {}
        with run.timed("marts"):
            marts.build(book, took)
        made.marts_durations = _rounded(took)
        with run.timed("reports"):
            reports = _make(run, run.plan.reports, draft, made)
        _account(run, made, used)
        if reports.problems:
            raise failures.of_reports(run.store, draft, made, reports)
        with run.timed("publish"):
            folder = _put_in_place(run, draft, made, reports.metrics)
    return Published(run.day, folder, "lab" if run.plan.only else "published", run.durations)


def _account(run: DayRun, made: Manifest, used: usage.Usage) -> None:
    """Enter into the manifest what the run has taken so far."""
    made.durations = _rounded(run.durations)
    made.peak_memory_bytes = used.peak_bytes


def _rounded(durations: Mapping[str, float]) -> dict[str, float]:
    return {name: round(seconds, 2) for name, seconds in durations.items()}


def _make(run: DayRun, chosen: tuple[Report, ...], draft: Path, made: Manifest) -> Made:
    return making.make(
        chosen,
        draft,
        made,
        jobs=run.jobs,
        scratch=run.scratch,
        cell_timeout_seconds=run.cell_timeout_seconds,
        say=run.say,
    )


def _manifest(run: DayRun, book: Book) -> Manifest:
    """What is known of the run before its reports are made."""
    parameters = run.plan.parameters(run.day)
    judge = failures.quality_report(run.plan.reports)
    made_from = {**book.made_from, "as_of": str(run.day), "scope": book.scope}
    return Manifest(
        id=run.run_id,
        kind="lab" if run.plan.only else "run",
        dataset=book.dataset.name,
        dataset_title=book.dataset.title,
        currency=book.dataset.currency,
        as_of=str(run.day),
        scope=book.scope,
        generated_at=clock.now_text(),
        fingerprint=manifest.fingerprint(run.plan.reports, parameters, made_from),
        data_durations=_rounded(book.durations),
        made_from=made_from,
        book=str(book.folder.relative_to(project.cache_folder())),
        versions=manifest.versions(),
        verdict={**book.verdict.summary(), "link": f"{judge[0].stem}.html" if judge else ""},
        coverage=[
            {
                "title": each.title,
                "status": each.coverage,
                "missing": each.missing,
                "unlock": each.unlock,
            }
            for each in run.plan.coverage
        ],
        reports=[
            ReportRecord(
                stem=report.stem,
                title=report.title,
                question=report.question,
                parameters=parameters[report.stem],
                given=report.declaration.changed(parameters[report.stem]),
            )
            for report in run.plan.reports
        ],
    )


def _unchanged(run: DayRun, fingerprint: str) -> Path | None:
    """The folder of the day's published run when it was made from exactly the same."""
    link = run.store.folder / str(run.day)
    found = manifest.read(link)
    return link if found and found.fingerprint == fingerprint else None


def _put_in_place(run: DayRun, draft: Path, made: Manifest, metrics: pages.Metrics) -> Path:
    """Complete the draft with index, numbers and manifest, then publish it whole."""
    made.exports = sorted(path.name for path in (draft / "exports").iterdir())
    if run.plan.only:
        made, metrics = pages.merged_with_lab(run.store, draft, made, metrics)
    made.write(draft)
    manifest.write_metrics(draft, metrics)
    pages.write_index(draft, made, metrics)
    if run.plan.only:
        return run.store.publish_lab(draft, run.run_id)
    run.store.publish(draft, run.run_id)
    is_latest = run.store.links()["latest"] == run.run_id
    return run.store.folder / ("latest" if is_latest else str(run.day))
