"""The page on the two companies and their laws, made from the declarations: `docs/companies.md`.

`python -m crm_lib.reference` (or `make docs`) writes it beside the reference.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path

from jinja2 import StrictUndefined, Template

from crm_lib import markdown
from crm_lib.markdown import code
from crm_lib.simulate import described, laws
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.companies import COMPANIES, company
from crm_lib.simulate.laws import Company

PLACE = "docs/companies.md"
MONTHS = 60
"""The window whose dates the page shows; that of `crm simulate` unless asked otherwise."""

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
_NOT_SHOWN = ("name", "accounts", "regions", "readiness")
"""Parameters of a company that stand elsewhere on the page, or nowhere."""

Values = Mapping[str, str]
"""parameter: value"""


def text() -> str:
    """The whole page as Markdown."""
    template = Template(
        Path(__file__).with_name("companies.md.j2").read_text(encoding="utf-8"),
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True,
    )  # fmt: skip
    companies = [company(name) for name in COMPANIES]
    known = [_by_law(each) for each in companies]
    return template.render(
        months=MONTHS,
        start=Clock(companies[0].laws, MONTHS).start,
        ends=laws.WINDOW_ENDS,
        companies=_side_by_side(companies, [_joined(each["company"]) for each in known], Company),
        laws=[_repeated(kind, title) for kind, title in _REPEATED.items()]
        + [
            {
                "title": title,
                "text": inspect.getdoc(kind),
                "table": _side_by_side(companies, [each.get(law, {}) for each in known], kind),
            }
            for kind, (title, law) in _ONCE.items()
        ],
        pages=[_page(company, each) for company, each in zip(companies, known, strict=True)],
    )


def _by_law(company: Company) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in described.rows(company, Clock(company.laws, MONTHS)):
        found.setdefault(row.law, {})[row.parameter] = row.value
    return found


# --- the laws -------------------------------------------------------------------------------------


def _repeated(kind: type, title: str) -> dict[str, str | None]:
    rows = [(code(name), meaning) for name, meaning in described.meanings(kind).items()]
    table = markdown.table(("parameter", "meaning"), rows) if rows else ""
    return {"title": title, "text": inspect.getdoc(kind), "table": table}


def _side_by_side(companies: Iterable[Company], values: Iterable[Values], kind: type) -> str:
    """One row a parameter, one column a company."""
    known = list(values)
    said = described.meanings(kind)
    rows = [
        (code(name), *(_cell(each.get(name)) for each in known), said.get(_stem(name), ""))
        for name in _merged(known)
    ]
    return markdown.table(("parameter", *(c.name for c in companies), "meaning"), rows)


def _joined(values: Values) -> dict[str, str]:
    """The values of a mapping in one cell."""
    found: dict[str, list[str]] = {}
    for name, value in values.items():
        stem, _, key = name.partition(".")
        if stem not in _NOT_SHOWN:
            found.setdefault(stem, []).append(f"{key} {_cell(value)}".strip())
    return {stem: ", ".join(parts) for stem, parts in found.items()}


# --- the companies --------------------------------------------------------------------------------


def _page(company: Company, known: Mapping[str, Values]) -> dict[str, object]:
    lists = {
        "Segments": _across(known, "segments"),
        "Sources of customers": _down(known, "sources"),
        "Product categories": _down(known, "categories"),
        "Products": _products(company, known),
        "Campaigns": _down(known, "laws.campaigns"),
        "Outside events": _down(known, "laws.events"),
        "Towns": markdown.table(
            ("town", "region", "share of customers"),
            [(town, company.regions[town], share) for town, share in company.places.items()],
        ),
        "Self-assessment": markdown.table(
            ("pillar", "mean score of 1–5", "invested", "questions"),
            [
                (pillar, score, f"{spent:,.0f}", " ".join(questions))
                for pillar, (questions, score, spent) in company.readiness.items()
            ],
        ),
    }
    parts = [{"title": title, "table": table} for title, table in lists.items()]
    title = f"The {company.name}: {company.title}"
    return {"title": title, "about": company.about, "parts": parts}


def _items(known: Mapping[str, Values], place: str) -> dict[str, dict[str, str]]:
    """The declarations of a list by name; what lies within one, as `spend.p`, belongs to it."""
    found: dict[str, dict[str, str]] = {}
    for law, values in known.items():
        if law.startswith(f"{place}.") and ".products." not in law:
            name, _, inside = law.removeprefix(f"{place}.").partition(".")
            prefix = f"{inside}." if inside else ""
            own = found.setdefault(name, {})
            own |= {f"{prefix}{parameter}": value for parameter, value in values.items()}
    return found


def _across(known: Mapping[str, Values], place: str) -> str:
    """One column a declaration."""
    items = _items(known, place)
    rows = [
        (code(name), *(_cell(each.get(name)) for each in items.values()))
        for name in _merged(list(items.values()))
        if name != "name"
    ]
    return markdown.table(("parameter", *items), rows)


def _down(known: Mapping[str, Values], place: str) -> str:
    """One row a declaration; of a moment, its date."""
    return _listed(_items(known, place).values())


def _products(company: Company, known: Mapping[str, Values]) -> str:
    return _listed(
        {"category": category.name}
        | dict(known[f"categories.{category.name}.products.{product.product_id}"])
        for category in company.categories
        for product in category.products
    )


def _listed(values: Iterable[Values]) -> str:
    found = list(values)
    names = _merged(found)
    shown = [name for name in names if f"{name}_on" not in names]
    head = [name.removesuffix("_on").replace("_", " ") for name in shown]
    return markdown.table(head, [[_cell(each.get(name)) for name in shown] for each in found])


def _merged(values: list[Values]) -> list[str]:
    """All parameters in order, those of one mapping together."""
    names = list(dict.fromkeys(name for each in values for name in each))
    stems = list(dict.fromkeys(map(_stem, names)))
    return sorted(names, key=lambda name: stems.index(_stem(name)))


def _stem(name: str) -> str:
    return name.partition(".")[0]


def _cell(value: str | None) -> str:
    """A value as the page shows it: thousands marked, no `.0`; a dash for what is not there."""
    if value in (None, "", described.NONE):
        return "–"
    return "; ".join(map(_part, str(value).split("; ")))


def _part(value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return {"True": "yes", "False": "no"}.get(value, value)
    return f"{number:,.0f}" if number.is_integer() else f"{number:,.6g}"
