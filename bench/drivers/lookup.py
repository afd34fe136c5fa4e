"""Measures `lookup.customer` on random customers of a published run: query time, one by one."""

from __future__ import annotations

import random
import time
from datetime import date

from bench.drivers import common
from crm_lib import lookup
from crm_lib.book import open_book


def run(job: common.Job) -> common.Report:
    """Milliseconds of each lookup, sorted, and of the first, which finds nothing in memory."""
    as_of = date.fromisoformat(job["as_of"])
    ids = _ids(job)
    taken = []
    for customer_id in ids:
        began = time.perf_counter()
        found = lookup.customer(job["dataset"], customer_id, as_of=as_of)
        taken.append((time.perf_counter() - began) * 1e3)
        assert found.customer_id == customer_id
    return {
        "seconds": sum(taken) / 1e3,
        "first_milliseconds": taken[0],
        "milliseconds": [round(value, 3) for value in sorted(taken[1:])],
    }


def _ids(job: common.Job) -> list[str]:
    """Some of the customers, evenly over their ids, in random order."""
    customers = open_book(job["dataset"], as_of=job["as_of"]).customers
    count = job["count"]
    every = max(1, int(customers.count().execute()) // count)
    numbered = customers.select("customer_id").order_by("customer_id")
    ids = numbered.to_pyarrow()["customer_id"].take(list(range(0, every * count, every)))
    chosen: list[str] = ids.to_pylist()
    random.Random(1).shuffle(chosen)
    return chosen


if __name__ == "__main__":
    common.run({"run": run}, ["duckdb"])
