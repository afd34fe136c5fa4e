"""Ordering: the purchases of a block, usual and extra, as numbered orders, and the complaints on them."""

from __future__ import annotations

import numpy as np

from crm_lib.simulate.behaviour.buying import Purchases, channels
from crm_lib.simulate.behaviour.promoting import Extra
from crm_lib.simulate.block import (
    Block,
    Complaints,
    Floats,
    Ints,
    Orders,
    People,
    Spells,
    within,
)

OPENS, OPEN_SECONDS = 8 * 3600, 12 * 3600
"""Orders come between 8 and 20 o'clock."""
MOST_ORDERS = 4096
"""Of one customer: order numbers have room for so many, and for as many returns."""


def make(
    block: Block, people: People, spells: Spells, bought: Purchases, redeems: Ints, extra: Extra
) -> tuple[Orders, Complaints]:
    """The orders by customer and time, and one row a complaint, by order."""
    stream = block.stream("ordering")
    customer = np.concatenate([spells.customer[bought.spell], extra.customer])
    time = np.concatenate([bought.time, extra.time])
    channel = np.concatenate(
        [bought.channel, channels(block, stream, people.segment[extra.customer])]
    )
    campaign = np.concatenate([redeems, extra.campaign])
    sorted_ = np.lexsort((time, customer))
    customer, time = customer[sorted_], time[sorted_]
    day = time.astype(np.int64)
    orders = Orders(
        customer=customer,
        day=day,
        second=OPENS + ((time - day) * OPEN_SECONDS).astype(np.int64),
        number=_numbered(customer),
        channel=channel[sorted_],
        campaign=campaign[sorted_],
    )
    return orders, _complaints(block, bought, sorted_)


def _numbered(customer: Ints) -> Ints:
    """The number of each order among the customer's, from 0."""
    number = within(np.bincount(customer))
    if len(number) and number.max() >= MOST_ORDERS:
        raise ValueError(
            f"A customer has more than {MOST_ORDERS} orders; lower the purchase rates."
        )
    return number


def _complaints(block: Block, bought: Purchases, sorted_: Ints) -> Complaints:
    """Complaints made within the window, with the row of their order in the sorted orders."""
    place = np.empty(len(sorted_), dtype=np.int64)
    place[sorted_] = np.arange(len(sorted_))
    rows = np.flatnonzero((bought.cause >= 0) & (bought.made < block.clock.days))
    rows = rows[np.argsort(place[rows])]
    made: Floats = bought.made[rows]
    return Complaints(
        place[rows], bought.cause[rows], made, bought.resolved[rows], bought.leaves[rows]
    )
