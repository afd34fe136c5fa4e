"""What all contacts have in common: their columns, who answers, and how a case is settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm_lib.simulate.behaviour.people import pick
from crm_lib.simulate.block import Block, Floats, Ints
from crm_lib.simulate.tables import arrow, opening_hours

_NAME = pa.dictionary(pa.int32(), pa.string())
STATED = pa.schema(
    {
        "kind": _NAME,
        "channel": _NAME,
        "product_id": _NAME,
        "reason": _NAME,
        "score": pa.int64(),
        "scale_max": pa.int64(),
        "cost": arrow.MONEY,
        "resolved_at": pa.timestamp("s"),
        "department": _NAME,
        "person": _NAME,
    }
)
"""What a contact may state; who and when is kept beside it."""

CHANNELS = {"phone": 0.45, "e-mail": 0.35, "web": 0.2}
"""How customers get in touch: shares."""
STAFF = (
    "Ada Merrow", "Bram Oakes", "Celia Thorne", "Dario Finch", "Elin Marsh", "Felix Corby",
    "Greta Lind", "Hugo Penrose", "Inga Calder", "Jonas Wray", "Kira Stowe", "Liam Ferris",
)  # fmt: skip
"""Who answers: invented names."""
COST_SHAPE = 4.0
"""Costs of a contact are gamma with this shape: coefficient of variation 0.5."""
SETTLING_SIGMA = 0.8
"""Times to settle a case are lognormal with this σ."""


@dataclass(frozen=True)
class Subject:
    """What a case can be about."""

    share: float
    """of the cases"""
    settled: float
    """share that is settled"""
    department: str
    """responsible"""


@dataclass(frozen=True)
class Part:
    """Contacts of one kind: rows of `People`, times in days, and what they state (`STATED`)."""

    customer: Ints
    time: Floats
    stated: pa.Table


def part(kind: str, customer: Ints, time: Floats, **stated: pa.Array) -> Part:
    """Contacts of one kind; what is not stated is null."""
    count = len(customer)
    stated["kind"] = same(kind, count)
    columns = [stated.pop(f.name, None) for f in STATED]
    if stated:
        raise KeyError(f"A contact has no column {sorted(stated)}; it has {STATED.names}.")
    filled = [
        pa.nulls(count, f.type) if column is None else column
        for f, column in zip(STATED, columns, strict=True)
    ]
    return Part(customer, time, pa.table(filled, schema=STATED))


def cases(
    block: Block,
    stream: np.random.Generator,
    kind: str,
    customer: Ints,
    time: Floats,
    subjects: Mapping[str, Subject],
    median_days: float,
    **stated: pa.Array,
) -> Part:
    """Cases that somebody answers: each about a subject, settled or not by the subject's share."""
    count, about = len(customer), list(subjects.values())
    subject = pick(stream, (s.share for s in about), count)
    days = median_days * np.exp(SETTLING_SIGMA * stream.standard_normal(count))
    is_settled = stream.random(count) < np.array([s.settled for s in about])[subject]
    return part(
        kind,
        customer,
        time,
        reason=arrow.texts(subject, list(subjects)),
        department=arrow.texts(subject, [s.department for s in about]),
        resolved_at=opening_hours.times(np.where(is_settled, time + days, np.nan), block.clock),
        **answered(stream, count),
        **stated,
    )


def answered(stream: np.random.Generator, count: int) -> dict[str, pa.Array]:
    """The columns `channel` and `person` of contacts that somebody answers."""
    return {
        "channel": arrow.texts(pick(stream, CHANNELS.values(), count), list(CHANNELS)),
        "person": staff(stream, count),
    }


def staff(stream: np.random.Generator, count: int) -> pa.Array:
    """Who answered."""
    return arrow.texts(stream.integers(len(STAFF), size=count), STAFF)


def same(text: str, count: int) -> pa.Array:
    """The same text in every row."""
    return arrow.texts(np.zeros(count, dtype=np.int64), [text])


def costs(stream: np.random.Generator, mean: float, count: int) -> Ints:
    """What contacts cost, in cents."""
    return arrow.cents(stream.gamma(COST_SHAPE, mean / COST_SHAPE, count))
