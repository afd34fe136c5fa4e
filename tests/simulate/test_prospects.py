"""Prospects: a logistic regression on what is recorded finds the law's odds; dates fit together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm

from crm_lib.simulate import laws
from crm_lib.simulate.tables import accounts, prospects
from tests.simulate import account_world as small

BLOCK, PEOPLE = small.world(small.company(), count=16_384)
FOUND = prospects.convert(BLOCK, PEOPLE)
TABLE = prospects.table(BLOCK, PEOPLE)
DAYS = BLOCK.clock.days


def test_a_logistic_regression_finds_the_law() -> None:
    frame = TABLE.to_pandas()
    known = sm.add_constant(frame[["interest", "budget", "referred"]].astype(float))
    # By now nearly everything is decided of those recorded a year and more before the end.
    settled = FOUND.created < DAYS - 500
    won = frame["converted_on"].notna()
    assert (won[settled] == FOUND.converts[settled]).mean() > 0.999
    fitted = sm.Logit(FOUND.converts.astype(float), known).fit(disp=False)
    law = {"const": -1.5, "interest": 2.0, "budget": -1.0, "referred": 0.7}
    for name, coefficient in law.items():
        assert small.within(fitted.params[name], coefficient, fitted.bse[name]), name


def test_every_buyer_from_a_source_that_sells_was_a_prospect_once() -> None:
    hunted = np.flatnonzero((PEOPLE.source == 0) & ~PEOPLE.never_buys)
    inside = FOUND.converts & (FOUND.ended < DAYS)
    assert sorted(FOUND.customer[inside]) == list(hunted)
    assert (FOUND.customer[~inside] == -1).all()


def test_prospects_go_on_coming_and_some_of_the_open_ones_will_convert() -> None:
    """Also in the last weeks, though who converts of these joins only after the window."""
    last, before = (
        int(((FOUND.created >= DAYS - 60 * i) & (FOUND.created < DAYS - 60 * (i - 1))).sum())
        for i in (1, 2)
    )
    assert abs(last - before) <= 4 * np.sqrt(last + before)
    is_open = FOUND.ended >= DAYS
    assert FOUND.converts[is_open].sum() > 20
    table = TABLE.to_pandas()
    assert (
        table.loc[is_open, ["converted_on", "lost_on", "converted_customer_id"]]
        .isna()
        .all(axis=None)
    )


def test_the_odds_hold_all_the_time() -> None:
    """The same share converts in every quarter of the window."""
    share = FOUND.converts.mean()
    quarter = FOUND.created * 4 // DAYS
    for number in range(4):
        chosen = FOUND.converts[quarter == number]
        # Of a number of converts that is given, only the others vary: s²(1 − s)/n, not s(1 − s)/n.
        error = small.share_error(share, len(chosen)) * np.sqrt(share)
        assert small.within(chosen.mean(), share, error), number


def test_attributes_of_all_candidates_are_as_drawn() -> None:
    count = len(FOUND)
    assert small.within(FOUND.referred.mean(), 0.3, small.share_error(0.3, count))
    for values in (FOUND.interest, FOUND.budget):
        assert small.within(values.mean(), 50, values.std() / np.sqrt(count))
        assert (values.min(), values.max()) == (0, 100)


def test_dates_lie_in_the_window_and_in_order() -> None:
    assert (FOUND.created >= 0).all()
    assert (FOUND.created < DAYS).all()
    assert (FOUND.ended >= FOUND.created).all()
    joined = FOUND.customer >= 0
    assert (FOUND.ended[joined] == PEOPLE.joined_day[FOUND.customer[joined]]).all()
    assert (np.diff(FOUND.created) >= 0).all()


def test_the_time_to_convert_is_lognormal_where_the_window_does_not_cut_it() -> None:
    late = FOUND.converts & (FOUND.ended > 400) & (FOUND.ended < DAYS)  # 45 · e^(0.6 · 3.6) days
    lag = np.log(np.maximum((FOUND.ended - FOUND.created)[late], 0.5))
    assert small.within(lag.mean(), np.log(45), lag.std() / np.sqrt(late.sum()))
    assert small.within(lag.std(), 0.6, 0.6 / np.sqrt(2 * late.sum()))


def test_the_stage_follows_from_the_dates() -> None:
    frame = TABLE.to_pandas()
    is_open = frame["converted_on"].isna() & frame["lost_on"].isna()
    assert ((frame["stage"] == "won") == frame["converted_on"].notna()).all()
    assert ((frame["stage"] == "lost") == frame["lost_on"].notna()).all()
    assert set(frame.loc[is_open, "stage"]) == {"lead", "qualified", "offer"}
    assert (frame["converted_customer_id"].notna() == frame["converted_on"].notna()).all()


def test_ids_are_of_the_prospect_not_of_the_outcome_and_differ_between_blocks() -> None:
    ids = TABLE["prospect_id"].to_pylist()
    assert ids[0] == "P00000001"
    assert len(set(ids)) == len(ids)
    other = prospects.table(*small.world(small.company(), count=500, number=1))
    assert not set(ids) & set(other["prospect_id"].to_pylist())
    assert prospects.truth(BLOCK, PEOPLE)["prospect_id"].to_pylist() == ids


def test_customers_keep_the_rep_of_their_territory() -> None:
    won = FOUND.take(FOUND.customer >= 0)
    assert (won.rep == accounts.home_rep(BLOCK, PEOPLE)[won.customer]).all()
    assert set(FOUND.rep) == set(range(410))
    block, people = small.world(small.consumers())
    table = prospects.table(block, people)
    assert table.num_rows > 0
    assert "rep_id" not in table.column_names


def test_nobody_was_a_prospect_where_no_source_sells() -> None:
    sources = tuple(replace(source, sells=False) for source in small.company().sources)
    block, people = small.world(small.company(sources=sources))
    assert prospects.table(block, people).num_rows == 0
    assert prospects.truth(block, people).num_rows == 0


def test_impossible_laws_are_refused() -> None:
    for law, problem in (
        (laws.Prospecting(intercept=-30), "only 0 converted"),
        (laws.Prospecting(coefficients={"intrest": 1.0}), "interest"),
    ):
        made = replace(BLOCK.company, laws=replace(BLOCK.company.laws, prospecting=law))
        with pytest.raises(ValueError, match=problem):
            prospects.convert(*small.world(made))


def test_the_truth_has_the_odds_of_the_law() -> None:
    truth = prospects.truth(BLOCK, PEOPLE).to_pandas()
    logit = -1.5 + 2 * truth["interest"] - truth["budget"] + 0.7 * truth["referred"]
    assert truth["conversion_probability"].to_numpy() == pytest.approx(1 / (1 + np.exp(-logit)))
    assert truth["converts"].sum() == FOUND.converts.sum()


def test_the_table_passes_the_expectations(make_project: Callable[..., Path]) -> None:
    assert small.complaints(make_project, "prospects", TABLE) == []


def test_the_same_again() -> None:
    block, people = small.world(small.company(), count=16_384)
    assert small.equal(TABLE, prospects.table(block, people))
    assert small.equal(prospects.truth(BLOCK, PEOPLE), prospects.truth(block, people))
