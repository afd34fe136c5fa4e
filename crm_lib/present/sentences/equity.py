"""Sentences on customer equity: present customers, those to come, and what would move it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crm_lib.periods import Window
from crm_lib.present import words
from crm_lib.present.words import say


def equity_interval(interval: Sequence[float] | None, currency: str) -> str:
    """The interval of the equity of present customers, and what is in it."""
    if interval is None:
        return say("clv.interval.none")
    low, high = (words.money(end, currency, digits=0) for end in interval)
    return say("clv.interval", low=low, high=high)


def equity(
    parts: pd.DataFrame,
    *,
    a_month: float,
    each: float,
    cost: float | None,
    window: Window,
    horizon_months: int,
    currency: str,
) -> str:
    """What present customers and those to come are worth. Frame: `equity.parts`."""
    present, future = (words.money(x, currency, digits=0) for x in parts["equity"])
    if not a_month:
        return say("equity.nobody", present=present, window=words.in_words(window))
    paid = (
        say("equity.cost.unknown")
        if cost is None
        else say("equity.cost.net", cost=words.money(cost, currency))
    )
    return say(
        "equity.both",
        present=present,
        future=future,
        months=words.months(horizon_months),
        pace=words.ratio(a_month, 0 if a_month >= 10 else 1),
        each=words.money(each, currency),
        cost=paid,
    )


def equity_unknown(present: float, reason: str, currency: str) -> str:
    """What present customers are worth, where nobody new can be counted."""
    return say("equity.unknown", present=words.money(present, currency, digits=0), reason=reason)


def levers(
    frame: pd.DataFrame, *, equity: float, retention: float, stays: bool, currency: str
) -> str:
    """What one step of each lever is worth. Frame: `equity.levers`; `retention`: as it is; `stays`: the
    model knows no leaving."""
    worth = frame.set_index(["lever", "step"])["total"]
    said = [_retention(worth, equity, retention, stays, currency)]
    if ("acquisition", "percent") in worth.index:
        more = words.money(worth[("acquisition", "percent")], currency, digits=0)
        said.append(say("levers.acquisition", acquisition=more))
    return " ".join(said)


def _retention(
    worth: pd.Series, equity: float, retention: float, stays: bool, currency: str
) -> str:
    margin = words.money(worth[("margin", "percent")], currency, digits=0)
    if ("retention", "point") not in worth.index:
        reason = say("levers.no_leaving" if stays else "levers.full")
        return say("levers.no_retention", reason=reason, margin=margin)
    point = worth[("retention", "point")]
    return say(
        "levers.retention",
        before=words.percent(retention),
        point=words.money(point, currency, digits=0),
        share=words.percent(point / equity) if equity > 0 else words.MISSING,
        margin=margin,
    )
