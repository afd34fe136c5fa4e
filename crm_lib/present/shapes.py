"""Frames as analyses make them → as figures and tables want them: renamed, reordered, nothing computed anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from crm_lib import errors
from crm_lib.needs import FEWEST_CUSTOMERS
from crm_lib.periods import Window, parse_day
from crm_lib.present import words
from crm_lib.present.sentences.base import FACTOR_NAMES
from crm_lib.present.sentences.profit import STEP_NAMES
from crm_lib.present.sentences.quality import FOUND


def measures_in_words(measures: pd.DataFrame, span: str, currency: str) -> pd.DataFrame:
    """`dashboard.measures` of one span, each number with its own unit: label, value, changes, denominator."""
    rows = measures[measures["span"] == span]
    numbers = zip(rows["value"], rows["unit"], strict=True)
    shown = pd.DataFrame({"label": rows["label"], "denominator": rows["denominator"]})
    shown["value"] = [words.value(value, unit, currency) for value, unit in numbers]
    for name in ("change", "year_change"):
        changes = zip(rows[name], rows["unit"], strict=True)
        shown[name] = [
            words.MISSING if pd.isna(x) else words.change(x, unit) for x, unit in changes
        ]
    return shown.reset_index(drop=True)


def cut_points_in_words(cuts: pd.DataFrame, currency: str) -> pd.DataFrame:
    """`CutPoints.frame()` with each value in its own unit, to the cent: measure, score, direction, reached_at."""
    units = {"days": "days", "occasions": "count", "currency": "money"}
    pairs = zip(cuts["reached_at"], cuts["unit"], strict=True)
    return cuts.assign(
        reached_at=[
            words.money(value, currency, digits=2)
            if unit == "currency"
            else words.value(value, units[unit])
            for value, unit in pairs
        ]
    )


def waterfall(effects: pd.DataFrame) -> pd.DataFrame:
    """`decomposition.decompose` as steps from the old total to the new one: factor, effect, kind."""
    total = effects[effects["factor"] == "total"].iloc[0]
    parts = effects[(effects["factor"] != "total") & (effects["effect"].astype(float) != 0)]
    named = [
        (FACTOR_NAMES[f], float(e), "effect")
        for f, e in zip(parts["factor"], parts["effect"], strict=True)
    ]
    steps = [
        ("Before", float(total["before"]), "start"),
        *named,
        ("After", float(total["after"]), "end"),
    ]
    return pd.DataFrame(steps, columns=["factor", "effect", "kind"])


def best_first(curve: pd.DataFrame) -> pd.DataFrame:
    """`concentration.lorenz`, counted from the customers who bring most: customer_share, revenue_share."""
    turned = curve.iloc[::-1]
    return pd.DataFrame(
        {
            "customer_share": 1 - turned["customers_share"],
            "revenue_share": 1 - turned["value_share"],
        }
    ).reset_index(drop=True)


def whole_periods(flow: pd.DataFrame) -> pd.DataFrame:
    """`flow.monthly` or `quarterly` without warm-up and partial periods, in which everyone seems to come or go.

    Adds `month` (first day, for the figure), `period` (in words, for the table) and
    `revenue_elsewhere` (customers first seen, without an occasion, or unknown).
    """
    whole = flow[~flow["is_partial"].astype(bool) & ~flow["is_warm_up"].astype(bool)]
    spans = zip(whole["start"], whole["end"], strict=True)
    names = [words.in_words(Window(parse_day(start), parse_day(end))) for start, end in spans]
    elsewhere = ["revenue_first_seen", "revenue_inactive_change", "revenue_anonymous_change"]
    return whole.assign(
        month=whole["start"], period=names, revenue_elsewhere=whole[elsewhere].sum(axis=1)
    ).reset_index(drop=True)


def returned(curve: pd.DataFrame) -> pd.DataFrame:
    """`repeat.survival` as the share that came back by each day: days, share, lower, upper."""
    return pd.DataFrame(
        {
            "days": curve["days"],
            "share": 1 - curve["survival"],
            "lower": 1 - curve["upper"],
            "upper": 1 - curve["lower"],
        }
    )


def cohort_grid(triangle: pd.DataFrame, latest: int = 24) -> pd.DataFrame:
    """`cohorts.triangle` of the `latest` cohorts that hold anybody, with `customers` as their size."""
    held = triangle[triangle["cohort_size"] > 0]
    recent = sorted(held["cohort"].unique())[-latest:]
    kept = held[held["cohort"].isin(recent)]
    return kept.rename(columns={"cohort_size": "customers"}).reset_index(drop=True)


def occupied(moves: pd.DataFrame) -> pd.DataFrame:
    """`transitions.matrix` without stages that nobody left and without those nobody reached."""
    leaving = moves.groupby("from_stage")["customers"].transform("sum") > 0
    reaching = moves.groupby("to_stage")["customers"].transform("sum") > 0
    return moves[leaving & reaching].reset_index(drop=True)


def stays(times: pd.DataFrame) -> pd.DataFrame:
    """`transitions.expected_time_in_stage` with its times in words: a small matrix cannot tell 20 years from 40,
    and a stage of fewer than `FEWEST_CUSTOMERS` tells nothing."""
    known = times.where(times["customers"] >= FEWEST_CUSTOMERS)
    shown = {name: known[name].map(words.stay) for name in ("expected_days", "days_until_lost")}
    return times.assign(**shown)


def movers(changes: pd.DataFrame) -> pd.DataFrame:
    """`segments.segment_changes` of those who moved, the largest groups first."""
    moved = changes[changes["before"] != changes["now"]]
    return moved.sort_values("customers", ascending=False, kind="stable").reset_index(drop=True)


def chosen_rules(rules: pd.DataFrame, shown: str) -> pd.DataFrame:
    """The frame of rules: "all" of them, or those "broken". Raises UsageError for another word."""
    if shown not in ("all", "broken"):
        raise errors.UsageError(errors.unknown("choice of rules", shown, ["all", "broken"]))
    return rules if shown == "all" else rules[rules["result"].isin(FOUND)]


def tables_at_hand(presence: pd.DataFrame) -> pd.DataFrame:
    """`coverage.presence` as one row a table: table, supplied, lacking (names of columns)."""
    rows = [
        {
            "table": table,
            "supplied": ", ".join(part.loc[part["is_supplied"], "column"]) or "–",
            "lacking": ", ".join(part.loc[~part["is_supplied"], "column"]) or "–",
        }
        for table, part in presence.groupby("table", sort=False)
    ]
    return pd.DataFrame(rows, columns=["table", "supplied", "lacking"])


def bridge_steps(bridge: pd.DataFrame, profit: str) -> pd.DataFrame:
    """`profit.bridge` with its steps in words: label, amount, kind. `profit`: what the last one is called.

    Deductions of nothing are left out.
    """
    bridge = bridge[(bridge["kind"] != "cost") | (bridge["amount"].astype(float) != 0)]
    names = bridge["step"].map(STEP_NAMES).where(bridge["step"] != "profit", profit)
    signs = bridge["kind"].map({"cost": "− ", "subtotal": "= ", "end": "= "}).fillna("")
    return pd.DataFrame(
        {"label": signs + names, "amount": bridge["amount"], "kind": bridge["kind"]}
    )


def profit_components(components: Sequence[Any]) -> pd.DataFrame:
    """The book's components of the profit as a table: label, level, status, source, known, unlock."""
    return pd.DataFrame(
        [
            {
                "label": item.label,
                "level": item.level,
                "status": item.status,
                "source": item.source or words.MISSING,
                "known": words.MISSING if item.known_share is None else words.percent(item.known_share, 0),
                "unlock": item.unlock or words.MISSING,
            }
            for item in components
        ]
    )  # fmt: skip


