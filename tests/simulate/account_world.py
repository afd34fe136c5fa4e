"""A small supplier by hand, blocks of it, and the verdict of the shipped expectations on a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from crm_lib import schema
from crm_lib.simulate import laws
from crm_lib.simulate.behaviour import people as persons
from crm_lib.simulate.block import Block, People
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.tables import arrow

ERRORS = 4
"""Estimates must lie within so many standard errors: by chance 1 in 16,000 does not."""

ACCOUNTS = laws.Accounts(
    rungs={
        "vendor": (0.5, 0.25, 30.0, 5),
        "preferred": (0.3, 0.4, 30.0, 3),
        "partner": (0.2, 0.7, 30.0, 1),
    },
    staff=("Ada", "Ben", "Cleo", "Dan", "Eve"),
)


def company(**changed: object) -> laws.Company:
    """Accounts of two segments, of which one buys on price, and two categories.

    Of "Old" we hold 5 % of the market, of "New" (from the middle of the window on) 40 %. Customers of
    the source "hunted" were prospects. `changed`: other fields of the company.
    """
    purchasing, spend = laws.Purchasing(2.0, 60.0, 1.5, 900.0), laws.Spend(5.0, 4.0, 300.0)
    draws, channels = {"Old": 0.8, "New": 0.2}, {"web": 1.0}
    segments = (
        laws.Segment("Price", 0.5, purchasing, spend, 1.0, draws, channels, price_elasticity=-3.0),
        laws.Segment(
            "Quality", 0.5, purchasing, spend, 1.0, draws, channels, price_elasticity=-0.5
        ),
    )
    categories = (
        laws.Category("Old", (laws.Product("O1", "Old", "x", 30, 0.6),), market_share=0.05),
        laws.Category(
            "New", (laws.Product("N1", "New", "x", 8, 0.7),), 0.5, 0.7, 0.9, market_share=0.4
        ),
    )
    made = laws.Company(
        "small", "Small", "A test", "EUR", "Europe/Vienna", segments,
        (laws.Source("hunted", 0.5, 100, sells=True), laws.Source("found", 0.5, 20)),
        categories, {"Here": 0.6, "There": 0.4}, {"Here": "All", "There": "All"},
        laws.Laws(
            season=(0.8, 1.2) * 6, never_buy_share=0.1, events=(laws.Event(0.25, "A slump", "economy", 0.9),),
            prospecting=laws.Prospecting(
                intercept=-1.5, coefficients={"interest": 2.0, "budget": -1.0, "referred": 0.7}
            ),
        ),
        ACCOUNTS,
        rivals=("Torvik", "Vantorelli", "Ostermoor"),
    )  # fmt: skip
    return replace(made, **changed)


def consumers() -> laws.Company:
    """The same company, but its customers are persons."""
    return company(accounts=None)


def world(
    made: laws.Company, count: int = 4_000, months: int = 24, number: int = 0
) -> tuple[Block, People]:
    """Block `number` of a company and its people, seed 7."""
    block = Block(made, Clock(made.laws, months), 7, number, number * 16_384, count)
    return block, persons.make(block)


def within(found: float, law: float, error: float) -> bool:
    """Does an estimate agree with the law, given its standard error?"""
    return abs(found - law) <= ERRORS * error


def share_error(share: float, count: int) -> float:
    """Standard error of a share among `count` independent cases."""
    return float(np.sqrt(share * (1 - share) / count))


def complaints(make_project: Callable[..., Path], name: str, rows: pa.Table) -> list[str]:
    """What the shipped expectations and the structural rules find in a canonical table: nothing.

    Judged as `crm check` does, as of the end of the window, beside one order line; every row must
    be accepted. Every customer named in the table is known.
    """
    from crm_lib.book import open_book

    declared = schema.table(name)
    columns = [column for column in rows.column_names if column in declared.column_names]
    tables = {
        "lines": {
            "customer_id": ["C00000001"], "order_id": ["1"], "amount": [10.0],
            "ordered_at": ["2025-12-31"],
        },
        "customers": {"customer_id": _customers(rows)},
    }  # fmt: skip
    listed = {**{key: list(value) for key, value in tables.items()}, name: columns}
    root = make_project("small", {"note.txt": ""}, _configuration(listed))
    for key, value in tables.items():
        parquet.write_table(pa.table(value), root / "data" / "small" / f"{key}.parquet")
    parquet.write_table(rows, root / "data" / "small" / f"{name}.parquet")
    verdict = open_book("small", as_of=laws.WINDOW_ENDS).verdict
    count = next(table for table in verdict.tables if table.table == name)
    found = [o.rule_id for o in verdict.worth_saying if o.table == name]
    return found if count.accepted.rows == rows.num_rows else [*found, "not every row accepted"]


def _customers(rows: pa.Table) -> list[str]:
    if "customer_id" not in rows.column_names:
        return ["C00000001"]
    return sorted({"C00000001", *rows["customer_id"].to_pylist()})


def _configuration(tables: dict[str, list[str]]) -> str:
    lines = [
        "title: Small", "currency: EUR", "observed_from: 2015-01-01", "default_as_of: 2026-01-01",
        "duplicates: quarantine", "tables:",
    ]  # fmt: skip
    for name, columns in tables.items():
        lines += [f"  {name}:", f"    source: {{files: data/small/{name}.parquet}}", "    columns:"]
        lines += [f"      {column}: {column}" for column in columns]
    return "\n".join(lines) + "\n"


def equal(first: pa.Table, second: pa.Table) -> bool:
    """The same bytes of data, and not an empty table."""
    return first.num_rows > 0 and first.equals(second)


def ids(customers: np.ndarray) -> list[str]:
    """Customer ids of rows of the first block."""
    return arrow.ids("C", customers).to_pylist()
