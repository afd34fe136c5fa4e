"""Analyses of the profit ledger by loops: who earns, who costs, what winning and keeping cost."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from statistics import mean, variance
from typing import Any

from crm_lib.analysis.losses import COMPONENTS, GIVEN_AWAY, GOODS, OTHERS
from crm_lib.ledger import MONEY
from crm_lib.periods import add_months, is_partial_month, last_full_month
from tests.engines.company import Row, Rows
from tests.engines.naive.base import ZERO, Naive, ratio, total


def by_customer(ledger: Rows) -> Rows:
    own = defaultdict(list)
    for row in ledger:
        if row["customer_id"] is not None:
            own[row["customer_id"]].append(row)
    rows = []
    for name, months in own.items():
        sums = {c: total(row[c] for row in months) for c in MONEY}
        bought = [row["month"] for row in months if row["occasions"]]
        rows.append(
            {
                "customer_id": name, "first_month": min(bought, default=None), **sums,
                **{c: sum(row[c] for row in months) for c in ("occasions", "orders", "lines")},
                "profit_rate": ratio(sums["profit"], sums["revenue"]),
                "is_negative": sums["profit"] < 0,
            }
        )  # fmt: skip
    for row in rows:
        row["profit_rank"] = 1 + sum(other["profit"] > row["profit"] for other in rows)
    return rows


def by_month(naive: Naive, ledger: Rows) -> Rows:
    rows = []
    for month in sorted({*naive.calendar, *(row["month"] for row in ledger)}):
        own = [row for row in ledger if row["month"] == month]
        sums = {c: total(row[c] for row in own) for c in MONEY}
        active = len({row["customer_id"] for row in own if row["occasions"]})
        serving = sums["cost_to_serve"]
        rows.append(
            {
                "month": month, **sums, "active_customers": active,
                "profit_rate": ratio(sums["profit"], sums["revenue"]),
                "cost_to_serve_per_customer": float(serving) / active if active else None,
                "cost_to_serve_share": ratio(serving, sums["revenue"]),
                "is_partial": month not in naive.calendar or is_partial_month(month, naive.observed),
            }
        )  # fmt: skip
    return rows


def bridge(ledger: Rows) -> Rows:
    steps = [
        ("gross_sales", 1), ("discount", -1), ("returns", -1), ("revenue", 1), ("cost_of_goods", -1),
        ("gross_profit", 1), ("contact_cost", -1), ("effort_cost", -1), ("handling_cost", -1),
        ("terms_cost", -1), ("contribution", 1), ("exposure_cost", -1), ("campaign_cost", -1),
        ("acquisition_cost", -1), ("profit", 1),
    ]  # fmt: skip
    return [
        {"step": name, "amount": sign * total(row[name] for row in ledger)} for name, sign in steps
    ]


def whale(ledger: Rows, points: int) -> Rows:
    best = sorted(by_customer(ledger), key=lambda row: (-row["profit"], row["customer_id"]))
    profits = [row["profit"] for row in best]
    n, earning = len(best), sum(profit > 0 for profit in profits)
    places = {k for k in range(1, n + 1) if k * points // n > (k - 1) * points // n} | {earning}
    return [
        {
            "customers": k, "customers_share": k / n, "profit": total(profits[:k]),
            "profit_share": ratio(total(profits[:k]), total(profits)) if k else 0.0,
        }
        for k in sorted({0, *places})
    ]  # fmt: skip


def peak(ledger: Rows) -> Rows:
    rows = by_customer(ledger)
    gain = total(row["profit"] for row in rows if row["profit"] > 0)
    losing = [row for row in rows if row["profit"] < 0]
    whole = total(row["profit"] for row in rows)
    return [
        {
            "customers": len(rows), "earning": sum(row["profit"] > 0 for row in rows),
            "peak_profit": gain, "profit": whole, "peak_rate": ratio(gain, whole),
            "unprofitable": len(losing), "loss": gain - whole,
            "unprofitable_share": len(losing) / len(rows),
            "never_bought": sum(row["first_month"] is None for row in losing),
        }
    ]  # fmt: skip


def by_group(ledger: Rows, groups: Rows) -> Rows:
    of = {row["customer_id"]: row["stage"] for row in groups}
    customers = by_customer(ledger)
    whole = total(row["profit"] for row in customers)
    rows = []
    for stage in {of.get(row["customer_id"]) for row in customers}:
        own = [row for row in customers if of.get(row["customer_id"]) == stage]
        profit, revenue = (total(row[c] for row in own) for c in ("profit", "revenue"))
        rows.append(
            {
                "stage": stage, "customers": len(own), "revenue": revenue, "profit": profit,
                "profit_share": ratio(profit, whole), "profit_rate": ratio(profit, revenue),
                "profit_per_customer": float(profit) / len(own),
                "unprofitable": sum(row["is_negative"] for row in own),
            }
        )  # fmt: skip
    return rows


def by_product(naive: Naive) -> Rows:
    kinds = {row["product_id"]: row["category"] for row in naive.company.tables["products"]}
    own = defaultdict(list)
    for row in naive.lines:
        if row["cost"] is not None:
            own[kinds.get(row["product_id"])].append(row)
    whole = total(row["amount"] - row["cost"] for lines in own.values() for row in lines)
    rows = []
    for kind, lines in own.items():
        revenue, cost = (total(row[c] for row in lines) for c in ("amount", "cost"))
        below = [row for row in lines if 0 < row["amount"] < row["cost"]]
        rows.append(
            {
                "category": kind, "lines": len(lines), "revenue": revenue, "cost": cost,
                "gross_profit": revenue - cost, "gross_rate": ratio(revenue - cost, revenue),
                "gross_share": ratio(revenue - cost, whole), "below_cost": len(below),
                "below_cost_loss": total(row["cost"] - row["amount"] for row in below),
            }
        )  # fmt: skip
    return rows


# --- losses ----------------------------------------------------------------------------------------


def gains(ledger: Rows) -> Rows:
    """What each customer's profit would gain if one component alone were average."""
    customers = [
        {k: float(v) if k in MONEY else v for k, v in row.items()} for row in by_customer(ledger)
    ]
    for row in customers:
        row["gross_sales"] = row["revenue"] + row["discount"] + row["returns"]

    def rate(part: str, whole: float) -> float:
        return sum(row[part] for row in customers) / whole if whole else 0.0

    sold = sum(row["gross_sales"] for row in customers)
    goods = sum(row["gross_sales"] - row["returns"] for row in customers)
    of_goods, of_profit = rate(GOODS, goods), rate("profit", sold)
    rows = []
    for row in customers:
        own = {
            name: row[name] - rate(name, sold) * row["gross_sales"]
            for name in (*GIVEN_AWAY, *OTHERS)
        }
        own["returns"] *= 1 - of_goods
        own[GOODS] = row[GOODS] - of_goods * (row["gross_sales"] - row["returns"])
        rows.append(
            {
                "customer_id": row["customer_id"],
                "shortfall": of_profit * row["gross_sales"] - row["profit"],
                **{f"gain_{name}": own[name] for name in COMPONENTS},
            }
        )
    return rows


