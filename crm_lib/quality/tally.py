"""The tally of a table: its rows and their money by fate and day, made in one pass over the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd

from crm_lib import engine, known
from crm_lib.quality import dates
from crm_lib.quality.fates import FATES
from crm_lib.quality.outcomes import Count

_GROUPS = 1_000_000
"""No more are there: days since 1901, fates, with and without a customer."""


@dataclass(frozen=True)
class Tally:
    """groups: one a fate, day and `is_named`, with the figures of its rows and `filled_<column>`.

    Days that stand for "unknown", and those of later rows, are None.
    """

    groups: tuple[Mapping[str, Any], ...]
    has_money: bool

    @classmethod
    def of(cls, fated: ir.Table, recorded: str | None, filled: Iterable[str] = ()) -> Tally:
        """Of rows with their fate (see `fates`). recorded: the column that dates them; filled: columns of
        which the cells that hold something are counted."""
        day: ir.Value = ibis.null(dt.date)
        if recorded is not None and recorded in fated.columns:
            on = known.day_of(fated, recorded)
            is_told = (fated.fate != "later") & dates.is_told(on)
            day = is_told.ifelse(on, ibis.null(dt.date))
        is_named = ibis.literal(True)
        if "customer_id" in fated.columns:
            is_named = fated.customer_id.notnull()
        cells = {f"filled_{name}": fated[name].count() for name in filled}
        by = {"fate": fated.fate, "day": day, "is_named": is_named}
        found = engine.collect(
            fated.group_by(**by).agg(**figures(fated), **cells), max_rows=_GROUPS
        )
        return cls(tuple(found.to_dict("records")), "amount" in fated.columns)

    @cached_property
    def by_fate(self) -> dict[str, Count]:
        """Rows, money and unreadable money of each fate."""
        return {fate: self._sum(g for g in self.groups if g["fate"] == fate) for fate in FATES}

    def anonymous(self) -> Count:
        """Accepted rows without a customer."""
        return self._sum(group for group in self._accepted if not group["is_named"])

    def days(self) -> list[date]:
        """The days with a row before the day of the report, in order; in scope or not."""
        return sorted({group["day"].date() for group in self.groups if not pd.isna(group["day"])})

    def filled_share(self, column: str) -> float | None:
        """The share of accepted rows with something in `column`; None without any row."""
        rows = sum(group["rows"] for group in self._accepted)
        return sum(group[f"filled_{column}"] for group in self._accepted) / rows if rows else None

    def total_amount(self) -> float | None:
        """The money of the accepted rows; None where no row has any."""
        known = [Decimal(group["money"]) for group in self._accepted if not pd.isna(group["money"])]
        return float(sum(known)) if known else None

    @property
    def _accepted(self) -> list[Mapping[str, Any]]:
        return [group for group in self.groups if group["fate"] == "accepted"]

    def _sum(self, groups: Iterable[Mapping[str, Any]]) -> Count:
        counts = [count_of(group) for group in groups]
        return Count(
            rows=sum(count.rows for count in counts),
            money=sum((c.money or Decimal(0) for c in counts), Decimal(0)) if self.has_money else None,
            unreadable=sum(count.unreadable for count in counts),
        )  # fmt: skip


def figures(rows: ir.Table) -> dict[str, ir.Value]:
    """Rows and, where there is an amount, its exact sum as text (a float would round it)."""
    made: dict[str, ir.Value] = {"rows": rows.count()}
    if "amount" in rows.columns:
        made["money"] = rows.amount.sum().cast(dt.string)
    if "unreadable_amount" in rows.columns:
        made["unreadable"] = rows.unreadable_amount.count()
    return made


def count_of(row: Mapping[str, Any]) -> Count:
    """What `figures` made of a group of rows."""
    money = row.get("money")
    return Count(
        rows=int(row["rows"]),
        money=None if "money" not in row else Decimal(0) if pd.isna(money) else Decimal(str(money)),
        unreadable=0 if pd.isna(row.get("unreadable")) else int(row["unreadable"]),
    )
