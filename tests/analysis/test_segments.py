"""RFM scores, segments and value tiers, computed by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest

from crm_lib import segment_map
from crm_lib.analysis import segments
from crm_lib.engine import collect
from crm_lib.errors import UsageError

SCHEMA = {
    "customer_id": "string",
    "days_since_last": "int64",
    "occasions": "int64",
    "revenue": "decimal(38, 4)",
    "is_first_seen": "boolean",
}


def facts(*rows: tuple[int | None, int, str]) -> ir.Table:
    """Customers a, b, c … from (days since last, occasions, revenue)."""
    data = [
        {
            "customer_id": chr(ord("a") + i),
            "days_since_last": days,
            "occasions": occasions,
            "revenue": Decimal(revenue),
            "is_first_seen": i == 0,
        }
        for i, (days, occasions, revenue) in enumerate(rows)
    ]
    frame = pd.DataFrame(data, columns=list(SCHEMA)).astype({"days_since_last": "Int64"})
    return ibis.memtable(frame, schema=SCHEMA)


TEN = facts(*((100 - 10 * i, i, f"{i}.50") for i in range(1, 11)))
"""Customers a to j, each better than the one before in all three facts."""


def by_customer(table: ir.Table) -> pd.DataFrame:
    return collect(table).set_index("customer_id").sort_index()


def rule(name: str, recency: Any, frequency: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "recency": recency, "frequency": frequency, **more}


def test_ten_different_customers_make_five_pairs() -> None:
    found = by_customer(segments.rfm(TEN))
    for score in ("recency_score", "frequency_score", "monetary_score"):
        assert found[score].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert found.segment.to_dict() == {
        "a": "Faded", "b": "Faded", "c": "Quiet", "d": "Quiet", "e": "Cooling", "f": "Cooling",
        "g": "Loyal", "h": "Loyal", "i": "Champions", "j": "Champions",
    }  # fmt: skip


def test_cut_points_are_published_values_and_survive_serialising() -> None:
    cuts = segments.cut_points(TEN)
    assert cuts.recency == (70, 50, 30, 10)
    assert cuts.frequency == (3, 5, 7, 9)
    assert cuts.monetary == (Decimal("3.5"), Decimal("5.5"), Decimal("7.5"), Decimal("9.5"))
    assert segments.CutPoints.model_validate_json(cuts.model_dump_json()) == cuts
    frame = cuts.frame().set_index(["unit", "score"])
    assert len(frame) == 12
    assert frame.loc[("days", 5), ["direction", "reached_at"]].tolist() == ["at most", 10]
    assert frame.loc[("currency", 2), ["direction", "reached_at"]].tolist() == ["at least", 3.5]


def test_equal_customers_get_the_middle_score() -> None:
    everyone_once = facts(*[(5, 1, "9.99")] * 7)
    found = by_customer(segments.rfm(everyone_once))
    assert set(found.recency_score) == set(found.frequency_score) == {3}
    assert segments.cut_points(everyone_once).frequency == (1, 1, None, None)
    assert pd.isna(segments.cut_points(everyone_once).frame().reached_at).sum() == 6


def test_ties_sit_at_the_middle_of_the_places_they_take() -> None:
    # Six of ten bought once: places 0 to 60%, middle 30%, so score 2. Three bought twice:
    # 60 to 90%, middle 75%, score 4. One bought nine times: middle 95%, score 5.
    found = by_customer(segments.rfm(facts(*[(1, n, "1") for n in (1, 1, 1, 1, 1, 1, 2, 2, 2, 9)])))
    assert found.frequency_score.tolist() == [2] * 6 + [4] * 3 + [5]


def test_amounts_that_a_float_cannot_hold_are_told_apart() -> None:
    large = [f"90071992547409{n}.0001" for n in (10, 10, 10, 10, 20)]
    found = by_customer(segments.rfm(facts(*[(1, 1, amount) for amount in large])))
    assert found.monetary_score.tolist() == [3, 3, 3, 3, 5]
    assert segments.cut_points(facts((1, 1, large[0]))).monetary[0] == Decimal(large[0])


def test_a_customer_without_a_purchase_has_no_scores_and_moves_no_cut() -> None:
    rows = [(100 - 10 * i, i, f"{i}.50") for i in range(1, 11)]
    with_browsers = facts(*rows, (None, 0, "0"), (None, 0, "-5"))
    assert segments.cut_points(with_browsers) == segments.cut_points(TEN)
    found = by_customer(segments.rfm(with_browsers)).loc[["k", "l"]]
    assert found.segment.tolist() == ["No purchase"] * 2
    assert found[["recency_score", "frequency_score", "monetary_score"]].isna().all(axis=None)


def test_nobody_bought_and_nobody_known() -> None:
    assert by_customer(segments.rfm(facts((None, 0, "0")))).segment.tolist() == ["No purchase"]
    assert by_customer(segments.rfm(facts())).empty


def test_first_seen_is_passed_through() -> None:
    found = by_customer(segments.rfm(TEN)).is_first_seen
    assert found.tolist() == [True] + [False] * 9
    assert "is_first_seen" not in segments.rfm(TEN.drop("is_first_seen")).columns


def test_cut_points_of_another_day_score_by_that_days_standard() -> None:
    cuts = segments.cut_points(TEN)
    found = by_customer(segments.rfm(facts((10, 9, "9.50"), (11, 8, "9.49")), cuts=cuts))
    assert found.recency_score.tolist() == [5, 4]
    assert found.frequency_score.tolist() == [5, 4]
    assert found.monetary_score.tolist() == [5, 4]


def test_the_number_of_scores_must_fit_the_map() -> None:
    three = segments.cut_points(TEN, scores=3)
    assert three.frequency == (4, 8)
    with pytest.raises(UsageError, match="3 scores, the segment map expects 5"):
        segments.rfm(TEN, cuts=three)
    with pytest.raises(UsageError, match="at least two levels"):
        segments.cut_points(TEN, scores=1)


def test_every_default_segment_has_a_meaning_and_an_action() -> None:
    frame = segments.meanings()
    assert frame.segment.tolist()[0] == "Champions"
    assert frame.segment.tolist()[-1] == "No purchase"
    assert (frame.meaning.str.len() > 0).all()
    assert (frame.action.str.len() > 0).all()


def test_a_configured_map_replaces_the_default() -> None:
    own = segment_map.SegmentMap.from_config(
        [
            rule("Core", [4, 5], [1, 5], monetary=[4, 5], meaning="Recent and large"),
            rule("Rest", [4, 5], [1, 5], monetary=[1, 3]),
            rule("Rest", [1, 3], [1, 5]),
        ]
    )
    found = by_customer(segments.rfm(TEN, segments=own)).segment
    assert found[found == "Core"].index.tolist() == ["g", "h", "i", "j"]
    assert segments.meanings(own).segment.tolist() == ["Core", "Rest", "No purchase"]
    assert own.segment(5, 1, 4) == "Core"
    assert segment_map.SegmentMap.from_config([]) is segment_map.DEFAULT


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([rule("A", [1, 4], [1, 5])], "5 of 25 .* no segment: R5 F1, R5 F2"),
        ([rule("A", [1, 3], [1, 5]), rule("B", [3, 5], [1, 5])], "5 of 25 .* several.*: R3 F1"),
        ([rule("A", [1, 5], [1, 5], monetary=[1, 4])], "25 of 125 .* R1 F1 M5"),
        ([rule("A", [1, 6], [1, 5])], r"recency \[1, 6\]; scores go from 1 to 5"),
        ([rule("A", [5, 1], [1, 5])], "the lower first"),
        ([rule("A", "1-5", [1, 5])], r"recency of 'A' must be \[low, high\]"),
        ([rule("No purchase", [1, 5], [1, 5])], "cannot name a segment"),
        ([rule("A", [1, 5], [1, 5], meaningg="x")], "Did you mean 'meaning'"),
        ([{"name": "A", "recency": [1, 5]}], "needs frequency"),
    ],
)
def test_a_faulty_map_says_what_is_wrong(rules: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        segment_map.SegmentMap.from_config(rules)


def test_value_tiers_keep_equal_customers_together() -> None:
    # Ten buyers: the top 20% are those with fewer than 2 above them. Three tie for second place.
    amounts = ["90", "50", "50", "50", "20", "10", "9", "8", "0", "-3"]
    table = facts(*[(1, 1, amount) for amount in amounts], (None, 0, "0"))
    found = by_customer(segments.value_tiers(table))
    assert found.value_tier.tolist() == (
        ["Top 20%"] * 4 + ["Next 30%"] + ["Lower 50%"] * 3 + ["Zero or negative"] * 2
        + ["No purchase"]
    )  # fmt: skip
    assert found.revenue_rank.tolist()[:5] == [1, 2, 2, 2, 5]
    assert pd.isna(found.revenue_rank["k"])


def test_value_tiers_are_configurable_and_checked() -> None:
    halves = [("Upper", 0.5), ("Lower", 1)]
    assert by_customer(segments.value_tiers(TEN, tiers=halves)).value_tier.tolist() == (
        ["Lower"] * 5 + ["Upper"] * 5
    )
    for wrong in ([("A", 0.5)], [("A", 0.5), ("B", 0.5), ("C", 1)], []):
        with pytest.raises(UsageError, match="rise to 1"):
            segments.value_tiers(TEN, tiers=wrong)


def test_sizes_add_up_and_keep_cents() -> None:
    table = facts((1, 9, "100.10"), (50, 1, "0.20"), (50, 1, "0.20"), (None, 0, "-0.50"))
    found = collect(segments.sizes(segments.value_tiers(table), by="value_tier"))
    assert found.value_tier.tolist() == ["Top 20%", "Next 30%", "No purchase"]
    assert found.customers.tolist() == [1, 2, 1]
    assert found.revenue.tolist() == [100.10, 0.40, -0.50]
    assert found.customers_share.sum() == pytest.approx(1)
    assert found.revenue_share.tolist() == pytest.approx([1.001, 0.004, -0.005])
    assert found.occasions_per_customer.tolist() == [9, 1, 0]
    assert found.median_days_since_last.tolist()[:2] == [1, 50]
    with pytest.raises(UsageError, match="Did you mean 'value_tier'"):
        segments.sizes(segments.value_tiers(table), by="value_teir")


def test_shares_of_a_whole_that_is_not_positive_are_missing() -> None:
    found = collect(segments.sizes(segments.rfm(facts((1, 1, "-2"), (2, 1, "1")))))
    assert found.revenue_share.isna().all()
    assert found.revenue.sum() == -1


def test_changes_between_two_days_keep_every_customer() -> None:
    before = segments.rfm(facts((10, 9, "90"), (90, 1, "5")), cuts=segments.cut_points(TEN))
    now = segments.rfm(
        facts((95, 9, "80"), (90, 1, "5"), (0, 1, "7")), cuts=segments.cut_points(TEN)
    )
    found = collect(segments.segment_changes(before, now))
    moved = {(row.before, row.now): row for row in found.itertuples()}
    assert set(moved) == {
        ("Champions", "Slipping away"), ("Faded", "Faded"), ("Not in the base", "Occasional"),
    }  # fmt: skip
    assert found.customers.sum() == 3
    slipped = moved["Champions", "Slipping away"]
    assert (slipped.share_of_before, slipped.revenue_before, slipped.revenue_now) == (1, 90, 80)
    with pytest.raises(UsageError, match="no column 'tier'"):
        segments.segment_changes(before, now, by="tier")
