"""The facts of a book: those of an earlier one and what the periods after it add.

From nothing it is the same without an earlier book. Of what is written only the customers and the
months depend on the day that the book is as of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow.parquet as parquet
from ibis.backends.duckdb import Backend

from crm_lib import baskets, cache, engine, facts, machine
from crm_lib.dataset import Dataset
from crm_lib.history import counting, merging, shelf
from crm_lib.history.periods import Period, batches, together
from crm_lib.history.reading import COUNTED, CUSTOMERS, MONTHS, OCCASIONS, REPEATED, History
from crm_lib.history.shelf import Batch, Contents
from crm_lib.periods import Window
from crm_lib.ranges import Range, ranges

BYTES_A_ROW = 400
"""Of an engine's memory for each row that is added up at a time: twice of what 10 M customers took."""


@dataclass(frozen=True)
class Delivery:
    """What facts are made of.

    made_by: hash of everything they depend on besides the lines. periods: at least one. lines: the
    accepted and marked order lines of a period. known: customer_id of everyone in the customers table, None
    where they do not count.
    """

    dataset: Dataset
    as_of: date
    made_by: str
    periods: Sequence[Period]
    lines: Callable[[Period], ir.Table]
    known: ir.Table | None
    backend: Backend

    def history(self, folder: Path, contents: Contents) -> History:
        return History(folder, contents, self.dataset.occasion, self.backend)


def write(delivery: Delivery, folder: Path) -> History:
    """Write the facts of a book into `folder`, making only what no other book of the data set holds."""
    keys = [period.key for period in delivery.periods]
    found = shelf.earlier(delivery.dataset, delivery.made_by, keys)
    work = _Work(delivery, folder, delivery.history(*found) if found else None)
    if work.before and work.orders_go_on and delivery.dataset.occasion == "order":
        # An occasion of the earlier book goes on after it, so that book cannot be built upon.
        work = _Work(delivery, folder, None)
    return work.done()


