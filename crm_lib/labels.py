"""Labels: the values of an attribute as a report shows them, the rare ones together, in their order."""

from __future__ import annotations

import re

import ibis
import ibis.expr.types as ir

from crm_lib.engine import collect
from crm_lib.errors import UsageError, unknown

OTHER = "Other"
UNKNOWN = "Unknown"
_KINDS = ("value", "other", "unknown")
_STEP = re.compile(r"\d\w?\s*(?:\+|(?:-|–|to)\s*\d)")
_BELOW = re.compile(r"under|below|up to|less|<", re.IGNORECASE)


def in_order(parts: ir.Table, *first: str) -> ir.Table:
    """Rows by place, then by customers, with Other and Unknown last."""
    last = ibis.cases(*((parts.kind == kind, i) for i, kind in enumerate(_KINDS)))
    return parts.order_by(*first, last, parts.place, parts.customers.desc(), parts.value)


def labelled(table: ir.Table, attribute: str, top: int, bins: int) -> ir.Table:
    """`table` with value (text to show), kind (value, other, unknown) and place (in order)."""
    columns = [name for name in table.columns if name != "customer_id"]
    if attribute not in columns:
        raise UsageError(unknown("attribute", attribute, columns))
    if top < 1 or bins < 1:
        raise UsageError(f"At least one value and one range, not top={top}, bins={bins}.")
    column = table[attribute]
    if column.type().is_temporal():
        column = column.year()
    if column.type().is_numeric() and not column.type().is_boolean():
        return _ranged(table, column.cast("float64"), top, bins)
    # Data that writes "Unknown" itself means the same as an empty cell.
    return _most_common(table, column.cast("string").strip().nullif("").nullif(UNKNOWN), top)


def _most_common(table: ir.Table, text: ir.StringValue, top: int) -> ir.Table:
    counts = table.group_by(value=text).aggregate(n=lambda t: t.count())
    counts = counts.filter(counts.value.notnull()).order_by(ibis.desc("n"), "value")
    names = list(collect(counts.limit(top + 2)).value)
    # A single value beyond `top` takes no more room under its own name than as "Other".
    names = [n for n in (names if len(names) <= top + 1 else names[:top]) if n != OTHER]
    is_named = text.isin(names) if names else ibis.literal(False)
    places = [(text == name, place) for place, name in enumerate(scale(names), start=1)]
    return table.mutate(
        value=ibis.cases((text.isnull(), UNKNOWN), (is_named, text), else_=OTHER),
        kind=ibis.cases((text.isnull(), "unknown"), (is_named, "value"), else_="other"),
        place=ibis.cases(*places).cast("int64") if places else ibis.null("int64"),
    )


def scale(names: list[str]) -> list[str]:
    """The names in rising order when they are steps of a scale ("15-24K", "65+"); else none.

    Every name must hold a number and at least one must be a range or open-ended, so that numbered
    things such as shops are not taken for a scale.
    """
    numbers = {
        name: [float(n) for n in re.findall(r"\d+(?:\.\d+)?", name.replace(",", ""))]
        for name in names
    }
    if not all(numbers.values()) or not any(_STEP.search(name) for name in names):
        return []
    below = {name: bool(_BELOW.match(name)) for name in names}
    return sorted(names, key=lambda name: (numbers[name][0], not below[name], numbers[name]))


def _ranged(table: ir.Table, number: ir.FloatingValue, top: int, bins: int) -> ir.Table:
    number = number.isnan().ifelse(ibis.null("float64"), number)
    branches, places = [], []
    for place, (low, high) in enumerate(_ranges(table.select(number=number), top, bins), start=1):
        text = _shown(low) if low == high else f"{_shown(low)} to {_shown(high)}"
        branches.append((number.between(low, high), text))
        places.append((number.between(low, high), place))
    if not branches:
        branches, places = [(number.notnull(), UNKNOWN)], [(number.notnull(), 0)]
    return table.mutate(
        value=ibis.cases(*branches, else_=UNKNOWN),
        kind=number.isnull().ifelse("unknown", "value"),
        place=ibis.cases(*places).cast("int64"),
    )


def _ranges(numbers: ir.Table, top: int, bins: int) -> list[tuple[float, float]]:
    """The lowest and highest number found in each range; few distinct numbers stay apart."""
    numbers = numbers.filter(numbers.number.notnull())
    distinct = collect(numbers.distinct().order_by("number").limit(top + 1)).number
    if len(distinct) <= top:
        return [(float(value), float(value)) for value in distinct]
    inner = [i / bins for i in range(1, bins)]
    cuts = {f"cut_{i}": numbers.number.quantile(share) for i, share in enumerate(inner)}
    edges = sorted(set(collect(numbers.aggregate(**cuts)).iloc[0])) if cuts else []
    level = ibis.literal(0)
    for edge in edges:
        level += (numbers.number >= edge).ifelse(1, 0)
    found = numbers.group_by(level=level).aggregate(
        low=lambda t: t.number.min(), high=lambda t: t.number.max()
    )
    frame = collect(found.order_by("level"))
    return [(float(low), float(high)) for low, high in zip(frame.low, frame.high, strict=True)]


def _shown(number: float) -> str:
    """A number for a label: whole where it is whole, otherwise to four digits."""
    if number == round(number):
        return f"{number:.0f}"
    return f"{number:.2f}" if abs(number) >= 100 else f"{number:.4g}"
