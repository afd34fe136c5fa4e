"""Contacts: what each kind says, what it costs, and that nothing lies beyond the window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crm_lib import schema
from crm_lib.simulate import laws
from crm_lib.simulate.tables import contacts
from crm_lib.simulate.tables.contact_orders import COSTLY_LEAST
from tests.simulate.contact_world import CAUSES, MARGIN, World, company, world

ACCOUNTS = laws.Accounts(accounts_per_rep=40, hour_cost=48.0)


@pytest.fixture(scope="module")
def made() -> World:
    return world()


@pytest.fixture(scope="module")
def told(made: World) -> pd.DataFrame:
    return made.table()


@pytest.fixture(scope="module")
def business() -> World:
    return world(of=replace(company(), accounts=ACCOUNTS))


def _kind(told: pd.DataFrame, kind: str) -> pd.DataFrame:
    return told[told["kind"] == kind]


def test_columns_are_canonical_and_every_kind_occurs(told: pd.DataFrame, business: World) -> None:
    visited = business.table()
    wanted = {*schema.CONTACTS.column_names, "contact_id"}
    assert wanted == {*visited.columns} - {"row"}
    assert wanted - {"rep_id"} == {*told.columns} - {"row"}
    kinds = {"complaint", "survey", "service", "visit", "request", "reason"}
    assert set(told["kind"]) == set(visited["kind"]) == kinds
    assert visited.notna().any().all()


def test_rows_come_by_customer_and_time_and_lie_in_the_window(
    made: World, told: pd.DataFrame
) -> None:
    assert told[["row", "at"]].apply(tuple, axis=1).is_monotonic_increasing
    assert told["row"].between(0, made.block.count - 1).all()
    first, last = pd.Timestamp(made.block.clock.start), pd.Timestamp(laws.WINDOW_ENDS)
    assert told["at"].between(first, last, inclusive="left").all()
    assert told["resolved_at"].dropna().lt(last).all()
    assert (told["resolved_at"] >= told["at"])[told["resolved_at"].notna()].all()
    assert (told["score"] <= told["scale_max"])[told["score"].notna()].all()
    assert told["cost"].dropna().ge(0).all()


def test_ids_are_unique_in_the_company(told: pd.DataFrame) -> None:
    other = world(number=1).table()
    ids = pd.concat([told["contact_id"], other["contact_id"]])
    assert ids.is_unique
    assert set(told["customer_id"]).isdisjoint(other["customer_id"])


def test_the_same_block_is_the_same_twice(made: World, told: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(told, made.table())


def test_laws_without_contacts_make_none() -> None:
    silent = world(of=laws.plain(company()))
    bare = replace(
        silent,
        people=replace(silent.people, is_costly=silent.people.is_costly & False),
        complaints=silent.complaints.take(np.array([], dtype=np.int64)),
    )
    assert bare.table().empty


def test_costly_customers_are_served_after_every_order_at_a_multiple_of_its_margin(
    made: World, told: pd.DataFrame
) -> None:
    served = _kind(told, "service")
    costly = served[made.people.is_costly[served["row"]]]
    assert set(costly["cost"]) == {1.5 * MARGIN}
    buyers = made.people.is_costly & ~made.people.never_buys
    # Orders end on day 270 and the window on day 365: no contact is late.
    assert costly.groupby("row").size().eq(3).all()
    assert costly["row"].nunique() == buyers.sum()


def test_serving_a_costly_customer_costs_something_even_without_a_margin(made: World) -> None:
    given_away = replace(made, lines=replace(made.lines, cost=made.lines.amount))
    served = _kind(given_away.table(), "service")
    costly = served[made.people.is_costly[served["row"]]]
    assert set(costly["cost"]) == {COSTLY_LEAST / 100}


def test_others_are_served_by_the_law(made: World, told: pd.DataFrame) -> None:
    """Share of orders and mean cost within 4 standard errors."""
    served = _kind(told, "service")
    usual = served[~made.people.is_costly[served["row"]]]
    orders = (~made.people.is_costly[made.orders.customer]).sum()
    assert len(usual) / orders == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / orders))
    assert usual["cost"].mean() == pytest.approx(5.0, abs=4 * 2.5 / np.sqrt(len(usual)))


def test_complaints_name_the_dearest_product_the_cause_and_who_is_responsible(
    made: World, told: pd.DataFrame
) -> None:
    complained = _kind(told, "complaint")
    assert len(complained) == len(made.complaints)
    assert set(complained["product_id"]) == {"O1"}
    found = dict(zip(complained["reason"], complained["department"], strict=True))
    assert found == {cause: department for cause, (_, _, department) in CAUSES.items()}
    assert complained["resolved_at"].notna().sum() == (~np.isnan(made.complaints.resolved)).sum()
    mean, count = complained["cost"].mean(), len(complained)
    assert mean == pytest.approx(8.0, abs=4 * 4.0 / np.sqrt(count))


def test_requests_follow_orders_of_new_products_only(made: World, told: pd.DataFrame) -> None:
    """ "New" matures in the middle of the year; the old category never brings a request."""
    asked = _kind(told, "request")
    assert set(asked["product_id"]) == {"N1"}
    matures = made.block.clock.month_starts[6]
    new = made.orders.day < (matures - made.block.clock.start).days
    share = 0.2
    spread = np.sqrt(share * (1 - share) / new.sum())
    assert len(asked) / new.sum() == pytest.approx(share, abs=4 * spread)
    assert asked["resolved_at"].notna().any()
    assert asked["resolved_at"].isna().any()


def test_customers_say_why_they_came_on_their_first_day(made: World, told: pd.DataFrame) -> None:
    reasons = _kind(told, "reason")
    joined = reasons[reasons["reason"].str.startswith("joined: ")]
    spread = np.sqrt(0.3 * 0.7 / made.block.count)
    assert len(joined) / made.block.count == pytest.approx(0.3, abs=4 * spread)
    day = (joined["at"] - pd.Timestamp(made.block.clock.start)).dt.days
    assert (day == made.people.joined_day[joined["row"]]).all()
    usual = joined.groupby(made.people.source[joined["row"]])["reason"].agg(lambda r: r.mode()[0])
    assert list(usual) == [
        "joined: recommended by another customer",
        "joined: heard of through kiosk",
    ]


def test_leavers_say_why_they_left(made: World, told: pd.DataFrame) -> None:
    reasons = _kind(told, "reason")
    left = reasons[reasons["reason"].str.startswith("left: ")]
    for_complaint = made.spells.complaint >= 0
    leavers = made.spells.ends < made.block.clock.days
    spread = np.sqrt(0.3 * 0.7 / leavers.sum())
    assert len(left) / leavers.sum() == pytest.approx(0.3, abs=4 * spread)
    ends = pd.Series(made.spells.ends, index=made.spells.customer)[left["row"]].to_numpy()
    day = (left["at"] - pd.Timestamp(made.block.clock.start)).dt.days
    assert (day >= np.floor(ends)).all()
    assert (day <= ends + 20).all()
    prompted = np.isin(left["row"], made.spells.customer[for_complaint])
    assert set(left["reason"][prompted]) == {"left: broken"}
    assert set(left["reason"][~prompted]) == {
        "left: the price", "left: no need any more", "left: moved",
    }  # fmt: skip


def test_representatives_visit_living_accounts_every_six_weeks(business: World) -> None:
    visits = _kind(business.table(), "visit")
    per_account = visits.groupby("row").size()
    gone = business.spells.customer[business.spells.ends < business.block.clock.days]
    assert (per_account[per_account.index.isin(gone)] <= 100 / 42).all()
    assert per_account.max() == 8  # 365 days hold eight whole times six weeks
    assert visits["at"].dt.day_of_week.max() == 4
    assert visits.groupby("row")["rep_id"].nunique().eq(1).all()
    # One hour at 48.00, gamma of shape 4: standard deviation 24.00.
    assert visits["cost"].mean() == pytest.approx(48.0, abs=4 * 24 / np.sqrt(len(visits)))


def test_cost_of_a_customer_is_the_sum_of_its_contacts(made: World, told: pd.DataFrame) -> None:
    rows = contacts.table(
        made.block, made.people, made.spells, made.orders, made.complaints, made.lines
    )
    expected = np.zeros(made.block.count, dtype=np.int64)
    np.add.at(expected, told["row"], np.rint(told["cost"].fillna(0) * 100).astype(np.int64))
    assert (contacts.cost_cents(made.block, made.people, rows) == expected).all()
