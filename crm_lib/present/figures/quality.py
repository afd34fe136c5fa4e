"""Figures of the data's quality: what the feed delivered, day by day."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_lib.present import words
from crm_lib.present.figures.marks import (
    colour,
    label_months,
    label_values,
    require_columns,
    say_unit,
)

def volume_by_day(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Lines received by day; days without any line are marked at the bottom. Columns: day (date), lines.

    Days that the frame leaves out between its first and last count as days without lines.
    """
    require_columns(frame, ("day", "lines"))
    days = pd.to_datetime(frame["day"])
    lines = pd.Series(frame["lines"].astype(float).to_numpy(), index=days)
    whole = lines.reindex(pd.date_range(days.min(), days.max(), freq="D"), fill_value=0.0)
    place = np.arange(len(whole))
    ax.fill_between(place, whole.to_numpy(), step="mid", color=colour("accent_soft"), lw=0)
    ax.step(place, whole.to_numpy(), where="mid", color=colour("accent"), lw=1)
    gaps = place[whole.to_numpy() == 0]
    if len(gaps):
        ax.plot(gaps, np.zeros(len(gaps)), "|", ms=9, mew=1.6, color=colour("contrast"), clip_on=False)
        ax.annotate(f"{words.counted(len(gaps), 'day')} without lines", (1, 1), xycoords="axes fraction",
                    xytext=(0, 8), textcoords="offset points", ha="right", va="bottom", color=colour("contrast"))  # fmt: skip
    starts = [i for i, date in enumerate(whole.index) if date.day == 1] or [0]
    label_months(ax, [whole.index[i] for i in starts], starts)
    ax.set_ylim(bottom=0)
    ax.margins(x=0.005)
    label_values(ax, "count")
    say_unit(ax, "Order lines a day")
    return ax
