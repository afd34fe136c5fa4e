"""The laws of a company as rows: for `truth/laws.parquet`, and for the page on the two companies.

A row is a law (its place in the declarations, such as `segments.Home cooks.spend`), one of its
parameters, the value as text and what it means: the text below the attribute in `laws`.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from crm_lib.periods import add_months
from crm_lib.simulate import laws
from crm_lib.simulate.clock import Clock

NONE = "none"
"""The value of a parameter that is left out."""

_FROM_A_DAY: dict[type, tuple[str, ...]] = {laws.Campaign: ("starts",), laws.Event: ("moment",)}
"""Moments that take effect on their day."""
_FROM_A_MONTH: dict[type, tuple[str, ...]] = {
    laws.Category: tuple(stage.lower() for stage in laws.STAGES),
    laws.Product: ("launched", "replaced"),
    laws.Incident: ("moment",),
}
"""Moments that take effect on the first day of their month."""


_SAID: dict[type, dict[str, str]] = {
    laws.Purchasing: {
        "r": "shape of the purchase rates: the smaller, the more customers differ",
        "alpha_days": "purchase rates are r ÷ alpha_days a day on average",
        "s": "shape of the rates of leaving: the smaller, the more customers differ",
        "beta_days": "rates of leaving are s ÷ beta_days a day on average",
    },
    laws.Spend: {
        "p": "shape of a customer's order values: the larger, the more they are alike",
        "q": "shape of the customers' means: the larger, the more customers are alike",
        "gamma": "scale of the order values",
    },
    laws.Source: {"share": "of all customers"},
    laws.Product: {
        "name": "what it is called, and the package",
        "subcategory": "a part of its category",
        "list_price": "of a package, before any discount",
    },
    laws.Category: {
        "introduction": "moment at which it is first sold",
        "growth": "moment at which demand begins to rise fast",
        "maturity": "moment at which demand is highest, to stay there until the decline",
        "decline": "moment at which demand begins to fall",
    },
    laws.Campaign: {
        "days": "how long it lasts",
        "control_share": "of those who take part: treated as if there were no campaign",
    },
    laws.Complaints: {
        "leave_if_resolved": "probability that the customer leaves for one that is resolved"
    },
    laws.Comeback: {
        "probability": "of a customer who left",
        "shortest_days": "nobody comes back before",
    },
    laws.Tenure: {
        "yearly_growth": "of the value of an order, for each completed year",
        "most_years": "no growth after so many years",
    },
    laws.Incident: {
        "moment": "the month in which it falls",
        "segment": "whose purchases drop",
        "channel": "through which they drop",
    },
    laws.Event: {
        "moment": "its day",
        "kind": "rival, economy, leadership or weather",
        "factor": "of every purchase rate from that day on",
    },
    laws.Survey: {"response_rate": "share of those asked who answer"},
    laws.Prospecting: {"intercept": "log-odds of a prospect whose attributes are all 0"},
    laws.Accounts: {
        "accounts_per_rep": "how many accounts a representative looks after",
        "hour_cost": "of an hour of a representative",
        "nominated_if_key": "probability that a colleague nominates a key account",
        "nominated_otherwise": "probability that a colleague nominates any other",
    },
    laws.Company: {
        "title": "what the company is called",
        "about": "what it does",
        "currency": "of all money",
        "time_zone": "of all times",
        "industries": "shares of the customers' industries",
        "brand_tiers": "shares of the customers' brand tiers",
    },
}
"""Meanings of attributes that have no text of their own in `laws`, their names saying most of it."""


@dataclass(frozen=True)
class Row:
    """One parameter of a law."""

    law: str
    parameter: str
    value: str
    meaning: str


def table(company: laws.Company, clock: Clock, customers: int, seed: int) -> pa.Table:
    """truth/laws: law, parameter, value and meaning as text; the size of the simulation first.

    A planted moment has a second row, named `<parameter>_on`: the day on which it takes effect.
    """
    size = {
        "company": (company.name, "which of the companies"),
        "customers": (customers, "customers simulated"),
        "months": (clock.months, "calendar months observed"),
        "seed": (seed, "of all random numbers"),
        "first_day": (clock.start, "first day observed"),
        "as_of": (laws.WINDOW_ENDS, "first day not observed"),
    }
    found = [Row("simulation", name, str(value), said) for name, (value, said) in size.items()]
    found += rows(company, clock)
    names = [field.name for field in fields(Row)]
    return pa.table({n: pa.array([getattr(r, n) for r in found], pa.string()) for n in names})


def rows(company: laws.Company, clock: Clock) -> list[Row]:
    """Every parameter of the company, in the order of the declarations; moments also as dates."""
    return list(_declared("company", company, clock))


@cache
def meanings(declaration: type) -> dict[str, str]:
    """What the attributes of a law mean: the texts below them, of its properties, and in `_SAID`."""
    (body,) = ast.parse(inspect.getsource(declaration)).body
    assert isinstance(body, ast.ClassDef)
    named, said = _SAID.get(declaration, {}), {}
    for each, below in zip(body.body, [*body.body[1:], None], strict=True):
        is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            name = each.target.id
            said[name] = str(below.value.value) if is_text else named.get(name, "")  # type: ignore[union-attr]
        elif isinstance(each, ast.FunctionDef) and each.decorator_list:
            said[each.name] = ast.get_docstring(each) or ""
    return {name: " ".join(text.split()) for name, text in said.items() if text}


def opening(declaration: type) -> str:
    """The first sentence or line of a law's own text."""
    return inspect.getdoc(declaration).partition("\n")[0]  # type: ignore[union-attr]


