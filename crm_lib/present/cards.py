"""Headline numbers of each report, from the frames its analyses made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from crm_lib import errors
from crm_lib.cost_components import SERVING
from crm_lib.periods import Window
from crm_lib.present import words
from crm_lib.present.numbers import Number
from crm_lib.present.sentences.base import customers
from crm_lib.present.sentences.lifecycle import AT_RISK
from crm_lib.present.sentences.lifetime import FAR_OFF, clv_terms
from crm_lib.present.sentences.profit import REVENUE
from crm_lib.present.sentences.quality import FOUND

GOOD = {"revenue": "up", "margin": "up", "active_customers": "up", "new_customers": "up"}
"""Measures whose direction is good or bad news whatever the business."""

SPANS = ("month", "year")


def base(measures: pd.DataFrame, keys: Sequence[str], *, span: str) -> list[Number]:
    """The customer base: `dashboard.measures` in the order of `keys`; absent ones are left out.

    `span` is "month" (the last full one) or "year" (12 months). Raises UsageError for another span.
    """
    if span not in SPANS:
        raise errors.UsageError(errors.unknown("span", span, SPANS))
    rows = measures[measures["span"] == span].set_index("key")
    return [_measure(key, rows.loc[key]) for key in keys if key in rows.index]


FEWEST = 30
"""A change of a smaller number in per cent says more than there is to say."""


def _measure(key: str, row: pd.Series) -> Number:
    few = row["unit"] == "count" and pd.notna(row["value"]) and row["value"] < FEWEST
    compared = "on the month before" if row["span"] == "month" else "on the 12 months before"
    return Number(
        key=key,
        label=row["label"],
        value=row["value"],
        unit=row["unit"],
        window=words.in_words(Window(row["window_start"], row["window_end"])),
        change=None if few else row["change"],
        change_label=compared,
        year_change=None if few or row["span"] == "year" else row["year_change"],
        year_change_label="on the year before",
        good=GOOD.get(key),  # type: ignore[arg-type]
        denominator=f"of {row['denominator']}" if row["denominator"] else "",
        note=row["note"] or (_was(row) if few else ""),
    )


def _was(row: pd.Series) -> str:
    if pd.isna(row["change_from"]):
        return ""
    return words.say(f"card.was.{row['span']}", before=words.count(row["change_from"]))


def concentration(
    sizes: pd.DataFrame, top: pd.DataFrame, needed: pd.DataFrame, *, gini: float, observed: Window
) -> list[Number]:
    """Who carries the business: `segments.sizes`, `concentration.top_shares`, `customers_for_share`."""
    window = words.in_words(observed)
    note = "0 = all bring the same, 1 = one brings everything"
    return [
        *_leading_segment(sizes, window),
        *_top_customers(top, window),
        *_customers_for_target(needed, window),
        Number("gini", "Gini coefficient of revenue", gini, "ratio", window, note=note),
    ]


def _leading_segment(sizes: pd.DataFrame, window: str) -> list[Number]:
    """The segment that brings most; none where there is no revenue to share."""
    lead = sizes.dropna(subset="revenue_share").nlargest(1, "revenue_share")
    return [
        Number(
            "leading_segment_share",
            f"Revenue of {row.segment}",
            row.revenue_share,
            "percent",
            window,
            denominator=f"of net revenue; {row.customers_share:.0%} of known customers",
        )
        for row in lead.itertuples()
    ]


def _top_customers(top: pd.DataFrame, window: str) -> list[Number]:
    return [
        Number(
            "top_customers_share",
            f"Revenue of the top {row.share:.0%}",
            row.value_share,
            "percent",
            window,
            denominator=f"of net revenue; {customers(row.customers)}",
        )
        for row in top.head(1).itertuples()
    ]


def _customers_for_target(needed: pd.DataFrame, window: str) -> list[Number]:
    return [
        Number(
            "customers_for_target",
            f"Customers who bring {row.share:.0%} of revenue",
            row.customers_share,
            "percent",
            window,
            denominator=f"of customers with a purchase; {customers(row.customers)}",
        )
        for row in needed.head(1).itertuples()
    ]


def stages(sizes: pd.DataFrame, at_stake: pd.DataFrame, *, observed: Window) -> list[Number]:
    """Where customers stand: `stages.sizes` and `stages.at_stake`."""
    (risky, value), *_ = at_stake[["customers", "value_at_stake"]].itertuples(index=False)
    whole = sizes["customers"].sum()
    by_stage = sizes.set_index("stage")["customers"]
    known = f"of {words.counted(whole, 'known customer')}"
    window = f"on {words.day(observed.last_day)}"

    def share(key: str, label: str, names: Sequence[str]) -> Number:
        part = by_stage.reindex(list(names), fill_value=0).sum() / whole if whole else None
        return Number(key, label, part, "percent", window, denominator=known)

    return [
        share("established_share", "Established customers", ["Established"]),
        share("at_risk_share", "At risk or dormant", AT_RISK),
        share("lost_share", "Lost", ["Lost"]),
        Number(
            "value_at_stake",
            "Value at stake a year",
            value,
            "money",
            window,
            denominator=f"{customers(risky)} at risk or dormant, what they have brought a year",
        ),
    ]


def profit(
    bridge: pd.DataFrame, peak: pd.DataFrame, label: str, *, observed: Window, serving: bool
) -> list[Number]:
    """Who earns and who costs: `profit.bridge`, `profit.peak`. `label`: what the profit may be called;
    `serving`: whether any cost to serve is known."""
    steps = bridge.set_index("step")["amount"].astype(float)
    window, row = words.in_words(observed), peak.iloc[0]
    revenue = steps.get("revenue", steps["profit"])
    if label == REVENUE:
        return _without_costs(steps, row, window)
    name = label[:1].upper() + label[1:]
    known = f"of {words.counted(row['customers'], 'known customer')}"
    of_revenue = "of net revenue"
    numbers = [
        Number("profit", name, steps["profit"], "money", window, good="up", denominator="all sales"),
        Number("profit_rate", f"{name}, share of revenue", _part(steps["profit"], revenue), "percent", window, denominator=of_revenue),
    ]  # fmt: skip
    if "gross_profit" in steps:
        numbers.append(Number("gross_profit", "Gross profit", steps["gross_profit"], "money", window, denominator="all sales"))  # fmt: skip
    if serving:
        spent = -sum(steps.get(each, 0.0) for each in SERVING)
        numbers.append(
            Number("cost_to_serve", "Cost to serve", _part(spent, revenue), "percent", window, denominator=of_revenue)
        )  # fmt: skip
    shares = Number(
        "unprofitable_share", "Customers who cost more than they bring", row["unprofitable_share"],
        "percent", window, denominator=known,
    )  # fmt: skip
    return [
        *numbers,
        Number("unprofitable_customers", "Unprofitable customers", row["unprofitable"], "count", window, denominator=known),
        shares,
        Number("unprofitable_loss", "What they cost more", row["loss"], "money", window, denominator=customers(row["unprofitable"])),
        Number("whale_peak", "Peak of the whale curve", row["peak_rate"], "percent", window, denominator=f"of {label}, by the best {customers(row['earning'])}"),
    ]  # fmt: skip


def _without_costs(steps: pd.Series, row: pd.Series, window: str) -> list[Number]:
    """What can be said where no cost is known: revenue and what was taken off gross sales."""
    gross = steps["gross_sales"]
    each = steps["profit"] / row["customers"] if row["customers"] else None
    numbers = [
        Number("revenue", "Revenue", steps["profit"], "money", window, denominator="all sales"),
        Number("revenue_per_customer", "Revenue a customer", each, "money", window, denominator=words.counted(row["customers"], "known customer")),
    ]  # fmt: skip
    for key, column, label in (
        ("discount_rate", "discount", "Discounts"),
        ("return_rate", "returns", "Returns"),
    ):
        if column in steps:
            rate = _part(-steps[column], gross)
            numbers.append(
                Number(key, label, rate, "percent", window, denominator="of gross sales")
            )
    return numbers


def _part(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def clv(
    totals: pd.DataFrame,
    interval: Sequence[float] | None,
    *,
    terms: str,
    title: str,
    horizon_months: int,
    day: date,
) -> list[Number]:
    """What the present customers are worth: `clv.totals`, the interval of the equity, the words of
    `sentences.clv_terms` and the model's title."""
    row = totals.iloc[0]
    people = f"of {customers(row['customers'])} with a purchase"
    ahead = f"the {words.months(horizon_months)} from {words.day(day)}"
    each = row["clv"] / row["customers"] if row["customers"] else None
    return [
        Number("clv_total", "Equity of present customers", row["clv"], "money", ahead, interval=_pair(interval), note=terms),
        Number("clv_each", "Lifetime value a customer", each, "money", ahead, denominator=people, note=terms),
        Number("still_customers", "Expected to be customers still", row["still_customers"], "count", f"on {words.day(day)}", denominator=people, note=title),
        Number("expected_purchases", "Expected purchase occasions", row["expected_occasions"], "count", ahead, denominator=people, note=title),
        Number("negative_clv", "Expected to cost more than they bring", row["negative"], "count", ahead, denominator=people),
    ]  # fmt: skip


