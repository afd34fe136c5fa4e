"""Sentences on the data itself: the verdict, where rows went, gaps in the feed, coverage."""

from __future__ import annotations

import pandas as pd

from crm_lib.periods import Window
from crm_lib.present import words
from crm_lib.present.figures.quality import MOST_DAYS
from crm_lib.present.words import say

FOUND = ("failed", "could not check", "within tolerance")
"""Outcomes of rules that a reader must know of; the others passed, or do not apply to the data set."""


def verdict(rules: pd.DataFrame, status: str, accepted: int) -> str:
    """The verdict in one sentence. Frame: `quality.verdict` rules with severity and result."""
    rows = words.counted(accepted, "order line")
    found = rules[rules["result"].isin(FOUND)]
    if status == "failed":
        bad = found[found["result"].isin(["failed", "could not check"])]
        critical = words.counted((bad["severity"] == "critical").sum(), "critical rule")
        return say("quality.failed", failures=critical)
    if status == "passed":
        applying = words.counted((rules["result"] == "passed").sum(), "rule")
        return say("quality.passed", rules=applying, accepted=rows)
    warnings = words.counted(len(found), "warning")
    return say("quality.passed with warnings", warnings=warnings, accepted=rows)


def reconciliation(rows: dict[str, int]) -> str:
    """read = accepted + quarantined + later + out of scope, in order lines."""
    names = ("read", "accepted", "quarantined", "later", "out_of_scope")
    return say("reconciliation", **{name: words.count(rows[name]) for name in names})


def volume(by_day: pd.DataFrame) -> str:
    """Whether days without a line stand out. Frame: day, lines; every day of the window."""
    days = words.counted(len(by_day), "day")
    empty = by_day["lines"] == 0
    if not empty.any():
        return say("volume.whole", days=days)
    spell = (empty != empty.shift()).cumsum()[empty]
    longest = spell.value_counts().idxmax()
    run = spell[spell == longest]
    return say(
        "volume.gaps",
        gaps=words.count(empty.sum()),
        days=days,
        first=words.day(by_day.loc[run.index[0], "day"]),
        length=words.days(len(run)),
    )


def volume_window(observed: Window) -> str:
    """What the figure of lines by day holds, for its note."""
    window = words.in_words(observed)
    if (observed.end - observed.start).days <= MOST_DAYS:
        return say("volume.window", window=window)
    return say("volume.window.cut", window=window, shown=words.days(MOST_DAYS))


def coverage(reports: pd.DataFrame) -> str:
    """How many reports this data set fills. Frame: one row a report with `coverage`."""
    counts = reports["coverage"].value_counts()
    parts = {name: words.count(counts.get(name, 0)) for name in ("full", "partial", "impossible")}
    return say("coverage", all=words.count(len(reports)), **parts)
