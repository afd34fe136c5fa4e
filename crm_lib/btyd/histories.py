"""Purchase histories: what a buy-till-you-die model is told of customers, compressed and with its unit.

A customer's history is x (repeat occasions), t_x (first to last occasion) and T (first occasion to
the last observed day). Customers with the same history are one row with a weight: the likelihood
is the same to the last digit and ten million customers become one or two million rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.errors import NoModel, UsageError, listing, unknown
from crm_lib.periods import MONTH_DAYS, YEAR_DAYS

Array = npt.NDArray[np.float64]
Unit = Literal["day", "week", "month", "year"]
DAYS: dict[str, float] = {"day": 1.0, "week": 7.0, "month": MONTH_DAYS, "year": YEAR_DAYS}
"""Days a unit of time has."""

COARSE_ROWS = 200_000
"""Above so many rows a fit starts from `coarse` histories, which cost a twentieth."""


def factor(unit: str, to: str) -> float:
    """How many `to` one `unit` has: factor("week", "day") is 7. UsageError for an unknown unit."""
    for name in (unit, to):
        if name not in DAYS:
            raise UsageError(unknown("unit of time", name, get_args(Unit)))
    return DAYS[unit] / DAYS[to]


def dot(one: Array, other: Array) -> float:
    """Σ one · other. Not by BLAS, whose threads cost more on long columns than they bring."""
    return float(np.einsum("i,i", one, other))


@dataclass(frozen=True, eq=False)
class Levels:
    """The distinct values of a column, ascending, and the place of each row among them.

    Times of whole days and counts have a few hundred: a logarithm or gamma function of each is
    taken once and looked up.
    """

    values: Array
    place: npt.NDArray[np.intp]


def levels(column: npt.NDArray[np.generic]) -> Levels:
    """The levels of a column without nulls."""
    place, values = pd.factorize(column, sort=True)
    return Levels(np.asarray(values), place)


def distinct(*columns: Array) -> tuple[list[Array], npt.NDArray[np.intp]]:
    """The distinct rows of the columns, sorted, and the place of each row among them."""
    coded = [levels(column) for column in columns]
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for code in coded:
        key = key * len(code.values) + code.place
    found = levels(key)
    kept: npt.NDArray[np.int64] = found.values.astype(np.int64)
    parts = []
    for code in reversed(coded):
        kept, place = np.divmod(kept, len(code.values))
        parts.append(code.values[place])
    return parts[::-1], found.place


def _sums(by: Levels, amounts: Array) -> Array:
    return np.bincount(by.place, amounts).astype(float)


@dataclass(frozen=True, eq=False)
class Histories:
    """Purchase histories, one row each: x, t_x, T and how many customers share it (`weight`).

    t_x and T are in `unit`. Make them with `histories`, which checks; weights may be fractions.
    """

    x: Array
    t_x: Array
    T: Array
    weight: Array
    unit: Unit

    def __len__(self) -> int:
        return len(self.x)

    @property
    def customers(self) -> float:
        return float(self.weight.sum())

    @property
    def time(self) -> float:
        """T of all customers, added up."""
        return dot(self.weight, self.T)

    @property
    def repeats(self) -> float:
        """Repeat occasions of all customers."""
        return dot(self.weight, self.x)

    @cached_property
    def x_levels(self) -> Levels:
        return levels(self.x)

    @cached_property
    def t_x_levels(self) -> Levels:
        return levels(self.t_x)

    @cached_property
    def T_levels(self) -> Levels:  # noqa: N802
        return levels(self.T)

    @cached_property
    def weight_by_x(self) -> Array:
        """Customers at each level of x."""
        return _sums(self.x_levels, self.weight)

    @cached_property
    def weight_by_T(self) -> Array:  # noqa: N802
        """Customers at each level of T."""
        return _sums(self.T_levels, self.weight)

    @cached_property
    def repeats_by_T(self) -> Array:  # noqa: N802
        """Repeat occasions of the customers at each level of T."""
        return _sums(self.T_levels, self.weight * self.x)

    @cached_property
    def repeaters(self) -> Histories:
        """The rows with a repeat occasion."""
        return self.take(self.x > 0)

    def to(self, unit: Unit) -> Histories:
        """The same histories in another unit of time."""
        if unit == self.unit:
            return self
        by = factor(self.unit, unit)
        return replace(self, t_x=self.t_x * by, T=self.T * by, unit=unit)

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Histories:
        """Some of the rows."""
        parts = {name: getattr(self, name)[rows] for name in ("x", "t_x", "T", "weight")}
        return replace(self, **parts)

    def compressed(self) -> Histories:
        """One row for each distinct history, weights added up; sorted by x, t_x, T."""
        if self._is_compressed():
            return self
        (x, t_x, T), place = distinct(self.x, self.t_x, self.T)
        return Histories(x, t_x, T, np.bincount(place, self.weight).astype(float), self.unit)

    def _is_compressed(self) -> bool:
        x, t_x, T = np.diff(self.x), np.diff(self.t_x), np.diff(self.T)
        return bool(((x > 0) | ((x == 0) & ((t_x > 0) | ((t_x == 0) & (T > 0))))).all())

    def coarse(self, steps: int = 64) -> Histories:
        """Histories on a grid of so many steps in the longest T: to start a fit, not to end one."""
        step = float(self.T.max()) / steps
        if not step:
            return self
        rounded = np.round(self.T / step) * step
        last = np.minimum(np.round(self.t_x / step) * step, rounded)
        # A later occasion must not fall on the first.
        last = np.where(self.t_x > 0, np.maximum(last, step), 0.0)
        return replace(self, t_x=last, T=np.maximum(rounded, last)).compressed()


def histories(frame: pd.DataFrame, *, unit: Unit) -> Histories:
    """Checked histories from a frame with columns x, t_x, T in `unit`, and perhaps `weight`.

    `unit` has no default: weeks taken for days shift every parameter in silence. t_x may be null
    where x is 0. Rows with weight 0 are left out. Raises UsageError naming what is wrong, how many
    rows and an example; NoModel where no customer is left.
    """
    factor(unit, "day")
    missing = [name for name in ("x", "t_x", "T") if name not in frame.columns]
    if missing:
        raise UsageError(
            f"Histories need x, t_x and T; {listing(missing)} is missing among {listing(frame.columns)}."
        )
    said = frame.attrs.get("unit", unit)
    if said != unit:
        raise UsageError(f"The frame says its times are in {said}s, but unit is '{unit}'.")
    columns = {name: frame[name].to_numpy(dtype=float, na_value=np.nan) for name in ("x", "T")}
    x, T = columns["x"], columns["T"]
    t_x = frame["t_x"].to_numpy(dtype=float, na_value=np.nan)
    t_x = np.where((x == 0) & np.isnan(t_x), 0.0, t_x)
    weight = (
        frame["weight"].to_numpy(dtype=float, na_value=np.nan)
        if "weight" in frame.columns
        else np.ones(len(frame))
    )
    _check(x, t_x, T, weight)
    kept = weight > 0
    if not kept.any():
        raise NoModel("There is no customer with a purchase to fit a model on.")
    return Histories(x[kept], t_x[kept], T[kept], weight[kept], unit)


def _check(x: Array, t_x: Array, T: Array, weight: Array) -> None:
    finite = np.isfinite(x) & np.isfinite(t_x) & np.isfinite(T) & np.isfinite(weight)
    _refuse(~finite, "have a missing or infinite number", x, t_x, T)
    _refuse((x < 0) | (x != np.floor(x)), "have an x that is no count (0, 1, 2 …)", x, t_x, T)
    _refuse((t_x < 0) | (T < 0) | (weight < 0), "have a negative time or weight", x, t_x, T)
    _refuse(t_x > T, "have t_x later than T: the last occasion lies after the window", x, t_x, T)
    _refuse((x == 0) & (t_x > 0), "have no repeat (x = 0) but t_x above 0", x, t_x, T)


def _refuse(bad: npt.NDArray[np.bool_], fault: str, x: Array, t_x: Array, T: Array) -> None:
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        raise UsageError(
            f"{int(bad.sum()):,} of {len(bad):,} histories {fault}, "
            f"for example row {i}: x = {x[i]:g}, t_x = {t_x[i]:g}, T = {T[i]:g}."
        )
