"""Order values, lines, products, prices and returns follow their laws; money is exact."""

from __future__ import annotations

import numpy as np
import pytest

from crm_lib.simulate.behaviour import lifecycle
from crm_lib.simulate.tables import truth
from tests.simulate.blocks import plain_retailer, retailer, share_agrees, within


def _standardised(life):
    """Order value × ν, which is Gamma(p, 1) in the first year, and the completed years."""
    orders, people = life.orders, life.people
    years = ((orders.day - people.joined_day[orders.customer]) / 365.25).astype(int)
    return life.order_value * people.spend_rate[orders.customer], years


def test_order_values_are_gamma_gamma():
    life = plain_retailer()
    value, _ = _standardised(life)
    segment = life.people.segment[life.orders.customer]
    for number, declared in enumerate(life.block.company.segments):
        sample, p = value[segment == number], declared.spend.p
        assert within(sample.mean(), p, np.sqrt(p / len(sample)))


def test_orders_grow_with_the_relationship_by_the_known_factor():
    life = retailer()
    value, years = _standardised(life)
    p = np.array([s.spend.p for s in life.block.company.segments])
    relative = value / p[life.people.segment[life.orders.customer]]
    for completed in range(4):
        sample = relative[years == completed]
        factor = life.block.company.laws.tenure.factor(completed + 1)
        assert within(sample.mean(), factor, sample.std() / np.sqrt(len(sample)))


def test_spend_is_independent_of_frequency():
    life = plain_retailer()
    counts = np.bincount(life.orders.customer, minlength=len(life.people))
    for number in range(len(life.block.company.segments)):
        of = (life.people.segment == number) & (counts > 1)
        found = np.corrcoef(np.log(counts[of]), np.log(life.people.spend_rate[of]))[0, 1]
        assert within(found, 0, 1 / np.sqrt(of.sum()))


def test_lines_add_up_and_prices_are_list_prices_less_discount():
    life = retailer()
    lines = life.lines.take(np.flatnonzero(~life.lines.is_return))
    gross = lines.amount + lines.discount
    assert (lines.amount > 0).all()
    assert (lines.discount >= 0).all()
    listed = lines.quantity * life.choice.list_price[lines.product] / 10
    # Quantities come in thousandths: half of one at list price, and half a cent.
    assert (
        np.abs(listed - gross) <= life.choice.list_price[lines.product] / 20 + 0.5
    ).mean() > 0.99
    assert (lines.cost == np.rint(gross * life.choice.cost_rate[lines.product])).all()
    extra = np.array([s.extra_lines for s in life.block.company.segments])
    expected = 1 + extra[life.people.segment[life.orders.customer]]
    count = np.bincount(lines.order)
    assert within((count - expected).mean(), 0, np.sqrt(expected - 1).mean() / np.sqrt(len(count)))
    assert (lines.number[np.cumsum(count) - count] == 1).all()


@pytest.mark.parametrize("index", range(3))
def test_discounts_are_price_cuts_and_campaigns(index):
    life = retailer()
    campaigns = life.block.company.laws.campaigns
    lines = life.lines.take(np.flatnonzero(~life.lines.is_return & (life.lines.amount > 2_000)))
    campaign = life.orders.campaign[lines.order]
    month = life.block.clock.month_of_day[lines.day]
    cut = life.choice.price_cuts[lines.product, month]
    given = np.where(campaign >= 0, np.array([c.discount_rate for c in campaigns])[campaign], 0.0)
    rate = lines.discount / (lines.amount + lines.discount)
    chosen = [campaign < 0, campaign >= 0, cut > 0][index]
    assert chosen.sum() > 50
    error = np.abs(rate - (1 - (1 - cut) * (1 - given)))[chosen]
    assert error.max() < 0.5 / 2_000  # half a cent of 20.00


