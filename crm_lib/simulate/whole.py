"""What is of a company as a whole: its products, campaigns, market, targets, and its laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from crm_lib.simulate import described, writing
from crm_lib.simulate.delivery import configuration, dirt
from crm_lib.simulate.making import Totals, filled
from crm_lib.simulate.tables import arrow, campaigns, catalogue, outside
from crm_lib.simulate.writing import Scale, Written


def write(scale: Scale, totals: Totals) -> Written:
    """Write the tables and truths that are not a customer's, from the sums over all customers."""
    company, clock = scale.company, scale.clock
    assert totals.sales is not None
    tables = {
        "products": catalogue.table(company, clock),
        "campaigns": campaigns.table(company, clock),
        "market": outside.market(company, clock, totals.sales),
        "targets": outside.targets(
            company,
            clock,
            totals.months["revenue"],
            totals.sales,
            totals.reps or None,
            totals.months["joined"],
        ),
        "events": outside.events(company, clock),
        "readiness": outside.readiness(company, scale.seed),
    }
    truth = {
        "laws": described.table(company, clock, scale.customers, scale.seed),
        **catalogue.truth(company, clock),
        "campaigns": campaigns.truth(company, clock),
        "months": months(scale, totals),
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


def configuration_text(scale: Scale, out: Path, columns: dict[str, list[str]]) -> str:
    """The `dataset.yml` of the company as it will lie in `out`."""
    plan = dirt.plan(scale.company, scale.clock, scale.dirt)
    return configuration.text(
        scale.company, scale.clock, scale.customers, scale.seed, out, plan, columns
    )
