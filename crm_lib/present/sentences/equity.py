"""Sentences on customer equity: present customers, those to come, and what would move it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

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
    recorded: Collection[str],
    window: Window,
    horizon_months: int,
    currency: str,
) -> str:
    """What present customers and those to come are worth. Frame: `equity.parts`; `recorded`: what is in
    `cost`, "customers" and "campaigns"."""
    present, future = (words.money(x, currency, digits=0) for x in parts["equity"])
    if not a_month:
        return say("equity.nobody", present=present, window=words.in_words(window))
    return say(
        "equity.both",
        present=present,
        future=future,
        months=words.months(horizon_months),
        pace=words.ratio(a_month, 0 if a_month >= 10 else 1),
        each=words.money(each, currency),
        cost=_cost(cost, recorded, currency),
    )


def _cost(cost: float | None, recorded: Collection[str], currency: str) -> str:
    if cost is None:
        return say("equity.cost.unknown")
    key = "both" if len(recorded) > 1 else next(iter(recorded))
    what = say(f"equity.cost.{key}")
    return say("equity.cost.net", cost=words.money(cost, currency), recorded=what)


def equity_unknown(present: float, reason: str, currency: str) -> str:
    """What present customers are worth, where no value is put on those to come."""
    return say("equity.unknown", present=words.money(present, currency, digits=0), reason=reason)


def equity_to_come(horizon_months: int) -> str:
    """Over which months a customer to come is valued."""
    return say("equity.to_come", months=words.months(horizon_months))


def equity_counted(people: int, window: Window, *, is_changed: bool) -> str:
    """How many new customers the pace rests on; `is_changed`: earlier months are left out."""
    said = say("equity.counted", customers=words.count(people), window=words.in_words(window))
    return f"{said} {say('equity.slower')}" if is_changed else said


def levers(
    frame: pd.DataFrame, *, parts: pd.DataFrame, retention: float, stays: bool, currency: str
) -> str:
    """What one step of each lever is worth. Frames: `equity.levers`, `equity.parts`; `retention`: as it
    is; `stays`: the model knows no leaving."""
    worth = frame.set_index(["lever", "step"])["total"]
    said = [_retention(worth, parts, retention, stays, currency)]
    if ("acquisition", "percent") in worth.index:
        more = words.money(worth[("acquisition", "percent")], currency, digits=0)
        said.append(say("levers.acquisition", acquisition=more))
    return " ".join(said)


def _retention(
    worth: pd.Series, parts: pd.DataFrame, retention: float, stays: bool, currency: str
) -> str:
    margin = words.money(worth[("margin", "percent")], currency, digits=0)
    if ("retention", "point") not in worth.index:
        reason = say("levers.no_leaving" if stays else "levers.full")
        return say("levers.no_retention", reason=reason, margin=margin)
    point, equity = worth[("retention", "point")], parts["equity"].sum()
    return say(
        "levers.retention",
        before=words.percent(retention),
        point=words.money(point, currency, digits=0),
        share=words.percent(point / equity) if equity > 0 else words.MISSING,
        whole=say("levers.of.both" if parts["equity"].iloc[1:].any() else "levers.of.present"),
        margin=margin,
    )
