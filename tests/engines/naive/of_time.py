"""Analyses over time by loops: cohorts, flow, headline numbers, their causes, returning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise, permutations
from typing import Any

from crm_lib.periods import Window, add_months, is_partial_month, last_full_month, months_between
from tests.engines.company import Row, Rows
from tests.engines.naive.base import ZERO, Naive, month_of, ratio, total


def triangle(naive: Naive) -> Rows:
    """Customers active by cohort and month since."""
    active = {(r["customer_id"], r["month"]) for r in naive.customer_months if r["occasions"]}
    rows = []
    for cohort in naive.calendar:
        members = [n for n, r in naive.buyers.items() if month_of(r["first_on"]) == cohort]
        for month in naive.calendar:
            if not members or month < cohort:
                continue
            value = sum((name, month) in active for name in members)
            rows.append(
                {
                    "cohort": cohort, "period": months_between(cohort, month), "month": month,
                    "value": value, "cohort_size": len(members), "share": value / len(members),
                    "per_customer": value / len(members),
                    "is_partial": is_partial_month(month, naive.observed),
                    "is_warm_up": cohort < naive.warm_up_ends,
                }
            )  # fmt: skip
    return rows


def flow(naive: Naive, steps: list[date]) -> Rows:
    """The flow over the periods between the days `steps`."""
    rows: Rows = []
    ever: set[str] = set()
    before: dict[str, Any] = {}
    idle_before = unknown_before = ZERO
    for start, end in pairwise(steps):
        inside = [row for row in naive.lines if start <= row["day"] < end]
        spent: dict[str, Any] = defaultdict(lambda: ZERO)
        for row in inside:
            spent[row["customer_id"]] += row["amount"]
        bought = {r["customer_id"] for r in inside if r["is_purchase"]} - {None}
        now = {name: spent[name] for name in bought}
        seen_first = {n for n in bought - ever if naive.buyers[n]["first_on"] < naive.warm_up_ends}
        kinds = {
            "new": bought - ever - seen_first, "first_seen": seen_first,
            "reactivated": (bought & ever) - before.keys(), "retained": bought & before.keys(),
        }  # fmt: skip
        unknown = spent.pop(None, ZERO)
        idle = total(amount for name, amount in spent.items() if name not in bought)
        retained = kinds["retained"]
        rows.append(
            {
                "start": start, "end": end, "opening": len(before), "closing": len(now),
                "lapsed": len(before.keys() - bought), **{k: len(who) for k, who in kinds.items()},
                "revenue_opening": rows[-1]["revenue_closing"] if rows else ZERO,
                **{f"revenue_{k}": total(now[n] for n in kinds[k]) for k in ("new", "first_seen", "reactivated")},
                "revenue_retained_change": total(now[n] - before[n] for n in retained),
                "revenue_lapsed": total(before[n] for n in before.keys() - bought),
                "revenue_inactive_change": idle - idle_before,
                "revenue_anonymous_change": unknown - unknown_before,
                "revenue_closing": total(row["amount"] for row in inside),
            }
        )  # fmt: skip
        ever, before, idle_before, unknown_before = ever | bought, now, idle, unknown
    return rows


def calendar_steps(naive: Naive, size: int, first_month: int = 1) -> list[date]:
    """The borders of the periods of `size` months that the observed window touches."""
    start = month_of(naive.observed.start)
    while (start.month - first_month) % size:
        start = add_months(start, -1)
    steps = [start]
    while steps[-1] < naive.end:
        steps.append(add_months(steps[-1], size))
    return steps


def rolling_steps(naive: Naive, days: int) -> list[date]:
    steps = [naive.end]
    while steps[-1] > naive.observed.start:
        steps.append(steps[-1] - timedelta(days=days))
    return steps[::-1]


def monthly(naive: Naive, ledger: Rows) -> Rows:
    rows: Rows = []
    before: set[str] = set()
    for month in naive.months:
        own = [r for r in naive.customer_months if r["month"] == month["month"]]
        active = {r["customer_id"] for r in own if r["occasions"]}
        firsts = [r for r in naive.buyers.values() if month_of(r["first_on"]) == month["month"]]
        kept_of = len(before) if rows and not rows[-1]["is_partial"] else None
        rows.append(
            {
                "month": month["month"], "revenue": month["revenue"], "orders": month["orders"],
                "margin": month["margin"], "anonymous_revenue": month["anonymous_revenue"],
                "profit": total(r["profit"] for r in ledger if r["month"] == month["month"]),
                "occasions": sum(r["occasions"] for r in own), "active_customers": len(active),
                "new_customers": sum(not r["is_first_seen"] for r in firsts),
                "first_seen_customers": sum(r["is_first_seen"] for r in firsts),
                "kept_customers": len(active & before), "kept_of": kept_of,
                "repeat_buying_rate": len(active & before) / kept_of if kept_of else None,
                "is_partial": month["is_partial"], "is_warm_up": month["is_warm_up"],
            }
        )  # fmt: skip
        before = active
    return rows


def measures(naive: Naive, ledger: Rows) -> Rows:
    """The headline numbers of the last full month and of the year up to its end, where observed."""
    month = last_full_month(naive.end)
    rows = []
    for span, window in (("month", month), ("year", Window(add_months(month.end, -12), month.end))):
        seen = window.start >= naive.observed.start
        for key, value in _headlines(naive, ledger, window).items():
            rows.append({"key": key, "span": span, "value": value if seen else None})
    return rows


def _headlines(naive: Naive, ledger: Rows, window: Window) -> dict[str, Any]:
    def inside(day: date) -> bool:
        return window.start <= day < window.end

    lines = [row for row in naive.lines if inside(row["day"])]
    series = [row for row in monthly(naive, ledger) if inside(row["month"])]
    revenue = total(row["amount"] for row in lines)
    own: dict[str, Any] = defaultdict(lambda: ZERO)
    days: dict[str, set[date]] = defaultdict(set)
    for row in lines:
        if row["customer_id"] is not None:
            own[row["customer_id"]] += row["amount"]
            if row["is_purchase"]:
                days[row["customer_id"]].add(row["day"])
    active = [own[name] for name in days]
    fifth = sorted(active, reverse=True)[: -(-len(active) // 5)]
    anonymous = total(row["amount"] for row in lines if row["customer_id"] is None)
    # Month by month, because a month whose lines have no cost at all has no margin.
    margin = total(row["margin"] for row in series)
    profit = total(row["profit"] for row in series)
    orders = sum(row["orders"] for row in series)
    kept = [row for row in series if row["kept_of"] is not None]
    return {
        "revenue": revenue, "margin": margin, "margin_rate": ratio(margin, revenue),
        "profit": profit, "profit_rate": ratio(profit, revenue), "orders": orders,
        "occasions": sum(map(len, days.values())), "active_customers": len(days),
        "new_customers": sum(row["new_customers"] for row in series),
        "repeat_purchase_rate": ratio(sum(len(d) > 1 for d in days.values()), len(days)),
        "repeat_buying_rate": ratio(sum(r["kept_customers"] for r in kept), sum(r["kept_of"] for r in kept)),
        "revenue_per_active_customer": ratio(revenue - anonymous, len(days)),
        "average_order_value": ratio(revenue, orders),
        "top_share": ratio(total(fifth), total(active)),
        "anonymous_share": ratio(anonymous, revenue),
    }  # fmt: skip


def factors(naive: Naive, window: Window, by: str | None = None) -> Rows:
    groups = defaultdict(list)
    for row in naive.lines:
        if window.start <= row["day"] < window.end:
            groups[row[by] if by else None].append(row)
    return [({by: group} if by else {}) | _factors(rows) for group, rows in groups.items()]


def _factors(rows: Rows) -> Row:
    known = [row for row in rows if row["customer_id"] is not None]
    parts = {
        "purchases": [row for row in known if row["is_purchase"]],
        "returns": [row for row in known if not row["is_purchase"]],
        "anonymous": [row for row in rows if row["customer_id"] is None],
        "": rows,
    }
    found: Row = {
        "customers": len({row["customer_id"] for row in parts["purchases"]}),
        "orders": len({row["order_id"] for row in parts["purchases"]}),
        "lines": len(parts["purchases"]),
    }
    for name, some in parts.items():
        found[name or "revenue"] = total(row["amount"] for row in some)
        found[f"margin_{name}" if name else "margin"] = total(
            row["amount"] - (row["cost"] or ZERO) for row in some
        )
    return found


def decompose(naive: Naive, before: Window, after: Window) -> Rows:
    """Why the margin changed: each factor's mean effect over all orders in which they may change."""
    old, new = (factors(naive, window)[0] for window in (before, after))
    names = ("customers", "orders_a_customer", "lines_an_order", "value_a_line", "margin_rate")
    chain = ("customers", "orders", "lines", "purchases", "margin_purchases")
    one, other = (
        [Fraction(f["customers"])] + [Fraction(f[b]) / Fraction(f[a]) for a, b in pairwise(chain)]
        for f in (old, new)
    )  # fmt: skip
    effects = [Fraction(0)] * len(names)
    orders = list(permutations(range(len(names))))
    for order in orders:
        values = list(one)
        for i in order:
            was = _product(values)
            values[i] = other[i]
            effects[i] += (_product(values) - was) / len(orders)
    change = new["margin"] - old["margin"]
    rows = [
        (n, float(a), float(b), float(e))
        for n, a, b, e in zip(names, one, other, effects, strict=True)
    ]
    rows += [
        (name, float(old[f"margin_{name}"]), float(new[f"margin_{name}"]),
         float(new[f"margin_{name}"] - old[f"margin_{name}"]))
        for name in ("returns", "anonymous")
    ]  # fmt: skip
    rows.append(("total", float(old["margin"]), float(new["margin"]), float(change)))
    return [dict(zip(("factor", "before", "after", "effect"), row, strict=True)) for row in rows]


