"""Writing a company: its blocks in parts, each part by one process, in bounded memory.

A part is `PART_BLOCKS` blocks, whatever the machine: lines lie in `lines/<month>/part-NNNN.parquet`,
every other table in `<table>/part-NNNN.parquet`. Within a part, blocks are written in order, some of
them at a time (a chunk); neither chunks nor processes change a row or its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa

from crm_lib.simulate import making
from crm_lib.simulate.behaviour.choice import Choice
from crm_lib.simulate.block import BLOCK_CUSTOMERS, Block
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.delivery import dirt
from crm_lib.simulate.delivery.defects import Level
from crm_lib.simulate.delivery.deliveries import Delivery
from crm_lib.simulate.delivery.files import Files
from crm_lib.simulate.laws import Company
from crm_lib.simulate.making import Made, Totals

PART_BLOCKS = 64
"""A million customers in one file of a month."""
CHUNK_BLOCKS = 8
"""Some 130,000 customers in memory at a time."""


@dataclass(frozen=True)
class Scale:
    """How much of a company is made, from which seed, how dirty, into which folder."""

    company: Company
    customers: int
    months: int
    seed: int
    dirt: Level
    folder: Path
    chunk_blocks: int = CHUNK_BLOCKS
    part_blocks: int = PART_BLOCKS

    @property
    def clock(self) -> Clock:
        return Clock(self.company.laws, self.months)

    @property
    def parts(self) -> int:
        return -(-self.customers // (BLOCK_CUSTOMERS * self.part_blocks))

    def blocks(self, part: int) -> Iterator[Block]:
        """The blocks of a part."""
        clock = self.clock
        for number in range(part * self.part_blocks, (part + 1) * self.part_blocks):
            first = number * BLOCK_CUSTOMERS
            if (count := min(BLOCK_CUSTOMERS, self.customers - first)) > 0:
                yield Block(self.company, clock, self.seed, number, first, count)


@dataclass
class Written:
    """What a part came to: sums for the tables of the whole company, rows and columns by table."""

    totals: Totals
    rows: dict[str, int]
    columns: dict[str, list[str]]

    def add(self, other: Written) -> None:
        self.totals.add(other.totals)
        for table, count in other.rows.items():
            self.rows[table] = self.rows.get(table, 0) + count
        self.columns |= other.columns


class Writer:
    """Puts what is made into the files of one part (None: those of the whole company)."""

    def __init__(self, scale: Scale, part: int | None) -> None:
        self.months = scale.months
        plan = dirt.plan(scale.company, scale.clock, scale.dirt)
        self.files = Files(scale.folder)
        self.delivery = Delivery(plan, scale.clock, scale.seed, part, self.files)
        self.written = Written(Totals(), {}, {})

    def table(self, name: str, rows: pa.Table, month: int | None = None) -> None:
        """Add rows of a canonical table; order lines are of one `month`."""
        self.written.columns[name] = rows.column_names
        self.written.rows[name] = self.written.rows.get(name, 0) + rows.num_rows
        self.delivery.table(name, rows, month)

    def block(self, made: Made) -> None:
        """Add everything of a block."""
        for name, rows in made.tables.items():
            if name == "lines":
                edges = np.searchsorted(made.line_months, np.arange(self.months + 1))
                for month, (start, end) in enumerate(pairwise(edges)):
                    if start < end:
                        self.table(name, rows.slice(start, end - start), month)
            else:
                self.table(name, rows)
        for name, rows in made.truth.items():
            self.delivery.truth(name, rows)
        self.written.totals.add(made.totals)


def write_part(scale: Scale, part: int) -> Written:
    """Make and write the blocks of a part."""
    writer = Writer(scale, part)
    choice = Choice(scale.company, scale.clock, scale.seed)
    for number, block in enumerate(scale.blocks(part), start=1):
        writer.block(making.make(block, choice))
        if number % scale.chunk_blocks == 0:
            writer.files.flush()
    writer.delivery.close()
    return writer.written


def write_parts(scale: Scale, jobs: int) -> Written:
    """Make and write every part, `jobs` of them at a time; the sums of all."""
    whole = Written(Totals(), {}, {})
    if jobs == 1 or scale.parts == 1:
        for part in range(scale.parts):
            whole.add(write_part(scale, part))
        return whole
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for written in pool.map(write_part, [scale] * scale.parts, range(scale.parts)):
            whole.add(written)
    return whole


def write_whole(scale: Scale, tables: dict[str, pa.Table], truth: dict[str, pa.Table]) -> Written:
    """Write the tables that are of the company as a whole."""
    writer = Writer(scale, None)
    for name, rows in tables.items():
        writer.table(name, rows)
    for name, rows in truth.items():
        writer.delivery.truth(name, rows)
    writer.delivery.close()
    return writer.written
