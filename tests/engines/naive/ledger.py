"""The profit ledger by loops: every posting on its own, in money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from crm_lib.ledger import COSTS, MONEY, SERVING
from tests.engines.company import RULES, Row, Rows
from tests.engines.naive.base import ZERO, Naive, month_of

Posting = tuple[str | None, date, str, Decimal]
CENT = Decimal("0.01")


def ledger(naive: Naive) -> Rows:
    """One row a customer (None: nobody known) and month with an order line or a cost."""
    book: dict[tuple[str | None, date], dict[str, Decimal]] = defaultdict(
        lambda: defaultdict(Decimal)
    )
    for who, day, column, amount in _postings(naive):
        if amount or column == "lines":
            book[who if who in naive.customers else None, month_of(day)][column] += amount
    counts = {(r["customer_id"], r["month"]): r["occasions"] for r in naive.customer_months}
    return [_row(*key, counts.get(key, 0), money, naive) for key, money in book.items()]


def _row(
    who: str | None, month: date, occasions: int, money: dict[str, Decimal], naive: Naive
) -> Row:
    money["terms_cost"] = _terms(who, money["revenue"], naive)
    money["handling_cost"] += Decimal(RULES["order_cost"]) * money["orders"]
    money["handling_cost"] += Decimal(RULES["line_cost"]) * money["lines"]
    money["gross_sales"] = money["revenue"] + money["returns"] + money["discount"]
    money["gross_profit"] = money["revenue"] - money["cost_of_goods"]
    money["cost_to_serve"] = sum((money[name] for name in SERVING), ZERO)
    money["contribution"] = money["gross_profit"] - money["cost_to_serve"]
    money["profit"] = money["revenue"] - sum((money[name] for name in COSTS), ZERO)
    counted = {"orders": int(money["orders"]), "lines": int(money["lines"])}
    return {
        "customer_id": who, "month": month, "occasions": occasions, **counted,
        **{name: money[name] for name in MONEY},
    }  # fmt: skip


def _terms(who: str | None, revenue: Decimal, naive: Naive) -> Decimal:
    days = {row["customer_id"]: row["payment_days"] for row in naive.company.tables["accounts"]}
    exact = (
        revenue * (days.get(who or "") or 0) * Decimal(RULES["capital_rate"]) / Decimal("365.25")
    )
    return exact.quantize(CENT, ROUND_HALF_UP)


def _postings(naive: Naive) -> Iterator[Posting]:
    yield from _of_lines(naive)
    yield from _of_service(naive)
    yield from _of_campaigns(naive)
    firsts: dict[str, date] = {}
    for row in naive.customer_months:
        firsts.setdefault(row["customer_id"], row["month"])
    for row in naive.company.tables["customers"]:
        who = row["customer_id"]
        day = _first_real(row["acquired_on"], firsts.get(who), naive)
        yield who, day, "acquisition_cost", row["acquisition_cost"] or ZERO


def _first_real(*given: date | Naive | None) -> date:
    """The first known day; one before 1901 stands for unknown, and then the first observed counts."""
    *days, naive = given
    assert isinstance(naive, Naive)
    real = [day for day in days if isinstance(day, date) and day >= date(1901, 1, 1)]
    return real[0] if real else naive.observed.start


def _of_lines(naive: Naive) -> Iterator[Posting]:
    orders = set()
    for row in naive.lines:
        who, day, amount = row["customer_id"], row["day"], row["amount"]
        yield who, day, "lines", Decimal(1)
        yield who, day, "revenue", amount
        yield who, day, "returns", max(-amount, ZERO)
        yield who, day, "discount", row["discount"] or ZERO
        yield who, day, "cost_of_goods", row["cost"] or ZERO
        yield who, day, "handling_cost", Decimal(RULES["return_cost"]) if amount < 0 else ZERO
        order = (who, month_of(day), row["order_id"])
        if row["is_purchase"] and order not in orders:
            orders.add(order)
            yield who, day, "orders", Decimal(1)


def _of_service(naive: Naive) -> Iterator[Posting]:
    rates = {kind: Decimal(rate) for kind, rate in RULES["contact_cost"].items()}
    for row in naive.company.tables["contacts"]:
        cost = rates.get(row["kind"], rates["other"]) if row["cost"] is None else row["cost"]
        yield row["customer_id"], row["at"].date(), "contact_cost", cost
    for row in naive.company.tables["efforts"]:
        by_rule = (Decimal(row["hours"]) * Decimal(RULES["hour_cost"])).quantize(
            CENT, ROUND_HALF_UP
        )
        yield (
            row["customer_id"],
            row["month"],
            "effort_cost",
            by_rule if row["cost"] is None else row["cost"],
        )


def _of_campaigns(naive: Naive) -> Iterator[Posting]:
    campaigns, exposures = (naive.company.tables[name] for name in ("campaigns", "exposures"))
    starts = {row["campaign_id"]: row["starts_on"] for row in campaigns}
    seen = []
    for row in exposures:
        sent = row["sent_at"].date() if row["sent_at"] else None
        day = _first_real(sent, starts[row["campaign_id"]], naive)
        seen.append(row)
        yield row["customer_id"], day, "exposure_cost", row["cost"] or ZERO
    for row in campaigns:
        day, units = _first_real(row["starts_on"], naive), int(row["cost"] * 100)
        reached = [e for e in seen if e["campaign_id"] == row["campaign_id"]]
        heads = sorted({e["customer_id"] for e in reached if (e["arm"] or "").lower() != "control"})
        for place, who in enumerate(heads):
            share = units // len(heads) + (place < units % len(heads))
            yield who, day, "campaign_cost", Decimal(share) / 100
        if not heads:
            yield None, day, "campaign_cost", row["cost"]
