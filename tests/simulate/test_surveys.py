"""Surveys: shares asked and answering, the drivers' marks, and the weights behind satisfaction.

Tolerances are 4 standard errors, from the law where it gives them, otherwise from the sample.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.simulate.block import Floats
from crm_lib.simulate.tables.contact_surveys import PERSONAL_SD, standard_hazard
from tests.simulate.contact_world import DRIVERS, PERFORMANCE, World, world

ERRORS = 4


@pytest.fixture(scope="module")
def made() -> World:
    return world(16_384)


@pytest.fixture(scope="module")
def rows(made: World) -> pd.DataFrame:
    told = made.table()
    return told[told["kind"] == "survey"]


@pytest.fixture(scope="module")
def answers(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a person (the window is a year: nobody is asked twice), one column a question."""
    answered = rows[rows["score"].notna()]
    return answered.pivot(index="row", columns="reason", values="score")


def test_asked_and_answering(made: World, rows: pd.DataFrame) -> None:
    """A customer known from day j for 60 days can be asked for the rest of the year."""
    asked = rows[rows["reason"] == "overall"]
    assert not made.people.never_buys[asked["row"]].any()
    days = (asked["at"] - pd.Timestamp(made.block.clock.start)).dt.days
    assert (days >= made.people.joined_day[asked["row"]] + 60).all()
    left = 1 - (made.people.joined_day + 60) / 365
    odds = np.where(made.people.never_buys, 0.0, 0.5 * left)
    spread = np.sqrt((odds * (1 - odds)).sum())
    assert len(asked) == pytest.approx(odds.sum(), abs=ERRORS * spread)
    share = asked["score"].notna().mean()
    assert share == pytest.approx(0.4, abs=ERRORS * np.sqrt(0.4 * 0.6 / len(asked)))


def test_an_answer_is_a_row_a_question_and_silence_one_row(rows: pd.DataFrame) -> None:
    silent = rows[rows["score"].isna()]
    assert set(silent["reason"]) == {"overall"}
    told = rows[rows["score"].notna()].groupby("row")
    assert told["reason"].agg(set).eq({*DRIVERS, "overall", "recommend"}).all()
    assert told.size().eq(len(DRIVERS) + 2).all()
    assert told["at"].nunique().eq(1).all()
    scales = rows.groupby("reason", observed=True)["scale_max"].agg(set).to_dict()
    assert scales == {**{name: {5} for name in (*DRIVERS, "overall")}, "recommend": {10}}
    assert rows["score"].min() >= 0
    assert rows[rows["scale_max"] == 5]["score"].min() >= 1


def test_hazard_is_standardised_within_segment_and_source(made: World) -> None:
    """Mean 0, standard deviation 1 in each cell; the variance of a variance from the sample."""
    z = standard_hazard(made.block, made.people)
    for cell in range(4):
        own = z[(made.people.segment * 2 + made.people.source) == cell]
        assert own.mean() == pytest.approx(0, abs=ERRORS * own.std() / np.sqrt(len(own)))
        squares = own**2
        assert squares.mean() == pytest.approx(1, abs=ERRORS * squares.std() / np.sqrt(len(own)))


def _expected(centre: Floats, sd: float, least: int, most: int) -> tuple[Floats, Floats]:
    """Mean and variance of Normal(centre, sd), rounded and clipped to least–most."""
    steps = np.arange(least, most) + 0.5
    above = stats.norm.sf((steps - np.asarray(centre)[:, None]) / sd)
    below = 1 - above
    cells = np.column_stack([below[:, :1], np.diff(below, axis=1), above[:, -1:]])
    points = np.arange(least, most + 1)
    mean = cells @ points
    return mean, cells @ points**2 - mean**2


@pytest.mark.parametrize("driver", DRIVERS)
def test_marks_of_a_driver_follow_performance_and_hazard(
    made: World, answers: pd.DataFrame, driver: str
) -> None:
    z = standard_hazard(made.block, made.people)[answers.index]
    centre = PERFORMANCE[driver] - made.block.company.laws.satisfaction_slope * z
    mean, variance = _expected(centre, PERSONAL_SD, 1, 5)
    spread = np.sqrt(variance.sum()) / len(mean)
    assert answers[driver].mean() == pytest.approx(mean.mean(), abs=ERRORS * spread)


def test_overall_and_recommending_follow_the_answers(answers: pd.DataFrame) -> None:
    whole = answers[list(DRIVERS)].to_numpy() @ np.array(list(DRIVERS.values()))
    noise = 0.35
    for question, centre, sd, least, most in (
        ("overall", whole, noise, 1, 5),
        ("recommend", 2 * whole, np.hypot(2 * noise, 1.0), 0, 10),
    ):
        mean, variance = _expected(centre, sd, least, most)
        spread = np.sqrt(variance.sum()) / len(mean)
        assert answers[question].mean() == pytest.approx(mean.mean(), abs=ERRORS * spread)


def test_regression_of_the_overall_recovers_the_weights(answers: pd.DataFrame) -> None:
    """Ordinary least squares with robust (HC0) standard errors."""
    x = np.column_stack([np.ones(len(answers)), answers[list(DRIVERS)].to_numpy()])
    inverse = np.linalg.inv(x.T @ x)
    found = inverse @ x.T @ answers["overall"].to_numpy()
    residual = answers["overall"].to_numpy() - x @ found
    errors = np.sqrt(np.diag(inverse @ (x.T * residual**2) @ x @ inverse))[1:]
    assert len(answers) > 1_000
    assert (np.abs(found[1:] - list(DRIVERS.values())) < ERRORS * errors).all()
    assert (errors < 0.03).all()  # the tolerance tells the weights 0.5, 0.3 and 0.2 apart


def test_the_satisfied_leave_at_a_lower_rate(made: World, answers: pd.DataFrame) -> None:
    """Rank correlation of satisfaction with the rate of leaving: clearly below 0."""
    z = standard_hazard(made.block, made.people)[answers.index]
    found = stats.spearmanr(answers["overall"], z)
    assert found.statistic < -ERRORS / np.sqrt(len(answers))
