"""The truth about a block's customers, in tables that no analysis reads: lives and exact profits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm_lib.simulate.block import Block, Ints, Lines, Orders, People, Spells
from crm_lib.simulate.clock import YEAR_DAYS
from crm_lib.simulate.tables import accounts, arrow


@dataclass(frozen=True)
class Costs:
    """What each customer of a block cost besides goods, in cents; one entry a row of `People`."""

    contacts: Ints
    exposures: Ints
    efforts: Ints
    acquisition: Ints


def spells(block: Block, people: People, lived: Spells) -> pa.Table:
    """truth/spells: customer_id, spell, began_on, left_on (null: still a customer), left_for (a complaint)."""
    sorted_ = np.lexsort((lived.number, lived.customer))
    lived = lived.take(sorted_)
    stays = lived.ends >= block.clock.days
    left_day = np.where(stays, 0, np.minimum(lived.ends, block.clock.days)).astype(np.int64)
    causes = list(block.company.laws.complaints.causes)
    return pa.table(
        {
            "customer_id": arrow.ids("C", people.number).take(pa.array(lived.customer)),
            "spell": pa.array(lived.number),
            "began_on": arrow.days(lived.starts.astype(np.int64), block.clock),
            "left_on": arrow.days(left_day, block.clock, stays),
            "left_for": arrow.texts(np.where(stays, -1, lived.complaint), causes),
        }
    )


def profits(block: Block, people: People, orders: Orders, lines: Lines, costs: Costs) -> pa.Table:
    """truth/profits: one row a customer, its totals over the window in exact money.

    revenue is net of discounts and returns; margin = revenue − cost of goods; contribution = margin
    − contacts − exposures − efforts − acquisition. occasions are days with a purchase.
    """
    customer = orders.customer[lines.order]

    def total(cents: Ints, chosen: Ints | slice = slice(None)) -> Ints:
        # Sums of whole cents are exact in doubles up to 2^53.
        return np.bincount(customer[chosen], cents[chosen], len(people)).astype(np.int64)

    back = np.flatnonzero(lines.is_return)
    revenue, cost = total(lines.amount), total(lines.cost)
    margin = revenue - cost
    spent = costs.contacts + costs.exposures + costs.efforts + costs.acquisition
    none = _occasions(orders, len(people)) == 0
    first, last = _extremes(orders, len(people))
    money = {
        "revenue": revenue, "returns": -total(lines.amount, back), "discount": total(lines.discount),
        "cost": cost, "margin": margin, "contact_cost": costs.contacts,
        "exposure_cost": costs.exposures, "effort_cost": costs.efforts,
        "acquisition_cost": costs.acquisition, "contribution": margin - spent,
    }  # fmt: skip
    return pa.table(
        {
            "customer_id": arrow.ids("C", people.number),
            "orders": pa.array(np.bincount(orders.customer, minlength=len(people))),
            "occasions": pa.array(_occasions(orders, len(people))),
            "first_on": arrow.days(first, block.clock, none),
            "last_on": arrow.days(last, block.clock, none),
            **{name: arrow.money(cents) for name, cents in money.items()},
        }
    )


def _occasions(orders: Orders, count: int) -> Ints:
    """Days with an order, by customer (orders come by customer and time)."""
    is_new = np.ones(len(orders), dtype=bool)
    is_new[1:] = (np.diff(orders.customer) != 0) | (np.diff(orders.day) != 0)
    return np.bincount(orders.customer[is_new], minlength=count)


def _extremes(orders: Orders, count: int) -> tuple[Ints, Ints]:
    """First and last day with an order, by customer; 0 without one."""
    first, last = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    last[orders.customer] = orders.day  # the last assignment stays: orders come by time
    first[orders.customer[::-1]] = orders.day[::-1]
    return first, last


def sales(block: Block, lines: Lines, category: Ints) -> Ints:
    """Net sales in cents by category and month; `category`: that of each line."""
    months = block.clock.months
    cell = category * months + block.clock.month_of_day[lines.day]
    flat = np.bincount(cell, lines.amount, len(block.company.categories) * months)
    return flat.astype(np.int64).reshape(-1, months)


def yearly_sales(
    block: Block, people: People, orders: Orders, lines: Lines, category: Ints
) -> Ints:
    """Net sales in cents by customer, calendar year of the window and category."""
    clock, categories = block.clock, len(block.company.categories)
    years = np.array([day.year for day in clock.month_starts[:-1]])
    year = (years - years[0])[clock.month_of_day[lines.day]]
    span = years[-1] - years[0] + 1
    cell = (orders.customer[lines.order] * span + year) * categories + category
    flat = np.bincount(cell, lines.amount, len(people) * span * categories)
    return flat.astype(np.int64).reshape(len(people), span, categories)


def months(block: Block, people: People, orders: Orders, lines: Lines) -> dict[str, Ints]:
    """Totals by month: lines, orders, joined customers, and money in cents."""
    month = block.clock.month_of_day
    count = block.clock.months

    def total(day: Ints, weights: Ints | None = None) -> Ints:
        return np.bincount(month[day], weights, count).astype(np.int64)

    back = lines.take(np.flatnonzero(lines.is_return))
    return {
        "lines": total(lines.day), "orders": total(orders.day),
        "joined": total(people.joined_day[~people.never_buys]),
        "revenue": total(lines.day, lines.amount), "returns": -total(back.day, back.amount),
        "discount": total(lines.day, lines.discount), "cost": total(lines.day, lines.cost),
    }  # fmt: skip


TENURE = ("customers", "revenue_first_year", "revenue", "margin_first_year", "margin")
"""The measures of `tenure`, in this order; money in cents."""


def tenure(block: Block, people: People, spells: Spells, orders: Orders, lines: Lines) -> Ints:
    """By relationship year (row 0 = the first): sums over the customers truly there for all of it,
    from their first order on; their first year beside that year, so that the same are compared."""
    years = int(block.clock.days // YEAR_DAYS) + 1
    customer = orders.customer[lines.order]
    year = ((lines.day - people.joined_day[customer]) // YEAR_DAYS).astype(np.int64)
    cell = customer * years + year
    shape = (len(people), years)
    revenue, margin = (
        np.bincount(cell, cents, len(people) * years).astype(np.int64).reshape(shape)
        for cents in (lines.amount, lines.amount - lines.cost)
    )
    first = spells.take(np.flatnonzero(spells.number == 1))
    lasted = np.zeros(len(people))
    lasted[first.customer] = np.minimum(first.ends, block.clock.days) - first.starts
    found = []
    for number in range(years):
        there = lasted >= (number + 1) * YEAR_DAYS
        columns = (revenue[:, 0], revenue[:, number], margin[:, 0], margin[:, number])
        found.append([there.sum(), *(column[there].sum() for column in columns)])
    return np.array(found, dtype=np.int64)


def rep_sales(block: Block, orders: Orders, lines: Lines, rep: Ints) -> dict[str, Ints]:
    """Net sales in cents by month of each representative of the block; `rep`: of each customer."""
    known = np.unique(rep[rep >= 0])
    if not len(known):
        return {}
    count = block.clock.months
    row = np.searchsorted(known, rep[orders.customer[lines.order]])
    cell = row * count + block.clock.month_of_day[lines.day]
    flat = np.bincount(cell, lines.amount, len(known) * count).astype(np.int64)
    names = accounts.rep_ids(block, known).to_pylist()
    return dict(zip(names, flat.reshape(-1, count), strict=True))
