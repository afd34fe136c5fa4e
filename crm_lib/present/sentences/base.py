"""Sentences on the customer base: months, flow, why revenue changed."""

from __future__ import annotations

import pandas as pd

from crm_lib.periods import Window, parse_day
from crm_lib.present import words
from crm_lib.present.words import say

FACTOR_NAMES = {
    "customers": "the number of customers",
    "orders_a_customer": "orders a customer",
    "lines_an_order": "lines an order",
    "value_a_line": "value a line",
    "margin_rate": "the margin rate",
    "returns": "returns",
    "anonymous": "unknown customers",
}

LONGEST_MONTH = 31


def customers(n: float) -> str:
    return words.counted(n, "customer")


def direction(change: float) -> str:
    return "up" if change > 0 else "down" if change < 0 else "flat"


def _full(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[~frame["is_partial"].astype(bool)]


def customer_base(monthly: pd.DataFrame, currency: str) -> str:
    """How the last full month went. Frame: `dashboard.monthly`."""
    full = _full(monthly)
    if full.empty:
        return say("base.none")
    last = full.iloc[-1]
    fields = {
        "month": words.month(last["month"]),
        "revenue": words.money(last["revenue"], currency, digits=0),
        "customers": customers(last["active_customers"]),
    }
    if len(full) == 1:
        return say("base.month.first", **fields)
    before = full.iloc[-2]
    fields["previous"] = words.month(before["month"])
    change = last["revenue"] - before["revenue"]
    key = f"base.month.{direction(change)}"
    if change:
        # Per cent of nothing, or of more returns than purchases, would say nothing.
        fields["change"] = (
            words.percent(abs(change) / before["revenue"])
            if before["revenue"] > 0
            else words.money(abs(change), currency, digits=0)
        )
    sentence = say(key, **fields)
    if pd.notna(last["repeat_buying_rate"]):
        sentence += " " + say("base.kept", kept=words.percent(last["repeat_buying_rate"], 0))
    return sentence


def months(monthly: pd.DataFrame, currency: str) -> str:
    """Best and weakest full month. Frame: month, revenue, is_partial."""
    full = _full(monthly)
    if full.empty:
        return say("base.none")
    sentence = _extremes(full, currency)
    partial = monthly[monthly["is_partial"].astype(bool)]
    if len(partial):
        names = words.listed([words.month(month) for month in partial["month"]])
        sentence += " " + say("months.partial", months=names)
    return sentence


def _extremes(full: pd.DataFrame, currency: str) -> str:
    """The best and the weakest of the full months, where there are two that differ."""
    (best, highest), (worst, lowest) = (
        (words.month(row["month"]), words.money(row["revenue"], currency, digits=0))
        for row in (full.loc[full["revenue"].idxmax()], full.loc[full["revenue"].idxmin()])
    )
    if len(full) == 1:
        return say("months.only", month=best, revenue=highest)
    if full["revenue"].nunique() == 1:
        return say("months.equal", revenue=highest)
    return say("months.best", best=best, best_revenue=highest, worst=worst, worst_revenue=lowest)


def customer_flow(flow: pd.DataFrame) -> str:
    """Who joined and who left in the last full period. Frame: `flow.monthly` or `flow.quarterly`."""
    full = _full(flow)
    if len(full) < 2 or full.iloc[-1]["is_warm_up"]:
        return say("flow.none" + _warm_up(flow))
    last = full.iloc[-1]
    joined = last["new"] + last["first_seen"] + last["reactivated"]
    net = last["closing"] - last["opening"]
    fields = {
        "period": words.in_words(Window(parse_day(last["start"]), parse_day(last["end"]))),
        "closing": words.count(last["closing"]),
        "opening": words.count(last["opening"]),
        "joined": words.count(joined),
        "unit": _period_unit(flow),
    }
    if not last["opening"] and not last["closing"]:
        return say("flow.nobody", period=fields["period"], unit=fields["unit"])
    if net:
        fields |= {"net": customers(abs(net)), "lapsed": words.count(last["lapsed"])}
    return say(f"flow.{direction(net)}", **fields)


def flow_base(flow: pd.DataFrame) -> str:
    """Who is counted in a flow, for its note. Frame: `flow.monthly` or `flow.quarterly`."""
    return say("flow.base" + _warm_up(flow), unit=_period_unit(flow))


def flow_revenue(flow: pd.DataFrame) -> str:
    """What the parts of a flow's revenue are, for its note. Frame as in `flow_base`."""
    return say("flow.revenue", unit=_period_unit(flow))


def _warm_up(flow: pd.DataFrame) -> str:
    """The ending of sentences about data that has a warm-up."""
    return ".warm_up" if flow["is_warm_up"].astype(bool).any() else ""


def _period_unit(flow: pd.DataFrame) -> str:
    """What a row of the flow is: a "month", or a "quarter"."""
    if flow.empty:
        return "period"
    start, end = parse_day(flow["start"].iloc[0]), parse_day(flow["end"].iloc[0])
    return "month" if (end - start).days <= LONGEST_MONTH else "quarter"


def decomposition(
    effects: pd.DataFrame, before: Window, after: Window, currency: str, measure: str = "revenue"
) -> str:
    """What changed and the factor that did most. Frame: `decomposition.decompose`; `measure`: its own."""
    change = float(effects.loc[effects["factor"] == "total", "effect"].iloc[0])
    fields = {
        "before": words.in_words(before),
        "after": words.in_words(after),
    }
    if not change:
        return say(f"decomposition.{measure}.flat", **fields)
    parts = effects[effects["factor"] != "total"]
    most = parts.loc[(parts["effect"].astype(float) * (1 if change > 0 else -1)).idxmax()]
    return say(
        f"decomposition.{measure}.{direction(change)}",
        change=words.money(abs(change), currency, digits=0),
        factor=FACTOR_NAMES[most["factor"]],
        effect=words.money(float(most["effect"]), currency, digits=0),
        **fields,
    )
