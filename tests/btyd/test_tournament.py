"""Models against naive rules: who wins, who is refused, and the measures themselves by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from crm_lib.btyd import MODELS
from crm_lib.btyd.bg_nbd import BgNbd
from crm_lib.btyd.estimation import Estimate
from crm_lib.btyd.holdout import Holdout, holdout
from crm_lib.btyd.tournament import (
    COLUMNS,
    FLOOR,
    TIED,
    _winner_first,
    always_zero,
    hiatus_rule,
    same_rate,
    scores,
    tournament,
)
from crm_lib.errors import NoModel, UsageError

FAST = {name: MODELS[name] for name in ("bg_nbd", "nbd")}


def frame(*rows: tuple[float, ...], columns: str = "x t_x T actual") -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.split())


def shop(customers: int = 400, *, leave: float = 0.0, seed: int = 7) -> pd.DataFrame:
    """Customers who buy about once in 5 weeks; each has left by week 40 with the chance `leave`."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(customers):
        T = random.integers(30, 53)
        rate = random.gamma(2.0, 0.1)
        end = random.uniform(0, T) if random.uniform() < leave else T + 26
        bought = np.ceil(7 * np.cumsum(random.exponential(1 / rate, 400))) / 7
        bought = bought[bought < end]
        seen = bought[bought <= T]
        rows.append((len(seen), seen.max(initial=0), T, np.sum((bought > T) & (bought <= T + 26))))
    return frame(*rows)


# --- the measures, by hand ------------------------------------------------------------------------


def test_measures_of_four_customers_by_hand() -> None:
    held = holdout(frame((0, 0, 10, 0), (2, 4, 10, 1), (4, 9, 10, 3), (1, 9, 10, 0)), horizon=5, unit="week")  # fmt: skip
    predicted = held.seen.x / 2  # 0, 1, 2, 0.5 against 0, 1, 3, 0
    found = scores(held, predicted)
    assert found["mae"] == pytest.approx((0 + 0 + 1 + 0.5) / 4)
    assert found["rmse"] == pytest.approx(np.sqrt((1 + 0.25) / 4))
    # 2(y ln(y/p) − y + p): the first prediction is floored, the second perfect.
    parts = [2 * FLOOR, 0, 2 * (3 * np.log(1.5) - 1), 2 * 0.5]
    assert found["deviance"] == pytest.approx(np.mean(parts))
    assert found["bias"] == pytest.approx(3.5 / 4 - 1)
    assert found["predicted"] == pytest.approx(3.5)


def test_the_top_decile_counts_ties_in_part() -> None:
    """Ten customers, four of them with the best prediction: the tenth is a quarter of those four."""
    rows = [(5, 8, 10, actual) for actual in (8, 4, 0, 0)] + [(0, 0, 10, 1)] * 6
    held = holdout(frame(*rows), horizon=5, unit="week")
    assert scores(held, held.seen.x)["top_decile_capture"] == pytest.approx(12 / 4 / 18)
    assert scores(held, np.zeros(len(held.seen)))["top_decile_capture"] == pytest.approx(0.1)


def test_the_order_of_rows_changes_no_measure() -> None:
    rows = shop(200)
    one = scores(*_with_rate(holdout(rows, horizon=26, unit="week")))
    other = scores(
        *_with_rate(holdout(rows.sample(frac=1, random_state=1), horizon=26, unit="week"))
    )
    assert one == pytest.approx(other, rel=1e-12)


def _with_rate(held: Holdout) -> tuple[Holdout, Any]:
    return held, same_rate(held)


def test_a_weight_counts_as_so_many_customers() -> None:
    rows = shop(150)
    twice = pd.concat([rows, rows])
    one = tournament(holdout(twice, horizon=26, unit="week"), models=FAST)
    other = tournament(holdout(rows.assign(weight=2), horizon=26, unit="week"), models=FAST)
    pd.testing.assert_frame_equal(one.table, other.table)
    assert one.lead_error == pytest.approx(other.lead_error)


def test_the_unit_changes_no_measure() -> None:
    rows = shop(300)
    days = rows.assign(t_x=rows["t_x"] * 7, T=rows["T"] * 7)
    weekly = tournament(holdout(rows, horizon=26, unit="week"), models=FAST, hiatus=8)
    daily = tournament(holdout(days, horizon=182, unit="day"), models=FAST, hiatus=56)
    numbers = ["mae", "rmse", "deviance", "bias", "top_decile_capture"]
    assert (weekly.table["contestant"] == daily.table["contestant"]).all()
    np.testing.assert_allclose(weekly.table[numbers], daily.table[numbers], rtol=1e-4)


