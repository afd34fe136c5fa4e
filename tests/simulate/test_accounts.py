"""Accounts: rungs, shares of wallet, true value, terms, plans and territories follow their law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crm_lib.simulate.behaviour import buying
from crm_lib.simulate.tables import accounts
from tests.simulate import account_world as small

BLOCK, PEOPLE = small.world(small.company())
TRAITS = accounts.traits(BLOCK, PEOPLE)
SPELLS = buying.make(BLOCK, PEOPLE)[0]
RUNGS = list(small.ACCOUNTS.rungs)


@pytest.mark.parametrize("rung", range(3), ids=RUNGS)
def test_rungs_and_their_share_of_wallet_in_money(rung: int) -> None:
    share, mean, _, _ = small.ACCOUNTS.rungs[RUNGS[rung]]
    of_rung = TRAITS.rung == rung
    assert small.within(of_rung.mean(), share, small.share_error(share, len(PEOPLE)))
    inverse = 1 / TRAITS.share_of_wallet[of_rung]
    assert small.within(inverse.mean(), 1 / mean, inverse.std() / np.sqrt(len(inverse)))


def test_shares_of_wallet_vary_as_the_beta_law_says() -> None:
    drawn = accounts.shares(np.random.default_rng(1), np.full(100_000, 0.4), 9.0)
    a, b = 0.4 * 9 + 1, 0.6 * 9
    spread = np.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
    assert small.within(drawn.mean(), a / (a + b), spread / np.sqrt(len(drawn)))
    assert drawn.std() == pytest.approx(spread, rel=0.01)  # 4 · 1/√(2n) = 0.9 %
    assert drawn.min() >= 0.02
    assert drawn.max() <= 0.98


def test_true_value_is_revenue_and_what_could_be_won() -> None:
    row = int(np.flatnonzero(~PEOPLE.never_buys)[0])
    yearly = PEOPLE.rate[row] * 365.25 * 5.0 / PEOPLE.spend_rate[row]
    share = TRAITS.share_of_wallet[row]
    assert TRAITS.true_value[row] == pytest.approx(yearly + 0.25 * yearly * (1 - share) / share)
    assert (TRAITS.true_value[PEOPLE.never_buys] == 0).all()


def test_key_accounts_are_the_best_tenth_of_those_who_stay() -> None:
    key = accounts.key(BLOCK, PEOPLE, SPELLS)
    stays = np.zeros(len(PEOPLE), dtype=bool)
    stays[SPELLS.customer[SPELLS.ends >= BLOCK.clock.days]] = True
    assert key.sum() == round(0.1 * stays.sum()) > 50
    assert stays[key].all()
    assert TRAITS.true_value[key].min() >= TRAITS.true_value[stays & ~key].max()


def test_terms_follow_true_value_but_for_those_switched() -> None:
    fitting = TRAITS.discount_fits
    assert (~fitting).sum() == 800
    by_value = np.argsort(TRAITS.true_value[fitting], kind="stable")
    for terms in (TRAITS.discount_rate, TRAITS.payment_days, TRAITS.service_level):
        assert (np.diff(terms[fitting][by_value].astype(float)) >= 0).all()
    honest = small.company(accounts=replace(small.ACCOUNTS, switched_discounts=0.0))
    own = accounts.traits(*small.world(honest))
    assert own.discount_fits.all()
    assert (np.abs(own.discount_rate - TRAITS.discount_rate)[~fitting] > 0.05).all()
    assert sorted(own.discount_rate) == sorted(TRAITS.discount_rate)  # no more is given away
    assert (TRAITS.discount_rate.min(), TRAITS.discount_rate.max()) == (0.02, 0.18)


def test_plans_by_whether_an_account_is_valuable_and_when_they_were_made() -> None:
    planned = TRAITS.plan > 0
    for is_valuable, share in ((False, 0.1), (True, 0.7)):
        chosen = planned[TRAITS.is_valuable == is_valuable]
        assert small.within(chosen.mean(), share, small.share_error(share, len(chosen)))
    wins = PEOPLE.never_buys | (TRAITS.plan_day < PEOPLE.joined_day)
    assert (TRAITS.plan[planned] == np.where(wins, 1, 2)[planned]).all()
    assert ((TRAITS.plan_day >= 0) == planned).all()
    assert TRAITS.plan_day.max() < BLOCK.clock.days


def test_who_buys_on_price_fits_less() -> None:
    for segment, mean in ((0, 1 / 2.5), (1, 1 / 1.25)):
        fit = TRAITS.strategic_fit[PEOPLE.segment == segment]
        assert small.within(fit.mean(), mean, fit.std() / np.sqrt(len(fit)))


def test_joint_savings_only_above_the_lowest_rung() -> None:
    assert (TRAITS.joint_savings[TRAITS.rung == 0] == 0).all()
    assert (TRAITS.joint_savings[(TRAITS.rung > 0) & ~PEOPLE.never_buys] > 0).all()


def test_territories_are_of_one_size_and_mostly_of_one_town() -> None:
    reps, sizes = np.unique(TRAITS.home_rep, return_counts=True)
    assert list(reps) == list(range(100))
    assert set(sizes) == {40}
    towns = [len(np.unique(PEOPLE.place[TRAITS.home_rep == rep])) for rep in reps]
    assert sorted(towns)[-2:] == [1, 2]  # one territory lies in both


def test_ids_of_representatives_are_those_of_the_company() -> None:
    assert accounts.rep_ids(BLOCK, np.array([0, 99, -1])).to_pylist() == ["R0001", "R0100", None]
    second, people = small.world(small.company(), count=50, number=1)
    codes = accounts.home_rep(second, people)
    assert set(codes) == {410, 411}  # a whole block of 16,384 accounts has 410
    assert accounts.rep_ids(second, codes[:1]).to_pylist()[0] in ("R0411", "R0412")


@pytest.mark.parametrize("count", [1, 2, 41])
def test_few_accounts(count: int) -> None:
    block, people = small.world(small.company(), count=count)
    assert accounts.table(block, people).num_rows == count
    assert accounts.traits(block, people).is_valuable.sum() == max(round(count / 10), 1)


def test_the_table_passes_the_expectations(make_project: Callable[..., Path]) -> None:
    assert small.complaints(make_project, "accounts", accounts.table(BLOCK, PEOPLE)) == []


def test_the_truth_tells_who_is_key_and_whose_terms_fit() -> None:
    truth = accounts.truth(BLOCK, PEOPLE, SPELLS)
    assert truth.column_names == [
        "customer_id", "rung", "share_of_wallet", "true_value", "is_key", "discount_fits", "home_rep",
    ]  # fmt: skip
    assert truth["is_key"].to_pylist() == accounts.key(BLOCK, PEOPLE, SPELLS).tolist()
    assert set(truth["rung"].to_pylist()) == set(RUNGS)


def test_the_same_again() -> None:
    block, people = small.world(small.company())
    assert small.equal(accounts.table(BLOCK, PEOPLE), accounts.table(block, people))
    spells = buying.make(block, people)[0]
    again = accounts.truth(block, people, spells)
    assert small.equal(accounts.truth(BLOCK, PEOPLE, SPELLS), again)


def test_consumers_have_no_accounts() -> None:
    with pytest.raises(ValueError, match="sells to consumers"):
        accounts.traits(*small.world(small.consumers()))
