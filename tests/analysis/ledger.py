"""A ledger written by hand, and the facts that `crm_lib` makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from crm_lib import facts
from crm_lib.periods import Window

Row = tuple[str | None, str, str, str]
"""Customer (None = anonymous), order, day, amount."""

MONEY = pa.decimal128(18, 4)

SIX: list[Row] = [
    ("anna", "1", "2023-01-05", "100"),
    ("anna", "2", "2023-02-05", "50"),
    ("anna", "3", "2023-03-05", "50"),
    ("ben", "4", "2023-01-20", "30"),
    ("ben", "5", "2023-03-20", "30"),
    ("carla", "6", "2023-02-10", "500"),
    ("carla", "7", "2023-02-12", "-100"),
    ("dora", "8", "2023-03-01", "10"),
    ("emil", "9", "2023-01-15", "20"),
    ("fred", "10", "2023-02-20", "-5"),
    (None, "11", "2023-03-15", "40"),
]
"""January to March 2023: fred only returns, the last line is anonymous."""


class Ledger:
    """Order lines before `end` with their facts, as `crm_lib.facts` makes them.

    `costs` gives every line a cost, in the order of the rows.
    """

    def __init__(
        self,
        rows: Iterable[Row],
        *,
        start: str = "2023-01-01",
        end: str = "2023-04-01",
        warm_up_ends: str = "2023-01-16",
        costs: Iterable[str] | None = None,
    ) -> None:
        self.observed = Window(date.fromisoformat(start), date.fromisoformat(end))
        self.warm_up_ends = date.fromisoformat(warm_up_ends)
        given = list(rows)
        cost = [None] * len(given) if costs is None else list(costs)
        kept = [(row, c) for row, c in zip(given, cost, strict=True) if row[2] < end]
        days = [date.fromisoformat(row[2]) for row, _ in kept]
        amounts = [Decimal(row[3]) for row, _ in kept]
        columns = {
            "customer_id": pa.array([row[0] for row, _ in kept], pa.string()),
            "order_id": pa.array([row[1] for row, _ in kept], pa.string()),
            "ordered_at": pa.array(
                [datetime(d.year, d.month, d.day, 12) for d in days], pa.timestamp("us")
            ),
            "day": pa.array(days, pa.date32()),
            "amount": pa.array(amounts, MONEY),
            "is_purchase": pa.array([a > 0 for a in amounts], pa.bool_()),
            "is_return": pa.array([a < 0 for a in amounts], pa.bool_()),
        }
        if costs is not None:
            columns["cost"] = pa.array([Decimal(str(c)) for _, c in kept], MONEY)
        self.lines: ir.Table = ibis.memtable(pa.table(columns))

    @cached_property
    def customers(self) -> ir.Table:
        return kept(
            facts.customers(
                self.lines, "day", as_of=self.observed.end, warm_up_ends=self.warm_up_ends
            )
        )

    @cached_property
    def customer_months(self) -> ir.Table:
        return kept(facts.customer_months(self.lines, "day"))

    @cached_property
    def occasions(self) -> ir.Table:
        return kept(facts.occasions(self.lines, "day"))

    @cached_property
    def months(self) -> ir.Table:
        return kept(
            facts.months(self.lines, observed=self.observed, warm_up_ends=self.warm_up_ends)
        )

    @property
    def dates(self) -> dict[str, object]:
        """What the analyses ask about time."""
        return {"observed": self.observed, "warm_up_ends": self.warm_up_ends}


def kept(table: ir.Table) -> ir.Table:
    """The table made once, as the book's cache holds facts: what stands on it compiles faster."""
    return ibis.memtable(table.to_pyarrow(), schema=table.schema())


def exact(table: ir.Table) -> list[dict[str, object]]:
    """The rows with money as Decimal, to test identities to the last digit."""
    return table.to_pyarrow().to_pylist()
