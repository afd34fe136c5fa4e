"""Clusters: groups of customers that the data suggests, with the evidence that they are real.

An optional second opinion beside the RFM segments: k-means on recency, frequency and revenue, on
logarithmic scales and standardised. It is learnt from a sample (chosen by hashed id) and assigned
to every customer in the engine. Groups that do not come back in resamples are refused. Stable is
not the same as separate: k-means also cuts an even crowd into stable parts, which `structure` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.engine import collect
from crm_lib.errors import UsageError
from crm_lib.needs import needs
from crm_lib.ratios import share_of

FEATURES = ("days_since_last", "occasions", "revenue")
STABLE_AT = 0.8
"""Mean adjusted Rand index from which clusters count as stable; a rule of thumb, say so."""

_SILHOUETTE_SAMPLE = 3_000
_STARTS = 5


@dataclass(frozen=True)
class Scale:
    """How the three facts become comparable numbers: logarithms, then mean 0 and deviation 1.

    Revenue is taken relative to `typical` (the median size of a customer's revenue), keeping its
    sign, so that the currency's unit does not matter. A feature without spread is 0 for everyone.
    """

    typical: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def natural(self, centre: Sequence[float]) -> tuple[float, ...]:
        """A standardised point in days, occasions and money."""
        days, often, money = (
            m + z * d for z, m, d in zip(centre, self.mean, self.deviation, strict=True)
        )
        size = float(np.expm1(abs(money)) * self.typical)
        return float(np.expm1(days)), float(np.exp(often)), size if money >= 0 else -size


@dataclass(frozen=True)
class Clustering:
    """A fitted clustering: how many clusters, how good, how stable, and where their centres lie.

    `choice`: one row a number of clusters tried (clusters, silhouette). `centres`: one row a
    cluster (cluster, days_since_last, occasions, revenue in natural units), highest revenue first.
    `stability`: mean adjusted Rand index between the clusters and those learnt from bootstrap
    resamples; 1 = the same customers stay together every time, 0 = as by chance. `refusal`: why
    the clusters must not be used; empty when they may.
    """

    clusters: int
    silhouette: float
    stability: float
    choice: pd.DataFrame
    centres: pd.DataFrame
    sampled: int
    refusal: str
    scale: Scale
    points: tuple[tuple[float, ...], ...]

    @property
    def structure(self) -> str:
        """How separate the clusters are, in the words of Kaufman and Rousseeuw (1990)."""
        grades = ((0.7, "strong"), (0.5, "reasonable"), (0.25, "weak"))
        return next((word for low, word in grades if self.silhouette > low), "none")

    def assign(self, customers: ir.Table) -> ir.Table:
        """Each customer's nearest cluster, computed in the engine.

        One row a customer with an occasion: customer_id, days_since_last, occasions, revenue,
        cluster (1 = highest revenue at its centre). Raises UsageError, with the reason, when the
        clustering was refused.
        """
        if self.refusal:
            raise UsageError(self.refusal)
        scaled = _standardised(_logarithms(customers, self.scale.typical), self.scale)
        distances = [
            sum((scaled[f"z_{f}"] - c) ** 2 for f, c in zip(FEATURES, point, strict=True))
            for point in self.points
        ]
        nearest = ibis.least(*distances)
        cluster = ibis.cases(*((d == nearest, i) for i, d in enumerate(distances, start=1)))
        return scaled.select("customer_id", *FEATURES, cluster=cluster.cast("int64"))

    def sizes(self, customers: ir.Table) -> ir.Table:
        """The clusters over all customers with an occasion; the parts add up to that whole.

        One row a cluster: cluster, customers, customers_share, revenue, revenue_share (null where
        the whole is not positive), median_days_since_last (days), median_occasions.
        """
        parts = (
            self.assign(customers)
            .group_by("cluster")
            .aggregate(
                customers=lambda t: t.count(),
                revenue=lambda t: t.revenue.sum(),
                median_days_since_last=lambda t: t.days_since_last.median(),
                median_occasions=lambda t: t.occasions.median(),
            )
        )
        return parts.mutate(
            customers_share=parts.customers / parts.customers.sum().over(ibis.window()),
            revenue_share=share_of(parts.revenue, parts.revenue.sum().over(ibis.window())),
        ).order_by("cluster")


@needs(lines=())
def fit(
    customers: ir.Table,
    *,
    tried: Sequence[int] = (3, 4, 5, 6, 7, 8),
    sample: int = 10_000,
    resamples: int = 20,
    stable_at: float = STABLE_AT,
    seed: int = 0,
) -> Clustering:
    """Clusters of customers by recency, frequency and revenue, tested for stability.

    Base: customers with an occasion, or a sample of them by hashed id above `sample`. The number
    of clusters is the one of `tried` with the highest mean silhouette (Rousseeuw 1987). Stability:
    k-means is learnt again from each of `resamples` bootstrap resamples, and the clusters it gives
    the sample are compared with the first by the adjusted Rand index (Hubert and Arabie 1985).
    The result carries a `refusal` where customers are too alike or the clusters are not stable.
    Raises UsageError for numbers of clusters below 2, or fewer than two resamples.
    """
    if not tried or min(tried) < 2 or resamples < 2:
        raise UsageError("Clustering needs 2 or more clusters to try and 2 or more resamples.")
    typical = _typical(customers)
    frame = collect(_sampled(_logarithms(customers, typical), sample), max_rows=sample)
    logs = frame[[f"log_{feature}" for feature in FEATURES]].to_numpy(float)
    if not len(logs):
        return _refused("No customer has bought yet, so there is nothing to cluster.", 0)
    deviation = logs.std(axis=0)
    deviation[deviation < 1e-9] = 1.0
    scale = Scale(typical, tuple(map(float, logs.mean(axis=0))), tuple(map(float, deviation)))
    points = (logs - scale.mean) / deviation
    distinct = len(np.unique(points.round(9), axis=0))
    if distinct <= max(tried):
        return _refused(
            f"Customers are too alike to cluster: {distinct} distinct combinations of recency, "
            f"frequency and revenue, and {max(tried)} clusters to try.",
            len(points),
        )
    choice, model = _chosen(points, sorted(set(tried)), seed)
    stability = _stability(points, model, resamples, seed)
    return _described(model, choice, stability, scale, len(points), stable_at)


def _typical(customers: ir.Table) -> float:
    """The median size of a customer's revenue; 1 where nobody has any."""
    spent = customers.filter(customers.occasions > 0, customers.revenue != 0)
    size = collect(spent.aggregate(size=spent.revenue.cast("float64").abs().median()))[
        "size"
    ].to_numpy(float)[0]
    return 1.0 if np.isnan(size) else float(size)


def _logarithms(customers: ir.Table, typical: float) -> ir.Table:
    """Customers with an occasion, with the logarithm of each fact."""
    bought = customers.filter(customers.occasions > 0)
    money = bought.revenue.cast("float64")
    return bought.select(
        "customer_id",
        *FEATURES,
        log_days_since_last=(bought.days_since_last + 1).ln(),
        log_occasions=bought.occasions.ln(),
        log_revenue=money.sign() * (1 + money.abs() / typical).ln(),
    )


def _sampled(table: ir.Table, limit: int) -> ir.Table:
    """At most `limit` customers, always the same ones for the same customers, in a fixed order."""
    # MD5 is the same on every engine.
    return table.order_by(table.customer_id.hexdigest("md5"), "customer_id").limit(limit)


def _standardised(table: ir.Table, scale: Scale) -> ir.Table:
    scaled = {
        f"z_{feature}": (table[f"log_{feature}"] - mean) / deviation
        for feature, mean, deviation in zip(FEATURES, scale.mean, scale.deviation, strict=True)
    }
    return table.mutate(**scaled)


def _k_means(points: np.ndarray[Any, Any], clusters: int, seed: int) -> Any:
    from sklearn.cluster import KMeans

    return KMeans(clusters, n_init=_STARTS, random_state=seed).fit(points)


def _chosen(
    points: np.ndarray[Any, Any], tried: Sequence[int], seed: int
) -> tuple[pd.DataFrame, Any]:
    """The silhouette of each number of clusters, and the model of the best."""
    from sklearn.metrics import silhouette_score

    size = min(_SILHOUETTE_SAMPLE, len(points))
    models = {k: _k_means(points, k, seed) for k in tried}
    scores = {
        k: float(silhouette_score(points, m.labels_, sample_size=size, random_state=seed))
        for k, m in models.items()
    }
    best = max(tried, key=lambda k: (scores[k], -k))
    choice = pd.DataFrame({"clusters": list(scores), "silhouette": list(scores.values())})
    return choice, models[best]


def _stability(points: np.ndarray[Any, Any], model: Any, resamples: int, seed: int) -> float:
    """Mean adjusted Rand index of the clusters learnt from bootstrap resamples."""
    from sklearn.metrics import adjusted_rand_score

    random = np.random.default_rng(seed)
    scores = []
    for i in range(resamples):
        drawn = points[random.integers(0, len(points), len(points))]
        again = _k_means(drawn, model.n_clusters, seed + i + 1)
        scores.append(adjusted_rand_score(model.labels_, again.predict(points)))
    return float(np.mean(scores))


def _described(
    model: Any,
    choice: pd.DataFrame,
    stability: float,
    scale: Scale,
    sampled: int,
    stable_at: float,
) -> Clustering:
    clusters = int(model.n_clusters)
    natural = sorted(
        ((scale.natural(point), tuple(map(float, point))) for point in model.cluster_centers_),
        key=lambda pair: -pair[0][2],
    )
    centres = pd.DataFrame([days for days, _ in natural], columns=list(FEATURES))
    centres.insert(0, "cluster", range(1, clusters + 1))
    refusal = ""
    if stability < stable_at:
        refusal = (
            f"The clusters are not stable: learnt again from resampled customers they agree with "
            f"the first ones at {stability:.2f} (adjusted Rand index), below {stable_at:.2f}. "
            "Use the RFM segments."
        )
    silhouette = float(choice.silhouette[choice.clusters == clusters].iloc[0])
    points = tuple(point for _, point in natural)
    return Clustering(
        clusters, silhouette, stability, choice, centres, sampled, refusal, scale, points
    )


def _refused(reason: str, sampled: int) -> Clustering:
    choice = pd.DataFrame({"clusters": [], "silhouette": []})
    centres = pd.DataFrame(columns=["cluster", *FEATURES])
    nothing, nan = Scale(1.0, (0.0,) * 3, (1.0,) * 3), float("nan")
    return Clustering(0, nan, nan, choice, centres, sampled, reason, nothing, ())