def reconciled(reconciliation: pd.DataFrame) -> pd.DataFrame:
    """The book's reconciliation added up over the months, one row a component, named."""
    amounts = ["source", "by_rule", "out_of_scope", "ledger", "difference"]
    order = [name for name in STEP_NAMES if name in set(reconciliation["component"])]
    summed = reconciliation.groupby("component")[amounts].sum().reindex(order).reset_index()
    return summed.assign(component=summed["component"].map(STEP_NAMES))


def causes(frame: pd.DataFrame) -> pd.DataFrame:
    """`losses.causes` or `negatives` with the causes in words."""
    return frame.assign(cause=frame["cause"].map(STEP_NAMES))


def tenure_groups(paired: pd.DataFrame) -> pd.DataFrame:
    """`tenure.paired` with its groups in words."""
    return paired.assign(group=[words.say(f"tenure.group.{name}") for name in paired["group"]])


def paid_back(table: pd.DataFrame) -> pd.DataFrame:
    """`acquisition.by_origin` with the payback in words: paid_back."""
    columns = ["won", "cac", "payback_month", "followed_months"]
    rows = table[columns].itertuples(index=False)
    return table.assign(paid_back=[_paid_back(*row) for row in rows])


def _paid_back(won: int, cac: float, month: float, followed: int) -> str:
    if not won:
        return words.MISSING
    if pd.isna(cac):
        return words.say("payback.unknown")
    if not followed:
        return words.say("payback.few")
    if pd.isna(month):
        return words.say("payback.not", months=words.months(followed))
    return words.say("payback.within", month=words.count(month))


def cost_parts(parts: pd.DataFrame) -> pd.DataFrame:
    """The parts of `keeping.compare` with their components in words."""
    return parts.assign(component=[STEP_NAMES.get(name, name) for name in parts["component"]])


def lever_steps(levers: pd.DataFrame) -> pd.DataFrame:
    """`Levers.table` with each lever and step in words: label."""
    pairs = zip(levers["lever"], levers["step"], strict=True)
    return levers.assign(label=[words.say(f"lever.{name}.{step}") for name, step in pairs])


def equity_parts(parts: pd.DataFrame) -> pd.DataFrame:
    """`equity.parts` with its parts in words."""
    return parts.assign(part=[words.say(f"label.part.{name}") for name in parts["part"]])


def groups_by(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """`clv.by_group` with the column `by` as `group`, for the figure."""
    return frame.rename(columns={by: "group"})


def newcomer_steps(steps: pd.DataFrame, earning: str) -> pd.DataFrame:
    """`Future.steps` with its steps in words; `earning`: what a margin is made of."""
    return steps.assign(
        step=[
            words.say(
                f"newcomer.{name}", **({"earning": earning} if name != "acquisition_cost" else {})
            )
            for name in steps["step"]
        ]
    )


def margin_facts(facts: pd.DataFrame, currency: str) -> pd.DataFrame:
    """`Margins.facts` in words: measure, value with its unit, base; what is not known is left out."""
    known = facts[facts["value"].notna()]
    numbers = zip(known["value"], known["unit"], strict=True)
    return pd.DataFrame(
        {
            "measure": [words.say(f"margins.{name}") for name in known["measure"]],
            "value": [
                words.change(x, "count") if name == "tilt" else words.value(x, unit, currency)
                for name, (x, unit) in zip(known["measure"], numbers, strict=True)
            ],
            "base": [
                "every customer" if words.is_missing(n) else words.counted(n, "customer")
                for n in known["customers"]
            ],
        }
    )
