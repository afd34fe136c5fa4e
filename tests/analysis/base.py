"""A base of customers drawn from a known law, as facts, occasions and a ledger."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib import facts
from crm_lib.periods import Window


class Base:
    """`customers` buyers of a Pareto/NBD law, observed over `days` days from 2022-01-01 on.

    Half of each amount is left; amounts differ by customer. `scale` multiplies all money.
    """

    def __init__(
        self, customers: int = 400, *, days: int = 730, scale: float = 1.0, warm_up_days: int = 0
    ) -> None:
        rng = np.random.default_rng(11)
        start = date(2022, 1, 1)
        self.observed = Window(start, start + timedelta(days=days))
        self.warm_up_ends = start + timedelta(days=warm_up_days)
        joins = rng.integers(0, days * 3 // 4, customers)
        rate, leaving = rng.gamma(2.0, 1 / 60, customers), rng.gamma(1.5, 1 / 400, customers)
        ends = np.minimum(joins + rng.exponential(1 / leaving), days)
        mean = rng.gamma(6.0, 5.0, customers)
        rows = []
        for i in range(customers):
            later = joins[i] + np.cumsum(rng.exponential(1 / rate[i], 400))
            for day in sorted({int(joins[i]), *(int(t) for t in later[later < ends[i]])}):
                cents = round(100 * mean[i] * rng.gamma(8.0, 1 / 8.0))
                rows.append((f"c{i:04}", start + timedelta(days=day), cents / 100 * scale))
        self.log = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])

    @cached_property
    def lines(self) -> ir.Table:
        log = self.log
        frame = log.assign(
            order_id=[str(i) for i in range(len(log))],
            ordered_at=pd.to_datetime(log["day"]),
            day=pd.to_datetime(log["day"]).dt.date,
            is_purchase=True,
            is_return=False,
        )
        table = ibis.memtable(frame).cast({"amount": "decimal(18, 4)", "day": "date"})
        return table.mutate(cost=(table.amount / 2).cast("decimal(18, 4)"))

    @cached_property
    def customers(self) -> ir.Table:
        found = facts.customers(
            self.lines, "day", as_of=self.observed.end, warm_up_ends=self.warm_up_ends
        )
        return ibis.memtable(found.to_pyarrow(), schema=found.schema())

    @cached_property
    def occasions(self) -> ir.Table:
        found = facts.occasions(self.lines, "day")
        return ibis.memtable(found.to_pyarrow(), schema=found.schema())

    @cached_property
    def ledger(self) -> ir.Table:
        rows = self.lines.mutate(month=self.lines.day.truncate("M").cast("timestamp").cast("date"))
        sums = rows.group_by("customer_id", "month").agg(
            revenue=rows.amount.sum(), cost_of_goods=rows.cost.sum()
        )
        zero = ibis.literal(0, "decimal(18, 4)")
        left = (sums.revenue - sums.cost_of_goods).cast("decimal(18, 4)")
        found = sums.mutate(
            returns=zero,
            cost_to_serve=zero,
            contribution=left,
            acquisition_cost=ibis.null("decimal(18, 4)"),
        )
        return ibis.memtable(found.to_pyarrow(), schema=found.schema())

    @property
    def span(self) -> dict[str, object]:
        return {"observed": self.observed, "warm_up_ends": self.warm_up_ends}
