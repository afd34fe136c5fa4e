"""Visits: representatives at their accounts, or consumers asking for advice in a shop."""

from __future__ import annotations

import numpy as np

from crm_lib.simulate.behaviour.people import pick
from crm_lib.simulate.block import Block, Orders, Spells, within
from crm_lib.simulate.laws import Accounts
from crm_lib.simulate.tables import arrow, opening_hours
from crm_lib.simulate.tables.contact_rows import Part, costs, part, same, staff

VISIT_EVERY_DAYS = 42.0
"""Representatives visit each living account once in so many days, at no fixed interval."""
ADVISER_HOURS = 1.0
"""Mean hours of the technical adviser who comes along, the cost of the visit. The representative's own
hours are in `efforts`."""
VISITS = {"order talk": 0.5, "new products": 0.3, "yearly review": 0.2}

SHOP = "shop"
"""The channel in which advice is given."""
ADVISED_PER_SERVED = 0.2
"""Orders in a shop after advice: this share of `Service.rate`."""
ADVICE_BEFORE_DAYS = 0.05


def visits(block: Block, spells: Spells, orders: Orders) -> Part:
    """Representatives' visits where the company has accounts, otherwise advice in shops."""
    accounts = block.company.accounts
    return _to_accounts(block, spells, accounts) if accounts else _advice(block, orders)


def _to_accounts(block: Block, spells: Spells, law: Accounts) -> Part:
    """One visit at a random time of every `VISIT_EVERY_DAYS` of a spell, on Monday to Friday."""
    stream = block.stream("contacts: visits")
    ends = np.minimum(spells.ends, block.clock.days)
    count = np.maximum((ends - spells.starts) / VISIT_EVERY_DAYS, 0).astype(np.int64)
    spell = np.repeat(np.arange(len(spells)), count)
    time = spells.starts[spell] + VISIT_EVERY_DAYS * (within(count) + stream.random(len(spell)))
    weekday = (time.astype(np.int64) + block.clock.start.weekday()) % 7
    time += np.where(weekday >= 5, 7 - weekday, 0)
    subject = pick(stream, VISITS.values(), len(spell))
    return part(
        "visit",
        spells.customer[spell],
        time,
        channel=same("on site", len(spell)),
        reason=arrow.texts(subject, list(VISITS)),
        cost=arrow.money(costs(stream, ADVISER_HOURS * law.hour_cost, len(spell))),
        department=same("Sales", len(spell)),
    )


def _advice(block: Block, orders: Orders) -> Part:
    """Advice shortly before some of the orders in a shop."""
    stream, law = block.stream("contacts: visits"), block.company.laws.service
    channels = block.company.channels
    in_shop = orders.channel == (channels.index(SHOP) if SHOP in channels else -1)
    asks = stream.random(len(orders)) < law.rate * ADVISED_PER_SERVED
    rows = np.flatnonzero(in_shop & asks)
    ordered = opening_hours.continuous(orders.day[rows], orders.second[rows])
    before = ADVICE_BEFORE_DAYS * stream.random(len(rows))
    return part(
        "visit",
        orders.customer[rows],
        np.maximum(ordered - before, orders.day[rows]),
        channel=same(SHOP, len(rows)),
        reason=same("advice before buying", len(rows)),
        cost=arrow.money(costs(stream, law.cost, len(rows))),
        department=same("Shops", len(rows)),
        person=staff(stream, len(rows)),
    )
