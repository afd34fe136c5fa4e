"""The ledger on disk: a file some months, made anew only where something in these months is new."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from crm_lib import cache, contents, engine
from crm_lib.ledger import months
from crm_lib.ledger.components import Counts, components, counted, lacking
from crm_lib.ledger.records import Records

_FOLDER = "ledger"
_COUNTS = "ledger.json"
_POSTINGS = "postings.parquet"


@dataclass(frozen=True)
class Span:
    """Months that are written together, from `first` on to the next span; costs before the first span belong
    to it.

    key: hash of what their sales are made of. sales: `baskets.customer_months` of them.
    """

    key: str
    first: date
    sales: ir.Table


def write(
    records: Records, spans: Sequence[Span], folder: Path, taken: Callable[[str], bool], backend: Backend
) -> None:  # fmt: skip
    """Write the ledger into `folder`, and what is known of its components. Its rows are in no order.

    taken: puts a file that another book holds into `folder`, by its name there; False where none does.
    """
    counts = counted(records)
    (folder / _COUNTS).write_text(json.dumps(counts, indent=1))
    missing = lacking(components(records.dataset, counts))
    postings = _postings(records, missing, folder, backend)
    content = {} if postings is None else contents.by(postings, "month")
    shared = _shared(records, missing)
    (folder / _FOLDER).mkdir()
    for at, span in enumerate(spans):
        start = span.first if at else date.min
        end = spans[at + 1].first if at + 1 < len(spans) else date.max
        inside = sorted((str(month), it) for month, it in content.items() if start <= month < end)
        name = f"{_FOLDER}/{cache.hashed(shared, span.key, json.dumps(inside))[:16]}.parquet"
        if not taken(name):
            costs = None if postings is None else _between(postings, start, end)
            made = months.of(months.sales(span.sales, records), costs, records, missing)
            engine.write(made, folder / name)
    (folder / _POSTINGS).unlink(missing_ok=True)


def read(folder: Path, backend: Backend) -> ir.Table:
    """What `write` wrote: see `crm_lib.ledger`."""
    return backend.read_parquet(list(files(folder).values()))


def files(folder: Path) -> dict[str, Path]:
    """The files that `write` wrote, by name: equal names in two books, equal rows."""
    return {path.name: path for path in sorted((folder / _FOLDER).glob("*.parquet"))}


def counts_of(folder: Path) -> Counts:
    """What `write` counted of the components."""
    found: Counts = json.loads((folder / _COUNTS).read_text())
    return found


def _postings(
    records: Records, missing: frozenset[str], folder: Path, backend: Backend
) -> ir.Table | None:
    """`months.postings`, made once; sorted, so that a few months are found without reading the rest."""
    postings = months.postings(records, missing)
    if postings is None:
        return None
    engine.write(postings.order_by("month"), folder / _POSTINGS)
    return backend.read_parquet(folder / _POSTINGS)


def _between(postings: ir.Table, start: date, end: date) -> ir.Table:
    month = postings.month
    return postings.filter(month >= ibis.literal(start), month < ibis.literal(end))


def _shared(records: Records, missing: frozenset[str]) -> str:
    """A hash of what every month depends on besides its sales and postings."""
    accounts = months.payment_days(records)
    return cache.hashed(
        cache.code(cache.LEDGER), records.rules.model_dump_json(), json.dumps(sorted(missing)),
        str(records.money), "" if accounts is None else contents.of(accounts),
    )  # fmt: skip
