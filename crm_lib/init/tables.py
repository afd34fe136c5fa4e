"""Which file is which canonical table, and the lines of `dataset.yml` for each."""

from __future__ import annotations

from dataclasses import replace

import ibis
import ibis.expr.types as ir

from crm_lib import casting, conditions, schema
from crm_lib.init import columns, money, names
from crm_lib.init.columns import Match
from crm_lib.init.evidence import Column
from crm_lib.init.files import RawTable
from crm_lib.init.proposal import Entry, TableProposal

_ROLES = ("customers", "products", "contacts")
_MOST_KINDS = 50
"""A column of customers with at most so many different values is proposed as an attribute."""


def assigned(found: list[RawTable]) -> tuple[dict[str, RawTable], list[tuple[str, str]]]:
    """Canonical table → the raw table that fits it best, and the files that fit none, with why."""
    lines = max(found, key=lambda table: (_lines_score(table), table.count))
    roles = {"lines": lines}
    unused = []
    rest = [table for table in found if table is not lines]
    scored = [(_role_score(role, table, lines), role, table) for table in rest for role in _ROLES]
    for score, role, table in sorted(scored, key=lambda item: (-item[0], item[1], item[2].label)):
        if score > 0 and role not in roles and table not in roles.values():
            roles[role] = table
    for table in rest:
        if table not in roles.values():
            best = max((_role_score(role, table, lines), role) for role in _ROLES)
            why = f"{best[1]} come from another file" if best[0] > 0 else "no canonical table fits"
            if shared := [name for name in table.columns if name in lines.columns]:
                why += f"; it shares {shared[0]} with {lines.label}: a `query:` over both can join them"
            unused.append((table.label, why))
    return {role: roles[role] for role in ("lines", *_ROLES) if role in roles}, unused


def _lines_score(table: RawTable) -> float:
    best = columns.chosen(columns.matches("lines", table.columns))
    wanted = [best[name].score for name in schema.LINES.required if name in best]
    priced = (
        "amount" not in best and "quantity" in best and money.unit_price(table, best) is not None
    )
    dated = "ordered_at" not in best and bool(_dates(table, best))
    return sum(wanted) + 0.8 * priced + 0.4 * dated + 0.05 * len(best)


def _role_score(role: str, table: RawTable, lines: RawTable) -> float:
    """How well a file fits a canonical table: 0 unless every required column is there."""
    best = columns.chosen(columns.matches(role, table.columns))
    required = schema.table(role).required
    if any(name not in best for name in required):
        return 0.0
    if _by_email(best) and not _by_email(columns.chosen(columns.matches("lines", lines.columns))):
        return 0.0  # the two files call their customers by different things
    return sum(match.score for match in best.values())


def _by_email(best: dict[str, Match]) -> bool:
    return "customer_id" in best and columns.is_email(best["customer_id"].raw)


def proposed(role: str, table: RawTable) -> TableProposal:
    """The lines for one canonical table; a required column that was not found has no value."""
    declared = schema.table(role)
    found = columns.matches(role, table.columns)
    best = columns.chosen(found)
    taken = {match.raw.name for match in best.values()}
    entries = {name: columns.entry(match, declared, found, taken) for name, match in best.items()}
    if role == "lines":
        entries |= _completed(table, best, entries)
        entries |= _spelt(table, best, entries)
    for name in declared.required:
        entries.setdefault(name, _not_found(name, declared))
    ordered = tuple(entries[name] for name in declared.column_names if name in entries)
    used = {raw for line in ordered for raw in _read_by(line, table.columns)}
    further = attributes(table.columns, used) if declared.open_ended else ()
    used |= {line.raw for line in further}
    return TableProposal(
        role, table.label, table.source, ordered, further,
        absent=tuple(name for name in declared.column_names if name not in entries),
        unused=tuple((raw.name, _example(raw)) for raw in table.columns.values() if raw.name not in used),
    )  # fmt: skip


def _read_by(line: Entry, raw: dict[str, Column]) -> list[str]:
    """The raw columns that a line reads."""
    if not line.raw or line.raw in raw:
        return [line.raw]
    return conditions.columns_of(conditions.parse(line.raw, f"proposal for '{line.key}'"))


def _example(raw: Column) -> str:
    if columns.is_personal(raw):
        return "about a person"
    return f"such as {columns.shown(raw)}" if raw.examples else "empty"


def _not_found(name: str, declared: schema.Table) -> Entry:
    meaning = declared.column(name).meaning
    return Entry(name, None, check=f"FILL IN: no raw column was found for it ({meaning})")


