"""Figures of the customer's life: stages, moves between them, cohorts, survival, repeat purchases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_lib.present import style, words
from crm_lib.present.figures.marks import (
    colour,
    heatmap,
    is_narrow,
    label_ticks,
    label_values,
    require_columns,
    say_unit,
    two_shares,
)


def stage_sizes(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Customers by stage, in the frame's order: their share beside their share of revenue.

    Columns: stage, customers (count), share, revenue_share (fractions; each column adds up to 1).
    """
    require_columns(frame, ("stage", "customers", "share", "revenue_share"))
    names = [str(stage) for stage in frame["stage"]]
    if not is_narrow(ax):
        names = [f"{name} ({words.count(n)})" for name, n in zip(names, frame["customers"], strict=True)]
    shares, revenue = ([float(x) for x in frame[name]] for name in ("share", "revenue_share"))
    two_shares(ax, names, shares, revenue)
    return ax


def transition_matrix(ax: Axes, frame: pd.DataFrame) -> Axes:
    """From each stage (row) to each stage (column): share of the row, which adds up to 1.

    Columns: from_stage, to_stage, customers, share (fraction). Stages appear in the frame's order.
    """
    require_columns(frame, ("from_stage", "to_stage", "customers", "share"))
    rows, columns = (list(dict.fromkeys(frame[name])) for name in ("from_stage", "to_stage"))
    columns = [c for c in rows if c in columns] + [c for c in columns if c not in rows]
    cells = [
        (columns.index(row.to_stage), rows.index(row.from_stage), float(row.share)) for row in frame.itertuples()
    ]
    narrow = is_narrow(ax)
    heatmap(ax, cells, lambda x: f"{x * 100:.0f}{'' if narrow else '%'}" if x else "·", top=1.0)
    ax.set_yticks(range(len(rows)), [str(name) for name in rows])
    ax.set_xticks(range(len(columns)), [str(name) for name in columns], rotation=90 if narrow else 0)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("bottom")
    ax.set_xlabel("From the row to the column, % of the row")
    ax.tick_params(labelcolor=colour("ink"), labelsize=style.FONT_SIZE - 1)
    return ax


