"""Purchases, leaving, complaints, comebacks and campaigns follow their laws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crm_lib.simulate import company
from crm_lib.simulate.behaviour import buying, people
from crm_lib.simulate.behaviour.arrivals import arrivals
from crm_lib.simulate.block import BLOCK_CUSTOMERS, Block
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.laws import Laws
from tests.simulate.blocks import lived, plain_retailer, retailer, share_agrees, within

EVEN = Laws()
"""No seasons, no events."""


def _arrivals(shape: int, laws: Laws = EVEN, units: int = 2_000, rate: float = 0.05):
    clock = Clock(laws, 36)
    stream = np.random.default_rng(3)
    starts, ends = np.zeros(units), np.full(units, float(clock.days))
    unit, time = arrivals(stream, clock, starts, ends, np.full(units, rate), np.full(units, shape))
    return clock, unit, time


def test_arrivals_come_at_their_rate_and_by_season():
    season = company("retailer").laws.season
    clock, unit, time = _arrivals(1, Laws(season=season))
    expected = 2_000 * 0.05 * np.bincount(clock.month_of_day, clock.intensity)
    found = np.bincount(clock.month_of_day[time.astype(int)], minlength=36)
    assert (np.abs(found - expected) <= 4 * np.sqrt(expected)).all()
    assert found[11] > 1.3 * found[12]  # December and January
    assert (np.diff(time)[np.diff(unit) == 0] >= 0).all()


def test_an_outside_event_changes_every_rate_from_its_day_on():
    event = replace(company("retailer").laws.events[0], moment=0.5, factor=0.8)
    clock, _, time = _arrivals(1, Laws(events=(event,)))
    day = clock.day_at(0.5)
    before, after = (time < day).sum() / day, (time >= day).sum() / (clock.days - day)
    error = after / before * np.sqrt(1 / (time < day).sum() + 1 / (time >= day).sum())
    assert within(after / before, 0.8, error)


def test_gaps_of_regular_customers_vary_less():
    for shape in (1, 4):
        _, unit, time = _arrivals(shape)
        gaps = np.diff(time)[np.diff(unit) == 0]
        variation = gaps.std() / gaps.mean()
        # The relative error of a coefficient of variation is below 1/√n for gamma gaps; long gaps
        # are cut off by the end of the window, by less than their mean ÷ the window.
        cut = gaps.mean() / 1096
        assert abs(variation - 1 / np.sqrt(shape)) < 4 / np.sqrt(len(gaps)) + cut


def test_lifetimes_are_pareto_by_segment():
    life = plain_retailer()
    spells, people = life.spells, life.people
    segment = people.segment[spells.customer]
    for number, declared in enumerate(life.block.company.segments):
        law = declared.purchasing
        lifetime = (spells.ends - spells.starts)[segment == number]
        for days in (30, 180, 700):
            survival = (law.beta_days / (law.beta_days + days)) ** law.s
            assert share_agrees(int((lifetime > days).sum()), len(lifetime), survival)


def test_repeat_purchases_have_the_expectation_of_pareto_nbd():
    # Schmittlein, Morrison & Colombo 1987, eq. 17: E[X(t)] = rβ/(α(s−1)) · (1 − (β/(β+t))^(s−1)).
    life = plain_retailer()
    segment = life.people.segment[life.spells.customer]
    span = 400.0
    observed = life.spells.starts + span < life.block.clock.days
    repeats = life.bought.take(np.flatnonzero(~life.bought.is_first))
    early = repeats.time - life.spells.starts[repeats.spell] <= span
    counts = np.bincount(repeats.spell[early], minlength=len(life.spells))
    for number, declared in enumerate(life.block.company.segments):
        law = declared.purchasing
        sample = counts[observed & (segment == number)]
        gone = 1 - (law.beta_days / (law.beta_days + span)) ** (law.s - 1)
        expected = law.r * law.beta_days / (law.alpha_days * (law.s - 1)) * gone
        assert within(sample.mean(), expected, sample.std() / np.sqrt(len(sample)))


def test_complaints_their_causes_and_what_they_do():
    life = retailer()
    law = life.block.company.laws.complaints
    bought = life.bought
    # Those removed with the customer's leaving were drawn from the same law.
    assert share_agrees(int((bought.cause >= 0).sum()), len(bought), law.rate)
    complaints = bought.take(np.flatnonzero(bought.cause >= 0))
    for code, (share, resolved, _) in enumerate(law.causes.values()):
        of = complaints.cause == code
        assert share_agrees(int(of.sum()), len(complaints), share)
        settled = ~np.isnan(complaints.resolved[of])
        assert share_agrees(int(settled.sum()), int(of.sum()), resolved)
    settled = ~np.isnan(complaints.resolved)
    for group, odds in ((settled, law.leave_if_resolved), (~settled, law.leave_if_unresolved)):
        assert share_agrees(int(complaints.leaves[group].sum()), int(group.sum()), odds)


def test_who_leaves_for_a_complaint_buys_no_more():
    life = retailer()
    bought, spells = life.bought, life.spells
    assert (bought.time <= spells.ends[bought.spell]).all()
    left = np.flatnonzero(spells.complaint >= 0)
    assert len(left) > 50
    last = np.zeros(len(spells))
    np.maximum.at(last, bought.spell, bought.time)
    assert (last[left] <= spells.ends[left]).all()
    assert (
        (spells.ends[left] - last[left]) < 5
    ).mean() > 0.5  # the complaint is about a recent order


def test_some_who_left_come_back_once():
    life = retailer()
    law, spells = life.block.company.laws.comeback, life.spells
    first = spells.take(np.flatnonzero(spells.number == 1))
    second = spells.take(np.flatnonzero(spells.number == 2))
    room = np.maximum(life.block.clock.days - first.ends - law.shortest_days, 0)
    odds = law.probability * (1 - np.exp(-room / (law.mean_days - law.shortest_days)))
    assert within(len(second), odds.sum(), np.sqrt((odds * (1 - odds)).sum()))
    ended = dict(zip(first.customer, first.ends, strict=True))
    pause = second.starts - np.array([ended[customer] for customer in second.customer])
    assert (pause >= law.shortest_days).all()


def test_the_incident_takes_its_share_of_the_repeat_orders_it_hits():
    declared = company("retailer")
    law = declared.laws.incident
    calm = replace(declared, laws=replace(declared.laws, incident=None))
    counts = []
    for made in (declared, calm):
        orders, others = 0, 0
        for number in range(4):
            clock = Clock(made.laws, 24)
            block = Block(made, clock, 1, number, number * BLOCK_CUSTOMERS, BLOCK_CUSTOMERS)
            persons = people.make(block)
            spells, bought = buying.make(block, persons)
            segment = persons.segment[spells.customer[bought.spell]]
            in_month = clock.month_of_day[bought.time.astype(int)] == clock.month_at(law.moment)
            hit = (segment == [s.name for s in made.segments].index(law.segment)) & in_month
            hit &= (bought.channel == made.channels.index(law.channel)) & ~bought.is_first
            orders += int(hit.sum())
            others += int((in_month & ~hit).sum())
        counts.append((orders, others))
    (hit, others), (usual, usual_others) = counts
    assert within(hit / usual, 1 - law.drop, hit / usual * np.sqrt(1 / hit + 1 / usual))
    assert within(others / usual_others, 1, np.sqrt(2 / others))


def test_campaigns_lift_the_treated_and_leave_the_control_alone():
    strong = company("retailer")
    campaigns = tuple(
        replace(c, reach=1.0, lift=1.0, control_share=0.5)
        for c in strong.laws.campaigns
        if c.kind == "promotion"
    )
    strong = replace(strong, laws=replace(strong.laws, campaigns=campaigns))
    life = lived(strong, 48)
    for code, law in enumerate(campaigns):
        took = life.exposures.take(np.flatnonzero(life.exposures.campaign == code))
        assert share_agrees(int((~took.is_treated).sum()), len(took), law.control_share)
        first = life.block.clock.day_at(law.starts)
        inside = (life.orders.day >= first) & (life.orders.day < first + law.days)
        by = np.bincount(life.orders.customer[inside], minlength=len(life.people))
        treated = by[took.customer[took.is_treated]]
        control = by[took.customer[~took.is_treated]]
        # Orders of the alive rise by `lift`; the difference of means carries the error of both.
        error = np.sqrt(treated.var() / len(treated) + control.var() / len(control))
        ratio = treated.mean() / control.mean()
        assert within(ratio, 1 + law.lift, ratio * error / control.mean())
        redeemed = life.orders.campaign[inside] == code
        assert not np.isin(
            life.orders.customer[inside][redeemed], took.customer[~took.is_treated]
        ).any()
