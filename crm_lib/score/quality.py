"""Quality: the planted defects against what the rules found, row by row where a rule names rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from crm_lib import schema
from crm_lib.book import Book
from crm_lib.engine import collect
from crm_lib.errors import listing
from crm_lib.present import words
from crm_lib.score import damage, delivery
from crm_lib.score.row import EXACT, Row, same
from crm_lib.score.truth import Truth, exactly

NAME = "Quality"
WHOLE_WINDOW = True

_LONG_GAP = "lines.no_long_gap"
_KIND = ["table", "kind", "column", "rule_id", "fate"]


class _Match(NamedTuple):
    """How the rows that a rule names meet those planted for it."""

    found: int
    false_alarms: int


def rows(truth: Truth, book: Book) -> list[Row]:
    """One row a kind of planted defects; then what was found though not planted, and where rows went."""
    kinds = _kinds(truth)
    return [
        *_defects(truth, book, kinds),
        _unplanted(truth, book, kinds),
        *_rows_read(truth, book, kinds),
    ]


def _kinds(truth: Truth) -> pd.DataFrame:
    """One row a kind of defect: `_KIND`, defects, rows (that its rule must find), days (of a late file)."""
    if not truth.is_dirty:
        return pd.DataFrame(columns=[*_KIND, "defects", "rows", "days"])
    planted = delivery.defects(truth)
    counted = planted.group_by(_KIND).agg(
        defects=planted.count(), rows=planted.rows.sum(), days=planted.days.max()
    )
    frame = collect(counted.cast({"rows": "int64"}))
    order = {name: place for place, name in enumerate(schema.TABLES)}
    return frame.sort_values(
        ["table", *_KIND[1:]], key=lambda c: c.map(order) if c.name == "table" else c
    )


def _defects(truth: Truth, book: Book, kinds: pd.DataFrame) -> Iterator[Row]:
    outcomes = {outcome.rule_id: outcome for outcome in book.verdict.outcomes}
    for table, group in kinds.groupby("table", sort=False):
        matches = _matches(truth, book, str(table))
        for kind in group.itertuples():
            label = f"{kind.table}: {kind.kind}" + (f" in {kind.column}" if kind.column else "")
            outcome = outcomes.get(kind.rule_id)
            if kind.fate == "anonymous":
                count = book.verdict.anonymous.rows
                note = "Accepted order lines without a customer: a fact and no defect."
                yield same(label, int(kind.rows), count, _in_rows, note)
            elif kind.fate == delivery.LATE:
                yield _late(label, kind, _gap_days(book))
            elif kind.fate == delivery.DELIVERED:
                yield _delivered(label, kind, _gap_days(book), damage.longest_gap_days(truth, book))
            elif outcome is not None and outcome.kind == "row":
                yield _named(label, kind, matches.get((kind.rule_id, kind.kind, kind.column)))
            else:
                count = outcome.failing_rows if outcome else 0
                yield same(
                    label, int(kind.rows), count, _in_rows, f"{kind.rule_id}, which names no rows."
                )


def _matches(truth: Truth, book: Book, table: str) -> dict[tuple[str, str, str], _Match]:
    """By rule, kind and column of the defects planted in a table: how the rule's rows meet theirs."""
    planted = damage.located(truth, book, table).select("row_id", "rule_id", "kind", "column")
    named = book.failures(table).select("row_id", "rule_id").distinct()
    meeting = planted.semi_join(named, ["row_id", "rule_id"])
    found = collect(meeting.group_by("rule_id", "kind", "column").agg(rows=meeting.count()))
    loose = named.filter(named.row_id.notnull()).anti_join(planted, ["row_id", "rule_id"])
    alarms = collect(loose.group_by("rule_id").agg(rows=loose.count()))
    false = dict(zip(alarms["rule_id"], alarms["rows"], strict=True))
    return {
        (row.rule_id, row.kind, row.column): _Match(row.rows, false.get(row.rule_id, 0))
        for row in found.itertuples()
    }


