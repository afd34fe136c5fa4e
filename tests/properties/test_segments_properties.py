"""Whatever the ledger: segments and tiers partition the base, and only what matters matters."""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.analysis import concentration, profiles, segments
from crm_lib.engine import collect
from crm_lib.segment_map import DEFAULT, NO_PURCHASE

SCHEMA = {
    "customer_id": "string",
    "days_since_last": "int64",
    "occasions": "int64",
    "revenue": "decimal(38, 4)",
    "median_gap_days": "float64",
    "region": "string",
}
SCORES = ["recency_score", "frequency_score", "monetary_score"]
FACTS = ["days_since_last", "occasions", "revenue"]

Row = tuple[int | None, int, Decimal, str | None]

cents = st.integers(-50_000, 500_000).map(lambda n: Decimal(n) / 100)
region = st.sampled_from(["north", "south", "east", "", None])
buyer = st.tuples(st.integers(0, 30), st.integers(1, 6), cents, region)
browser = st.tuples(st.none(), st.just(0), cents, region)
ledgers = st.lists(st.one_of(buyer, buyer, buyer, browser), max_size=60)
examples = settings(max_examples=25, deadline=None)


def facts(rows: list[Row], *, reverse: bool = False, money: Decimal = Decimal(1)) -> ir.Table:
    data = [
        (f"c{i:03d}", days, occasions, revenue * money, None, place)
        for i, (days, occasions, revenue, place) in enumerate(rows)
    ]
    frame = pd.DataFrame(data[::-1] if reverse else data, columns=list(SCHEMA), dtype=object)
    return ibis.memtable(frame, schema=SCHEMA)


def exact_total(table: ir.Table) -> Decimal:
    total = table.revenue.sum().to_pyarrow().as_py()
    return Decimal(0) if total is None else total


def scored(table: ir.Table) -> pd.DataFrame:
    return collect(segments.rfm(table)).set_index("customer_id").sort_index()


@examples
@given(ledgers)
def test_segments_and_tiers_partition_the_base(rows: list[Row]) -> None:
    table = facts(rows)
    for classified, by, known in (
        (segments.rfm(table), "segment", {*DEFAULT.names, NO_PURCHASE}),
        (segments.value_tiers(table), "value_tier", None),
    ):
        found = collect(classified)
        assert sorted(found.customer_id) == [f"c{i:03d}" for i in range(len(rows))]
        assert found[by].notna().all()
        assert known is None or set(found[by]) <= known
        bought = found.occasions > 0
        assert ((found[by] == NO_PURCHASE) == ~bought).all()
        sizes = segments.sizes(classified, by)
        assert collect(sizes).customers.sum() == len(rows)
        assert exact_total(sizes) == exact_total(table)


@examples
@given(ledgers)
def test_scores_follow_the_facts_and_equal_customers_are_equal(rows: list[Row]) -> None:
    found = scored(facts(rows))
    bought = found[found.occasions > 0]
    assert bought[SCORES].isin(range(1, 6)).all(axis=None)
    assert found[found.occasions == 0][SCORES].isna().all(axis=None)
    for fact, score, better in zip(FACTS, SCORES, (False, True, True), strict=True):
        ordered = bought.sort_values(fact, ascending=better)
        assert ordered[score].is_monotonic_increasing
        assert (bought.groupby(fact)[score].nunique() == 1).all()


@examples
@given(ledgers)
def test_neither_row_order_nor_currency_moves_a_customer(rows: list[Row]) -> None:
    expected = scored(facts(rows))[[*SCORES, "segment"]]
    for other in (
        facts(rows, reverse=True),
        facts(rows, money=Decimal(1000)),
        facts(rows, money=Decimal("0.01")),
    ):
        pd.testing.assert_frame_equal(scored(other)[[*SCORES, "segment"]], expected)


@examples
@given(ledgers)
def test_published_cut_points_reproduce_the_scores(rows: list[Row]) -> None:
    table = facts(rows)
    cuts = segments.CutPoints.model_validate_json(segments.cut_points(table).model_dump_json())
    found = scored(table)
    by_hand = [
        1 + sum(cut is not None and value >= cut for cut in cuts.monetary) if occasions else None
        for _, occasions, value, _ in rows
    ]
    assert [None if pd.isna(score) else int(score) for score in found.monetary_score] == by_hand


@examples
@given(ledgers)
def test_concentration_does_not_depend_on_order_or_currency(rows: list[Row]) -> None:
    table = facts(rows)
    expected = collect(concentration.ranked(table)).set_index("customer_id").sort_index()
    for other in (facts(rows, reverse=True), facts(rows, money=Decimal(1000))):
        found = collect(concentration.ranked(other)).set_index("customer_id").sort_index()
        same = ["revenue_rank", "is_top_20_percent", "cumulative_share"]
        pd.testing.assert_frame_equal(found[same], expected[same])
    buyers = sum(occasions > 0 for _, occasions, _, _ in rows)
    curve = collect(concentration.lorenz(table, points=7))
    assert curve.customers.max() == buyers if buyers else curve.empty
    assert len(curve) <= 8


@examples
@given(ledgers, st.sampled_from(["region", "occasions", "revenue"]), st.integers(1, 4))
def test_profiles_add_up_to_the_base(rows: list[Row], attribute: str, top: int) -> None:
    table = facts(rows)
    parts = profiles.by(table, attribute, top=top, bins=3)
    found = collect(parts)
    assert found.customers.sum() == len(rows)
    assert found.buyers.sum() == sum(occasions > 0 for _, occasions, _, _ in rows)
    assert exact_total(parts) == exact_total(table)
    assert not found.duplicated(["kind", "value"]).any()
