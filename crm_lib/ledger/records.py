"""What a ledger is made of: the accepted rows of a data set as of a day, and whose costs they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib.baskets import month_of
from crm_lib.cost_rules import CostRules
from crm_lib.dataset import Dataset
from crm_lib.periods import month_start
from crm_lib.quality.dates import EARLIEST

COST_TABLES = ("contacts", "efforts", "exposures", "campaigns", "customers", "accounts")
"""The canonical tables besides order lines that costs are in."""


@dataclass(frozen=True)
class Records:
    """Accepted rows as of a day.

    lines: in scope, with `is_purchase` and `is_return`. monthly: `baskets.monthly` of them, where that is
    counted already. customer_months: `facts.customer_months` of
    them. known: customer_id of every known customer (under a scope, of those with a line in it).
    tables: those of `COST_TABLES` that the data set has. campaign_starts: campaign_id, starts_on of
    all campaigns, later ones included, which date what belongs to them. is_scoped: whether `lines`
    are only a part of the order lines.
    """

    dataset: Dataset
    lines: ir.Table
    customer_months: ir.Table
    known: ir.Table
    tables: Mapping[str, ir.Table]
    as_of: date
    campaign_starts: ir.Table | None = None
    is_scoped: bool = False
    monthly: ir.Table | None = None

    @property
    def rules(self) -> CostRules:
        return self.dataset.ledger

    @property
    def money(self) -> dt.Decimal:
        """The type of every amount of the ledger."""
        return dt.Decimal(18, self.dataset.money_decimals)

    def has(self, table: str, column: str) -> bool:
        """Does the data set supply this column?"""
        return column in self.dataset.supplies(table)

    def zero(self) -> ir.Value:
        return ibis.literal(0).cast(self.money)

    def month(self, *days: ir.Value) -> ir.Value:
        """The month of the first of these days that is known and plausible, else the first observed.

        Days before 1901 stand for "unknown" in many systems.
        """
        return ibis.coalesce(
            self.month_or_null(*days), ibis.literal(month_start(self.dataset.observed_from))
        )

    def month_or_null(self, *days: ir.Value) -> ir.Value:
        """The month of the first of these days that is known and plausible, else null."""
        given = [day.cast(dt.date) for day in days]
        real = [(day >= ibis.literal(date.fromisoformat(EARLIEST))).ifelse(day, ibis.null(dt.date)) for day in given]  # fmt: skip
        return month_of(ibis.coalesce(*real))
