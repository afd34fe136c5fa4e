"""Figures of the data's quality: what the feed delivered, day by day."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_lib.present import words
from crm_lib.present.figures.marks import (
    colour,
    floats,
    label_months,
    label_values,
    require_columns,
    say_unit,
)

# Three years: more days than this make a heavy picture and no clearer one.
MOST_DAYS = 1096


def volume_by_day(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Lines received by day; days without any line are marked at the bottom. Columns: day (date), lines.

    Days that the frame leaves out between its first and last count as days without lines; of many
    years the latest are shown, and the figure says so.
    """
    require_columns(frame, ("day", "lines"))
    lines = pd.Series(floats(frame, "lines"), index=pd.to_datetime(frame["day"]))
    span = pd.date_range(lines.index.min(), lines.index.max(), freq="D")
    cut = len(span) > MOST_DAYS
    span = span[-MOST_DAYS:]
    whole = lines.reindex(span, fill_value=0.0).to_numpy()
    place = np.arange(len(whole))
    ax.fill_between(place, whole, step="mid", color=colour("accent_soft"), lw=0)
    ax.step(place, whole, where="mid", color=colour("accent"), lw=1)
    gaps = place[whole == 0]
    if len(gaps):
        _mark_gaps(ax, gaps)
    starts = [i for i, date in enumerate(span) if date.day == 1] or [0]
    label_months(ax, [span[i] for i in starts], starts)
    ax.set_ylim(bottom=0)
    ax.margins(x=0.005)
    label_values(ax, "count")
    unit = words.say("label.lines_by_day_cut", days=words.days(MOST_DAYS)) if cut else None
    say_unit(ax, unit or words.say("label.lines_by_day"))
    return ax


def _mark_gaps(ax: Axes, gaps: np.ndarray) -> None:
    role = colour("contrast")
    ax.plot(gaps, np.zeros(len(gaps)), "|", ms=9, mew=1.6, color=role, clip_on=False)
    text = words.say("label.gaps", days=words.days(len(gaps)))
    ax.annotate(text, (1, 1), xycoords="axes fraction", xytext=(0, 8), textcoords="offset points",
                ha="right", va="bottom", color=role)  # fmt: skip
