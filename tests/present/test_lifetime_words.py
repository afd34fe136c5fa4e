"""Sentences, cards and figures of lifetime value: right for every kind of answer."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from crm_lib.periods import Window
from crm_lib.present import cards, figures, sentences, shapes

YEAR = Window(date(2023, 1, 1), date(2024, 1, 1))
TERMS = "contribution of the next 36 months, discounted at 10% a year"


def totals(clv: float = 5000.0) -> pd.DataFrame:
    return pd.DataFrame(
        [{"customers": 200, "still_customers": 80.4, "expected_occasions": 900.0, "clv": clv, "negative": 3}]
    )  # fmt: skip


def top(held: float = 0.7) -> pd.DataFrame:
    return pd.DataFrame([{"share": 0.2, "customers_share": 0.2, "value_share": held}])


def table(model: float, rule: float) -> pd.DataFrame:
    rows = [
        {"contestant": "bg_nbd", "title": "BG/NBD", "kind": "model", "predicted": 110.0, "bias": 0.1, "deviance": model},
        {"contestant": "same_rate", "title": "Same rate as before", "kind": "rule", "predicted": 150.0, "bias": 0.5, "deviance": rule},
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_revenue_is_never_called_profit() -> None:
    assert sentences.clv_terms("revenue", 36, 0.1) == (
        "revenue of the next 36 months (costs are not known), discounted at 10% a year"
    )
    assert sentences.clv_terms("contribution", 1, 0.125) == (
        "contribution of the next 1 month, discounted at 12.5% a year"
    )
    # An analyst in the lab writes a whole number as one.
    assert sentences.clv_terms("contribution", 12, 0).endswith("discounted at 0% a year")


def test_what_the_base_is_worth() -> None:
    said = sentences.clv(totals(), top(), TERMS, "EUR")
    assert said.startswith(
        f"The 200 customers who have bought are worth €5,000 from now on: {TERMS}."
    )
    assert "80 of them are expected to be customers still; the best 20% hold 70%" in said
    most = sentences.clv(totals(), top(), TERMS, "EUR", stays=True)
    assert most.startswith("If all of them stay, the 200 customers")
    assert "customers still" not in most
    lost = sentences.clv(totals(-5000.0), top(np.nan), TERMS, "EUR")
    assert "expected to cost €5,000 more than they bring" in lost


def test_a_model_that_was_far_off_is_doubted_where_its_value_is_named() -> None:
    assert sentences.clv(totals(), top(), TERMS, "EUR", bias=-0.94).endswith(
        "expected 94% too few purchases, so this may be far from the truth."
    )
    assert "120% too many" in sentences.clv(totals(), top(), TERMS, "EUR", bias=1.2)
    assert "far from" not in sentences.clv(totals(), top(), TERMS, "EUR", bias=-0.3)


def test_more_than_the_whole_is_explained() -> None:
    why = "That is more than all of it, because others are expected to cost more than they bring."
    assert sentences.clv(totals(), top(10.12), TERMS, "EUR").endswith(
        f"hold 1,012% of the value. {why}"
    )
    assert sentences.clv_concentration(top(10.119)).endswith(
        f"1,011.9% of the value to come. {why}"
    )
    assert why not in sentences.clv(totals(), top(1.0), TERMS, "EUR")


def test_the_tournament_names_its_window_and_its_rule() -> None:
    said = sentences.clv_tournament(table(1.0, 2.0), YEAR, 150, 100)
    assert "what 150 customers bought in January–December 2023" in said
    assert "110 purchases expected, 100 came (+10.0%)" in said
    assert "that of the best rule, 'Same rate as before', 2.00" in said
    nearest = table(0.9999, 2.0).head(1).assign(title="Pareto/NBD", contestant="pareto_nbd")
    tied = sentences.clv_tournament(pd.concat([table(1.0, 2.0), nearest]), YEAR, 150, 100)
    assert tied.startswith("BG/NBD came as close as any model to what 150 customers bought")
    beaten = sentences.clv_tournament(table(3.0, 2.0), YEAR, 150, 100)
    assert "The rule 'Same rate as before' did as well as any model" in beaten
    assert "Nobody bought" in sentences.clv_tournament(table(1.0, 2.0), YEAR, 150, 0)
    assert "no period" in sentences.clv_tournament(table(1.0, 2.0).head(0), None, 0, 0)


def test_remarks_name_their_model() -> None:
    frame = pd.DataFrame(
        {"title": ["BG/NBD", "NBD"], "remark": ["The data do not determine a.", None]}
    )
    assert sentences.clv_remarks(frame) == "BG/NBD: The data do not determine a."


def limits(**changed: Any) -> str:
    usual: dict[str, Any] = {
        "title": "BG/NBD", "stays": False, "is_close": False, "weak": (), "horizon_months": 12,
        "observed": Window(date(2020, 1, 1), date(2024, 1, 1)), "bias": 0.02,
        "first_seen_share": 0.0, "sensitivity": None,
    }  # fmt: skip
    return sentences.clv_limits(**{**usual, **changed})


def test_a_year_of_a_loyal_panel_is_told_what_it_cannot_tell() -> None:
    frame = pd.DataFrame({"expected_occasions": [100.0, 94.0], "occasions_of_new": [158.0, 6.84]})
    said = limits(
        title="NBD", stays=True, horizon_months=36, observed=YEAR, first_seen_share=0.8, sensitivity=frame,
    )  # fmt: skip
    assert "NBD, which knows no leaving, predicts best" in said
    assert "if all of them stay for all of the 36 months; whoever leaves sooner" in said
    assert "reaches 36 months ahead on 12 months of data" in said
    assert "80% of the customers were first seen in the warm-up" in said
    assert (
        "expects 6% fewer purchases from those others, and 6.8 within 36 months from a new customer after "
        "the first purchase, not 158." in said
    )


def test_limits_say_only_what_holds() -> None:
    assert limits().startswith("The data reaches further back than the value reaches ahead")
    assert "off by −15% in total" in limits(bias=-0.15)
    assert "do not determine beta" in limits(weak=("beta",))
    assert "small enough to be chance" in limits(is_close=True)
    assert "too few others are left" in limits(first_seen_share=0.9)


def test_costs_known_in_part_and_money_off_are_limits() -> None:
    said = limits(costs=[("cost of goods", 0.5, "order lines"), ("contacts", 0.2, "contacts")])
    assert said == (
        "Known in part: cost of goods for 50% of the order lines and contacts for 20% of the contacts. "
        "The rest counts as costless, so the value is too high."
    )
    assert limits(spend_bias=-0.3) == (
        "What customers would spend in the held-out period was off by −30% in total; the value may be off as much."
    )
    assert "spend" not in limits(spend_bias=0.05, bias=-0.15)
    assert "off as much" not in limits(spend_bias=float("nan"))


def test_spend_of_the_held_out_period_is_told() -> None:
    row = {
        "expected": 700.0,
        "actual": 1000.0,
        "bias": -0.3,
        "expected_occasions": 87.0,
        "actual_occasions": 100,
    }
    said = sentences.clv_spend_ahead(pd.DataFrame([row]), YEAR, "EUR")
    assert (
        said
        == "The customers known before spent €1,000 in January–December 2023, which the models of "
        "purchases and of spend had not seen; €700 were expected (−30.0%; their purchases alone −13.0%)."
    )
    nothing = pd.DataFrame([{**row, "actual": 0.0, "bias": np.nan, "actual_occasions": 0}])
    days = Window(date(2023, 9, 2), date(2024, 1, 1))
    assert sentences.clv_spend_ahead(nothing, days, "EUR") == (
        "The customers known before spent €0 from 2 September 2023 to 31 December 2023, which the models "
        "had not seen; €700 were expected."
    )


@pytest.mark.parametrize(
    ("correlation", "word"),
    [((0.02, -0.1, 0.1), "next to nothing"), ((0.3, 0.2, 0.4), "too high"), ((-0.3, -0.4, -0.2), "too low")],
)  # fmt: skip
def test_spend_that_goes_with_frequency_is_told(
    correlation: tuple[float, float, float], word: str
) -> None:
    said = sentences.clv_spend(30.0, correlation, "", "EUR")
    assert "€30.00 on average" in said
    assert word in said
    assert f"95% interval {correlation[1]:.2f} to".replace("-", "−") in said


def test_rates_are_told_by_how_they_vary() -> None:
    assert "from €31 of purchases on" in sentences.clv_rates(
        "contribution", 0.345, 30.6, True, "EUR"
    )
    assert "more than chance" in sentences.clv_rates("gross profit", 0.3, None, True, "EUR")
    assert "steady rate" in sentences.clv_rates("gross profit", 0.3, 0.0, True, "EUR")
    unknown = sentences.clv_rates("gross profit", 0.3, None, False, "EUR")
    assert "taken for everyone alike" in unknown
    assert "steady" not in unknown
    assert "revenue is valued, not profit" in sentences.clv_rates("revenue", 0.9, None, True, "EUR")


def test_a_model_of_spend_that_is_not_used_is_told() -> None:
    reason = "The data do not determine p of the model of spend (Gamma-Gamma)."
    alike = sentences.clv_spend(30.0, None, reason, "EUR")
    assert alike == f"A repeat purchase is of €30.00 on average, taken for everyone alike. {reason}"
    own = sentences.clv_spend(30.0, None, reason, "EUR", k=0.4)
    assert reason in own
    assert "the own weighs more from 1 repeat purchase on" in own
    assert "from 3 repeat purchases on" in sentences.clv_spend(30.0, None, reason, "EUR", k=2.0)
    assert sentences.clv_spend(None, None, reason, "EUR").startswith("Nobody has bought twice")


def parts(future: float = 3000.0) -> pd.DataFrame:
    return pd.DataFrame(
        {"part": ["present", "future"], "equity": [5000.0, future], "low": [4000.0, np.nan], "high": [6000.0, np.nan]}
    )  # fmt: skip


def said_equity(**changed: Any) -> str:
    usual: dict[str, Any] = {
        "a_month": 3.0, "each": 52.5, "cost": 6.0, "recorded": ["customers"], "window": YEAR, "horizon_months": 36, "currency": "EUR",
    }  # fmt: skip
    return sentences.equity(parts(), **{**usual, **changed})


def test_equity_keeps_present_and_future_apart() -> None:
    assert said_equity() == (
        "Present customers are worth €5,000. Those expected to come within 36 months add €3,000: 3.0 a "
        "month, each worth €52.50 on the day of the first purchase, net of €6.00 to win one (as recorded "
        "of customers; campaigns of the kind acquisition are not recorded with their cost)."
    )
    assert "which is not known" in said_equity(cost=None)
    both = said_equity(recorded=["customers", "campaigns"])
    assert "(as recorded of customers, and campaigns of the kind acquisition)" in both
    assert "other cost of winning is not recorded" in said_equity(recorded=["campaigns"])
    assert "Nobody new came in January–December 2023" in said_equity(a_month=0.0)


def test_where_no_value_is_put_on_those_to_come_the_reason_is_told() -> None:
    said = sentences.equity_unknown(5000.0, "Too few came.", "EUR")
    assert said.endswith("€5,000. No value is put on customers to come. Too few came.")
    assert "in the 12 months from the own first purchase" in sentences.equity_to_come(12)
    assert "120 who first bought in January" in sentences.equity_counted(
        120, YEAR, is_changed=False
    )
    assert "left out" in sentences.equity_counted(120, YEAR, is_changed=True)


def lever_rows(*kinds: str) -> pd.DataFrame:
    steps = {
        "retention": ["point", "percent"],
        "acquisition": ["percent"],
        "margin": ["point", "percent"],
    }
    rows = [(kind, step, 100.0, 50.0, 150.0) for kind in kinds for step in steps[kind]]
    return pd.DataFrame(rows, columns=["lever", "step", "present", "future", "total"])


def test_customers_to_come_are_not_named_where_nobody_comes() -> None:
    said = sentences.levers(
        lever_rows("retention", "margin"),
        parts=parts(0.0),
        retention=0.6,
        stays=False,
        currency="EUR",
    )
    assert "of the equity of present customers. One per cent" in said


def test_levers_that_there_are() -> None:
    every = lever_rows("retention", "acquisition", "margin")
    told = {"parts": parts(), "retention": 0.61, "stays": False, "currency": "EUR"}
    said = sentences.levers(every, **told)  # type: ignore[arg-type]
    assert "One point more of retention (from 61.0% of purchases kept" in said
    assert (
        "is worth €150, 1.9% of the equity of present customers and those to come together" in said
    )
    alone = sentences.levers(every, **{**told, "parts": parts().head(1)})  # type: ignore[arg-type]
    assert "is worth €150, 3.0% of the equity of present customers." in alone
    assert "One per cent more new customers is worth €150." in said
    fewer = sentences.levers(lever_rows("margin"), **{**told, "stays": True})  # type: ignore[arg-type]
    assert "the model knows no leaving" in fewer
    assert "new customers" not in fewer


@pytest.mark.parametrize(
    ("stays", "bias", "more"),
    [
        (False, 0.1, ""),
        (True, 0.1, "; if all of them stay"),
        (False, -0.94, "; by a model that was 94% off where it was tested"),
    ],
)
def test_the_equity_on_other_pages_bears_its_doubt(stays: bool, bias: float, more: str) -> None:
    known = {"clv": 5000.0, "customers": 200, "earning": "contribution", "horizon_months": 36,
             "discount_rate": 0.1, "stays": stays, "bias": bias, "interval": [4000.0, 6000.0]}  # fmt: skip
    (worth,) = cards.equity(known, day=YEAR.end)
    assert (worth.note, worth.interval) == (TERMS + more, (4000, 6000))


def test_cards_carry_what_the_value_is() -> None:
    numbers = cards.clv(
        totals(), (4000.0, 6000.0), terms=TERMS, title="BG/NBD", horizon_months=36, day=YEAR.end
    )
    worth = numbers[0].as_data("EUR")
    assert (worth["value"], worth["interval"], worth["note"]) == (5000, [4000, 6000], TERMS)
    assert worth["window"] == "the 36 months from 1 January 2024"
    refused = cards.clv_refused("Do not use a model here.", day=YEAR.end)[0].as_data("EUR")
    assert refused["value"] is None
    assert "says why" in refused["note"]
    assert {number.key for number in numbers} >= {"clv_total", "expected_purchases"}


TRACK = pd.DataFrame(
    {"on": pd.date_range("2023-01-08", periods=30, freq="7D"), "actual": 5.0, "expected": 4.0,
     "is_holdout": [False] * 20 + [True] * 10}
)  # fmt: skip
REPEATS = pd.DataFrame(
    {"repeats": [0, 1], "is_open": [False, True], "customers": [90.0, 10.0], "actual": [0.2, 3.0], "expected": [0.3, 2.0]}
)  # fmt: skip
GROUPS = pd.DataFrame(
    {"group": ["Loyal", "Quiet"], "customers_share": [0.4, 0.6], "clv_share": [1.1, -0.1]}
)
DRAWN: list[tuple[Any, pd.DataFrame, dict[str, str]]] = [
    (figures.tracking, TRACK, {}),
    (figures.calibration, REPEATS, {}),
    (figures.frequency, REPEATS, {}),
    (figures.clv_by_group, GROUPS, {}),
    (figures.customer_equity, shapes.equity_parts(parts(-3000.0)), {"currency": "EUR"}),
    (figures.levers, shapes.lever_steps(lever_rows("retention", "margin")), {"currency": "EUR"}),
]


@pytest.mark.parametrize(("draw", "frame", "options"), DRAWN)
@pytest.mark.parametrize("width", [8.4, 4.4])
def test_figures_name_what_they_show(
    draw: Any, frame: pd.DataFrame, options: dict[str, str], width: float
) -> None:
    figure = Figure(figsize=(width, 4.0))
    ax = draw(figure.add_subplot(), frame, **options)
    figure.canvas.draw()
    texts = [text.get_text() for text in ax.texts]
    texts += [label.get_text() for label in (*ax.get_xticklabels(), *ax.get_yticklabels())]
    assert any(texts)
    assert not any("nan" in text.lower() for text in texts)


def test_the_group_off_by_most_purchases_is_named() -> None:
    # 10 × 1.0 = 10 purchases off against 90 × 0.1 = 9.
    said = sentences.clv_calibration(REPEATS)
    assert "the 10 customers with 1 or more repeat purchases before bought 3.00 times each" in said


def test_the_track_says_until_when_it_counts() -> None:
    said = sentences.clv_tracking(TRACK, date(2023, 5, 22))
    assert said == (
        "From those known before 22 May 2023, 50 repeat purchases came from then to 30 July 2023, and "
        "40 were expected (−20.0%)."
    )
