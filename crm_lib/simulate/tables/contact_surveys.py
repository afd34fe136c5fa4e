"""Surveys: what customers answer, and how it follows from the drivers of satisfaction.

Every customer known for 60 days is asked in a year with `Survey.asked_share`, whether still a customer
or not, and answers with `Survey.response_rate`. How customer c experiences driver d is

    x(c,d) = performance(d) + e(c,d) − satisfaction_slope × z(c),      e ~ Normal(0, 0.6)

in points of 1–5, where z standardises log μ, the customer's rate of leaving, within segment and source.
For μ ~ Gamma(s, rate β) × hazard_factor,

    z = (log μ − log hazard_factor − ψ(s) + log β) / √ψ′(s)      (ψ: digamma; ψ′: trigamma)

Answers: a(c,d) = x, rounded and clipped to 1–5. Satisfaction y = Σ weight(d) × a(c,d) +
Normal(0, `Survey.noise`), answered as "overall", rounded and clipped to 1–5; "recommend" is
2 y + Normal(0, 1), rounded and clipped to 0–10. So a regression of the overall on the drivers' answers
estimates the weights.

Satisfaction and staying: log μ falls evenly with experience, so that the share who are still customers
after T days, exp(−μ T), rises with satisfaction and, where most stay, ever less. The clipped top of the
scale holds the content and the delighted alike.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from scipy.special import digamma, polygamma

from crm_lib.simulate.behaviour.people import pick
from crm_lib.simulate.block import Block, Floats, Ints, People
from crm_lib.simulate.tables import arrow
from crm_lib.simulate.tables.contact_rows import Part, part, same

KNOWN_DAYS = 60
"""Nobody is asked before."""
ROUND_DAYS = 365
"""A survey goes on for so many days, then the next begins."""
PERSONAL_SD = 0.6
"""of a customer's experience of a driver, in points of 1–5"""
RECOMMENDING_SD = 1.0
"""of recommending around satisfaction, in points of 0–10"""
POINTS = 5
RECOMMENDING_POINTS = 10
OVERALL, RECOMMEND = "overall", "recommend"
CHANNELS = {"e-mail": 0.7, "web": 0.3}


def surveys(block: Block, people: People) -> list[Part]:
    """Questions without an answer (one row, its score null) and answers (one row a question)."""
    stream, law = block.stream("contacts: surveys"), block.company.laws.survey
    experience = _experience(block, stream, people)
    customer, time = _asked(block, stream, people)
    channel = pick(stream, CHANNELS.values(), len(customer))
    answers = stream.random(len(customer)) < law.response_rate
    silent_count = len(customer) - int(answers.sum())
    silent = part(
        "survey",
        customer[~answers],
        time[~answers],
        channel=arrow.texts(channel[~answers], list(CHANNELS)),
        reason=same(OVERALL, silent_count),
        scale_max=pa.array(np.full(silent_count, POINTS)),
    )
    score = _answers(block, stream, experience[customer[answers]])
    count, questions = score.shape
    told = part(
        "survey",
        np.repeat(customer[answers], questions),
        np.repeat(time[answers], questions),
        channel=arrow.texts(np.repeat(channel[answers], questions), list(CHANNELS)),
        reason=arrow.texts(
            np.tile(np.arange(questions), count), [*law.drivers, OVERALL, RECOMMEND]
        ),
        score=pa.array(score.ravel()),
        scale_max=pa.array(np.tile([POINTS] * (questions - 1) + [RECOMMENDING_POINTS], count)),
    )
    return [silent, told]


def standard_hazard(block: Block, people: People) -> Floats:
    """z: the log of each customer's rate of leaving, standardised within segment and source."""
    purchasing = [segment.purchasing for segment in block.company.segments]
    shape = np.array([p.s for p in purchasing])
    mean = digamma(shape) - np.log([p.beta_days for p in purchasing])
    factor = np.array([source.hazard_factor for source in block.company.sources])
    own = np.log(people.hazard / factor[people.source])
    return (own - mean[people.segment]) / np.sqrt(polygamma(1, shape))[people.segment]


def _experience(block: Block, stream: np.random.Generator, people: People) -> Floats:
    """x, a row a customer and a column a driver: the same whenever the customer is asked."""
    laws = block.company.laws
    performance = np.array([laws.survey.performance[driver] for driver in laws.survey.drivers])
    personal = stream.normal(0, PERSONAL_SD, (len(people), len(performance)))
    sinks = laws.satisfaction_slope * standard_hazard(block, people)
    return performance + personal - sinks[:, None]


def _asked(block: Block, stream: np.random.Generator, people: People) -> tuple[Ints, Floats]:
    """Who is asked and when: at a random time of each year from the start of the window on."""
    rounds = -(-block.clock.days // ROUND_DAYS)
    time = ROUND_DAYS * (np.arange(rounds)[:, None] + stream.random((rounds, len(people))))
    is_asked = stream.random((rounds, len(people))) < block.company.laws.survey.asked_share
    is_asked &= ~people.never_buys & (time >= people.joined_day + KNOWN_DAYS)
    _, customer = np.nonzero(is_asked)
    return customer, time[is_asked]


def _answers(block: Block, stream: np.random.Generator, experience: Floats) -> Ints:
    """A row a person who answers; a column a driver, then the whole, then recommending."""
    law = block.company.laws.survey
    drivers = _rounded(experience, 1, POINTS)
    weights = np.array(list(law.drivers.values()))
    whole = drivers @ weights + stream.normal(0, law.noise, len(drivers))
    recommending = RECOMMENDING_POINTS / POINTS * whole
    recommending += stream.normal(0, RECOMMENDING_SD, len(drivers))
    overall = _rounded(whole, 1, POINTS)
    return np.column_stack([drivers, overall, _rounded(recommending, 0, RECOMMENDING_POINTS)])


def _rounded(points: Floats, least: int, most: int) -> Ints:
    return np.clip(np.rint(points), least, most).astype(np.int64)