# --- the rules ------------------------------------------------------------------------------------


def test_the_rules_by_hand() -> None:
    held = holdout(frame((0, 0, 0, 0), (4, 20, 20, 0), (4, 10, 20, 0), (4, 9, 20, 1)), horizon=10, unit="week")  # fmt: skip
    x, silent = held.seen.x, held.seen.T - held.seen.t_x
    assert same_rate(held).tolist() == [0 if count == 0 else 2 for count in x]
    for cut in (0, 10, 10.5, 11):
        wanted = np.where(silent <= cut, same_rate(held), 0)
        assert hiatus_rule(held, cut).tolist() == wanted.tolist()
    assert always_zero(held).tolist() == [0, 0, 0, 0]


def test_without_a_cut_off_silence_for_a_quarter_of_the_observed_window_means_gone() -> None:
    """The window has 80 days, first and last included: 20 days of silence are the last allowed."""
    rows = frame((0, 0, 79, 0), (3, 20, 40, 0), (3, 19, 40, 0))
    held = holdout(rows, horizon=30, unit="day")
    kept = dict(zip(held.seen.t_x, hiatus_rule(held), strict=True))
    assert kept == {0: 0, 20: pytest.approx(3 * 30 / 40), 19: 0}


# --- the verdict ----------------------------------------------------------------------------------


def test_customers_who_leave_are_told_better_by_a_model() -> None:
    verdict = tournament(holdout(shop(leave=0.6), horizon=26, unit="week"))
    assert not verdict.refused
    assert verdict.winner in set(MODELS) - {"nbd"}
    assert verdict.model is verdict.models[verdict.winner]
    assert verdict.lead > 2 * verdict.lead_error > 0
    assert list(verdict.table.columns) == list(COLUMNS)
    assert set(verdict.table["contestant"]) == {*MODELS, "same_rate", "hiatus", "always_zero"}
    assert verdict.winner == verdict.table["contestant"].iloc[0]
    assert verdict.table["deviance"].iloc[1:].is_monotonic_increasing
    assert verdict.model.title in verdict.reason


def test_a_rule_that_wins_refuses_every_model() -> None:
    """Everybody buys in the future exactly as often as before: no model can beat that."""
    rows = shop()
    rows["actual"] = np.round(rows["x"] * 26 / rows["T"])
    verdict = tournament(holdout(rows, horizon=26, unit="week"), models=FAST)
    assert verdict.refused
    assert verdict.best_rule == "same_rate"
    assert verdict.lead < 0
    with pytest.raises(NoModel, match="Do not use a model here: the rule 'Same rate as before'"):
        verdict.model  # noqa: B018
    assert verdict.models  # what was fitted can still be looked at


def test_where_nobody_bought_nothing_can_be_judged() -> None:
    held = holdout(shop().assign(actual=0), horizon=26, unit="week")
    verdict = tournament(held, models=FAST)
    assert verdict.refused
    assert "Nobody bought in the held-out period" in verdict.reason
    assert verdict.table["bias"].isna().all()


def test_what_cannot_be_fitted_is_listed_with_its_reason() -> None:
    once = holdout(frame(*[(0, 0, t, 0) for t in range(20, 30)]), horizon=5, unit="week")
    verdict = tournament(once)
    assert verdict.refused
    assert verdict.winner == ""
    assert "No model could be fitted" in verdict.reason
    assert "Not one of 10 customers bought again" in verdict.reason
    models = verdict.table[verdict.table["kind"] == "model"]
    assert models["deviance"].isna().all()
    assert models["remark"].str.contains("bought again").all()
    assert len(verdict.table) == len(MODELS) + 3


class _Nowhere(BgNbd):
    """A model whose predictions are no numbers."""

    name = "nowhere"

    def expected_purchases(self, *args: Any, **kwargs: Any) -> Any:
        return super().expected_purchases(*args, **kwargs) * np.nan


def test_predictions_that_are_not_finite_are_no_predictions() -> None:
    held = holdout(shop(leave=0.6), horizon=26, unit="week")
    verdict = tournament(held, models={"nowhere": _Nowhere, "bg_nbd": BgNbd})
    assert verdict.winner == "bg_nbd"
    last = verdict.table.iloc[-1]
    assert last["contestant"] == "nowhere"
    assert last["remark"] == "No finite prediction for 400 customers."


