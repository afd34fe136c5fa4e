"""Dirt in a delivery: rows and files are spoilt as a `Plan` says, and each defect is listed.

Which rows are spoilt depends on the seed and the rows' own ids alone, so that the same rows are,
however the data is cut into blocks and files. No row has two defects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from crm_lib.errors import UsageError, unknown
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.delivery import defects, draws
from crm_lib.simulate.delivery.defects import KINDS, FileKind, Kind, Level
from crm_lib.simulate.laws import Company
from crm_lib.simulate.tables import arrow
from crm_lib.simulate.tables.arrow import whole

DEFECTS = pa.schema(
    [
        ("table", pa.string()), ("file", pa.string()), ("row", pa.int64()), ("rows", pa.int64()),
        ("column", pa.string()), ("kind", pa.string()), ("rule_id", pa.string()),
        ("fate", pa.string()), ("was", pa.string()), ("now", pa.string()), ("money", arrow.MONEY),
        ("days", pa.int64()),
    ]
)  # fmt: skip
"""One row a planted defect.

row: its number in the file, from 1; null for a whole file. rows: how many rows the rule must find for
it. rule_id: the rule that finds it, empty for lines without a customer. fate: see `defects.Fate`.
was, now: the cell before and after. money: what the defect adds (+) to the accepted amounts of the
order lines or takes from them (-), so that accepted = true total + sum of money. days: without a
line, for a late file.
"""

TEXT = ("lines", "customers", "contacts")
"""Tables delivered as text, since text stands where a number or a time should be."""
WHOLE = ("products", "market")
"""Tables made in one piece: `spoil` sees all of their rows, and spoils at least one of enough."""
OTHER_NAME = "net_amount"
"""What the column of `defects.RENAMED` is called in the renamed month."""
ENCODINGS = ("utf-8", "cp1252")
"""What customers are delivered in: the usual encoding, and that of one region."""
LATE_FOLDER = "late"
SPARED_MONTHS = 3
"""So many months at either end of the window are neither renamed nor late."""


@dataclass(frozen=True)
class Plan:
    """What is wrong with a delivery. Months count from 0, the first of the window; None: no such file."""

    level: Level
    renamed_month: int | None = None
    """its order lines call `amount` `net_amount`"""
    late_month: int | None = None
    """its order lines lie in `late/` instead of `lines/`"""
    cp1252_region: str | None = None
    """its customers are encoded in cp1252"""
    spared: tuple[str, ...] = ()
    """tables without spoilt rows"""

    @property
    def is_dirty(self) -> bool:
        """Text tables as text, customers as CSV files by region."""
        return self.level != "none"

    def rates(self, table: str) -> list[tuple[Kind, float]]:
        """The kinds of defects of a table, and the share of its rows that each is to have."""
        kinds = [kind for kind in KINDS if kind.table == table and table not in self.spared]
        return [(kind, kind.rate(self.level)) for kind in kinds]

    def encoding(self, region: str) -> str:
        """The encoding of the customers file of a region."""
        return ENCODINGS[1] if self.is_dirty and region == self.cp1252_region else ENCODINGS[0]


def plan(company: Company, clock: Clock, level: Level) -> Plan:
    """What is to be wrong with the delivery of a company, at this level of dirt.

    Light: single rows, and one region in another encoding. Heavy: more of them, and a month with a
    renamed column and a month that is late, neither among the first or last three, nor that of the
    incident or an event, nor one with a campaign if there are others. The wallets that a
    retailer's survey tells of are too few for one of them to be spoilt: it would be more than 1 %.
    Raises UsageError for an unknown level.
    """
    if level not in get_args(Level):
        raise UsageError(unknown("level of dirt", level, get_args(Level)))
    if level == "none":
        return Plan(level)
    spared = ("wallets",) if company.accounts is None else ()
    everywhere = Plan(level, cp1252_region=_accented(company), spared=spared)
    quiet = _quiet_months(company, clock)
    if level == "light" or len(quiet) < 2:
        return everywhere
    renamed, late = (quiet[quarter * len(quiet) // 4] for quarter in (1, 3))
    return replace(everywhere, renamed_month=renamed, late_month=late)


def _accented(company: Company) -> str:
    """A region with a letter beyond ASCII in its own name or a town's; else the first."""
    named = {region: f"{town} {region}" for town, region in company.regions.items()}
    accented = [region for region, names in named.items() if not names.isascii()]
    return [*accented, *company.regions.values()][0]


