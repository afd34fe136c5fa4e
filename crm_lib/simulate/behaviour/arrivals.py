"""Arrivals: points in time at a constant rate in seasonal time, exponential or Erlang gaps."""

from __future__ import annotations

import numpy as np

from crm_lib.simulate.block import Floats, Ints, within
from crm_lib.simulate.clock import Clock


def arrivals(
    stream: np.random.Generator,
    clock: Clock,
    starts: Floats,
    ends: Floats,
    rate: Floats,
    shape: Ints | None = None,
) -> tuple[Ints, Floats]:
    """Arrivals at `rate` a seasonal day between `starts` and `ends` (days) of each unit.

    Returns the row of the unit and the time of each arrival, by unit and time. Gaps are exponential,
    or Erlang of the given `shape` counted from the unit's start: of a Poisson process `shape` times
    as fast every `shape`-th arrival.
    """
    shape = np.ones(len(starts), dtype=np.int64) if shape is None else shape
    begin = clock.seasonal(starts)
    length = np.maximum(clock.seasonal(np.minimum(ends, clock.days)) - begin, 0)
    count = stream.poisson(rate * shape * length)
    unit = np.repeat(np.arange(len(starts)), count)
    place = unit + stream.random(len(unit))
    place.sort()  # within each unit: the whole part is the unit
    kept = (within(count) + 1) % shape[unit] == 0
    unit, share = unit[kept], (place - unit)[kept]
    time = clock.calendar(begin[unit] + share * length[unit])
    return unit, np.minimum(time, np.nextafter(clock.days, 0))