# --- what a holdout must be -----------------------------------------------------------------------


def test_equal_histories_with_equal_purchases_are_one_row() -> None:
    held = holdout(frame((1, 3, 9, 2), (1, 3, 9, 2), (1, 3, 9, 0)), horizon=4, unit="month")
    assert len(held.seen) == 2
    assert held.customers == 3
    assert held.purchases == 4


@pytest.mark.parametrize(
    ("rows", "horizon", "message"),
    [
        (frame((1, 3, 9), columns="x t_x T"), 4, "actual is missing"),
        (frame((1, 3, 9, 1.5)), 4, "no count.*row 0: 1.5"),
        (frame((1, 3, 9, -1)), 4, "no count"),
        (frame((1, 3, 9, np.nan)), 4, "no count"),
        (frame((1, 3, 9, 1)), 0, "above 0"),
        (frame((1, 3, 9, 1)), np.inf, "above 0"),
        (frame((1, 30, 9, 1)), 4, "t_x later than T"),
    ],
)
def test_a_holdout_that_makes_no_sense_is_refused(rows: pd.DataFrame, horizon: float, message: str) -> None:  # fmt: skip
    with pytest.raises(UsageError, match=message):
        holdout(rows, horizon=horizon, unit="week")


def test_a_cut_off_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="cut-off"):
        tournament(holdout(frame((1, 3, 9, 1)), horizon=4, unit="week"), hiatus=-1)


# --- ties -----------------------------------------------------------------------------------------


def test_of_models_that_predict_alike_the_one_that_the_data_determine_is_used() -> None:
    """Nobody leaves: every model says the same, and only NBD has no parameter of leaving left open."""
    kinds = {name: MODELS[name] for name in ("pareto_nbd", "bg_nbd", "nbd")}
    verdict = tournament(holdout(shop(leave=0.0), horizon=26, unit="week"), models=kinds)
    models = verdict.table[verdict.table["kind"] == "model"].set_index("contestant")
    assert (models["deviance"] <= models["deviance"].min() * (1 + TIED)).all()
    weak = {name: bool(model.estimate_ and model.estimate_.weak) for name, model in verdict.models.items()}  # fmt: skip
    assert any(weak.values())
    assert not weak[verdict.winner]
    assert verdict.winner == models.index[0] == "nbd"


def _judged(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["contestant", "kind", "deviance"])


def _known(**weak: tuple[str, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, names in weak.items():
        model = MODELS[name](unit="week", **dict.fromkeys(MODELS[name].names, 1.0))
        model.estimate_ = Estimate(dict(model.params_), 0.0, np.zeros((4, 4)), names)
        made[name] = model
    return made


@pytest.mark.parametrize(
    ("fitted", "behind", "first"),
    [
        (_known(pareto_nbd=(), bg_nbd=()), 0.5 * TIED, "pareto_nbd"),
        (_known(pareto_nbd=("s",), bg_nbd=()), 0.5 * TIED, "bg_nbd"),
        (_known(pareto_nbd=("s",), bg_nbd=()), 1.5 * TIED, "pareto_nbd"),  # no tie
        (_known(pareto_nbd=("beta",), nbd=()), 0.5 * TIED, "nbd"),
        (_known(pareto_nbd=(), nbd=()), 0.5 * TIED, "pareto_nbd"),  # knowing no leaving is no merit
        (_known(pareto_nbd=(), nbd=("r",)), 0.5 * TIED, "pareto_nbd"),
    ],
)
def test_ties_by_hand(fitted: dict[str, Any], behind: float, first: str) -> None:
    rows = [(name, "model", value) for name, value in zip(fitted, (1.0, 1.0 + behind), strict=True)]
    judged = _judged(*rows, ("same_rate", "rule", 1.5))
    table = _winner_first(judged, fitted)
    assert table["contestant"].iloc[0] == first
    assert sorted(table["contestant"]) == sorted([*fitted, "same_rate"])


def test_a_tie_never_puts_a_model_first_that_a_rule_beats() -> None:
    fitted = _known(pareto_nbd=("s",), nbd=())
    table = _judged(
        ("pareto_nbd", "model", 1.0), ("same_rate", "rule", 1.0002), ("nbd", "model", 1.0005)
    )
    found = _winner_first(table, fitted)
    assert found["contestant"].to_list() == ["pareto_nbd", "same_rate", "nbd"]
