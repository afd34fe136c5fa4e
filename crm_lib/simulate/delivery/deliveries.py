"""Deliveries: into which files the rows of a table go, clean or as a `dirt.Plan` has them.

Order lines come in a folder a month; a late month in another folder, a month of the old system with
another header. Everything else is one file a part; dirty customers come as CSV, a file a region.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from crm_lib.simulate.clock import Clock
from crm_lib.simulate.delivery import defects, dirt
from crm_lib.simulate.delivery.files import UTF_8, Files


@dataclass
class Delivery:
    """The files of one part of a company (`part` None: of the company as a whole)."""

    plan: dirt.Plan
    clock: Clock
    seed: int
    part: int | None
    files: Files
    set_aside: Counter[str] = field(default_factory=Counter)
    """file: rows planted to be quarantined"""
    late_cents: Counter[str] = field(default_factory=Counter)
    """late file: its amounts"""

    def table(self, name: str, rows: pa.Table, month: int | None = None) -> None:
        """Deliver rows of a canonical table; order lines are of one `month` (from 0)."""
        for file, part, encoding in self._addressed(name, rows, month):
            first_row = self.files.rows.get(file, 0)
            spoilt, found = dirt.spoil(self.plan, name, part, file, first_row, self.seed)
            if name == "lines" and month == self.plan.renamed_month:
                spoilt = spoilt.rename_columns({defects.RENAMED.column: dirt.OTHER_NAME})
            if month is not None and month == self.plan.late_month:
                self.late_cents[file] += int(pc.sum(part["amount"]).as_py() * 100)
            self.files.add(file, spoilt, encoding)
            if found.num_rows:
                self.set_aside[file] += pc.sum(pc.equal(found["fate"], "quarantined")).as_py()
                self.truth("defects", found)

    def truth(self, name: str, rows: pa.Table) -> None:
        """Add rows of the truth, which is never dirty."""
        suffix = "" if self.part is None else f"-{self.part:04}"
        self.files.add(f"truth/{name}{suffix}.parquet", rows)

    def close(self) -> None:
        """List what is wrong with whole files, and write everything that waits."""
        self.files.flush()
        for file in [name for name in self.files.rows if not name.startswith("truth/")]:
            for kind in self._faults(file):
                rows, cents, days = self.files.rows[file], 0, None
                if kind == defects.LATE:
                    cents, days = self.late_cents[file], self._days(self.plan.late_month)
                else:
                    rows -= self.set_aside[file]
                found = dirt.file_defect(kind, file, rows, cents=cents, days=days)
                self.truth("defects", found)
        self.files.close()

    def _addressed(
        self, name: str, rows: pa.Table, month: int | None
    ) -> Iterator[tuple[str, pa.Table, str]]:
        """(file, its rows, its encoding)."""
        end = f"part-{self.part or 0:04}.parquet"
        if name == "lines" and month is not None:
            folder = dirt.LATE_FOLDER if month == self.plan.late_month else name
            yield f"{folder}/{self.clock.month_starts[month]:%Y-%m}/{end}", rows, UTF_8
        elif name == "customers" and self.plan.is_dirty:
            for region in sorted(pc.unique(rows["region"]).to_pylist()):
                file = f"{name}/{_slug(region)}-{self.part or 0:04}.csv"
                of_region = rows.filter(pc.equal(rows["region"], region))
                yield file, of_region, self.plan.encoding(region)
        else:
            yield f"{name}/{end}", rows, UTF_8

    def _faults(self, file: str) -> Iterator[defects.FileKind]:
        folder, *rest = file.split("/")
        plan, starts = self.plan, self.clock.month_starts
        if folder == dirt.LATE_FOLDER:
            yield defects.LATE
        if plan.renamed_month is not None and rest[0] == f"{starts[plan.renamed_month]:%Y-%m}":
            yield defects.RENAMED
        if file in self.files.beyond_utf_8:
            yield defects.ENCODED

    def _days(self, month: int | None) -> int:
        assert month is not None
        starts = self.clock.month_starts
        return (starts[month + 1] - starts[month]).days


def _slug(region: str) -> str:
    """A region as the name of a file: plain letters."""
    plain = region.lower().translate(str.maketrans("äöüéèñ", "aoueen"))
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")