def _declared(law: str, declared: Any, clock: Clock) -> Iterator[Row]:
    """The rows of one declaration, then those of the declarations within it."""
    kind: type = type(declared)
    inside: list[tuple[str, Any]] = []
    said = meanings(kind)
    for field in fields(declared):
        value = getattr(declared, field.name)
        parts = _parts(law, field.name, value)
        inside += parts
        if not parts:
            meaning = said.get(field.name) or opening(kind)
            yield from _values(law, field.name, value, meaning)
            yield from _dated(law, kind, field.name, value, clock)
    if kind is not laws.Company:
        for name, derived in inspect.getmembers(kind, lambda each: isinstance(each, property)):
            yield Row(law, name, f"{derived.fget(declared):.10g}", said[name])
    for place, part in inside:
        yield from _declared(place, part, clock)


def _parts(law: str, name: str, value: Any) -> list[tuple[str, Any]]:
    """The declarations that an attribute holds, each with its place."""
    place = name if law == "company" else f"{law}.{name}"
    if is_dataclass(value):
        return [(place, value)]
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return [(f"{place}.{_name(part)}", part) for part in value]
    return []


def _name(part: Any) -> str:
    """What one of several declarations is called: its first text."""
    values = (getattr(part, field.name) for field in fields(part))
    return next(value for value in values if isinstance(value, str))


def _values(law: str, name: str, value: Any, meaning: str) -> Iterator[Row]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _values(law, f"{name}.{key}", part, meaning)
    else:
        yield Row(law, name, _text(value), meaning)


def _text(value: Any) -> str:
    if value is None or value == ():
        return NONE
    if isinstance(value, tuple):
        return "; ".join(map(_text, value))
    return repr(value) if isinstance(value, float) else str(value)


def _dated(law: str, kind: type, name: str, moment: Any, clock: Clock) -> Iterator[Row]:
    """The day on which a moment takes effect, if the parameter is one."""
    if name in _FROM_A_DAY.get(kind, ()):
        first = clock.date_of(clock.day_at(moment))
        yield Row(law, f"{name}_on", str(first), "its first day")
    elif name in _FROM_A_MONTH.get(kind, ()):
        month = None if moment is None else add_months(clock.start, clock.month_at(moment))
        yield Row(law, f"{name}_on", str(month or NONE), "first day of its first month")
