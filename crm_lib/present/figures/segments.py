"""Figures of segments: their shares, the RFM grid, concentration, profiles."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from crm_lib.present import style, words
from crm_lib.present.figures.marks import (
    colour,
    floats,
    heatmap,
    label_ticks,
    label_values,
    require_columns,
    rows,
    say_unit,
    two_shares,
)
from crm_lib.present.words import say

FLAT = 2.0
"""Above so many times the whole, what is written beside the diagonal would cover it."""


def segment_sizes(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Share of customers against share of revenue, one row a segment, largest share of revenue on top.

    Columns: segment, customers_share, revenue_share (fractions; each column adds up to 1).
    """
    require_columns(frame, ("segment", "customers_share", "revenue_share"))
    return _shares(ax, frame.sort_values("revenue_share", ascending=False), "segment")


def profile_bars(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Share of customers against share of revenue by the values of an attribute, in the frame's order.

    Columns: value (text), customers_share, revenue_share (fractions).
    """
    return _shares(ax, frame, "value")


def _shares(ax: Axes, frame: pd.DataFrame, name: str) -> Axes:
    require_columns(frame, (name, "customers_share", "revenue_share"))
    names = [str(each) for each in frame[name]]
    two_shares(ax, names, floats(frame, "customers_share"), floats(frame, "revenue_share"))
    return ax


def rfm_grid(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Customers by recency score (5 = bought lately) and frequency score (5 = buys most often).

    Columns: recency_score, frequency_score (1 to 5), customers (count). A missing pair holds nobody.
    """
    found = {
        (int(recency), int(frequency)): float(customers)
        for recency, frequency, customers in rows(
            frame, "recency_score", "frequency_score", "customers"
        )
    }
    scores = range(1, 6)
    cells = [(r, 6 - f, found.get((r, f), 0.0)) for r in scores for f in scores]
    heatmap(ax, cells, words.count, top=max(found.values()))
    below = [say("label.long_ago"), "", "", "", say("label.lately")]
    label_ticks(ax, list(scores), [str(score) for score in scores], below)
    beside = [say("label.rarely", score="1"), "2", "3", "4", say("label.often", score="5")]
    ax.set_yticks([6 - f for f in scores], beside)
    ax.set_xlabel(say("label.recency_score"), labelpad=18)
    say_unit(ax, say("label.frequency_score"))
    return ax


def lorenz(
    ax: Axes, frame: pd.DataFrame, *, top: pd.DataFrame, of: str = "label.share_of_revenue"
) -> Axes:
    """Cumulative share of revenue held by the best customers, best first; the diagonal is equality.

    Columns: customer_share, revenue_share (fractions from 0 to 1, ascending in customer_share).
    `top`: one row of `concentration.top_shares`, the mark: a curve thinned to few points would be read
    off a little beside what the sentences say. `of`: the label of what else is held.
    """
    require_columns(frame, ("customer_share", "revenue_share"))
    x, y = floats(frame, "customer_share"), floats(frame, "revenue_share")
    ax.fill_between(x, x, y, color=colour("accent_soft"), alpha=0.45, lw=0)
    ax.plot([0, 1], [0, 1], color=colour("axis"), lw=1.2, ls=(0, (4, 3)))
    ax.plot(x, y, color=colour("accent"))
    _mark_top(ax, top)
    # Where some lose money the best hold more than all of it, and the diagonal lies nearly flat.
    known = [share for share in y if not words.is_missing(share)]
    bottom, most = min([0.0, *known]), max([1.0, *known])
    at, up, side = (0.72, -6, "top") if most < FLAT else (0.4, 6, "bottom")
    ax.annotate(say("label.equality"), (at, at), xytext=(8, up), textcoords="offset points",
                ha="left", va=side, color=colour("muted"), fontsize=style.FONT_SIZE - 1)  # fmt: skip
    ax.set_xlim(0, 1)
    ax.set_ylim(bottom, 1.02 * most)
    label_values(ax, "percent", axis="x")
    label_values(ax, "percent")
    ax.set_xlabel(say("label.customers_sorted"))
    say_unit(ax, say(of))
    return ax


def _mark_top(ax: Axes, top: pd.DataFrame) -> None:
    """How much the best customers hold, where there is anything to hold."""
    (asked, share, held), *_ = rows(top, "share", "customers_share", "value_share")
    if words.is_missing(held):
        return
    ax.plot([share, share], [0, held], color=colour("contrast"), lw=1.2)
    ax.plot([share], [held], "o", ms=8, color=colour("contrast"), mec=colour("paper"), mew=1.4)
    # Left of a mark in the right half, where the text would leave the figure.
    side = 1 if share < 0.5 else -1
    ax.annotate(
        say("label.vital", share=words.percent(asked, 0), held=words.percent(held)), (share, 0 if held < FLAT else held / 2),
        xytext=(7 * side, 6), textcoords="offset points", ha="left" if side > 0 else "right",
        va="bottom", fontweight="bold",
    )  # fmt: skip
