"""Stages part the base for any ledger and limits, and moves between two days balance."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import ibis
from hypothesis import given
from hypothesis import strategies as st

from crm_lib import facts
from crm_lib.analysis import stages, transitions
from crm_lib.engine import collect
from tests.analysis.ledger import Ledger, Row, exact, kept
from tests.properties.ledgers import few, rows

limits = st.lists(st.floats(0.1, 10, allow_nan=False), min_size=3, max_size=3, unique=True).map(
    lambda values: dict(zip(("at_risk", "dormant", "lost"), sorted(values), strict=True))
)


def stage_of(lines: list[Row], end: str = "2023-06-01", **thresholds: float) -> dict[str, tuple]:
    base = Ledger(lines, end=end).customers
    table = stages.stage(base, thresholds=stages.Thresholds.of(thresholds))
    return {row.pop("customer_id"): tuple(row.values()) for row in exact(table)}


@few
@given(rows, limits)
def test_everyone_has_one_stage(lines: list[Row], thresholds: dict[str, float]) -> None:
    base = Ledger(lines, end="2023-06-01", warm_up_ends="2023-03-01").customers
    table = stages.stage(base, thresholds=stages.Thresholds.of(thresholds))
    found = collect(table.join(base, "customer_id"))
    assert sorted(found["customer_id"]) == sorted({x[0] for x in lines if x[0]})
    assert set(found["stage"]) <= set(stages.STAGES)
    buyers = {x[0] for x in lines if x[0] and Decimal(x[3]) > 0}
    assert set(found[found["stage"] != "Prospect"]["customer_id"]) == buyers
    assert not found[found["is_first_seen"]]["stage"].eq("New").any()
    sizes = collect(stages.sizes(table, base))
    assert sizes["customers"].sum() == len(found)
    known = sum(Decimal(x[3]) for x in lines if x[0])
    assert round(sizes["revenue"].sum(), 2) == float(known)


@few
@given(rows, st.randoms(use_true_random=False))
def test_order_later_lines_and_currency_change_nothing(
    lines: list[Row], chance: random.Random
) -> None:
    expected = stage_of(lines, end="2023-05-01")
    mixed = chance.sample(lines, len(lines))
    cents = [(*row[:3], str(Decimal(row[3]) * 100)) for row in mixed]
    later = [("a", "later", "2023-05-01", "5"), ("zoe", "later", "2023-05-02", "5")]
    assert stage_of(cents + later, end="2023-05-01") == expected


@few
@given(rows, st.integers(20, 150))
def test_transitions_balance(lines: list[Row], split: int) -> None:
    on = date(2023, 1, 1) + timedelta(days=split)
    earlier = Ledger(lines, end=on.isoformat()).customers
    later = Ledger(lines, end="2023-06-01").customers
    before, after = (kept(stages.stage(base)) for base in (earlier, later))
    frame = collect(transitions.matrix(before, after))
    rows_, columns = (frame.groupby(key)["customers"].sum() for key in ("from_stage", "to_stage"))
    sizes = [collect(side)["stage"].value_counts() for side in (before, after)]
    for name in stages.STAGES:
        assert rows_[name] == sizes[0].get(name, 0)
        assert columns[name] == sizes[1].get(name, 0)
    assert rows_[transitions.NOT_YET] == sizes[1].sum() - sizes[0].sum()


def test_equal_customers_stand_in_equal_stages() -> None:
    one = Ledger([("a", "1", "2023-01-20", "5"), ("a", "2", "2023-02-20", "5")]).lines
    other = one.mutate(customer_id=ibis.literal("b"), order_id=one.order_id + "b")
    both = facts.customers(
        one.union(other), "day", as_of=date(2023, 4, 1), warm_up_ends=date(2023, 1, 1)
    )
    first, second = exact(stages.stage(both).drop("customer_id"))
    assert first == second
