"""Efforts: hours add up for each rep, follow true value, and go astray by the share of the law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from crm_lib.simulate.behaviour import buying
from crm_lib.simulate.tables import accounts, efforts
from tests.simulate import account_world as small

BLOCK, PEOPLE = small.world(small.company(), count=1_200)
SPELLS = buying.make(BLOCK, PEOPLE)[0]
ALIVE = efforts.living(BLOCK, PEOPLE, SPELLS)
WORK = efforts.work(BLOCK, PEOPLE, SPELLS)
HOME = accounts.home_rep(BLOCK, PEOPLE)


def test_who_is_a_customer_in_which_month() -> None:
    assert ALIVE.shape == (24, 1_200)
    assert not ALIVE[:, PEOPLE.never_buys].any()
    row = int(np.flatnonzero(SPELLS.number == 1)[5])
    customer = SPELLS.customer[row]
    month = BLOCK.clock.month_of_day
    first = month[int(SPELLS.starts[row])]
    last = month[min(int(SPELLS.ends[row]), BLOCK.clock.days - 1)]
    assert (np.flatnonzero(ALIVE[:, customer]) == np.arange(first, last + 1)).all()


def test_a_rep_works_the_hours_of_the_law_every_month() -> None:
    hours = np.zeros((24, 30))
    np.add.at(hours, (WORK.month, WORK.rep), WORK.quarters / 4)
    assert (hours == small.ACCOUNTS.hours_per_rep).all()


def test_only_customers_get_hours_and_each_rep_has_one_row_for_each() -> None:
    assert ALIVE[WORK.month, WORK.customer].all()
    assert WORK.quarters.min() >= 1
    key = np.stack([WORK.rep, WORK.customer, WORK.month])
    assert np.unique(key, axis=1).shape == key.shape
    assert len(np.unique(key[1:], axis=1).T) < len(key.T)  # several reps serve one account


def test_the_misallocated_share_of_the_hours_goes_to_accounts_of_anyone() -> None:
    """By chance some of these lie in the rep's own territory, so less than the share leaves it."""
    away = WORK.quarters[WORK.rep != HOME[WORK.customer]].sum() / WORK.quarters.sum()
    own = ALIVE.astype(int) @ (HOME[:, None] == np.arange(30))  # living accounts by month and rep
    foreign = 1 - own / ALIVE.sum(axis=1, keepdims=True)
    law = small.ACCOUNTS.misallocated_share
    draws = efforts.VISITS * foreign.size
    assert small.within(away, law * foreign.mean(), law * small.share_error(foreign.mean(), draws))


def test_without_misallocation_every_account_gets_what_it_is_worth() -> None:
    honest = small.company(accounts=replace(small.ACCOUNTS, misallocated_share=0.0))
    block = replace(BLOCK, company=honest)
    work = efforts.work(block, PEOPLE, SPELLS)
    hours = np.zeros(ALIVE.shape)
    np.add.at(hours, (work.month, work.customer), work.quarters / 4)
    right = efforts.right_shares(block, PEOPLE, SPELLS) * small.ACCOUNTS.hours_per_rep
    assert np.abs(hours - right).max() < 0.25  # a quarter of an hour is the smallest unit
    gap = (hours - right).sum(axis=0)[ALIVE.any(axis=0)]
    assert small.within(gap.mean(), 0, gap.std() / np.sqrt(len(gap)))


def test_right_hours_are_in_proportion_to_true_value() -> None:
    value = accounts.traits(BLOCK, PEOPLE).true_value
    shares = efforts.right_shares(BLOCK, PEOPLE, SPELLS)[12]
    mine = (HOME == 3) & ALIVE[12]
    assert shares[mine] == pytest.approx(value[mine] / value[mine].sum())
    assert (shares[(HOME == 3) & ~ALIVE[12]] == 0).all()


def test_a_territory_without_customers_gets_no_hours() -> None:
    nobody = SPELLS.take(HOME[SPELLS.customer] != 3)
    work = efforts.work(BLOCK, PEOPLE, nobody)
    assert set(work.rep) == set(range(30)) - {3}
    nothing = efforts.table(BLOCK, PEOPLE, SPELLS.take(SPELLS.customer < 0))
    assert nothing.num_rows == 0


def test_hours_cost_what_an_hour_costs() -> None:
    table = efforts.table(BLOCK, PEOPLE, SPELLS).to_pydict()
    for hours, cost in zip(table["hours"][:500], table["cost"][:500], strict=True):
        assert cost == Decimal(str(hours)) * 48
    cents = efforts.cost_cents(BLOCK, PEOPLE, SPELLS)
    assert Decimal(int(cents.sum())) / 100 == sum(table["cost"])
    first = sum(
        cost
        for customer, cost in zip(table["customer_id"], table["cost"], strict=True)
        if customer == "C00000001"
    )
    assert Decimal(int(cents[0])) / 100 == first


def test_the_truth_has_the_same_hours_and_the_right_ones() -> None:
    truth = efforts.truth(BLOCK, PEOPLE, SPELLS).to_pandas()
    table = efforts.table(BLOCK, PEOPLE, SPELLS).to_pandas()
    assert truth["actual_hours"].sum() == table["hours"].sum() == 24 * 30 * 130
    assert truth["right_hours"].sum() == pytest.approx(24 * 30 * 130)
    assert not truth.duplicated(["customer_id", "month"]).any()
    by_account = table.groupby(["customer_id", "month"], observed=True)["hours"].sum()
    known = truth.set_index(["customer_id", "month"])["actual_hours"]
    assert (known[known > 0].sort_index() == by_account.sort_index()).all()


def test_the_table_passes_the_expectations(make_project: Callable[..., Path]) -> None:
    table = efforts.table(BLOCK, PEOPLE, SPELLS)
    assert small.complaints(make_project, "efforts", table) == []


def test_the_same_again() -> None:
    block, people = small.world(small.company(), count=1_200)
    spells = buying.make(block, people)[0]
    for make in (efforts.table, efforts.truth):
        assert small.equal(make(BLOCK, PEOPLE, SPELLS), make(block, people, spells))
