"""Figures of lifetime value: did the model tell what came, what customers are worth, what moves it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from crm_lib.present import style, words
from crm_lib.present.figures.marks import (
    colour,
    floats,
    is_narrow,
    key,
    label_months,
    label_values,
    only_categories,
    require_columns,
    rows,
    stripe,
    two_shares,
)
from crm_lib.present.words import say

BAR = 0.74
DASHED = (0, (4, 3))
ROOM, ROOM_NARROW = 0.3, 0.55
"""Room for a number beside a bar, as a share of the longest."""


def tracking(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Repeat purchases a period, as they came and as the model expected them.

    Columns: on (the period's last day), actual, expected (counts), is_holdout. The held-out period,
    which the model had not seen, is a pale band.
    """
    require_columns(frame, ("on", "actual", "expected", "is_holdout"))
    days = pd.to_datetime(frame["on"])
    x = [(day - days.iloc[0]).days for day in days]
    ax.plot(x, floats(frame, "actual"), color=colour("accent_soft"), lw=2.6)
    ax.plot(x, floats(frame, "expected"), color=colour("ink"), lw=1.6, ls=DASHED)
    unseen = [place for place, flag in zip(x, frame["is_holdout"], strict=True) if flag]
    if unseen:
        step = x[-1] - x[-2] if len(x) > 1 else 1
        stripe(ax, unseen[0] - step, unseen[-1], say("label.unseen"))
    starts = pd.date_range(days.iloc[0], days.iloc[-1], freq="MS")
    if len(starts):
        label_months(ax, list(starts), [float((day - days.iloc[0]).days) for day in starts])
    ax.margins(x=0.01)
    ax.set_ylim(0, 1.12 * max(*floats(frame, "actual"), *floats(frame, "expected"), 1))
    label_values(ax, "count")
    entries = [
        (say("label.actual"), "accent_soft", "s"),
        (say("label.expected"), "ink", "o"),
    ]
    key(ax, entries, say("label.repeats_a_period"))
    return ax