def _product(values: list[Fraction]) -> Fraction:
    result = Fraction(1)
    for value in values:
        result *= value
    return result


# --- returning -------------------------------------------------------------------------------------


def _still_waiting(waits: list[tuple[int, bool]]) -> Callable[[int], float]:
    """Kaplan & Meier: the share still waiting after so many days, of (days, has come back)."""

    def share(days: int) -> float:
        alive = 1.0
        for day in sorted({d for d, came in waits if came and d <= days}):
            here = sum(d >= day for d, _ in waits)
            alive *= 1 - sum(d == day and came for d, came in waits) / here
        return alive

    return share


def ladder(naive: Naive, steps: int, within: int) -> Rows:
    chosen = {n: r for n, r in naive.buyers.items() if not r["is_first_seen"]}
    rows = []
    for number in range(2, steps + 2):
        gaps = {r["customer_id"]: r["gap_days"] for r in naive.occasions if r["number"] == number}
        waits = [
            (gaps[n], True) if n in gaps else (r["days_since_last"], False)
            for n, r in chosen.items() if r["occasions"] >= number - 1
        ]  # fmt: skip
        if waits:
            came = sum(done for _, done in waits)
            alive = _still_waiting(waits)
            known = within <= max(d for d, _ in waits) or alive(within) == 0
            rows.append(
                {
                    "number": number, "customers": len(waits), "continued": came,
                    "probability": came / len(waits),
                    "probability_within": 1 - alive(within) if known else None,
                }
            )  # fmt: skip
    return rows


