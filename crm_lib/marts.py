"""Marts: one small table a subject, one row a customer, made once a run for lookups and joins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from crm_lib import cache
from crm_lib.analysis import clv, concentration, lifetime, margins, profit, segments, stages
from crm_lib.book import Book

CLV_FACTS = "clv.json"
"""What the CLV mart holds, or why there is none."""


def build(book: Book) -> Path:
    """Write the marts of a book beside its facts; returns the folder.

    Each is sorted by customer_id, so that one customer is found without reading the rest. `clv.json`:
    earning (what the margin is made of), profit_label, horizon_months, discount_rate (a year), model,
    customers (valued), clv (their sum, money), and reason (why no model may be used, so that there is no
    mart `clv` and no sum; else empty).
    """

    def write(folder: Path) -> None:
        for name, table in tables(book).items():
            _write(table, folder / f"{name}.parquet")
        _write_clv(book, folder)

    return cache.built(book.folder / "marts", write)


def _write(table: ir.Table, path: Path) -> None:
    table.order_by("customer_id").to_parquet(path)


def tables(book: Book) -> dict[str, ir.Table]:
    """The marts that need no model, as expressions.

    segment: customer_id, recency_score, frequency_score, monetary_score, segment, value_tier.
    stage: customer_id, stage, expected_gap_days, silence, return_multiple. value: customer_id,
    revenue, revenue_rank, cumulative_share, is_top_20_percent. profit: customer_id, revenue,
    gross_profit, cost_to_serve, profit, profit_rate, profit_rank, is_negative. name (internal
    audience only): customer_id, name.
    """
    rfm = segments.rfm(book.customers, segments=book.dataset.segment_map)
    scores = rfm.drop("days_since_last", "occasions", "revenue", "is_first_seen")
    tiers = segments.value_tiers(book.customers).select("customer_id", "value_tier")
    made = {
        "segment": scores.join(tiers, "customer_id"),
        "stage": stages.stage(book.customers, thresholds=book.dataset.thresholds),
        "value": concentration.ranked(book.customers),
        "profit": profit.by_customer(book.ledger).select(
            "customer_id", "revenue", "gross_profit", "cost_to_serve", "profit", "profit_rate",
            "profit_rank", "is_negative",
        ),
    }  # fmt: skip
    named = book.named(book.customers)
    if "name" in named.columns:
        made["name"] = named.select("customer_id", "name")
    return made


def _write_clv(book: Book, folder: Path) -> None:
    """The mart clv: customer_id, p_alive, expected_occasions, margin_per_occasion, clv; and its facts."""
    choice = lifetime.choose(book.customers, book.occasions, **book.span)
    known = {
        "earning": margins.earning(book.components),
        "profit_label": book.profit_label,
        "horizon_months": clv.HORIZON_MONTHS,
        "discount_rate": clv.DISCOUNT_RATE,
        "model": choice.fitted.title if choice.fitted else None,
        "reason": choice.refusal,
        "customers": 0,
        "clv": None,
    }
    if choice.fitted and choice.seen:
        each = margins.of(book.occasions, book.ledger).per_occasion()
        values = clv.by_customer(book.customers, choice.seen, choice.fitted, each)
        _write(values.select("customer_id", *clv.WORTH), folder / "clv.parquet")
        row = clv.totals(values).iloc[0]
        known |= {"customers": int(row["customers"]), "clv": float(row["clv"])}
    (folder / CLV_FACTS).write_text(json.dumps(known, indent=1))


def equity(book: Book) -> dict[str, Any]:
    """What `clv.json` says: the equity of the present customers, on which terms, or why there is none.

    Makes the marts where the day has none yet.
    """
    found: dict[str, Any] = json.loads((build(book) / CLV_FACTS).read_text())
    return found
