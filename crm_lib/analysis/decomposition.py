"""Why revenue or margin changed between two windows: an exact Shapley decomposition.

    purchases of known customers = active customers × orders a customer × lines an order × value a line
    margin on them               = … × margin rate

What does not factor is added: returns of known customers (and their other lines that are no
purchase), and everything bought anonymously. So the total is the ledger's, and the effects add up
to its change to the last decimal.

A factor's effect is its Shapley value: the change it makes, averaged over all orders in which the
factors can move from their old to their new value. It needs no logarithms, so zero and negative
values work. Source: Shapley 1953, "A value for n-person games"; Shorrocks 2013, "Decomposition
procedures for distributional analysis", Journal of Economic Inequality 11.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations
from math import factorial, prod
from typing import Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.engine import collect
from crm_lib.errors import NotInData, UsageError, listing, unknown
from crm_lib.needs import needs
from crm_lib.periods import Window

Measure = Literal["revenue", "margin"]

FACTORS = ("customers", "orders_a_customer", "lines_an_order", "value_a_line", "margin_rate")
"""In the order in which they multiply; `margin_rate` only when margin is decomposed."""
ADDED = ("returns", "anonymous")
"""What is added to the product of the factors to give the ledger's total."""

_COUNTS = ("customers", "orders", "lines")
_MOST_GROUPS = 1000


@needs(lines=())
def factors(lines: ir.Table, window: Window, *, by: str | None = None) -> ir.Table:
    """The counts and sums of one window from which its factors follow.

    In: accepted order lines (`day`, `is_purchase`, `amount`, …). Out: one row, or one a value of the
    column `by` (missing values are a group of their own): `customers` with a purchase, their `orders`
    and `lines` with a purchase, `purchases` (money of these lines), `returns` (money of known
    customers' other lines, negative), `anonymous` (money without a customer), `revenue` (all), and
    the same five as `margin_…` where the lines have a cost (a missing cost counts as 0).
    """
    if by is not None and by not in lines.columns:
        raise UsageError(unknown("column of the order lines", by, lines.columns))
    inside = lines.filter(
        (lines.day >= ibis.literal(window.start)) & (lines.day < ibis.literal(window.end))
    )
    known = inside.customer_id.notnull()
    bought = known & inside.is_purchase
    # A customer or order counts once in each group, so groups do not add up in these two.
    columns: dict[str, ir.Value] = {
        "customers": inside.customer_id.nunique(where=bought),
        "orders": inside.order_id.nunique(where=bought),
        "lines": inside.count(where=bought),
    }
    parts = {"purchases": bought, "returns": known & ~inside.is_purchase, "anonymous": ~known}
    values = {"": inside.amount}
    if "cost" in lines.columns:
        values["margin_"] = inside.amount - inside.cost.fill_null(0)
    for prefix, value in values.items():
        for name, where in parts.items():
            columns[prefix + name] = value.sum(where=where).fill_null(0)
        columns["margin" if prefix else "revenue"] = value.sum().fill_null(0)
    grouped = inside.group_by(by) if by else inside
    return grouped.aggregate(**columns)


@needs(lines=(), optional={"lines.cost": "why margin changed"})
def decompose(
    lines: ir.Table,
    *,
    before: Window,
    after: Window,
    measure: Measure = "revenue",
    by: str | None = None,
) -> pd.DataFrame:
    """Why revenue (or margin) changed from the window `before` to `after`, exactly.

    In: accepted order lines. Out, as pandas (a dozen rows, made outside the engine in exact
    fractions): one row a factor, in order, for each value of the column `by` if given: `factor`,
    `before`, `after` (the factor's value; null where it is undefined, as orders a customer without
    customers), `effect` (money; the effects add up to the change of the total), `share` (of the
    change; null when nothing changed). The added terms `returns` and `anonymous` follow the factors,
    and the row `total` closes. Where a factor is undefined in one window it takes the other's value,
    so that it has no effect and the change falls to the factor that made it undefined.
    Groups are decomposed each on its own: their totals add up, their factors do not.
    Raises NotInData for a margin without costs, UsageError for an unknown measure or column.
    """
    if measure not in ("revenue", "margin"):
        raise UsageError(unknown("measure", measure, ["revenue", "margin"]))
    if measure == "margin" and "cost" not in lines.columns:
        raise NotInData(
            "Margin needs the column `cost` of the table `lines`; map it to decompose it."
        )
    old, new = (_collected(factors(lines, window, by=by), by) for window in (before, after))
    empty: dict[str, Fraction] = {}
    frames = []
    for group in sorted({*old, *new}, key=lambda value: (value is None, str(value))):
        frame = _decomposed(old.get(group, empty), new.get(group, empty), measure)
        if by is not None:
            frame.insert(0, by, group)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def shapley(
    before: Mapping[str, Fraction | int], after: Mapping[str, Fraction | int]
) -> dict[str, Fraction]:
    """Each factor's share in the change of the product of all factors; the shares add up to it exactly.

    Raises UsageError when the two do not name the same factors.
    """
    if set(before) != set(after):
        raise UsageError(
            f"Both windows need the same factors, not {listing(before)} and {listing(after)}."
        )
    names = list(before)
    effects = {}
    for name in names:
        others = [other for other in names if other != name]
        step = Fraction(after[name]) - Fraction(before[name])
        effect = Fraction(0)
        for size in range(len(names)):
            weight = Fraction(
                factorial(size) * factorial(len(names) - size - 1), factorial(len(names))
            )
            for moved in combinations(others, size):
                product = step
                for other in others:
                    product *= after[other] if other in moved else before[other]
                effect += weight * product
        effects[name] = effect
    return effects