def calibration(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Purchases a customer in the held-out period by repeat purchases before it: expected beside actual.

    Columns: repeats, is_open (the last group is "or more"), customers, actual, expected (means).
    """
    require_columns(frame, ("repeats", "is_open", "customers", "actual", "expected"))
    places = list(range(len(frame)))
    actual, expected = floats(frame, "actual"), floats(frame, "expected")
    ax.vlines(places, actual, expected, color=colour("quiet"), lw=3, zorder=1)
    ax.plot(places, actual, "o", ms=9.5, color=colour("accent"), mew=0, zorder=2)
    ax.plot(
        places, expected, "o", ms=8.5, color=colour("ink"), mfc=colour("paper"), mew=2, zorder=3
    )
    _name_counts(ax, frame)
    ax.set_ylim(0, 1.1 * max(*actual, *expected, 0.1))
    label_values(ax, "ratio")
    ax.set_xlabel(say("label.repeats_before"))
    entries = [(say("label.actual"), "accent", "o"), (say("label.expected"), "ink", "hollow")]
    key(ax, entries, say("label.purchases_a_customer"))
    return ax


def frequency(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Customers by number of repeat purchases: as they are, and as the fitted model has them.

    Columns: repeats, is_open, actual, expected (customers).
    """
    require_columns(frame, ("repeats", "is_open", "actual", "expected"))
    half = BAR / 2
    for shift, name, role in ((-half, "actual", "accent"), (0.0, "expected", "quiet")):
        places = [i + shift + half / 2 for i in range(len(frame))]
        ax.bar(places, floats(frame, name), half, color=colour(role))
    _name_counts(ax, frame)
    label_values(ax, "count")
    ax.set_xlabel(say("label.repeats_before"))
    entries = [(say("label.actual"), "accent", "s"), (say("label.expected"), "quiet", "s")]
    key(ax, entries, say("label.customers_by_repeats"))
    return ax


def _name_counts(ax: Axes, frame: pd.DataFrame) -> None:
    """0, 1 … under the axis, the open group with a plus."""
    names = [f"{int(n)}{'+' if more else ''}" for n, more in rows(frame, "repeats", "is_open")]
    ax.set_xticks(range(len(frame)), names)
    ax.set_xlim(-0.6, len(frame) - 0.4)


def clv_by_group(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Share of customers against share of their value to come, one row a group, in the frame's order.

    Columns: group (text), customers_share, clv_share (fractions).
    """
    require_columns(frame, ("group", "customers_share", "clv_share"))
    names = [str(name) for name in frame["group"]]
    shares = floats(frame, "customers_share"), floats(frame, "clv_share")
    two_shares(ax, names, *shares, of="label.clv")
    return ax


def customer_equity(ax: Axes, frame: pd.DataFrame, *, currency: str) -> Axes:
    """What present customers are worth, and those expected to come; the interval where there is one.

    Columns: part (text), equity (money), low, high (money; missing where there is no interval).
    """
    require_columns(frame, ("part", "equity", "low", "high"))
    worth = floats(frame, "equity")
    for i, (amount, low, high) in enumerate(rows(frame, "equity", "low", "high")):
        ax.barh(i, amount, 0.5, color=colour("accent" if i == 0 else "accent_soft"))
        if not words.is_missing(low):
            ax.plot([low, high], [i, i], color=colour("ink"), lw=1.6, marker="|", ms=9, mew=1.6)
    ends = [
        max(float(top) for top in (amount, high) if not words.is_missing(top))
        for amount, high in rows(frame, "equity", "high")
    ]
    texts = [words.money(amount, currency, compact=True) for amount in worth]
    _beside_bars(ax, list(frame["part"]), worth, ends, texts)
    return ax


def levers(ax: Axes, frame: pd.DataFrame, *, currency: str) -> Axes:
    """What one step of each lever adds to equity: present customers and future ones on one bar.

    Columns: label (text), present, future, total (changes in money).
    """
    require_columns(frame, ("label", "present", "future", "total"))
    for i, (present, future) in enumerate(rows(frame, "present", "future")):
        ax.barh(i, present, 0.55, color=colour("accent"))
        # What pulls the other way begins at zero, too.
        start = present if present * future >= 0 else 0.0
        ax.barh(i, future, 0.55, left=start, color=colour("accent_soft"))
    total = floats(frame, "total")
    texts = [("+" if x > 0 else "") + words.money(x, currency, compact=True) for x in total]
    ends = [
        max(p, f, p + f, 0.0)
        for p, f in zip(floats(frame, "present"), floats(frame, "future"), strict=True)
    ]
    _beside_bars(ax, list(frame["label"]), total, ends, texts)
    entries = [
        (say("label.present_customers"), "accent", "s"),
        (say("label.future_customers"), "accent_soft", "s"),
    ]
    key(ax, entries, stacked=is_narrow(ax))
    return ax


def _beside_bars(
    ax: Axes,
    names: Sequence[str],
    values: Sequence[float],
    ends: Sequence[float],
    texts: Sequence[str],
) -> None:
    """Rows with their names, each bar's number to its right, no scale."""
    only_categories(ax, names)
    for row, (end, text) in enumerate(zip(ends, texts, strict=True)):
        ax.annotate(
            text, (max(end, 0.0), row), xytext=(7, 0), textcoords="offset points", va="center",
            ha="left", fontweight="bold", fontsize=style.FONT_SIZE - 0.5,
        )  # fmt: skip
    top, low = max(*ends, 0.0), min(*values, 0.0)
    span = (top - low) or 1.0
    ax.set_xlim(low - 0.02 * span, top + (ROOM_NARROW if is_narrow(ax) else ROOM) * span)
    ax.axvline(0, color=colour("axis"), lw=1)
    ax.grid(visible=False)
    ax.set_xticks([])
