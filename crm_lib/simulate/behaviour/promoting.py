"""Promoting: who takes part in a campaign, what it adds, and which orders redeem it.

Each campaign draws its participants at random from the eligible and splits them at random into
treatment and control. The treated who are alive buy more at a known rate (`Campaign.lift`); these
extra orders, and a share of their usual ones, redeem the campaign.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from crm_lib.simulate.behaviour.arrivals import arrivals
from crm_lib.simulate.behaviour.buying import Purchases
from crm_lib.simulate.block import (
    Block,
    Columns,
    Exposures,
    Flags,
    Floats,
    Ints,
    People,
    Spells,
)
from crm_lib.simulate.laws import Campaign

KNOWN_DAYS = 30
"""A campaign speaks to customers who joined at least so long before it."""


@dataclass(frozen=True)
class Extra(Columns):
    """One row an order that only a campaign brought."""

    customer: Ints
    time: Floats
    campaign: Ints


def make(
    block: Block, people: People, spells: Spells, bought: Purchases
) -> tuple[Exposures, Ints, Extra]:
    """The participants of every campaign, the campaign that each purchase redeems (-1: none), and
    the extra orders."""
    redeems = np.full(len(bought), -1)
    exposures, extras = [_nobody()], [_no_extra()]
    for code, law in enumerate(block.company.laws.campaigns):
        if law.kind == "acquisition":
            redeems[_won(block, people, spells, bought, law)] = code
            continue
        stream = block.stream(f"campaign {law.campaign_id}")
        customers, is_treated = _participants(block, stream, people, spells, bought, law)
        treated = np.zeros(len(people), dtype=bool)
        treated[customers[is_treated]] = True
        usual = _redeeming(block, stream, spells, bought, law, treated)
        redeems[usual] = code
        extra = _extra(block, stream, people, spells, code, treated)
        first = np.full(len(people), np.inf)
        np.minimum.at(first, spells.customer[bought.spell[usual]], bought.time[usual])
        np.minimum.at(first, extra.customer, extra.time)
        redeemed = np.where(np.isinf(first), np.nan, first)[customers]
        exposures.append(Exposures(np.full(len(customers), code), customers, is_treated, redeemed))
        extras.append(extra)
    return reduce(Exposures.joined, exposures), redeems, reduce(Extra.joined, extras)


_NONE = np.zeros(0, dtype=np.int64)


def _nobody() -> Exposures:
    return Exposures(_NONE, _NONE, _NONE.astype(np.bool_), _NONE.astype(np.float64))


def _no_extra() -> Extra:
    return Extra(_NONE, _NONE.astype(np.float64), _NONE)


def _days(block: Block, law: Campaign) -> tuple[int, int]:
    """First day and the day after the last."""
    first = block.clock.day_at(law.starts)
    return first, min(first + law.days, block.clock.days)


def _participants(
    block: Block,
    stream: np.random.Generator,
    people: People,
    spells: Spells,
    bought: Purchases,
    law: Campaign,
) -> tuple[Ints, Flags]:
    """Rows of `People` that take part, and which of them are treated."""
    first, _ = _days(block, law)
    eligible = ~people.never_buys & (people.joined_day <= first - KNOWN_DAYS)
    if law.silent_days:
        before = bought.time < first
        last = np.full(len(people), -np.inf)
        np.maximum.at(last, spells.customer[bought.spell[before]], bought.time[before])
        eligible &= last <= first - law.silent_days
    taking = np.flatnonzero(eligible & (stream.random(len(people)) < law.reach))
    return taking, stream.random(len(taking)) >= law.control_share


def _redeeming(
    block: Block,
    stream: np.random.Generator,
    spells: Spells,
    bought: Purchases,
    law: Campaign,
    treated: Flags,
) -> Ints:
    """The usual purchases that redeem the campaign."""
    first, end = _days(block, law)
    inside = (bought.time >= first) & (bought.time < end) & treated[spells.customer[bought.spell]]
    return np.flatnonzero(inside & (stream.random(len(bought)) < law.redemption))


def _extra(
    block: Block,
    stream: np.random.Generator,
    people: People,
    spells: Spells,
    code: int,
    treated: Flags,
) -> Extra:
    law = block.company.laws.campaigns[code]
    first, end = _days(block, law)
    starts, ends = np.maximum(spells.starts, first), np.minimum(spells.ends, end)
    alive = np.flatnonzero(treated[spells.customer] & (starts < ends))
    customer = spells.customer[alive]
    rate = people.rate[customer] * law.lift
    unit, time = arrivals(stream, block.clock, starts[alive], ends[alive], rate)
    return Extra(customer[unit], time, np.full(len(unit), code))


def _won(block: Block, people: People, spells: Spells, bought: Purchases, law: Campaign) -> Ints:
    """The first orders of the customers that an acquisition campaign brought."""
    first, end = _days(block, law)
    names = [source.name for source in block.company.sources]
    comes = people.source == names.index(law.source)
    new = bought.is_first & (spells.number[bought.spell] == 1)
    inside = (bought.time >= first) & (bought.time < end)
    return np.flatnonzero(new & inside & comes[spells.customer[bought.spell]])