def clv_refused(reason: str, *, day: date) -> list[Number]:
    """The same where no model may be used: no number, and why."""
    note = words.say("card.no_model") if reason else ""
    return [Number("clv_total", "Equity of present customers", None, "money", f"on {words.day(day)}", note=note)]  # fmt: skip


def equity(known: Mapping[str, Any], *, day: date) -> list[Number]:
    """The equity that `marts.equity` found, for other reports than that on lifetime value."""
    if known["clv"] is None:
        return clv_refused(known["reason"], day=day)
    ahead = f"the {words.months(known['horizon_months'])} from {words.day(day)}"
    note = clv_terms(known["earning"], known["horizon_months"], known["discount_rate"])
    if known["stays"]:
        note = words.say("card.stays", terms=note)
    elif abs(known["bias"]) > FAR_OFF:
        note = words.say("card.far_off", terms=note, rate=words.percent(abs(known["bias"]), 0))
    return [Number("clv_total", "Equity of present customers", known["clv"], "money", ahead, denominator=f"of {customers(known['customers'])} with a purchase", interval=_pair(known["interval"]), note=note)]  # fmt: skip


def _pair(interval: Sequence[float] | None) -> tuple[float, float] | None:
    return (float(interval[0]), float(interval[1])) if interval else None


def quality(summary: Mapping[str, Any], rules: pd.DataFrame) -> list[Number]:
    """How sound the data is: `Verdict.summary()` and the frame of rules."""
    rows, money = summary["rows"], summary["money"]
    found = rules["result"].isin(FOUND).sum()
    applying = (rules["result"] == "passed").sum() + found
    window = "order lines of the data set"
    return [
        Number("rows_read", "Order lines read", rows["read"], "count", window),
        Number("rows_accepted", "Order lines accepted", rows["accepted"], "count", window),
        Number("amount_accepted", "Amount accepted", money["accepted"], "money", window),
        Number(
            "rows_quarantined", "Order lines in quarantine", rows["quarantined"], "count", window
        ),
        Number(
            "rules_broken",
            "Rules to know of",
            found,
            "count",
            "all tables",
            denominator=f"of {applying} rules",
        ),
    ]