def _quiet_months(company: Company, clock: Clock) -> list[int]:
    """Inner months in which nothing else happens; without incident and events, if they are too few."""
    laws = company.laws
    moments = [event.moment for event in laws.events]
    moments += [laws.incident.moment] if laws.incident else []
    busy = {clock.month_at(moment) for moment in moments}
    inner = [
        month for month in range(SPARED_MONTHS, clock.months - SPARED_MONTHS) if month not in busy
    ]
    promoted: set[int] = set()
    for campaign in laws.campaigns:
        first = clock.day_at(campaign.starts)
        days = range(max(first, 0), min(first + campaign.days, clock.days))
        promoted |= {int(clock.month_of_day[day]) for day in days}
    calm = [month for month in inner if month not in promoted]
    return calm if len(calm) > 1 else inner


# --- rows -------------------------------------------------------------------------------------------


def spoil(
    plan: Plan, table: str, rows: pa.Table, file: str, first_row: int, seed: int
) -> tuple[pa.Table, pa.Table]:
    """The rows with the defects that the plan wants in them, and these defects (`DEFECTS`).

    `rows` go to `file` after the `first_row` rows that it holds already. A duplicate follows its
    original. Tables of `TEXT` come back as text, whether a row of this call is spoilt or not; rows
    of a late file are not spoilt. A clean plan changes nothing.
    """
    if not plan.is_dirty:
        return rows, DEFECTS.empty_table()
    delivered = as_text(rows) if table in TEXT else rows
    if file.startswith(f"{LATE_FOLDER}/"):
        return delivered, DEFECTS.empty_table()
    chosen = _chosen(plan, table, rows, seed)
    copies = np.ones(len(rows), dtype=np.int64)
    for kind, places in chosen:
        if kind.makes is None:
            copies[places] = 2
    numbers = first_row + np.cumsum(copies)  # of the row, or of its copy
    found = []
    for kind, places in chosen:
        before = rows.take(places)
        made = kind.makes(before) if kind.makes else None
        if made is not None:
            delivered = _replaced(delivered, kind.column, places, made)
        found.append(_listed(kind, file, numbers[places], before, made))
    if (copies > 1).any():
        delivered = delivered.take(np.repeat(np.arange(len(rows)), copies))
    return delivered, pa.concat_tables([DEFECTS.empty_table(), *found])


def as_text(rows: pa.Table) -> pa.Table:
    """Every column as text: money as '12.50', days and times in ISO form."""
    texts = {name: pc.cast(rows[name], pa.string()) for name in rows.column_names}
    return pa.table(texts)


def _chosen(
    plan: Plan, table: str, rows: pa.Table, seed: int
) -> list[tuple[Kind, npt.NDArray[np.int64]]]:
    """The rows of each kind of defect. Each kind has an interval of the draws to itself."""
    kinds = [(kind, rate) for kind, rate in plan.rates(table) if _fits(kind, rows)]
    if not kinds or not len(rows):
        return []
    drawn = draws.of(table, rows, seed)
    if table in WHOLE:
        drawn = np.argsort(np.argsort(drawn, kind="stable")) / len(rows)
    which = np.searchsorted(np.cumsum([rate for _, rate in kinds]), drawn, side="right")
    chosen = []
    for at, (kind, _) in enumerate(kinds):
        places = np.flatnonzero(which == at)
        if len(places):
            suits = whole(kind.suits(rows.take(places)))
            places = places[suits.to_numpy(zero_copy_only=False)]
        if len(places):
            chosen.append((kind, places))
    return chosen


