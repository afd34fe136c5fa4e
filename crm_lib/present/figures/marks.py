"""Helpers shared by the figures: months on an axis, units in words, labels beside the marks."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crm_lib.periods import month_number
from crm_lib.present import style, words
from crm_lib.present.figures.canvas import is_narrow
from crm_lib.present.tables import require_columns

__all__ = [
    "colour",
    "floats",
    "heatmap",
    "is_narrow",
    "key",
    "label_months",
    "label_ticks",
    "label_values",
    "only_categories",
    "require_columns",
    "rows",
    "say_unit",
    "short",
    "stripe",
    "two_shares",
]
colour = style.colour


def floats(frame: pd.DataFrame, name: str) -> list[float]:
    """A column of numbers as plain floats (money may come as Decimal)."""
    return [float(x) for x in frame[name].to_list()]


def rows(frame: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    """The named columns row by row; raises UsageError for one that the frame does not have."""
    require_columns(frame, names)
    return zip(*(frame[name].to_list() for name in names), strict=True)


def say_unit(ax: Axes, text: str) -> None:
    """What the vertical axis counts, written level above it instead of turned beside it."""
    ax.annotate(
        text, (0, 1), xycoords="axes fraction", xytext=(0, 8), textcoords="offset points",
        ha="left", va="bottom", color=colour("muted"),
    )  # fmt: skip


def label_values(
    ax: Axes, unit: str, currency: str | None = None, axis: str = "y", most: int = 5
) -> None:
    """Ticks with their unit and short large numbers; no more than `most` of them."""
    target = ax.yaxis if axis == "y" else ax.xaxis

    def text(x: float, _: object) -> str:
        if unit == "percent":
            return words.percent(x, 0)
        if unit == "money":
            return _short_money(x, currency)
        if unit == "ratio":
            return words.ratio(x, 0 if float(x).is_integer() else 1)
        return words.count(x, compact=True)

    steps = [1, 2, 2.5, 5, 10]
    target.set_major_locator(MaxNLocator(most, steps=steps, integer=unit in {"count", "days"}))
    target.set_major_formatter(FuncFormatter(text))


def _short_money(x: float, currency: str | None) -> str:
    digits = 0 if float(x).is_integer() else None
    return words.money(x, words.known_currency(currency), compact=True, digits=digits)


def label_months(ax: Axes, dates: Sequence[Any], places: Sequence[float] | None = None) -> None:
    """Ticks at `places` (0, 1, … unless given) named by month, the year under the first of each year."""
    days = [pd.Timestamp(date).date() for date in dates]
    spots = list(places) if places is not None else [float(i) for i in range(len(days))]
    shown = _regular(days, 6 if is_narrow(ax) else 14)
    names = [words.month(days[i], short=True).split() for i in shown]
    years = [year if k == 0 or year != names[k - 1][1] else "" for k, (_, year) in enumerate(names)]
    label_ticks(ax, [spots[i] for i in shown], [name for name, _ in names], years)


MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)


def _regular(days: Sequence[Any], most: int) -> list[int]:
    """The places of at most `most` months at equal steps that fit a year, on Januaries where there are any."""
    months = [month_number(day) for day in days]
    start = next((month for month in months if month % 12 == 0), months[0]) if months else 0
    for step in MONTH_STEPS:
        shown = [i for i, month in enumerate(months) if (month - start) % step == 0]
        if len(shown) <= most:
            break
    return shown


def label_ticks(
    ax: Axes, places: Sequence[float], names: Sequence[str], below: Sequence[str]
) -> None:
    """Names under a horizontal axis with a second, paler line (each line is a text of its own, so that
    both stay centred in whatever font the reader has)."""
    ax.set_xticks(list(places), [str(name) for name in names])
    for place, text in zip(places, below, strict=True):
        ax.annotate(
            text, (place, 0), xycoords=("data", "axes fraction"), xytext=(0, -21), textcoords="offset points",
            ha="center", va="top", color=colour("muted"), fontsize=style.FONT_SIZE - 1,
        )  # fmt: skip


def key(
    ax: Axes, entries: Sequence[tuple[str, str, str]], unit: str = "", stacked: bool = False
) -> None:
    """Above the axes: each mark with its word (word, role, marker), the axis' unit on top of them."""
    for word, role, marker in entries:
        hollow = marker == "hollow"
        ax.plot(
            [], [], "o" if hollow else marker, label=word, color=colour(role), ms=9 if marker == "s" else 7,
            mfc=colour("paper") if hollow else colour(role), mew=2 if hollow else 0,
        )  # fmt: skip
    legend = ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, borderpad=0.2, ncols=1 if stacked else len(entries),
        title=unit or None, alignment="left", handletextpad=0.1, columnspacing=1.1, handlelength=1.4,
    )  # fmt: skip
    legend.get_title().set_color(colour("muted"))


def short(ax: Axes, name: object, narrow: int = 16) -> str:
    """A name that leaves room for the figure, on a phone in two lines of `narrow` letters; the table beside it
    has the whole."""
    width, lines = (narrow, 2) if is_narrow(ax) else (34, 1)
    return "\n".join(textwrap.wrap(str(name), width, max_lines=lines, placeholder="…"))


