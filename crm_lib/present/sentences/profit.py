"""Sentences on profit: what was earned, by whom, and who costs more than they bring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd

from crm_lib.cost_components import LABELS
from crm_lib.periods import Window, add_months, parse_day
from crm_lib.present import words
from crm_lib.present.sentences.base import customers, direction
from crm_lib.present.words import say

STEP_NAMES = {**LABELS, "none": "no single cost"}
"""What the columns of the ledger are called."""

LONGEST_YEAR = 12
MISSING = "missing"
REVENUE = "revenue"
"""What the profit is called where no cost is known."""


def sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def profit(bridge: pd.DataFrame, peak: pd.DataFrame, label: str, currency: str) -> str:
    """What was earned and by how many. Frames: `profit.bridge`, `profit.peak`; `label`: what the profit is."""
    steps, row = _amounts(bridge), peak.iloc[0]
    if label == REVENUE:
        return _revenue_only(steps, int(row["customers"]), currency)
    fields = {
        "profit": sentence_case(label),
        "money": words.money(steps["profit"], currency, compact=True),
    }
    who = {
        "unprofitable": customers(row["unprofitable"]),
        "share": words.percent(row["unprofitable_share"], 0),
        "loss": words.money(float(row["loss"]), currency, compact=True),
    }
    if not steps["profit"] > 0:
        if not float(row["peak_profit"]) > 0:
            return say("profit.earned.nobody", **fields)
        peaked = words.money(float(row["peak_profit"]), currency, compact=True)
        return say("profit.earned.loss", peak=peaked, **fields, **who)
    rate = words.percent(steps["profit"] / steps.get("revenue", steps["profit"]))
    if not row["unprofitable"]:
        return say("profit.earned.all", rate=rate, **fields)
    earning = words.percent(row["earning_share"], 0)
    return say("profit.earned", rate=rate, earning=earning, **fields, **who)


def _amounts(bridge: pd.DataFrame) -> pd.Series:
    return bridge.set_index("step")["amount"].astype(float)


def _revenue_only(steps: pd.Series, known: int, currency: str) -> str:
    fields = {
        "revenue": words.money(steps["profit"], currency, compact=True),
        "customers": words.counted(known, "known customer"),
    }
    deducted = steps["gross_sales"] - steps["profit"]
    if not deducted > 0 or not steps["gross_sales"] > 0:
        return say("profit.revenue_plain", **fields)
    taken, rate = words.money(deducted, currency, compact=True), deducted / steps["gross_sales"]
    what = words.listed([STEP_NAMES[step] for step in ("discount", "returns") if step in steps])
    return say("profit.revenue_only", deducted=taken, what=what, rate=words.percent(rate), **fields)


def bridge(steps: pd.DataFrame, label: str, currency: str) -> str:
    """What of gross sales is left, and what took most. Frame: `profit.bridge`."""
    amounts = _amounts(steps)
    gross, left = amounts["gross_sales"], amounts["profit"]
    deductions = steps[(steps["kind"] == "cost") & (steps["amount"].astype(float) < 0)]
    fields = {"gross": words.money(gross, currency, compact=True)}
    if deductions.empty or not gross > 0:
        return say("profit.bridge.whole", **fields)
    most = deductions.loc[deductions["amount"].astype(float).idxmin()]
    fields["largest"] = STEP_NAMES[most["step"]]
    fields["share"] = words.percent(-float(most["amount"]) / gross)
    if not left > 0:
        return say("profit.bridge.none", **fields)
    return say("profit.bridge", rate=words.percent(left / gross), profit=label, **fields)


def components(known: Sequence[Any], label: str) -> str:
    """What is deducted and what is missing. `known`: the components of the book, with label and status."""
    costs = [item for item in known if item.level != "revenue"]
    there = [item.label for item in costs if item.status != MISSING]
    gone = [item.label for item in costs if item.status == MISSING]
    said = [
        say("profit.known", known=words.listed(there), profit=label)
        if there
        else say("profit.known.nothing", profit=label)
    ]
    if gone:
        said.append(say("profit.missing", missing=words.listed(gone)))
    return " ".join(said)


def ledger_reconciled(frame: pd.DataFrame, currency: str) -> str:
    """Whether the ledger agrees with its sources. Frame: the book's reconciliation, by month or in total."""
    apart = frame["difference"].astype(float)
    if not (apart != 0).any():
        return say("profit.reconciled")
    return say(
        "profit.not_reconciled",
        months=words.count((apart != 0).sum()),
        all=words.count(len(frame)),
        money=words.money(apart.abs().max(), currency, digits=2),
    )


