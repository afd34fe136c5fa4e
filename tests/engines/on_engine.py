"""A company on an engine, as a book has it: canonical tables and facts in Parquet, read in place."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from crm_lib import facts, ledger
from crm_lib.analysis import clv, lifetime, margins, profit, segments, stages
from tests.engines.company import Company, Rows

MONEY = pa.decimal128(18, 2)
TYPES = {
    "ordered_at": pa.timestamp("us"), "at": pa.timestamp("us"), "sent_at": pa.timestamp("us"),
    "day": pa.date32(), "acquired_on": pa.date32(), "month": pa.date32(), "starts_on": pa.date32(),
    "amount": MONEY, "discount": MONEY, "cost": MONEY, "acquisition_cost": MONEY,
    "quantity": pa.float64(), "hours": pa.float64(), "age": pa.float64(), "payment_days": pa.int64(),
}  # fmt: skip
"""Of the columns that are not text."""


def as_table(rows: Rows) -> pa.Table:
    columns = list(rows[0])
    return pa.table(
        {c: pa.array([row[c] for row in rows], TYPES.get(c, pa.string())) for c in columns}
    )


class OnEngine:
    """The tables of `company` on `backend`. What a book materialises is written to `folder`."""

    def __init__(self, backend: Any, company: Company, folder: Path) -> None:
        self.backend, self.company, self.folder = backend, company, folder
        self.observed, self.warm_up_ends = company.observed, company.warm_up_ends
        self.span: dict[str, Any] = {"observed": self.observed, "warm_up_ends": self.warm_up_ends}
        folder.mkdir(parents=True, exist_ok=True)

    def table(self, name: str) -> ir.Table:
        path = self.folder / f"raw-{name}.parquet"
        if not path.exists():
            pq.write_table(as_table(self.company.tables[name]), path)
        return self.backend.read_parquet(path)

    def kept(self, name: str, table: ir.Table) -> ir.Table:
        """`table` as Parquet of this engine, read back."""
        path = self.folder / f"{name}.parquet"
        if not path.exists():
            table.to_parquet(path)
        return self.backend.read_parquet(path)

    @cached_property
    def lines(self) -> ir.Table:
        rows = self.table("lines")
        return facts.marked(rows.mutate(day=rows.ordered_at.cast("date")), self.company.config)

    @cached_property
    def occasions(self) -> ir.Table:
        return self.kept("occasions", facts.occasions(self.lines, "day"))

    @cached_property
    def customers(self) -> ir.Table:
        known = self.table("customers").select("customer_id")
        made = facts.customers(
            self.lines, "day", as_of=self.observed.end, warm_up_ends=self.warm_up_ends, known=known
        )
        return self.kept("customers", made.order_by("customer_id"))

    def customers_at(self, day: date) -> ir.Table:
        earlier = self.lines.filter(self.lines.day < day)
        made = facts.customers(earlier, "day", as_of=day, warm_up_ends=self.warm_up_ends)
        return self.kept(f"customers-{day}", made)

    @cached_property
    def customer_months(self) -> ir.Table:
        return self.kept("customer_months", facts.customer_months(self.lines, "day"))

    @cached_property
    def months(self) -> ir.Table:
        return self.kept("months", facts.months(self.lines, **self.span))

    @cached_property
    def days(self) -> ir.Table:
        return facts.days(self.lines, observed=self.observed)

    @cached_property
    def records(self) -> ledger.Records:
        campaigns = self.table("campaigns")
        return ledger.Records(
            self.company.config,
            self.lines,
            self.customer_months,
            self.customers.select("customer_id"),
            {name: self.table(name) for name in ledger.COST_TABLES},
            self.observed.end,
            campaigns.select("campaign_id", "starts_on"),
        )

    @cached_property
    def components(self) -> list[ledger.Component]:
        return ledger.components(self.records.dataset, ledger.counted(self.records))

    @cached_property
    def ledger(self) -> ir.Table:
        return self.kept("ledger", ledger.ledger(self.records, ledger.lacking(self.components)))

    @cached_property
    def reconciliation(self) -> ir.Table:
        return ledger.reconciliation(self.records, self.ledger, self.components)

    @cached_property
    def profile(self) -> ir.Table:
        given = self.table("customers").drop("acquired_on", "acquisition_cost")
        joined = self.customers.left_join(given, "customer_id").drop("customer_id_right")
        return self.kept("profile", joined)

    # --- analyses that others stand on -------------------------------------------------------------

    @cached_property
    def profits(self) -> ir.Table:
        return self.kept("profits", profit.by_customer(self.ledger))

    @cached_property
    def stages(self) -> ir.Table:
        return self.kept("stages", stages.stage(self.customers))

    @cached_property
    def scored(self) -> ir.Table:
        return self.kept("scored", segments.rfm(self.customers))

    @cached_property
    def choice(self) -> lifetime.Choice:
        return lifetime.choose(self.customers, self.occasions, model="bg_nbd", **self.span)

    @cached_property
    def model(self) -> Any:
        """A model, whether or not this company is one to be modelled."""
        from crm_lib import btyd

        return btyd.MODELS["bg_nbd"].fit(lifetime.histories(self.customers))

    @cached_property
    def values(self) -> ir.Table:
        each = margins.of(self.occasions, self.ledger).per_occasion()
        seen = lifetime.histories(self.customers)
        return self.kept("values", clv.by_customer(self.customers, seen, self.model, each))
