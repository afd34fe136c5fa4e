"""Making a block: every subject in turn, each from what the ones before it left."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from crm_lib.simulate.behaviour import baskets, buying, ordering, promoting
from crm_lib.simulate.behaviour import people as persons
from crm_lib.simulate.behaviour.buying import Purchases
from crm_lib.simulate.behaviour.choice import Choice
from crm_lib.simulate.block import (
    Block,
    Complaints,
    Exposures,
    Ints,
    Lines,
    Orders,
    People,
    Spells,
)
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
    grids: dict[str, Ints] = field(default_factory=dict)
    """sales: by category and month; tenure: see `truth.tenure`"""
    reps: dict[str, Ints] = field(default_factory=dict)
    """rep_id: sales by month"""

    def add(self, other: Totals) -> None:
        for mine, theirs in ((self.months, other.months), (self.grids, other.grids)):
            for name, sums in theirs.items():
                mine[name] = mine.get(name, np.zeros_like(sums)) + sums
        self.reps |= other.reps


@dataclass(frozen=True)
class Life:
    """What the customers of a block did, and what was sold to them."""

    block: Block
    choice: Choice
    people: People
    spells: Spells
    bought: Purchases
    exposures: Exposures
    orders: Orders
    complaints: Complaints
    lines: Lines


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
    life = live(block, choice)
    people, orders, sold = life.people, life.orders, life.lines
    none = np.full(len(people), -1)
    rep = accounts.home_rep(block, people) if block.company.accounts else none
    category = choice.category[sold.product]
    told = contacts.table(block, people, life.spells, orders, life.complaints, sold)
    yearly = truth.yearly_sales(block, people, orders, sold, category)
    totals = Totals(
        months=truth.months(block, people, orders, sold),
        grids={
            "sales": truth.sales(block, sold, category),
            "tenure": truth.tenure(block, people, life.spells, orders, sold),
        },
        reps=truth.rep_sales(block, orders, sold, rep),
    )
    return Made(
        filled(_tables(life, rep, told, yearly)),
        filled(_truth(life, told, yearly)),
        totals,
        np.sort(block.clock.month_of_day[sold.day]),
    )


def live(block: Block, choice: Choice) -> Life:
    """What the customers of a block do, one subject after the other."""
    people = persons.make(block)
    spells, bought = buying.make(block, people)
    exposures, redeems, extra = promoting.make(block, people, spells, bought)
    orders, complaints = ordering.make(block, people, spells, bought, redeems, extra)
    is_business = block.company.accounts is not None
    agreed = accounts.traits(block, people).discount_rate if is_business else np.zeros(len(people))
    sold = baskets.make(block, people, orders, choice, agreed)
    return Life(block, choice, people, spells, bought, exposures, orders, complaints, sold)


def filled(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The tables that have rows."""
    return {name: rows for name, rows in tables.items() if rows.num_rows}


def _tables(life: Life, rep: Ints, told: pa.Table, yearly: Ints) -> dict[str, pa.Table]:
    """The canonical tables that are made from customers."""
    block, people = life.block, life.people
    found = {
        "lines": lines.table(block, people, life.orders, life.lines, rep),
        "customers": customers.table(block, people),
        "contacts": told,
        "exposures": campaigns.exposures_table(block, people, life.exposures),
        "prospects": prospects.table(block, people),
        "wallets": wallets.table(block, people, yearly),
    }
    if block.company.accounts:
        found["accounts"] = accounts.table(block, people)
        found["efforts"] = efforts.table(block, people, life.spells)
        found["nominations"] = nominations.table(block, people, life.spells)
    return found


def _truth(life: Life, told: pa.Table, yearly: Ints) -> dict[str, pa.Table]:
    """The truths about customers."""
    block, people, spells = life.block, life.people, life.spells
    is_business = block.company.accounts is not None
    nothing = np.zeros(len(people), dtype=np.int64)
    costs = truth.Costs(
        contacts=contacts.cost_cents(block, people, told),
        exposures=campaigns.cost_cents(block, people, life.exposures),
        efforts=efforts.cost_cents(block, people, spells) if is_business else nothing,
        acquisition=customers.acquisition_cents(block, people),
    )
    found = {
        "customers": customers.truth(block, people),
        "spells": truth.spells(block, people, spells),
        "profits": truth.profits(block, people, life.orders, life.lines, costs),
        "prospects": prospects.truth(block, people),
        "wallets": wallets.truth(block, people, yearly),
    }
    if is_business:
        found["accounts"] = accounts.truth(block, people, spells)
        found["efforts"] = efforts.truth(block, people, spells)
    return found