class _Work:
    """The making of a book's facts upon those `before`; `old` and `new` are the places of the batches."""

    def __init__(self, delivery: Delivery, folder: Path, before: History | None) -> None:
        self.delivery = delivery
        self.folder = folder
        self.before = before
        known = before.contents if before else Contents(delivery.made_by)
        for batch in known.batches if before else []:
            shelf.link(before.folder, f"{COUNTED}/{batch.key}", folder)  # type: ignore[union-attr]
        new = [self._counted(batch) for batch in batches(delivery.periods[len(known.periods) :])]
        self.old = range(len(known.batches))
        self.new = range(len(known.batches), len(known.batches) + len(new))
        keys = [period.key for period in delivery.periods]
        contents = replace(known, periods=keys, batches=[*known.batches, *new])
        self.made = delivery.history(folder, contents)

    def _counted(self, batch: Period) -> Batch:
        """A batch of periods counted, or found to be."""
        key = cache.hashed(self.delivery.made_by, batch.key)[:16]
        name = f"{COUNTED}/{key}"
        there = (self.folder / name).exists()
        if not there and not shelf.linked(self.delivery.dataset, name, self.folder):
            lines, occasion = self.delivery.lines(batch), self.delivery.dataset.occasion
            counting.count(lines, occasion, self.delivery.backend, self.folder / name)
        return Batch(key, batch.window.start.isoformat())

    @cached_property
    def orders_go_on(self) -> bool:
        """Is an order of the new periods bought on another day, too (as far as hashes tell)?"""
        return bool(self.new) and int(self.delivery.backend.execute(self._again.count())) > 0

    @cached_property
    def _again(self) -> ir.Table:
        old = self.made.counted(counting.ORDERS, self.old) if self.old else None
        return merging.bought_again(self.made.counted(counting.ORDERS, self.new), old)

    def done(self) -> History:
        """Write what is not there yet: customers by customers, since sums of all of them need much memory."""
        self._write_repeated()
        listed = list(self.made.contents.occasions)
        for name in listed:
            shelf.link(self.before.folder, f"{OCCASIONS}/{name}", self.folder)  # type: ignore[union-attr]
        (self.folder / OCCASIONS).mkdir(exist_ok=True)
        for at, part in enumerate(self._ranges()):
            name = f"{len(listed):04d}.parquet"
            if self.new:
                self._write_occasions(part, self.folder / OCCASIONS / name)
                listed.append(name)
            made = facts.seen(
                self._deeds(part, self.folder / OCCASIONS / name),
                as_of=self.delivery.as_of,
                warm_up_ends=self.delivery.dataset.warm_up_ends,
                known=None if self.delivery.known is None else part.of(self.delivery.known),
            )
            engine.write(
                made.order_by("customer_id"), self.folder / f"{CUSTOMERS}-{at:04d}.parquet"
            )
        self._note(occasions=listed)
        self._write_months()
        self.made.contents.save(self.folder)
        return self.made

    def _ranges(self) -> list[Range]:
        """The customers, some at a time."""
        tables = [self.made.counted(counting.MONTHS, self.new)] if self.new else []
        tables += [self.before.customers] if self.before else []
        tables += [self.delivery.known] if self.delivery.known is not None else []
        rows = [int(table.count().execute()) for table in tables]
        most = tables[rows.index(max(rows))].select("customer_id")
        # Another engine than DuckDB sees to its memory itself.
        is_ours = isinstance(self.delivery.backend, Backend)
        count = math.ceil(sum(rows) * BYTES_A_ROW / machine.engine_bytes()) if is_ours else 1
        return ranges(most, max(rows), count)

    def _write_repeated(self) -> None:
        """The orders bought on several days; lines are read again only where there are any."""
        old = self.before.repeated if self.before else None
        parts = [] if old is None else [old]
        if self.orders_go_on:
            lines = self.delivery.lines(together(self.delivery.periods))
            bought = lines.filter(lines.is_purchase)
            again = bought.mutate(basket=counting.hash_of(bought)).semi_join(self._again, "basket")
            parts.append(baskets.repeated(baskets.of(again, "day")))
        if parts:
            path = self.folder / REPEATED
            ibis.union(*parts, distinct=True).to_parquet(path) if len(parts) > 1 else parts[0].to_parquet(path)  # fmt: skip
            self._note(repeated=parquet.read_metadata(path).num_rows)

    def _write_occasions(self, part: Range, path: Path) -> None:
        """The occasions of some customers in the new periods, numbered on from those before."""
        occasions = part.of(self.made.counted(counting.OCCASIONS, self.new))
        if self.orders_go_on and self.delivery.dataset.occasion == "order":
            occasions = baskets.joined_orders(occasions)
        earlier = None
        if self.before:
            customers = part.of(self.before.customers)
            earlier = customers.filter(customers.occasions > 0)
        engine.write(baskets.numbered(occasions, earlier), path)

    def _deeds(self, part: Range, newest: Path) -> ir.Table:
        """`facts.deeds` of some customers: from the beginning, or of the earlier book brought forward.

        newest: file of their occasions in the new periods.
        """
        repeated = None if self.made.repeated is None else part.of(self.made.repeated)
        if self.before is None:
            history = baskets.history(self.delivery.backend.read_parquet(newest))
            months = part.of(self.made.counted(counting.MONTHS))
            return facts.deeds(months, history, repeated)
        old = merging.deeds(part.of(self.before.customers))
        if not self.new:
            return old
        occasions = self.delivery.backend.read_parquet(newest)
        later = merging.since(
            part.of(self.made.counted(counting.MONTHS, self.new)),
            occasions,
            part.of(self.before.occasions).union(occasions),
        )
        done = self.before.repeated
        return merging.brought_forward(
            old, later, repeated, None if done is None else part.of(done)
        )

    def _write_months(self) -> None:
        dataset = self.delivery.dataset
        rows = self.made.counted(counting.MONTHLY)
        observed = Window(dataset.observed_from, self.delivery.as_of)
        made = facts.calendar(rows, observed=observed, warm_up_ends=dataset.warm_up_ends)
        made.to_parquet(self.folder / MONTHS)

    def _note(self, **what: object) -> None:
        self.made = replace(self.made, contents=replace(self.made.contents, **what))  # type: ignore[arg-type]
