"""Comebacks: customers who truly left and came back, against the stage Reactivated."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from crm_lib.analysis import stages
from crm_lib.book import Book
from crm_lib.present import words
from crm_lib.score.chance import Overlap
from crm_lib.score.row import Row, share
from crm_lib.score.truth import Truth, exactly

NAME = "Comebacks"
WHOLE_WINDOW = False

RECENT_DAYS = 90
"""A comeback is recent for so many days; the fixed rule beside the stage knows no other number."""
FEWEST = 10
"""Of fewer comebacks nothing can be told; they are rare, so ten are enough to differ from chance."""


def rows(truth: Truth, book: Book) -> list[Row]:
    """Precision and recall of the stage, beside those of a fixed rule and of chance."""
    marked = _marked(truth, book)
    exact = exactly(
        marked,
        base=marked.count(),
        cases=marked.is_back.sum(),
        again=(marked.is_back & marked.bought_again).sum(),
        stage=marked.by_stage.sum(),
        stage_hits=(marked.by_stage & marked.is_back).sum(),
        fixed=marked.by_rule.sum(),
        fixed_hits=(marked.by_rule & marked.is_back).sum(),
    )
    counts = {name: int(count) for name, count in exact.items()}
    base, cases = counts["base"], counts["cases"]
    stage = Overlap(base, cases, counts["stage"], counts["stage_hits"], FEWEST)
    fixed = Overlap(base, cases, counts["fixed"], counts["fixed_hits"], FEWEST)
    planted = f"{words.count(cases)} in the last {RECENT_DAYS} days"
    rule = f"A last gap of more than {RECENT_DAYS} days, less than {RECENT_DAYS} days ago"
    return [
        stage.row(
            "Reactivated customers who had truly left (precision)", planted, of_cases=False,
            note=f"{rule}: {share(fixed.hits, fixed.marked)}. By chance: {share(cases, base)}. The "
            "others were silent for long, but had not left.",
        ),
        stage.row(
            "comebacks that are Reactivated (recall)", planted, of_cases=True,
            note=f"{rule}: {share(fixed.hits, cases)}. By chance: {share(stage.marked, base)}. "
            f"{words.counted(counts['again'], 'has', 'have')} bought again since, which ends the stage.",
        ),
    ]  # fmt: skip


def _marked(truth: Truth, book: Book) -> ir.Table:
    """Everyone who bought: customer_id, is_back (second spell begun recently), bought_again (since
    then), by_stage (Reactivated), by_rule (the fixed one)."""
    spells = truth.table("spells")
    day = ibis.literal(book.as_of)
    recent = spells.began_on >= ibis.literal(book.as_of - timedelta(days=RECENT_DAYS))
    back = spells.filter((spells.spell > 1) & recent & (spells.began_on < day))
    stage = stages.stage(book.customers, thresholds=book.dataset.thresholds)
    facts = book.customers.filter(book.customers.occasions > 0).select(
        "customer_id", "last_on", "last_gap_days", "days_since_last"
    )
    joined = facts.join(stage.select("customer_id", "stage"), "customer_id").left_join(
        back.select("customer_id", "began_on"), "customer_id"
    )
    returned = (joined.last_gap_days > RECENT_DAYS) & (joined.days_since_last < RECENT_DAYS)
    return joined.select(
        "customer_id",
        is_back=joined.began_on.notnull(),
        bought_again=(joined.last_on > joined.began_on).fill_null(False),
        by_stage=joined.stage == "Reactivated",
        by_rule=returned.fill_null(False),
    )
