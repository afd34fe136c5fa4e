"""Corrected rows re-admitted: `data/<set>/corrections/<table>.csv` replaces raw rows by `row_id`.

The file has the raw columns plus `source_file` and `row_id`, as `crm quarantine` writes it. The
source itself is never changed, and the number of rows read stays the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from crm_lib import encodings, project, textfiles
from crm_lib.dataset import Source
from crm_lib.errors import SourceError, UsageError, listing, unknown

_IGNORED = ("row", "rule_ids")
"""Columns that `crm quarantine` adds for the reader."""
_MADE_HARMLESS = r"^'([ \n]*[=+\-@\t\r＝＋－＠])"
"""A cell that a spreadsheet would run as a formula, '-5.00 too, leaves us with an apostrophe."""
_KEY = ["source_file", "row_id"]
_IN_UTF8 = "Save it in UTF-8; a spreadsheet calls that 'CSV UTF-8'."


def path(dataset: str, table: str) -> Path:
    return project.data_folder() / dataset / "corrections" / f"{table}.csv"


def check_names(dataset: str, tables: Iterable[str]) -> None:
    """Raise UsageError for a file among the corrections that would be read for no table.

    Hidden files and those of an open spreadsheet (`~$lines.xlsx`) are left alone.
    """
    known = [f"{table}.csv" for table in tables]
    for file in sorted((project.data_folder() / dataset / "corrections").glob("[!.~]*")):
        if file.name not in known:
            raise UsageError(f"{project.shown(file)}: {unknown('file to read', file.name, known)}")


def applied(raw: ir.Table, dataset: str, table: str, backend: Backend, scratch: Path) -> ir.Table:
    """`raw` with the rows that the corrections file names replaced by its versions.

    Raises SourceError when the file lacks a column, repeats a row, or holds a value that its column
    cannot. Rows that are not there are told by `check_rows`.
    """
    file = path(dataset, table)
    if not file.is_file():
        return raw
    label = project.shown(file)
    corrected = _read(file, label, backend, scratch)
    if missing := [name for name in raw.columns if name not in corrected.columns]:
        raise SourceError(f"'{label}' lacks {listing(missing)}; write it with `crm quarantine`.")
    if extra := [n for n in corrected.columns if n not in raw.columns and n not in _IGNORED]:
        raise SourceError(f"'{label}' has columns that the source lacks: {listing(extra)}.")
    typed = corrected.select(**{n: corrected[n].try_cast(raw[n].type()) for n in raw.columns})
    _check_values(typed, corrected, label)
    count, distinct = (int(r.count().execute()) for r in (typed, typed.select(_KEY).distinct()))
    if distinct < count:
        raise SourceError(f"'{label}' names {count - distinct} row(s) more than once.")
    return raw.anti_join(typed, _KEY).union(typed.semi_join(raw, _KEY))


def check_rows(rows: ir.Table, dataset: str, table: str, backend: Backend, scratch: Path) -> None:
    """Raise SourceError where the corrections name a row that is not among `rows` (all of the table)."""
    file = path(dataset, table)
    if not file.is_file():
        return
    label = project.shown(file)
    ids = _read(file, label, backend, scratch).select(_KEY)
    ids = ids.mutate(row_id=ids.row_id.try_cast("int64"))
    lost = ids.anti_join(rows, _KEY)
    if absent := int(lost.count().execute()):
        example = lost.limit(1).execute().iloc[0]
        raise SourceError(
            f"'{label}' corrects {absent} row(s) that are not there, e.g. row_id "
            f"{example['row_id']} of '{example['source_file']}'. Write it anew with `crm quarantine`."
        )


def by_part(dataset: str, table: str, backend: Backend, scratch: Path) -> dict[str, str]:
    """By `source_file`, a hash of the rows that correct it."""
    file = path(dataset, table)
    if not file.is_file():
        return {}
    found: dict[str, str] = {}
    for row in _read(file, project.shown(file), backend, scratch).to_pyarrow().to_pylist():
        label = str(row.get("source_file"))
        told = found.get(label, "") + json.dumps(row, sort_keys=True)
        found[label] = hashlib.blake2b(told.encode(), digest_size=16).hexdigest()
    return found


def _read(file: Path, label: str, backend: Backend, scratch: Path) -> ir.Table:
    """The file as text columns; a spreadsheet may have saved it with another delimiter."""
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / f"corrections_{file.stem}.parquet"
    encoding = encodings.checked_encoding(file, label, remedy=_IN_UTF8)
    delimiter = next(
        (mark for mark in ",;\t" if "row_id" in textfiles.read_header(file, encoding, mark)), ","
    )
    source = Source(files=[file.name], delimiter=delimiter)
    textfiles.convert_csv(file, label, source, backend, target, ours=True)
    cells = backend.read_parquet(target)
    return cells.mutate(**{n: cells[n].re_replace(_MADE_HARMLESS, r"\1") for n in cells.columns})


def _check_values(typed: ir.Table, corrected: ir.Table, label: str) -> None:
    """A cell that its column cannot hold would otherwise become empty without a word."""
    for name in typed.columns:
        lost = corrected.filter(
            corrected[name].notnull() & corrected[name].try_cast(typed[name].type()).isnull()
        )
        if count := int(lost.count().execute()):
            example = lost[name].as_table().limit(1).execute().iloc[0, 0]
            raise SourceError(
                f"'{label}': {count} cell(s) of '{name}' are not {typed[name].type()}, "
                f"e.g. '{example}'."
            )
