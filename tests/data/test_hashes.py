"""Hashes that occur more than once, also where they are sorted some at a time."""

from __future__ import annotations

import pyarrow as pa
import pytest

from crm_lib import engine, hashes


@pytest.mark.parametrize("at_a_time", [100, 4, 2, 1])
@pytest.mark.parametrize(
    ("kind", "numbers", "twice"),
    [
        (pa.int64(), [-4, -4, 7, 7, 2**63 - 1, 2**63 - 1, -(2**63), -(2**63), 0, 5], [-(2**63), -4, 7, 2**63 - 1]),
        (pa.uint64(), [2**64 - 1, 2**64 - 1, 2**63, 2**63, 1, 5], [2**63, 2**64 - 1]),
        (pa.uint64(), [], []),
    ],
)  # fmt: skip
def test_a_number_of_either_sign_is_in_one_lot(
    kind: pa.DataType,
    numbers: list[int],
    twice: list[int],
    at_a_time: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hashes, "SORTED", at_a_time)
    rows = engine.connect().create_table("rows", pa.table({"hash": pa.array(numbers, kind)}))
    assert sorted(hashes.repeated(rows).tolist()) == twice
