"""Reasons: what some customers say about why they came, and some leavers about why they left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from crm_lib.simulate.behaviour.people import pick
from crm_lib.simulate.block import Block, Ints, People, Spells
from crm_lib.simulate.tables import arrow
from crm_lib.simulate.tables.contact_rows import CHANNELS, Part, part

JOINED, LEFT = "joined: ", "left: "
"""Every reason begins with one of these."""

BY_SOURCE = {
    "referral": "recommended by another customer",
    "partner": "recommended by a partner",
    "search": "found in a search",
    "web": "found on the web",
    "leaflet": "tempted by a voucher",
    "voucher": "tempted by a voucher",
    "mailing": "received the price list",
    "walk-in": "the shop is near",
    "fair": "met at a trade fair",
    "team": "spoken to in person",
    "sales": "visited by a representative",
    "call": "visited by a representative",
    "tender": "won a tender",
}
"""A word in the name of the source: what its customers say most."""
BY_SOURCE_SHARE = 0.7
"""of those who say why they came; the others name one of `ANY_SOURCE`"""
ANY_SOURCE = ("good prices", "a wide range", "good quality")

LEAVING = {"the price": 0.4, "no need any more": 0.35, "moved": 0.25}
LEAVING_BUSINESS = {"the price": 0.4, "no need any more": 0.25, "a rival's offer": 0.35}
"""Reasons of those who did not leave for a complaint: shares."""
LEAVERS_SAY_WITHIN = 20.0
"""days after the end of a spell"""


def joined(block: Block, people: People) -> Part:
    """On their first day, `Laws.reason_share` of all customers say why they came."""
    stream, sources = block.stream("contacts: joined"), block.company.sources
    rows = np.flatnonzero(stream.random(len(people)) < block.company.laws.reason_share)
    time = people.joined_day[rows] + stream.random(len(rows))
    typical = stream.random(len(rows)) < BY_SOURCE_SHARE
    other = len(sources) + stream.integers(len(ANY_SOURCE), size=len(rows))
    reason = np.where(typical, people.source[rows], other)
    names = [*(said_of(source.name) for source in sources), *ANY_SOURCE]
    return part("reason", rows, time, **_said(stream, reason, [JOINED + name for name in names]))


def left(block: Block, spells: Spells) -> Part:
    """Of the spells that end, `Laws.reason_share` are followed by a reason: the cause of the
    complaint where it was one, otherwise one of `LEAVING`."""
    stream, laws = block.stream("contacts: left"), block.company.laws
    says = (spells.ends < block.clock.days) & (stream.random(len(spells)) < laws.reason_share)
    rows = np.flatnonzero(says)
    time = spells.ends[rows] + LEAVERS_SAY_WITHIN * stream.random(len(rows))
    causes = list(laws.complaints.causes)
    unprompted = LEAVING_BUSINESS if block.company.accounts else LEAVING
    other = len(causes) + pick(stream, unprompted.values(), len(rows))
    reason = np.where(spells.complaint[rows] >= 0, spells.complaint[rows], other)
    names = [LEFT + name for name in (*causes, *unprompted)]
    return part("reason", spells.customer[rows], time, **_said(stream, reason, names))


def said_of(source: str) -> str:
    """What customers from a source say most about why they came."""
    known = (said for word, said in BY_SOURCE.items() if word in source.lower())
    return next(known, f"heard of through {source}")


def _said(stream: np.random.Generator, reason: Ints, names: Sequence[str]) -> dict[str, pa.Array]:
    channel = pick(stream, CHANNELS.values(), len(reason))
    distinct = list(dict.fromkeys(names))  # two sources may have the same reason
    place = np.array([distinct.index(name) for name in names])
    return {
        "channel": arrow.texts(channel, list(CHANNELS)),
        "reason": arrow.texts(place[reason], distinct),
    }
