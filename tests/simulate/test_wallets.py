"""Wallets: shares add up, agree with what we sold, and follow the law; what is on record errs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crm_lib.simulate.block import Block, Ints
from crm_lib.simulate.tables import accounts, wallets
from tests.simulate import account_world as small

EACH = 1_000_00
"""Cents that every account buys in "Old" each year, and in "New" in the last one."""


def sales(block: Block) -> Ints:
    """The same of everyone, so that estimates of shares need no weights; nothing of every tenth."""
    found = np.zeros((block.count, len(wallets.years(block.clock)), 2), dtype=np.int64)
    found[:, :, 0] = EACH
    found[:, -1, 1] = EACH
    found[::10] = 0
    return found


BLOCK, PEOPLE = small.world(small.company())
SALES = sales(BLOCK)
WALLETS = wallets.wallets(BLOCK, PEOPLE, SALES)
SOLD = WALLETS.our_share > 0
OWN = SALES[WALLETS.customer, WALLETS.year - 2024, WALLETS.category]


def test_our_sales_are_our_share_of_the_wallet() -> None:
    assert np.abs(WALLETS.spend * WALLETS.our_share - OWN).max() <= 1  # cent
    assert (WALLETS.reported >= OWN).all()


def test_years_are_those_of_the_window() -> None:
    assert list(wallets.years(BLOCK.clock)) == [2024, 2025]
    block, _ = small.world(small.company(), count=10, months=18)
    assert list(wallets.years(block.clock)) == [2024, 2025]
    assert set(WALLETS.year) == {2024, 2025}


@pytest.mark.parametrize("rung", range(3))
def test_the_share_of_wallet_of_a_rung_in_money(rung: int) -> None:
    """In a category of which we hold little of the market: sales ÷ wallets is the mean of the law."""
    mean = list(small.ACCOUNTS.rungs.values())[rung][1]
    of_rung = accounts.traits(BLOCK, PEOPLE).rung[WALLETS.customer] == rung
    chosen = SOLD & of_rung & (WALLETS.category == 0) & (WALLETS.year == 2025)
    times = WALLETS.spend[chosen] / EACH
    assert small.within(times.mean(), 1 / mean, times.std() / np.sqrt(chosen.sum()))


def test_where_we_hold_much_of_the_market_our_share_of_wallet_is_larger() -> None:
    """40 % of the market with customers who are half of it: 80 % of what these buy."""
    chosen = SOLD & (WALLETS.category == 1)
    times = WALLETS.spend[chosen] / EACH
    assert small.within(times.mean(), 1 / 0.8, times.std() / np.sqrt(chosen.sum()))


def test_shares_of_all_suppliers_add_up() -> None:
    truth = wallets.truth(BLOCK, PEOPLE, SALES).to_pandas()
    shares = truth[["our_share", "main_rival_share", "other_rivals_share"]].to_numpy()
    assert shares.sum(axis=1) == pytest.approx(np.ones(len(truth)))
    assert shares.min() > -1e-12
    assert truth["main_rival_share"].min() > 0


def test_suppliers_and_rank_agree_with_the_shares() -> None:
    rivals = WALLETS.suppliers - SOLD
    most = np.array([3, 3, 1])[accounts.traits(BLOCK, PEOPLE).rung[WALLETS.customer]]
    assert rivals.min() == 1
    assert (rivals <= most).all()  # no more than there are rivals, though a vendor's might be 5
    assert (WALLETS.our_rank[~SOLD] == -1).all()
    assert ((WALLETS.our_rank == 1) == (WALLETS.our_share >= WALLETS.main_rival_share))[SOLD].all()
    assert (WALLETS.our_rank <= WALLETS.suppliers).all()
    alone = rivals == 1
    assert WALLETS.main_rival_share[alone] == pytest.approx(1 - WALLETS.our_share[alone])
    remaining = (1 - WALLETS.our_share) / rivals
    assert (
        WALLETS.main_rival_share >= remaining - 1e-12
    ).all()  # the largest is no less than average


def white_space() -> wallets.Wallets:
    """The rows without sales of ours, where nobody buys "New" here."""
    only_old = SALES.copy()
    only_old[:, :, 1] = 0
    found = wallets.wallets(BLOCK, PEOPLE, only_old)
    return found.take(found.our_share == 0)


def test_white_space_is_what_the_segment_needs_and_we_do_not_sell() -> None:
    bought = np.any(SALES > 0, axis=(1, 2))
    assert bought[WALLETS.customer].all()  # nothing is known of the wallets of others
    white = white_space()
    assert set(white.category) == {1}
    buyers = bought & ~PEOPLE.never_buys  # nothing is expected of who never buys
    need = len(np.unique(white.customer)) / buyers.sum()
    odds = wallets.NEEDED * 0.2 / 0.8  # "New" draws a quarter as much as the favourite
    assert small.within(need, odds, small.share_error(odds, int(buyers.sum())))


def test_how_wallets_are_known_and_how_far_they_err() -> None:
    white = white_space()  # where we sell, what we sold is the least that is on record
    for code, (name, (share, sigma)) in enumerate(wallets.EVIDENCE.items()):
        known = np.unique(WALLETS.customer[WALLETS.evidence == code])
        everyone = len(np.unique(WALLETS.customer))
        assert small.within(len(known) / everyone, share, small.share_error(share, everyone)), name
        chosen = white.take(white.evidence == code)
        error = np.log(chosen.reported / chosen.spend)
        assert small.within(error.std(), sigma, sigma / np.sqrt(2 * len(error))), name
        assert small.within(error.mean(), -(sigma**2) / 2, sigma / np.sqrt(len(error))), name
    observed = WALLETS.evidence == 0
    assert (WALLETS.reported == WALLETS.spend)[observed].all()


def test_the_first_rival_is_named_most() -> None:
    count = np.bincount(WALLETS.main_rival[WALLETS.year == 2025], minlength=3)
    law = np.array([1, 1 / 2, 1 / 3]) / (1 + 1 / 2 + 1 / 3)
    for found, share in zip(count / count.sum(), law, strict=True):
        assert small.within(found, share, small.share_error(share, int(count.sum())))


def test_of_consumers_a_survey_knows_a_few() -> None:
    block, people = small.world(small.consumers(), count=16_384)
    found = wallets.wallets(block, people, sales(block))
    asked = len(np.unique(found.customer)) / (0.9 * 16_384)
    assert small.within(asked, 0.02, small.share_error(0.02, int(0.9 * 16_384)))
    assert set(found.evidence) == {list(wallets.EVIDENCE).index("survey")}
    chosen = (found.our_share > 0) & (found.category == 0)
    customers = len(np.unique(found.customer[chosen]))  # two years of a customer share one share
    times = found.spend[chosen] / EACH
    assert small.within(times.mean(), 1 / 0.4, times.std() / np.sqrt(customers))


def test_no_sales_no_wallets() -> None:
    assert wallets.table(BLOCK, PEOPLE, SALES * 0).num_rows == 0
    assert wallets.table(BLOCK, PEOPLE, -SALES).num_rows == 0


def test_the_tables_tell_of_the_same_wallets() -> None:
    table, truth = (
        make(BLOCK, PEOPLE, SALES).to_pandas() for make in (wallets.table, wallets.truth)
    )
    keys = ["customer_id", "year", "category"]
    assert (table[keys].astype(str) == truth[keys].astype(str)).all(axis=None)
    assert not table.duplicated(keys).any()
    observed = table["evidence"] == "observed"
    assert (table["spend"][observed] == truth["true_spend"][observed]).all()


@pytest.mark.parametrize("made", [small.company(), small.consumers()], ids=["accounts", "persons"])
def test_the_table_passes_the_expectations(made: object, make_project: Callable[..., Path]) -> None:
    block, people = small.world(made)
    table = wallets.table(block, people, sales(block))
    assert small.complaints(make_project, "wallets", table) == []


def test_the_same_again() -> None:
    block, people = small.world(small.company())
    for make in (wallets.table, wallets.truth):
        assert small.equal(make(BLOCK, PEOPLE, SALES), make(block, people, sales(block)))


def test_rivals_without_names() -> None:
    nameless = replace(BLOCK, company=small.company(rivals=()))
    found = wallets.wallets(nameless, PEOPLE, SALES)
    assert (found.main_rival == -1).all()
    assert (found.suppliers - (found.our_share > 0)).max() == 5
