"""Files of marts: each of a range of customers, so that memory stays bounded, and sorted by their ids."""

from __future__ import annotations

from pathlib import Path

import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib import engine
from crm_lib.book import Book
from crm_lib.ranges import Range, ranges

CUSTOMERS_A_FILE = 2_500_000
"""Few enough for the memory of an engine, and no fewer: ledger and occasions are read once for each."""


def everyone(book: Book) -> list[Range]:
    """The customers of a book, some `CUSTOMERS_A_FILE` at a time."""
    ids = book.customers.select("customer_id")
    customers = int(ids.count().execute())
    return ranges(ids, customers, -(-customers // CUSTOMERS_A_FILE))


def write(table: ir.Table, folder: Path, number: int) -> None:
    """Write what is made of the `number`th range into `folder`; sorted where it has a customer_id."""
    folder.mkdir(exist_ok=True)
    made = _plain(table)
    if "customer_id" in made.columns:
        made = made.order_by("customer_id")
    engine.write(made, folder / f"{number:04}.parquet")


def read(folder: Path, book: Book) -> ir.Table:
    """All files in `folder`, as one table."""
    return book.backend.read_parquet(sorted(folder.glob("*.parquet")))


def _plain(table: ir.Table) -> ir.Table:
    """Sums of money as the lines have it: half the size of the widest decimals, and faster to read."""
    wide = {
        name: dt.Decimal(18, type_.scale)
        for name, type_ in table.schema().items()
        if isinstance(type_, dt.Decimal) and (type_.precision or 38) > 18
    }
    return table.cast(wide) if wide else table
