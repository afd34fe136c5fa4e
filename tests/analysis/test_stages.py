"""The lifecycle stages: one customer for each rule, the moves between two days, the value at stake."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pytest

from crm_lib.analysis import stages, transitions
from crm_lib.engine import collect
from crm_lib.errors import UsageError
from tests.analysis.ledger import SIX, Ledger

FACTS = {
    "customer_id": "string", "occasions": "int64", "median_gap_days": "float64",
    "last_gap_days": "int64", "t_x": "int64", "T": "int64", "days_since_last": "int64",
    "is_first_seen": "bool", "revenue": "decimal(18, 4)",
}  # fmt: skip


def facts(*rows: tuple[object, ...]) -> ir.Table:
    """Customer facts from (id, occasions, own gap, last gap, t_x, days since last[, first seen, revenue])."""
    full = [
        (*row[:5], None if row[4] is None else row[4] + row[5], row[5], *(row[6:] or (False, 100)))
        for row in rows
    ]
    return ibis.memtable([dict(zip(FACTS, row, strict=True)) for row in full], schema=FACTS)


# The median of the repeat customers' own median gaps is 10 days; the prior weighs 3 gaps.
EACH = facts(
    ("prospect", 0, None, None, None, None),
    ("new", 1, None, None, 0, 15),  # silence 15/10 = 1.5: not yet above the limit
    ("seen once in the warm-up", 1, None, None, 0, 15, True, 100),
    ("developing", 3, 10.0, 10, 20, 5),
    ("established", 4, 10.0, 10, 30, 5),
    ("reactivated", 5, 10.0, 31, 61, 5),  # three gaps of 10, then one of 31
    ("not long enough", 5, 10.0, 30, 60, 5),
    ("at risk", 4, 10.0, 10, 30, 16),
    ("dormant", 4, 10.0, 10, 30, 31),
    ("lost", 4, 10.0, 10, 30, 61),
    ("slow and on time", 7, 40.0, 40, 240, 45),  # expected (6·40 + 3·10)/9 = 30
)


def named(table: ir.Table) -> dict[str, str]:
    frame = collect(table)
    return dict(zip(frame["customer_id"], frame["stage"], strict=True))


def test_one_customer_for_each_rule() -> None:
    assert named(stages.stage(EACH)) == {
        "prospect": "Prospect",
        "new": "New",
        "seen once in the warm-up": "Developing",
        "developing": "Developing",
        "established": "Established",
        "reactivated": "Reactivated",
        "not long enough": "Established",
        "at risk": "At risk",
        "dormant": "Dormant",
        "lost": "Lost",
        "slow and on time": "Established",
    }


def test_expected_gap_silence_and_return() -> None:
    frame = collect(stages.stage(EACH)).set_index("customer_id")
    assert frame.loc["slow and on time", "expected_gap_days"] == pytest.approx(30)
    assert frame.loc["slow and on time", "silence"] == pytest.approx(1.5)
    assert frame.loc["new", "expected_gap_days"] == 10
    assert frame.loc["reactivated", "return_multiple"] == pytest.approx(3.1)
    assert np.isnan(frame.loc["new", "return_multiple"])
    assert np.isnan(frame.loc["prospect", "silence"])


def test_the_own_gap_is_the_mean_the_typical_one_the_median() -> None:
    # Gaps of 10, 10, 10, 10 and 60 days: mean 20. Three more customers keep the typical gap at 10.
    base = facts(
        ("uneven", 6, 10.0, 60, 100, 5), *((f"even {i}", 2, 10.0, 10, 10, 5) for i in range(3))
    )
    frame = collect(stages.stage(base)).set_index("customer_id")
    assert frame.loc["uneven", "expected_gap_days"] == pytest.approx((5 * 20 + 3 * 10) / 8)


def test_thresholds_change_the_stages() -> None:
    loose = stages.Thresholds.of({"at_risk": 2, "dormant": 4, "lost": 8})
    found = named(stages.stage(EACH, thresholds=loose))
    assert found["at risk"] == "Established"
    assert found["dormant"] == "At risk"
    assert found["lost"] == "Dormant"
    assert found["reactivated"] == "Established"
    weekly = stages.Thresholds(shortest_gap_days=16)
    assert named(stages.stage(EACH, thresholds=weekly))["at risk"] == "Established"
    late = named(stages.stage(EACH, thresholds=stages.Thresholds(prior_gaps=4)))
    assert late["established"] == "Developing"


@pytest.mark.parametrize(
    ("configured", "said"),
    [
        ({"at_rsk": 2}, "Did you mean 'at_risk'"),
        ({"dormant": 7}, "at_risk < dormant < lost, not 1.5, 7, 6"),
        ({"prior_gaps": 0}, "prior_gaps: .*greater than 0"),
        ({"lost": "soon"}, "lost: .*valid number"),
    ],
)
def test_faulty_thresholds(configured: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        stages.Thresholds.of(configured)


def test_where_nobody_came_back_the_longest_observation_stands_in() -> None:
    base = facts(("a", 1, None, None, 0, 40), ("b", 1, None, None, 0, 80))
    frame = collect(stages.stage(base)).set_index("customer_id")
    assert frame["expected_gap_days"].eq(80).all()
    assert frame["stage"].eq("New").all()


def test_prospects_only_and_nobody() -> None:
    assert named(stages.stage(facts(("p", 0, None, None, None, None)))) == {"p": "Prospect"}
    nobody = EACH.filter(EACH.customer_id == "none")
    assert len(collect(stages.stage(nobody))) == 0
    assert collect(stages.sizes(stages.stage(nobody), nobody))["customers"].sum() == 0


def test_several_orders_a_day_do_not_divide_by_zero() -> None:
    base = facts(("a", 3, 0.0, 0, 0, 2), ("b", 3, 0.0, 0, 0, 0))
    frame = collect(stages.stage(base)).set_index("customer_id")
    assert frame["expected_gap_days"].eq(1).all()
    assert frame.loc["a", "stage"] == "At risk"


def test_sizes_list_every_stage_and_add_up() -> None:
    frame = collect(stages.sizes(stages.stage(EACH), EACH))
    assert tuple(frame["stage"]) == stages.STAGES
    assert list(frame["customers"]) == [1, 1, 2, 3, 1, 1, 1, 1]
    assert frame["revenue"].sum() == 1100
    assert frame["share"].sum() == pytest.approx(1)
    assert frame["revenue_share"].sum() == pytest.approx(1)


def test_the_facts_of_a_ledger_are_enough() -> None:
    ledger = Ledger(SIX)
    found = named(stages.stage(ledger.customers))
    # Median of the own medians: anna 29.5, ben 59 → 44.25 days.
    assert found == {
        "anna": "Developing",
        "ben": "Developing",
        "carla": "New",  # 49 of 44.25 days
        "dora": "New",
        "emil": "At risk",  # 75 days
        "fred": "Prospect",  # a return is no purchase
    }


def test_transitions_balance() -> None:
    before = stages.stage(Ledger(SIX, end="2023-03-01").customers)
    after = stages.stage(Ledger(SIX).customers)
    frame = collect(transitions.matrix(before, after))
    assert len(frame) == 9 * 8
    moved = frame[frame["customers"] > 0].set_index(["from_stage", "to_stage"])["customers"]
    assert moved.to_dict() == {
        ("Not yet a customer", "New"): 1,  # dora
        ("Prospect", "Prospect"): 1,  # fred
        ("New", "Developing"): 1,  # ben
        ("New", "New"): 1,  # carla
        ("Developing", "Developing"): 1,  # anna
        ("Developing", "At risk"): 1,  # emil
    }
    for key, side in (("from_stage", before), ("to_stage", after)):
        sizes = collect(side).value_counts("stage")
        sums = frame.groupby(key)["customers"].sum()
        assert {k: v for k, v in sums.items() if v and k != transitions.NOT_YET} == sizes.to_dict()
    shares = frame[frame["from_stage"] == "New"]["share"]
    assert shares.sum() == pytest.approx(1)


def test_a_customer_missing_later_is_still_counted() -> None:
    before = ibis.memtable([{"customer_id": "a", "stage": "New"}])
    frame = collect(transitions.matrix(before, before.filter(before.stage == "none")))
    gone = frame[frame["to_stage"] == transitions.NO_LONGER]
    assert list(gone["from_stage"]) == ["New"]
    assert frame["customers"].sum() == 1


def moves(*cells: tuple[str, str, int]) -> ir.Table:
    return ibis.memtable([{"from_stage": a, "to_stage": b, "customers": n} for a, b, n in cells])


def test_expected_time_in_stage() -> None:
    chain = moves(
        ("New", "New", 5),
        ("New", "Lost", 5),
        ("At risk", "New", 10),
        ("Prospect", "Prospect", 3),
        ("Lost", "Lost", 8),
        ("Lost", "New", 2),
    )
    frame = transitions.expected_time_in_stage(
        chain, before=date(2023, 1, 1), after=date(2023, 1, 31)
    ).set_index("stage")
    assert frame.loc["New", "expected_days"] == 60  # stays with chance ½: two steps of 30 days
    assert frame.loc["At risk", "expected_days"] == 30
    assert frame.loc["Lost", "expected_days"] == pytest.approx(150)
    assert frame.loc["New", "days_until_lost"] == pytest.approx(60)
    assert frame.loc["At risk", "days_until_lost"] == pytest.approx(90)
    assert frame.loc["Lost", "days_until_lost"] == 0
    # A prospect never moved, and nobody was dormant: nothing can be said.
    assert (
        frame.loc[["Prospect", "Dormant"], ["expected_days", "days_until_lost"]]
        .isna()
        .all(axis=None)
    )


def test_expected_time_needs_days_in_order() -> None:
    with pytest.raises(UsageError, match="later day must come after"):
        transitions.expected_time_in_stage(moves(), before=date(2023, 2, 1), after=date(2023, 2, 1))


def test_value_at_stake_ranks_whom_we_may_lose() -> None:
    base = facts(
        ("rare", 4, 10.0, 10, 30, 16, False, 400),
        ("big", 4, 10.0, 10, 30, 31, False, 800),
        ("returns all", 4, 10.0, 10, 30, 31, False, -1),
        ("lost", 4, 10.0, 10, 30, 61, False, 9000),
        ("here", 4, 10.0, 10, 30, 5, False, 9000),
    )
    frame = collect(stages.at_risk(stages.stage(base), base))
    assert list(frame["customer_id"]) == ["big", "rare"]
    # Known for less than a year: what it brought so far, not a rate drawn out to a year.
    assert frame["value_at_stake"].iloc[0] == pytest.approx(800)
    older = base.mutate(T=base["T"] + 730)
    spread = collect(stages.at_risk(stages.stage(base), older))
    days = collect(older.filter(older.customer_id == "big"))["T"].iloc[0] + 1
    assert spread["value_at_stake"].iloc[0] == pytest.approx(800 * 365.25 / days)


def test_bought_since_says_how_often_a_stage_was_wrong() -> None:
    before = ibis.memtable({"customer_id": ["a", "b", "c", "d"], "stage": ["Lost"] * 3 + ["New"]})
    later = ibis.memtable(
        {"customer_id": ["a", "a", "d", "b"], "on": [date(2023, 5, i) for i in (1, 2, 3, 4)]}
    )
    frame = transitions.bought_since(
        before, later.filter(later.on < date(2023, 5, 4)), date(2023, 5, 2)
    )
    assert frame["stage"].tolist() == ["New", "Lost"]
    assert frame["customers"].tolist() == [1, 3]
    assert frame["bought"].tolist() == [1, 1]
    # Wilson 1927 for 1 of 3 at 95%.
    assert frame["lower"].iloc[1] == pytest.approx(0.0615, abs=5e-4)
    assert frame["upper"].iloc[1] == pytest.approx(0.7923, abs=5e-4)
