"""Analyses of the customer facts by loops: concentration, segments, stages, tiers."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from math import ceil
from statistics import median
from typing import Any

from crm_lib.segment_map import DEFAULT as SEGMENTS
from crm_lib.stage_rules import STAGES
from tests.engines.company import Row, Rows
from tests.engines.naive.base import Naive, ratio, total

# --- concentration ---------------------------------------------------------------------------------


def values(naive: Naive) -> list[Any]:
    return sorted(row["revenue"] for row in naive.buyers.values())


def gini(naive: Naive) -> float:
    """By its first definition: the mean difference of all pairs, relative to twice the mean."""
    all_ = values(naive)
    apart = sum(abs(a - b) for a in all_ for b in all_)
    return float(apart / (2 * len(all_) * total(all_)))


def hhi(naive: Naive) -> float:
    positive = [value for value in values(naive) if value > 0]
    return sum(float(value / total(positive)) ** 2 for value in positive)


def lorenz(naive: Naive, points: int) -> Rows:
    all_ = values(naive)
    n, whole = len(all_), total(all_)
    steps = sorted({k for k in range(1, n + 1) if k * points // n > (k - 1) * points // n})
    return [
        {
            "customers": k, "value": total(all_[:k]), "customers_share": k / n,
            "value_share": ratio(total(all_[:k]), whole),
        }
        for k in [0, *steps]
    ]  # fmt: skip


def top_shares(naive: Naive) -> Rows:
    best = values(naive)[::-1]
    rows = []
    for share in ("0.01", "0.1", "0.2", "0.5"):
        k = ceil(Fraction(share) * len(best))
        value = total(best[:k])
        rows.append(
            {
                "share": float(share), "customers": k, "customers_share": k / len(best),
                "value": value, "value_share": ratio(value, total(best)),
            }
        )  # fmt: skip
    return rows


def customers_for_share(naive: Naive) -> Rows:
    best = values(naive)[::-1]
    k = next(k for k in range(1, len(best) + 1) if total(best[:k]) * 5 >= total(best) * 4)
    value = total(best[:k])
    return [
        {"share": 0.8, "customers": k, "value": value, "value_share": ratio(value, total(best))}
    ]


def negatives(naive: Naive) -> Rows:
    found = [row for row in naive.customers.values() if row["revenue"] < 0]
    return [
        {
            "customers": len(found), "value": total(row["revenue"] for row in found),
            "without_occasion": sum(not row["occasions"] for row in found),
            "known_customers": len(naive.customers),
        }
    ]  # fmt: skip


def ranked(naive: Naive) -> Rows:
    rows = []
    for name, row in naive.buyers.items():
        more = sum(other > row["revenue"] for other in values(naive))
        as_much = total(other for other in values(naive) if other >= row["revenue"])
        rows.append(
            {
                "customer_id": name, "revenue": row["revenue"], "revenue_rank": more + 1,
                "cumulative_share": ratio(as_much, total(values(naive))),
                "is_top_20_percent": more * 5 < len(naive.buyers) and row["revenue"] > 0,
            }
        )  # fmt: skip
    return rows


# --- segments --------------------------------------------------------------------------------------


def score(value: Any, all_: list[Any]) -> int:
    """1 to 5 by the share of customers below, those with the same value counting half."""
    below, same = sum(other < value for other in all_), sum(other == value for other in all_)
    return 1 + (5 * (2 * below + same)) // (2 * len(all_))


def rfm(naive: Naive) -> Rows:
    bought = list(naive.buyers.values())
    rows = []
    for name, row in naive.customers.items():
        scores: list[int | None] = [None, None, None]
        segment = "No purchase"
        if row["occasions"]:
            scores = [
                score(-row["days_since_last"], [-r["days_since_last"] for r in bought]),
                score(row["occasions"], [r["occasions"] for r in bought]),
                score(row["revenue"], [r["revenue"] for r in bought]),
            ]
            segment = next(rule.name for rule in SEGMENTS.rules if rule.holds(*scores))  # type: ignore[arg-type]
        rows.append(
            {
                "customer_id": name, "recency_score": scores[0], "frequency_score": scores[1],
                "monetary_score": scores[2], "segment": segment,
                **{c: row[c] for c in ("days_since_last", "occasions", "revenue", "is_first_seen")},
            }
        )  # fmt: skip
    return rows


def value_tiers(naive: Naive) -> Rows:
    rows = []
    for name, row in naive.customers.items():
        above = sum(other > row["revenue"] for other in values(naive))
        share = Fraction(above, len(naive.buyers))
        tier = (
            "Top 20%"
            if share < Fraction(1, 5)
            else "Next 30%"
            if share < Fraction(1, 2)
            else "Lower 50%"
        )
        if not row["occasions"]:
            tier = "No purchase"
        elif row["revenue"] <= 0:
            tier = "Zero or negative"
        rank = above + 1 if row["occasions"] else None
        rows.append({"customer_id": name, "revenue_rank": rank, "value_tier": tier})
    return rows


def sizes(naive: Naive) -> Rows:
    groups = defaultdict(list)
    for row in rfm(naive):
        groups[row["segment"]].append(row)
    whole = total(row["revenue"] for row in naive.customers.values())
    rows = []
    for name, members in groups.items():
        revenue = total(row["revenue"] for row in members)
        waits = [r["days_since_last"] for r in members if r["days_since_last"] is not None]
        rows.append(
            {
                "segment": name, "customers": len(members), "revenue": revenue,
                "customers_share": len(members) / len(naive.customers),
                "revenue_share": ratio(revenue, whole),
                "revenue_per_customer": float(revenue) / len(members),
                "occasions_per_customer": sum(r["occasions"] for r in members) / len(members),
                "median_days_since_last": median(waits) if waits else None,
            }
        )  # fmt: skip
    return rows


def grid(naive: Naive) -> Rows:
    cells: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rfm(naive):
        if row["recency_score"]:
            cells[row["recency_score"], row["frequency_score"]].append(row)
    return [
        {
            "recency_score": r, "frequency_score": f, "customers": len(rows),
            "revenue": total(row["revenue"] for row in rows),
        }
        for (r, f), rows in cells.items()
    ]  # fmt: skip


# --- stages ----------------------------------------------------------------------------------------


def stages(customers: dict[str, Row]) -> Rows:
    medians = [r["median_gap_days"] for r in customers.values() if r["median_gap_days"] is not None]
    spans = [r["T"] for r in customers.values() if r["T"] is not None]
    typical = max(float(median(medians)) if medians else float(max(spans, default=1)), 1.0)
    rows = []
    for name, row in customers.items():
        gaps = max(row["occasions"] - 1, 0)
        expected = max((float(row["t_x"] or 0) + 3 * typical) / (gaps + 3), 1.0)
        silence = back = None
        if row["occasions"]:
            silence = row["days_since_last"] / expected
        if gaps:
            earlier = max((row["t_x"] - row["last_gap_days"] + 3 * typical) / (gaps - 1 + 3), 1.0)
            back = row["last_gap_days"] / earlier
        rows.append(
            {
                "customer_id": name, "stage": _stage(row, gaps, silence, back),
                "expected_gap_days": expected, "silence": silence, "return_multiple": back,
            }
        )  # fmt: skip
    return rows


def _stage(row: Row, gaps: int, silence: float | None, back: float | None) -> str:
    if silence is None:
        return "Prospect"
    for limit, name in ((6, "Lost"), (3, "Dormant"), (1.5, "At risk")):
        if silence > limit:
            return name
    if back is not None and back > 3:
        return "Reactivated"
    if row["occasions"] == 1 and not row["is_first_seen"]:
        return "New"
    return "Established" if gaps >= 3 else "Developing"


def stage_sizes(naive: Naive) -> Rows:
    found = stages(naive.customers)
    whole = total(row["revenue"] for row in naive.customers.values())
    rows = []
    for stage in STAGES:
        members = [row for row in found if row["stage"] == stage]
        revenue = total(naive.customers[row["customer_id"]]["revenue"] for row in members)
        silences = [row["silence"] for row in members if row["silence"] is not None]
        rows.append(
            {
                "stage": stage, "customers": len(members), "share": len(members) / len(found),
                "revenue": revenue, "revenue_share": ratio(revenue, whole),
                "median_silence": median(silences) if silences else None,
            }
        )  # fmt: skip
    return rows


def at_risk(naive: Naive) -> Rows:
    rows = []
    for row in stages(naive.customers):
        facts = naive.customers[row["customer_id"]]
        if row["stage"] in ("At risk", "Dormant") and facts["revenue"] > 0:
            years = max((facts["T"] + 1) / 365.25, 1.0)
            rows.append(row | {"value_at_stake": float(facts["revenue"]) / years})
    return [
        {c: row[c] for c in ("customer_id", "stage", "silence", "value_at_stake")} for row in rows
    ]


def matrix(naive: Naive, earlier: date) -> Rows:
    before = {r["customer_id"]: r["stage"] for r in stages(naive.customers_at(earlier))}
    after = {r["customer_id"]: r["stage"] for r in stages(naive.customers)}
    moves = [(before.get(name, "Not yet a customer"), stage) for name, stage in after.items()]
    rows = []
    for source in ("Not yet a customer", *STAGES):
        whole = sum(move[0] == source for move in moves)
        for target in STAGES:
            n = moves.count((source, target))
            share = n / whole if whole else None
            rows.append({"from_stage": source, "to_stage": target, "customers": n, "share": share})
    return rows


def bought_since(naive: Naive, since: date) -> Rows:
    later = {row["customer_id"] for row in naive.occasions if row["on"] >= since}
    rows = []
    for stage in STAGES:
        found = stages(naive.customers_at(since))
        members = [row["customer_id"] for row in found if row["stage"] == stage]
        if members:
            bought = sum(name in later for name in members)
            rows.append(
                {
                    "stage": stage,
                    "customers": len(members),
                    "bought": bought,
                    "share": bought / len(members),
                }
            )
    return rows


def earlier(naive: Naive) -> date:
    return naive.observed.start + timedelta(days=naive.observed.days * 2 // 3)