def _waits(naive: Naive, by: str) -> dict[str, list[tuple[int, bool]]]:
    given = {row["customer_id"]: row[by] for row in naive.company.tables["customers"]}
    waits = defaultdict(list)
    for name, row in naive.buyers.items():
        if not row["is_first_seen"]:
            second = row["second_on"]
            days = (second - row["first_on"]).days if second else row["T"]
            waits[given.get(name) or "unknown"].append((days, second is not None))
    return waits


def survival(naive: Naive, by: str) -> Rows:
    rows = []
    for group, waits in _waits(naive, by).items():
        alive = _still_waiting(waits)
        for day in sorted({0, *(d for d, _ in waits)}):
            here = sum(d >= day for d, _ in waits)
            rows.append({"group": group, "days": day, "customers": here, "survival": alive(day)})
    return rows


def time_to_second(naive: Naive, by: str, horizons: tuple[int, ...]) -> Rows:
    rows = []
    for group, waits in _waits(naive, by).items():
        alive = _still_waiting(waits)
        for days in horizons:
            known = days <= max(d for d, _ in waits) or alive(days) == 0
            rows.append(
                {
                    "group": group, "customers": len(waits), "within_days": days,
                    "returned": sum(came for _, came in waits),
                    "share": 1 - alive(days) if known else None,
                }
            )  # fmt: skip
    return rows