def cohort_triangle(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Share of a cohort that bought in a later period. One row a cohort and period.

    Columns: cohort (date), period (0, 1, …), share (fraction), is_partial, is_warm_up (bool), and
    `customers` (the cohort's size) where it shall be shown. Period 0 is everyone and is left out.
    """
    require_columns(frame, ("cohort", "period", "share", "is_partial", "is_warm_up"))
    later = frame[frame["period"].astype(int) > 0]
    if later.empty:
        return _say_nothing(ax)
    cohorts = sorted(set(later["cohort"]))
    cells = [(int(row.period), cohorts.index(row.cohort), float(row.share)) for row in later.itertuples()]
    partial = [bool(flag) for flag in later["is_partial"]]
    whole = [share for (_, _, share), open_ in zip(cells, partial, strict=True) if not open_]
    heatmap(ax, cells, lambda x: f"{x * 100:.0f}", top=max(whole, default=1.0), faint=partial)
    ax.set_yticks(range(len(cohorts)), [_cohort_name(frame, cohort) for cohort in cohorts])
    periods = sorted({column for column, _, _ in cells})
    ax.set_xticks(periods[:: 2 if is_narrow(ax) and len(periods) > 8 else 1])
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("bottom")
    ax.set_xlabel(_cohort_legend(is_narrow(ax), any(partial), bool(later["is_warm_up"].any())))
    return ax


def _say_nothing(ax: Axes) -> Axes:
    ax.set_axis_off()
    ax.text(0.5, 0.5, "No cohort has a later period yet", ha="center", transform=ax.transAxes)
    return ax


def _cohort_name(frame: pd.DataFrame, cohort: Any) -> str:
    rows = frame[frame["cohort"] == cohort]
    star = "*" if bool(rows["is_warm_up"].any()) else ""
    size = f" ({words.count(rows['customers'].iloc[0])})" if "customers" in frame else ""
    return words.month(pd.Timestamp(cohort).date(), short=True) + star + size


def _cohort_legend(narrow: bool, partial: bool, warm_up: bool) -> str:
    marks = ["dotted: period not over"] if partial else []
    marks += ["*: warm-up"] if warm_up else []
    unit = "% buying, months after the first" if narrow else "% of the cohort that bought, by months after the first purchase"
    joint = "\n" if narrow else "   "
    return joint.join(filter(None, [unit, ", ".join(marks)]))


def survival(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Share not yet lost (or not yet returned) by days, with its 95 % band.

    Columns: days, survival, lower, upper (fractions) and, for several curves, group (text).
    """
    require_columns(frame, ("days", "survival", "lower", "upper"))
    groups = frame.groupby("group", sort=False) if "group" in frame else [("", frame)]
    ends = []
    for role, (name, part) in zip(style.CATEGORIES, groups, strict=False):
        x, y, low, high = (part[c].astype(float).to_numpy() for c in ("days", "survival", "lower", "upper"))
        ax.fill_between(x, low, high, step="post", color=colour(role), alpha=0.18, lw=0)
        ax.step(x, y, where="post", color=colour(role))
        ends.append((float(x[-1]), float(y[-1]), str(name), role))
    ax.set_ylim(0, 1.02)
    ax.margins(x=0)
    label_values(ax, "percent")
    label_values(ax, "days", axis="x", most=4 if is_narrow(ax) else 8)
    ax.set_xlabel("Days")
    say_unit(ax, "Share of customers")
    _name_lines(ax, ends)
    return ax


def _name_lines(ax: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Each curve's name at its end (on a phone above it), moved apart where curves end close together."""
    inside = is_narrow(ax)
    lowest = -1.0
    for x, y, name, role in sorted(ends, key=lambda end: end[1]):
        lowest = max(y, lowest + 0.075)
        if name:
            ax.annotate(
                name, (x, lowest), xytext=(-2, 4) if inside else (6, 0), textcoords="offset points",
                va="bottom" if inside else "center", ha="right" if inside else "left",
                color=colour(role), fontweight="bold", annotation_clip=False,
            )  # fmt: skip


def repeat_ladder(ax: Axes, frame: pd.DataFrame) -> Axes:
    """How likely the next purchase is after each, with its interval and the median wait.

    Columns: step (text such as "1st→2nd"), probability, lower, upper (fractions), median_gap_days.
    """
    require_columns(frame, ("step", "probability", "lower", "upper", "median_gap_days"))
    chance, low, high = (frame[name].astype(float).to_numpy() for name in ("probability", "lower", "upper"))
    places = np.arange(len(frame))
    ax.plot(places, chance, color=colour("accent_soft"), lw=2, zorder=1)
    ax.vlines(places, low, high, color=colour("accent"), lw=2.4, zorder=2)
    ax.plot(places, chance, "o", ms=9, color=colour("accent"), mec=colour("paper"), mew=1.2, zorder=3)
    for x, share, bound in zip(places, chance, low, strict=True):
        _write(ax, x, min(share, bound) - 0.025, words.percent(share, 0), va="top", fontweight="bold")
    waits = [words.days(gap) for gap in frame["median_gap_days"]]
    label_ticks(ax, list(places), list(frame["step"]), waits)
    ax.set_xlim(-0.5, len(frame) - 0.5)
    ax.set_ylim(0, 1.04)
    label_values(ax, "percent")
    ax.set_xlabel("Purchase, and the median wait for it", labelpad=18)
    say_unit(ax, "Share that goes on to the next purchase")
    return ax


def _write(ax: Axes, x: float, y: float, text: str, **kind: Any) -> None:
    ax.text(x, y, text, ha="center", **kind)


def days_to_second(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Share of customers with a second purchase within so many days of the first.

    Columns: days, share (fraction, cumulative), and where there is an interval lower, upper.
    """
    require_columns(frame, ("days", "share"))
    x, y = (frame[name].astype(float).to_numpy() for name in ("days", "share"))
    if {"lower", "upper"} <= set(frame.columns):
        ax.fill_between(x, frame["lower"].astype(float), frame["upper"].astype(float), step="post",
                        color=colour("accent"), alpha=0.18, lw=0)  # fmt: skip
    ax.step(x, y, where="post", color=colour("accent"))
    for mark in (30, 90, 180):
        if mark < x[-1]:
            share = float(y[np.searchsorted(x, mark, side="right") - 1])
            ax.plot([mark], [share], "o", ms=7, color=colour("accent"), mec=colour("paper"), mew=1.2)
            ax.annotate(f"{words.percent(share, 0)} within {mark} days", (mark, share), xytext=(8, -6),
                        textcoords="offset points", ha="left", va="top")  # fmt: skip
    ax.set_ylim(0, max(1.02 * float(y.max()), 0.1))
    ax.margins(x=0)
    label_values(ax, "percent")
    label_values(ax, "days", axis="x", most=4 if is_narrow(ax) else 8)
    ax.set_xlabel("Days since the first purchase")
    say_unit(ax, "Share with a second purchase")
    return ax