def _fits(kind: Kind, rows: pa.Table) -> bool:
    """Whether the rows have the column of this kind and, in a table made in one piece, are enough."""
    is_enough = kind.table not in WHOLE or len(rows) >= kind.fewest
    return is_enough and (not kind.column or kind.column in rows.column_names)


def _replaced(
    rows: pa.Table, column: str, places: npt.NDArray[np.int64], made: pa.Array
) -> pa.Table:
    field = rows.schema.field(column)
    at_places = np.zeros(len(rows), dtype=np.bool_)
    at_places[places] = True
    cells = pc.cast(whole(made), field.type)
    spoilt = pc.replace_with_mask(whole(rows[column]), pa.array(at_places), cells)
    return rows.set_column(rows.schema.get_field_index(column), field, spoilt)


def _listed(
    kind: Kind, file: str, numbers: npt.NDArray[np.int64], before: pa.Table, made: pa.Array | None
) -> pa.Table:
    count = len(before)
    nothing = pa.nulls(count, pa.string())
    columns = {
        "row": pa.array(numbers, pa.int64()),
        "rows": pa.repeat(pa.scalar(1, pa.int64()), count),
        "was": pc.cast(before[kind.column], pa.string()) if kind.column else nothing,
        "now": nothing if made is None else pc.cast(whole(made), pa.string()),
        "money": _money(kind, before),
        "days": pa.nulls(count, pa.int64()),
    }
    return _with_words(kind, kind.name, file, columns, count)


def _money(kind: Kind, before: pa.Table) -> pa.Array:
    """What the defects of a kind change in the accepted amounts of the order lines."""
    nothing = arrow.money(np.zeros(len(before), dtype=np.int64))
    if kind.table != "lines" or kind.makes is None:
        return nothing
    amount = pc.cast(whole(before["amount"]), arrow.MONEY)
    if kind.fate == "quarantined":
        return pc.negate(amount)
    if kind.column == "amount":
        return pc.cast(pc.negate(pc.add(amount, amount)), arrow.MONEY)
    return nothing


def _with_words(
    kind: Kind | FileKind, name: str, file: str, columns: dict[str, Any], count: int
) -> pa.Table:
    words = {"table": kind.table, "file": file, "column": kind.column, "kind": name}
    words |= {"rule_id": kind.rule_id, "fate": kind.fate}
    repeated = {key: pa.repeat(value, count) for key, value in words.items()}
    everything = {**repeated, **columns}
    return pa.table({key: everything[key] for key in DEFECTS.names}, schema=DEFECTS)


# --- files ------------------------------------------------------------------------------------------


def file_defect(
    kind: FileKind, file: str, rows: int, *, cents: int = 0, days: int | None = None
) -> pa.Table:
    """The one row of `DEFECTS` on a whole file: `defects.LATE`, `RENAMED` or `ENCODED`.

    `rows`: of the file; without those set aside where the rule counts accepted rows (all but LATE).
    `cents`: the amounts in a late file; `days`: the days it covers.
    """
    columns = {
        "row": pa.nulls(1, pa.int64()),
        "rows": pa.array([rows], pa.int64()),
        "was": pa.array([_USUAL[kind]], pa.string()),
        "now": pa.array([_INSTEAD[kind]], pa.string()),
        "money": arrow.money(np.array([-cents])),
        "days": pa.array([days], pa.int64()),
    }
    return _with_words(kind, kind.name, file, columns, 1)


_USUAL = {
    defects.LATE: "lines",
    defects.RENAMED: defects.RENAMED.column,
    defects.ENCODED: ENCODINGS[0],
}
_INSTEAD = {
    defects.LATE: LATE_FOLDER, defects.RENAMED: OTHER_NAME, defects.ENCODED: ENCODINGS[1],
}  # fmt: skip