def only_categories(ax: Axes, names: Sequence[str]) -> None:
    """Rows 0, 1, … from the top carry names; only vertical lines, no axes drawn."""
    ax.set_yticks(range(len(names)), [short(ax, name) for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", labelcolor=colour("ink"))
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="x", length=0)


def two_shares(
    ax: Axes,
    names: Sequence[str],
    customers: Sequence[float],
    revenue: Sequence[float],
    of: str = "label.revenue",
) -> None:
    """One row a name: a ring for its share of customers, a dot for its share of revenue, both with number.

    `of` names what else the second share is of.

    A share that does not exist (NaN, as of no revenue at all) has no mark.
    """
    rows = range(len(names))
    ax.hlines(rows, customers, revenue, color=colour("quiet"), lw=3, zorder=1)
    ax.plot(
        customers, rows, "o", ms=8.5, color=colour("slate"), mfc=colour("paper"), mew=2, zorder=2
    )
    ax.plot(revenue, rows, "o", ms=9.5, color=colour("accent"), mew=0, zorder=3)
    known = [share for share in (*customers, *revenue) if not words.is_missing(share)]
    top, low = max([*known, 0.01]), min([*known, 0.0])
    for row, (a, b) in enumerate(zip(customers, revenue, strict=True)):
        if words.is_missing(a) or words.is_missing(b):
            _one_share(ax, row, a, b)
            continue
        roles = ("muted", "accent") if a <= b else ("accent", "muted")
        texts = [_share(share) for share in sorted((a, b))]
        if abs(a - b) > 0.005 * top:
            _beside(ax, row, min(a, b), texts[0], "left", roles[0])
        _beside(ax, row, max(a, b), texts[1], "right", roles[1])
    only_categories(ax, names)
    # A number left of its dot needs the more room the more of it there is: −233%.
    left = (0.2 if is_narrow(ax) else 0.1) * (1 if low == 0 else 1.6)
    ax.set_xlim(low - left * (top - low), top + 0.2 * (top - low))
    label_values(ax, "percent", axis="x", most=4 if is_narrow(ax) else 7)
    ax.set_xticks([tick for tick in ax.get_xticks() if low <= tick <= top + 0.2 * (top - low)])
    marks = [
        (words.say("label.customers"), "slate", "hollow"),
        (words.say(of), "accent", "o"),
    ]
    key(ax, marks, words.say("label.share_of"))


def _one_share(ax: Axes, row: float, customers: float, revenue: float) -> None:
    """The number of the share there is, if there is one."""
    for share, role in ((customers, "muted"), (revenue, "accent")):
        if not words.is_missing(share):
            _beside(ax, row, share, _share(share), "right", role)


def _share(share: float) -> str:
    """Whole per cent; what is less than one is not called nothing."""
    return words.say("label.under_one") if 0 < share < 0.005 else words.percent(share, 0)


def _beside(ax: Axes, row: float, x: float, text: str, side: str, role: str) -> None:
    right = side == "right"
    ax.annotate(
        text, (x, row), xytext=(9 if right else -9, 0), textcoords="offset points", va="center",
        ha="left" if right else "right", color=colour(role), fontsize=style.FONT_SIZE - 0.5,
    )  # fmt: skip


def stripe(ax: Axes, left: float, right: float, text: str) -> None:
    """A pale band over part of a horizontal axis with its meaning at the top."""
    ax.axvspan(left, right, color=colour("grid"), alpha=0.55, lw=0, zorder=0)
    ax.annotate(
        text, ((left + right) / 2, 1), xycoords=("data", "axes fraction"), xytext=(0, -3),
        textcoords="offset points", ha="center", va="top", color=colour("muted"), fontsize=style.FONT_SIZE - 1.5,
    )  # fmt: skip


def heatmap(
    ax: Axes,
    cells: Sequence[tuple[int, int, float]],
    text: Callable[[float], str],
    top: float,
    faint: Sequence[bool] | None = None,
) -> None:
    """Squares at (column, row) coloured from 0 to `top`, each with its number.

    Empty (0) and faint squares have no colour, faint ones a dotted edge.
    """
    for i, (column, row, amount) in enumerate(cells):
        partial = bool(faint and faint[i])
        step = style.ramp_step(amount / top if top else 0.0)
        plain = partial or not amount
        _square(ax, column, row, colour("paper") if plain else style.RAMP[step][0], dotted=partial)
        ax.text(
            column, row, text(amount), ha="center", va="center", fontsize=style.FONT_SIZE - 1,
            color=colour("muted") if plain else style.ramp_label(step),
        )  # fmt: skip
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    columns, rows = [cell[0] for cell in cells], [cell[1] for cell in cells]
    ax.set_xlim(min(columns) - 0.5, max(columns) + 0.5)
    ax.set_ylim(max(rows) + 0.5, min(rows) - 0.5)


def _square(ax: Axes, column: int, row: int, fill: str, dotted: bool) -> None:
    inset = 0.06 if dotted else 0.0
    side = 1 - 2 * inset
    edge = colour("axis" if dotted else "paper")
    line: Any = (0, (2, 2)) if dotted else "solid"
    corner = (column - 0.5 + inset, row - 0.5 + inset)
    width = 0.9 if dotted else 1.5
    ax.add_patch(Rectangle(corner, side, side, facecolor=fill, edgecolor=edge, lw=width, ls=line))