def negatives(ledger: Rows) -> Rows:
    profits = {row["customer_id"]: row["profit"] for row in by_customer(ledger)}
    rows = []
    for row in gains(ledger):
        loss = -profits[row["customer_id"]]
        if loss > 0:
            largest = max(COMPONENTS, key=lambda name: row[f"gain_{name}"])
            gain = max(row[f"gain_{largest}"], 0.0)
            cause = largest if gain >= 0.001 else "none"
            rows.append(
                {
                    "customer_id": row["customer_id"], "loss": loss, "cause": cause, "gain": gain,
                    "is_alone": gain >= float(loss) - 0.001,
                }
            )  # fmt: skip
    return rows


def causes(ledger: Rows, recent_since: date) -> Rows:
    facts = {row["customer_id"]: row for row in by_customer(ledger)}
    own = defaultdict(list)
    for row in negatives(ledger):
        own[row["cause"]].append(row | facts[row["customer_id"]])
    whole = total(row["loss"] for rows in own.values() for row in rows)
    return [
        {
            "cause": cause, "customers": len(rows), "loss": total(row["loss"] for row in rows),
            "loss_share": ratio(total(row["loss"] for row in rows), whole),
            "revenue": total(row["revenue"] for row in rows), "alone": sum(r["is_alone"] for r in rows),
            "never_bought": sum(row["first_month"] is None for row in rows),
            "recent": sum(r["first_month"] is not None and r["first_month"] >= recent_since for r in rows),
        }
        for cause, rows in own.items()
    ]  # fmt: skip


# --- winning and keeping ---------------------------------------------------------------------------


