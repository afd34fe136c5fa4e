"""Sentences on tenure, on winning customers and on keeping them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crm_lib.present import words
from crm_lib.present.sentences.base import customers
from crm_lib.present.sentences.profit import sentence_case
from crm_lib.present.words import say

EVERYONE = "all"
CLAIMED = (1, 4)
"""The years of the relationship that the claim speaks of."""
FEWEST = 30
"""Sources with fewer customers observed for a year are not compared by name."""


def tenure(paired: pd.DataFrame, claim: float) -> str:
    """Whether customers grow with the years. Frame: `tenure.paired`; `claim`: so many times."""
    rows = paired.set_index("group")
    stayed = rows.loc["stayed"]
    years = {"early": words.count(stayed["early_year"]), "late": words.count(stayed["late_year"])}
    counted = {"customers": customers(stayed["customers"])}
    said = []
    if words.is_missing(stayed["ratio"]):
        said.append(say("tenure.stayed.none", **years, **counted))
    elif words.is_missing(stayed["low"]):
        ratio = words.ratio(stayed["ratio"])
        said.append(say("tenure.stayed.plain", ratio=ratio, **years, **counted))
    else:
        bounds = {name: words.ratio(stayed[name]) for name in ("ratio", "low", "high")}
        said.append(say("tenure.stayed", **bounds, **years, **counted))
        if (stayed["early_year"], stayed["late_year"]) == CLAIMED:
            said.append(say(f"tenure.{_verdict(stayed, claim)}"))
    if not words.is_missing(rows.loc["pooled", "ratio"]):
        said.append(say("tenure.pooled", ratio=words.ratio(rows.loc["pooled", "ratio"])))
    if not words.is_missing(rows.loc["won", "ratio"]):
        said.append(say("tenure.won", ratio=words.ratio(rows.loc["won", "ratio"]), **years))
    return " ".join(said)


def _verdict(row: pd.Series, claim: float) -> str:
    return "less" if row["high"] < claim else "more" if row["low"] > claim else "open"


def tenure_base(base: Any) -> str:
    """Whom the comparison rests on, for its note. `base`: of `tenure.base`."""
    fields = {
        "compared": words.count(base.compared),
        "buyers": customers(base.buyers),
        "years": words.count(base.years),
        "too_recent": words.count(base.too_recent),
    }
    if not base.first_seen:
        return say("tenure.base", **fields)
    return say("tenure.base.warm_up", first_seen=words.count(base.first_seen), **fields)


def acquisition(table: pd.DataFrame, by: str, currency: str) -> str:
    """What winning cost, when it was paid back, and the cheapest and the dearest source.

    Frame: `acquisition.by_origin`.
    """
    whole = table[table[by] == EVERYONE].iloc[0]
    if words.is_missing(whole["cac"]):
        return say("acquisition.unknown" if whole["won"] else "acquisition.free")
    said = [_paid_back(whole, currency)]
    named = table[(table[by] != EVERYONE) & (table["won"] >= FEWEST)].sort_values("cac")
    if len(named) > 1:
        cheap, dear = named.iloc[0], named.iloc[-1]
        said.append(
            say(
                "acquisition.spread",
                cheap=sentence_case(str(cheap[by])),
                cheap_cac=words.money(cheap["cac"], currency),
                dear=str(dear[by]),
                dear_cac=words.money(dear["cac"], currency),
            )
        )
    if not words.is_missing(whole["worth_to_cac"]):
        worth = words.money(whole["worth"], currency)
        times = words.ratio(whole["worth_to_cac"], 1)
        said.append(say("acquisition.worth", worth=worth, times=times))
    return " ".join(said)


def _paid_back(row: pd.Series, currency: str) -> str:
    cac = words.money(row["cac"], currency)
    if words.is_missing(row["payback_month"]):
        months = words.months(row["followed_months"])
        return say("acquisition.open", cac=cac, months=months)
    return say("acquisition.paid", cac=cac, month=words.count(row["payback_month"]))


def acquisition_quality(table: pd.DataFrame, by: str) -> str:
    """The sources whose customers came back most and least often. Frame: `acquisition.by_origin`."""
    named = table[(table[by] != EVERYONE) & (table["first_year"] >= FEWEST)]
    if len(named) < 2:
        return say("acquisition.quality.none")
    best = named.loc[named["repeat_rate"].idxmax()]
    worst = named.loc[named["repeat_rate"].idxmin()]
    return say(
        "acquisition.quality",
        best=str(best[by]),
        best_rate=words.percent(best["repeat_rate"], 0),
        worst=str(worst[by]),
        worst_rate=words.percent(worst["repeat_rate"], 0),
    )


def campaigns(table: pd.DataFrame, currency: str) -> str:
    """What acquisition campaigns won. Frame: `acquisition.by_origin` of campaigns alone."""
    fields = {
        "campaigns": words.counted(len(table), "acquisition campaign"),
        "cost": words.money(table["cost"].sum(), currency),
    }
    won = int(table["won"].sum())
    if not won:
        return say("acquisition.campaigns.none", **fields)
    each = words.money(table["cost"].sum() / won, currency)
    return say("acquisition.campaigns", customers=customers(won), cac=each, **fields)


def keeping(found: Any, claim: float, currency: str) -> str:
    """Winning against keeping. `found`: of `keeping.compare`; `claim`: so many times."""
    if found.ratio is None:
        return say("keeping.none", window=words.in_words(found.window))
    said = say(
        "keeping.more" if found.ratio >= 1 else "keeping.less",
        won=words.money(found.per_won, currency),
        kept=words.money(found.per_kept, currency),
        ratio=words.ratio(found.ratio),
    )
    return said + " " + say(f"keeping.claim.{'below' if found.ratio < claim else 'above'}")


def keeping_base(found: Any) -> str:
    """Who is counted, for the note. `found`: of `keeping.compare`."""
    return say(
        "keeping.base",
        window=words.in_words(found.window),
        won=customers(found.won),
        existing=words.count(found.existing),
        kept=words.count(found.kept),
    )
