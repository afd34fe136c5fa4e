"""Sentences on stages, moves between them, cohorts and repeat purchase."""

from __future__ import annotations

from datetime import date

import pandas as pd

from crm_lib.needs import FEWEST_CUSTOMERS
from crm_lib.periods import Window
from crm_lib.present import style, words
from crm_lib.present.sentences.base import customers
from crm_lib.present.words import say

AT_RISK = ("At risk", "Dormant")
SLIPPED = (*AT_RISK, "Lost")
PLURAL = {"Prospect": "prospects"}
"""Stages whose name is a noun."""


def stages(sizes: pd.DataFrame) -> str:
    """The largest stage and those at risk. Frame: `stages.sizes`."""
    if not sizes["customers"].sum():
        return say("stages.none")
    lead = sizes.loc[sizes["customers"].idxmax()]
    risk = sizes[sizes["stage"].isin(AT_RISK)]
    fields = {
        "share": words.percent(lead["share"], 0),
        "stage": PLURAL.get(str(lead["stage"]), str(lead["stage"]).lower()),
        "risk": words.percent(risk["share"].sum(), 0),
    }
    if sizes["revenue_share"].isna().all():
        return say("stages.lead_only", **fields)
    return say("stages.lead", revenue=words.percent(risk["revenue_share"].sum(), 0), **fields)


def stage_values(sizes: pd.DataFrame) -> str:
    """The stage with the most revenue against its share of customers. Frame: `stages.sizes`."""
    if not sizes["customers"].sum():
        return say("stages.none")
    if sizes["revenue_share"].isna().all():
        return say("stages.no_revenue")
    lead = sizes.loc[sizes["revenue_share"].idxmax()]
    return say(
        "stages.value",
        stage=str(lead["stage"]),
        revenue=words.percent(lead["revenue_share"], 0),
        share=words.percent(lead["share"], 0),
    )


def bought_since(returned: pd.DataFrame, since: date) -> str:
    """How often the stages were wrong. Frame: `transitions.bought_since`."""
    silent = returned[returned["stage"].isin(SLIPPED)].set_index("stage")["share"]
    if silent.empty:
        return say("bought_since.none", since=words.day(since))
    parts = [f"{stage.lower()} {words.percent(share, 0)}" for stage, share in silent.items()]
    return say("bought_since.shares", since=words.day(since), shares=words.listed(parts))


def transitions(moves: pd.DataFrame, before: date, after: date) -> str:
    """What became of the established customers. Frame: `transitions.matrix`."""
    rows = moves[moves["from_stage"] == "Established"]
    total = rows["customers"].sum()
    if not total:
        return say("transitions.none", before=words.day(before))
    stayed = rows.loc[rows["to_stage"] == "Established", "customers"].sum() / total
    slipped = rows.loc[rows["to_stage"].isin(SLIPPED), "customers"].sum() / total
    return say(
        "transitions.stay",
        before=words.day(before),
        after=words.day(after),
        stayed=words.percent(stayed, 0),
        slipped=words.percent(slipped, 0),
    )


def at_risk(at_stake: pd.DataFrame, listed: pd.DataFrame, currency: str, few: int = 20) -> str:
    """What is at stake with customers at risk. Frames: `stages.at_stake`, and `stages.at_risk`, the
    highest value first; no more than `few` rows of the second are looked at."""
    (count, total), *_ = at_stake[["customers", "value_at_stake"]].itertuples(index=False)
    if not count or not total:
        return say("at_risk.none")
    fields = {
        "customers": customers(int(count)),
        "money": words.money(total, currency, digits=0),
    }
    if count <= few:
        return say("at_risk.all", **fields)
    share = words.percent(listed["value_at_stake"].head(few).sum() / total, 0)
    return say("at_risk.found", few=words.count(few), share=share, **fields)


def cohorts(triangle: pd.DataFrame, measure: str = "customers") -> str:
    """How many of a cohort come back, or what they bring, a month later. Frame: `cohorts.triangle`."""
    usable = triangle[
        (triangle["period"] == 1)
        & ~triangle["is_partial"].astype(bool)
        & ~triangle["is_warm_up"].astype(bool)
        & triangle["share"].notna()
    ]
    said = []
    if usable.empty:
        said.append(say("cohorts.none"))
    else:
        share = words.percent(usable["share"].mean(), 0)
        said.append(
            say(f"cohorts.{measure}", share=share, cohorts=words.counted(len(usable), "cohort"))
        )
    later = triangle[(triangle["period"] > 0) & (triangle["cohort_size"] > 0)]
    drawn = later["cohort"].isin(sorted(set(later["cohort"]))[-style.MOST_COHORTS :])
    if later.loc[drawn, "is_warm_up"].astype(bool).any():
        said.append(say("cohorts.warm_up"))
    return " ".join(said)


def stay_times(times: pd.DataFrame) -> str:
    """How far the expected times are to be trusted, and where there is none. Frame:
    `transitions.expected_time_in_stage`."""
    rough = say("stays.rough")
    if times["customers"].between(1, FEWEST_CUSTOMERS - 1).any():
        return f"{rough} {say('stays.few', few=words.count(FEWEST_CUSTOMERS))}"
    return rough


def ladder(steps: pd.DataFrame) -> str:
    """The first rungs. Frame: `repeat.ladder`."""
    if steps.empty:
        return say("ladder.none")
    first = words.percent(steps["probability"].iloc[0], 0)
    if len(steps) == 1:
        return say("ladder.step", first=first)
    return say("ladder.steps", first=first, second=words.percent(steps["probability"].iloc[1], 0))


def ladder_base(observed: Window, *, warm_up: bool) -> str:
    """Who is counted in the ladder, for its note. `warm_up`: whether the data set has one."""
    if warm_up:
        return say("ladder.base.warm_up", observed=words.in_words(observed))
    return say("ladder.base", during=words.during(observed))


def second_purchase(within: pd.DataFrame, days: int) -> str:
    """How many come back within so many days. Frame: `repeat.time_to_second`, one group."""
    row = within[within["within_days"] == days]
    if row.empty or row["share"].isna().all():
        return say("second.none")
    found = row.iloc[0]
    return say(
        "second.within",
        share=words.percent(found["share"], 0),
        days=words.days(days),
        low=words.percent(found["lower"], 0),
        high=words.percent(found["upper"], 0),
    )
