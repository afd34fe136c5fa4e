"""Customers and products out of a single export: columns that are the same on all of one's lines."""

from __future__ import annotations

import ibis.expr.types as ir

from crm_lib import conditions, schema
from crm_lib.init import columns, tables
from crm_lib.init.evidence import Column
from crm_lib.init.files import RawTable
from crm_lib.init.proposal import Entry, TableProposal

_SAME = 0.9
"""A column belongs to a customer (a product) when so many of them have one value on all lines."""
_FROM = "rows"


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
    ordered = sorted(entries, key=lambda entry: declared.column_names.index(entry.key))
    used = [entry.raw for entry in (*ordered, *attributes)]
    return TableProposal(
        role, f"made from {table.label}", table.source, (first, *ordered), attributes,
        query=_query(key.raw, used),
    )  # fmt: skip


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


def _query(key: str, used: list[str]) -> str:
    """One row a key; the greatest value where there are several, so that every run has the same."""
    parts = ",\n       ".join(
        f"max({conditions.quoted(name)}) AS {conditions.quoted(name)}" for name in used
    )
    name = conditions.quoted(key)
    return (
        f"SELECT {name},\n       {parts}\nFROM {_FROM} WHERE {name} IS NOT NULL GROUP BY {name}\n"
    )
