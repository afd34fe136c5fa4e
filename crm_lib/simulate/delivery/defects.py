"""The kinds of defects that a dirty delivery holds, and the rule that must find each.

Which rows have them is decided in `dirt`. No kind sets off another rule than its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

Fate = Literal["quarantined", "kept", "anonymous", "late"]
"""quarantined: the rule sets the row aside. kept: the rule is a warning. anonymous: no defect but a
fact, counted by `verdict.anonymous`. late: the file is not there yet."""
Level = Literal["none", "light", "heavy"]

_DAY = 86_400
_SUBUNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}

Rows = Callable[[pa.Table], pa.Array]


def _any(rows: pa.Table) -> pa.Array:
    return pa.repeat(pa.scalar(True), len(rows))


USUAL = (0.001, 0.005)
"""Share of the rows that have a defect which is only warned of: light, heavy."""
FEW = (0.0005, 0.004)
"""Of rows that are set aside: below the 1 % that a critical rule tolerates."""
FEWER = (0.0005, 0.0025)
"""The same in smaller tables, where chance takes the share further from its mean."""
SMALL = (0.005, 0.02)
"""Warnings in small tables, so that a company of a few hundred customers has some."""


@dataclass(frozen=True)
class Kind:
    """One kind of defect in one table.

    `rule`: the rule that must find it, without the table's name. `makes`: the spoilt cells of rows
    that still have their types; None: the row is delivered a second time. `suits`: which rows can
    have it. `rates`: share of all rows that it is planted in where it suits, light and heavy.
    `fewest`: a table made in one piece (see `dirt.WHOLE`) needs so many rows to get one.
    """

    table: str
    name: str
    column: str
    rule: str
    fate: Fate
    makes: Rows | None
    suits: Rows = _any
    rates: tuple[float, float] = USUAL
    fewest: int = 20

    @property
    def rule_id(self) -> str:
        return f"{self.table}.{self.rule}" if self.rule else ""

    def rate(self, level: Level) -> float:
        """Share of the rows at this level of dirt."""
        return {"none": 0.0, "light": self.rates[0], "heavy": self.rates[1]}[level]


# --- what becomes of a cell -------------------------------------------------------------------------


def _text(rows: pa.Table, column: str) -> pa.Array:
    return pc.cast(rows[column], pa.string())


def _missing(column: str) -> Rows:
    return lambda rows: pa.nulls(len(rows), rows.schema.field(column).type)


def _constant(value: object) -> Rows:
    return lambda rows: pa.repeat(pa.scalar(value), len(rows))


def _negated(column: str) -> Rows:
    return lambda rows: pc.negate(rows[column])


def _mistyped(column: str) -> Rows:
    """The letter O for the first zero; an id without a zero gets a stray X. Neither is anyone's id."""

    def makes(rows: pa.Table) -> pa.Array:
        text = _text(rows, column)
        without = pc.binary_join_element_wise("X", text, "")
        with_o = pc.replace_substring(text, "0", "O", max_replacements=1)
        return pc.if_else(pc.match_substring(text, "0"), with_o, without)

    return makes


def _misspelt(column: str) -> Rows:
    """Without its last letter."""
    return lambda rows: pc.utf8_slice_codeunits(_text(rows, column), 0, -1)


def _unreadable_money(column: str) -> Rows:
    """12.50 as 12,5O: a decimal comma, and the letter O at the end."""

    def makes(rows: pa.Table) -> pa.Array:
        comma = pc.replace_substring(_text(rows, column), ".", ",")
        return pc.binary_join_element_wise(pc.utf8_slice_codeunits(comma, 0, -1), "O", "")

    return makes


def _impossible_day(column: str) -> Rows:
    """The 30th of February of its year, at its time of day."""

    def makes(rows: pa.Table) -> pa.Array:
        text = _text(rows, column)
        year, time = pc.utf8_slice_codeunits(text, 0, 4), pc.utf8_slice_codeunits(text, 10)
        return pc.binary_join_element_wise(year, "-02-30", time, "")

    return makes


def _days_before(column: str, days: int) -> Rows:
    """So many days before the day or time in `column`."""

    def makes(rows: pa.Table) -> pa.Array:
        at, type_ = rows[column], rows.schema.field(column).type
        if pa.types.is_date32(type_):
            return pc.cast(pc.subtract(pc.cast(at, pa.int32()), pa.scalar(days, pa.int32())), type_)
        ticks = days * _DAY * _SUBUNITS[type_.unit]
        return pc.cast(pc.subtract(pc.cast(at, pa.int64()), ticks), type_)

    return makes


def _above_scale(rows: pa.Table) -> pa.Array:
    return pc.add(pc.add(rows["scale_max"], rows["score"]), 1)


def _as_per_cent(column: str) -> Rows:
    return lambda rows: pc.multiply(rows[column], 100)


# --- which rows can have it -------------------------------------------------------------------------


