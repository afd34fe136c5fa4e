"""Sentences on profit, tenure and acquisition: what they say, and what they never say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest

from crm_lib.periods import Window
from crm_lib.present import cards, sentences, shapes

BRIDGE = pd.DataFrame(
    {
        "step": ["gross_sales", "discount", "revenue", "cost_of_goods", "profit"],
        "amount": [110.0, -10.0, 100.0, -60.0, 40.0],
        "kind": ["start", "cost", "subtotal", "cost", "end"],
    }
)
PEAK = pd.DataFrame(
    {
        "customers": [10], "earning": [7], "earning_share": [0.7], "peak_profit": [50.0], "profit": [40.0],
        "peak_rate": [1.25], "unprofitable": [2], "unprofitable_share": [0.2], "loss": [10.0],
        "never_bought": [1],
    }
)  # fmt: skip
REVENUE = BRIDGE.iloc[[0, 1, 4]].assign(amount=[110.0, -10.0, 100.0])
WINDOW = Window(date(2023, 1, 1), date(2024, 1, 1))


def test_the_profit_is_called_what_it_is() -> None:
    assert sentences.profit(BRIDGE, PEAK, "gross profit", "EUR") == (
        "Gross profit is €40.00, 40.0% of revenue. 70% of customers earn it; 2 customers (20%) cost "
        "€10.00 more than they bring."
    )
    said = sentences.profit(REVENUE, PEAK, "revenue", "EUR")
    assert said == (
        "No cost is known, so this page shows revenue, not profit: €100.00 from 10 known customers, "
        "after €10.00 of discounts (9.1% of gross sales)."
    )
    returned = REVENUE.assign(step=["gross_sales", "returns", "profit"])
    assert "€10.00 of returns" in sentences.profit(returned, PEAK, "revenue", "EUR")


def test_what_is_left_and_what_was_deducted_are_as_exact_as_each_other() -> None:
    little = REVENUE.assign(amount=[1000.0, -6.0, 994.0])
    assert sentences.bridge(little, "revenue", "EUR") == (
        "Of €1K gross sales, 99.4% is left as revenue; the largest deduction is discounts (0.6%)."
    )


def test_nobody_unprofitable_and_nothing_left_are_said_in_their_own_words() -> None:
    fine = PEAK.assign(unprofitable=0, loss=0.0, unprofitable_share=0.0)
    assert "no customer costs more than it brings" in sentences.profit(
        BRIDGE, fine, "net profit", "EUR"
    )
    assert sentences.whale(fine, "EUR").startswith("Nobody costs more than they bring")
    lost = BRIDGE.assign(amount=[110.0, -10.0, 100.0, -160.0, -60.0])
    assert "costs exceed revenue" in sentences.profit(lost, PEAK, "net profit", "EUR")
    assert "nothing remains" in sentences.whale(PEAK.assign(profit=-5.0, peak_rate=np.nan), "EUR")
    nobody = PEAK.assign(profit=-60.0, peak_profit=0.0, peak_rate=np.nan, loss=60.0)
    assert sentences.profit(lost, nobody, "net profit", "EUR") == (
        "Net profit is −€60.00: costs exceed revenue, and no customer earns anything."
    )
    assert sentences.whale(nobody, "EUR") == (
        "No customer earns anything; all together cost €60.00 more than they bring."
    )


def test_cards_without_a_cost_speak_of_revenue_only() -> None:
    numbers = cards.profit(REVENUE, PEAK, "revenue", observed=WINDOW, serving=False)
    assert [number.key for number in numbers] == [
        "revenue",
        "revenue_per_customer",
        "discount_rate",
    ]
    named = cards.profit(BRIDGE, PEAK, "gross profit", observed=WINDOW, serving=False)
    assert named[0].label == "Gross profit"
    assert "cost_to_serve" not in [number.key for number in named]
    assert all(number.window and number.denominator for number in [*numbers, *named])


def monthly(costs: list[float]) -> pd.DataFrame:
    starts = pd.date_range("2022-01-01", periods=len(costs), freq="MS")
    return pd.DataFrame(
        {"month": starts, "revenue": 100.0, "cost_to_serve": costs, "active_customers": 5,
         "profit": [100 - cost for cost in costs], "is_partial": False}
    )  # fmt: skip


def test_the_cost_to_serve_is_compared_over_full_years() -> None:
    said = sentences.serving(monthly([10] * 12 + [12] * 12), "EUR")
    assert said == (
        "Serving customers took 12.0% of revenue in January–December 2023, 2.0 points more than in "
        "January–December 2022; €2.40 for each customer active in a month."
    )
    partial = monthly([10] * 3).assign(is_partial=[False, False, True])
    assert "in February 2022, as in January 2022" in sentences.serving(partial, "EUR")
    assert "There is no full month" in sentences.profit_months(
        monthly([1]).assign(is_partial=True), "net profit", "EUR"
    )


def paired(ratio: float, low: float, high: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"group": ["won", "stayed", "pooled"], "customers": [100, 40, 40], "ratio": [0.5, ratio, 3.1],
         "low": [0.4, low, np.nan], "high": [0.6, high, np.nan], "early_year": 1, "late_year": 4}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.1, 1.6, "That is less than the threefold"),
        (3.2, 4.0, "That is more than the threefold"),
        (1.1, 4.0, "cannot tell it from the threefold"),
    ],
)
def test_the_claim_is_judged_by_the_interval_not_the_point(
    low: float, high: float, verdict: str
) -> None:
    said = sentences.tenure(paired((low + high) / 2, low, high), 3.0)
    assert verdict in said
    assert "Pooled over different customers it would look like 3.10 times" in said
    assert "those who left included, year 4 brings 0.50 times year 1" in said


def test_without_an_interval_or_for_other_years_the_claim_is_not_judged() -> None:
    open_ended = sentences.tenure(paired(2.0, np.nan, np.nan), 3.0)
    assert "threefold" not in open_ended
    assert "the data give that no 95% interval, so it may be chance" in open_ended
    assert "threefold" not in sentences.tenure(paired(1.3, 1.1, 1.6).assign(late_year=2), 3.0)


def origins(**more: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"source": ["fair", "web", "all"], "won": [40, 60, 100], "cac": [30.0, 5.0, 15.0], "coverage": 1.0,
         "cost": [1200.0, 300.0, 1500.0],
         "payback_month": [np.nan, 2.0, 4.0], "followed_months": [20, 20, 24], "first_year": [40, 60, 100],
         "repeat_rate": [0.3, 0.7, 0.6], "repeat_low": [0.18, 0.57, 0.5], "repeat_high": [0.45, 0.8, 0.69],
         "worth": np.nan, "worth_to_cac": np.nan}
    )  # fmt: skip
    return frame.assign(**more)


def test_rates_of_sources_say_of_how_many_they_are() -> None:
    assert sentences.acquisition_quality(origins(), "source") == (
        "Of those observed for a year, customers from web came back within it clearly more often (70% of 60) "
        "than those from fair (30% of 40)."
    )


def test_no_source_is_named_whose_customers_came_back_as_often_as_intervals_can_tell() -> None:
    assert sentences.acquisition_quality(origins(repeat_high=[0.6, 0.8, 0.69]), "source") == (
        "Of those observed for a year, no source's customers came back within it clearly more or less often "
        "than another's."
    )


def test_acquisition_names_cost_payback_and_extremes() -> None:
    assert told(origins()) == (
        "Winning a customer cost €15.00; on average contribution covered that in month 4 of the relationship. "
        "Web was the cheapest source (€5.00), fair the dearest (€30.00)."
    )
    unpaid = told(origins(payback_month=np.nan))
    assert "contribution did not cover that within the 24 months observed" in unpaid
    assert told(origins(cac=np.nan)).startswith("What winning customers cost is not known")
    texts = shapes.paid_back(origins(cac=[30.0, np.nan, 15.0]))["paid_back"].tolist()
    assert texts == ["not within 20 months", "cost not known", "month 4"]


def told(frame: pd.DataFrame, **more: object) -> str:
    return sentences.acquisition(frame, "source", "EUR", **{"earning": "contribution", **more})  # type: ignore[arg-type]


def test_campaigns_are_named_in_the_cost_of_winning() -> None:
    booked = pd.DataFrame(
        {"source": ["acquisition campaigns"], "won": [0], "cost": [400.0], "coverage": np.nan}
    )
    said = told(pd.concat([booked, origins(cac=[30.0, 5.0, 19.0])], ignore_index=True))
    assert said.startswith(
        "Winning a customer cost €19.00, €4.00 of it for acquisition campaigns; "
    )
    assert "campaigns apart, web was the cheapest source (€5.00), fair the dearest (€30.00)" in said


def test_a_source_without_a_recorded_cost_is_not_the_cheapest() -> None:
    said = told(origins(cac=[np.nan, 10.0, 10.0], coverage=[0.0, 0.2, 0.1]))
    assert "A cost is recorded for 10% of customers, and over those it is counted." in said
    assert "What winning a customer from fair cost is not recorded." in said
    assert "cheapest" not in said


def test_what_one_brings_in_all_bears_its_horizon_its_rate_and_its_name() -> None:
    terms = {"horizon_months": 36, "discount_rate": 0.1, "as_of": date(2026, 1, 1)}
    said = told(origins(worth=45.0, worth_to_cac=3.0), terms=terms, earning="revenue")
    assert "on average revenue covered that" in said
    assert said.endswith(
        "One won brings €45.00 of revenue, 3.0 times its cost: so far, and by the lifetime value model "
        "in the 36 months from 1 January 2026 on, discounted at 10% a year."
    )
    assert "brings" not in told(origins(worth=45.0, worth_to_cac=3.0))


@dataclass
class Found:
    ratio: float | None
    per_won: float = 60.0
    per_kept: float = 10.0
    window: Window = WINDOW


def test_a_year_that_the_data_do_not_reach_is_said_and_not_judged() -> None:
    said = sentences.tenure(paired(1.3, 1.1, 1.6).assign(late_year=3), 3.0)
    assert said.startswith(
        "The data reach to year 3 of the relationship only; the claim is about year 4."
    )
    assert "threefold" not in said
    other = sentences.tenure(paired(1.3, 1.1, 1.6).assign(late_year=3), 3.0, asked=6)
    assert other.startswith("The data reach to year 3 of the relationship only, not to year 6.")
    assert "reach" not in sentences.tenure(paired(1.3, 1.1, 1.6).assign(late_year=3), 3.0, asked=3)


def test_winning_against_keeping_is_set_beside_the_claim() -> None:
    assert "6.00 times as much. The claim is five times; on this data it is that or more." in (
        sentences.keeping(Found(6.0), 5.0, "EUR")
    )
    assert "does not hold" in sentences.keeping(Found(0.5), 5.0, "EUR")
    assert "no ratio" in sentences.keeping(Found(None), 5.0, "EUR")


def test_an_unreconciled_ledger_is_said() -> None:
    frame = pd.DataFrame({"difference": [0.0, -0.01]})
    assert sentences.ledger_reconciled(frame, "EUR").startswith("1 of 2 months and components")
