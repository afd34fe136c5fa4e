"""Figures of the customer's life: stages, moves between them, cohorts, survival, repeat purchases."""

from __future__ import annotations

import bisect
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from crm_lib import errors
from crm_lib.present import style, words
from crm_lib.present.figures.marks import (
    colour,
    floats,
    heatmap,
    is_narrow,
    key,
    label_ticks,
    label_values,
    require_columns,
    rows,
    say_unit,
    short,
    two_shares,
)
from crm_lib.present.words import say

# Days after the first purchase at which the curve of second purchases is read off.
MILESTONES = (30, 90, 180)
# More squares than these cannot be read.
MOST_PERIODS, MOST_PERIODS_NARROW = 24, 12


def stage_sizes(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Customers by stage, in the frame's order: their share beside their share of revenue.

    Columns: stage, customers (count), share, revenue_share (fractions; each column adds up to 1).
    """
    require_columns(frame, ("stage", "customers", "share", "revenue_share"))
    names = [str(stage) for stage in frame["stage"]]
    if not is_narrow(ax):
        counts = [words.count(n) for n in frame["customers"]]
        names = [f"{name} ({n})" for name, n in zip(names, counts, strict=True)]
    two_shares(ax, names, floats(frame, "share"), floats(frame, "revenue_share"))
    return ax


def transition_matrix(ax: Axes, frame: pd.DataFrame) -> Axes:
    """From each stage (row) to each stage (column): share of the row, which adds up to 1.

    Columns: from_stage, to_stage, customers, share (fraction). Stages appear in the frame's order.
    """
    require_columns(frame, ("from_stage", "to_stage", "customers", "share"))
    before, after = (list(dict.fromkeys(frame[name])) for name in ("from_stage", "to_stage"))
    after = [stage for stage in before if stage in after] + [s for s in after if s not in before]
    cells = [
        (after.index(to), before.index(start), float(share))
        for start, to, share in rows(frame, "from_stage", "to_stage", "share")
    ]
    narrow = is_narrow(ax)
    heatmap(ax, cells, lambda x: f"{x * 100:.0f}{'' if narrow else '%'}" if x else "·", top=1.0)
    ax.set_yticks(range(len(before)), [short(ax, name) for name in before])
    ax.set_xticks(
        range(len(after)), [short(ax, name) for name in after], rotation=90 if narrow else 0
    )
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("bottom")
    ax.set_xlabel(say("label.transition"))
    ax.tick_params(labelcolor=colour("ink"), labelsize=style.FONT_SIZE - 1)
    return ax


def cohort_triangle(ax: Axes, frame: pd.DataFrame, *, measure: str = "customers") -> Axes:
    """Share of a cohort that bought in a later period, or its money against that of the first.

    One row a cohort and period. `measure`: customers, revenue or margin.

    Columns: cohort (date), period (0, 1, …), share (fraction), is_partial, is_warm_up (bool), and
    `customers` (the cohort's size) where it shall be shown. Period 0 is everyone and is left out; of
    many cohorts the latest are shown, of many periods the first, and the figure says so.
    """
    require_columns(frame, ("cohort", "period", "share", "is_partial", "is_warm_up"))
    months = MOST_PERIODS_NARROW if is_narrow(ax) else MOST_PERIODS
    later = frame[frame["period"].astype(int) > 0]
    if later.empty:
        return _say_nothing(ax)
    every = sorted(set(later["cohort"]))
    cohorts = every[-style.MOST_COHORTS :]
    cut = len(every) > style.MOST_COHORTS or int(later["period"].max()) > months
    later = later[later["cohort"].isin(cohorts) & (later["period"].astype(int) <= months)]
    cells = [
        (int(period), cohorts.index(cohort), float(share))
        for cohort, period, share in rows(later, "cohort", "period", "share")
    ]
    partial = [bool(flag) for flag in later["is_partial"]]
    heatmap(ax, cells, lambda x: f"{x * 100:.0f}", top=_comparable_top(later), faint=partial)
    ax.set_yticks(range(len(cohorts)), [_cohort_name(frame, cohort) for cohort in cohorts])
    periods = sorted({column for column, _, _ in cells})
    ax.set_xticks(periods[:: 2 if is_narrow(ax) and len(periods) > 8 else 1])
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("bottom")
    marks = {"partial": any(partial), "warm_up": bool(later["is_warm_up"].any()), "cut": cut}
    given = [name for name, holds in marks.items() if holds]
    ax.set_xlabel(_cohort_legend(is_narrow(ax), given, measure))
    return ax


def _comparable_top(later: pd.DataFrame) -> float:
    """The largest share of full periods, of cohorts that are really new where there are any."""
    full = later[~later["is_partial"].astype(bool)]
    new = full[~full["is_warm_up"].astype(bool)]
    return max(floats(new if len(new) else full, "share"), default=1.0)


def _say_nothing(ax: Axes) -> Axes:
    ax.set_axis_off()
    ax.text(0.5, 0.5, say("label.no_later_period"), ha="center", transform=ax.transAxes)
    return ax


def _cohort_name(frame: pd.DataFrame, cohort: Any) -> str:
    own = frame[frame["cohort"] == cohort]
    star = "*" if bool(own["is_warm_up"].any()) else ""
    size = f" ({words.count(own['customers'].iloc[0])})" if "customers" in frame else ""
    return words.month(pd.Timestamp(cohort).date(), short=True) + star + size


def _cohort_legend(narrow: bool, marks: list[str], measure: str) -> str:
    key = "label.cohort" if measure == "customers" else f"label.cohort_{measure}"
    unit = say(f"{key}_short" if narrow else key)
    return "\n".join(filter(None, [unit, ", ".join(say(f"label.cohort_{mark}") for mark in marks)]))


def survival(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Share not yet lost (or not yet returned) by days, with its 95 % band.

    Columns: days, survival, lower, upper (fractions) and, for several curves, group (text).
    """
    require_columns(frame, ("days", "survival", "lower", "upper"))
    groups = list(frame.groupby("group", sort=False)) if "group" in frame else [("", frame)]
    if len(groups) > len(style.CATEGORIES):
        raise errors.UsageError(
            f"A figure of survival keeps at most {len(style.CATEGORIES)} curves apart; the frame has "
            f"{len(groups)} groups. Merge the small ones first."
        )
    ends: list[tuple[float, float, str, str]] = []
    for role, (name, part) in zip(style.CATEGORIES, groups, strict=False):
        x, y, low, high = (floats(part, c) for c in ("days", "survival", "lower", "upper"))
        ax.fill_between(x, low, high, step="post", color=colour(role), alpha=0.18, lw=0)
        ax.step(x, y, where="post", color=colour(role))
        ends.append((x[-1], y[-1], str(name), role))
    ax.set_ylim(0, 1.02)
    ax.margins(x=0)
    label_values(ax, "percent")
    label_values(ax, "days", axis="x", most=4 if is_narrow(ax) else 8)
    ax.set_xlabel(say("label.days"))
    if not (is_narrow(ax) and "group" in frame):
        say_unit(ax, say("label.share_of_customers"))
    _name_lines(ax, ends)
    return ax


def _name_lines(ax: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Each curve's name at its end, moved apart where curves end close together; on a phone in a key,
    in the order of the curves."""
    named = [end for end in sorted(ends, key=lambda end: end[1]) if end[2]]
    if is_narrow(ax) and named:
        entries = [(name, role, "s") for _, _, name, role in reversed(named)]
        key(ax, entries, say("label.share_of_customers"), stacked=True)
        return
    lowest = -1.0
    for x, y, name, role in named:
        lowest = max(y, lowest + 0.075)
        ax.annotate(name, (x, lowest), xytext=(6, 0), textcoords="offset points", va="center",
                    color=colour(role), fontweight="bold", annotation_clip=False)  # fmt: skip


def repeat_ladder(ax: Axes, frame: pd.DataFrame) -> Axes:
    """How likely the next purchase is after each, with its interval and the median wait.

    Columns: step (text such as "1st→2nd"), probability, lower, upper (fractions), median_gap_days.
    """
    require_columns(frame, ("step", "probability", "lower", "upper", "median_gap_days"))
    chance, low, high = (floats(frame, name) for name in ("probability", "lower", "upper"))
    places = list(range(len(frame)))
    accent = colour("accent")
    ax.plot(places, chance, color=colour("accent_soft"), lw=2, zorder=1)
    ax.vlines(places, low, high, color=accent, lw=2.4, zorder=2)
    ax.plot(places, chance, "o", ms=9, color=accent, mec=colour("paper"), mew=1.2, zorder=3)
    for x, share, bound in zip(places, chance, low, strict=True):
        text = words.percent(share, 0)
        ax.text(x, min(share, bound) - 0.025, text, ha="center", va="top", fontweight="bold")
    waits = [words.days(gap) for gap in frame["median_gap_days"]]
    label_ticks(ax, places, list(frame["step"]), waits)
    ax.set_xlim(-0.5, len(frame) - 0.5)
    ax.set_ylim(0, 1.04)
    label_values(ax, "percent")
    ax.set_xlabel(say("label.repeat_wait"), labelpad=18)
    say_unit(ax, say("label.repeat"))
    return ax


def days_to_second(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Share of customers with a second purchase within so many days of the first.

    Columns: days, share (fraction, cumulative), and where there is an interval lower, upper.
    """
    require_columns(frame, ("days", "share"))
    x, y = floats(frame, "days"), floats(frame, "share")
    accent = colour("accent")
    if {"lower", "upper"} <= set(frame.columns):
        low, high = floats(frame, "lower"), floats(frame, "upper")
        ax.fill_between(x, low, high, step="post", color=accent, alpha=0.18, lw=0)
    ax.step(x, y, where="post", color=accent)
    for mark in [days for days in MILESTONES if days < x[-1]]:
        share = y[bisect.bisect_right(x, mark) - 1]
        ax.plot([mark], [share], "o", ms=7, color=accent, mec=colour("paper"), mew=1.2)
        text = say("label.within", share=words.percent(share, 0), days=words.days(mark))
        ax.annotate(text, (mark, share), xytext=(8, -6), textcoords="offset points",
                    ha="left", va="top")  # fmt: skip
    ax.set_ylim(0, max(1.02 * max(y), 0.1))
    ax.margins(x=0)
    label_values(ax, "percent")
    label_values(ax, "days", axis="x", most=4 if is_narrow(ax) else 8)
    ax.set_xlabel(say("label.since_first"))
    say_unit(ax, say("label.second"))
    return ax
