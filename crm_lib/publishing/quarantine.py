"""The rows set aside, raw and whole with the rules they broke, for someone to correct them.

`data/<set>/corrections/<table>.csv` takes the corrected rows back: same columns, same `row_id`.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from crm_lib import corrections, engine, parts, project, staging
from crm_lib.book import Book
from crm_lib.engine import collect
from crm_lib.errors import NotInData, UsageError, listing
from crm_lib.publishing import exports
from crm_lib.quality import fates

MOST_ROWS = 1_000_000
_PLAIN_NUMBER = re.compile(r"[+-]?\d[\d.,]*")


def rows(book: Book, table: str) -> pd.DataFrame:
    """One row for each quarantined row of `table`: the raw columns as they stand in the source (text
    stays text), `source_file`, `row_id` (by which corrections find it), `row` (its number in the file,
    1 below the header; absent where the source has such a column itself) and `rule_ids` (the rules
    broken, separated by spaces).

    Raises NotInData for a table that the data set lacks.
    """
    if not book.has(table):
        raise NotInData(
            f"'{book.dataset.name}' has no table '{table}'. It has {listing(book.dataset.tables)}."
        )
    aside = book.verdict.quarantine_rules(table)
    backend = engine.connect()  # DuckDB has read the raw rows, whichever engine counts them
    staged = backend.read_parquet(book.intake.staged(table))
    failures = backend.read_parquet(book.intake.failures(table))
    fated = fates.with_fate(table, staged, failures, aside, as_of=book.as_of, scope=book.scope)
    set_aside = fated.filter(fated.fate == "quarantined").select("row_id")
    broken = failures.filter(failures.rule_id.isin(aside)).distinct()
    reasons = broken.group_by("row_id").agg(
        rule_ids=broken.rule_id.group_concat(" ", order_by=broken.rule_id)
    )
    with tempfile.TemporaryDirectory() as scratch:
        raw = _numbered(_raw(book, table, backend, Path(scratch)))
        found = raw.inner_join(set_aside, "row_id").inner_join(reasons, "row_id")
        return collect(_as_text(found.order_by("row_id")), max_rows=MOST_ROWS)


def _as_text(raw: ir.Table) -> ir.Table:
    """Cells as the engine writes them, which it reads back: pandas would round long numbers, and those
    beside empty cells, and refuses times with a zone."""
    cells = [name for name in raw.columns if name not in ("row_id", "row")]
    return raw.mutate(**{name: raw[name].cast(dt.string) for name in cells})


def _numbered(raw: ir.Table) -> ir.Table:
    if "row" in raw.columns:
        return raw
    return raw.mutate(row=raw.row_id & parts.ROW_NUMBER)


def _raw(book: Book, table: str, backend: Backend, scratch: Path) -> ir.Table:
    read = staging.raw_rows(table, book.dataset, backend, scratch)
    return corrections.applied(read, book.dataset.name, table, backend, scratch)


def write(book: Book, table: str, path: Path) -> int:
    """Write the quarantined rows of `table` as CSV; returns how many there are.

    Numbers that the source holds as text stay as they are, so that the file can be read back; other
    text that a spreadsheet would run as a formula gets an apostrophe.
    Raises UsageError when the file exists: it may hold someone's corrections.
    """
    if path.exists():
        raise UsageError(
            f"{project.shown(path)} exists and may hold corrections; name another file."
        )
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {project.shown(path.parent)}; make it first.")
    found = rows(book, table)
    exports.write_csv(found, path, harmless=_harmless_but_numbers)
    return len(found)


def _harmless_but_numbers(cell: object) -> object:
    if isinstance(cell, str) and _PLAIN_NUMBER.fullmatch(cell.strip()):
        return cell
    return exports.harmless(cell)
