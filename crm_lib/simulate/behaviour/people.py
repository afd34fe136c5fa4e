"""The people of a block: who they are, when they come, and their own rates, drawn from the laws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from crm_lib.simulate.block import Block, Flags, Floats, Ints, People
from crm_lib.simulate.laws import ADOPTER_SHARES

OPENING_DAYS = 90
"""The opening, in which `Laws.opening_share` of the customers join."""


def make(block: Block) -> People:
    """One row a customer of the block, drawn from the shares and the Gamma laws of the company."""
    stream, company, count = block.stream("people"), block.company, block.count
    segment = pick(stream, (s.share for s in company.segments), count)
    source = pick(stream, (s.share for s in company.sources), count)
    place = pick(stream, company.places.values(), count)
    adopter = pick(stream, ADOPTER_SHARES, count)
    joined_day = _joined(block, stream)
    purchasing = [s.purchasing for s in company.segments]
    spend = [s.spend for s in company.segments]
    rate = _gamma(stream, segment, [p.r for p in purchasing], [p.alpha_days for p in purchasing])
    hazard = _gamma(stream, segment, [p.s for p in purchasing], [p.beta_days for p in purchasing])
    spend_rate = _gamma(stream, segment, [s.q for s in spend], [s.gamma for s in spend])
    return People(
        number=block.first + np.arange(count),
        segment=segment,
        source=source,
        place=place,
        adopter=adopter,
        joined_day=joined_day,
        rate=rate * np.array([s.rate_factor for s in company.sources])[source],
        hazard=hazard * np.array([s.hazard_factor for s in company.sources])[source],
        spend_rate=spend_rate,
        is_regular=stream.random(count)
        < np.array([s.regular_share for s in company.segments])[segment],
        is_costly=stream.random(count)
        < np.array([s.costly_share for s in company.segments])[segment],
        never_buys=stream.random(count) < company.laws.never_buy_share,
    )


def pick(stream: np.random.Generator, shares: Iterable[float], count: int) -> Ints:
    """`count` positions, drawn with these shares."""
    edges = np.cumsum(list(shares))
    return np.searchsorted(edges / edges[-1], stream.random(count), side="right")


def pick_by(
    stream: np.random.Generator, shares: Sequence[Sequence[float]], row: Ints
) -> tuple[Ints, Flags]:
    """For each entry of `row` a position drawn with the shares of that row, and whether it has any.

    The position means nothing where all shares of the row are 0.
    """
    edges = np.cumsum(shares, axis=1, dtype=np.float64)
    is_any = edges[:, -1] > 0
    edges /= np.where(is_any, edges[:, -1], 1.0)[:, None]
    place = stream.random(len(row))
    return (place[:, None] >= edges[row, :-1]).sum(axis=1), is_any[row]


def _gamma(stream: np.random.Generator, row: Ints, shape: list[float], rate: list[float]) -> Floats:
    return stream.gamma(np.array(shape)[row]) / np.array(rate)[row]


def _joined(block: Block, stream: np.random.Generator) -> Ints:
    """Days of joining: some in the opening, the others at a density 1 + growth·x in seasonal time."""
    laws, clock = block.company.laws, block.clock
    whole = clock.seasonal(np.array([float(clock.days)]))
    opening = clock.seasonal(np.array([float(min(OPENING_DAYS, clock.days))]))
    uniform = stream.random(block.count)
    growth = max(laws.growth, 1e-9)
    later = (np.sqrt(1 + 2 * growth * uniform * (1 + growth / 2)) - 1) / growth * whole
    early = stream.random(block.count) * opening
    is_opening = stream.random(block.count) < laws.opening_share
    joined = clock.calendar(np.where(is_opening, early, later)).astype(np.int64)
    return np.minimum(joined, clock.days - 1)
