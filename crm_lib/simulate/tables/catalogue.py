"""The products a company sells, and the truth about the lives of products and categories."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa

from crm_lib.simulate.behaviour import lifecycle
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.laws import STAGES, WINDOW_ENDS, Company, Product
from crm_lib.simulate.tables import arrow


def table(company: Company, clock: Clock) -> pa.Table:
    """Canonical `products`, one row a product launched by the end; launched_on may lie before the window."""
    sold = _sold(company, clock)
    return pa.table(
        {
            "product_id": pa.array([p.product_id for _, p in sold]),
            "name": pa.array([p.name for _, p in sold]),
            "category": pa.array([category for category, _ in sold]),
            "subcategory": pa.array([p.subcategory for _, p in sold]),
            "launched_on": pa.array([_taking_effect(clock, p.launched) for _, p in sold]),
            "list_price": arrow.money(arrow.cents(np.array([p.list_price for _, p in sold]))),
        }
    )


def truth(company: Company, clock: Clock) -> dict[str, pa.Table]:
    """What is known of the range, by file: `categories` and `products`.

    categories: one row a stage of a category within the window: category, stage, from_on (its first
    day, not before the window), to_on (its last day; null: it lasts). products: one row a product:
    product_id, category, replaced_on (from then on less of it is sold, within half a year none) and
    successor_id (null: never), return_rate (a share of its
    lines), cost_rate (a share of its list price).
    """
    return {"categories": _stages(company, clock), "products": _products(company, clock)}


def _stages(company: Company, clock: Clock) -> pa.Table:
    codes = lifecycle.stages(company, clock)
    rows: dict[str, list[object]] = {"category": [], "stage": [], "from_on": [], "to_on": []}
    for category, by_month in zip(company.categories, codes, strict=True):
        changes = np.flatnonzero(np.diff(by_month, prepend=-1))
        for begins, ends in pairwise([*changes, None]):
            rows["category"].append(category.name)
            rows["stage"].append(STAGES[by_month[begins]])
            rows["from_on"].append(clock.month_starts[begins])
            rows["to_on"].append(None if ends is None else _day_before(clock, ends))
    dates = {"from_on": pa.date32(), "to_on": pa.date32()}
    return pa.table({name: pa.array(v, dates.get(name)) for name, v in rows.items()})


def _day_before(clock: Clock, month: int) -> date:
    return clock.month_starts[month] - timedelta(days=1)


def _products(company: Company, clock: Clock) -> pa.Table:
    sold = _sold(company, clock)
    replaced = [_within(clock, p.replaced) for _, p in sold]
    return pa.table(
        {
            "product_id": pa.array([p.product_id for _, p in sold]),
            "category": pa.array([category for category, _ in sold]),
            "replaced_on": pa.array(replaced, pa.date32()),
            "successor_id": pa.array([p.successor or None for _, p in sold], pa.string()),
            "return_rate": pa.array([p.return_rate for _, p in sold]),
            "cost_rate": pa.array([p.cost_rate for _, p in sold]),
        }
    )


def _sold(company: Company, clock: Clock) -> list[tuple[str, Product]]:
    """(category, product) of the products that are launched before the end of the window."""
    every = [(category.name, p) for category in company.categories for p in category.products]
    return [pair for pair in every if _within(clock, pair[1].launched) is not None]


def _within(clock: Clock, moment: float | None) -> date | None:
    """The day of a moment; None where there is none before the end of the window."""
    day = None if moment is None else _taking_effect(clock, moment)
    return None if day is None or day >= WINDOW_ENDS else day


def _taking_effect(clock: Clock, moment: float) -> date:
    """The day of a moment: within the window, what is sold changes at the first day of a month."""
    if moment <= 0:
        return clock.date_of(clock.day_at(moment))
    return clock.month_starts[clock.month_at(moment)]
