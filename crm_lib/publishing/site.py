"""The pages that lead to the reports: the index of a run, the history of all runs, the page of a failure.

Each takes plain dictionaries (as `manifest.json` and `metrics.json` hold them) and returns a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from crm_lib import errors
from crm_lib.present import page, words
from crm_lib.present.numbers import card, shown
from crm_lib.publishing.render import clean, page_html

Metrics = Mapping[str, Mapping[str, Mapping[str, Any]]]

CARDS_ON_INDEX = 8
NUMBERS_IN_HISTORY = 4
# The report on the data itself leads only where there is no other.
DATA_REPORT = "data_quality"
COVERAGE_STATUS = ("full", "partial", "impossible")
FAILURE_KINDS = ("data", "report")
STAGES = {"data": "Data", "marts": "Scores, stages and values of customers", "reports": "Reports"}


def run_index(
    manifest: Mapping[str, Any], metrics: Metrics, reports: Sequence[Mapping[str, Any]]
) -> str:
    """The index of one run.

    `manifest`: dataset_title, as_of ("2018-01-01", exclusive), verdict (as for `page.verdict_strip`, or
    None), and where known generated_at (ISO text), scope (text), exports [file name], run_card {name: text},
    history_href (from the run's folder to the history; `../../index.html` unless given),
    coverage [{title, status ("full", "partial", "impossible"), missing: text, unlock: text}], times
    [{stage, seconds, parts: {name: seconds}}], peak_memory_bytes.
    `metrics`: report stem → key → number, as in metrics.json.
    `reports`: [{stem, title, href, question, finding, seconds}] in reading order.
    """
    lead = _lead([str(report["stem"]) for report in reports], metrics)
    first = next((report for report in reports if report["stem"] == lead), {})
    limits = [_limit(each) for each in manifest.get("coverage", []) if each["status"] != "full"]
    return page_html(
        "run.html.j2",
        dataset_title=manifest["dataset_title"],
        through=words.through(manifest["as_of"]),
        scope=manifest.get("scope", ""),
        history_href=manifest.get("history_href", "../../index.html"),
        generated_at=words.moment(manifest.get("generated_at", "")),
        verdict=_strip(manifest.get("verdict")),
        finding=first.get("finding", ""),
        cards=[Markup(card(dict(number))) for number in _numbers(metrics, lead)[:CARDS_ON_INDEX]],
        reports=[
            {"question": "", "finding": "", **each, "took": _took(each.get("seconds"))}
            for each in reports
        ],
        limits=limits,
        exports=list(manifest.get("exports", [])),
        run_card=_run_card(manifest.get("run_card")),
        times=_times(manifest.get("times", [])),
        memory=_memory(manifest.get("peak_memory_bytes")),
    )


def history_index(runs: Sequence[Mapping[str, Any]], *, verified: str = "") -> str:
    """All data sets, each with its latest run on top and the table of all its runs, newest day first.

    `runs`: [{dataset, dataset_title, as_of, generated_at, href, verdict (text or strip), status
    ("published", "failed"), seconds, metrics (as in metrics.json), findings {report stem: sentence}}];
    the last five where known. `verified`: where the page of `crm verify` lies, if there is one.
    """
    titles = dict.fromkeys(str(run["dataset"]) for run in runs)
    sets = [_history([run for run in runs if run["dataset"] == name]) for name in titles]
    ordered = sorted(sets, key=lambda each: str(each["title"]))
    return page_html("history.html.j2", sets=ordered, verified=verified)


def failure_page(context: Mapping[str, Any]) -> str:
    """What a reader finds where a run failed; it names no person and no place on this machine.

    `context`: dataset_title, as_of, kind ("data" or "report"), problems [{title: the rule or report, text:
    a sentence with its numbers, where: the heading in the report (optional)}], still_published
    {as_of, href} or None, and where known what_to_do [sentence], verdict (as for `page.verdict_strip`),
    details {title, href} (the data-quality report of the failed run), generated_at.
    """
    kind = str(context["kind"])
    if kind not in FAILURE_KINDS:
        raise errors.UsageError(errors.unknown("kind of failure", kind, FAILURE_KINDS))
    problems = [{"where": "", **problem} for problem in context["problems"]]
    noun = ("critical rule", "critical rules") if kind == "data" else ("report", "reports")
    standing = context.get("still_published")
    return page_html(
        "failure.html.j2",
        dataset_title=context["dataset_title"],
        through=words.through(context["as_of"]),
        title=words.say(f"failure.{kind}.title"),
        summary=words.say(f"failure.{kind}.summary", problems=words.counted(len(problems), *noun)),
        problems=problems,
        verdict=_strip(context.get("verdict")),
        details=context.get("details"),
        standing={**standing, "through": words.through(standing["as_of"])} if standing else None,
        steps=list(context.get("what_to_do") or [words.say(f"failure.{kind}.step")]),
        generated_at=words.moment(context.get("generated_at", "")),
    )


def _lead(stems: Sequence[str], metrics: Metrics) -> str:
    """The report whose numbers stand for the run: the first with any that is not about the data itself."""
    with_numbers = [stem for stem in stems if metrics.get(stem)]
    business = [stem for stem in with_numbers if not stem.endswith(DATA_REPORT)]
    return next(iter([*business, *with_numbers]), "")


def _numbers(metrics: Metrics, stem: str) -> list[Mapping[str, Any]]:
    """The report's numbers in the order of its cards."""
    return sorted(metrics.get(stem, {}).values(), key=lambda number: int(number.get("rank", 0)))


def _strip(verdict: Mapping[str, Any] | None) -> Markup:
    return Markup(clean(page.verdict_strip(verdict).html)) if verdict else Markup()


def _run_card(facts: Mapping[str, object] | None) -> Markup:
    return Markup(page.run_card(facts).html) if facts else Markup()


def _times(stages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each stage and each of its parts, with a bar of 0 to 100 for its share of the whole.

    Parts that ran beside each other add up to more than their stage took.
    """
    whole = sum(stage["seconds"] for stage in stages) or 1.0
    rows = []
    for stage in stages:
        name = STAGES.get(stage["stage"], stage["stage"])
        listed = {name: stage["seconds"], **stage.get("parts", {})}
        rows += [
            {
                "name": part,
                "is_part": part != name,
                "took": _took(seconds),
                "bar": min(100, round(100 * seconds / whole)),
            }
            for part, seconds in listed.items()
        ]
    return rows


def _memory(peak_bytes: int | None) -> str:
    return "" if peak_bytes is None else f"{peak_bytes / 1e9:.1f} GB"


def _took(seconds: Any) -> str:
    return "" if words.is_missing(seconds) else words.value(seconds, "seconds")


def _limit(coverage: Mapping[str, Any]) -> dict[str, Any]:
    if coverage["status"] not in COVERAGE_STATUS:
        raise errors.UsageError(
            errors.unknown("coverage", str(coverage["status"]), COVERAGE_STATUS)
        )
    return {"missing": "", "unlock": "", **coverage}


def _history(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One data set: its latest published run, and a row for every run."""
    ordered = sorted(runs, key=lambda r: (str(r["as_of"]), str(r["generated_at"])), reverse=True)
    published = [run for run in ordered if run.get("status", "published") == "published"]
    latest = published[0] if published else {}
    metrics = latest.get("metrics", {})
    lead = _lead(sorted(metrics), metrics)
    ranked = sorted(metrics.get(lead, {}).items(), key=lambda item: int(item[1].get("rank", 0)))
    numbers = dict(ranked[:NUMBERS_IN_HISTORY])
    return {
        "title": ordered[0]["dataset_title"],
        "latest": latest and _latest(latest, lead, list(numbers.values())),
        "labels": [number["label"] for number in numbers.values()],
        "rows": [_history_row(run, lead, list(numbers)) for run in ordered],
    }


def _latest(
    run: Mapping[str, Any], lead: str, numbers: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "href": run["href"],
        "through": words.through(run["as_of"]),
        "finding": run.get("findings", {}).get(lead, ""),
        "cards": [Markup(card(dict(number))) for number in numbers],
    }


def _history_row(run: Mapping[str, Any], lead: str, keys: Sequence[str]) -> dict[str, Any]:
    numbers = run.get("metrics", {}).get(lead, {})
    return {
        "through": words.through(run["as_of"]),
        "generated_at": words.moment(run["generated_at"]),
        "href": run["href"],
        "state": _state(run.get("verdict") or ""),
        "failed": run.get("status") == "failed",
        "numbers": [shown(dict(numbers[key])) if key in numbers else "–" for key in keys],
        "took": _took(run.get("seconds")),
    }


def _state(verdict: str | Mapping[str, Any]) -> str:
    """The verdict in a word or two: "passed", "2 warnings", "failed"."""
    if isinstance(verdict, str):
        return verdict
    state, warnings = str(verdict.get("verdict", "")), len(verdict.get("warnings", []))
    return words.counted(warnings, "warning") if warnings and state != "failed" else state
