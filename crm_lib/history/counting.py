"""What is counted of the order lines of one period, by itself: four files, kept under its key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from crm_lib import baskets, contents, engine
from crm_lib.baskets import Occasion

MONTHS = "customer_months"
"""`baskets.customer_months`: customers and nobody known by month."""
OCCASIONS = "occasions"
"""`baskets.occasions_of`: not yet numbered."""
ORDERS = "orders"
"""A hash a basket with a purchase, by which orders bought on several days are found: basket."""
MONTHLY = "monthly"
"""`baskets.months`: one row a month."""


def count(lines: ir.Table, occasion: Occasion, backend: Backend, folder: Path) -> None:
    """Write the four files of a period with these accepted and marked `lines` into `folder`."""
    folder.mkdir(parents=True)
    with _held(baskets.of(lines, occasion), backend) as put:
        _write(baskets.customer_months(put, occasion), folder, MONTHS)
        months = backend.read_parquet(folder / f"{MONTHS}.parquet")
        _write(baskets.months(months, baskets.monthly(put)), folder, MONTHLY)
        _write(baskets.occasions_of(put, occasion), folder, OCCASIONS)
        bought = put.filter(put.is_bought)
        _write(bought.select(basket=hash_of(bought)), folder, ORDERS)


def hash_of(rows: ir.Table) -> ir.IntegerValue:
    """A hash of a customer's order: equal orders, equal hashes; what hashes alike is to be looked at."""
    return contents.of_row(rows, "customer_id", "order_id")


def _write(table: ir.Table, folder: Path, name: str) -> None:
    engine.write(table, folder / f"{name}.parquet")


@contextmanager
def _held(table: ir.Table, backend: Backend) -> Iterator[ir.Table]:
    """The rows of `table` made once, for several uses."""
    name = ibis.util.gen_name("held")
    yield backend.create_table(name, table, temp=True)
    backend.drop_table(name)
