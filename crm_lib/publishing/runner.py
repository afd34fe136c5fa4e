"""A run: everything checked, the lock held, one publication for each day, the history rebuilt."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from crm_lib import book, cache, fetching, intake, machine, project
from crm_lib.errors import CriticalDataFailure, CrmError, ReportFailed
from crm_lib.publishing import lock, manifest, pages, plan, pool
from crm_lib.publishing.day import DayRun, Published, Say, publish
from crm_lib.publishing.plan import Plan
from crm_lib.publishing.store import Store

CELL_TIMEOUT_SECONDS = 1800


def run(
    dataset: str,
    as_of_days: Sequence[date],
    *,
    only: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    scope: str = "",
    jobs: int | None = None,
    keep: int | None = None,
    force: bool = False,
    say: Say = lambda text: None,
    cell_timeout_seconds: int = CELL_TIMEOUT_SECONDS,
) -> list[Published]:
    """Make and publish the reports of a data set, one run for each day.

    only: reports by number, name or subject; they go to the lab's view and replace no run.
    parameters: `name` or `03:name` → value. keep: how many runs stay, newest first. force: in a back-fill
    also make the days whose published run would come out the same. say: hears a line for each step.
    Raises UsageError (nothing run), RunLocked, CriticalDataFailure, ReportFailed (nothing published).
    In a back-fill the other days are still made; failures are raised at the end as one, which is a
    CriticalDataFailure where any day's data failed: data come before the reports made from them.
    """
    made_plan = plan.make(dataset, as_of_days, only=only, extra=parameters, scope=scope)
    store = Store(project.reports_folder().resolve() / dataset)
    # The same rows in all reports and days, whatever happens in a database meanwhile.
    with _alone(made_plan, store) as scratch, fetching.pinned(made_plan.dataset):

        def of_day(day: date) -> DayRun:
            return DayRun(
                plan=made_plan, day=day, store=store, run_id=store.new_id(day), scratch=scratch,
                jobs=jobs or machine.processors(), say=say, cell_timeout_seconds=cell_timeout_seconds,
                skip_unchanged=len(made_plan.days) > 1 and not force,
            )  # fmt: skip

        _check_days(made_plan, say)
        try:
            return _every_day(made_plan, of_day, say)
        finally:
            _finish(made_plan, store, keep)


@contextmanager
def _alone(made_plan: Plan, store: Store) -> Iterator[Path]:
    """Hold the lock of the data set, with what a killed run left cleared away; yields a folder for the
    sockets of kernels."""
    name = made_plan.dataset.name
    span = " to ".join(str(day) for day in sorted({made_plan.days[0], made_plan.days[-1]}))
    with lock.held(store.folder, name, span) as left_behind, pool.scratch_folder() as scratch:
        lock.write_holder(store.folder, lock.Holder.me(name, span, str(scratch)))
        if left_behind is not None and left_behind.scratch:
            shutil.rmtree(left_behind.scratch, ignore_errors=True)
        store.clean()
        machine.clear_spills()
        cache.clear_unfinished(made_plan.dataset)
        yield scratch


def _check_days(made_plan: Plan, say: Say) -> None:
    """Of several days, all are held against the data before the first is made."""
    if len(days := made_plan.days) > 1:
        say(f"checking the days {days[0]} to {days[-1]} against the data")
        book.check_days(made_plan.dataset, days)


def _finish(made_plan: Plan, store: Store, keep: int | None) -> None:
    """Remove all but the newest `keep` runs, and from the cache what no other was made from; then the
    history tells of those that are left."""
    if keep is not None:
        store.prune(keep)
        intake.forget(made_plan.dataset, _books(store))
    pages.write_history(project.reports_folder().resolve())


def _books(store: Store) -> list[Path]:
    """The folders in the cache that the published runs were made from."""
    found = map(manifest.read, store.runs())
    return [project.cache_folder() / made.book for made in found if made and made.book]


def _every_day(made_plan: Plan, of_day: Any, say: Say) -> list[Published]:
    """All days, each by itself; failures are raised together once the last is made."""
    published: list[Published] = []
    failures: list[CrmError] = []
    for day in made_plan.days:
        try:
            made = publish(of_day(day))
        except (CriticalDataFailure, ReportFailed) as failure:
            failures.append(failure)
            say(f"as of {day}: nothing published")
        else:
            published.append(made)
            say(f"as of {day}: {made.status}{made.times}")
    if failures:
        gravest = min(failures, key=lambda failure: failure.exit_code)
        raise type(gravest)("\n".join(str(failure) for failure in failures))
    return published
