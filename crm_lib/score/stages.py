"""Stages: who has left, told by silence in the customer's own rhythm, against a fixed 90 days.

The truth is latent: nobody announces leaving. On several days of the window every customer is called
gone or not by both rules, and compared with the spells that were planted. Two rules are compared
fairly at equal false alarms: the limit on silence that calls as many of the living gone as 90 days do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis import stages
from crm_lib.book import Book
from crm_lib.engine import collect
from crm_lib.present import words
from crm_lib.score.chance import ERRORS
from crm_lib.score.row import Row
from crm_lib.score.truth import Truth
from crm_lib.stage_rules import STAGES

NAME = "Who has left"
WHOLE_WINDOW = False

FIXED_DAYS = 90
"""Silence after which the rule that ours is compared with calls anybody gone."""
DAYS_COMPARED = 6
"""On so many days the rules are compared, the last being the day of the book."""
MOST_CUSTOMERS = 50_000
"""So many customers are compared, chosen by their id: for shares to a quarter of a per cent."""
PARTS = 20
"""Parts of the customers whose differences tell the standard error; with fewer nothing is judged."""


def rows(truth: Truth, book: Book) -> list[Row]:
    """Ranking, calls and days of delay of the stages against the 90-day rule; then the trade-offs."""
    seen = census(truth, book)
    if seen.gone.nunique() < 2:
        return [Row("gone or alive", "", "", "", None, "Nobody has left, or nobody is left.")]
    alarms = float((seen.days_since_last[~seen.gone] > FIXED_DAYS).mean())
    limit = float(np.quantile(seen.silence[~seen.gone], 1 - alarms))
    return [
        _ranking(seen),
        _caught(seen, limit, alarms),
        _delay(seen[(seen.day == seen.day.max()) & seen.gone], limit),
        *(_accuracy(seen, stage, book) for stage in ("At risk", "Dormant", "Lost")),
    ]


def census(truth: Truth, book: Book) -> pd.DataFrame:
    """One row a day compared and customer with a purchase before it: day, gone (bool), left_on (the
    last time; missing for one who never left), days_since_last, silence, expected_gap_days, last_on,
    part (one of `PARTS`, by the customer's id)."""
    return pd.concat([_seen(truth, book, day) for day in _days(book)], ignore_index=True)


def _days(book: Book) -> list[date]:
    """Days to compare on, evenly from a third of the observed window to the day of the book."""
    whole = book.observed.days
    days = np.linspace(whole / 3, whole, DAYS_COMPARED).round().astype(int)
    return [book.observed.start + timedelta(days=int(day)) for day in dict.fromkeys(days)]


def _seen(truth: Truth, book: Book, day: date) -> pd.DataFrame:
    customers = _some(book.customers_at(day))
    known = stages.stage(customers, thresholds=book.dataset.thresholds)
    facts = customers.select("customer_id", "days_since_last", "last_on")
    lives = truth.table("spells")
    lives = lives.filter(lives.began_on < ibis.literal(day))
    has_left = lives.left_on < ibis.literal(day)
    lives = lives.group_by("customer_id").agg(
        spells=lives.count(),
        left=has_left.fill_null(False).sum(),
        left_on=lives.left_on.max(where=has_left),
    )
    joined = known.filter(known.stage != STAGES[0]).join(facts, "customer_id")
    joined = joined.join(lives, "customer_id")
    frame = collect(
        joined.select(
            "customer_id", "expected_gap_days", "silence", "days_since_last", "last_on", "left_on",
            gone=joined.left == joined.spells,
        ),
        max_rows=2 * MOST_CUSTOMERS,
    )  # fmt: skip
    # By another hash than the engine's, which may have chosen the customers.
    part = pd.util.hash_array(frame.pop("customer_id").to_numpy(object)) % PARTS
    return frame.assign(day=day, part=part)


def _some(customers: ir.Table) -> ir.Table:
    count = int(customers.count().execute())
    every = -(-count // MOST_CUSTOMERS)
    return customers.filter(customers.customer_id.hash() % every == 0) if every > 1 else customers


def _ranking(seen: pd.DataFrame) -> Row:
    from sklearn.metrics import roc_auc_score

    def area(some: pd.DataFrame, by: str) -> float:
        return float(roc_auc_score(some.gone, some[by]))

    tolerance, holds = _judged(
        seen, lambda some: area(some, "silence") - area(some, "days_since_last")
    )
    return Row(
        "gone ranked above alive (area under the ROC curve)",
        f"{area(seen, 'days_since_last'):.3f} by days since the last purchase",
        f"{area(seen, 'silence'):.3f} by silence in own gaps",
        tolerance,
        holds,
        f"On {seen.day.nunique()} days; 0.5 is chance, 1 perfect.",
    )


def _caught(seen: pd.DataFrame, limit: float, alarms: float) -> Row:
    gone = seen[seen.gone]
    called = gone.assign(fixed=gone.days_since_last > FIXED_DAYS, own=gone.silence > limit)
    tolerance, holds = _judged(called, lambda some: some.own.mean() - some.fixed.mean())
    return Row(
        "of those gone, called at equal false alarms",
        f"{words.percent(called.fixed.mean())} after {FIXED_DAYS} days",
        f"{words.percent(called.own.mean())} after {limit:.2f} own gaps",
        tolerance,
        holds,
        f"Both call {words.percent(alarms)} of the living gone.",
    )


def _delay(gone: pd.DataFrame, limit: float) -> Row:
    """Days from leaving to the day on which the rule calls it, at equal false alarms."""
    silent_since = (pd.to_datetime(gone.last_on) - pd.to_datetime(gone.left_on)).dt.days
    called = gone.assign(
        fixed=silent_since + FIXED_DAYS + 1,
        own=silent_since + np.floor(limit * gone.expected_gap_days) + 1,
    )
    tolerance, holds = _judged(called, lambda some: some.fixed.median() - some.own.median())
    return Row(
        "days from leaving to the call, at equal false alarms",
        _quartiles(called.fixed),
        _quartiles(called.own),
        tolerance,
        holds,
        f"Quartiles over the {words.count(len(gone))} gone on the last day; the median is judged.",
    )


def _judged(
    seen: pd.DataFrame, advantage: Callable[[pd.DataFrame], float]
) -> tuple[str, bool | None]:
    """The tolerance on the advantage of our rule over the fixed one, and whether it holds.

    Our rule may be worse by chance: by `ERRORS` standard errors, estimated from the advantage in each
    of `PARTS` parts of the customers.
    """
    parts = [some for _, some in seen.groupby("part") if some.gone.nunique() == seen.gone.nunique()]
    if len(parts) < PARTS:
        return "too few to judge", None
    error = float(np.std([advantage(some) for some in parts], ddof=1) / np.sqrt(PARTS))
    worse = ERRORS * error
    return f"worse by {worse:.2g} at most", bool(advantage(seen) >= -worse)


def _quartiles(days: Iterable[float]) -> str:
    low, middle, high = np.quantile(list(days), [0.25, 0.5, 0.75])
    return f"{low:.0f} – {middle:.0f} – {high:.0f} days"


def _accuracy(seen: pd.DataFrame, stage: str, book: Book) -> Row:
    """Share of right calls; where the rules differ in false alarms neither is better as such."""
    limits = book.dataset.thresholds
    limit = {"At risk": limits.at_risk, "Dormant": limits.dormant, "Lost": limits.lost}[stage]
    fixed, own = seen.days_since_last > FIXED_DAYS, seen.silence > limit
    return Row(
        f"right calls: {stage.lower()} or worse = gone",
        _calls(seen.gone, fixed),
        _calls(seen.gone, own),
        "",
        None,
        f"Against {FIXED_DAYS} days. A limit trades missed leavers for false alarms.",
    )


def _calls(gone: pd.Series, called: pd.Series) -> str:
    right = words.percent(float((gone == called).mean()))
    missed = words.percent(float((~called[gone]).mean()))
    false = words.percent(float(called[~gone].mean()))
    return f"{right} right (misses {missed} of the gone, calls {false} of the living)"
