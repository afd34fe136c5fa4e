"""Which raw column is which canonical one: by its name, and by what its values are like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from crm_lib import casting, conditions, schema
from crm_lib.errors import UsageError
from crm_lib.init import names
from crm_lib.init.evidence import Column
from crm_lib.init.proposal import Entry

PROPOSED = 0.45
"""From this likeness on, a raw column is proposed; between `POSSIBLE` and it, only mentioned."""
POSSIBLE = 0.3
_BY_NAME = 0.85
"""Above this likeness the raw column has the very name, or a usual one for the same thing."""
READS_AS_ID = 0.95
"""An id may be a number, but then a whole one."""
_FEW_ROWS = 20
_NUMERIC = ("money", "number", "count")


@dataclass(frozen=True)
class Match:
    """A raw column for a canonical one, with how sure it is (0 to 1)."""

    column: str
    raw: Column
    score: float


def matches(table: str, columns: dict[str, Column]) -> list[Match]:
    """Every possible match of raw columns to the canonical table's, the surest first."""
    declared = schema.table(table)
    found = [
        Match(column, raw, names.likeness(raw.name, called, column) * _fit(declared, column, raw))
        for column, called in names.NAMES[table].items()
        for raw in columns.values()
    ]
    for raw in columns.values():
        found += filter(None, [_by_email(declared, raw), _of_one_customer(declared, raw)])
    return sorted((match for match in found if match.score >= POSSIBLE), key=_surest)


def _by_email(declared: schema.Table, raw: Column) -> Match | None:
    """An e-mail address as the customer's key: less sure than every number and name that fits."""
    if "customer_id" not in declared.column_names or not is_email(raw):
        return None
    fits = _fit(declared, "customer_id", raw) >= 0.9
    return Match("customer_id", raw, PROPOSED + 0.001) if fits else None


def _of_one_customer(declared: schema.Table, raw: Column) -> Match | None:
    """The customer's key by its very name, though all rows bear the same one: the least sure match."""
    called = names.NAMES[declared.name].get("customer_id", "")
    named = names.likeness(raw.name, called, "customer_id") > _BY_NAME
    fits = named and _always_the_same(raw) and declared.key != ("customer_id",)
    return Match("customer_id", raw, PROPOSED) if fits else None


def is_email(raw: Column) -> bool:
    """Does the column hold e-mail addresses, by its name and not against its values?"""
    return names.likeness(raw.name, names.EMAIL, "email") >= PROPOSED


def is_personal(raw: Column) -> bool:
    """Is the column about a person, so that none of its values may be shown?"""
    return names.is_named(raw.name, names.PERSONAL) or any("@" in cell for cell in raw.examples)


def _surest(match: Match) -> tuple[float, str, str]:
    return -match.score, match.column, match.raw.name


def chosen(found: list[Match]) -> dict[str, Match]:
    """One match a canonical column, no raw column twice, the surest first."""
    best: dict[str, Match] = {}
    for match in found:
        taken = any(match.raw.name == other.raw.name for other in best.values())
        if match.score >= PROPOSED and match.column not in best and not taken:
            best[match.column] = match
    return best


def _fit(declared: schema.Table, name: str, raw: Column) -> float:
    """How well the values of a raw column suit a canonical one: 0 = they cannot be it."""
    kind = declared.column(name).type
    if not raw.filled:
        return 0.0
    if kind in ("day", "time"):
        return 1.0 if raw.is_date else 0.0
    if kind in _NUMERIC:
        return 1.0 if raw.is_number and raw.kind != "time" else 0.0
    if declared.key == (name,):
        return 1.0 if raw.is_unique else 0.9 if raw.distinct >= 0.99 * raw.rows else 0.0
    if raw.is_date and not raw.is_number:
        return 0.1
    if raw.is_number and raw.whole_share < READS_AS_ID:
        return 0.3
    return 0.2 if _always_the_same(raw) and name.endswith("_id") else 1.0


def _always_the_same(raw: Column) -> bool:
    return raw.distinct == 1 and raw.rows > _FEW_ROWS


def entry(match: Match, declared: schema.Table, found: list[Match], taken: set[str]) -> Entry:
    """The line for a match: how to read it, why, and which raw columns it could be instead."""
    column = declared.column(match.column)
    others = tuple(
        (reading(other.raw, column.type), f"{_named(other)}; {values(other.raw, column.type)}")
        for other in found
        if other.column == match.column and other.raw.name not in taken
    )[:3]
    return Entry(
        match.column,
        reading(match.raw, column.type),
        f"{_why(match)}; {values(match.raw, column.type)}",
        check=identity(match) or _alone(match) or ambiguity(match.raw, column.type),
        others=others + _hashed(match) + twin(match.raw, column.type),
    )


