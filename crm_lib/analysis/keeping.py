"""Winning against keeping: what a new customer cost, against what an existing one costs a year.

The articles say that winning a customer costs five times what keeping one does (another says four).
Both sides are counted here over the same twelve full months:

- winning: the acquisition cost recorded in them and the campaigns of the kind "acquisition" that
  began in them, ÷ customers who first bought in them;
- keeping: contacts, representatives' hours and campaigns for customers who had bought before, ÷ those
  of them who bought again.

Goods, handling and payment terms serve a sale that is made and are on neither side. What a company
does for both at once (brand, shops, prices) is on neither side either.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.engine import collect
from crm_lib.errors import NotInData
from crm_lib.needs import needs
from crm_lib.periods import Window, add_months, last_full_month

CLAIM = 5.0
"""Winning is said to cost so many times as much as keeping."""
KEEPING = ("contact_cost", "effort_cost", "exposure_cost", "campaign_cost")
MONTHS = 12


@dataclass(frozen=True)
class Comparison:
    """Winning and keeping over one window. Costs in money, all counted, none estimated."""

    window: Window
    winning_cost: float
    won: int
    keeping_cost: float
    existing: int
    """customers who had bought before the window"""
    kept: int
    """those of them who bought in it"""
    parts: pd.DataFrame
    """one row a component known: side ("winning", "keeping"), component, cost, customers, per_customer"""

    @property
    def per_won(self) -> float | None:
        return self.winning_cost / self.won if self.won else None

    @property
    def per_kept(self) -> float | None:
        return self.keeping_cost / self.kept if self.kept else None

    @property
    def ratio(self) -> float | None:
        """Winning one ÷ keeping one for a year; None where one side has no customer or no cost."""
        if not self.per_won or not self.per_kept:
            return None
        return self.per_won / self.per_kept


@needs(
    lines=(),
    customers=("acquisition_cost",),
    optional={
        "contacts.cost": "contacts as a cost of keeping",
        "efforts.cost": "representatives' hours as a cost of keeping",
        "exposures.cost": "campaigns as a cost of keeping",
        "campaigns.cost": "campaigns on both sides",
    },
)
def compare(
    ledger: ir.Table,
    customers: ir.Table,
    *,
    observed: Window,
    campaigns: ir.Table | None = None,
) -> Comparison:
    """The cost of winning a customer beside that of keeping one, over the last twelve full months.

    In: profit ledger and customer facts; `campaigns`: what acquisition campaigns cost (campaign_id,
    starts_on, cost). Customers first seen in the warm-up are existing ones, never won. Raises
    NotInData where twelve full months are not observed, or where one of the sides has no known cost.
    """
    window = _window(observed)
    start, end = ibis.literal(window.start), ibis.literal(window.end)
    rows = ledger.filter(ledger.month >= start, ledger.month < end)
    buyers = customers.filter(customers.first_on.notnull())
    won = buyers.filter(buyers.first_on >= start, buyers.first_on < end, ~buyers.is_first_seen)
    before = buyers.filter((buyers.first_on < start) | buyers.is_first_seen)
    own = rows.join(before.select("customer_id"), "customer_id")
    spent = collect(own.agg(**{name: own[name].sum() for name in KEEPING})).iloc[0]
    bought = own.filter(own.occasions > 0)
    counts = {
        "won": int(won.count().execute()),
        "existing": int(before.count().execute()),
        "kept": int(bought.customer_id.nunique().execute()),
    }
    winning = _winning(rows, campaigns, window)
    keeping = {name: float(spent[name]) for name in KEEPING if not pd.isna(spent[name])}
    if not winning or not keeping:
        raise NotInData(
            "Winning against keeping needs a cost on both sides: `acquisition_cost` of `customers`, "
            "and `cost` of `contacts`, `efforts` or `exposures`."
        )
    parts = [
        (side, name, cost, counts[who], cost / counts[who] if counts[who] else None)
        for side, who, costs in (("winning", "won", winning), ("keeping", "kept", keeping))
        for name, cost in costs.items()
    ]
    columns = ["side", "component", "cost", "customers", "per_customer"]
    return Comparison(
        window,
        winning_cost=sum(winning.values()),
        keeping_cost=sum(keeping.values()),
        parts=pd.DataFrame(parts, columns=columns),
        **counts,
    )


def _window(observed: Window) -> Window:
    end = last_full_month(observed.end).end
    window = Window(add_months(end, -MONTHS), end)
    if window.start < observed.start:
        raise NotInData(
            f"Winning against keeping needs {MONTHS} full months; {observed} holds fewer."
        )
    return window


def _winning(rows: ir.Table, campaigns: ir.Table | None, window: Window) -> dict[str, float]:
    """Known costs of winning in the window, by component."""
    spent = collect(rows.agg(cost=rows.acquisition_cost.sum()))["cost"].iloc[0]
    found = {} if pd.isna(spent) else {"acquisition_cost": float(spent)}
    if campaigns is not None:
        began = campaigns.filter(
            campaigns.starts_on >= ibis.literal(window.start),
            campaigns.starts_on < ibis.literal(window.end),
        )
        whole = collect(began.agg(cost=began.cost.sum()))["cost"].iloc[0]
        found["acquisition campaigns"] = 0.0 if pd.isna(whole) else float(whole)
    return found
