"""Sums the ledger of a simulated company, and the truth about it, each exact to the cent."""

from __future__ import annotations

from pathlib import Path

import ibis

from bench.drivers import common
from crm_lib import project
from crm_lib.book import open_book

MONTHLY = {
    "revenue": "revenue",
    "returns": "returns",
    "discount": "discount",
    "cost of goods": "cost",
}
"""By what the page calls it: the column of the truth's months."""
OF_CUSTOMERS = {
    "contacts": "contact_cost",
    "campaigns": "exposure_cost",
    "acquisition": "acquisition_cost",
}
COLUMNS = {
    "cost of goods": "cost_of_goods",
    "contacts": "contact_cost",
    "campaigns": "exposure_cost",
    "acquisition": "acquisition_cost",
}
"""The ledger's columns, where they are not called as on the page."""


def run(job: common.Job) -> common.Report:
    """Totals by component over the whole window, of the ledger and of the truth, as text."""
    found: dict[str, dict[str, str]] = {}

    def work() -> None:
        book = open_book(job["dataset"], as_of=job["as_of"])
        truth = project.data_folder() / job["dataset"] / "truth"
        planted = _sums(book.backend.read_parquet(_files(truth, "months")), MONTHLY)
        customers = book.backend.read_parquet(_files(truth, "profits"))
        planted |= _sums(customers, OF_CUSTOMERS)
        columns = {name: COLUMNS.get(name, name) for name in planted}
        ledger = _sums(book.ledger, columns)
        found.update({name: {"ledger": ledger[name], "truth": planted[name]} for name in planted})

    return common.staged({"sums": work}) | {"totals": found}


def _files(folder: Path, table: str) -> list[Path]:
    return sorted([*folder.glob(f"{table}.parquet"), *folder.glob(f"{table}-[0-9]*.parquet")])


def _sums(table: ibis.expr.types.Table, columns: dict[str, str]) -> dict[str, str]:
    sums = {name: table[column].sum().cast("string") for name, column in columns.items()}
    (row,) = table.agg(**sums).to_pyarrow().to_pylist()
    return {name: str(value) for name, value in row.items()}


if __name__ == "__main__":
    common.run({"run": run}, ["duckdb", "ibis-framework"])
