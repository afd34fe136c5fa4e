"""Which rows are drawn: a number from 0 to 1 for each row, from its own ids and nothing else."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from crm_lib.simulate.block import Floats
from crm_lib.simulate.tables.arrow import whole

_COUNTED = ("customers", "accounts", "prospects")
_IDENTITY = {
    "lines": ("order_id", "line_no"), "customers": ("customer_id",), "contacts": ("contact_id",),
    "products": ("product_id",), "exposures": ("campaign_id", "customer_id"),
    "prospects": ("prospect_id",), "wallets": ("customer_id", "year", "category"),
    "accounts": ("customer_id",), "efforts": ("rep_id", "customer_id", "month"),
    "market": ("month", "category", "industry"),
}  # fmt: skip
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 / golden ratio."""

Hashes = npt.NDArray[np.uint64]


def of(table: str, rows: pa.Table, seed: int) -> Floats:
    """A number from 0 to 1 for each row of `table`, from the seed and the row's ids.

    Where ids are counted through, they are the multiples of the golden ratio: as evenly spread as
    any points can be, so that also a few hundred customers have about the share they should have.
    """
    start = _mixed(np.uint64((seed ^ zlib.crc32(table.encode()) << 32) & (2**64 - 1)))
    if table in _COUNTED:
        (name,) = _IDENTITY[table]
        digits = pc.utf8_slice_codeunits(pc.cast(whole(rows[name]), pa.string()), 1)
        numbers = pc.cast(digits, pa.int64()).to_numpy().astype(np.uint64)
        hashes: Hashes = start + numbers * _GOLDEN
    else:
        hashes = np.full(len(rows), start)
        for name in _IDENTITY[table]:
            if name in rows.column_names:
                hashes = _mixed(hashes ^ _numbers(rows[name]))
    return (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(hashes: Any) -> Any:
    """SplitMix64 (Steele, Lea & Flood 2014, OOPSLA): every bit of the input changes half the output's."""
    with np.errstate(over="ignore"):
        mixed = hashes + _GOLDEN
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def _numbers(column: pa.ChunkedArray) -> Hashes:
    """A number for each value: integers and days themselves, the CRC of a text. Null is 0."""
    values = whole(column)
    if pa.types.is_date32(values.type):
        values = pc.cast(values, pa.int32())
    if pa.types.is_integer(values.type):
        return pc.fill_null(values, 0).to_numpy().astype(np.int64).astype(np.uint64)
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    codes = pc.fill_null(coded.indices, 0).to_numpy()
    sums = [zlib.crc32(text.encode()) for text in coded.dictionary.to_pylist() if text is not None]
    return np.array(sums or [0], dtype=np.uint64)[codes]
