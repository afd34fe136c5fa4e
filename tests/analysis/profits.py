"""A profit ledger written by hand: months of customers with their components, totals as defined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir
import pyarrow as pa

MONEY = pa.decimal128(18, 2)
SERVING = ("contact_cost", "effort_cost", "handling_cost", "terms_cost")
WINNING = ("exposure_cost", "campaign_cost", "acquisition_cost")
GIVEN = ("discount", "returns", "revenue", "cost_of_goods", *SERVING, *WINNING)
TOTALS = ("gross_sales", "gross_profit", "cost_to_serve", "contribution", "profit")

Month = tuple[str | None, str, Mapping[str, object]]
"""Customer (None = nobody in particular), month such as "2023-01", components; occasions: 1 if there
is revenue, unless given."""


def ledger(
    months: Iterable[Month], *, known: Iterable[str] = ("cost_of_goods", *SERVING, *WINNING)
) -> ir.Table:
    """The table that `book.ledger` promises. `known`: costs the data set has; the others are null."""
    there = set(known)
    rows = [_row(*month, there) for month in months]
    types = {
        "customer_id": pa.string(), "month": pa.date32(),
        **dict.fromkeys(("occasions", "orders", "lines"), pa.int64()),
        **dict.fromkeys((*GIVEN, *TOTALS), MONEY),
    }  # fmt: skip
    columns = {name: pa.array([row[name] for row in rows], t) for name, t in types.items()}
    return ibis.memtable(pa.table(columns))


def _row(
    customer: str | None, month: str, given: Mapping[str, object], known: set[str]
) -> dict[str, object]:
    amount = {name: Decimal(str(given.get(name, 0))) for name in GIVEN}
    serving = sum(amount[name] for name in SERVING)
    costs = amount["cost_of_goods"] + serving + sum(amount[name] for name in WINNING)
    has_goods = "cost_of_goods" in known
    gross = amount["revenue"] - amount["cost_of_goods"] if has_goods else None
    count = given.get("occasions", int(amount["revenue"] > 0))
    shown = {
        name: value if name in known or name in ("discount", "returns", "revenue") else None
        for name, value in amount.items()
    }
    return {
        "customer_id": customer,
        "month": date.fromisoformat(f"{month}-01"),
        **dict.fromkeys(("occasions", "orders", "lines"), count),
        **shown,
        "gross_sales": amount["revenue"] + amount["returns"] + amount["discount"],
        "gross_profit": gross,
        "cost_to_serve": serving,
        "contribution": None if gross is None else gross - serving,
        "profit": amount["revenue"] - costs,
    }