def keeping(naive: Naive, ledger: Rows) -> Row:
    end = last_full_month(naive.end).end
    start = add_months(end, -12)
    inside = [row for row in ledger if start <= row["month"] < end]
    firsts = naive.buyers
    won = [n for n, r in firsts.items() if start <= r["first_on"] < end and not r["is_first_seen"]]
    old = {n for n, r in firsts.items() if r["first_on"] < start or r["is_first_seen"]}
    own = [row for row in inside if row["customer_id"] in old]
    spent = ("contact_cost", "effort_cost", "exposure_cost", "campaign_cost")
    return {
        "winning_cost": float(total(row["acquisition_cost"] for row in inside)),
        "keeping_cost": float(total(row[name] for row in own for name in spent)),
        "won": len(won), "existing": len(old),
        "kept": len({row["customer_id"] for row in own if row["occasions"]}),
    }  # fmt: skip


def earned(ledger: Rows) -> Rows:
    return [
        {
            "customer_id": row["customer_id"], "month": row["month"],
            "bought": float(row["revenue"] + row["returns"]), "earned": float(row["contribution"]),
        }
        for row in ledger if row["customer_id"] is not None
    ]  # fmt: skip


def spending(naive: Naive) -> Rows:
    own: dict[str, list[Any]] = defaultdict(list)
    for row in naive.occasions:
        own[row["customer_id"]].append(float(row["revenue"]))
    return [
        {
            "customer_id": name, "x": len(spent) - 1, "first_spend": spent[0],
            "mean_spend": mean(spent[1:]) if len(spent) > 1 else None,
            "variance": variance(spent[1:]) * (len(spent) - 2) / (len(spent) - 1) if len(spent) > 2
            else 0.0 if len(spent) == 2 else None,
        }
        for name, spent in own.items()
    ]  # fmt: skip


# --- years of the relationship ---------------------------------------------------------------------


def years(naive: Naive, ledger: Rows) -> Rows:
    new = {n: r["first_on"] for n, r in naive.buyers.items() if not r["is_first_seen"]}
    book: dict[tuple[str, int], dict[str, Any]] = defaultdict(lambda: defaultdict(lambda: ZERO))

    def at(name: str, day: date) -> dict[str, Any]:
        return book[name, max(int((day - new[name]).days // 365.25) + 1, 1)]

    for row in naive.known_lines:
        if row["customer_id"] in new:
            year = at(row["customer_id"], row["day"])
            year["purchases"] += int(row["is_purchase"])
            year["revenue"] += row["amount"]
            year["goods"] += row["cost"] or ZERO
    for row in ledger:
        if row["customer_id"] in new:
            year = at(row["customer_id"], row["month"].replace(day=15))
            year["other"] += (
                row["revenue"] - row["profit"] - row["cost_of_goods"] - row["acquisition_cost"]
            )
    return [
        {
            "customer_id": name, "year": year, "purchases": int(own["purchases"]),
            "whole": int((naive.end - new[name]).days // 365.25),
            "revenue": own["revenue"], "gross_profit": own["revenue"] - own["goods"],
            "profit": own["revenue"] - own["goods"] - own["other"],
        }
        for (name, year), own in book.items()
    ]  # fmt: skip


def tenure_curve(naive: Naive, ledger: Rows, late: int) -> Rows:
    each = {(row["customer_id"], row["year"]): row for row in years(naive, ledger)}
    whole = {
        name: int((naive.end - row["first_on"]).days // 365.25)
        for name, row in naive.buyers.items() if not row["is_first_seen"]
    }  # fmt: skip

    def bought(name: str, year: int) -> bool:
        return (name, year) in each and each[name, year]["purchases"] > 0

    def profit(name: str, year: int) -> float:
        return float(each[name, year]["profit"]) if (name, year) in each else 0.0

    long = [name for name, seen in whole.items() if seen >= late]
    stayed = [name for name in long if bought(name, late)]
    rows = []
    for year in range(1, late + 1):
        pooled = [name for name, seen in whole.items() if seen >= year and bought(name, year)]
        for group, members in (("won", long), ("stayed", stayed), ("pooled", pooled)):
            if members or group != "pooled":
                found = sum(profit(name, year) for name in members)
                mean_profit = found / len(members) if members else None
                rows.append(
                    {"group": group, "year": year, "customers": len(members), "profit": mean_profit}
                )
    return rows
