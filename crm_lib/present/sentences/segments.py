"""Sentences on segments, tiers, concentration and profiles."""

from __future__ import annotations

from datetime import date

import pandas as pd

from crm_lib.present import words
from crm_lib.present.sentences.base import customers
from crm_lib.present.words import say
from crm_lib.segment_map import NO_PURCHASE

SMALLEST_MULTIPLE = 0.1
"""What is less is said in per cent: "0.0 times" says nothing."""


def _nothing_shared(bought: pd.DataFrame) -> str:
    """Why classes of customers who have bought have no shares of revenue; empty when they have."""
    if bought.empty:
        return say("segments.none")
    return say("segments.no_revenue") if bought["revenue_share"].isna().all() else ""


def segments(sizes: pd.DataFrame, leaving: str = "Slipping away", meaning: str = "") -> str:
    """The segment that brings most, and the one slipping away. Frame: `segments.sizes`."""
    bought = sizes[sizes["segment"] != NO_PURCHASE]
    if missing := _nothing_shared(bought):
        return missing
    lead = bought.loc[bought["revenue_share"].idxmax()]
    sentence = say(
        "segments.lead",
        segment=str(lead["segment"]),
        customers=words.percent(lead["customers_share"], 0),
        revenue=words.percent(lead["revenue_share"], 0),
    )
    away = bought[bought["segment"] == leaving]
    if len(away) and leaving != lead["segment"]:
        row = away.iloc[0]
        sentence += " " + say(
            "segments.away",
            segment=leaving,
            meaning=meaning or "bought more often than most, last seen longer ago than most",
            customers=words.percent(row["customers_share"], 0),
            revenue=words.percent(row["revenue_share"], 0),
        )
    return sentence


def segment_gap(sizes: pd.DataFrame) -> str:
    """Where customers and revenue lie furthest apart. Frame: `segments.sizes`."""
    usable = sizes[sizes["segment"] != NO_PURCHASE]
    if missing := _nothing_shared(usable):
        return missing
    if len(usable) == 1:
        return say("segments.single", segment=str(usable["segment"].iloc[0]))
    multiple = usable["revenue_share"] / usable["customers_share"]
    most, least = usable.loc[multiple.idxmax()], usable.loc[multiple.idxmin()]
    fields = {
        "most": str(most["segment"]),
        "most_times": words.ratio(multiple.max(), 1),
        "least": str(least["segment"]),
    }
    if abs(multiple.min()) < SMALLEST_MULTIPLE:
        return say("segments.gap_wide", least_share=words.percent(multiple.min(), 0), **fields)
    return say("segments.gap", least_times=words.ratio(multiple.min(), 1), **fields)


def grid(scores: pd.DataFrame) -> str:
    """Where recent and frequent buyers stand. Frame: `segments.grid`."""
    total = scores["customers"].sum()
    if not total:
        return say("segments.none")
    best = scores[(scores["recency_score"] >= 4) & (scores["frequency_score"] >= 4)]
    worst = scores[(scores["recency_score"] <= 2) & (scores["frequency_score"] <= 2)]
    return say(
        "grid.corners",
        best=words.percent(best["customers"].sum() / total, 0),
        worst=words.percent(worst["customers"].sum() / total, 0),
    )


def tiers(sizes: pd.DataFrame) -> str:
    """The value tier that brings most. Frame: `segments.sizes(…, by="value_tier")`."""
    bought = sizes[sizes["value_tier"] != NO_PURCHASE]
    if missing := _nothing_shared(bought):
        return missing
    lead = bought.loc[bought["revenue_share"].idxmax()]
    return say(
        "tiers.top",
        tier=str(lead["value_tier"]),
        customers=words.percent(lead["customers_share"], 0),
        revenue=words.percent(lead["revenue_share"], 0),
    )


