"""Corrected rows re-admitted: `data/<set>/corrections/<table>.csv` replaces raw rows by `row_id`.

The file has the raw columns plus `source_file` and `row_id`, as `crm quarantine` writes it. The
source itself is never changed, and the number of rows read stays the same.
"""

from __future__ import annotations

from pathlib import Path

import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from crm_lib import project, textfiles
from crm_lib.dataset import Source
from crm_lib.errors import SourceError, listing

_IGNORED = ("rule_ids",)
"""Columns that `crm quarantine` adds for the reader."""


def path(dataset: str, table: str) -> Path:
    return project.data_folder() / dataset / "corrections" / f"{table}.csv"


def applied(raw: ir.Table, dataset: str, table: str, backend: Backend) -> ir.Table:
    """`raw` with the rows that the corrections file names replaced by its versions.

    Raises SourceError when the file lacks a column, repeats a row, or names a row that is not there.
    """
    file = path(dataset, table)
    if not file.is_file():
        return raw
    label = project.shown(file)
    source = Source(files=[str(file)])
    corrected = textfiles.read_csv(file, label, source, backend, file.parent)
    if missing := [name for name in raw.columns if name not in corrected.columns]:
        raise SourceError(f"'{label}' lacks {listing(missing)}; write it with `crm quarantine`.")
    if extra := [n for n in corrected.columns if n not in raw.columns and n not in _IGNORED]:
        raise SourceError(f"'{label}' has columns that the source lacks: {listing(extra)}.")
    typed = corrected.select(**{n: corrected[n].try_cast(raw[n].type()) for n in raw.columns})
    _check_rows(typed, raw, label)
    kept = raw.anti_join(typed, ["source_file", "row_id"])
    return kept.union(typed)


def _check_rows(typed: ir.Table, raw: ir.Table, label: str) -> None:
    ids = typed.select("source_file", "row_id")
    count, distinct = int(ids.count().execute()), int(ids.distinct().count().execute())
    if distinct < count:
        raise SourceError(f"'{label}' names {count - distinct} row(s) more than once.")
    lost = ids.anti_join(raw, ["source_file", "row_id"])
    if absent := int(lost.count().execute()):
        example = lost.limit(1).execute().iloc[0].to_dict()
        raise SourceError(f"'{label}' corrects {absent} row(s) that are not there, e.g. {example}.")
