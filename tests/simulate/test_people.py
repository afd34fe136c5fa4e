"""The people of a block follow the declared shares and Gamma laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crm_lib.simulate.behaviour.people import OPENING_DAYS
from crm_lib.simulate.laws import ADOPTER_SHARES
from tests.simulate.blocks import retailer, share_agrees

KS_CRITICAL = 2.0
"""Kolmogorov–Smirnov: √n·D exceeds it once in 1,500 samples."""


@pytest.mark.parametrize(
    ("column", "shares"),
    [
        ("segment", lambda c: [s.share for s in c.segments]),
        ("source", lambda c: [s.share for s in c.sources]),
        ("place", lambda c: list(c.places.values())),
        ("adopter", lambda c: ADOPTER_SHARES),
    ],
)
def test_kinds_of_people_have_their_shares(column, shares):
    life = retailer()
    codes = getattr(life.people, column)
    for code, share in enumerate(shares(life.block.company)):
        assert share_agrees(int((codes == code).sum()), len(codes), share)


def test_rates_are_gamma_by_segment_and_source():
    life = retailer()
    people = life.people
    for number, segment in enumerate(life.block.company.segments):
        of = people.segment == number
        for code, source in enumerate(life.block.company.sources):
            law = segment.purchasing
            chosen = of & (people.source == code)
            rate = people.rate[chosen] / source.rate_factor
            hazard = people.hazard[chosen] / source.hazard_factor
            for sample, shape, scale in (
                (rate, law.r, 1 / law.alpha_days),
                (hazard, law.s, 1 / law.beta_days),
            ):
                distance = stats.kstest(sample, "gamma", (shape, 0, scale)).statistic
                assert distance * np.sqrt(len(sample)) < KS_CRITICAL
        spend = stats.kstest(
            people.spend_rate[of], "gamma", (segment.spend.q, 0, 1 / segment.spend.gamma)
        )
        assert spend.statistic * np.sqrt(of.sum()) < KS_CRITICAL


def test_traits_have_their_shares():
    life = retailer()
    people, company = life.people, life.block.company
    assert share_agrees(int(people.never_buys.sum()), len(people), company.laws.never_buy_share)
    for number, segment in enumerate(company.segments):
        of = people.segment == number
        assert share_agrees(int(people.is_regular[of].sum()), int(of.sum()), segment.regular_share)
        assert share_agrees(int(people.is_costly[of].sum()), int(of.sum()), segment.costly_share)


def test_customers_join_in_the_opening_and_then_at_a_rising_density():
    life = retailer()
    laws, clock, joined = life.block.company.laws, life.block.clock, life.people.joined_day
    assert joined.min() >= 0
    assert joined.max() < clock.days
    elapsed = clock.seasonal(np.array([float(OPENING_DAYS), clock.days / 2, float(clock.days)]))
    share = elapsed / elapsed[-1]
    by = (share + laws.growth * share**2 / 2) / (1 + laws.growth / 2)
    opening = laws.opening_share + (1 - laws.opening_share) * by[0]
    assert share_agrees(int((joined < OPENING_DAYS).sum()), len(joined), opening)
    half = laws.opening_share + (1 - laws.opening_share) * by[1]
    assert share_agrees(int((joined < clock.days // 2).sum()), len(joined), half)
