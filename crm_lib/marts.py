"""Marts: one small table a subject, one row a customer, made once a run for lookups and joins."""

from __future__ import annotations

from pathlib import Path

import ibis.expr.types as ir

from crm_lib import cache
from crm_lib.analysis import concentration, segments, stages
from crm_lib.book import Book


def build(book: Book) -> Path:
    """Write the marts of a book (`segment`, `stage`, `value`) beside its facts; returns the folder.

    Each is sorted by customer_id, so that one customer is found without reading the rest.
    """

    def write(folder: Path) -> None:
        for name, table in tables(book).items():
            table.order_by("customer_id").to_parquet(folder / f"{name}.parquet")

    return cache.built(book.folder / "marts", write)


def tables(book: Book) -> dict[str, ir.Table]:
    """The marts as expressions.

    segment: customer_id, recency_score, frequency_score, monetary_score, segment, value_tier.
    stage: customer_id, stage, expected_gap_days, silence, return_multiple. value: customer_id,
    revenue, revenue_rank, cumulative_share, is_top_20_percent. name (internal audience only):
    customer_id, name.
    """
    rfm = segments.rfm(book.customers, segments=book.dataset.segment_map)
    scores = rfm.drop("days_since_last", "occasions", "revenue", "is_first_seen")
    tiers = segments.value_tiers(book.customers).select("customer_id", "value_tier")
    made = {
        "segment": scores.join(tiers, "customer_id"),
        "stage": stages.stage(book.customers, thresholds=book.dataset.thresholds),
        "value": concentration.ranked(book.customers),
    }
    named = book.named(book.customers)
    if "name" in named.columns:
        made["name"] = named.select("customer_id", "name")
    return made
