"""Cut points, ladder and concentration, counted again in plain NumPy from the true totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import ibis.expr.datatypes as dt
import numpy as np
import numpy.typing as npt

from crm_lib.analysis import concentration, repeat, segments
from crm_lib.book import Book
from crm_lib.engine import collect
from crm_lib.present import words
from crm_lib.score.row import EXACT, Row
from crm_lib.score.truth import Truth

NAME = "Cut points and shares"
WHOLE_WINDOW = True

STEPS = 6
"""Steps of the repeat ladder that are compared."""
TOP = 5
"""One customer in so many belongs to the top 20%."""
CLOSE = 1e-9
"""Relative difference that rounding in floating point may make."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Buyers:
    """The true totals of everyone who bought, one entry a customer; money in cents."""

    days_since_last: Ints
    occasions: Ints
    cents: Ints


def rows(truth: Truth, book: Book) -> list[Row]:
    """What is published as cut points, repeat ladder, Gini and top share, against a naive count."""
    buyers = _buyers(truth, book)
    found = [*_cut_points(buyers, book), _ladder(buyers, book), *_concentration(buyers, book)]
    if not truth.is_dirty:
        return found
    note = "Not judged: planted is what a clean delivery would show."
    return [Row(r.measure, r.planted, r.found, r.tolerance, None, note) for r in found]


def _buyers(truth: Truth, book: Book) -> _Buyers:
    profits = truth.table("profits")
    bought = profits.filter(profits.occasions > 0)
    last = bought.last_on.cast(dt.timestamp).epoch_seconds() // 86_400
    whole = bought.select(
        last=last.cast(dt.int64),
        occasions=bought.occasions.cast(dt.int64),
        cents=(bought.revenue * 100).cast(dt.int64),
    ).to_pyarrow()
    last_day = np.datetime64(book.as_of - timedelta(days=1), "D").astype(np.int64)
    return _Buyers(
        last_day - whole["last"].to_numpy(),
        whole["occasions"].to_numpy(),
        whole["cents"].to_numpy(),
    )


def _cut_points(buyers: _Buyers, book: Book) -> list[Row]:
    scores = book.dataset.segment_map.scores
    found = segments.cut_points(book.customers, scores)
    recency = [None if cut is None else -cut for cut in _reached(-buyers.days_since_last, scores)]
    frequency = _reached(buyers.occasions, scores)
    cents = _reached(buyers.cents, scores)
    money = [None if cut is None else Decimal(cut) / 100 for cut in cents]
    return [
        _cuts("recency", recency, found.recency, "days since last purchase, at most"),
        _cuts("frequency", frequency, found.frequency, "occasions, at least"),
        _cuts("monetary", money, found.monetary, f"{book.dataset.currency}, at least"),
    ]


def _reached(values: Ints, scores: int) -> list[int | None]:
    """The lowest value whose place in the mid-distribution reaches 1/scores, 2/scores, …

    The place of a value is the share of customers below it plus half the share that has it
    (Parzen 2004); compared in whole numbers.
    """
    value, count = np.unique(values, return_counts=True)
    twice_place = 2 * np.cumsum(count) - count
    cuts: list[int | None] = []
    for score in range(1, scores):
        reached = np.flatnonzero(twice_place * scores >= 2 * len(values) * score)
        cuts.append(int(value[reached[0]]) if len(reached) else None)
    return cuts


def _cuts(
    measure: str,
    planted: Sequence[int | Decimal | None],
    found: Sequence[int | Decimal | None],
    unit: str,
) -> Row:
    def shown(values: Sequence[int | Decimal | None]) -> str:
        digits = ",.2f" if measure == "monetary" else ","
        return " / ".join("–" if value is None else f"{value:{digits}}" for value in values)

    return Row(
        f"RFM cut points: {measure}", shown(planted), shown(found), EXACT,
        [*planted] == [*found], f"For the scores 2 and up: {unit}.",
    )  # fmt: skip


def _ladder(buyers: _Buyers, book: Book) -> Row:
    ladder = repeat.ladder(book.customers, book.occasions, steps=STEPS, include_first_seen=True)
    planted = []
    for number in range(1, STEPS + 1):
        had, again = (int((buyers.occasions >= n).sum()) for n in (number, number + 1))
        if had:
            planted.append(again / had)
    found = ladder["probability"].tolist()
    return Row(
        f"repeat ladder, first {STEPS} steps",
        " / ".join(map(words.percent, planted)),
        " / ".join(map(words.percent, found)),
        f"{CLOSE:g} relative",
        len(planted) == len(found) and bool(np.allclose(planted, found, rtol=CLOSE, atol=0)),
        "Share of the customers with so many purchase occasions who had one more.",
    )


def _concentration(buyers: _Buyers, book: Book) -> list[Row]:
    rising = np.sort(buyers.cents).astype(float)
    count, total = len(rising), rising.sum()
    gini = float(
        2 * (np.arange(1, count + 1) * rising).sum() / (count * total) - (count + 1) / count
    )
    top = float(rising[count - -(-count // TOP) :].sum() / total)
    found = collect(concentration.top_shares(book.customers, [1 / TOP]))
    return [
        _close("Gini coefficient of revenue", gini, concentration.gini(book.customers), digits=4),
        _close("revenue share of the top 20%", top, float(found["value_share"].iloc[0]), digits=4),
    ]


def _close(measure: str, planted: float, found: float, digits: int) -> Row:
    holds = bool(np.isclose(planted, found, rtol=CLOSE, atol=0))
    return Row(
        measure, f"{planted:.{digits}f}", f"{found:.{digits}f}", f"{CLOSE:g} relative", holds
    )
