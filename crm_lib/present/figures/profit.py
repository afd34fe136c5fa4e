"""Figures of profit: from sales to profit, month by month, the cost to serve, the whale curve."""

from __future__ import annotations

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
)
from crm_lib.present.words import say

BAR = 0.74


def profit_bridge(ax: Axes, frame: pd.DataFrame, *, currency: str) -> Axes:
    """From gross sales to profit, one bar a step, from the top.

    Columns: label (text), amount (money; a deduction is negative), kind ("start", "cost", "subtotal",
    "end"). Whole amounts begin at zero, deductions hang where the one before ended.
    """
    require_columns(frame, ("label", "amount", "kind"))
    running = 0.0
    edges: list[float] = [0.0]
    for i, (amount, kind) in enumerate(rows(frame, "amount", "kind")):
        value = float(amount)
        whole = kind != "cost"
        left = 0.0 if whole else running
        role = "contrast_soft" if not whole else "accent" if kind == "end" else "accent_soft"
        ax.barh(i, value, 0.66, left=left, color=colour(role))
        if i and not whole:
            ax.plot([running, running], [i - 1, i], color=colour("axis"), lw=0.9, zorder=0)
        running = value if whole else running + value
        edges += [left, left + value]
        text = words.money(value, currency, compact=True)
        ax.annotate(
            text, (max(left, left + value), i), xytext=(6, 0), textcoords="offset points", va="center",
            ha="left", fontweight="bold" if whole else "normal",
        )  # fmt: skip
    span = max(edges) - min(edges) or 1.0
    room = 0.36 if is_narrow(ax) else 0.16
    ax.set_xlim(min(edges), max(edges) + room * span)
    ax.set_yticks(range(len(frame)), [short(ax, name, narrow=20) for name in frame["label"]])
    ax.tick_params(axis="y", labelcolor=colour("ink"))
    ax.set_ylim(len(frame) - 0.4, -0.6)
    ax.axvline(0, color=colour("axis"), lw=1)
    ax.grid(visible=False)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    return ax


def profit_by_month(ax: Axes, frame: pd.DataFrame, *, currency: str, profit: str) -> Axes:
    """One bar a month. Columns: month (date), profit (money), is_partial. `profit`: what it is called.

    A month that lost money stands below zero in another colour; a partial one is empty and hatched.
    """
    for i, (amount, partial) in enumerate(rows(frame, "profit", "is_partial")):
        role = "accent" if float(amount) >= 0 else "contrast"
        ax.bar(
            i, float(amount), BAR, color=colour("paper" if partial else role), edgecolor=colour(role),
            lw=1 if partial else 0, hatch="////" if partial else None,
        )  # fmt: skip
    ax.axhline(0, color=colour("axis"), lw=1)
    ax.spines["bottom"].set_visible(False)
    ax.margins(x=0.01, y=0.08)
    label_months(ax, list(frame["month"]))
    label_values(ax, "money", currency)
    unit = words.unit_label("money", currency)
    say_unit(ax, say("label.profit_by_month", profit=_sentence_case(profit), unit=unit))
    return ax


def cost_to_serve(ax: Axes, frame: pd.DataFrame) -> Axes:
    """The cost to serve as a share of revenue, month by month.

    Columns: month (date), cost_to_serve_share (fraction; missing without revenue), is_partial. Partial
    months are hollow dots, without a line to them.
    """
    require_columns(frame, ("month", "cost_to_serve_share", "is_partial"))
    shares = floats(frame, "cost_to_serve_share")
    partial = [bool(flag) for flag in frame["is_partial"]]
    full = [(i, s) for i, s in enumerate(shares) if not partial[i] and not words.is_missing(s)]
    if full:
        ax.plot(*zip(*full, strict=True), color=colour("accent"), marker="o", ms=4.5, mew=0)
        i, last = full[-1]
        # Above whatever the text would cover.
        near = max(share for place, share in full if place > i - 0.12 * len(shares))
        ax.annotate(words.percent(last), (i, near), xytext=(0, 8), textcoords="offset points",
                    ha="right", fontweight="bold")  # fmt: skip
    for i, share in enumerate(shares):
        if partial[i] and not words.is_missing(share):
            ax.plot([i], [share], "o", ms=6, color=colour("accent"), mfc=colour("paper"), mew=1.4)
    top = max((s for _, s in full), default=0.0)
    ax.set_ylim(min(0.0, *(s for _, s in full)) if full else 0.0, 1.25 * top or 1.0)
    ax.margins(x=0.02)
    label_months(ax, list(frame["month"]))
    label_values(ax, "percent")
    say_unit(ax, say("label.cost_to_serve"))
    return ax


def whale_curve(ax: Axes, frame: pd.DataFrame, *, currency: str, profit: str) -> Axes:
    """Cumulative profit, customers sorted by profit, the best first; the peak is marked.

    Columns: customers_share (fraction, ascending), profit (money, cumulative), is_peak (bool). What lies
    right of the peak is taken away again. `profit`: what it is called.
    """
    require_columns(frame, ("customers_share", "profit", "is_peak"))
    x, y = floats(frame, "customers_share"), floats(frame, "profit")
    total = y[-1]
    peaks = [i for i, flag in enumerate(frame["is_peak"]) if flag]
    ax.plot(x, y, color=colour("accent"))
    ax.axhline(total, color=colour("axis"), lw=1.2, ls=(0, (4, 3)))
    if peaks and x[peaks[-1]] < 1:
        top = peaks[-1]
        ax.fill_between(x[top:], y[top:], total, color=colour("contrast_soft"), alpha=0.6, lw=0)
        ax.plot(x[top:], y[top:], color=colour("contrast"))
        _mark_peak(ax, x[top], y[top], currency)
    ax.annotate(
        say("label.all_customers", money=words.money(total, currency, compact=True)), (1, total),
        xytext=(-2, -6), textcoords="offset points", ha="right", va="top", color=colour("muted"),
    )  # fmt: skip
    ax.set_xlim(0, 1)
    ax.set_ylim(min(0.0, *y), (max(*y, 0.0) or 1.0) * 1.14)
    label_values(ax, "percent", axis="x")
    label_values(ax, "money", currency)
    ax.set_xlabel(say("label.customers_sorted"))
    unit = words.unit_label("money", currency)
    say_unit(ax, say("label.cumulative_profit", profit=profit, unit=unit))
    return ax


