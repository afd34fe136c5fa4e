"""The life of categories and products: their stage, the demand for them, and the prices of a month."""

from __future__ import annotations

import numpy as np

from crm_lib.simulate.block import Floats, Ints, random_stream
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.laws import STAGES, Category, Company, Product

LEVELS = {"start": 0.05, "growth": 0.15, "peak": 1.0, "rest": 0.2}
"""Demand at the introduction, at the start of growth, at maturity, and after the decline."""
DECLINE_LASTS = 0.5
"""From the peak to the rest: this share of the window."""
HANDOVER_MONTHS = 6
"""A new product takes so long to its full weight, a replaced one to vanish."""
PRICE_CUTS = (0.1, 0.2)
"""Shares of the list price, each as likely."""


def stages(company: Company, clock: Clock) -> Ints:
    """The stage of each category in each month: positions in `laws.STAGES`; -1 before it exists."""
    found = np.full((len(company.categories), clock.months), -1, dtype=np.int64)
    for row, category in enumerate(company.categories):
        for code, moment in enumerate(_moments(category)):
            if moment is not None:
                found[row, max(clock.month_at(moment), 0) :] = code
    return found


def _moments(category: Category) -> tuple[float | None, ...]:
    found = tuple(getattr(category, stage.lower()) for stage in STAGES)
    known = [moment for moment in found if moment is not None]
    assert known == sorted(known), f"the stages of {category.name} are not in order"
    return found


def demand(company: Company, clock: Clock) -> Floats:
    """The demand for each category in each month, 1 at maturity, 0 before its introduction.

    Straight lines between the levels of `LEVELS`, reached at the first day of the stage's month. A
    growth without maturity in sight reaches its peak at the end of the window.
    """
    middle = np.arange(clock.months) + 0.5
    return np.array([np.interp(middle, *_path(c, clock), left=0.0) for c in company.categories])


def _path(category: Category, clock: Clock) -> tuple[list[float], list[float]]:
    month = clock.month_at
    points = [(float(month(category.introduction)), LEVELS["start"])]
    if category.growth is not None:
        points.append((month(category.growth), LEVELS["growth"]))
        peak = category.maturity if category.maturity is not None else max(1.0, category.growth)
        points.append((max(month(peak), points[-1][0] + 1), LEVELS["peak"]))
    if category.decline is not None:
        points.append((month(category.decline), LEVELS["peak"]))
        points.append((month(category.decline + DECLINE_LASTS), LEVELS["rest"]))
    return [at for at, _ in points], [level for _, level in points]


def product_weights(company: Company, clock: Clock) -> Floats:
    """The weight of each product in each month; within a category and month they add up to 1."""
    rows = []
    for category in company.categories:
        weights = np.array([_weight(product, clock) for product in category.products])
        total = weights.sum(axis=0)
        rows.append(np.divide(weights, total, out=np.zeros_like(weights), where=total > 0))
    return np.concatenate(rows)


def _weight(product: Product, clock: Clock) -> Floats:
    middle = np.arange(clock.months) + 0.5
    launched = clock.month_at(product.launched)
    rising = np.clip((middle - launched) / HANDOVER_MONTHS, 0, 1) if launched > 0 else 1.0
    if product.replaced is not None:
        rising = rising * np.clip(
            1 - (middle - clock.month_at(product.replaced)) / HANDOVER_MONTHS, 0, 1
        )
    return np.full(clock.months, product.popularity) * rising


def price_cuts(company: Company, clock: Clock, seed: int) -> Floats:
    """How much below its list price each product is sold in each month, as a share of the price."""
    stream = random_stream("prices", seed)
    shape = (len(company.products), clock.months)
    is_cut = stream.random(shape) < company.laws.price_cut_share
    return np.where(is_cut, stream.choice(PRICE_CUTS, size=shape), 0.0)
