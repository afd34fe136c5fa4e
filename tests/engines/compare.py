"""Are two findings the same? Money and counts to the last digit, floats within 1e-9 of their size."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.btyd.model import PurchaseModel

NEAR = 1e-9


def plain(found: Any) -> Any:
    """What an analysis gives as lists, dicts and plain values; a table's rows in an order of their own."""
    if isinstance(found, ir.Table):
        return in_order([plain(row) for row in found.to_pyarrow().to_pylist()])
    if isinstance(found, pd.DataFrame):
        return in_order([plain(row) for row in found.astype(object).to_dict("records")])
    if isinstance(found, PurchaseModel):
        return {"name": found.name, **found.params_}
    if dataclasses.is_dataclass(found):
        return {f.name: plain(getattr(found, f.name)) for f in dataclasses.fields(found)}
    if isinstance(found, Mapping):
        return {str(key): plain(value) for key, value in found.items()}
    if isinstance(found, (np.ndarray, Sequence)) and not isinstance(found, str):
        return [plain(value) for value in found]
    return _value(found)


def _value(value: Any) -> Any:
    """Null, NaN and NaT are one; a time at midnight is a day; 1, 1.0 and Decimal("1.00") are equal."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, (datetime, pd.Timestamp)):
        return value.date() if value.time() == time() else value
    if isinstance(value, np.generic):
        return _value(value.item())
    return value


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sorted by all that is exact, then by what is rounded; columns in alphabetical order."""

    def key(row: dict[str, Any]) -> list[Any]:
        named = [(name, row[name]) for name in sorted(row)]
        exact = [str(v) for _, v in named if not isinstance(v, (float, int, Decimal))]
        return [
            exact,
            [float(f"{v:.6g}") for _, v in named if isinstance(v, (float, int, Decimal))],
        ]

    return sorted(rows, key=key)


def differences(one: Any, other: Any, place: str = "") -> list[str]:
    """Where `other` says something else than `one`; only the keys of `one` are looked at."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            d
            for key, v in one.items()
            for d in differences(v, other.get(key, "absent"), f"{place}.{key}")
        ]
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return [f"{place}: {len(one)} against {len(other)} rows"]
        pairs = enumerate(zip(one, other, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{place}[{i}]")]
    return [] if _same(one, other) else [f"{place}: {one!r} against {other!r}"]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or not _both(one, other, (Real, Decimal)):
        return bool(one == other)
    if _both(one, other, (Integral, Decimal)):
        return bool(one == other)
    return math.isclose(float(one), float(other), rel_tol=NEAR, abs_tol=NEAR)


def _both(one: Any, other: Any, kinds: Any) -> bool:
    return isinstance(one, kinds) and isinstance(other, kinds)


def assert_same(expected: Any, found: Any, *, name: str = "") -> None:
    expected, found = plain(expected), plain(found)
    if isinstance(expected, list) and expected and isinstance(expected[0], dict):
        columns = expected[0].keys()
        expected = in_order(expected)
        found = in_order([{c: row.get(c, "absent") for c in columns} for row in found])
    apart = differences(expected, found, name)
    assert not apart, f"{len(apart)} differences: " + "; ".join(apart[:8])