def _mark_peak(ax: Axes, share: float, money: float, currency: str) -> None:
    ax.plot([share, share], [0, money], color=colour("quiet"), lw=1, zorder=0)
    ax.plot([share], [money], "o", ms=8, color=colour("contrast"), mec=colour("paper"), mew=1.4)
    text = say(
        "label.peak",
        money=words.money(money, currency, compact=True),
        share=words.percent(share, 0),
    )
    # Left of a mark in the right half, where the text would leave the figure.
    side = "left" if share < 0.35 else "right" if share > 0.65 else "center"
    ax.annotate(text, (share, money), xytext=(0, 9), textcoords="offset points", ha=side,
                va="bottom", fontweight="bold")  # fmt: skip


def tenure_years(ax: Axes, frame: pd.DataFrame, *, currency: str, profit: str) -> Axes:
    """Mean profit by year of the relationship, one line a group, with its first and last amount.

    Columns: group ("stayed", "won", "pooled"), year (1, 2, …), profit (money a customer). Those who
    stayed and everyone won are the same customers throughout; the pooled line is dashed.
    """
    require_columns(frame, ("group", "year", "profit"))
    marks = {"pooled": "contrast", "stayed": "accent", "won": "slate"}
    for group, role in marks.items():
        part = frame[frame["group"] == group]
        x, y = floats(part, "year"), floats(part, "profit")
        line = (0, (4, 3)) if group == "pooled" else "solid"
        ax.plot(x, y, color=colour(role), ls=line, marker="o", ms=6, mec=colour("paper"), mew=1)
    _amounts(ax, frame, marks, currency)
    last = int(frame["year"].max())
    ax.set_xticks(range(1, last + 1))
    room = 0.5 if is_narrow(ax) else 0.3
    ax.set_xlim(1 - room, last + room)
    low, high = min(0.0, *floats(frame, "profit")), max(floats(frame, "profit"))
    ax.set_ylim(1.1 * low, 1.14 * high or 1.0)
    label_values(ax, "money", currency)
    ax.set_xlabel(say("label.relationship_year"))
    entries = [(say(f"tenure.group.{group}"), role, "s") for group, role in marks.items()]
    unit = words.unit_label("money", currency)
    what = say("label.per_customer_year", profit=_sentence_case(profit), unit=unit)
    key(ax, entries, what, stacked=is_narrow(ax))
    return ax


def _amounts(ax: Axes, frame: pd.DataFrame, marks: dict[str, str], currency: str) -> None:
    """The first and last amount of each line, beside it, moved apart where lines meet."""
    years = floats(frame, "year")
    gap = (max(floats(frame, "profit")) - min(0.0, *floats(frame, "profit"))) * 0.075
    for year, side in ((min(years), "right"), (max(years), "left")):
        lowest = float("-inf")
        at = frame[frame["year"] == year].sort_values("profit")
        for group, amount in rows(at, "group", "profit"):
            lowest = max(float(amount), lowest + gap)
            ax.annotate(
                words.money(float(amount), currency, compact=True, digits=0), (year, lowest),
                xytext=(-9 if side == "right" else 9, 0), textcoords="offset points", va="center",
                ha=side, color=colour(marks[group]), fontsize=style.FONT_SIZE - 0.5,
            )  # fmt: skip


LONGEST_FOLLOWED = 36
HALF_YEARS = (1, 6, 12, 18, 24, 30, 36)


def payback(ax: Axes, frame: pd.DataFrame, *, currency: str) -> Axes:
    """What one customer won has brought by each month, less what winning it cost; one line an origin.

    Columns: origin (text), month (1, 2, …), net (money). Where a line crosses zero the cost is paid
    back. At most six origins are kept apart, in the frame's order, and 36 months shown.
    """
    require_columns(frame, ("origin", "month", "net"))
    shown = frame[frame["month"] <= LONGEST_FOLLOWED]
    names = list(dict.fromkeys(shown["origin"]))[: len(style.CATEGORIES)]
    entries = []
    for role, name in zip(style.CATEGORIES, names, strict=False):
        part = shown[shown["origin"] == name]
        ax.plot(floats(part, "month"), floats(part, "net"), color=colour(role))
        entries.append((short(ax, name), role, "s"))
    ax.axhline(0, color=colour("ink"), lw=1.1)
    ax.margins(x=0.02)
    label_values(ax, "money", currency)
    ax.set_xticks(
        [month for month in HALF_YEARS if month <= max(floats(shown, "month"), default=0)]
    )
    ax.set_xlabel(say("label.relationship_month"))
    narrow = is_narrow(ax)
    unit = words.unit_label("money", currency)
    what = say("label.after_cost_short" if narrow else "label.after_cost", unit=unit)
    key(ax, entries, what, stacked=narrow)
    return ax


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]
