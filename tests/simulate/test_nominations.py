"""Nominations: the staff names key accounts, and others, by the odds of the law."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crm_lib.simulate.behaviour import buying
from crm_lib.simulate.tables import accounts, nominations
from tests.simulate import account_world as small

BLOCK, PEOPLE = small.world(small.company())
SPELLS = buying.make(BLOCK, PEOPLE)[0]
TABLE = nominations.table(BLOCK, PEOPLE, SPELLS)


@pytest.mark.parametrize(("is_key", "odds"), [(True, 0.75), (False, 0.05)])
def test_each_person_names_key_accounts_by_the_odds(is_key: bool, odds: float) -> None:
    chosen = accounts.key(BLOCK, PEOPLE, SPELLS) == is_key
    known = set(small.ids(PEOPLE.number[chosen]))
    frame = TABLE.to_pandas()
    for person in small.ACCOUNTS.staff:
        named = set(frame.loc[frame["person"] == person, "customer_id"]) & known
        error = small.share_error(odds, len(known))
        assert small.within(len(named) / len(known), odds, error)


def test_a_person_names_an_account_once() -> None:
    assert not TABLE.to_pandas().duplicated().any()


def test_the_table_passes_the_expectations(make_project: Callable[..., Path]) -> None:
    assert small.complaints(make_project, "nominations", TABLE) == []


def test_the_same_again() -> None:
    block, people = small.world(small.company())
    assert small.equal(TABLE, nominations.table(block, people, buying.make(block, people)[0]))