def _filled(*columns: str) -> Rows:
    def suits(rows: pa.Table) -> pa.Array:
        met = _any(rows)
        for name in columns:
            met = pc.and_(met, pc.is_valid(rows[name]))
        return met

    return suits


def _above(least: float, *columns: str) -> Rows:
    """More than `least` in each of the columns."""

    def suits(rows: pa.Table) -> pa.Array:
        met = _any(rows)
        for name in columns:
            more = pc.greater(pc.cast(rows[name], pa.float64()), least)
            met = pc.and_(met, pc.fill_null(more, False))
        return met

    return suits


# --- the kinds --------------------------------------------------------------------------------------

KINDS = (
    Kind("lines", "duplicate", "", "rows_distinct", "quarantined", None, _any, FEW),
    Kind("lines", "missing id", "order_id", "order_id_present", "quarantined", _missing("order_id"),
         _any, FEW),
    Kind("lines", "missing id", "customer_id", "", "anonymous", _missing("customer_id")),
    Kind("lines", "mistyped id", "customer_id", "customer_id_known", "kept",
         _mistyped("customer_id"), _filled("customer_id")),
    Kind("lines", "mistyped id", "product_id", "product_id_known", "kept",
         _mistyped("product_id"), _filled("product_id")),
    Kind("lines", "impossible date", "ordered_at", "ordered_at_readable", "quarantined",
         _impossible_day("ordered_at"), _any, FEW),
    Kind("lines", "date for unknown", "ordered_at", "ordered_at_plausible", "quarantined",
         _constant("1900-01-01 00:00:00"), _any, FEW),
    Kind("lines", "unreadable amount", "amount", "amount_readable", "quarantined",
         _unreadable_money("amount"), _any, FEW),
    Kind("lines", "negative price", "amount", "sale_not_negative", "kept",
         _negated("amount"), _above(0, "amount", "quantity")),
    Kind("lines", "negative cost", "cost", "cost_not_negative", "kept",
         _negated("cost"), _above(0, "cost", "amount")),
    Kind("lines", "no units", "quantity", "quantity_not_zero", "kept",
         _constant("0"), _filled("quantity")),
    Kind("customers", "duplicate", "", "key_unique", "quarantined", None, _any, FEW),
    Kind("customers", "negative cost", "acquisition_cost", "acquisition_cost_not_negative", "kept",
         _negated("acquisition_cost"), _above(0, "acquisition_cost")),
    Kind("customers", "misspelt word", "role", "role_known", "kept",
         _misspelt("role"), _filled("role")),
    Kind("contacts", "duplicate", "", "rows_distinct", "quarantined", None, _any, FEW),
    Kind("contacts", "missing id", "customer_id", "customer_id_present", "quarantined",
         _missing("customer_id"), _any, FEWER),
    Kind("contacts", "mistyped id", "customer_id", "customer_id_known", "kept",
         _mistyped("customer_id")),
    Kind("contacts", "impossible date", "at", "at_readable", "quarantined",
         _impossible_day("at"), _any, FEWER),
    Kind("contacts", "answer above the scale", "score", "score_within_scale", "quarantined",
         _above_scale, _filled("score", "scale_max"), FEWER),
    Kind("contacts", "settled before it was made", "resolved_at", "resolved_after_made", "kept",
         _days_before("at", 2), _filled("resolved_at")),
    Kind("contacts", "misspelt word", "kind", "kind_known", "kept", _misspelt("kind")),
    Kind("products", "negative price", "list_price", "list_price_not_negative", "kept",
         _negated("list_price"), _above(0, "list_price"), SMALL),
    Kind("exposures", "redeemed before it was sent", "redeemed_at", "redeemed_after_sent", "kept",
         _days_before("sent_at", 1), _filled("redeemed_at", "sent_at")),
    Kind("efforts", "too many hours", "hours", "hours_in_a_month", "kept", _constant(900)),
    Kind("prospects", "lost before it was created", "lost_on", "lost_after_created", "kept",
         _days_before("created_on", 5), _filled("lost_on")),
    Kind("accounts", "per cent for a share", "discount_rate", "discount_rate_share", "kept",
         _as_per_cent("discount_rate"), _above(0.011, "discount_rate"), SMALL),
    Kind("wallets", "negative spend", "spend", "spend_not_negative", "quarantined",
         _negated("spend"), _above(0, "spend"), FEW),
    Kind("market", "negative sales", "sales", "sales_not_negative", "quarantined",
         _negated("sales"), _above(0, "sales"), FEW, fewest=100),
)  # fmt: skip
"""Every kind of defect of a row, by table; the order decides which share of the draws it has."""


@dataclass(frozen=True)
class FileKind:
    """Something wrong with a whole file: what, in which table, and the rule that must name it."""

    name: str
    table: str
    column: str
    rule_id: str
    fate: Fate


LATE = FileKind("late file", "lines", "", "lines.no_long_gap", "late")
RENAMED = FileKind("renamed column", "lines", "amount", "lines.one_header", "kept")
ENCODED = FileKind("other encoding", "customers", "", "customers.one_encoding", "kept")
