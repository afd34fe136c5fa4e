"""The laws of the companies and their values as tables of Markdown, for the page on the companies."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from crm_lib import markdown
from crm_lib.markdown import code
from crm_lib.simulate import described, laws
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.laws import Company
from crm_lib.simulate.page_cells import Values, cell, merged, stem, unit

_REPEATED: dict[type, str] = {
    laws.Segment: "Segments", laws.Purchasing: "Purchasing", laws.Spend: "Spend",
    laws.Source: "Sources of customers", laws.Category: "Product categories",
    laws.Product: "Products", laws.Campaign: "Campaigns", laws.Event: "Outside events",
}  # fmt: skip
"""Declared several times in a company: its values stand in the company's own part of the page."""
_ONCE: dict[type, tuple[str, str]] = {
    laws.Tenure: ("Tenure", "laws.tenure"),
    laws.Comeback: ("Coming back", "laws.comeback"),
    laws.Complaints: ("Complaints", "laws.complaints"),
    laws.Service: ("Service", "laws.service"),
    laws.Survey: ("Survey", "laws.survey"),
    laws.Prospecting: ("Prospects", "laws.prospecting"),
    laws.Accounts: ("Business accounts", "accounts"),
    laws.Incident: ("The incident", "laws.incident"),
    laws.Laws: ("Everything else", "laws"),
}
"""Declared once in a company, and where."""
_PACKED: dict[tuple[type, str], tuple[str, ...]] = {
    (laws.Complaints, "causes"): (
        "cause", "share of complaints", "share of them resolved", "department responsible",
    ),
    (laws.Service, "costly_factor"): ("least", "most"),
    (laws.Survey, "drivers"): (),
    (laws.Survey, "performance"): (),
    (laws.Accounts, "rungs"): (
        "rung", "share of accounts", "share of wallet", "concentration", "most rival suppliers",
    ),
    (laws.Laws, "season"): (
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ),
    (laws.Laws, "week"): ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    (laws.Laws, "return_days"): ("least", "most"),
    (laws.Laws, "adoption"): ("stage", *laws.ADOPTERS),
    (laws.Laws, "target_growth"): ("first half", "second half"),
}  # fmt: skip
"""Attributes with many values in a table of their own, and its columns; none: the keys."""
_NOT_SHOWN = ("name", "accounts", "places", "regions", "readiness", "is_plain")
"""Attributes of a company that stand elsewhere on the page, or nowhere."""


def by_law(company: Company, clock: Clock) -> dict[str, dict[str, str]]:
    """Law: its parameters and their values, as in `truth/laws`."""
    found: dict[str, dict[str, str]] = {}
    for row in described.rows(company, clock):
        found.setdefault(row.law, {})[row.parameter] = row.value
    return found


# --- the laws -------------------------------------------------------------------------------------


def sections(
    companies: Sequence[Company], known: Sequence[Mapping[str, Values]]
) -> list[dict[str, Any]]:
    """Every law: title, text and tables (caption and table)."""
    return [
        *(_repeated(kind, title, companies) for kind, title in _REPEATED.items()),
        *(_once(kind, title, law, companies, known) for kind, (title, law) in _ONCE.items()),
        _self_assessment(companies),
    ]


def companies(companies: Sequence[Company], known: Sequence[Mapping[str, Values]]) -> str:
    """What the companies are: one row a parameter, those of a mapping in one cell."""
    return _side_by_side(companies, [_joined(each["company"]) for each in known], Company)


def _repeated(kind: type, title: str, companies: Iterable[Company]) -> dict[str, Any]:
    rows = [(code(name), unit(kind, name, _currency(companies)), meaning)
            for name, meaning in described.meanings(kind).items()]  # fmt: skip
    table = markdown.table(("parameter", "unit", "meaning"), rows)
    return {"title": title, "text": inspect.getdoc(kind), "tables": [("", table)]}


def _once(
    kind: type,
    title: str,
    law: str,
    companies: Sequence[Company],
    known: Sequence[Mapping[str, Values]],
) -> dict[str, Any]:
    packed = [name for packed_in, name in _PACKED if packed_in is kind]
    plain = [
        {name: value for name, value in each.get(law, {}).items() if stem(name) not in packed}
        for each in known
    ]
    tables = [("", _side_by_side(companies, plain, kind))]
    tables += [_unpacked(kind, law, name, companies) for name in packed]
    return {"title": title, "text": inspect.getdoc(kind), "tables": tables}


def _side_by_side(companies: Sequence[Company], known: Sequence[Values], kind: type) -> str:
    """One row a parameter, one column a company."""
    said, currency = described.meanings(kind), _currency(companies)
    rows = [
        (
            code(name),
            *(cell(each.get(name)) for each in known),
            unit(kind, name, currency),
            said.get(stem(name)) or _dated(name),
        )
        for name in merged(known)
    ]
    return markdown.table(("parameter", *(c.name for c in companies), "unit", "meaning"), rows)


def _dated(name: str) -> str:
    return f"when {code(name.removesuffix('_on'))} takes effect" if name.endswith("_on") else ""


def _unpacked(kind: type, law: str, name: str, companies: Sequence[Company]) -> tuple[str, str]:
    """An attribute with many values: its meaning, and a table with a column for each of them."""
    found = [(c.name, getattr(d, name)) for c in companies if (d := attrgetter(law)(c)) is not None]
    head = list(_PACKED[kind, name])
    if not head:
        head = list(dict.fromkeys(key for _, value in found for key in value))
        rows = [(of, *(value.get(key) for key in head)) for of, value in found]
    else:
        rows = [(of, *row) for of, value in found for row in _rows(value)]
    cells = [(of, *(cell(str(each)) for each in row)) for of, *row in rows]
    if len(found) > 1 and len({str(value) for _, value in found}) == 1:
        cells = [("both", *row) for _, *row in cells[: len(cells) // len(found)]]
    of_all = unit(kind, name, _currency(companies))
    caption = f"{code(name)}{f' ({of_all})' if of_all else ''}: {described.meanings(kind)[name]}."
    return caption, markdown.table(("company", *head), cells)


def _rows(value: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, Mapping):
        yield from ((key, *parts) for key, parts in value.items())
    else:
        yield value


def _self_assessment(companies: Iterable[Company]) -> dict[str, Any]:
    """The statements of each pillar, once for all companies."""
    said = {pillar: texts for c in companies for pillar, (texts, _, _) in c.readiness.items()}
    table = markdown.table(("pillar", "statements"), [(p, " ".join(t)) for p, t in said.items()])
    about = "Statements on each pillar, each answered from 1 (not at all) to 5 (fully)."
    return {"title": "Self-assessment", "text": about, "tables": [("", table)]}


def _joined(values: Values) -> dict[str, str]:
    """The values of a mapping in one cell."""
    found: dict[str, list[str]] = {}
    for name, value in values.items():
        attribute, _, key = name.partition(".")
        if attribute not in _NOT_SHOWN:
            found.setdefault(attribute, []).append(f"{key} {cell(value)}".strip())
    return {attribute: ", ".join(parts) for attribute, parts in found.items()}


def _currency(companies: Iterable[Company]) -> str:
    return " or ".join(dict.fromkeys(company.currency for company in companies))
