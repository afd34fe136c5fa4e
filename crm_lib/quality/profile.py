"""The profile of a table as of a day: a few numbers made in the engine, which table rules judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd

from crm_lib import engine, schema
from crm_lib.quality import measures
from crm_lib.quality.dates import day_number
from crm_lib.quality.tally import Tally

_NOT_CONTENT = ("source_file", "row_id", "fate")


@dataclass
class Profile:
    """Measures by name: days as days since 1970-01-01, None where there is nothing to measure.

    For measures that count defective rows also the money of these rows and the row_id of one.
    """

    measured: dict[str, float | None] = field(default_factory=dict)
    money: dict[str, Decimal] = field(default_factory=dict)
    example: dict[str, int] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """One row, one column a measure."""
        return pd.DataFrame(
            {name: [value] for name, value in self.measured.items()}, dtype="float64"
        )

    def count(self, name: str, defects: ir.Table) -> None:
        """Measure `name` as the number of `defects`: rows (row_id, copies, amount if there is one)."""
        figures = {"n": defects.copies.sum(), "example": defects.row_id.min()}
        if "amount" in defects.columns:
            figures["amount"] = defects.amount.sum().cast(dt.string)
        row = engine.collect(defects.aggregate(**figures)).iloc[0]
        self.measured[name] = 0.0 if pd.isna(row["n"]) else float(row["n"])
        if self.measured[name]:
            self.example[name] = int(row["example"])
            if pd.notna(row.get("amount")):
                self.money[name] = Decimal(row["amount"])


@dataclass(frozen=True)
class Target:
    """What a column points to: the accepted `rows` of that table.

    values: the different values that accepted rows have in the column, and perhaps others; given where they
    are at hand or far fewer than the rows.
    """

    rows: ir.Table
    values: ir.Table | None = None


def profile(
    table: schema.Table,
    fated: ir.Table,
    tally: Tally,
    targets: Mapping[str, Target],
    needed: Iterable[str],
    *,
    as_of: date,
    notes: Mapping[str, Mapping[str, str]] | None = None,
) -> Profile:
    """The measures `needed` of the accepted rows among `fated` (see `fates`), and its days.

    Days are those of every row before `as_of`, in scope or not, but for days that stand for "unknown":
    they tell of the delivery, and the silence of one shop is no missing delivery. `tally` is of the
    same rows, `targets` by column what those that point to another table may point to, `notes` what was
    noticed of its files (`sources.Notes`).
    """
    accepted = fated.filter(fated.fate == "accepted")
    found = Profile()
    columns = accepted.columns
    found.measured["required_columns_missing"] = sum(name not in columns for name in table.required)
    _aggregate(found, table, accepted, tally, [*needed, "rows"])
    if table.recorded in columns:
        _days(found, tally.days(), as_of)
    for name in needed:
        parts = measures.split(name, table)
        if name == "identical_rows":
            content = [c for c in columns if c not in _NOT_CONTENT]
            found.count(name, _repeated(accepted, content))
        elif parts and parts[0] == "repeated":
            filled = accepted.filter(accepted[parts[1]].notnull())
            found.count(name, _repeated(filled, [parts[1]]))
        elif parts and parts[0] == measures.UNKNOWN:
            found.count(name, _dangling(accepted, parts[1], targets[parts[1]]))
        elif name in measures.OF_FILES:
            files = (notes or {}).get(measures.OF_FILES[name], {})
            found.count(name, _whole_rows(accepted.filter(accepted.source_file.isin(list(files)))))
    return found


def shares(table: schema.Table, needed: Iterable[str]) -> list[str]:
    """The columns of `table` of which the measures `needed` ask the share of filled cells."""
    parts = [measures.split(name, table) for name in needed]
    return [part[1] for part in parts if part and part[0] == "present_share"]


def _aggregate(
    found: Profile, table: schema.Table, accepted: ir.Table, tally: Tally, needed: list[str]
) -> None:
    """What the tally tells, and what one more pass over the rows can measure."""
    made: dict[str, ir.Value] = {}
    for name in needed:
        parts = measures.split(name, table)
        if name == "rows":
            found.measured[name] = float(tally.by_fate["accepted"].rows)
        elif name == "total_amount":
            found.measured[name] = tally.total_amount()
        elif parts and parts[0] == "present_share":
            found.measured[name] = tally.filled_share(parts[1])
        elif parts and parts[0] not in (measures.UNKNOWN, "repeated"):
            made[name] = _statistic(parts[0], accepted[parts[1]])
    if made:
        row = engine.collect(accepted.aggregate(**made)).iloc[0]
        found.measured |= {name: _number(row[name]) for name in made}


def _statistic(statistic: str, column: ir.Column) -> ir.Value:
    if statistic == "distinct":
        return column.nunique()
    if isinstance(column, ir.TimestampValue):
        column = column.cast(dt.date)
    elif isinstance(column, ir.NumericValue):
        column = column.cast(dt.float64)
    method = "std" if statistic == "stdev" else statistic
    made: ir.Value = getattr(column, method)()
    return made


def _number(value: Any) -> float | None:
    if pd.isna(value):
        return None
    return float(day_number(value.date()) if isinstance(value, pd.Timestamp) else value)


def _days(found: Profile, days: list[date], as_of: date) -> None:
    """First and last day, days without rows between them, longest run of such days, freshness."""
    found.measured |= {"first_day": None, "last_day": None}
    if not days:
        return
    gaps = [(day - before).days - 1 for before, day in pairwise(days)]
    found.measured |= {
        "first_day": float(day_number(days[0])),
        "last_day": float(day_number(days[-1])),
        "days_without_rows": float(sum(gaps)),
        "longest_gap_days": float(max(gaps, default=0)),
        "freshness_days": float((as_of - days[-1]).days),
    }


def _repeated(rows: ir.Table, columns: list[str]) -> ir.Table:
    """One row a value of `columns` that occurs more than once: how many too many, and the last of them."""
    groups = rows.group_by(columns).aggregate(occurs=rows.count(), row_id=rows.row_id.max())
    groups = groups.filter(groups.occurs > 1)
    copies = groups.occurs - 1
    amount = {"amount": groups.amount * copies} if "amount" in columns else {}
    return groups.select(groups.row_id, copies=copies, **amount)


def _dangling(rows: ir.Table, column: str, target: Target) -> ir.Table:
    """The rows whose `column` is filled with a key that the target lacks."""
    if target.values is None:
        return _whole_rows(rows.filter(rows[column].notnull()).anti_join(target.rows, column))
    strange = target.values.anti_join(target.rows, column)
    return _whole_rows(rows.semi_join(strange, column))


def _whole_rows(rows: ir.Table) -> ir.Table:
    """The rows as `Profile.count` wants them, each a defect."""
    amount = {"amount": rows.amount} if "amount" in rows.columns else {}
    return rows.select(rows.row_id, copies=ibis.literal(1, dt.int64), **amount)
