"""The pages around the reports: a run's index, the history of all runs, a failure; and the lab's view."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from crm_lib.publishing import manifest, site
from crm_lib.publishing.manifest import Manifest
from crm_lib.publishing.store import Store, write_atomically

Metrics = dict[str, dict[str, Any]]
VERIFIED = "verified.html"
"""The page of `crm verify` among the reports; the history links it where it is."""


def write_index(folder: Path, made: Manifest, metrics: Metrics) -> None:
    """The run's `index.html`."""
    reports = [
        {
            "stem": record.stem,
            "title": record.title,
            "href": record.href,
            "question": record.question,
            "finding": record.finding,
            "seconds": sum(record.durations.values()),
        }
        for record in made.reports
    ]
    facts = {**made.model_dump(mode="json"), "run_card": _run_card(made), "times": _times(made)}
    html = site.run_index(facts, metrics, reports)
    (folder / "index.html").write_text(html, encoding="utf-8")


def _times(made: Manifest) -> list[dict[str, Any]]:
    """Where the time went, as `site.run_index` takes it: each stage, and what it is made of."""
    reports = {record.title: sum(record.durations.values()) for record in made.reports}
    parts = {"data": made.data_durations, "marts": made.marts_durations, "reports": reports}
    return [
        {"stage": stage, "seconds": seconds, "parts": parts.get(stage, {})}
        for stage, seconds in made.durations.items()
    ]


def _run_card(made: Manifest) -> dict[str, str]:
    changed = {
        f"{record.stem}: {name}": str(value)
        for record in made.reports
        for name, value in record.given.items()
    }
    return {
        "Data set": made.dataset,
        "As of (first day not observed)": made.as_of,
        **({"Scope": made.scope} if made.scope else {}),
        **changed,
        "Software": ", ".join(f"{name} {made.versions[name]}" for name in made.versions),
    }


def write_failure(folder: Path, made: Manifest, context: dict[str, Any]) -> None:
    """The failure's `index.html`."""
    facts = {
        "dataset_title": made.dataset_title,
        "as_of": made.as_of,
        "generated_at": made.generated_at,
        "verdict": {**made.verdict, "link": ""} if context["kind"] == "data" else None,
        **context,
    }
    (folder / "index.html").write_text(site.failure_page(facts), encoding="utf-8")


def write_history(reports_folder: Path) -> Path:
    """`reports/index.html` and each data set's own, rebuilt from the manifests. Returns the first.

    A run that another replaced is opened by its own folder, from where `../..` is the data set's.
    """
    reports_folder.mkdir(parents=True, exist_ok=True)
    # Runs of two data sets may end together; the later one must not miss the earlier one's.
    with FileLock(reports_folder / ".index.lock"):
        sets = {
            folder.name: list(_of_set(Store(folder)))
            for folder in sorted(reports_folder.iterdir())
            if folder.is_dir()
        }
        _write_history_page(
            reports_folder,
            [
                {**run, "href": f"{name}/{run['href']}"}
                for name, runs in sets.items()
                for run in runs
            ],
        )
        for name, runs in sets.items():
            if runs:
                _write_history_page(reports_folder / name, runs)
    return reports_folder / "index.html"


def _write_history_page(folder: Path, runs: list[dict[str, Any]]) -> None:
    for draft in folder.glob(".index.html.*"):  # of a process that was killed
        draft.unlink(missing_ok=True)
    verified = VERIFIED if (folder / VERIFIED).is_file() else ""
    write_atomically(folder / "index.html", site.history_index(runs, verified=verified))


def history(dataset_folder: Path) -> list[dict[str, Any]]:
    """Every finished run and standing failure of a data set, as `site.history_index` takes them.

    `href` is relative to the folder of the data set.
    """
    return list(_of_set(Store(dataset_folder)))


def _of_set(store: Store) -> Iterator[dict[str, Any]]:
    links = set(store.links().values())
    for run in store.runs():
        if made := manifest.read(run):
            where = made.as_of if run.name in links else f".runs/{run.name}"
            yield _entry(made, run, f"{where}/index.html", "published")
    for failed in sorted((store.folder / ".failed").glob("*")):
        if made := manifest.read(failed):
            yield _entry(made, failed, f".failed/{failed.name}/index.html", "failed")


def _entry(made: Manifest, folder: Path, href: str, status: str) -> dict[str, Any]:
    return {
        "dataset": made.dataset,
        "dataset_title": made.dataset_title,
        "as_of": made.as_of,
        "generated_at": made.generated_at,
        "href": href,
        "verdict": made.verdict,
        "status": status,
        "seconds": sum(made.durations.values()),
        "metrics": manifest.read_metrics(folder),
        "findings": {record.stem: record.finding for record in made.reports if record.finding},
    }


def merged_with_lab(
    store: Store, draft: Path, made: Manifest, metrics: Metrics
) -> tuple[Manifest, Metrics]:
    """A draft of picked reports, completed with the other pages that the lab's view of the day has.

    Each report keeps its own numbers and parameters; a report made again replaces its older page. Pages
    of other data or another scope go: the index speaks of one.
    """
    view = store.folder / ".lab" / made.as_of
    earlier = manifest.read(view)
    if earlier is None or earlier.made_from != made.made_from:
        return made, metrics
    for path in sorted(view.rglob("*")):
        target = draft / path.relative_to(view)
        if path.is_file() and not target.exists():
            shutil.copy2(path, target)
    new = {record.stem for record in made.reports}
    kept = [record for record in earlier.reports if record.stem not in new]
    reports = sorted([*made.reports, *kept], key=lambda record: record.stem)
    exports = sorted({*made.exports, *earlier.exports})
    return (
        made.model_copy(update={"reports": reports, "exports": exports}),
        dict(sorted({**manifest.read_metrics(view), **metrics}.items())),
    )
