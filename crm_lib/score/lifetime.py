"""Lifetime: who still is a customer and what customers buy later, against what was planted and came.

The model sees what any analysis sees. Who truly still is a customer is in the planted spells; what
customers buy and earn after the day is in the same company before a later day. In a plain company,
where purchases follow Pareto/NBD in every segment, its parameters are looked for segment by segment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import numpy as np
import pandas as pd

from crm_lib import btyd
from crm_lib.analysis import clv, lifetime, margins
from crm_lib.book import Book, open_book
from crm_lib.engine import collect
from crm_lib.periods import months_between
from crm_lib.present import words
from crm_lib.score.chance import ERRORS
from crm_lib.score.row import Row
from crm_lib.score.truth import LAWS, Truth, alive

NAME = "Lifetime value"
WHOLE_WINDOW = False

MOST_CUSTOMERS = 100_000
"""So many customers are compared, chosen by their id."""
APART = 0.05
"""How far P(alive) may be from the share of customers still there where purchases follow the model."""
BANDS = 10


def rows(truth: Truth, book: Book) -> list[Row]:
    """P(alive) against the spells; purchases and contribution to come against what came; parameters."""
    choice = lifetime.choose(book.customers, book.occasions, **book.span)
    if choice.fitted is None:
        return [Row("model of repeat purchases", "", "none", "", None, choice.refusal)]
    return [
        *_still_there(truth, book, choice),
        *_bought_later(truth, book, choice),
        *_parameters(truth, book),
    ]


# --- who still is a customer ----------------------------------------------------------------------


def _still_there(truth: Truth, book: Book, choice: lifetime.Choice) -> list[Row]:
    """P(alive) against who truly still is a customer, of `_with_truth`; judged in a plain company only."""
    seen = _with_truth(truth, book, choice)
    if seen["alive"].nunique() < 2:
        return [Row("still a customer", "", "", "", None, "Nobody has left, or nobody is left.")]
    is_plain = _is_plain(truth)
    note = f"{choice.model.title}; {words.count(len(seen))} customers on the day."
    if not is_plain:
        note += (
            " Not judged: gaps, seasons and comebacks of this company are not those of any model."
        )
    return [_order(seen, is_plain, note), *_chances(seen, is_plain, note)]


def _order(seen: pd.DataFrame, is_plain: bool, note: str) -> Row:
    """Whether P(alive) puts those still there above those gone at least as well as silence does."""
    from sklearn.metrics import roc_auc_score

    by_model = float(roc_auc_score(seen["alive"], seen["p_alive"]))
    by_silence = float(roc_auc_score(seen["alive"], -seen["days_since_last"]))
    return Row(
        "still customers ranked above those gone (area under the ROC curve)",
        f"{by_silence:.3f} by days since the last purchase",
        f"{by_model:.3f} by P(alive)",
        "not worse" if is_plain else "",
        by_model >= by_silence if is_plain else None,
        f"{note} 0.5 is chance, 1 perfect.",
    )


def _chances(seen: pd.DataFrame, is_plain: bool, note: str) -> list[Row]:
    """How far P(alive) is from the share still there: over all customers, and over tenths of it."""
    share, expected = float(seen["alive"].mean()), float(seen["p_alive"].mean())
    apart = _calibration_error(seen)
    tolerance = words.points(APART, 0).lstrip("+") if is_plain else ""
    return [
        Row(
            "share of customers still there",
            words.percent(share),
            words.percent(expected),
            tolerance,
            abs(expected - share) <= APART if is_plain else None,
            note,
        ),
        Row(
            "P(alive) against the share still there, mean distance over tenths",
            words.percent(0.0),
            words.percent(apart),
            tolerance,
            apart <= APART if is_plain else None,
            note,
        ),
    ]


def _with_truth(truth: Truth, book: Book, choice: lifetime.Choice) -> pd.DataFrame:
    """One row a customer: p_alive, days_since_last, alive (truly)."""
    seen = choice.seen
    assert seen is not None
    facts = book.customers.filter(book.customers.first_on.notnull())
    every = -(-int(seen.customers) // MOST_CUSTOMERS)
    facts = facts.filter(facts.customer_id.hash() % every == 0) if every > 1 else facts
    there = alive(truth, book.as_of).select("customer_id").distinct().mutate(alive=True)
    joined = facts.left_join(there, "customer_id")
    frame = collect(
        joined.select("x", "t_x", "T", "days_since_last", alive=joined.alive.fill_null(False)),
        max_rows=2 * MOST_CUSTOMERS,
    )
    told = choice.model.p_alive(btyd.histories(frame[["x", "t_x", "T"]], unit="day"))
    return frame.assign(p_alive=told)


def _calibration_error(seen: pd.DataFrame) -> float:
    """Σ customers × |mean P(alive) − share alive| ÷ customers, over bands of P(alive)."""
    band = np.minimum((seen["p_alive"] * BANDS).astype(int), BANDS - 1)
    means = seen.groupby(band).agg(p=("p_alive", "mean"), a=("alive", "mean"), n=("alive", "size"))
    return float((means["n"] * (means["p"] - means["a"]).abs()).sum() / means["n"].sum())


# --- what they buy later --------------------------------------------------------------------------


def _bought_later(truth: Truth, book: Book, choice: lifetime.Choice) -> list[Row]:
    months = months_between(book.as_of, truth.ends)
    if months < 1 or book.as_of.day != 1:
        note = f"What customers buy later is known before {truth.ends} only, from the first of a month on."
        return [Row("purchases to come", "", "", "", None, note)]
    seen = _with_later(truth.ends, book, choice, months)
    window = f"Within {words.months(months)} of the day; customers known before it, {choice.model.title}."
    days = (truth.ends - book.as_of).days
    return [*_occasions_to_come(seen, days, window), *_earnings_to_come(seen, book, window)]


def _occasions_to_come(seen: pd.DataFrame, days: int, window: str) -> list[Row]:
    """How many purchase occasions came in the `days` after the day. seen: of `_with_later`."""
    came, expected = seen["came"].sum(), seen["expected_occasions"].sum()
    as_before = float((seen["x"] / seen["T"].clip(lower=1) * days).sum())
    return [
        Row(
            "purchase occasions to come",
            words.count(came),
            words.count(expected),
            f"nearer than {words.count(as_before)}",
            bool(abs(expected - came) < abs(as_before - came)),
            f"{window} In the tolerance: if everybody went on as before.",
        ),
        Row(
            "purchase occasions to come, correlation over customers",
            "1",
            words.ratio(float(np.corrcoef(seen["expected_occasions"], seen["came"])[0, 1])),
            "",
            None,
            window,
        ),
    ]


def _earnings_to_come(seen: pd.DataFrame, book: Book, window: str) -> list[Row]:
    """What the customers earned later, and how much of it those did whom CLV puts first."""
    earned, worth = seen["earned"].sum(), seen["clv"].sum()
    tenth = -(-len(seen) // 10)
    best = seen.nlargest(tenth, "clv")["earned"].sum()
    most = seen["earned"].nlargest(tenth).sum()
    money = book.dataset.currency
    return [
        Row(
            f"{margins.earning(book.components)} to come, not discounted",
            words.money(earned, money, digits=0),
            words.money(worth, money, digits=0),
            "",
            None,
            f"{window} Not judged: orders grow with the relationship, which no model here knows.",
        ),
        Row(
            "the tenth of customers with the highest value to come, share of what came",
            f"{words.percent(most / earned)} with the best tenth there could be"
            if earned > 0
            else "",
            words.percent(best / earned) if earned > 0 else "",
            "",
            None,
            window,
        ),
    ]


def _with_later(ends: date, book: Book, choice: lifetime.Choice, months: int) -> pd.DataFrame:
    """One row a customer: x, T, expected_occasions, clv (not discounted), came, earned up to `ends`."""
    assert choice.seen is not None
    each = margins.of(book.occasions, book.ledger).per_occasion()
    values = clv.by_customer(
        book.customers, choice.seen, choice.model, each, horizon_months=months, discount_rate=0.0
    )
    whole = open_book(book.dataset.name, as_of=ends)
    day = ibis.literal(book.as_of)
    later = whole.occasions.filter(whole.occasions.on >= day)
    later = later.group_by("customer_id").agg(came=later.count())
    months_after = margins.earned(whole.ledger.filter(whole.ledger.month >= day))
    earned = months_after.group_by("customer_id").agg(earned=months_after.earned.sum())
    told = collect(
        values.select("customer_id", "x", "T", "expected_occasions", "clv"),
        max_rows=10 * MOST_CUSTOMERS,
    ).set_index("customer_id")
    for part in (later, earned):
        told = told.join(collect(part, max_rows=10 * MOST_CUSTOMERS).set_index("customer_id"))
    return told.fillna({"came": 0, "earned": 0.0})


# --- the parameters -------------------------------------------------------------------------------


def _parameters(truth: Truth, book: Book) -> list[Row]:
    """Pareto/NBD of each planted segment, where purchases follow it: in a plain company only."""
    if not _is_plain(truth):
        note = "Segments, seasons, sources and comebacks mix laws: no single one was planted."
        return [Row("parameters of Pareto/NBD", "", "", "", None, note)]
    stated = _laws(truth)
    kinds = truth.table("customers").select("customer_id", "segment")
    found = []
    for segment in collect(kinds.select("segment").distinct().order_by("segment"))["segment"]:
        mine = book.customers.semi_join(kinds.filter(kinds.segment == segment), "customer_id")
        planted = {
            name: float(stated[(f"segments.{segment}.purchasing", law)])
            for name, law in _LAW_NAMES.items()
        }
        found.append(_compared(segment, lifetime.histories(mine), planted))
    return found


def _laws(truth: Truth) -> pd.Series:
    """What was planted, by law and parameter."""
    return collect(truth.table(LAWS)).set_index(["law", "parameter"])["value"]


def _is_plain(truth: Truth) -> bool:
    return bool(_laws(truth).get(("company", "is_plain")) == "True")


_LAW_NAMES = {"r": "r", "alpha": "alpha_days", "s": "s", "beta": "beta_days"}


def _compared(segment: str, seen: btyd.Histories, planted: dict[str, float]) -> Row:
    """All parameters at once: they hang together, so each alone would say less than the four do.

    Twice the log-likelihood by which the planted values fall short of the best is χ² with four degrees
    of freedom; above the bound it lies as rarely as a normal value beyond `ERRORS` standard deviations.
    """
    from scipy.stats import chi2, norm

    model = btyd.fit(seen, "pareto_nbd")
    law = type(model)(unit=seen.unit, **planted)
    short = 2 * (model.log_likelihood(seen) - law.log_likelihood(seen))
    bound = float(chi2.isf(2 * norm.sf(ERRORS), len(planted)))
    return Row(
        f"parameters of Pareto/NBD, {segment}",
        _listed(planted),
        _listed(model.params_),
        f"χ² of at most {bound:.1f}",
        bool(short <= bound),
        f"χ² is {short:.1f}. Times in days; purchases are counted by day, so that two on one day are one.",
    )


def _listed(params: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in params.items())
