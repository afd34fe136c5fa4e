"""Efforts: the hours of representatives, month by month, and where they ought to have gone.

A rep works `hours_per_rep` a month, in quarters of an hour. One part goes to the living accounts of
the rep's own territory in proportion to their true value; the other, `misallocated_share`, goes to
living accounts drawn by chance from all territories, so that several reps serve one account.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm_lib.simulate.block import Block, Columns, Flags, Floats, Ints, People, Spells
from crm_lib.simulate.tables import accounts, arrow

VISITS = 8
"""Accounts drawn by chance for a rep in a month; one drawn twice gets twice the hours."""
QUARTERS = 4
"""of an hour"""


@dataclass(frozen=True)
class Work(Columns):
    """One row a representative's work for an account in a month."""

    rep: Ints
    customer: Ints
    """row in `People`"""
    month: Ints
    quarters: Ints
    """of an hour, at least 1"""


def living(block: Block, people: People, spells: Spells) -> Flags:
    """By month and customer: a customer on any day of the month."""
    clock = block.clock
    last_day = np.minimum(spells.ends, clock.days - 1).astype(np.int64)
    first = clock.month_of_day[spells.starts.astype(np.int64)]
    last = clock.month_of_day[last_day]
    change = np.zeros((clock.months + 1, len(people)), dtype=np.int64)
    np.add.at(change, (first, spells.customer), 1)
    np.add.at(change, (last + 1, spells.customer), -1)
    return np.cumsum(change, axis=0)[:-1] > 0


def right_shares(block: Block, people: People, spells: Spells) -> Floats:
    """By month and customer: the share of its rep's hours that the account is worth.

    A rep's shares add up to 1, or to 0 in a month without a living account in the territory.
    """
    traits = accounts.traits(block, people)
    value = living(block, people, spells) * traits.true_value
    total = _by_rep(block, value, traits.home_rep)[:, traits.home_rep - accounts.first_rep(block)]
    return np.divide(value, total, out=np.zeros_like(value), where=total > 0)


def _by_rep(block: Block, values: Floats, home_rep: Ints) -> Floats:
    """Sums by month and rep of the block, of values by month and customer."""
    order = np.argsort(home_rep, kind="stable")
    begins = np.searchsorted(
        home_rep[order], accounts.first_rep(block) + np.arange(accounts.reps(block))
    )
    return np.add.reduceat(values[:, order], begins, axis=1)


def work(block: Block, people: People, spells: Spells) -> Work:
    """Who worked how long for whom; one row a rep, account and month."""
    law = accounts.law(block)
    stream = block.stream("efforts")
    home_rep = accounts.home_rep(block, people)
    shares = right_shares(block, people, spells)
    month_total = round(law.hours_per_rep * QUARTERS)
    by_chance = round(law.misallocated_share * month_total)
    own = _own(stream, shares, home_rep, month_total - by_chance)
    works = _by_rep(block, shares, home_rep) > 0.5  # a rep's shares add up to 1 or 0
    elsewhere = _by_chance(block, stream, living(block, people, spells), works, by_chance)
    at_home = elsewhere.rep == home_rep[elsewhere.customer]
    np.add.at(
        own, (elsewhere.month[at_home], elsewhere.customer[at_home]), elsewhere.quarters[at_home]
    )
    month, customer = np.nonzero(own)
    return Work(home_rep[customer], customer, month, own[month, customer]).joined(
        _merged(elsewhere.take(~at_home), len(people))
    )


def _own(stream: np.random.Generator, shares: Floats, home_rep: Ints, total: int) -> Ints:
    """Quarters by month and customer, `total` for each rep, in proportion to `shares`.

    The running sum is rounded from a random start: exact for each rep, right on average for each
    account, however small its share.
    """
    order = np.argsort(home_rep, kind="stable")
    running = np.cumsum(shares[:, order], axis=1) * total
    start = stream.uniform(0.01, 0.99, (len(shares), 1))
    found = np.zeros(shares.shape, dtype=np.int64)
    found[:, order] = np.diff(np.floor(running + start).astype(np.int64), axis=1, prepend=0)
    return found


def _by_chance(
    block: Block, stream: np.random.Generator, alive: Flags, works: Flags, total: int
) -> Work:
    """`total` quarters of each rep at work in a month, over `VISITS` accounts drawn by chance."""
    month, local = np.nonzero(works)
    count = alive.sum(axis=1)
    before = np.cumsum(count) - count
    _, candidates = np.nonzero(alive)
    month, local = np.repeat(month, VISITS), np.repeat(local, VISITS)
    drawn = before[month] + (stream.random(len(month)) * count[month]).astype(np.int64)
    each = total // VISITS + (np.arange(VISITS) < total % VISITS)
    quarters = np.tile(each, len(month) // VISITS)
    found = Work(accounts.first_rep(block) + local, candidates[drawn], month, quarters)
    return found.take(quarters > 0)


def _merged(work: Work, customers: int) -> Work:
    """One row a rep, account and month."""
    reps = int(work.rep.max(initial=0)) + 1
    key = (work.month * reps + work.rep) * customers + work.customer
    kept, first, row = np.unique(key, return_index=True, return_inverse=True)
    quarters = np.bincount(row, work.quarters, minlength=len(kept)).astype(np.int64)
    return Work(work.rep[first], work.customer[first], work.month[first], quarters)


def _cents(block: Block, quarters: Ints) -> Ints:
    """Cost of each number of quarters, rounded to whole cents."""
    hour = round(accounts.law(block).hour_cost * 100)
    return (quarters * hour + QUARTERS // 2) // QUARTERS


def cost_cents(block: Block, people: People, spells: Spells) -> Ints:
    """What the hours worked for each customer cost over the window, in cents."""
    found = work(block, people, spells)
    cost = _cents(block, found.quarters)
    return np.bincount(found.customer, cost, minlength=len(people)).astype(np.int64)


def table(block: Block, people: People, spells: Spells) -> pa.Table:
    """The canonical `efforts`: one row a rep's hours for an account in a month, and their cost."""
    found = work(block, people, spells)
    return pa.table(
        {
            "rep_id": accounts.rep_ids(block, found.rep),
            "customer_id": arrow.repeated_ids("C", people.number, found.customer),
            "month": arrow.months(found.month, block.clock),
            "hours": found.quarters / QUARTERS,
            "cost": arrow.money(_cents(block, found.quarters)),
        }
    )


def truth(block: Block, people: People, spells: Spells) -> pa.Table:
    """truth/efforts: one row an account and month with hours that it got or should have got.

    `right_hours`: of the home rep, all hours in proportion to true value; `actual_hours`: of all reps.
    """
    found = work(block, people, spells)
    right = right_shares(block, people, spells) * accounts.law(block).hours_per_rep
    cell = found.month * len(people) + found.customer
    actual = np.bincount(cell, found.quarters, minlength=right.size).reshape(right.shape) / QUARTERS
    month, customer = np.nonzero((right > 0) | (actual > 0))
    return pa.table(
        {
            "customer_id": arrow.repeated_ids("C", people.number, customer),
            "month": arrow.months(month, block.clock),
            "right_hours": right[month, customer],
            "actual_hours": actual[month, customer],
        }
    )
