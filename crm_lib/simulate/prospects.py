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
from crm_lib.simulate import accounts, arrow
from crm_lib.simulate.block import BLOCK_CUSTOMERS, Block, Columns, Flags, Floats, Ints, People

ATTRIBUTES = ("interest", "budget", "referred")
GRADES = 100
"""Interest and budget are recorded in hundredths, from 0 to 1, each equally likely."""
REFERRED = 0.3
"""Share of the candidates who were referred."""
CONVERSION_SPREAD = 0.6
"""σ of the lognormal time to convert."""
LOSS_DAYS, LOSS_SPREAD = 60.0, 0.6
"""Median and σ of the lognormal time until a prospect is given up."""
STAGES = ("lead", "qualified", "offer", "won", "lost")
MOST_PER_BLOCK = 128 * BLOCK_CUSTOMERS


@dataclass(frozen=True)
class Prospects(Columns):
    """One row a prospect, by the day it was recorded. Days from the start of the window."""

    customer: Ints
    """row in `People` that it became; -1: none"""
    source: Ints
    rep: Ints
    """-1 where there are no representatives"""
    created: Ints
    ended: Ints
    """converted or given up; at or beyond `Clock.days`: still open"""
    interest: Ints
    """in hundredths"""
    budget: Ints
    """in hundredths"""
    referred: Ints
    """0 or 1"""
    probability: Floats
    converts: Flags


def convert(block: Block, people: People) -> Prospects:
    """The prospects of a block, and the customers that some of them became.

    Those who do not convert are recorded when, and come whence, converts do (each takes day and
    source of one drawn by chance), so that the odds hold in every month and source, too.
    """
    for name in block.company.laws.prospecting.coefficients:
        if name not in ATTRIBUTES:
            raise ValueError(unknown("attribute of prospects", name, ATTRIBUTES))
    stream = block.stream("prospects")
    sells = np.array([source.sells for source in block.company.sources])
    won = stream.permutation(np.flatnonzero(sells[people.source] & ~people.never_buys))
    attributes, probability, converts = _candidates(block, stream, len(won))
    joined = people.joined_day[won]
    created = _created(block, stream, joined)
    like = np.empty(len(converts), dtype=np.int64)
    like[converts] = np.arange(len(won))
    like[~converts] = stream.integers(0, max(len(won), 1), int((~converts).sum()))
    customer = np.where(converts, won[like], -1)
    lost = created[like] + _lag(stream, LOSS_DAYS, LOSS_SPREAD, len(like))
    found = Prospects(
        customer=customer,
        source=people.source[won[like]],
        rep=_reps(block, stream, people, customer),
        created=created[like],
        ended=np.where(converts, joined[like], lost),
        interest=attributes[0],
        budget=attributes[1],
        referred=attributes[2],
        probability=probability,
        converts=converts,
    )
    return found.take(np.argsort(found.created, kind="stable"))


def _candidates(
    block: Block, stream: np.random.Generator, wanted: int
) -> tuple[Ints, Floats, Flags]:
    """Attributes (one row each of `ATTRIBUTES`), odds and outcome, up to the `wanted`-th convert."""
    batches: list[tuple[Ints, Floats, Flags]] = [_batch(block, stream, 0)]
    missing, drawn = wanted, 0
    while missing > 0:
        attributes, probability, converts = _batch(block, stream, 4 * missing + 64)
        size = int(np.searchsorted(np.cumsum(converts), missing)) + 1
        batches.append((attributes[:, :size], probability[:size], converts[:size]))
        missing -= int(converts[:size].sum())
        drawn += len(batches[-1][2])
        if drawn > MOST_PER_BLOCK:
            raise ValueError(
                f"{block.company.name}: {wanted} customers came from sources that sell, but after "
                f"{drawn} prospects {missing} are still missing. Raise the odds in `prospecting`."
            )
    columns = list(zip(*batches, strict=True))
    return (
        np.concatenate(columns[0], axis=1),
        np.concatenate(columns[1]),
        np.concatenate(columns[2]),
    )


def _created(block: Block, stream: np.random.Generator, joined: Ints) -> Ints:
    """The day on which a convert was recorded; any day from the first on where it were before it."""
    days = block.company.laws.prospecting.days_to_convert
    created = joined - _lag(stream, days, CONVERSION_SPREAD, len(joined))
    return np.where(created < 0, stream.integers(0, joined + 1), created)


def _batch(block: Block, stream: np.random.Generator, count: int) -> tuple[Ints, Floats, Flags]:
    attributes = np.stack(
        [
            stream.integers(0, GRADES + 1, count),
            stream.integers(0, GRADES + 1, count),
            (stream.random(count) < REFERRED).astype(np.int64),
        ]
    )
    law = block.company.laws.prospecting
    weights = np.array([law.coefficients.get(name, 0.0) for name in ATTRIBUTES])
    scale = np.array([1 / GRADES, 1 / GRADES, 1.0])
    probability = 1 / (1 + np.exp(-(law.intercept + (weights * scale) @ attributes)))
    return attributes, probability, stream.random(count) < probability


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
    open_stage = np.minimum((spent * 3).astype(np.int64), 2)
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
    rep = (
        accounts.rep_ids(block, found.rep)
        if block.company.accounts
        else pa.nulls(len(found), pa.string())
    )
    return pa.table(
        {
            "prospect_id": _ids(block, len(found)),
            "created_on": arrow.days(found.created, block.clock),
            "source": arrow.texts(found.source, [s.name for s in block.company.sources]),
            "stage": arrow.texts(_stages(block, found), STAGES),
            "rep_id": rep,
            "converted_customer_id": pc.take(arrow.ids("C", people.number), became),
            "converted_on": arrow.days(found.ended, block.clock, ~found.converts),
            "lost_on": arrow.days(found.ended, block.clock, found.converts | is_open),
            "interest": arrow.texts(found.interest, hundredths),
            "budget": arrow.texts(found.budget, hundredths),
            "referred": arrow.texts(found.referred, ("0", "1")),
        }
    )


def truth(block: Block, people: People) -> pa.Table:
    """truth/prospects: one row a prospect, its odds by the law and whether it converts."""
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
