"""Clusters: planted groups are found again, a crowd without groups is refused in words."""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import clusters
from crm_lib.engine import collect
from crm_lib.errors import UsageError

PLANTED = ((3, 40, 4000.0), (30, 8, 300.0), (300, 1, 20.0))
"""Days since last purchase, occasions and revenue at the centre of three groups."""


def facts(rows: list[tuple[str, int, int, float]]) -> ir.Table:
    frame = pd.DataFrame(rows, columns=["customer_id", "days_since_last", "occasions", "revenue"])
    frame["revenue"] = [Decimal(f"{amount:.2f}") for amount in frame.revenue]
    return ibis.memtable(frame).cast({"revenue": "decimal(38, 4)"})


def crowd(each: int = 100, money: float = 1.0) -> ir.Table:
    """`each` customers around each planted centre, with 20% of noise; one never bought."""
    random = np.random.default_rng(7)
    rows = []
    for group, (days, often, revenue) in enumerate(PLANTED):
        for i in range(each):
            noise = random.lognormal(0, 0.2, 3)
            rows.append(
                (
                    f"{group}-{i:03d}",
                    round(days * noise[0]),
                    max(1, round(often * noise[1])),
                    revenue * noise[2] * money,
                )
            )
    bought = facts(rows)
    browser = facts([("none", 0, 0, 0.0)])
    return bought.union(browser.mutate(days_since_last=ibis.null("int64")))


@pytest.fixture(scope="module")
def found() -> clusters.Clustering:
    return clusters.fit(crowd(), tried=(2, 3, 4, 5), resamples=5)


def test_planted_groups_are_found(found: clusters.Clustering) -> None:
    assert found.clusters == 3
    assert found.refusal == ""
    assert found.stability > 0.99
    assert found.structure == "strong"
    assert found.choice.clusters.tolist() == [2, 3, 4, 5]
    assert found.choice.silhouette.max() == found.silhouette
    for row, (days, often, revenue) in zip(found.centres.itertuples(), PLANTED, strict=True):
        assert row.days_since_last == pytest.approx(days, rel=0.15)
        assert row.occasions == pytest.approx(often, rel=0.15)
        assert row.revenue == pytest.approx(revenue, rel=0.15)


def test_every_buyer_is_assigned_in_the_engine(found: clusters.Clustering) -> None:
    given = collect(found.assign(crowd())).set_index("customer_id").cluster
    assert len(given) == 300
    assert all(cluster == int(customer[0]) + 1 for customer, cluster in given.items())
    sizes = collect(found.sizes(crowd()))
    assert sizes.cluster.tolist() == [1, 2, 3]
    assert sizes.customers.tolist() == [100, 100, 100]
    assert sizes.customers_share.sum() == pytest.approx(1)
    assert sizes.revenue_share.sum() == pytest.approx(1)
    assert sizes.revenue.sum() == pytest.approx(float(crowd().revenue.sum().to_pyarrow().as_py()))


def test_neither_row_order_nor_currency_changes_the_clusters(found: clusters.Clustering) -> None:
    shuffled = crowd().order_by(ibis.desc("customer_id"))
    dear = clusters.fit(crowd(money=1000), tried=(2, 3, 4, 5), resamples=5)
    again = clusters.fit(shuffled, tried=(2, 3, 4, 5), resamples=5)
    expected = collect(found.assign(crowd())).set_index("customer_id").cluster.sort_index()
    for other, table in ((dear, crowd(money=1000)), (again, shuffled)):
        given = collect(other.assign(table)).set_index("customer_id").cluster.sort_index()
        assert given.equals(expected)
    assert dear.centres.revenue[0] == pytest.approx(found.centres.revenue[0] * 1000, rel=1e-3)


def test_a_sample_stands_for_everybody() -> None:
    fitted = clusters.fit(crowd(), tried=(3,), sample=90, resamples=5)
    assert fitted.sampled == 90
    assert collect(fitted.sizes(crowd())).customers.sum() == 300


def test_returns_beyond_purchases_have_a_place() -> None:
    rows = [(f"r{i}", 10 + i, 2, -500.0 - i) for i in range(30)]
    rows += [(f"s{i}", 10 + i, 2, 500.0 + i) for i in range(30)]
    fitted = clusters.fit(facts(rows), tried=(2,), resamples=5)
    assert fitted.centres.revenue.tolist() == pytest.approx([514, -514], rel=0.02)


def test_customers_too_alike_are_refused_in_words() -> None:
    same = facts([(f"c{i}", 5, 1, 9.99) for i in range(50)])
    fitted = clusters.fit(same)
    assert "1 distinct combinations" in fitted.refusal
    with pytest.raises(UsageError, match="too alike"):
        fitted.assign(same)
    nobody = clusters.fit(same.filter(same.occasions > 5))
    assert "No customer has bought" in nobody.refusal


def test_unstable_clusters_are_refused_in_words() -> None:
    random = np.random.default_rng(1)
    shapeless = facts(
        [
            (f"c{i}", round(np.exp(a)), 1 + round(np.exp(b)), float(np.exp(c)))
            for i, (a, b, c) in enumerate(random.normal(3, 1, (60, 3)))
        ]
    )
    fitted = clusters.fit(shapeless, tried=(6,), resamples=5)
    assert fitted.stability < clusters.STABLE_AT
    assert "not stable" in fitted.refusal
    with pytest.raises(UsageError, match="Use the RFM segments"):
        fitted.sizes(shapeless)


def test_impossible_options_are_refused() -> None:
    with pytest.raises(UsageError, match="2 or more clusters"):
        clusters.fit(crowd(), tried=(1, 2))
