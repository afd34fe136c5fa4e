"""Buying: when customers buy, complain, leave and come back.

A *spell* is a time as a customer. Its first order is its first moment; repeat orders follow at the
customer's rate in seasonal time until it ends. What ends it is the customer's own lifetime or, before
that, a complaint. Some who left come back once, for a second spell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crm_lib.simulate.behaviour.arrivals import arrivals
from crm_lib.simulate.behaviour.people import pick, pick_by
from crm_lib.simulate.block import Block, Columns, Flags, Floats, Ints, People, Spells

COMPLAINING_DAYS = 3.0
"""A complaint is made within so many days from the day after the order on."""
RESOLUTION_SIGMA = 0.8
"""Times to resolve a complaint are lognormal with this σ."""


@dataclass(frozen=True)
class Purchases(Columns):
    """One row a purchase while it is being decided what becomes of it; by spell and time."""

    spell: Ints
    time: Floats
    is_first: Flags
    channel: Ints
    cause: Ints
    """of the complaint about it; -1 for none"""
    made: Floats
    """when the complaint is made; infinite for none"""
    resolved: Floats
    leaves: Flags


def make(block: Block, people: People) -> tuple[Spells, Purchases]:
    """The spells of a block's customers, and the purchases within them and the window."""
    stream = block.stream("buying")
    first, bought = _lived(block, stream, people, _first_spells(stream, people))
    second, bought_again = _lived(block, stream, people, _comebacks(block, stream, people, first))
    moved = replace(bought_again, spell=bought_again.spell + len(first))
    return first.joined(second), bought.joined(moved)


def _first_spells(stream: np.random.Generator, people: People) -> Spells:
    buyers = np.flatnonzero(~people.never_buys)
    starts = people.joined_day[buyers] + stream.random(len(buyers))
    lifetime = stream.exponential(size=len(buyers)) / people.hazard[buyers]
    return _spells(buyers, 1, starts, starts + lifetime)


def _spells(customer: Ints, number: int, starts: Floats, ends: Floats) -> Spells:
    prompted = np.full(len(customer), -1)
    return Spells(customer, np.full(len(customer), number), starts, ends, prompted)


def _comebacks(block: Block, stream: np.random.Generator, people: People, left: Spells) -> Spells:
    """Second spells of those who left and come back within the window."""
    law = block.company.laws.comeback
    mean = max(law.mean_days - law.shortest_days, 1.0)
    pause = law.shortest_days + mean * stream.exponential(size=len(left))
    starts = left.ends + pause
    back = (stream.random(len(left)) < law.probability) & (starts < block.clock.days)
    customer, starts = left.customer[back], starts[back]
    lifetime = stream.exponential(size=len(customer)) / people.hazard[customer]
    return _spells(customer, 2, starts, starts + lifetime)


def _lived(
    block: Block, stream: np.random.Generator, people: People, spells: Spells
) -> tuple[Spells, Purchases]:
    """The purchases of spells, and the spells as they end where a complaint ends them earlier."""
    customer = spells.customer
    shape = np.where(people.is_regular[customer], block.company.laws.regular_shape, 1)
    unit, time = arrivals(
        stream, block.clock, spells.starts, spells.ends, people.rate[customer], shape
    )
    unit = np.concatenate([np.arange(len(spells)), unit])
    time = np.concatenate([spells.starts, time])
    is_first = np.arange(len(unit)) < len(spells)
    order = np.lexsort((time, unit))
    unit, time, is_first = unit[order], time[order], is_first[order]
    channel = channels(block, stream, people.segment[customer[unit]])
    happens = _spared(block, stream, people.segment[customer[unit]], channel, time, is_first)
    unit, time, is_first, channel = (
        unit[happens],
        time[happens],
        is_first[happens],
        channel[happens],
    )
    bought = Purchases(unit, time, is_first, channel, *_complaints(block, stream, time))
    return _left_for_complaints(spells, bought)


def channels(block: Block, stream: np.random.Generator, segment: Ints) -> Ints:
    """The channel of each order, by the mix of its segment."""
    names = block.company.channels
    mixes = [[s.channels.get(name, 0.0) for name in names] for s in block.company.segments]
    channel, _ = pick_by(stream, mixes, segment)
    return channel


def _spared(
    block: Block,
    stream: np.random.Generator,
    segment: Ints,
    channel: Ints,
    time: Floats,
    is_first: Flags,
) -> Flags:
    """Which purchases the incident leaves alone: all but a share of the repeat orders that it hits."""
    law, clock = block.company.laws.incident, block.clock
    if law is None:
        return np.ones(len(time), dtype=bool)
    month = clock.month_of_day[time.astype(np.int64)]
    names = [s.name for s in block.company.segments]
    hit = (segment == names.index(law.segment)) & ~is_first
    hit &= (channel == block.company.channels.index(law.channel)) & (
        month == clock.month_at(law.moment)
    )
    return ~(hit & (stream.random(len(time)) < law.drop))


def _complaints(
    block: Block, stream: np.random.Generator, time: Floats
) -> tuple[Ints, Floats, Floats, Flags]:
    """Cause, time made, time resolved and whether the customer leaves, for each purchase."""
    law, count = block.company.laws.complaints, len(time)
    is_one = stream.random(count) < law.rate
    causes = list(law.causes.values()) or [(1.0, 0.0, "")]
    cause = np.where(is_one, pick(stream, (share for share, _, _ in causes), count), -1)
    made = np.where(is_one, np.floor(time) + 1 + COMPLAINING_DAYS * stream.random(count), np.inf)
    is_resolved = stream.random(count) < np.array([share for _, share, _ in causes])[cause]
    days = law.resolution_days * np.exp(RESOLUTION_SIGMA * stream.standard_normal(count))
    resolved = np.where(is_one & is_resolved, made + days, np.nan)
    odds = np.where(is_resolved, law.leave_if_resolved, law.leave_if_unresolved)
    return cause, made, resolved, is_one & (stream.random(count) < odds)


def _left_for_complaints(spells: Spells, bought: Purchases) -> tuple[Spells, Purchases]:
    """Spells ended by the first complaint that makes the customer leave; no purchases after it."""
    leaving = np.flatnonzero(bought.leaves)
    until = np.full(len(spells), np.inf)
    np.minimum.at(until, bought.spell[leaving], bought.made[leaving])
    cause = spells.complaint.copy()
    decisive = leaving[bought.made[leaving] == until[bought.spell[leaving]]]
    decisive = decisive[bought.made[decisive] < spells.ends[bought.spell[decisive]]]
    cause[bought.spell[decisive]] = bought.cause[decisive]
    ended = replace(spells, ends=np.minimum(spells.ends, until), complaint=cause)
    return ended, bought.take(bought.time <= until[bought.spell])