def _collected(table: ir.Table, by: str | None) -> dict[str | None, dict[str, Fraction]]:
    """The rows of `factors` by group, exact: decimals cross as text, because floats would round."""
    numbers = [name for name in table.columns if name != by]
    frame = collect(
        table.mutate({n: table[n].cast("string") for n in numbers}), max_rows=_MOST_GROUPS
    )
    groups = [None if by is None or pd.isna(value) else value for value in frame.get(by, [None])]
    rows = frame[numbers].to_dict("records")
    return {
        group: {str(name): Fraction(value) for name, value in row.items()}
        for group, row in zip(groups, rows, strict=True)
    }


def _decomposed(
    old: Mapping[str, Fraction], new: Mapping[str, Fraction], measure: Measure
) -> pd.DataFrame:
    ratios = [_ratios(window, measure) for window in (old, new)]
    effects = shapley(*_defined(*ratios))
    rows = [(name, ratios[0][name], ratios[1][name], effects[name]) for name in ratios[0]]
    for name, values in _added(old, new, ratios, measure).items():
        rows.append((name, values[0], values[1], values[1] - values[0]))
    totals = [window.get(measure, Fraction(0)) for window in (old, new)]
    change = totals[1] - totals[0]
    rows.append(("total", totals[0], totals[1], change))
    return pd.DataFrame(
        {
            "factor": [row[0] for row in rows],
            "before": [_float(row[1]) for row in rows],
            "after": [_float(row[2]) for row in rows],
            "effect": [float(row[3]) for row in rows],
            "share": [float(row[3] / change) if change else None for row in rows],
        }
    ).astype({"before": float, "after": float, "share": float})


def _added(
    old: Mapping[str, Fraction],
    new: Mapping[str, Fraction],
    ratios: list[dict[str, Fraction | None]],
    measure: Measure,
) -> dict[str, list[Fraction]]:
    """What is added to the product: anonymous, and under returns all else of known customers.

    The difference to the total rather than the sum of returns, because lines given away for nothing
    have a margin but no margin rate, and the total has to come out all the same.
    """
    added: dict[str, list[Fraction]] = {name: [] for name in ADDED}
    for window, factor in zip((old, new), ratios, strict=True):
        prefix = "" if measure == "revenue" else "margin_"
        anonymous = window.get(f"{prefix}anonymous", Fraction(0))
        product = prod(value or Fraction(0) for value in factor.values())
        added["returns"].append(window.get(measure, Fraction(0)) - anonymous - product)
        added["anonymous"].append(anonymous)
    return added


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _ratios(window: Mapping[str, Fraction], measure: Measure) -> dict[str, Fraction | None]:
    """The factors of one window; None where a factor would divide by zero."""
    names = [*_COUNTS, "purchases"] + (["margin_purchases"] if measure == "margin" else [])
    steps = [window.get(name, Fraction(0)) for name in names]
    ratios: dict[str, Fraction | None] = {FACTORS[0]: steps[0]}
    for name, below, above in zip(FACTORS[1:], steps, steps[1:], strict=False):
        ratios[name] = above / below if below else None
    return ratios


def _defined(
    old: Mapping[str, Fraction | None], new: Mapping[str, Fraction | None]
) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """Both windows with undefined factors taken from the other; 0 where neither knows it."""

    def filled(
        own: Mapping[str, Fraction | None], other: Mapping[str, Fraction | None]
    ) -> dict[str, Fraction]:
        return {
            name: next((v for v in (value, other[name]) if v is not None), Fraction(0))
            for name, value in own.items()
        }

    return filled(old, new), filled(new, old)
