"""Making a block: every subject in turn, each from what the ones before it left."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from crm_lib.simulate.behaviour import baskets, buying, ordering, promoting
from crm_lib.simulate.behaviour import people as persons
from crm_lib.simulate.behaviour.choice import Choice
from crm_lib.simulate.block import Block, Ints
from crm_lib.simulate.tables import (
    accounts,
    campaigns,
    contacts,
    customers,
    efforts,
    lines,
    nominations,
    prospects,
    truth,
    wallets,
)


@dataclass
class Totals:
    """Sums over customers that the tables of the whole company are made from; money in cents."""

    months: dict[str, Ints] = field(default_factory=dict)
    """measure: one number a month"""
    sales: Ints | None = None
    """by category and month"""
    reps: dict[str, Ints] = field(default_factory=dict)
    """rep_id: sales by month"""

    def add(self, other: Totals) -> None:
        for name, counts in other.months.items():
            self.months[name] = self.months.get(name, np.zeros_like(counts)) + counts
        if other.sales is not None:
            self.sales = other.sales if self.sales is None else self.sales + other.sales
        self.reps |= other.reps


@dataclass(frozen=True)
class Made:
    """A block as tables: canonical ones, those of the truth, and its share of the totals."""

    tables: dict[str, pa.Table]
    truth: dict[str, pa.Table]
    totals: Totals
    line_months: Ints
    """the month (from 0) of each row of `lines`, which come by month"""


def make(block: Block, choice: Choice) -> Made:
    """Everything about the customers of a block."""
    people = persons.make(block)
    spells, bought = buying.make(block, people)
    exposures, redeems, extra = promoting.make(block, people, spells, bought)
    orders, complaints = ordering.make(block, people, spells, bought, redeems, extra)
    is_business = block.company.accounts is not None
    nothing = np.zeros(len(people), dtype=np.int64)
    agreed = accounts.traits(block, people).discount_rate if is_business else nothing.astype(float)
    rep = accounts.home_rep(block, people) if is_business else nothing - 1
    sold = baskets.make(block, people, orders, choice, agreed)
    category = choice.category[sold.product]
    told = contacts.table(block, people, spells, orders, complaints, sold)
    yearly = truth.yearly_sales(block, people, orders, sold, category)
    costs = truth.Costs(
        contacts=contacts.cost_cents(block, people, told),
        exposures=campaigns.cost_cents(block, people, exposures),
        efforts=efforts.cost_cents(block, people, spells) if is_business else nothing,
        acquisition=customers.acquisition_cents(block, people),
    )
    tables = {
        "lines": lines.table(block, people, orders, sold, rep),
        "customers": customers.table(block, people),
        "contacts": told,
        "exposures": campaigns.exposures_table(block, people, exposures),
        "prospects": prospects.table(block, people),
        "wallets": wallets.table(block, people, yearly),
    }
    true = {
        "customers": customers.truth(block, people),
        "spells": truth.spells(block, people, spells),
        "profits": truth.profits(block, people, orders, sold, costs),
        "prospects": prospects.truth(block, people),
        "wallets": wallets.truth(block, people, yearly),
    }
    if is_business:
        tables["accounts"] = accounts.table(block, people)
        tables["efforts"] = efforts.table(block, people, spells)
        tables["nominations"] = nominations.table(block, people)
        true["accounts"] = accounts.truth(block, people)
        true["efforts"] = efforts.truth(block, people, spells)
    totals = Totals(
        months=truth.months(block, people, orders, sold),
        sales=truth.sales(block, sold, category),
        reps=truth.rep_sales(block, orders, sold, rep),
    )
    months = np.sort(block.clock.month_of_day[sold.day])
    return Made(
        {name: rows for name, rows in tables.items() if rows.num_rows},
        {name: rows for name, rows in true.items() if rows.num_rows},
        totals,
        months,
    )
