"""Arrow columns from what a block holds: cents as exact decimals, codes as texts, times from days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from crm_lib.simulate.block import Flags, Floats, Ints
from crm_lib.simulate.clock import Clock

EPOCH = date(1970, 1, 1)
MONEY = pa.decimal128(18, 2)
SECONDS = 86_400


def money(cents: Ints) -> pa.Array:
    """Whole cents as DECIMAL(18, 2), exactly: an Arrow decimal is the integer in 16 bytes."""
    wide = np.empty((len(cents), 2), dtype=np.int64)
    wide[:, 0] = cents
    wide[:, 1] = cents >> 63  # the sign, extended
    return pa.Array.from_buffers(MONEY, len(cents), [None, pa.py_buffer(wide)])


def cents(amount: Floats) -> Ints:
    """Money rounded to whole cents."""
    return np.rint(np.asarray(amount) * 100).astype(np.int64)


def texts(codes: npt.NDArray[np.integer], names: Sequence[str]) -> pa.Array:
    """Names by code, stored once each; null for a negative code."""
    missing = codes < 0
    indices = pa.array(codes.astype(np.int32), mask=missing if missing.any() else None)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(names), pa.string()))


def ids(prefix: str, numbers: Ints, digits: int = 8) -> pa.Array:
    """Ids such as C00000017: the numbers from 0, counted from 1."""
    filled = pc.utf8_lpad(pc.cast(pa.array(numbers + 1), pa.string()), digits, "0")
    return pc.binary_join_element_wise(prefix, filled, "")


def repeated_ids(prefix: str, numbers: Ints, rows: Ints) -> pa.Array:
    """The ids of `rows` among the numbers, stored once each: for ids that stand in many rows."""
    return pa.DictionaryArray.from_arrays(pa.array(rows.astype(np.int32)), ids(prefix, numbers))


def days(day: npt.NDArray[np.integer], clock: Clock, missing: Flags | None = None) -> pa.Array:
    """Days from the start of the window as dates."""
    first = (clock.start - EPOCH).days
    return pa.array((np.asarray(day) + first).astype(np.int32), pa.int32(), mask=missing).cast(
        pa.date32()
    )


def months(month: Ints, clock: Clock) -> pa.Array:
    """First days of months (from 0, the first of the window) as dates."""
    starts = np.array([(day - clock.start).days for day in clock.month_starts])
    return days(starts[month], clock)


def times(seconds: Ints, clock: Clock, missing: Flags | None = None) -> pa.Array:
    """Seconds from the start of the window as times to the second."""
    first = (clock.start - EPOCH).days * SECONDS
    return pa.array(np.asarray(seconds) + first, pa.int64(), mask=missing).cast(pa.timestamp("s"))


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
