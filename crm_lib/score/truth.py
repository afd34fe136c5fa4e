"""The truth about a simulated company: the tables in `truth/` beside its data, read by nothing else."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from crm_lib import project
from crm_lib.dataset import Dataset
from crm_lib.engine import collect
from crm_lib.errors import UsageError, unknown

LAWS = "laws"
"""The table that every simulated company has."""


def folder_of(dataset: Dataset) -> Path:
    """The folder of a data set that holds its truth. Raises UsageError when it has none."""
    folder = project.data_folder() / dataset.name / "truth"
    if not (folder / f"{LAWS}.parquet").is_file():
        raise UsageError(
            f"'{dataset.name}' has no truth to compare with: {project.shown(folder)} holds no "
            f"{LAWS}.parquet. Only simulated companies can be scored; write one with "
            "`crm simulate retailer` or `crm simulate supplier`."
        )
    return folder


class Truth:
    """What was planted in a data set, as tables of one engine, so that they join those of its book."""

    def __init__(self, dataset: Dataset, backend: Backend) -> None:
        self.dataset = dataset
        self.folder = folder_of(dataset)
        self.backend = backend

    def has(self, name: str) -> bool:
        return bool(self._files(name))

    def table(self, name: str) -> ir.Table:
        """The table `name`, its parts together. Raises UsageError for one that is not there."""
        files = self._files(name)
        if not files:
            known = {path.stem.split("-")[0] for path in self.folder.glob("*.parquet")}
            raise UsageError(unknown("table of the truth", name, sorted(known)))
        return self.backend.read_parquet(files)

    @property
    def is_dirty(self) -> bool:
        """Whether defects were planted in the delivery."""
        return self.has("defects")

    @cached_property
    def ends(self) -> date:
        """First day after the window that the totals of the truth are over."""
        laws = self.table(LAWS)
        stated = laws.filter(laws.law == "simulation", laws.parameter == "as_of")
        return date.fromisoformat(str(collect(stated)["value"].iloc[0]))

    def _files(self, name: str) -> list[Path]:
        """`<name>.parquet` and its parts `<name>-0000.parquet` …, of no table with a longer name."""
        parts = sorted(self.folder.glob(f"{name}-[0-9]*.parquet"))
        return [path for path in (self.folder / f"{name}.parquet", *parts) if path.is_file()]


def exactly(table: ir.Table, **measures: ir.Value) -> dict[str, Decimal]:
    """Aggregates of a table as exact decimals; 0 where there is nothing to sum."""
    texts = {name: value.cast(dt.string) for name, value in measures.items()}
    row = collect(table.aggregate(**texts)).iloc[0]
    return {name: Decimal(0 if pd.isna(row[name]) else row[name]) for name in measures}


def alive(truth: Truth, as_of: date) -> ir.Table:
    """Who truly was a customer at the end of the last observed day: customer_id, spell, began_on."""
    spells = truth.table("spells")
    day = ibis.literal(as_of)
    stays = spells.left_on.isnull() | (spells.left_on >= day)
    return spells.filter((spells.began_on < day) & stays).select("customer_id", "spell", "began_on")
