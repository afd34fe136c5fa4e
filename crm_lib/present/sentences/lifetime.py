"""Sentences on lifetime value: can a model be trusted, what is it worth, who holds it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd

from crm_lib.periods import MONTH_DAYS, Window
from crm_lib.present import words
from crm_lib.present.sentences.base import customers, direction
from crm_lib.present.words import say

RELATED = 0.1
"""A correlation of spend and frequency beyond this is told."""
WIDE_BIAS = 0.1
FAR_OFF = 0.5
"""A model that missed the held-out period by more is doubted where its value is named, not only below."""
LIKELY, UNLIKELY = 0.8, 0.4
REVENUE = "revenue"


def clv_terms(earning: str, horizon_months: int, discount_rate: float) -> str:
    """What the value is made of, over which months, at which discount."""
    digits = 0 if round(100.0 * discount_rate, 6).is_integer() else 1
    rate = words.percent(discount_rate, digits)
    fields = {"months": words.months(horizon_months), "rate": rate}
    if earning == REVENUE:
        return say("clv.terms.revenue", **fields)
    return say("clv.terms", earning=earning, **fields)


def clv(
    totals: pd.DataFrame,
    top: pd.DataFrame,
    terms: str,
    currency: str,
    *,
    stays: bool = False,
    bias: float = 0.0,
) -> str:
    """What the present customers are worth. Frames: `clv.totals`, `concentration.top_shares`; `stays`:
    the model knows no leaving; `bias`: of the purchases of the held-out period."""
    row = totals.iloc[0]
    fields = {
        "customers": customers(row["customers"]),
        "money": words.money(abs(row["clv"]), currency, digits=0),
        "terms": terms,
    }
    if row["clv"] <= 0 or top["value_share"].isna().all():
        return say("clv.lead.loss", **fields)
    fields["share"] = words.percent(top["share"].iloc[0], 0)
    fields["held"] = words.percent(top["value_share"].iloc[0], 0)
    if stays:
        said = say("clv.lead.stays", **fields)
    else:
        said = say("clv.lead", still=words.count(row["still_customers"]), **fields)
    return said + _more_than_all(top["value_share"].iloc[0]) + _far_off(bias)


def _far_off(bias: float) -> str:
    if not abs(bias) > FAR_OFF:
        return ""
    return f" {say(f'clv.far_off.{direction(bias)}', rate=words.percent(abs(bias), 0))}"


def _more_than_all(held: float) -> str:
    """Why a share may exceed the whole."""
    return f" {say('clv.more_than_all')}" if held > 1 else ""


def clv_refused(reason: str) -> str:
    return say("clv.refused", reason=words.plain_days(reason))


# --- can a model be trusted? ----------------------------------------------------------------------


def clv_tournament(table: pd.DataFrame, window: Window | None, people: float, bought: float) -> str:
    """Who predicted best. Frame: `Choice.table`; `people` were judged, who made `bought` purchases."""
    judged = table[table["deviance"].notna()]
    if window is None or judged.empty:
        return say("clv.tournament.none")
    models, rules = (judged[judged["kind"] == kind] for kind in ("model", "rule"))
    if models.empty:
        return say("clv.tournament.no_model", split=words.day(window.start))
    fields = {"during": words.during(window)}
    if not bought:
        return say("clv.tournament.nobody", **fields)
    best, rule = models.iloc[0], rules.iloc[0]
    fields |= {
        "title": str(best["title"]),
        "deviance": words.ratio(best["deviance"]),
        "rule": str(rule["title"]),
        "rule_deviance": words.ratio(rule["deviance"]),
    }
    if rule["deviance"] <= best["deviance"]:
        return say("clv.tournament.beaten", **fields)
    tied = best["deviance"] > models["deviance"].min()
    return say(
        "clv.tournament.tied" if tied else "clv.tournament",
        customers=customers(people),
        predicted=words.count(best["predicted"]),
        actual=words.count(bought),
        bias=words.change(best["bias"], "count"),
        **fields,
    )


def clv_remarks(table: pd.DataFrame) -> str:
    """What is to be said of single models, for the note of their table. Frame: `Choice.judged`."""
    noted = table[table["remark"].fillna("") != ""]
    pairs = zip(noted["title"], noted["remark"], strict=True)
    return " ".join(say("clv.remark", title=str(title), remark=str(text)) for title, text in pairs)


def clv_limits(
    *,
    title: str,
    stays: bool,
    is_close: bool,
    weak: tuple[str, ...],
    horizon_months: int,
    observed: Window,
    bias: float,
    first_seen_share: float,
    sensitivity: pd.DataFrame | None,
    spend_bias: float | None = None,
    costs: Sequence[tuple[str, float, str]] = (),
) -> str:
    """What the data cannot tell of values to come. `stays`: the model knows no leaving; `is_close`: its
    lead over the rules may be chance; `sensitivity`: the frame of that name, None where too few customers are left.
    `spend_bias`: of `spend_ahead.judge`; `costs`: `margins.partly_known`."""
    months = words.months(horizon_months)
    said = _partly_known(costs)
    if stays:
        said.append(say("clv.limits.stays", title=title, months=months))
    if observed.days < horizon_months * MONTH_DAYS:
        seen = words.months(round(observed.days / MONTH_DAYS))
        said.append(say("clv.limits.reach", months=months, seen=seen))
    if first_seen_share:
        said.append(_first_seen(first_seen_share, sensitivity, months))
    if abs(bias) >= WIDE_BIAS:
        said.append(say("clv.bias", bias=words.change(bias, "count", 0)))
    if spend_bias is not None and abs(spend_bias) >= WIDE_BIAS:
        said.append(say("clv.bias.spend", bias=words.change(spend_bias, "count", 0)))
    if is_close:
        said.append(say("clv.limits.close", title=title))
    if weak:
        said.append(say("clv.limits.weak", names=words.listed(weak)))
    return " ".join(said or [say("clv.limits.none")])


def _partly_known(costs: Sequence[tuple[str, float, str]]) -> list[str]:
    """That a cost is recorded for some rows only."""
    if not costs:
        return []
    each = [
        say("clv.limits.cost", cost=label, share=words.percent(share, 0), rows=rows)
        for label, share, rows in costs
    ]
    return [say("clv.limits.costs", costs=words.listed(each))]


def _first_seen(part: float, sensitivity: pd.DataFrame | None, months: str) -> str:
    share = words.percent(part, 0)
    if sensitivity is None or len(sensitivity) < 2:
        return say("clv.limits.first_seen.few", share=share)
    every, alone = sensitivity["expected_occasions"]
    more = round(alone / every - 1, 2)
    rate = words.percent(abs(more), 0)
    change = say(f"clv.limits.first_seen.{direction(more)}", **({"rate": rate} if more else {}))
    of_new = dict(zip(("every", "new"), sensitivity["occasions_of_new"], strict=True))
    told = {name: words.ratio(x, 0 if x >= 10 else 1) for name, x in of_new.items()}
    return say("clv.limits.first_seen", share=share, change=change, months=months, **told)


def clv_tracking(frame: pd.DataFrame, split: date) -> str:
    """How many repeat purchases came and were expected after the split. Frame: `lifetime.tracking`."""
    unseen = frame[frame["is_holdout"].astype(bool)]
    actual, expected = unseen["actual"].sum(), unseen["expected"].sum()
    return say(
        "clv.tracking",
        split=words.day(split),
        until=words.day(frame["on"].iloc[-1]),
        actual=words.count(actual),
        expected=words.count(expected),
        bias=words.change(expected / actual - 1 if actual else None, "count"),
    )


def clv_spend_ahead(ahead: pd.DataFrame, window: Window, currency: str) -> str:
    """What was spent in the held-out period, and expected. Frame: `spend_ahead.judge`."""
    row = ahead.iloc[0]
    money = {name: words.money(row[name], currency, digits=0) for name in ("actual", "expected")}
    if words.is_missing(row["bias"]):
        return say("clv.spend.ahead.nothing", during=words.during(window), **money)
    return say(
        "clv.spend.ahead",
        during=words.during(window),
        bias=words.change(row["bias"], "count"),
        occasions=words.change(row["expected_occasions"] / row["actual_occasions"] - 1, "count"),
        **money,
    )


def clv_calibration(frame: pd.DataFrame) -> str:
    """Where the model is off by most purchases. Frame: `btyd.diagnostics.by_repeats`."""
    off = (frame["customers"] * (frame["actual"] - frame["expected"])).abs()
    worst = frame.loc[off.idxmax()]
    return say(
        "clv.calibration",
        customers=customers(worst["customers"]),
        repeats=f"{int(worst['repeats'])}{' or more' if worst['is_open'] else ''}",
        actual=words.ratio(worst["actual"]),
        expected=words.ratio(worst["expected"]),
    )


def clv_frequency(frame: pd.DataFrame, split: date) -> str:
    """How many never came back, and how many the model has. Frame: `btyd.diagnostics.frequency`."""
    actual, expected = (
        words.percent(frame[name].iloc[0] / frame[name].sum()) for name in ("actual", "expected")
    )
    return say("clv.frequency", split=words.day(split), actual=actual, expected=expected)


# --- what customers will buy, and what of it is left ----------------------------------------------


def clv_alive(bands: pd.DataFrame) -> str:
    """Who still is a customer. Frame: `lifetime.alive_bands`."""
    whole, worth = bands["customers"].sum(), bands["clv"].sum()
    # Bands are equally wide, and 0.4 may come as 0.4000…1.
    likely, low = (
        bands[bands["low"] > LIKELY - 1e-9],
        bands[bands["high"] < UNLIKELY + 1e-9],
    )
    share = words.percent(likely["customers"].sum() / whole, 0)
    at_least = words.percent(LIKELY, 0)
    if worth <= 0:
        return say("clv.alive.value", share=share, likely=at_least)
    return say(
        "clv.alive",
        share=share,
        likely=at_least,
        unlikely=words.percent(UNLIKELY, 0),
        low=words.percent(low["customers"].sum() / whole, 0),
        low_clv=words.percent(low["clv"].sum() / worth, 0),
    )


def clv_spend(
    mean: float | None,
    correlation: tuple[float, float, float] | None,
    refusal: str,
    currency: str,
    *,
    k: float | None = None,
) -> str:
    """What a repeat purchase is of, and whether that goes with how often customers buy: `correlation`
    with the ends of its interval. With a `refusal` of the model: `k`, repeat purchases from which on
    the own mean weighs more than everyone's; None: never. `mean`: None where nobody bought again."""
    if not mean:
        return say("clv.spend.unknown")
    money = words.money(mean, currency, digits=2)
    if refusal and k is not None:
        often = words.counted(int(k) + 1, "repeat purchase")
        return say("clv.spend.own", mean=money, reason=refusal, often=often)
    if refusal:
        return say("clv.spend.alike", mean=money, reason=refusal)
    if correlation is None:
        return say("clv.spend.mean", mean=money)
    found, low, high = (words.ratio(x) for x in correlation)
    related = abs(correlation[0]) >= RELATED
    key = "independent" if not related else "more" if correlation[0] > 0 else "less"
    return say(f"clv.spend.{key}", mean=money, correlation=found, low=low, high=high)


