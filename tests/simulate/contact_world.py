"""A small company by hand, and a block of it in which what happened is easy to count.

Customers 0, 4, 8 … are costly; the last tenth never buys. Every buyer joins on day 10 · (row % 20) and
orders three times, 40 days apart: a dear line of 30.00 that cost 20.00 and a cheap one of 8.00 that
cost 6.00, so that the margin of an order is 12.00. Every fifth order is complained about. Every third
buyer leaves 100 days after joining, and every sixth buyer leaves for a complaint.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crm_lib.simulate import laws
from crm_lib.simulate.block import Block, Complaints, Ints, Lines, Orders, People, Spells
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.tables import contacts

MARGIN = 12.00
MONTHS = 12
DRIVERS = {"quality": 0.5, "price": 0.3, "service": 0.2}
PERFORMANCE = {"quality": 4.1, "price": 3.0, "service": 3.5}
CAUSES = {"late": (0.6, 0.9, "Logistics"), "broken": (0.4, 0.5, "Quality")}


def company(**changed: object) -> laws.Company:
    """Consumers of two segments, two sources and three categories; `changed`: other laws."""
    spend = laws.Spend(5, 4, 20)
    segments = tuple(
        laws.Segment(
            name,
            0.5,
            laws.Purchasing(2, 100, s, beta),
            spend,
            1.0,
            {"Old": 1, "New": 1},
            {"shop": 1},
        )
        for name, s, beta in (("Steady", 2.5, 900.0), ("Fickle", 0.8, 100.0))
    )
    sources = (laws.Source("referral", 0.5, 5, hazard_factor=0.5), laws.Source("kiosk", 0.5, 2))
    categories = (
        laws.Category("Old", (laws.Product("O1", "Old one", "x", 30, 0.6),)),
        laws.Category(
            "New", (laws.Product("N1", "New one", "x", 8, 0.7),), 0.0, growth=0.25, maturity=0.5
        ),
    )
    rules = laws.Laws(
        complaints=laws.Complaints(rate=0.2, causes=CAUSES, cost=8.0),
        service=laws.Service(rate=0.3, cost=5.0, costly_factor=(1.5, 1.5)),
        survey=laws.Survey(0.5, 0.4, DRIVERS, 0.35, PERFORMANCE),
        request_rate=0.2,
        reason_share=0.3,
    )
    return laws.Company(
        "small", "Small", "A test", "EUR", "Europe/Vienna", segments, sources, categories,
        {"Here": 1.0}, {"Here": "All"}, replace(rules, **changed),
    )  # fmt: skip


@dataclass(frozen=True)
class World:
    """A block and what happened in it."""

    block: Block
    people: People
    spells: Spells
    orders: Orders
    complaints: Complaints
    lines: Lines

    def table(self) -> pd.DataFrame:
        """Its contacts, with a row of `People` instead of an id, and money as floats."""
        made = contacts.table(
            self.block, self.people, self.spells, self.orders, self.complaints, self.lines
        )
        frame = made.to_pandas()
        number = frame["customer_id"].str[1:].astype(int) - 1
        return frame.assign(row=number - self.block.first, cost=frame["cost"].astype(float))


def world(count: int = 4_000, number: int = 0, of: laws.Company | None = None) -> World:
    """The block `number`, of `count` customers, of the small company."""
    made = of or company()
    block = Block(made, Clock(made.laws, MONTHS), 1, number, number * 16_384, count)
    people = _people(block)
    buyers = np.flatnonzero(~people.never_buys)
    orders = _orders(people, buyers)
    spells = _spells(block, people, buyers)
    return World(block, people, spells, orders, _complaints(orders), _lines(orders))


def _people(block: Block) -> People:
    stream, count = np.random.default_rng(block.number), block.count
    row = np.arange(count)
    segment, source = row % 2, row // 2 % 2
    shape, beta = np.array([2.5, 0.8])[segment], np.array([900.0, 100.0])[segment]
    return People(
        number=block.first + row,
        segment=segment,
        source=source,
        place=row * 0,
        adopter=row * 0,
        joined_day=row % 20 * 10,
        rate=np.full(count, 0.02),
        hazard=stream.gamma(shape) / beta * np.array([0.5, 1.0])[source],
        spend_rate=np.full(count, 0.2),
        is_regular=row < 0,
        is_costly=row % 4 == 0,
        never_buys=row >= count * 0.9,
    )


def _spells(block: Block, people: People, buyers: Ints) -> Spells:
    starts = people.joined_day[buyers] + 0.5
    leaves = buyers % 3 == 0
    return Spells(
        customer=buyers,
        number=np.ones(len(buyers), dtype=np.int64),
        starts=starts,
        ends=np.where(leaves, starts + 100, block.clock.days + 50.0),
        complaint=np.where(leaves & (buyers % 2 == 0), 1, -1),
    )


def _orders(people: People, buyers: Ints) -> Orders:
    customer, number = np.repeat(buyers, 3), np.tile([0, 1, 2], len(buyers))
    nothing = np.zeros(len(customer), dtype=np.int64)
    return Orders(
        customer=customer,
        day=people.joined_day[customer] + 40 * number,
        second=nothing + 14 * 3600,
        number=number,
        channel=nothing,
        campaign=nothing - 1,
    )


def _complaints(orders: Orders) -> Complaints:
    order = np.arange(0, len(orders), 5)
    made = orders.day[order] + 1.3
    settled = np.where(order % 2 == 0, made + 4, np.nan)
    return Complaints(order, order // 5 % 2, made, settled, order < 0)


def _lines(orders: Orders) -> Lines:
    """The cheap line comes first; the dear one of every tenth order is sent back."""
    order, number = np.repeat(np.arange(len(orders)), 2), np.tile([1, 2], len(orders))
    is_dear = number == 2
    sold = Lines(
        order=order,
        number=number,
        product=np.where(is_dear, 0, 1),
        day=orders.day[order],
        second=orders.second[order],
        quantity=np.full(len(order), 1_000),
        amount=np.where(is_dear, 3_000, 800),
        discount=order * 0,
        cost=np.where(is_dear, 2_000, 600),
        is_return=order < 0,
    )
    back = sold.take(is_dear & (order % 10 == 0))
    returned = replace(
        back, amount=-back.amount, cost=-back.cost, day=back.day + 5, is_return=back.order >= 0
    )
    return sold.joined(returned)
