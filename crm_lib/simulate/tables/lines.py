"""The canonical order lines of a block, and who sold, in Arrow."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from crm_lib.simulate.behaviour.ordering import MOST_ORDERS
from crm_lib.simulate.block import Block, Ints, Lines, Orders, People
from crm_lib.simulate.tables import accounts, arrow

IDS_PER_CUSTOMER = 2 * MOST_ORDERS
"""Room for the ids of a customer's orders; the second half is for what comes back."""
ONLINE = "Online"
ONLINE_CHANNELS = ("web", "portal")


def table(block: Block, people: People, orders: Orders, lines: Lines, rep: Ints) -> pa.Table:
    """Canonical `lines`, by month and then in the order of `lines`; raw `line_no` tells rows apart.

    `rep`: the representative of each customer (row of `People`), -1 for none; the column is left out
    where nobody has one. Campaigns likewise.
    """
    company, clock = block.company, block.clock
    lines = lines.take(np.argsort(clock.month_of_day[lines.day].astype(np.int16), kind="stable"))
    customer, channel = orders.customer[lines.order], orders.channel[lines.order]
    names = list(company.places)
    is_online = np.isin(company.channels, ONLINE_CHANNELS)[channel]
    place = np.where(is_online, len(names), people.place[customer])
    columns = {
        "customer_id": arrow.ids("C", people.number).take(pa.array(customer)),
        "order_id": pa.array(order_ids(people, orders)[lines.order] + _as_return(lines)),
        "line_no": pa.array(lines.number.astype(np.int32)),
        "ordered_at": arrow.times(lines.day * arrow.SECONDS + lines.second, clock),
        "amount": arrow.money(lines.amount),
        "quantity": pa.array(lines.quantity / 1000),
        "product_id": arrow.texts(lines.product, [p.product_id for p in company.products]),
        "discount": arrow.money(lines.discount),
        "cost": arrow.money(lines.cost),
        "channel": arrow.texts(channel, company.channels),
        "place": arrow.texts(place, [*names, ONLINE]),
    }
    if company.accounts:
        columns["rep_id"] = accounts.rep_ids(block, rep[customer])
    if company.laws.campaigns:
        ids = [campaign.campaign_id for campaign in company.laws.campaigns]
        columns["campaign_id"] = arrow.texts(orders.campaign[lines.order], ids)
    return pa.table(columns)


def order_ids(people: People, orders: Orders) -> Ints:
    """The id of each order, unlike any other in the company."""
    return people.number[orders.customer] * IDS_PER_CUSTOMER + orders.number


def _as_return(lines: Lines) -> Ints:
    """What is added to the id of an order for the credit note of what comes back of it."""
    return np.where(lines.is_return, MOST_ORDERS, 0)
