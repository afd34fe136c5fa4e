"""Opening hours: the time of day at which what happens in continuous time is recorded.

The laws know days with a fraction. On record a day runs from 8 to 20 o'clock: its fraction is spread
over these hours, as `ordering` does for orders, so that nothing changes places and a case is never
settled before it was opened.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from crm_lib.simulate.behaviour.ordering import OPEN_SECONDS, OPENS
from crm_lib.simulate.block import Floats, Ints
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.tables import arrow


def seconds(time: Floats) -> Ints:
    """Seconds from the start of the window at which times (days, no NaN) are recorded."""
    day = time.astype(np.int64)
    return day * arrow.SECONDS + OPENS + ((time - day) * OPEN_SECONDS).astype(np.int64)


def times(time: Floats, clock: Clock) -> pa.Array:
    """Times (days) as recorded; null for a NaN and for what lies beyond the window."""
    missing = np.isnan(time) | (time >= clock.days)
    return arrow.times(seconds(np.where(missing, 0.0, time)), clock, missing)


def continuous(day: Ints, second: Ints) -> Floats:
    """The times (days) that are recorded on `day` at `second`."""
    return day + (second - OPENS) / OPEN_SECONDS
