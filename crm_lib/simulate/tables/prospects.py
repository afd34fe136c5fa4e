"""Prospects: who might have become a customer, and who did.

Every buyer from a source that sells was a prospect before. Beside them there are as many prospects
who did not convert that, given what is known of a prospect, the odds of converting are the law's:

    logit P(convert) = intercept + Σ coefficient · attribute

Candidates are drawn one after the other, each with attributes and an outcome by these odds, until as
many have converted as there are such customers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crm_lib.errors import unknown
from crm_lib.simulate.block import BLOCK_CUSTOMERS, Block, Columns, Flags, Floats, Ints, People
from crm_lib.simulate.tables import accounts, arrow

GRADES = 100
"""Interest and budget are recorded in hundredths, from 0 to 1, each equally likely."""
REFERRED = 0.3
"""Share of the candidates who were referred."""
CONVERSION_SPREAD = 0.6
"""σ of the lognormal time to convert."""
LOSS_DAYS, LOSS_SPREAD = 60.0, 0.6
"""Median and σ of the lognormal time until a prospect is given up."""
OPEN_STAGES = ("lead", "qualified", "offer")
STAGES = (*OPEN_STAGES, "won", "lost")
MOST_PER_BLOCK = 128 * BLOCK_CUSTOMERS


@dataclass(frozen=True)
class Candidates(Columns):
    """One row a candidate, in the order in which they were drawn."""

    interest: Ints
    """in hundredths"""
    budget: Ints
    """in hundredths"""
    referred: Ints
    """0 or 1"""
    probability: Floats
    converts: Flags


@dataclass(frozen=True)
class Prospects(Candidates):
    """One row a prospect, by the day it was recorded. Days from the start of the window."""

    customer: Ints
    """row in `People` that it became; -1: none by the end of the window"""
    source: Ints
    rep: Ints
    """-1 where there are no representatives"""
    created: Ints
    ended: Ints
    """converted or given up; at or beyond `Clock.days`: still open"""


def convert(block: Block, people: People) -> Prospects:
    """The prospects of a block, and the customers that some of them became.

    Some convert only after the window; they are open prospects like those who will be lost. Those who
    do not convert are recorded when, and come whence, converts do (each takes day and source of one
    drawn by chance), so that the odds hold in every month and source, too.
    """
    stream = block.stream("prospects")
    won, source, joined = _converts(block, stream, people)
    drawn = _candidates(block, stream, len(won))
    like = np.empty(len(drawn), dtype=np.int64)
    like[drawn.converts] = np.arange(len(won))
    like[~drawn.converts] = stream.integers(0, max(len(won), 1), len(drawn) - len(won))
    customer = np.where(drawn.converts, won[like], -1)
    created = _created(block, stream, joined)[like]
    lost = created + _lag(stream, LOSS_DAYS, LOSS_SPREAD, len(drawn))
    found = Prospects(
        **vars(drawn),
        customer=customer,
        source=source[like],
        rep=_reps(block, stream, people, customer),
        created=created,
        ended=np.where(drawn.converts, joined[like], lost),
    )
    recorded = np.argsort(created, kind="stable")
    return found.take(recorded[created[recorded] < block.clock.days])


def _converts(block: Block, stream: np.random.Generator, people: People) -> tuple[Ints, Ints, Ints]:
    """Who converts, in random order: row in `People` (-1: joins after the window), source, day.

    After the window customers go on joining at the pace of its end, for as long as a prospect may take.
    """
    laws, days = block.company.laws, block.clock.days
    sells = np.array([source.sells for source in block.company.sources])
    won = np.flatnonzero(sells[people.source] & ~people.never_buys)
    pace = (1 - laws.opening_share) * (1 + laws.growth) / (1 + laws.growth / 2) / days
    lasts = laws.prospecting.days_to_convert * np.exp(4 * CONVERSION_SPREAD)
    coming = stream.poisson(pace * lasts * len(won))
    later = days + stream.integers(0, int(lasts) + 1, coming)
    source = np.append(people.source[won], stream.choice(people.source[won], coming))
    order = stream.permutation(len(won) + coming)
    customer = np.append(won, np.full(coming, -1))
    joined = np.append(people.joined_day[won], later)
    return customer[order], source[order], joined[order]


def _candidates(block: Block, stream: np.random.Generator, wanted: int) -> Candidates:
    """Candidates up to the one with whom `wanted` have converted."""
    found = _draw(block, stream, 0)
    while (missing := wanted - int(found.converts.sum())) > 0:
        if len(found) > MOST_PER_BLOCK // 2:
            raise ValueError(
                f"{block.company.name}: {wanted} customers came from sources that sell, but of "
                f"{len(found)} prospects only {wanted - missing} converted. Raise the odds in "
                "`Laws.prospecting`."
            )
        drawn = _draw(block, stream, 4 * missing + 64)
        last = np.searchsorted(np.cumsum(drawn.converts), missing)
        found = found.joined(drawn.take(np.arange(len(drawn)) <= last))
    return found


def _draw(block: Block, stream: np.random.Generator, count: int) -> Candidates:
    """`count` candidates with their attributes, and whether each converts."""
    law = block.company.laws.prospecting
    interest, budget = stream.integers(0, GRADES + 1, (2, count))
    referred = (stream.random(count) < REFERRED).astype(np.int64)
    values = {"interest": interest / GRADES, "budget": budget / GRADES, "referred": referred}
    logit = np.full(count, law.intercept)
    for name, coefficient in law.coefficients.items():
        if name not in values:
            raise ValueError(unknown("attribute of prospects", name, values))
        logit += coefficient * values[name]
    probability = 1 / (1 + np.exp(-logit))
    return Candidates(interest, budget, referred, probability, stream.random(count) < probability)


def _created(block: Block, stream: np.random.Generator, joined: Ints) -> Ints:
    """The day on which a convert was recorded; any day from the first on where it were before it."""
    days = block.company.laws.prospecting.days_to_convert
    created = joined - _lag(stream, days, CONVERSION_SPREAD, len(joined))
    return np.where(created < 0, stream.integers(0, joined + 1), created)


def _lag(stream: np.random.Generator, median: float, spread: float, count: int) -> Ints:
    return np.rint(median * stream.lognormal(0, spread, count)).astype(np.int64)


def _reps(block: Block, stream: np.random.Generator, people: People, customer: Ints) -> Ints:
    """Of a convert the rep of its territory, of others any rep of the block."""
    if block.company.accounts is None:
        return np.full(len(customer), -1)
    anyone = accounts.first_rep(block) + stream.integers(0, accounts.reps(block), len(customer))
    return np.where(customer >= 0, accounts.home_rep(block, people)[customer], anyone)


def _stages(block: Block, found: Prospects) -> Ints:
    """Stage at the end of the window; of an open one by how much of its time it has spent."""
    spent = (block.clock.days - found.created) / np.maximum(found.ended - found.created, 1)
    is_open = found.ended >= block.clock.days
    open_stage = np.minimum((spent * len(OPEN_STAGES)).astype(np.int64), len(OPEN_STAGES) - 1)
    closed = np.where(found.converts, STAGES.index("won"), STAGES.index("lost"))
    return np.where(is_open, open_stage, closed)


def _ids(block: Block, count: int) -> pa.Array:
    return arrow.ids("P", block.number * MOST_PER_BLOCK + np.arange(count))


def table(block: Block, people: People) -> pa.Table:
    """The canonical `prospects`: one row a prospect; attributes interest, budget, referred as text."""
    found = convert(block, people)
    is_open = found.ended >= block.clock.days
    became = pa.array(found.customer, mask=found.customer < 0)
    hundredths = [f"{grade / GRADES:.2f}" for grade in range(GRADES + 1)]
    reps = {"rep_id": accounts.rep_ids(block, found.rep)} if block.company.accounts else {}
    return pa.table(
        {
            "prospect_id": _ids(block, len(found)),
            "created_on": arrow.days(found.created, block.clock),
            "source": arrow.texts(found.source, [s.name for s in block.company.sources]),
            "stage": arrow.texts(_stages(block, found), STAGES),
            **reps,
            "converted_customer_id": pc.take(arrow.ids("C", people.number), became),
            "converted_on": arrow.days(found.ended, block.clock, ~found.converts | is_open),
            "lost_on": arrow.days(found.ended, block.clock, found.converts | is_open),
            "interest": arrow.texts(found.interest, hundredths),
            "budget": arrow.texts(found.budget, hundredths),
            "referred": arrow.texts(found.referred, ("0", "1")),
        }
    )


def truth(block: Block, people: People) -> pa.Table:
    """truth/prospects: one row a prospect, its odds by the law and whether it converts, be it after the
    window."""
    found = convert(block, people)
    return pa.table(
        {
            "prospect_id": _ids(block, len(found)),
            "interest": found.interest / GRADES,
            "budget": found.budget / GRADES,
            "referred": found.referred,
            "conversion_probability": found.probability,
            "converts": found.converts,
        }
    )
