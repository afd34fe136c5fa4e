"""What is of a company as a whole: its products, campaigns, market, targets, and its laws."""

from __future__ import annotations

import glob
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from crm_lib.simulate import described, writing
from crm_lib.simulate.delivery import configuration, dirt
from crm_lib.simulate.making import Totals, filled
from crm_lib.simulate.tables import arrow, campaigns, catalogue, outside
from crm_lib.simulate.tables.truth import TENURE
from crm_lib.simulate.writing import Scale, Written


def write(scale: Scale, totals: Totals) -> Written:
    """Write the tables and truths that are not a customer's, from the sums over all customers."""
    company, clock = scale.company, scale.clock
    sales = totals.grids["sales"]
    tables = {
        "products": catalogue.table(company, clock),
        "campaigns": campaigns.table(company, clock),
        "market": outside.market(company, clock, sales),
        "targets": outside.targets(
            company,
            clock,
            totals.months["revenue"],
            sales,
            totals.reps or None,
            totals.months["joined"],
        ),
        "events": outside.events(company, clock),
        "readiness": outside.readiness(company, scale.customers, scale.seed),
    }
    truth = {
        "laws": described.table(company, clock, scale.customers, scale.seed),
        **catalogue.truth(company, clock),
        "campaigns": campaigns.truth(company, clock),
        "months": months(scale, totals),
        "tenure": tenure(totals),
        "segments": segments(scale),
    }
    return writing.write_whole(scale, filled(tables), filled(truth))


def months(scale: Scale, totals: Totals) -> pa.Table:
    """truth/months: one row a month with the company's totals, money exact."""
    clock = scale.clock
    counts = {name: pa.array(totals.months[name]) for name in ("lines", "orders", "joined")}
    money = {
        name: arrow.money(totals.months[name])
        for name in ("revenue", "returns", "discount", "cost")
    }
    return pa.table({"month": arrow.months(np.arange(clock.months), clock), **counts, **money})


def tenure(totals: Totals) -> pa.Table:
    """truth/tenure: one row a relationship year: year, customers truly there for all of it; their
    revenue and margin (before costs to serve) in their first year and in that year, exact."""
    sums = totals.grids["tenure"]
    chosen = sums[sums[:, 0] > 0]
    money = {name: arrow.money(chosen[:, place]) for place, name in enumerate(TENURE) if place}
    return pa.table(
        {"year": np.arange(1, len(chosen) + 1), "customers": chosen[:, 0].copy(), **money}
    )


_SEGMENTS = """
    SELECT segment, count(*) AS customers, count(*) FILTER (occasions > 0) AS buyers,
           count(*) FILTER (contribution < 0) AS unprofitable,
           sum(contribution)::DECIMAL(18, 2) AS contribution,
           coalesce(sum(contribution) FILTER (contribution < 0), 0)::DECIMAL(18, 2) AS losses
    FROM read_parquet('{folder}/customers-*.parquet')
    JOIN read_parquet('{folder}/profits-*.parquet') USING (customer_id)
    GROUP BY segment ORDER BY segment
"""


def segments(scale: Scale) -> pa.Table:
    """truth/segments: one row a planted segment: its customers, those who bought, those who cost more
    than they brought (contribution below 0), the contribution of all and of these, exact."""
    folder = glob.escape(str(scale.folder / "truth")).replace("'", "''")
    return duckdb.sql(_SEGMENTS.format(folder=folder)).to_arrow_table()


def configuration_text(scale: Scale, out: Path, columns: dict[str, list[str]]) -> str:
    """The `dataset.yml` of the company as it will lie in `out`."""
    plan = dirt.plan(scale.company, scale.clock, scale.dirt)
    return configuration.text(
        scale.company, scale.clock, scale.customers, scale.seed, out, plan, columns
    )
