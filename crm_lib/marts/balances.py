"""Balances: what each customer has spent, earned and cost, added up again only where the ledger has changed.

A file of the ledger is named after all it is made of, order lines included. Files that an earlier book has,
too, say what they said then, so that whoever is in no other file has the balance of before.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir

from crm_lib import cache, engine, ledger
from crm_lib.analysis import acquisition, margins, profit
from crm_lib.book import Book
from crm_lib.history import shelf
from crm_lib.marts import files
from crm_lib.ranges import Range

_FOLDER = "balances"
_CONTENTS = "contents.json"


@dataclass(frozen=True)
class Earlier:
    """What another book of the data set found. changed: customer_id of everyone in a file of either ledger
    that the other one lacks."""

    balances: ir.Table
    changed: ir.Table


def of(book: Book, parts: Sequence[Range]) -> ir.Table:
    """The balances of a book, made where there are none yet, a file for each of the ranges `parts`.

    One row a customer in the ledger: the columns of `profit.summed` and `margins.earnings`, and, null
    without a purchase, those of `acquisition.first_year` and `margins.spending`, but x, which is among
    the facts.
    """

    def make(folder: Path) -> None:
        before = earlier(book)
        for number, part in enumerate(parts):
            engine.write(_of_some(book, part, before), folder / f"{number:04}.parquet")
        contents = {"code": book.made_from["code"], "ledger": sorted(ledger.files(book.folder))}
        (folder / _CONTENTS).write_text(json.dumps(contents, indent=1))

    return files.read(cache.built(book.folder / _FOLDER, make), book)


def earlier(book: Book) -> Earlier | None:
    """The balances of the book with most of the same files of the ledger; None where none has any."""
    own, best, most = ledger.files(book.folder), None, 0
    for folder in shelf.books(book.dataset):
        with contextlib.suppress(OSError, ValueError):
            contents = json.loads((folder / _FOLDER / _CONTENTS).read_text())
            same = len(own.keys() & set(contents["ledger"]))
            if contents["code"] == book.made_from["code"] and same > most:
                best, most = folder, same
    if best is None:
        return None
    theirs = ledger.files(best)
    different = [
        path for name, path in {**own, **theirs}.items() if (name in own) != (name in theirs)
    ]
    rows = book.backend.read_parquet(different) if different else book.ledger.limit(0)
    ids = rows.filter(rows.customer_id.notnull()).select("customer_id").distinct()
    return Earlier(files.read(best / _FOLDER, book), engine.kept(ids))


def _of_some(book: Book, part: Range, before: Earlier | None) -> ir.Table:
    rows, occasions = part.of(book.ledger), part.of(book.occasions)
    customers = part.of(book.customers)
    if before is None:
        return added_up(rows, occasions, customers)
    changed = part.of(before.changed)
    rows, occasions = (table.semi_join(changed, "customer_id") for table in (rows, occasions))
    again = added_up(rows, occasions, customers)
    return again.union(part.of(before.balances).anti_join(changed, "customer_id"))


def added_up(rows: ir.Table, occasions: ir.Table, customers: ir.Table) -> ir.Table:
    """Balances of the customers in `rows` of the profit ledger: see `of`. occasions: theirs; customers:
    their facts."""
    found = profit.summed(rows)
    for other in (
        acquisition.first_year(rows, customers),
        margins.earnings(margins.earned(rows)),
        margins.spending(occasions).drop("x"),
    ):
        found = found.left_join(other, "customer_id").drop("customer_id_right")
    return found