def clv_rates(earning: str, rate: float, k: float | None, is_known: bool, currency: str) -> str:
    """What is left of what is spent, and from when on the own rate counts. `k`: money, None: never, 0: at
    once; `is_known`: whether a customer's own rate can be told from chance."""
    fields = {"rate": words.ratio(100 * rate, 1)}
    if earning == REVENUE:
        return say("clv.rates.revenue", **fields)
    fields["earning"] = earning
    if not is_known:
        return say("clv.rates.unknown", **fields)
    if k is None:
        return say("clv.rates.alike", **fields)
    if k == 0:
        return say("clv.rates.own", **fields)
    return say("clv.rates", k=words.money(k, currency, digits=0), **fields)


# --- who holds it ---------------------------------------------------------------------------------


def clv_groups(groups: pd.DataFrame) -> str:
    """The group that holds most. Frame: `clv.by_group`, its first column the group."""
    if groups.empty or groups["clv_share"].isna().all():
        return say("clv.groups.none")
    lead = groups.loc[groups["clv_share"].idxmax()]
    return say(
        "clv.groups",
        group=str(lead.iloc[0]),
        customers=words.percent(lead["customers_share"], 0),
        clv=words.percent(lead["clv_share"], 0),
    )


def clv_top(listed: pd.DataFrame, totals: pd.DataFrame, few: int) -> str:
    """What the customers worth most hold: the caption of their table."""
    whole = totals["clv"].iloc[0]
    if len(listed) >= totals["customers"].iloc[0] or whole <= 0:
        return say("clv.top.all")
    share = words.percent(listed["clv"].head(few).sum() / whole)
    return say("clv.top", few=words.count(min(few, len(listed))), share=share)


def clv_concentration(top: pd.DataFrame) -> str:
    """What the best customers hold of the value to come. Frame: `concentration.top_shares`."""
    first = top.iloc[0]
    if pd.isna(first["value_share"]):
        return say("clv.concentration.none")
    return say(
        "clv.concentration",
        share=words.percent(first["share"], 0),
        held=words.percent(first["value_share"]),
    ) + _more_than_all(first["value_share"])
