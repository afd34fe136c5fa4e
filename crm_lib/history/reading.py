"""The facts in a book's folder, as tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from crm_lib import baskets, facts
from crm_lib.baskets import Occasion
from crm_lib.history import counting
from crm_lib.history.shelf import Contents

COUNTED = "periods"
"""Folder of what was counted of the lines, a folder a batch of periods: see `counting`."""
OCCASIONS = "occasions"
"""Folder of `facts.occasions`, one file for each book that this one builds upon, and its own."""
REPEATED = "repeated.parquet"
CUSTOMERS = "customers"
"""How files of `facts.customers` begin, each of some of them; files and rows sorted by customer_id."""
MONTHS = "months.parquet"


@dataclass(frozen=True)
class History:
    """The facts in `folder`, which `contents` lists."""

    folder: Path
    contents: Contents
    occasion: Occasion
    backend: Backend

    @classmethod
    def of(cls, folder: Path, occasion: Occasion, backend: Backend) -> History:
        return cls(folder, Contents.of(folder), occasion, backend)

    @cached_property
    def customers(self) -> ir.Table:
        """See `facts.customers`."""
        return self.backend.read_parquet(sorted(self.folder.glob(f"{CUSTOMERS}*.parquet")))

    @cached_property
    def months(self) -> ir.Table:
        """See `facts.months`."""
        return self.backend.read_parquet(self.folder / MONTHS)

    @cached_property
    def occasions(self) -> ir.Table:
        """See `facts.occasions`."""
        return self._read([f"{OCCASIONS}/{name}" for name in self.contents.occasions])

    @cached_property
    def customer_months(self) -> ir.Table:
        """See `facts.customer_months`."""
        return facts.known_months(self.every_month)

    @cached_property
    def every_month(self) -> ir.Table:
        """`baskets.customer_months`, nobody known among them, with each order counted once a month."""
        return self.months_in(range(len(self.contents.batches)))

    def months_in(self, batches: range) -> ir.Table:
        """`every_month` of these batches."""
        rows = self.counted(counting.MONTHS, batches)
        if self.repeated is None:
            return rows
        return baskets.counted_once(rows, self.repeated, self.occasion)

    @cached_property
    def repeated(self) -> ir.Table | None:
        """`baskets.repeated`; None where no order is bought on several days."""
        if not self.contents.repeated:
            return None
        return self.backend.read_parquet(self.folder / REPEATED)

    def counted(self, name: str, batches: range | None = None) -> ir.Table:
        """What was counted of all batches, or some: see `counting`."""
        chosen = batches if batches is not None else range(len(self.contents.batches))
        keys = [self.contents.batches[at].key for at in chosen]
        return self._read([f"{COUNTED}/{key}/{name}.parquet" for key in keys])

    def customers_at(self, day: date, *, warm_up_ends: date, known: ir.Table | None) -> ir.Table:
        """`facts.customers` as of the first of an earlier month."""
        cut = ibis.literal(day)
        months = self.counted(counting.MONTHS)
        again = self.repeated
        if again is not None:
            again = again.filter(again.day < cut)
        history = baskets.history(self.occasions.filter(self.occasions.on < cut))
        done = facts.deeds(months.filter(months.month < cut), history, again)
        return facts.seen(done, as_of=day, warm_up_ends=warm_up_ends, known=known)

    def _read(self, names: list[str]) -> ir.Table:
        return self.backend.read_parquet([self.folder / name for name in names])
