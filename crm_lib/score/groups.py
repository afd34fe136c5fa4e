"""Groups: planted segments against the clusters found, and the truly best customers against RFM.

Segments are planted by how often, how much and what their customers buy, and overlap widely: no method
can tell all of them apart by recency, frequency and revenue. What is possible is told by a classifier
that is given the planted segment of every other customer.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.analysis import clusters, segments
from crm_lib.book import Book
from crm_lib.engine import collect
from crm_lib.present import words
from crm_lib.score.chance import ERRORS, Overlap
from crm_lib.score.row import Row, share
from crm_lib.score.truth import Truth, alive, exactly

NAME = "Groups"
WHOLE_WINDOW = False

SAMPLE = 10_000
"""Customers that clusters and segments are compared on, the first by hashed id."""
PERMUTATIONS = 200
BEST = 0.2
"""Share of the customers still there that are truly the best."""
FEWEST = 50
"""Of fewer best customers half could have a common mark by chance."""


def rows(truth: Truth, book: Book) -> list[Row]:
    """Clusters against segments, by agreement; high scores against the true value of customers."""
    return [_clusters(truth, book), *_best(truth, book)]


def _clusters(truth: Truth, book: Book) -> Row:
    measure = "clusters and planted segments, adjusted Rand index"
    fitted = clusters.fit(book.customers)
    if fitted.refusal:
        return Row(measure, "", "refused", "", None, fitted.refusal)
    segment = truth.table("customers").select("customer_id", "segment")
    both = fitted.assign(book.customers).join(segment, "customer_id")
    sample = both.order_by(both.customer_id.hash(), "customer_id").limit(SAMPLE)
    frame = collect(sample, max_rows=SAMPLE)
    found, chance, error = _agreement(frame["segment"], frame["cluster"])
    possible, least = _possible(frame), chance + ERRORS * error
    # Where the segments cannot be told apart even by who knows them, missing them is no fault.
    is_possible = possible > least
    return Row(
        measure,
        f"{possible:.2f} with labels of half",
        f"{found:.2f}",
        f"above {least:.2f}",
        found > least if is_possible else None,
        f"{'' if is_possible else 'Not judged: planted is not above the tolerance. '}"
        f"{fitted.clusters} clusters, {frame['segment'].nunique()} segments; 1 = the same groups, "
        f"0 = by chance. Tolerance: chance and {ERRORS:g} standard deviations of {PERMUTATIONS} "
        "permutations. Planted: what a random forest reaches out of sample by the same three facts "
        "when told the segments of the other half.",
    )


def _agreement(planted: pd.Series, found: pd.Series) -> tuple[float, float, float]:
    """The adjusted Rand index, its mean under permuted labels and their standard deviation."""
    from sklearn.metrics import adjusted_rand_score

    codes, labels = pd.factorize(planted)[0], found.to_numpy()
    stream = np.random.default_rng(0)
    by_chance = [
        adjusted_rand_score(stream.permutation(codes), labels) for _ in range(PERMUTATIONS)
    ]
    agreement = float(adjusted_rand_score(codes, labels))
    return agreement, float(np.mean(by_chance)), float(np.std(by_chance))


def _possible(frame: pd.DataFrame) -> float:
    """The agreement of segments told by a classifier that learnt them from every other customer."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import adjusted_rand_score

    features = frame[list(clusters.FEATURES)].to_numpy(float)
    labels = pd.factorize(frame["segment"])[0]
    learnt = np.arange(len(frame)) % 2 == 0
    forest = RandomForestClassifier(200, min_samples_leaf=10, random_state=0)
    told: npt.NDArray[np.int64] = forest.fit(features[learnt], labels[learnt]).predict(
        features[~learnt]
    )
    return float(adjusted_rand_score(labels[~learnt], told))


def _best(truth: Truth, book: Book) -> list[Row]:
    """How many of the truly best customers have the highest score, or are in the best segment."""
    map_ = book.dataset.segment_map
    scored = segments.rfm(book.customers, segments=map_)
    valued = _valued(truth, book).join(scored, "customer_id")
    best_segment = map_.segment(map_.scores, map_.scores, map_.scores)
    return [
        _caught(
            "truly best customers with the top monetary score",
            f"Score {map_.scores}",
            valued,
            valued.monetary_score == map_.scores,
        ),
        _caught(
            f"truly best customers in the segment {best_segment}",
            best_segment,
            valued,
            valued.segment == best_segment,
        ),
    ]


def _valued(truth: Truth, book: Book) -> ir.Table:
    """Who is still a customer on the day and has bought: customer_id, is_best (by true value a day)."""
    people = truth.table("customers")
    people = people.select("customer_id", worth=people.rate * people.mean_order_value)
    bought = book.customers.filter(book.customers.occasions > 0).select("customer_id")
    base = alive(truth, book.as_of).join(bought, "customer_id").join(people, "customer_id")
    base = base.select("customer_id", "worth")
    base = base.select(
        "customer_id",
        above=ibis.rank().over(order_by=base.worth.desc()),
        whole=base.count().over(ibis.window()),
    )
    return base.select("customer_id", is_best=base.above < BEST * base.whole)


def _caught(measure: str, mark: str, valued: ir.Table, is_marked: ir.BooleanValue) -> Row:
    counts = exactly(
        valued,
        base=valued.count(),
        cases=valued.is_best.sum(),
        marked=is_marked.sum(),
        hits=(valued.is_best & is_marked).sum(),
    )
    overlap = Overlap(**{name: int(count) for name, count in counts.items()}, fewest=FEWEST)
    return overlap.row(
        measure,
        f"{words.count(overlap.cases)} best of {words.count(overlap.base)} still there",
        of_cases=True,
        note=f"{mark}: {share(overlap.marked, overlap.base)} of those still there, and by chance of "
        f"the best. The best: the {words.percent(BEST, digits=0)} with the highest true rate × mean order value.",
    )
