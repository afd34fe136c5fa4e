"""Every analysis of the library, called on a company: by name, what it gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import ibis

from crm_lib.analysis import (
    acquisition,
    campaigns,
    clusters,
    clv,
    cohorts,
    concentration,
    dashboard,
    decomposition,
    equity,
    flow,
    keeping,
    lifetime,
    losses,
    margins,
    profiles,
    profit,
    repeat,
    segments,
    spend_ahead,
    stages,
    tenure,
    transitions,
)
from crm_lib.periods import Window, add_months
from tests.engines.on_engine import OnEngine

Analysis = Callable[[OnEngine], Any]


def earlier(book: OnEngine) -> date:
    """A day two thirds into what is observed."""
    return book.observed.start + timedelta(days=book.observed.days * 2 // 3)


def halves(book: OnEngine) -> dict[str, Window]:
    middle = book.observed.start + timedelta(days=book.observed.days // 2)
    return {
        "before": Window(book.observed.start, middle),
        "after": Window(middle, book.observed.end),
    }


def origins(book: OnEngine) -> dict[str, Any]:
    return {"by": "source", "observed": book.observed, "origins": book.table("customers")}


def by_origin(book: OnEngine) -> Any:
    each = acquisition.brought(book.ledger, book.customers)
    curves = acquisition.payback(book.ledger, book.customers, **origins(book))
    return acquisition.by_origin(
        each, book.table("customers"), curves, by="source", clv=book.values
    )


def won(book: OnEngine) -> equity.Newcomers:
    return equity.newcomers(book.customers, book.ledger, book.model, **book.span)


def earned_of(book: OnEngine) -> margins.Margins:
    return margins.of(book.occasions, book.ledger)


def summed_of(book: OnEngine) -> Any:
    """Spending and earnings side by side, as the marts hold them."""
    earnings = margins.earnings(margins.earned(book.ledger))
    joined = earnings.left_join(margins.spending(book.occasions), "customer_id")
    return joined.drop("customer_id_right")


def years(book: OnEngine) -> Any:
    made = tenure.years(book.lines, book.ledger, book.customers, observed=book.observed)
    return book.kept("years", made)


def moves(book: OnEngine) -> Any:
    return transitions.matrix(stages.stage(book.customers_at(earlier(book))), book.stages)


def became(book: OnEngine) -> Any:
    """Stages of an earlier day with what followed, as `marts.since` and a notebook put it together."""
    before = stages.stage(book.customers_at(earlier(book)))
    later = book.occasions.filter(book.occasions.on >= ibis.literal(earlier(book)))
    buyers = later.select("customer_id").distinct().mutate(has_bought=True)
    now = book.stages.select("customer_id", now_stage="stage")
    both = before.mutate(was_known=True).outer_join(now, "customer_id")
    both = both.mutate(
        customer_id=ibis.coalesce(both.customer_id, both.customer_id_right),
        was_known=both.was_known.fill_null(False),
    )
    joined = both.drop("customer_id_right").left_join(buyers, "customer_id")
    return joined.mutate(has_bought=joined.has_bought.fill_null(False))


def top_fifth(book: OnEngine) -> Any:
    top = concentration.ranked(book.customers).select("customer_id", "is_top_20_percent")
    return book.profile.left_join(top, "customer_id").drop("customer_id_right")


FACTS: dict[str, Analysis] = {
    "facts.occasions": lambda b: b.occasions,
    "facts.customers": lambda b: b.customers,
    "facts.customer_months": lambda b: b.customer_months,
    "facts.months": lambda b: b.months,
    "facts.days": lambda b: b.days,
    "ledger.ledger": lambda b: b.ledger,
    "ledger.reconciliation": lambda b: b.reconciliation,
}

ANALYSES: dict[str, Analysis] = {
    "acquisition.payback": lambda b: acquisition.payback(b.ledger, b.customers, **origins(b)),
    "acquisition.by_origin": by_origin,
    "campaigns.origins": lambda b: campaigns.origins(
        b.lines, b.customers, b.table("campaigns"), b.table("exposures")
    ),
    "campaigns.costs": lambda b: campaigns.costs(b.table("campaigns"), b.table("exposures")),
    "acquisition.brought": lambda b: acquisition.brought(b.ledger, b.customers),
    "acquisition.first_year": lambda b: acquisition.first_year(b.ledger, b.customers),
    "clusters.fit": lambda b: clusters.fit(b.customers, tried=(2, 3), resamples=2, stable_at=0.0).sizes(b.customers),
    "clv.by_customer": lambda b: b.values,
    "clv.totals": lambda b: clv.totals(b.values),
    "clv.by_group": lambda b: clv.by_group(b.values, b.stages, by="stage"),
    "clv.alive_bands": lambda b: clv.alive_bands(b.values),
    "clv.best": lambda b: clv.best(b.values, b.model, rows=5),
    "clv.listed": lambda b: clv.listed(b.values, b.customers),
    "cohorts.cells": lambda b: cohorts.cells(b.customer_months, b.customers),
    "cohorts.triangle": lambda b: cohorts.triangle(b.customer_months, b.customers, **b.span),
    "concentration.lorenz": lambda b: concentration.lorenz(b.customers, points=7),
    "concentration.gini": lambda b: concentration.gini(b.customers),
    "concentration.hhi": lambda b: concentration.hhi(b.customers),
    "concentration.top_shares": lambda b: concentration.top_shares(b.customers),
    "concentration.customers_for_share": lambda b: concentration.customers_for_share(b.customers),
    "concentration.negatives": lambda b: concentration.negatives(b.customers),
    "concentration.ranked": lambda b: concentration.ranked(b.customers),
    "dashboard.by_revenue": lambda b: dashboard.by_revenue(b.customer_months, observed=b.observed),
    "dashboard.measures": lambda b: dashboard.measures(
        b.months, b.customer_months, b.customers, ledger=b.ledger, **b.span
    ),
    "dashboard.monthly": lambda b: dashboard.monthly(
        b.months, b.customer_months, b.customers, ledger=b.ledger, **b.span
    ),
    "decomposition.factors": lambda b: decomposition.factors(b.lines, b.observed, by="channel"),
    "decomposition.decompose": lambda b: decomposition.decompose(b.lines, measure="margin", **halves(b)),
    "equity.stakes": lambda b: equity.stakes(b.values),
    "equity.newcomers": won,
    "flow.moves": lambda b: flow.moves(b.customer_months, b.customers, warm_up_ends=b.warm_up_ends),
    "flow.monthly": lambda b: flow.monthly(b.customer_months, b.customers, b.months, **b.span),
    "flow.quarterly": lambda b: flow.quarterly(
        b.customer_months, b.customers, b.months, fiscal_year_start=2, **b.span
    ),
    "flow.rolling": lambda b: flow.rolling(b.lines, b.customers, days=45, **b.span),
    "keeping.compare": lambda b: keeping.compare(
        b.ledger, b.customers, observed=b.observed, recorded=b.table("customers")
    ),
    "lifetime.histories": lambda b: lifetime.histories(b.customers),
    "lifetime.holdout": lambda b: lifetime.holdout(b.occasions, split=earlier(b), as_of=b.observed.end),
    "lifetime.known_before": lambda b: lifetime.known_before(b.occasions, split=earlier(b)),
    "lifetime.choose": lambda b: b.choice,
    "lifetime.sensitivity": lambda b: lifetime.sensitivity(b.customers, b.choice, horizon_months=12),
    "lifetime.tracking": lambda b: lifetime.tracking(b.choice, b.occasions),
    "lifetime.limits": lambda b: lifetime.limits(b.choice, b.customers, observed=b.observed, horizon_months=12),
    "losses.gains": lambda b: losses.gains(b.profits),
    "losses.negatives": lambda b: losses.negatives(b.profits),
    "losses.causes": lambda b: losses.causes(
        losses.negatives(b.profits), recent_since=add_months(b.observed.end, -6)
    ),
    "margins.of": lambda b: earned_of(b).per_occasion(),
    "margins.of_new": lambda b: margins.of_new(b.occasions, b.ledger, b.customers).per_occasion(),
    "margins.spending": lambda b: margins.spending(b.occasions),
    "margins.spend": lambda b: earned_of(b).facts(),
    "margins.earned": lambda b: margins.earned(b.ledger),
    "margins.earnings": lambda b: margins.earnings(margins.earned(b.ledger)),
    "margins.of_each": lambda b: margins.of_each(summed_of(b)).per_occasion(),
    "margins.with_expected_spend": lambda b: margins.with_expected_spend(margins.spending(b.occasions)),
    "margins.rates": lambda b: margins.rates(margins.earned(b.ledger)),
    "profiles.by": lambda b: profiles.by(b.profile, "region"),
    "profiles.by (ranges)": lambda b: profiles.by(b.profile, "age", top=4, bins=3),
    "profiles.by_role": lambda b: profiles.by_role(b.profile),
    "profiles.over_index": lambda b: profiles.over_index(top_fifth(b), "region", "is_top_20_percent"),
    "profiles.habits": lambda b: profiles.habits(b.lines, profile=b.profile, attribute="role"),
    "profiles.habits (hour)": lambda b: profiles.habits(b.lines, "hour", occasion="order"),
    "profiles.habits (month)": lambda b: profiles.habits(b.lines, "month"),
    "profiles.habits (channel)": lambda b: profiles.habits(b.lines, "channel"),
    "profiles.preferences": lambda b: profiles.preferences(b.lines, b.table("products"), profile=b.profile, attribute="role"),
    "profit.by_customer": lambda b: b.profits,
    "profit.summed": lambda b: profit.summed(b.ledger),
    "profit.ranked": lambda b: profit.ranked(profit.summed(b.ledger)),
    "profit.profit_levels": lambda b: profit.profit_levels(b.profits),
    "profit.by_month": lambda b: profit.by_month(b.ledger, observed=b.observed),
    "profit.bridge": lambda b: profit.bridge(b.ledger),
    "profit.whale": lambda b: profit.whale(b.profits, points=9),
    "profit.peak": lambda b: profit.peak(b.profits),
    "profit.by_group": lambda b: profit.by_group(b.profits, b.stages, "stage"),
    "profit.by_product": lambda b: profit.by_product(b.lines, b.table("products"), by="category"),
    "repeat.ladder": lambda b: repeat.ladder(b.customers, b.occasions, steps=3, within_days=60),
    "repeat.survival": lambda b: repeat.survival(b.profile, by="role"),
    "repeat.time_to_second": lambda b: repeat.time_to_second(b.profile, by="role", horizons=(30, 90)),
    "segments.cut_points": lambda b: segments.cut_points(b.customers),
    "segments.rfm": lambda b: b.scored,
    "segments.value_tiers": lambda b: segments.value_tiers(b.customers),
    "segments.sizes": lambda b: segments.sizes(b.scored),
    "segments.grid": lambda b: segments.grid(b.scored),
    "segments.segment_changes": lambda b: segments.segment_changes(
        segments.rfm(b.customers_at(earlier(b)), cuts=segments.cut_points(b.customers)), b.scored
    ),
    "spend_ahead.judge": lambda b: spend_ahead.judge(
        margins.with_expected_spend(lifetime.known_before(b.occasions, split=earlier(b))),
        lifetime.holdout(b.occasions, split=earlier(b), as_of=b.observed.end),
        b.model,
    ),
    "stages.stage": lambda b: b.stages,
    "stages.sizes": lambda b: stages.sizes(b.stages, b.customers),
    "stages.typical_gap": lambda b: stages.typical_gap(b.customers),
    "stages.at_stake": lambda b: stages.at_stake(stages.at_risk(b.stages, b.customers)),
    "stages.at_risk": lambda b: stages.at_risk(b.stages, b.customers),
    "tenure.years": years,
    "tenure.base": lambda b: tenure.base(b.customers, observed=b.observed, years=2),
    "tenure.reached": lambda b: tenure.reached(b.customers, observed=b.observed, late=2),
    "tenure.paired": lambda b: tenure.paired(years(b), b.customers, observed=b.observed, late=2),
    "tenure.curve": lambda b: tenure.curve(years(b), late=2),
    "transitions.matrix": moves,
    "transitions.matrix (counted)": lambda b: transitions.matrix(transitions.counted(became(b))),
    "transitions.counted": lambda b: transitions.counted(became(b)),
    "transitions.expected_time_in_stage": lambda b: transitions.expected_time_in_stage(
        moves(b), before=earlier(b), after=b.observed.end
    ),
    "transitions.bought_since": lambda b: transitions.bought_since(
        stages.stage(b.customers_at(earlier(b))), b.occasions, earlier(b)
    ),
    "transitions.bought_since (counted)": lambda b: transitions.bought_since(
        transitions.counted(became(b)), None, earlier(b)
    ),
}  # fmt: skip
