"""The values of one company as tables of Markdown: what it declares several times, and its towns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from crm_lib import markdown
from crm_lib.markdown import code
from crm_lib.simulate import laws
from crm_lib.simulate.laws import Company
from crm_lib.simulate.page_cells import Values, cell, derived, merged, unit
from crm_lib.simulate.page_summary import median_days

_OF_SEGMENTS = {
    "categories": "Segments: how strongly drawn to a category",
    "channels": "Segments: shares of orders by channel",
    "attributes": "Segments: shares of further columns of the customers table",
}
"""Mappings of a segment in tables of their own."""
_KINDS = {"purchasing": laws.Purchasing, "spend": laws.Spend}


def page(company: Company, known: Mapping[str, Values]) -> dict[str, Any]:
    """Title, about and parts (title and table) of a company."""
    money = company.currency
    segments = _items(known, "segments")
    parts = {
        "Segments": _segments(company, segments),
        **{title: _below(segments, name) for name, title in _OF_SEGMENTS.items()},
        "Sources of customers": _listed(_of(known, "sources"), laws.Source, money),
        "Product categories": _listed(_of(known, "categories"), laws.Category, money),
        "Products": _listed(_products(company, known), laws.Product, money),
        "Campaigns": _listed(_of(known, "laws.campaigns"), laws.Campaign, money),
        "Outside events": _listed(_of(known, "laws.events"), laws.Event, money),
        "Towns": markdown.table(
            ("town", "region", "share of customers"),
            [(town, company.regions[town], share) for town, share in company.places.items()],
        ),
        "Scores of the self-assessment": markdown.table(
            ("pillar", "mean score (1–5)", f"invested ({money})"),
            [
                (name, score, f"{spent:,.0f}")
                for name, (_, score, spent) in company.readiness.items()
            ],
        ),
    }
    title = f"The {company.name}: {company.title}"
    return {"title": title, "about": company.about, "parts": list(parts.items())}


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


def _of(known: Mapping[str, Values], place: str) -> list[dict[str, str]]:
    return list(_items(known, place).values())


def _segments(company: Company, items: Mapping[str, Values]) -> str:
    """One column a segment; rates also as the days that they come to."""
    by_segment = [segment.purchasing for segment in company.segments]
    in_days = {
        "purchasing.mean_rate": ("one purchase every", [1 / law.mean_rate for law in by_segment]),
        "purchasing.beta_days": ("half have left after", [median_days(law) for law in by_segment]),
    }
    rows: list[tuple[str, ...]] = []
    for name in merged(items.values()):
        if name == "name" or name.partition(".")[0] in _OF_SEGMENTS:
            continue
        values = (derived(name, each.get(name)) for each in items.values())
        rows.append((code(name), *values, _unit(name, company.currency)))
        if name in in_days:
            words, days = in_days[name]
            rows.append((words, *(f"{number:,.0f}" for number in days), "days"))
    return markdown.table(("parameter", *items, "unit"), rows)


def _unit(name: str, currency: str) -> str:
    inside, _, parameter = name.rpartition(".")
    return unit(_KINDS.get(inside, laws.Segment), parameter, currency)


def _below(items: Mapping[str, Values], mapping: str) -> str:
    """One row a key of a mapping, one column a segment."""
    names = [name for name in merged(items.values()) if name.startswith(f"{mapping}.")]
    rows = [
        (name.removeprefix(f"{mapping}."), *(cell(each.get(name)) for each in items.values()))
        for name in names
    ]
    return markdown.table((mapping, *items), rows)


def _products(company: Company, known: Mapping[str, Values]) -> list[dict[str, str]]:
    return [
        {"category": category.name}
        | dict(known[f"categories.{category.name}.products.{product.product_id}"])
        for category in company.categories
        for product in category.products
    ]


def _listed(found: Collection[Values], kind: type, currency: str) -> str:
    """One row a declaration, its parameters with their units; of a moment, its date."""
    names = merged(found)
    shown = [name for name in names if f"{name}_on" not in names]
    head = [_headed(name, unit(kind, name, currency)) for name in shown]
    return markdown.table(head, [[cell(each.get(name)) for name in shown] for each in found])


def _headed(name: str, of: str) -> str:
    words = name.removesuffix("_on").replace("_", " ")
    return words if not of or of in words.split() else f"{words} ({of})"
