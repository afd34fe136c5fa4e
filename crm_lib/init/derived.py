"""Customers and products out of a single export: columns that are the same on all of one's lines.

Customers bear the day of their first line: without a date they would count as known, and as not having
bought, on every day before.
"""

from __future__ import annotations

import ibis.expr.types as ir

from crm_lib import conditions, schema
from crm_lib.init import columns, dates, tables
from crm_lib.init.evidence import Column
from crm_lib.init.files import RawTable
from crm_lib.init.proposal import Entry, TableProposal

_SAME = 0.9
"""A column belongs to a customer (a product) when so many of them have one value on all lines."""
_FROM = "rows"
_FIRST_SEEN = "first_seen"


def proposed(role: str, table: RawTable, lines: TableProposal) -> TableProposal | None:
    """The table `role` made from the order lines by a query; None where no column belongs to it."""
    declared = schema.table(role)
    key = lines.column(declared.key[0])
    if key is None or key.raw not in table.columns:
        return None
    constant = _constant(table.rows, key.raw, table.columns)
    found = [match for match in columns.matches(role, constant) if match.column != key.key]
    best = columns.chosen(found)
    taken = {match.raw.name for match in best.values()}
    entries = [columns.entry(match, declared, found, taken) for match in best.values()]
    known = {name: column for name, column in constant.items() if name not in taken}
    attributes = tables.attributes(known, set()) if declared.open_ended else ()
    if not entries and not attributes:
        return None
    first = Entry(key.key, key.raw, f"one row for each {key.key} of the order lines")
    used = [entry.raw for entry in (*entries, *attributes)]
    when = _dated(role, table, lines)
    if when:
        entries.append(_acquired_on(when))
    ordered = sorted(entries, key=lambda entry: declared.column_names.index(entry.key))
    return TableProposal(
        role, f"made from {table.label}", table.source, (first, *ordered), attributes,
        query=_query(table.columns[key.raw], used, when),
    )  # fmt: skip


def _dated(role: str, table: RawTable, lines: TableProposal) -> Column | None:
    """The raw column that dates the order lines, where customers are made of them."""
    when = lines.column("ordered_at")
    raw = table.columns.get(when.raw) if when and role == "customers" else None
    return raw if raw and raw.reading else None


def _acquired_on(when: Column) -> Entry:
    unsure = when.reading and when.reading.twin
    check = "the form of dates stands in the query, too: see ordered_at" if unsure else ""
    because = "day of the first line, so that a customer of tomorrow is not known today"
    return Entry("acquired_on", _FIRST_SEEN, because, check)


def _constant(rows: ir.Table, key: str, raw: dict[str, Column]) -> dict[str, Column]:
    """The columns of text that have one value on all lines of nearly every key."""
    texts = [
        name
        for name, column in raw.items()
        if name != key and column.filled and not column.is_number and not column.is_date
    ]
    if not texts:
        return {}
    keyed = rows.filter(rows[key].notnull())
    each = keyed.group_by(key).aggregate(
        **{"lines of one": keyed.count()}, **{name: keyed[name].nunique() for name in texts}
    )
    several = each.filter(each["lines of one"] >= 2)
    shares = several.aggregate(**{name: (several[name] <= 1).mean() for name in texts})
    share = shares.to_pyarrow().to_pylist()[0]
    return {name: raw[name] for name in texts if (share[name] or 0) >= _SAME}


def _query(key: Column, used: list[str], when: Column | None) -> str:
    """One row a key; the greatest value where there are several, so that every run has the same.

    White space around a key is no part of it, as in the order lines. when: dates the rows, of which
    those without a day, such as a sum at the end, and those of 1900 make no customer.
    """
    name, first = conditions.quoted(key.name), conditions.quoted(_FIRST_SEEN)
    made = [f"trim({name}) AS {name}" if key.kind == "text" else name]
    rows, condition = _FROM, f"{name} IS NOT NULL"
    if when:
        made.append(f"min({first}) AS {first}")
        rows = f"(SELECT *, {_time(when)} AS {first} FROM {_FROM})"
        condition += f" AND {first} >= DATE '{dates.PLAUSIBLE[0]}'"
    made += [f"max({conditions.quoted(raw)}) AS {conditions.quoted(raw)}" for raw in used]
    parts = ",\n       ".join(made)
    return f"SELECT {parts}\nFROM {rows}\nWHERE {condition} GROUP BY 1\n"


def _time(when: Column) -> str:
    """SQL for the time of a row, read as `ordered_at` reads it."""
    cell = conditions.quoted(when.name)
    if when.kind == "time" or when.reading is None:
        return cell
    if when.reading.formats:
        formats = ", ".join(f"'{form}'" for form in when.reading.formats)
        return f"try_strptime(trim(CAST({cell} AS VARCHAR)), [{formats}])"
    return f"TRY_CAST({cell} AS {'TIMESTAMPTZ' if when.reading.has_zone else 'TIMESTAMP'})"
