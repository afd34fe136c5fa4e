"""Baskets: what each order is worth, how it splits into lines, and what comes back.

The value of an order, net of discount, follows the Gamma-Gamma law and grows with the relationship.
It is split into lines; each line picks a product by what draws the customer's segment, the category's
stage in its life and the month's price cuts. Quantity follows from the price, so that money is exact.
"""

from __future__ import annotations

import numpy as np

from crm_lib.simulate.behaviour.choice import Choice
from crm_lib.simulate.behaviour.ordering import OPEN_SECONDS, OPENS
from crm_lib.simulate.block import Block, Floats, Ints, Lines, Orders, People, within
from crm_lib.simulate.clock import YEAR_DAYS

LEAST_PER_LINE = 0.50
"""No order is worth less than this for each of its lines."""
LEAST_WEIGHT = 0.25
"""The value of an order is split by weights: this for each line + an exponential part of mean 1."""


def make(block: Block, people: People, orders: Orders, choice: Choice, agreed: Floats) -> Lines:
    """The order lines of a block, by order, and after them the lines that come back.

    `agreed`: the discount of each customer (row of `People`) by contract, a share of list price.
    """
    stream = block.stream("baskets")
    count = 1 + stream.poisson(
        np.array([s.extra_lines for s in block.company.segments])[people.segment[orders.customer]]
    )
    order = np.repeat(np.arange(len(orders)), count)
    amount = _split(stream, _values(block, stream, people, orders, count), order, count)
    customer, day = orders.customer[order], orders.day[order]
    month = block.clock.month_of_day[day]
    product = choice.draw(people.segment[customer], people.adopter[customer], month, stream)
    rate = 1 - (1 - choice.price_cuts[product, month]) * (1 - agreed[customer])
    rate = 1 - (1 - rate) * (1 - _campaign_discount(block, orders)[order])
    gross = np.rint(amount / (1 - rate)).astype(np.int64)
    sold = Lines(
        order=order,
        number=within(count) + 1,
        product=product,
        day=day,
        second=orders.second[order],
        quantity=np.maximum(np.rint(gross * 10 / choice.list_price[product]).astype(np.int64), 1),
        amount=amount,
        discount=gross - amount,
        cost=np.rint(gross * choice.cost_rate[product]).astype(np.int64),
        is_return=np.zeros(len(order), dtype=bool),
    )
    return sold.joined(_returned(block, stream, sold, choice))


def _values(
    block: Block, stream: np.random.Generator, people: People, orders: Orders, count: Ints
) -> Ints:
    """The value of each order in cents."""
    shape = np.array([s.spend.p for s in block.company.segments])[people.segment[orders.customer]]
    value = stream.gamma(shape) / people.spend_rate[orders.customer]
    years = (orders.day - people.joined_day[orders.customer]) / YEAR_DAYS
    tenure = block.company.laws.tenure
    value *= (1 + tenure.yearly_growth) ** np.minimum(np.floor(years), tenure.most_years)
    return np.rint(np.maximum(value, LEAST_PER_LINE * count) * 100).astype(np.int64)


def _split(stream: np.random.Generator, value: Ints, order: Ints, count: Ints) -> Ints:
    """The value of each order over its lines, to the cent."""
    running = np.cumsum(LEAST_WEIGHT + stream.exponential(size=len(order)))
    ends = np.cumsum(count) - 1
    before = np.concatenate([[0.0], running[ends[:-1]]]) if len(ends) else running
    total = running[ends] - before
    edges = np.rint((running - before[order]) / total[order] * value[order]).astype(np.int64)
    edges[ends] = value  # exactly, whatever the rounding of the running sum
    amount = np.diff(edges, prepend=0)
    begins = ends - count + 1
    amount[begins] = edges[begins]
    return amount


def _campaign_discount(block: Block, orders: Orders) -> Floats:
    rates = [law.discount_rate for law in block.company.laws.campaigns]
    return np.array([*rates, 0.0])[orders.campaign]  # the last one is for -1, no campaign


def _returned(block: Block, stream: np.random.Generator, sold: Lines, choice: Choice) -> Lines:
    """The lines that come back within the window: whole lines, money and goods."""
    shortest, longest = block.company.laws.return_days
    back = stream.random(len(sold)) < choice.return_rate[sold.product]
    day = sold.day + stream.integers(shortest, longest + 1, len(sold))
    second = OPENS + stream.integers(0, OPEN_SECONDS, len(sold))
    rows = np.flatnonzero(back & (day < block.clock.days))
    lines = sold.take(rows)
    zero = np.zeros(len(rows), dtype=np.int64)
    return Lines(
        lines.order, lines.number, lines.product, day[rows], second[rows], -lines.quantity,
        -lines.amount, zero, -lines.cost, np.ones(len(rows), dtype=bool),
    )  # fmt: skip
