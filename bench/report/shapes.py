"""Pieces of the page: tables, times, sizes, and medians of an engine's runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

NONE = "–"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column left, numbers right."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def seconds(value: float) -> str:
    """66 ms, 3.62 s, 102 s."""
    if value < 0.9995:
        return f"{value * 1e3:.0f} ms"
    return f"{value:.2f} s" if value < 9.995 else f"{value:.0f} s"


def gigabytes(value: float) -> str:
    """0.56 GB"""
    return f"{value / 1e9:.2f} GB"


def summary(result: dict[str, Any] | None, engine: str) -> dict[str, Any]:
    """Medians of the engine's finished runs; `status` of a run that did not finish; {} if none.

    range: the shortest and the longest of `seconds`.
    `log_likelihoods` are of all finished runs: lifetimes starts some searches at random.
    """
    runs = [run for run in (result or {}).get("runs", []) if run["engine"] == engine]
    done = [run for run in runs if run["status"] == "done"]
    if not done:
        return {"status": runs[-1]["status"]} if runs else {}
    found: dict[str, Any] = dict(done[-1])
    for name in ("seconds", "cold_seconds", "processor_seconds", "peak_bytes"):
        if name in found:
            found[name] = median(run[name] for run in done)
    for name in ("stages", "peaks"):
        if name in found:
            found[name] = {each: median(run[name][each] for run in done) for each in found[name]}
    found["range"] = [pick(run["seconds"] for run in done) for pick in (min, max)]
    found["log_likelihoods"] = [r["log_likelihood"] for r in done if "log_likelihood" in r]
    return found | {"finished": len(done), "runs": len(runs), "failure": runs[-1]["status"]}


def ratio(found: dict[str, Any], ours: dict[str, Any], of: str = "seconds") -> float | None:
    """How many times as long (or as much, of another measure) as ours, where both finished."""
    return found[of] / ours[of] if of in found and of in ours else None


def times(found: dict[str, Any], ours: dict[str, Any]) -> str:
    return multiple(ratio(found, ours))


def multiple(value: float | None, digits: int = 1) -> str:
    """8.9×, 1,663×"""
    if value is None:
        return NONE
    return f"{value:.{digits}f}×" if value < 9.95 else f"{value:,.0f}×"


def verdict(reached: bool | None) -> str:
    """Of an aim; None: what it needs was not measured."""
    return {True: "reached", False: "missed", None: "not measured"}[reached]


Aim = tuple[str, str, str]
"""What we set out to reach, what was measured, and the verdict."""


def aim(what: str, value: str, reached: bool | None) -> Aim:
    return what, NONE if reached is None else value, verdict(reached)
