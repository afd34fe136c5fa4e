"""Sentences on tenure, on winning customers and on keeping them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crm_lib.needs import FEWEST_CUSTOMERS
from crm_lib.present import words
from crm_lib.present.sentences.base import customers
from crm_lib.present.sentences.profit import sentence_case
from crm_lib.present.words import say

EVERYONE = "all"
CAMPAIGNS = "acquisition campaigns"
COVERED = 0.95
"""The rows and the limit of `acquisition.by_origin`."""
CLAIMED = (1, 4)
"""The years of the relationship that the claim speaks of."""


def tenure(paired: pd.DataFrame, claim: float, asked: int = CLAIMED[1]) -> str:
    """Whether customers grow with the years. Frame: `tenure.paired`; `claim`: so many times; `asked`:
    the later year that was asked for, which the data may not reach."""
    rows = paired.set_index("group")
    stayed = rows.loc["stayed"]
    years = {"early": words.count(stayed["early_year"]), "late": words.count(stayed["late_year"])}
    counted = {"customers": customers(stayed["customers"])}
    said = _reach(int(stayed["late_year"]), asked)
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
    if not words.is_missing(rows.loc["won", "low"]):
        said.append(say("tenure.won", ratio=words.ratio(rows.loc["won", "ratio"]), **years))
    return " ".join(said)


def _reach(late: int, asked: int) -> list[str]:
    """What is said where the data do not reach the year asked for."""
    if late >= asked:
        return []
    if asked == CLAIMED[1]:
        return [say("tenure.reach", late=words.count(late), claimed=words.count(asked))]
    return [say("tenure.reach.asked", late=words.count(late), asked=words.count(asked))]


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


def acquisition(
    table: pd.DataFrame,
    by: str,
    currency: str,
    *,
    earning: str,
    terms: Mapping[str, Any] | None = None,
) -> str:
    """What winning cost, when it was paid back, and the cheapest and the dearest source.

    Frame: `acquisition.by_origin`. earning: what customers bring is made of ("contribution"). terms: of
    the lifetime value: horizon_months, discount_rate, as_of.
    """
    whole = table[table[by] == EVERYONE].iloc[0]
    if words.is_missing(whole["cac"]):
        return say("acquisition.unknown" if whole["won"] else "acquisition.free")
    said = [_paid_back(whole, _cac(whole, table, by, currency), earning), *_recorded(table, by)]
    said += _spread(table, by, currency)
    if terms and not words.is_missing(whole["worth_to_cac"]):
        worth = words.money(whole["worth"], currency)
        times = words.ratio(whole["worth_to_cac"], 1)
        said.append(
            say("acquisition.worth", worth=worth, times=times, earning=earning, **_terms(terms))
        )
    return " ".join(said)


def _cac(whole: pd.Series, table: pd.DataFrame, by: str, currency: str) -> str:
    """The cost of winning one, and how much of it went to campaigns."""
    cac = words.money(whole["cac"], currency)
    apart = table.loc[table[by] == CAMPAIGNS, "cost"].sum()
    if not apart > 0:
        return say("acquisition.cac", cac=cac)
    each = words.money(apart / whole["won"], currency)
    return say("acquisition.cac.campaigns", cac=cac, campaigns=each)


def _sources(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """The sources that may be named."""
    return table[(~table[by].isin([EVERYONE, CAMPAIGNS])) & (table["won"] >= FEWEST_CUSTOMERS)]


def _recorded(table: pd.DataFrame, by: str) -> list[str]:
    """Of whom the cost of winning is recorded, where that is not nearly everyone."""
    said = []
    share = table.loc[table[by] == EVERYONE, "coverage"].iloc[0]
    if share < COVERED:
        said.append(say("acquisition.coverage", share=words.percent(share, 0)))
    without = _sources(table, by)[lambda t: t["coverage"] == 0]
    if len(without):
        names = words.listed([str(name) for name in without[by]])
        said.append(say("acquisition.uncovered", sources=names))
    return said


def _spread(table: pd.DataFrame, by: str, currency: str) -> list[str]:
    named = _sources(table, by).dropna(subset="cac").sort_values("cac")
    if len(named) < 2:
        return []
    cheap, dear = named.iloc[0], named.iloc[-1]
    apart = bool((table[by] == CAMPAIGNS).any())
    fields = {
        "cheap": str(cheap[by]) if apart else sentence_case(str(cheap[by])),
        "cheap_cac": words.money(cheap["cac"], currency),
        "dear": str(dear[by]),
        "dear_cac": words.money(dear["cac"], currency),
    }
    return [say("acquisition.spread.own" if apart else "acquisition.spread", **fields)]


def _terms(terms: Mapping[str, Any]) -> dict[str, str]:
    return {
        "horizon": words.months(terms["horizon_months"]),
        "rate": words.percent(terms["discount_rate"], 0),
        "as_of": words.day(terms["as_of"]),
    }


def acquisition_expected(terms: Mapping[str, Any] | None) -> str:
    """What the column of what is expected yet holds, for its note. terms: as in `acquisition`."""
    if not terms:
        return say("acquisition.expected.none")
    return say("acquisition.expected", **_terms(terms))


def _paid_back(row: pd.Series, cac: str, earning: str) -> str:
    if words.is_missing(row["payback_month"]):
        months = words.months(row["followed_months"])
        return say("acquisition.open", cac=cac, earning=earning, months=months)
    month = words.count(row["payback_month"])
    return say("acquisition.paid", cac=cac, earning=earning, month=month)


def acquisition_quality(table: pd.DataFrame, by: str) -> str:
    """The two sources that differ most clearly in how many came back, if their intervals lie apart; or that
    none does. Frame: `acquisition.by_origin`."""
    named = table[(table[by] != EVERYONE) & (table["first_year"] >= FEWEST_CUSTOMERS)]
    if len(named) < 2:
        return say("acquisition.quality.none")
    best = named.loc[named["repeat_low"].idxmax()]
    worst = named.loc[named["repeat_high"].idxmin()]
    if best["repeat_low"] <= worst["repeat_high"]:
        return say("acquisition.quality.alike")
    return say(
        "acquisition.quality",
        best=str(best[by]),
        best_rate=words.percent(best["repeat_rate"], 0),
        best_seen=words.count(best["first_year"]),
        worst=str(worst[by]),
        worst_rate=words.percent(worst["repeat_rate"], 0),
        worst_seen=words.count(worst["first_year"]),
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


def keeping_base(found: Any, currency: str) -> str:
    """Who is counted, for the note. `found`: of `keeping.compare`."""
    said = say(
        "keeping.base",
        window=words.in_words(found.window),
        won=customers(found.won),
        existing=words.count(found.existing),
        kept=words.count(found.kept),
    )
    if not found.undated > 0:
        return said
    return said + " " + say("keeping.undated", cost=words.money(found.undated, currency))