def test_lines_come_back_at_their_products_rate_in_full():
    life = retailer()
    lines, clock = life.lines, life.block.clock
    shortest, longest = life.block.company.laws.return_days
    sold = lines.take(np.flatnonzero(~lines.is_return))
    back = lines.take(np.flatnonzero(lines.is_return))
    key = {(o, n): i for i, (o, n) in enumerate(zip(sold.order, sold.number, strict=True))}
    rows = np.array([key[pair] for pair in zip(back.order, back.number, strict=True)])
    assert (back.amount == -sold.amount[rows]).all()
    assert (back.cost == -sold.cost[rows]).all()
    wait = back.day - sold.day[rows]
    assert wait.min() >= shortest
    assert wait.max() <= longest
    settled = sold.day < clock.days - longest
    came_back = np.zeros(len(sold), dtype=bool)
    came_back[rows] = True
    for code, product in enumerate(life.block.company.products):
        of = settled & (sold.product == code)
        assert share_agrees(int(came_back[of].sum()), int(of.sum()), product.return_rate)


def test_products_are_chosen_by_their_weights():
    life = retailer()
    sold = life.lines.take(np.flatnonzero(~life.lines.is_return))
    customer = life.orders.customer[sold.order]
    stage = lifecycle.stages(life.block.company, life.block.clock)
    month = life.block.clock.month_of_day[sold.day]
    assert (stage[life.choice.category[sold.product], month] >= 0).all()  # nothing before its time
    weights = life.choice._weights(life.block.company, life.block.clock)
    weights /= weights.sum(axis=-1, keepdims=True)
    segment, adopter = life.people.segment[customer], life.people.adopter[customer]
    expected = weights[segment, adopter, month]
    counts, mean = np.bincount(sold.product, minlength=expected.shape[1]), expected.sum(axis=0)
    error = np.sqrt((expected * (1 - expected)).sum(axis=0))
    assert (np.abs(counts - mean) <= 4 * error + 1e-9).all()


def test_laggards_leave_a_new_category_to_the_innovators():
    life = retailer()
    sold = life.lines.take(np.flatnonzero(~life.lines.is_return))
    stage = lifecycle.stages(life.block.company, life.block.clock)
    month = life.block.clock.month_of_day[sold.day]
    is_new = stage[life.choice.category[sold.product], month] == 0
    adopter = life.people.adopter[life.orders.customer[sold.order]]
    shares = [is_new[adopter == code].mean() for code in range(5)]
    assert shares[0] > shares[2] > shares[4]


def test_quantities_answer_to_prices_with_the_elasticity_of_the_segment():
    life = retailer()
    # Within a category and month: money is as the weight, quantity as money ÷ price.
    choice, clock = life.choice, life.block.clock
    weights = choice._weights(life.block.company, clock)
    base = lifecycle.product_weights(life.block.company, clock)
    cut = choice.price_cuts > 0
    for number, segment in enumerate(life.block.company.segments):
        by_category = weights[number, 2] / np.where(base.T > 0, base.T, np.nan)
        for category in range(len(life.block.company.categories)):
            of = choice.category == category
            money = by_category[:, of]
            listed = np.where(cut.T[:, of] | np.isnan(money), -1.0, money)
            usual = listed.max(axis=1, keepdims=True)
            price = 1 - choice.price_cuts.T[:, of]
            with np.errstate(invalid="ignore", divide="ignore"):
                quantity = money / usual / price
            seen = cut.T[:, of] & np.isfinite(quantity) & (usual > 0)
            assert np.allclose(quantity[seen], price[seen] ** segment.price_elasticity)


def test_tenure_compares_the_same_customers():
    life = plain_retailer()
    found = truth.tenure(life.block, life.people, life.spells, life.orders, life.lines)
    customers, first, then = found[:, 0], found[:, 3], found[:, 4]
    assert (np.diff(customers) <= 0).all()
    assert first[0] == then[0]
    # Nothing grows in a plain company, but the first year holds the first order for certain.
    assert (then[1:3] < first[1:3]).all()
    assert (then[1:3] > 0.5 * first[1:3]).all()
    grown = retailer()
    growing = truth.tenure(grown.block, grown.people, grown.spells, grown.orders, grown.lines)
    assert growing[2, 4] / growing[2, 3] > 1.2 * then[2] / first[2]
