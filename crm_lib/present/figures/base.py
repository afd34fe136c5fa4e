"""Figures of the customer base: revenue by month, customer flow, what made revenue change."""

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
    require_columns,
    rows,
    say_unit,
    short,
    stripe,
)
from crm_lib.present.words import say

BAR = 0.74
LONGEST_WHOLE = 10_000_000


def revenue_by_month(ax: Axes, frame: pd.DataFrame, *, currency: str) -> Axes:
    """One bar a month. Frame: one row a month, in order. Columns: month (date), revenue (money), is_partial, is_warm_up (bool).

    A partial month is an empty, hatched bar; the warm-up, in which everyone looks new, a pale band.
    """
    bars = list(rows(frame, "revenue", "is_partial", "is_warm_up"))
    for i, (revenue, partial, _) in enumerate(bars):
        ax.bar(
            i, float(revenue), BAR, color=colour("paper" if partial else "accent"),
            edgecolor=colour("accent"), lw=1 if partial else 0, hatch="////" if partial else None,
        )  # fmt: skip
        if partial:
            _above(ax, i, float(revenue), say("label.partial"))
    _label_last_full(ax, [float(bar[0]) for bar in bars], [bool(bar[1]) for bar in bars], currency)
    _mark_warm_up(ax, frame)
    ax.margins(x=0.01, y=0.12)
    label_months(ax, list(frame["month"]))
    label_values(ax, "money", currency)
    say_unit(ax, say("label.revenue_by_month", unit=words.unit_label("money", currency)))
    return ax


LABEL_REACH = 1 / 24
"""Half the width of a label, as a share of the figure's: bars within it lie below the label."""


def _label_last_full(
    ax: Axes, revenue: Sequence[float], partial: Sequence[bool], currency: str
) -> None:
    """The last full month's amount, above every bar that its text reaches; a line leads to its own."""
    full = [i for i, is_partial in enumerate(partial) if not is_partial]
    if not full:
        return
    last = full[-1]
    reach = int(LABEL_REACH * (2 if is_narrow(ax) else 1) * len(revenue))
    near = range(max(last - reach, 0), min(last + reach + 1, len(revenue)))
    own = revenue[last]
    top = max(revenue[i] for i in near) if own >= 0 else own
    if top > own:
        ax.plot([last, last], [own, top], color=colour("quiet"), lw=1, zorder=3)
    text = words.money(own, currency, compact=True)
    _above(ax, last, top, text, "ink", lines=int(any(partial[i] for i in near)))


def _above(ax: Axes, x: float, y: float, text: str, role: str = "muted", lines: int = 0) -> None:
    """A text beyond the end of a bar, `lines` of text away from it."""
    gap = 3 + 1.3 * style.FONT_SIZE * lines
    ax.annotate(
        text, (x, y), xytext=(0, gap if y >= 0 else -gap), textcoords="offset points", ha="center",
        va="bottom" if y >= 0 else "top", color=colour(role), fontsize=style.FONT_SIZE - 1,
    )  # fmt: skip


def _mark_warm_up(ax: Axes, frame: pd.DataFrame) -> None:
    flags = frame["is_warm_up"].to_list() if "is_warm_up" in frame else []
    warm = [i for i, flag in enumerate(flags) if flag]
    if warm:
        stripe(ax, warm[0] - 0.5, warm[-1] + 0.5, say("label.warm_up"))


def customer_flow(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Who came and who went, one column a month. Columns: month, opening, new, reactivated, lapsed, closing.

    Above zero new and reactivated customers, below zero the lapsed; the dot is the net change.
    Every month opening + new + reactivated − lapsed = closing.
    """
    require_columns(frame, ("month", "opening", "new", "reactivated", "lapsed", "closing"))
    places = range(len(frame))
    new, back, gone = (floats(frame, name) for name in ("new", "reactivated", "lapsed"))
    ax.bar(places, new, BAR, color=colour("accent"))
    ax.bar(places, back, BAR, bottom=new, color=colour("accent_soft"))
    ax.bar(places, [-n for n in gone], BAR, color=colour("contrast"))
    net = [
        float(closing) - float(opening) for opening, closing in rows(frame, "opening", "closing")
    ]
    ax.plot(places, net, "o", ms=6, color=colour("ink"), mec=colour("paper"), mew=1.4)
    ax.axhline(0, color=colour("axis"), lw=1)
    ax.spines["bottom"].set_visible(False)
    ax.margins(x=0.01, y=0.08)
    _mark_warm_up(ax, frame)
    label_months(ax, list(frame["month"]))
    label_values(ax, "count")
    marks = {"new": "accent", "reactivated": "accent_soft", "lapsed": "contrast", "net": "ink"}
    entries = [
        (say(f"label.{name}"), role, "o" if name == "net" else "s") for name, role in marks.items()
    ]
    key(ax, entries, say("label.customers_by_month"))
    return ax


def decomposition(ax: Axes, frame: pd.DataFrame, *, currency: str) -> Axes:
    """From one period's revenue to the next: what each factor added or took away, exactly.

    Columns: factor (text), effect (money), kind ("start", "effect", "end"), one row a step in order; start
    and end carry whole amounts and are dots, so that the axis need not begin at zero.
    """
    running = 0.0
    levels: list[float] = []
    for i, (effect, kind) in enumerate(rows(frame, "effect", "kind")):
        amount = float(effect)
        text = _plain_or_short(amount, currency)
        if kind == "effect":
            role = "accent" if amount >= 0 else "contrast"
            ax.barh(i, amount, 0.6, left=running, color=colour(role))
            edge, running = max(running, running + amount), running + amount
            _right_of(ax, i, edge, text if amount <= 0 else "+" + text, 5)
        else:
            running = amount
            ax.plot([amount], [i], "o", ms=11, mew=0, color=colour("ink"))
            _right_of(ax, i, amount, text, 10, "bold")
        levels.append(running)
    for i, level in enumerate(levels[:-1]):
        ax.plot([level, level], [i, i + 1], color=colour("axis"), lw=0.9, ls=(0, (2, 2)), zorder=0)
    _name_steps(ax, frame, levels)
    return ax


def _plain_or_short(amount: float, currency: str) -> str:
    """Whole units, so that the steps can be added up; shortened where they would not fit."""
    is_long = abs(amount) >= LONGEST_WHOLE
    return words.money(amount, currency, compact=is_long, digits=None if is_long else 0)


def _right_of(
    ax: Axes, row: float, x: float, text: str, gap: float, weight: str = "normal"
) -> None:
    ax.annotate(text, (x, row), xytext=(gap, 0), textcoords="offset points", va="center",
                ha="left", fontweight=weight)  # fmt: skip


def _name_steps(ax: Axes, frame: pd.DataFrame, levels: list[float]) -> None:
    """Factors as rows; room on the right for the numbers."""
    span = (max(levels) - min(levels)) or abs(levels[0]) or 1.0
    ax.set_xlim(min(levels) - 0.12 * span, max(levels) + (0.65 if is_narrow(ax) else 0.3) * span)
    ax.set_yticks(range(len(frame)), [short(ax, name) for name in frame["factor"]])
    ax.tick_params(axis="y", labelcolor=colour("ink"))
    ax.set_ylim(len(frame) - 0.4, -0.6)
    ax.grid(visible=False)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