def _completed(
    table: RawTable, best: dict[str, Match], entries: dict[str, Entry]
) -> dict[str, Entry]:
    """Order lines: dates by their values, money by arithmetic, an order from its day."""
    made: dict[str, Entry] = {}
    if "ordered_at" not in best and (dated := _dates(table, best)):
        first = dated[0]
        check = "the name does not tell; it is taken since it holds dates"
        made["ordered_at"] = Entry(
            "ordered_at", columns.reading(first, "time"), columns.values(first, "time"),
            check="; ".join(filter(None, [check, columns.ambiguity(first, "time")])),
            others=tuple((columns.reading(raw, "time"), columns.values(raw, "time")) for raw in dated[1:])
            + columns.twin(first, "time"),
        )  # fmt: skip
    made |= money.completed(table, best, entries)
    if "order_id" not in best and "customer_id" in best and (when := best.get("ordered_at")):
        names_ = [columns.sql_name(match.raw.name) for match in (best["customer_id"], when)]
        made["order_id"] = Entry(
            "order_id", " || '-' || ".join(names_), "no order number found",
            check="one customer's lines of one date count as one order",
        )  # fmt: skip
    return made


def _spelt(table: RawTable, best: dict[str, Match], entries: dict[str, Entry]) -> dict[str, Entry]:
    """The customer's key with a question where some differ in nothing but case or zeros in front."""
    if "customer_id" not in best or best["customer_id"].raw.kind != "text":
        return {}
    entry, raw = entries["customer_id"], best["customer_id"].raw.name
    written = table.rows.select(id=casting.as_text(table.rows[raw])).distinct()
    plain = written.id.lower().re_replace(r"^([^0-9]*)0+([0-9])", r"\1\2")
    ids = written.aggregate(written=written.id.nunique(), plain=plain.nunique()).execute().iloc[0]
    if ids.written == ids.plain:
        return {}
    unlike = (
        f"{ids.written:,} different, {ids.plain:,} if case and zeros in front make no difference: where "
        f"these are the same customers, write for example lower({columns.sql_name(raw)})"
    )
    return {"customer_id": replace(entry, check="; ".join(filter(None, [entry.check, unlike])))}


def _dates(table: RawTable, best: dict[str, Match]) -> list[Column]:
    taken = {match.raw.name for match in best.values()}
    return [
        raw
        for raw in table.columns.values()
        if raw.is_date and raw.name not in taken and not names.is_named(raw.name, names.PERSONAL)
    ]


def attributes(raw: dict[str, Column], used: set[str]) -> tuple[Entry, ...]:
    """Further columns of few values, none of them personal, under names of our own form."""
    found = []
    for column in raw.values():
        few = 1 < column.distinct <= _MOST_KINDS and not column.is_date
        if few and column.name not in used and not columns.is_personal(column):
            key = "_".join(names.words(column.name))
            if key not in schema.CUSTOMERS.column_names:
                found.append(Entry(key, column.name, columns.values(column, "text")))
    return tuple(found)


def without_used(lines: TableProposal, made: tuple[TableProposal, ...]) -> TableProposal:
    """The order lines without mention of raw columns that tables made from them use."""
    used = {e.raw for table in made if table.query for e in (*table.columns, *table.attributes)}
    return replace(lines, unused=tuple(item for item in lines.unused if item[0] not in used))


def related(
    made: tuple[TableProposal, ...], roles: dict[str, RawTable]
) -> tuple[TableProposal, ...]:
    """The tables with the share of order lines that find their customer or product in them."""
    lines = made[0]
    told = [lines]
    for table in made[1:]:
        key = schema.table(table.name).key or ("customer_id",)
        ours, theirs = table.column(key[0]), lines.column(key[0])
        if ours and theirs and theirs.raw in roles["lines"].columns:
            share = _known(roles["lines"].rows, theirs.raw, roles[table.name].rows, ours.raw)
            noted = f"{share:.0%} of the order lines with a {key[0]} find it here"
            low = f"{noted}: are the two numbers the same?" if share < 0.5 else ""
            entries = tuple(
                replace(line, check=low, because=f"{line.because}; {noted}")
                if line is ours
                else line
                for line in table.columns
            )
            table = replace(table, columns=entries)
        told.append(table)
    return tuple(told)


def _known(lines: ir.Table, column: str, others: ir.Table, key: str) -> float:
    ids = lines.select(id=casting.as_text(lines[column])).filter(ibis._.id.notnull())
    known = others.select(id=casting.as_text(others[key])).distinct()
    total = int(ids.count().execute())
    return int(ids.semi_join(known, "id").count().execute()) / total if total else 0.0