def _spans(monthly: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The last full months and as many before them, twelve or the largest number that there is."""
    full = monthly[~monthly["is_partial"].astype(bool)]
    length = min(LONGEST_YEAR, len(full) // 2)
    if not length:
        return full, full.iloc[:0]
    return full.iloc[-length:], full.iloc[-2 * length : -length]


def _window(months: pd.DataFrame) -> str:
    first, last = (parse_day(months["month"].iloc[i]) for i in (0, -1))
    return words.in_words(Window(first, add_months(last, 1)))


def profit_months(monthly: pd.DataFrame, label: str, currency: str) -> str:
    """The last twelve full months against the twelve before. Frame: `profit.by_month`."""
    after, before = _spans(monthly)
    if after.empty:
        return say("profit.months.none")
    now = float(after["profit"].astype(float).sum())
    fields = {"profit": label, "after": _window(after)}
    shown = words.money(now, currency, compact=True)
    if before.empty:
        return say(
            "profit.months.short", money=shown, profit=sentence_case(label), after=fields["after"]
        )
    change = now - float(before["profit"].astype(float).sum())
    if change:
        fields["change"] = words.money(abs(change), currency, compact=True)
    key = f"profit.months.{direction(change)}"
    return say(key, before=_window(before), money=shown, **fields)


def serving(monthly: pd.DataFrame, currency: str) -> str:
    """The cost to serve as a share of revenue, and whether it grew. Frame: `profit.by_month`."""
    after, before = _spans(monthly)
    share, each = _share(after), _each(after)
    if share is None or each is None:
        return say("serving.none")
    fields = {
        "share": words.percent(share),
        "after": _window(after),
        "each": words.money(each, currency),
    }
    earlier = _share(before)
    if earlier is None:
        return say("serving.short", **fields)
    change = round(share - earlier, 3)
    fields["before"] = _window(before)
    if change:
        fields["points"] = words.points(abs(change)).lstrip("+")
    return say(f"serving.{direction(change)}", **fields)


def _share(months: pd.DataFrame) -> float | None:
    revenue = months["revenue"].astype(float).sum()
    return float(months["cost_to_serve"].astype(float).sum() / revenue) if revenue > 0 else None


def _each(months: pd.DataFrame) -> float | None:
    active = months["active_customers"].sum()
    return float(months["cost_to_serve"].astype(float).sum() / active) if active else None


def whale(peak: pd.DataFrame, currency: str) -> str:
    """How much the best earn and the others take away again. Frame: `profit.peak`."""
    row = peak.iloc[0]
    earned, loss, total = (
        words.money(float(row[name]), currency, compact=True)
        for name in ("peak_profit", "loss", "profit")
    )
    if not row["unprofitable"]:
        return say("whale.none", total=total)
    if not float(row["peak_profit"]) > 0:
        return say("whale.nobody", loss=loss)
    share = words.percent(row["earning_share"], 0)
    if not float(row["profit"]) > 0:
        return say("whale.loss", share=share, peak=earned, loss=loss)
    rate = words.percent(row["peak_rate"], 0)
    return say("whale.peak", share=share, peak=earned, loss=loss, total=total, rate=rate)


def profit_groups(groups: pd.DataFrame, by: str, label: str, currency: str) -> str:
    """The group that earns most, and one that loses. Frame: `profit.by_group`."""
    if groups.empty or groups["profit_share"].isna().all():
        return say("groups.none", profit=label)
    known = groups[groups[by].notna()]
    base = groups["customers"].sum()
    best, worst = known.iloc[0], known.iloc[-1]
    said = say(
        "groups.best",
        group=str(best[by]),
        customers=words.percent(best["customers"] / base, 0),
        profit_share=words.percent(best["profit_share"], 0),
        profit=label,
    )
    if float(worst["profit"]) < 0:
        loss = words.money(-float(worst["profit"]), currency, compact=True)
        said += " " + say("groups.worst", group=str(worst[by]), loss=loss)
    return said


def causes(frame: pd.DataFrame, since: date, currency: str) -> str:
    """What makes customers unprofitable, most of all. Frame: `losses.causes`."""
    if frame.empty:
        return say("causes.none")
    first = frame.iloc[0]
    said = [
        say(
            "causes.found",
            customers=customers(frame["customers"].sum()),
            loss=words.money(float(frame["loss"].astype(float).sum()), currency, compact=True),
            count=words.count(first["customers"]),
            cause=STEP_NAMES[first["cause"]],
            share=words.percent(first["loss_share"], 0),
        )
    ]
    for key, name, more in (
        ("never", "never_bought", {}),
        ("recent", "recent", {"since": words.day(since)}),
    ):
        if frame[name].sum():
            said.append(say(f"causes.{key}", **{key: customers(frame[name].sum())}, **more))
    return " ".join(said)


def losses_listed(negatives: int, shown: int) -> str:
    """The caption of the list of unprofitable customers."""
    return say(
        "losses.listed", shown=words.count(min(shown, negatives)), all=words.count(negatives)
    )


def products(frame: pd.DataFrame, by: str, currency: str) -> str:
    """What brings most gross profit, and sales below cost. Frame: `profit.by_product`."""
    known = frame[frame[by].notna()]
    if known.empty or not float(known["gross_profit"].iloc[0]) > 0:
        said = [say("products.none")]
    else:
        best = known.iloc[0]
        said = [
            say(
                "products.best",
                value=str(best[by]),
                money=words.money(float(best["gross_profit"]), currency, compact=True),
                share=words.percent(best["gross_share"], 0),
                rate=words.percent(best["gross_rate"], 0),
            )
        ]
    if below := int(frame["below_cost"].sum()):
        lost = words.money(float(frame["below_cost_loss"].astype(float).sum()), currency)
        said.append(say("products.loss", lines=words.counted(below, "order line"), money=lost))
    return " ".join(said)
