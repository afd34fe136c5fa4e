"""Histories, the held-out period and the choice of a model: by hand, and on a base with a known law."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from crm_lib import btyd
from crm_lib.analysis import lifetime
from crm_lib.engine import collect
from crm_lib.errors import NoModel, UsageError
from crm_lib.periods import Window
from tests.analysis.base import Base
from tests.analysis.ledger import SIX, Ledger


@pytest.fixture(scope="module")
def base() -> Base:
    return Base()


@pytest.fixture(scope="module")
def choice(base: Base) -> lifetime.Choice:
    return lifetime.choose(base.customers, base.occasions, **base.span)  # type: ignore[arg-type]


def rows(seen: btyd.Histories) -> list[tuple[float, ...]]:
    return list(zip(seen.x, seen.t_x, seen.T, seen.weight, strict=True))


def test_histories_of_six_customers() -> None:
    seen = lifetime.histories(Ledger(SIX).customers)
    # dora, carla, emil bought once; ben twice, anna three times. fred only returned.
    assert rows(seen) == [
        (0, 0, 30, 1), (0, 0, 49, 1), (0, 0, 75, 1), (1, 59, 70, 1), (2, 59, 85, 1),
    ]  # fmt: skip
    assert seen.unit == "day"


def test_the_held_out_period_of_six_customers() -> None:
    held = lifetime.holdout(Ledger(SIX).occasions, split=date(2023, 3, 1), as_of=date(2023, 4, 1))
    # dora came in March and is not judged; T ends on 28 February.
    assert held.horizon == 31
    assert list(zip(held.seen.x, held.seen.t_x, held.seen.T, held.actual, strict=True)) == [
        (0, 0, 18, 0), (0, 0, 39, 1), (0, 0, 44, 0), (1, 31, 54, 1),
    ]  # fmt: skip


def test_equal_histories_are_one_row_and_nobody_is_lost(base: Base) -> None:
    seen = lifetime.histories(base.customers)
    assert seen.customers == collect(base.customers.count().as_table()).iloc[0, 0] == 400
    assert len({row[:3] for row in rows(seen)}) == len(seen)


@pytest.mark.parametrize(
    ("days", "warm_up", "holdout_days", "split"),
    [
        (90, 0, 0, date(2022, 3, 2)),  # a third of the window
        (2000, 0, 0, date(2026, 6, 24)),  # at most a year
        (400, 0, 100, date(2022, 10, 28)),
        (80, 0, 0, None),  # 26 days to judge by
        (90, 40, 0, None),  # 20 days to learn from, after the warm-up
    ],
)
def test_where_the_window_is_split(
    days: int, warm_up: int, holdout_days: int, split: date | None
) -> None:
    base = Base(5, days=days, warm_up_days=warm_up)
    assert lifetime.split_day(base.observed, base.warm_up_ends, holdout_days) == split
    with pytest.raises(UsageError, match="holdout_days must be a whole number of at least 0"):
        lifetime.split_day(base.observed, base.warm_up_ends, -1)


def test_a_known_law_is_chosen_and_refitted_to_everything(
    base: Base, choice: lifetime.Choice
) -> None:
    assert choice.refusal == ""
    assert choice.model.customers_ == 400
    assert choice.calibrated.customers_ == choice.tested.customers < 400
    assert set(choice.judged["contestant"]) == {*btyd.MODELS, "same_rate", "hiatus", "always_zero"}
    assert choice.model.name == choice.judged["contestant"].iloc[0] != "nbd"
    assert abs(choice.bias) < 0.15


def test_a_model_asked_for_is_held_against_the_rules_alone(base: Base) -> None:
    found = lifetime.choose(base.customers, base.occasions, model="bg_nbd", **base.span)  # type: ignore[arg-type]
    assert isinstance(found.model, btyd.MODELS["bg_nbd"])
    assert set(found.judged[found.judged["kind"] == "model"]["contestant"]) == {"bg_nbd"}


@pytest.mark.parametrize(("lead", "may_be_chance"), [(1.9, True), (2.0, False)])
def test_a_lead_below_two_standard_errors_may_be_chance(
    choice: lifetime.Choice, lead: float, may_be_chance: bool
) -> None:
    assert choice.verdict is not None
    verdict = replace(choice.verdict, lead=lead, lead_error=1.0)
    assert replace(choice, verdict=verdict).is_close == may_be_chance


def test_an_unknown_model_is_named(base: Base) -> None:
    with pytest.raises(UsageError, match="Did you mean 'bg_nbd'"):
        lifetime.choose(base.customers, base.occasions, model="bgnbd", **base.span)  # type: ignore[arg-type]


def test_what_came_later_changes_nothing(base: Base, choice: lifetime.Choice) -> None:
    """The calibrated model is the one fitted on the day of the split."""
    split = choice.tested.seen
    early = lifetime.holdout(
        base.occasions.filter(base.occasions.on < choice.as_of),
        split=choice.window.start,  # type: ignore[union-attr]
        as_of=choice.as_of,
    ).seen
    assert rows(split) == rows(early)
    again = btyd.fit(split, choice.calibrated.name)
    assert again.params_ == pytest.approx(choice.calibrated.params_, rel=1e-6)


def test_too_short_a_window_has_no_model_and_says_why() -> None:
    ledger = Ledger(SIX, end="2023-02-20")
    found = lifetime.choose(ledger.customers, ledger.occasions, **ledger.dates)  # type: ignore[arg-type]
    assert found.fitted is None
    assert "leaves too little: at least 28 days" in found.refusal
    assert found.judged.empty
    assert found.window is None
    with pytest.raises(NoModel, match="leaves too little"):
        _ = found.model


def test_few_customers_choose_no_model() -> None:
    ledger = Ledger(SIX)
    found = lifetime.choose(ledger.customers, ledger.occasions, **ledger.dates)  # type: ignore[arg-type]
    assert "at least 30 have to be known before 2023-03-02, not 5" in found.refusal
    assert found.fitted is None
    assert found.excluded == 1  # fred


def test_where_nobody_had_bought_before_the_held_out_period_that_is_said() -> None:
    late = Ledger([("a", "1", "2023-03-20", "10")], start="2023-01-01", end="2023-04-01")
    found = lifetime.choose(late.customers, late.occasions, **late.dates)  # type: ignore[arg-type]
    assert "at least 30 have to be known before 2023-03-02, not 0" in found.refusal


def test_a_rule_that_does_as_well_wins() -> None:
    """Forty customers, each with a rhythm that never changes: going on as before is never wrong."""
    start = date(2022, 1, 1)
    rows = [
        (f"c{i:02}", f"{i}-{step}", str(start + timedelta(days=step * (10 + i))), "10")
        for i in range(40)
        for step in range(720 // (10 + i))
    ]
    ledger = Ledger(rows, start="2022-01-01", end="2023-12-22", warm_up_ends="2022-01-01")
    found = lifetime.choose(ledger.customers, ledger.occasions, **ledger.dates)  # type: ignore[arg-type]
    assert found.fitted is None
    assert found.refusal.startswith("Do not use a model here: the rule 'Same rate as before'")
    assert found.judged["contestant"].iloc[0] == "same_rate"
    with pytest.raises(NoModel, match="Do not use"):
        _ = found.model


def test_the_track_counts_every_repeat_purchase(base: Base, choice: lifetime.Choice) -> None:
    track = lifetime.tracking(choice, base.occasions)
    split = choice.window.start  # type: ignore[union-attr]
    known = set(base.log.loc[base.log["day"] < split, "customer_id"])
    log = base.log[base.log["customer_id"].isin(known)].drop_duplicates(["customer_id", "day"])
    until = log[log["day"] <= track["on"].iloc[-1].date()]
    assert track["actual"].sum() == len(until) - len(known)
    assert track.loc[~track["is_holdout"], "on"].max().date() < split
    assert track["expected"].sum() == pytest.approx(track["actual"].sum(), rel=0.15)


def test_calibration_adds_up_to_the_customers_judged(choice: lifetime.Choice) -> None:
    repeats, shares = lifetime.calibration(choice)
    assert repeats["customers"].sum() == shares["actual"].sum() == choice.tested.customers
    bought = (repeats["customers"] * repeats["actual"]).sum()
    assert bought == pytest.approx(choice.tested.purchases)


def test_limits_tell_of_those_first_seen() -> None:
    base = Base(warm_up_days=90)
    choice = lifetime.choose(base.customers, base.occasions, **base.span)  # type: ignore[arg-type]
    told = lifetime.limits(choice, base.customers, observed=base.observed, horizon_months=36)
    seen = collect(base.customers.filter(base.customers.is_first_seen))
    assert told["first_seen_share"] == len(seen) / 400 > 0
    frame = told["sensitivity"]
    assert frame["customers"].tolist() == [400, 400 - len(seen)]
    assert frame["expected_occasions"].iloc[1] == pytest.approx(
        frame["expected_occasions"].iloc[0], rel=0.5
    )
    of_new = choice.model.expected_of_new(36, unit="month")[0]
    assert frame["occasions_of_new"].iloc[0] == pytest.approx(of_new)


def test_a_window_is_a_window(choice: lifetime.Choice) -> None:
    assert choice.window == Window(choice.split, choice.as_of)  # type: ignore[arg-type]
    assert "Pareto/NBD" in choice.card()["Model"] or "NBD" in choice.card()["Model"]