def _named(label: str, kind: Any, match: _Match | None) -> Row:
    """A kind whose rule names rows: each planted row must be among them, and no other."""
    found, false = match or _Match(0, 0)
    missed = int(kind.rows) - found
    faults = [f"{words.count(missed)} missed"] if missed else []
    faults += [words.counted(false, "false alarm")] if false else []
    said = "; ".join(faults)
    return Row(
        label, _in_rows(int(kind.rows)), f"{_in_rows(found)}{f' ({said})' if said else ''}", EXACT,
        not said, kind.rule_id,
    )  # fmt: skip


def _gap_days(book: Book) -> int:
    """The gap in the order lines that the rule about it reports; 0 where it reports none."""
    for outcome in book.verdict.outcomes:
        if outcome.rule_id == _LONG_GAP and outcome.result == "failed":
            seen = re.search(r"\d+", outcome.observed)
            return int(seen.group()) if seen else 0
    return 0


def _late(label: str, kind: Any, gap_days: int) -> Row:
    """A late file is seen as days without a line: its own, and quiet ones beside them."""
    return Row(
        label,
        f"{words.counted(kind.defects, 'file')} of {words.counted(kind.days, 'day')}",
        f"a gap of {words.counted(gap_days, 'day')}",
        "not shorter",
        gap_days >= int(kind.days),
        f"{kind.rule_id}; {_in_rows(int(kind.rows))}.",
    )


def _delivered(label: str, kind: Any, gap_days: int, true_days: int) -> Row:
    """A late file that has come since leaves no gap but those that the company has by itself."""
    gap = f"a gap of {words.counted(gap_days, 'day')}" if gap_days else "no gap"
    return Row(
        label,
        f"{words.counted(kind.defects, 'file')}, delivered since",
        gap,
        "none but the company's own",
        gap_days in (0, true_days),
        f"{kind.rule_id}; {_in_rows(int(kind.rows))}, which now count.",
    )


def _unplanted(truth: Truth, book: Book, kinds: pd.DataFrame) -> Row:
    """Rules that found something where nothing was planted for them.

    A small company has days without an order. A gap that is truly there is no false alarm.
    """
    planted = set(kinds.loc[kinds["fate"] != delivery.DELIVERED, "rule_id"])
    gap_days, own = _gap_days(book), ""
    if gap_days and _LONG_GAP not in planted and gap_days == damage.longest_gap_days(truth, book):
        planted.add(_LONG_GAP)
        own = f" {_LONG_GAP} is right: {words.counted(gap_days, 'day')} have no order line."
    quiet = ("passed", "not applicable")
    loud = [o for o in book.verdict.outcomes if o.failing_rows or o.result not in quiet]
    false = [outcome.rule_id for outcome in loud if outcome.rule_id not in planted]
    judged = [o for o in book.verdict.outcomes if o.result != "not applicable"]
    note = listing(false) if false else f"{words.counted(len(judged), 'rule')} checked.{own}"
    return same("rules with a finding where nothing was planted", 0, len(false), words.count, note)


def _rows_read(truth: Truth, book: Book, kinds: pd.DataFrame) -> Iterator[Row]:
    """Where the rows of all tables went."""
    is_quarantined = kinds["fate"] == "quarantined"
    copies = kinds.loc[(kinds["table"] == "lines") & (kinds["kind"] == "duplicate"), "rows"].sum()
    late = kinds.loc[kinds["fate"] == delivery.LATE, "rows"].sum()
    months = truth.table("months")
    made = int(exactly(months, lines=months.lines.sum())["lines"])
    counts = book.verdict.tables
    read, aside = (sum(getattr(c, part).rows for c in counts) for part in ("read", "quarantined"))
    parts = sum(c.accepted.rows + c.later.rows + c.out_of_scope.rows for c in counts) + aside
    yield same("order lines read", made + int(copies - late), book.verdict.lines.read.rows,
               words.count, "Planted: all lines, with duplicates, without late files.")  # fmt: skip
    yield same("rows set aside, all tables", int(kinds.loc[is_quarantined, "rows"].sum()), aside,
               words.count)  # fmt: skip
    yield same("rows accepted, set aside, later or out of scope", read, parts, words.count,
               "Planted: the rows read.")  # fmt: skip


def _in_rows(count: int) -> str:
    return words.counted(count, "row")
