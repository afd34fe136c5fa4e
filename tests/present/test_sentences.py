"""Sentences that depend on what the data is like."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from crm_lib.periods import Window
from crm_lib.present import cards, sentences, shapes


def segment_sizes(faded: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "segment": ["Champions", "Faded"],
            "customers_share": [0.25, 0.75],
            "revenue_share": [1 - faded, faded],
        }
    )


@pytest.mark.parametrize(
    ("faded", "said"),
    [
        (0.3, "Champions bring 2.8 times their share of customers in revenue, Faded 0.4 times."),
        (0.03, "Champions bring 3.9 times their share of customers in revenue, Faded 4% of theirs."),
        (0.0, "Champions bring 4.0 times their share of customers in revenue, Faded 0% of theirs."),
    ],
)  # fmt: skip
def test_a_small_multiple_is_said_in_per_cent(faded: float, said: str) -> None:
    assert sentences.segment_gap(segment_sizes(faded)) == said


def test_an_interval_stands_beside_its_own_number() -> None:
    over = pd.DataFrame(
        {"kind": ["value"], "value": ["partner"], "rate": [0.53], "low": [0.4], "high": [0.66],
         "base_rate": [0.202], "finding": ["over"]}
    )  # fmt: skip
    assert "53% (95% interval 40% to 66%) are in the top 20% by revenue, against 20.2%" in (
        sentences.over_index(over, "role")
    )


def test_nothing_is_said_of_intervals_that_the_table_contradicts() -> None:
    """Customers whose role is unknown may well be fewer at the top, where no role has more."""
    over = pd.DataFrame(
        {"kind": ["value", "unknown"], "value": ["partner", "Unknown"], "rate": [0.2, 0.0],
         "low": [0.19, 0.0], "high": [0.21, 0.11], "base_rate": 0.2,
         "finding": ["no clear difference", "under"]}
    )  # fmt: skip
    assert sentences.over_index(over, "role") == (
        "No known role is clearly more common in the top 20% by revenue, which 20.0% of all are in."
    )


def test_a_card_counts_one_customer() -> None:
    stages = pd.DataFrame({"stage": ["New"], "customers": [1]})
    stake = pd.DataFrame({"customers": [1], "value_at_stake": [10.0]})
    window = Window(date(2024, 1, 1), date(2024, 2, 1))
    said = [card.denominator for card in cards.stages(stages, stake, observed=window)]
    assert said[0] == "of 1 known customer"
    assert said[-1] == "1 customer at risk or dormant, what they have brought a year"


def flow(warm_up: bool, step: str = "MS") -> pd.DataFrame:
    starts = pd.date_range("2023-01-01", periods=4, freq=step)
    return pd.DataFrame(
        {"start": starts[:3], "end": starts[1:], "is_warm_up": [warm_up, False, False],
         "is_partial": False, "opening": 10, "new": 1, "first_seen": 0, "reactivated": 1,
         "lapsed": 4, "closing": 8}
    )  # fmt: skip


def test_a_flow_names_its_period_and_a_warm_up_only_where_there_is_one() -> None:
    assert "of the 10 active the month before" in sentences.customer_flow(flow(False))
    assert "of the 10 active the quarter before" in sentences.customer_flow(flow(False, "QS"))
    assert sentences.flow_base(flow(True)).startswith("Known customers in full months after the")
    assert "warm-up" not in sentences.flow_base(flow(False)) + sentences.customer_flow(
        flow(False).head(1)
    )
    assert "warm-up" in sentences.customer_flow(flow(True).head(1))


def test_the_ladder_speaks_of_a_warm_up_only_where_there_is_one() -> None:
    window = Window(date(2023, 1, 1), date(2023, 4, 1))
    assert "after the warm-up" in sentences.ladder_base(window, warm_up=True)
    assert "warm-up" not in sentences.ladder_base(window, warm_up=False)


def test_a_cut_figure_of_lines_says_so() -> None:
    short, long = (
        sentences.volume_window(Window(date(year, 1, 1), date(2026, 1, 1))) for year in (2024, 2021)
    )
    assert short == "Accepted order lines a day, January 2024–December 2025."
    assert long.endswith("January 2021–December 2025; the figure shows the latest 1,096 days.")


def test_few_are_compared_with_their_own_span() -> None:
    row = {"key": "new_customers", "label": "New customers", "value": 20, "unit": "count",
           "change": None, "change_from": 21, "year_change": None, "denominator": "", "note": "",
           "window_start": date(2023, 1, 1), "window_end": date(2024, 1, 1)}  # fmt: skip
    measures = pd.DataFrame([row | {"span": span} for span in ("month", "year")])
    notes = [cards.base(measures, ["new_customers"], span=span)[0].note for span in cards.SPANS]
    assert notes == ["21 in the month before", "21 in the 12 months before"]


def test_stays_are_said_as_far_as_they_can_be_known() -> None:
    times = pd.DataFrame(
        {
            "stage": ["New", "Lost", "Reactivated"],
            "customers": [40, 30, 3],
            "expected_days": [118.4, 14786.0, 96.0],
            "days_until_lost": [400.0, None, 210.0],
        }
    )
    found = shapes.stays(times)
    assert found["expected_days"].tolist() == ["118 days", "more than 10 years", "–"]
    assert found["days_until_lost"].tolist() == ["400 days", "–", "–"]
    few = "No time is given for a stage in which fewer than 30 customers stood"
    assert few in sentences.stay_times(times)
    assert few not in sentences.stay_times(times[:2])
    assert few not in sentences.stay_times(times[:2].assign(customers=[40, 0]))


def test_the_star_of_the_warm_up_is_explained_where_a_cohort_drawn_bears_it() -> None:
    months = pd.date_range("2020-01-01", periods=20, freq="MS")
    triangle = pd.DataFrame(
        [(month.date(), period, 50, 0.5, False, i < 2) for i, month in enumerate(months) for period in (0, 1)],
        columns=["cohort", "period", "cohort_size", "share", "is_partial", "is_warm_up"],
    )  # fmt: skip
    assert "marked *" not in sentences.cohorts(triangle)
    assert "marked *" in sentences.cohorts(triangle[triangle["cohort"] < months[-1].date()])


def test_where_nobody_is_known_nobody_is_said_not_to_have_bought() -> None:
    said = sentences.habits(pd.DataFrame({"value": [], "occasions_share": []}))
    assert said == "No known customer has bought yet, so there is nothing to show of customers."