def reading(raw: Column, kind: str, expression: str = "") -> Any:
    """A raw column (or an expression with it) and how its text is to be read."""
    how: dict[str, Any] = {"from": expression or raw.name}
    if kind in _NUMERIC and raw.kind == "text" and raw.decimal == ",":
        how["decimal"] = ","
    if kind in ("day", "time") and raw.reading and raw.reading.formats:
        formats = list(raw.reading.formats)
        how["format"] = formats[0] if len(formats) == 1 else formats
    return how if len(how) > 1 else how["from"]


def _why(match: Match) -> str:
    """Why the match was chosen."""
    if match.column == "customer_id" and is_email(match.raw):
        return "no number tells customers apart"
    return _named(match)


def _named(match: Match) -> str:
    """What the name of the raw column says, whether or not it was chosen."""
    if match.column == "customer_id" and is_email(match.raw):
        return "an e-mail address"
    if match.column == "customer_id" and _always_the_same(match.raw):
        return "the name says so, but it is always the same"
    return "the name says so" if match.score > _BY_NAME else "the name is like it"


def identity(match: Match) -> str:
    """What the user must know where a customer's key says who the person is."""
    if match.column != "customer_id":
        return ""
    if is_email(match.raw):
        return "an e-mail address is the customer's key, and ids appear in exports: better a number"
    if names.is_named(match.raw.name, names.PERSON):
        return "a name is the customer's key: two may share one, and ids appear in exports"
    return ""


def _alone(match: Match) -> str:
    """The question that a customer's key raises which is the same in every row."""
    if match.column != "customer_id" or not _always_the_same(match.raw):
        return ""
    return "every row that has one has the same: is this the file of one customer?"


def _hashed(match: Match) -> tuple[tuple[Any, str], ...]:
    """The key without the person in it; an address is one in any case of letters."""
    if not identity(match):
        return ()
    return ((f"sha256(lower({sql_name(match.raw.name)}))", "a hash, which names nobody"),)


def values(raw: Column, kind: str) -> str:
    """What the values are like, in a few words."""
    empty = f", {raw.missing_share:.0%} empty" if raw.missing_share >= 0.005 else ""
    if kind in ("day", "time") and raw.reading:
        return f"{raw.reading.first} to {raw.reading.last}{empty}"
    if kind in _NUMERIC and raw.low is not None and raw.high is not None:
        negative = f", {raw.negative_share:.1%} negative" if raw.negative_share else ""
        mark = "; decimal comma" if raw.decimal == "," else ""
        return f"{raw.low:,.10g} to {raw.high:,.10g}{negative}{empty}{mark}"
    if is_personal(raw):
        return f"{raw.distinct:,} different{empty}"
    return f"{raw.distinct:,} different, such as {shown(raw)}{empty}" if raw.filled else "empty"


def shown(raw: Column) -> str:
    """A frequent value, short enough for a comment."""
    return _short(raw.examples[0])


def form(cell: str) -> str:
    """The form of a cell that is not what its column is taken for, and may be a person's name."""
    return _short(casting.masked(cell))


def _short(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:39] + "…")


def ambiguity(raw: Column, kind: str) -> str:
    """What the values leave open about how to read them."""
    if kind in _NUMERIC and not raw.decimal_is_sure:
        return f"AMBIGUOUS: is {form(raw.examples[0])} written with a decimal point or a decimal comma?"
    read = raw.reading
    if kind not in ("day", "time") or read is None:
        return ""
    if read.twin and read.twin_span:
        return (
            f"AMBIGUOUS: no day above 12 tells day and month apart ({form(raw.examples[0])}); read "
            f"as written here the dates run {read.first} to {read.last}, the other way "
            f"{read.twin_span[0]} to {read.twin_span[1]}"
        )
    if read.unread:
        return (
            f"{1 - read.share:.2%} of the cells are in another form, such as {form(read.unread[0])}"
        )
    return ""


def twin(raw: Column, kind: str) -> tuple[tuple[Any, str], ...]:
    """The other way to read what is ambiguous."""
    if kind in ("day", "time") and raw.reading and raw.reading.twin:
        return (({"from": raw.name, "format": raw.reading.twin}, "month and day the other way"),)
    if kind in _NUMERIC and not raw.decimal_is_sure:
        return (({"from": raw.name, "decimal": ","}, "with a decimal comma"),)
    return ()


def sql_name(name: str) -> str:
    """The name as it must stand in an expression: quoted only where it needs to be."""
    if re.fullmatch(r"[^\W\d]\w*", name):
        try:
            if conditions.columns_of(conditions.parse(name, "name")) == [name]:
                return name
        except UsageError:
            pass
    return conditions.quoted(name)