def concentration(
    top: pd.DataFrame, needed: pd.DataFrame, negatives: pd.DataFrame, currency: str
) -> str:
    """What the top share brings and how many it takes for the target.

    Frames, one row each: `concentration.top_shares`, `customers_for_share`, `negatives`.
    """
    if needed.empty or top["value_share"].isna().all():
        return say("concentration.none")
    first, target, loss = top.iloc[0], needed.iloc[0], negatives.iloc[0]
    sentence = say(
        "concentration.top",
        share=words.percent(first["share"], 0),
        revenue=words.percent(first["value_share"]),
        needed=words.percent(target["customers_share"]),
        target=words.percent(target["share"], 0),
    )
    if loss["customers"]:
        sentence += " " + say(
            "concentration.negative",
            customers=customers(loss["customers"]),
            money=words.money(float(loss["value"]), currency, digits=2),
        )
    return sentence


def gini(coefficient: float, hhi: float) -> str:
    """Both measures of concentration in figures, or that there are none (NaN)."""
    if words.is_missing(coefficient) or words.is_missing(hhi):
        return say("concentration.none")
    return say("concentration.gini", gini=words.ratio(coefficient, 3), hhi=words.ratio(hhi, 4))


def profile(frame: pd.DataFrame, attribute: str, currency: str) -> str:
    """The value of an attribute that brings most. Frame: `profiles.by`."""
    name = attribute.replace("_", " ")
    known = frame[frame["kind"] == "value"]
    unknown = frame.loc[frame["kind"] == "unknown", "customers_share"].sum()
    said = []
    lead = known.loc[known["revenue_share"].idxmax()] if known["revenue_share"].max() > 0 else None
    if lead is None:
        said.append(say("profile.none", attribute=name))
    else:
        said.append(
            say(
                "profile.top",
                attribute=name,
                value=str(lead["value"]),
                revenue=words.percent(lead["revenue_share"], 0),
                customers=words.percent(lead["customers_share"], 0),
                each=words.money(lead["revenue_per_customer"], currency, digits=0),
            )
        )
    if unknown:
        said.append(say("profile.unknown", unknown=words.percent(unknown, 0), attribute=name))
    return " ".join(said)


def over_index(frame: pd.DataFrame, attribute: str) -> str:
    """The value whose customers are clearly more often in the top 20 %. Frame: `profiles.over_index`."""
    name = attribute.replace("_", " ")
    over = frame[(frame["finding"] == "over") & (frame["kind"] == "value")]
    if frame.empty:
        return say("over_index.nobody", attribute=name)
    base = words.percent(frame["base_rate"].iloc[0])
    if over.empty:
        return say("over_index.none", attribute=name, base=base)
    most = over.loc[over["low"].idxmax()]
    return say(
        "over_index.found",
        attribute=name,
        value=str(most["value"]),
        rate=words.percent(most["rate"], 0),
        base=base,
        low=words.percent(most["low"], 0),
        high=words.percent(most["high"], 0),
    )


def habits(frame: pd.DataFrame) -> str:
    """When most purchases happen. Frame: `profiles.habits` of all customers."""
    if frame.empty:
        return say("segments.none")
    most = frame.loc[frame["occasions_share"].idxmax()]
    share = words.percent(most["occasions_share"], 0)
    return say("habits.top", value=str(most["value"]), share=share)


def preferences(frame: pd.DataFrame) -> str:
    """The category with most purchases. Frame: `profiles.preferences` of all customers."""
    if frame.empty or frame["purchases_share"].isna().all():
        return say("segments.none")
    most = frame.loc[frame["purchases_share"].idxmax()]
    return say(
        "preferences.top",
        value=str(most["value"]),
        share=words.percent(most["purchases_share"], 0),
        customers=words.percent(most["customers_share"], 0),
    )


def moves(changes: pd.DataFrame, before: date) -> str:
    """How many stayed in their segment. Frame: `segments.segment_changes`."""
    known = changes[~changes["before"].isin(["Not in the base", NO_PURCHASE])]
    total = known["customers"].sum()
    if not total:
        return say("moves.none", before=words.day(before))
    stayed = known.loc[known["before"] == known["now"], "customers"].sum() / total
    return say("moves.segments", before=words.day(before), stayed=words.percent(stayed, 0))


def clusters(groups: int, stability: float, structure: str, refusal: str) -> str:
    """What the data-driven grouping found, or why it is refused. From `clusters.fit`."""
    if refusal:
        return say("clusters.refused", reason=refusal)
    return say(
        "clusters.found",
        groups=words.counted(groups, "group"),
        stability=words.ratio(stability),
        structure=structure,
    )
