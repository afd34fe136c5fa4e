"""A block: the customers that are made together, from random streams of their own.

A company is made of blocks of `BLOCK_CUSTOMERS`. What happens in a block depends on the company, the
seed and the number of the block alone, so that the data is the same however blocks are spread over
chunks and processes. The classes here are columns: NumPy arrays of equal length, one entry a row.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from crm_lib.simulate.clock import Clock
from crm_lib.simulate.laws import Company

BLOCK_CUSTOMERS = 16_384
"""All blocks but the last have so many customers."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def random_stream(subject: str, *keys: int) -> np.random.Generator:
    """The random numbers of one subject: others than those of every other subject or keys."""
    sequence = np.random.SeedSequence([*keys, zlib.crc32(subject.encode())])
    return np.random.Generator(np.random.SFC64(sequence))


def within(counts: Ints) -> Ints:
    """0, 1, 2 … within each of the groups that have these numbers of rows, one after the other."""
    begins = np.cumsum(counts) - counts
    return np.arange(counts.sum()) - np.repeat(begins, counts)


@dataclass(frozen=True)
class Block:
    """Which customers are made: `count` of them, from the customer numbered `first` (0 = the first)."""

    company: Company
    clock: Clock
    seed: int
    number: int
    first: int
    count: int

    def stream(self, subject: str) -> np.random.Generator:
        """The random numbers of one subject. More draws in one subject change nothing in another."""
        return random_stream(subject, self.seed, self.number)


class Columns:
    """Base of the classes of columns."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]

    def take(self, rows: npt.NDArray[Any]) -> Self:
        """The rows chosen by a mask or by their numbers, in this order."""
        chosen = {f.name: getattr(self, f.name)[rows] for f in fields(self)}  # type: ignore[arg-type]
        return type(self)(**chosen)

    def joined(self, other: Self) -> Self:
        """These rows and then the other's."""
        names = [f.name for f in fields(self)]  # type: ignore[arg-type]
        both = {n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in names}
        return type(self)(**both)


@dataclass(frozen=True)
class People(Columns):
    """One row a customer of the block. Codes are positions in the company's declarations."""

    number: Ints
    """of the customer in the company, from 0"""
    segment: Ints
    source: Ints
    place: Ints
    """home town, a position in `Company.places`"""
    adopter: Ints
    """a position in `laws.ADOPTERS`"""
    joined_day: Ints
    """day of the first purchase (or of registering), from the first day of the window = 0"""
    rate: Floats
    """λ: purchases a seasonal day while alive"""
    hazard: Floats
    """μ: a day"""
    spend_rate: Floats
    """ν of the Gamma-Gamma law: the mean order value is p / ν"""
    is_regular: Flags
    is_costly: Flags
    never_buys: Flags


@dataclass(frozen=True)
class Spells(Columns):
    """One row a time as a customer: from its first purchase to leaving, both latent and exact."""

    customer: Ints
    """row in `People`"""
    number: Ints
    """1, or 2 after a comeback"""
    starts: Floats
    """days from the start of the window"""
    ends: Floats
    """days; at or beyond `Clock.days`: still a customer at the end"""
    complaint: Ints
    """the cause (position in `Complaints.causes`) for which the customer left; -1: left unprompted"""


@dataclass(frozen=True)
class Orders(Columns):
    """One row an order, by customer and time."""

    customer: Ints
    """row in `People`"""
    day: Ints
    second: Ints
    """of the day"""
    number: Ints
    """of the customer's orders, from 0"""
    channel: Ints
    """a position in `Company.channels`"""
    campaign: Ints
    """a position in `Laws.campaigns`: the campaign it redeems; -1 for none"""


@dataclass(frozen=True)
class Complaints(Columns):
    """One row a complaint."""

    order: Ints
    """row in `Orders`"""
    cause: Ints
    """a position in `laws.Complaints.causes`"""
    made: Floats
    """days from the start of the window"""
    resolved: Floats
    """days from the start of the window; NaN: never"""
    leaves: Flags
    """the customer leaves for it"""


@dataclass(frozen=True)
class Exposures(Columns):
    """One row a customer in a campaign."""

    campaign: Ints
    customer: Ints
    """row in `People`"""
    is_treated: Flags
    redeemed: Floats
    """time of the first redemption, days from the start of the window; NaN: none"""


@dataclass(frozen=True)
class Lines(Columns):
    """One row an order line; returns are lines of their own. Money in cents, quantity in thousandths."""

    order: Ints
    """row in `Orders`: the order, or the one that comes back"""
    number: Ints
    """of the line in the order, from 1; of a return: that of the line that comes back"""
    product: Ints
    """a position in `Company.products`"""
    day: Ints
    second: Ints
    quantity: Ints
    amount: Ints
    """net of discount; negative for a return"""
    discount: Ints
    cost: Ints
    """negative for a return: the goods are back"""
    is_return: Flags
