"""Outside: the market, goals, dated events and the self-assessment, each of the company as a whole.

What is split (a market over months and industries, money over questions) is split by rounding the
running sum, so that the parts add up exactly.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from crm_lib.simulate.behaviour import lifecycle
from crm_lib.simulate.block import Floats, Ints, random_stream
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.laws import Company
from crm_lib.simulate.tables import arrow

CHAMPIONS = 0.1
"""The goal for the segment Champions: this share of the customers won so far."""
ROUND_MONEY = 100
"""Goals in money are set in hundreds of the currency."""
SCORE_SPREAD = 0.7
"""Standard deviation of the answers around the mean of their pillar, before rounding to 1–5."""


def split(total: Ints | int, weights: npt.ArrayLike) -> Ints:
    """Whole numbers in proportion to `weights` (last axis) that add up to `total` exactly."""
    running = np.cumsum(weights, axis=-1, dtype=np.float64)
    share = running / np.where(running[..., -1:] > 0, running[..., -1:], 1.0)
    edges = np.rint(np.asarray(total)[..., None] * share).astype(np.int64)
    return np.diff(edges, axis=-1, prepend=0)


def market_cents(company: Company, clock: Clock, sales: Ints) -> Ints:
    """The whole market by category and month in cents; sales: ours, net, in the same shape.

    Over the window our sales ÷ the market = `Category.market_share`, to the cent. The months follow
    demand × season × events. A market is never smaller than what we sell in it: where chance sold so
    much in a month, the others give way. 0 for a category of which we sell nothing.
    """
    season = np.bincount(clock.month_of_day, clock.intensity, minlength=clock.months)
    index = lifecycle.demand(company, clock) * season
    ours = sales.sum(axis=1)
    found = np.zeros_like(sales)
    for row, category in enumerate(company.categories):
        if ours[row] > 0:
            total = round(int(ours[row]) / category.market_share)
            floor = np.maximum(sales[row], 0)
            found[row] = _at_least(split(total, index[row]), floor)
    return found


def _at_least(amounts: Ints, floor: Ints) -> Ints:
    """The amounts, same total, raised to the floor where they lie below it; the others in proportion."""
    raised = np.zeros(len(amounts), dtype=bool)
    found = amounts
    while (found < floor).any():
        raised |= found < floor
        left = amounts.sum() - floor[raised].sum()
        if left < 0 or raised.all():
            raise ValueError(
                "The market is smaller than our sales: market_share must be at most 1."
            )
        found = floor.copy()
        found[~raised] = split(left, amounts[~raised])
    return found


def market(company: Company, clock: Clock, sales: Ints) -> pa.Table:
    """The canonical `market`: one row a category and month, and industry where there are any.

    sales: our net sales in cents by category and month. No row before the category's introduction.
    """
    cents = market_cents(company, clock, sales)
    parts = split(cents, list(company.industries.values()) or [1.0])
    exists = (lifecycle.stages(company, clock) >= 0) & (cents.sum(axis=1) > 0)[:, None]
    by_month = np.broadcast_to(exists.T[:, :, None], (clock.months, *parts.shape[::2]))
    month, category, industry = np.nonzero(by_month)
    columns = {
        "month": arrow.months(month, clock),
        "category": arrow.texts(category, [c.name for c in company.categories]),
        "sales": arrow.money(parts[category, month, industry]),
    }
    if company.industries:
        columns["industry"] = arrow.texts(industry, list(company.industries))
    return pa.table(columns)


def targets(
    company: Company,
    clock: Clock,
    revenue_by_month: Ints,
    category_sales: Ints,
    rep_sales: Mapping[str, Ints] | None,
    customers_by_month: Ints,
) -> pa.Table:
    """The canonical `targets`: one row a goal for a month, in the order of measures and months.

    Our net sales in cents: revenue_by_month; category_sales by category and month; rep_sales by month
    for each rep_id (None: there are no reps, and no such column). customers_by_month: new customers.
    A goal is what comes about × `Laws.target_growth` of its half of the window, in whole hundreds of
    currency or whole customers; there is none where nothing comes about. Measures: "revenue" (all, by
    category, by rep; currency), "new customers", and "customers" of the segment Champions.
    """
    names = [category.name for category in company.categories]
    champions = CHAMPIONS * np.cumsum(customers_by_month)
    goals = [
        _goals(company, clock, "revenue", revenue_by_month / 100, ROUND_MONEY),
        *(
            _goals(company, clock, "revenue", row / 100, ROUND_MONEY, category=name)
            for name, row in zip(names, category_sales, strict=True)
        ),
        *(
            _goals(company, clock, "revenue", row / 100, ROUND_MONEY, rep_id=name)
            for name, row in sorted((rep_sales or {}).items())
        ),
        _goals(company, clock, "new customers", customers_by_month),
        _goals(company, clock, "customers", champions, segment="Champions"),
    ]
    found = pa.concat_tables(goals)
    return found if rep_sales else found.drop_columns("rep_id")


def _goals(
    company: Company,
    clock: Clock,
    measure: str,
    comes_about: npt.NDArray[np.generic],
    step: int = 1,
    **only: str,
) -> pa.Table:
    """The goals for one measure of one part of the company, one row a month."""
    later = (np.arange(clock.months) >= clock.months / 2).astype(np.int64)
    goal = np.rint(comes_about * np.array(company.laws.target_growth)[later] / step) * step
    month = np.flatnonzero(goal > 0)
    parts = {
        name: pa.array([only.get(name)] * len(month), pa.string())
        for name in ("segment", "category", "rep_id")
    }
    return pa.table(
        {
            "month": arrow.months(month, clock),
            "measure": pa.array([measure] * len(month), pa.string()),
            "target": pa.array(goal[month], pa.float64()),
            **parts,
        }
    )


def events(company: Company, clock: Clock) -> pa.Table:
    """The canonical `events`: one row a dated event outside the company, up to the end of the window."""
    found = sorted((clock.day_at(e.moment), e.what, e.kind) for e in company.laws.events)
    found = [event for event in found if event[0] < clock.days]
    return pa.table(
        {
            "on": arrow.days(np.array([day for day, _, _ in found], dtype=np.int64), clock),
            "what": pa.array([what for _, what, _ in found], pa.string()),
            "kind": pa.array([kind for _, _, kind in found], pa.string()),
        }
    )


def readiness(company: Company, customers: int, seed: int) -> pa.Table:
    """The canonical `readiness`: one row a question; a pillar's money adds up over its questions.

    What is declared was invested with `Company.customers`; with more or fewer, in proportion.
    """
    stream = random_stream("readiness", seed)
    pillars: list[str] = []
    asked: list[str] = []
    scores: list[Floats] = []
    spend: list[Ints] = []
    for pillar, (questions, mean, money) in company.readiness.items():
        pillars += [pillar] * len(questions)
        asked += questions
        answers = np.rint(stream.normal(mean, SCORE_SPREAD, len(questions)))
        scores.append(np.clip(answers, 1, 5))
        invested = round(money * 100 * customers / company.customers)
        spend.append(split(invested, stream.uniform(0.5, 1.5, len(questions))))
    return pa.table(
        {
            "pillar": pa.array(pillars, pa.string()),
            "question": pa.array(asked, pa.string()),
            "score": np.concatenate([np.empty(0), *scores]),
            "spend": arrow.money(np.concatenate([np.empty(0, dtype=np.int64), *spend])),
        }
    )
