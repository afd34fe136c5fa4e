"""Sources: files, a package's data or a DuckDB table → raw rows, values untouched.

CSV and Excel are read as text; Parquet and DuckDB keep their types. Each row carries
`source_file` and `row_id`, so that a rejected row can be found where it came from.
"""

from __future__ import annotations

import glob
import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from crm_lib import project, textfiles
from crm_lib.dataset import Source, TableConfig
from crm_lib.errors import SourceError, listing, unknown

FILE_BITS = 40
"""`row_id` = (number of the file << 40) + number of the row in it, from 1."""

_FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet",
    ".xlsx": "excel", ".xls": "excel", ".xlsb": "excel", ".ods": "excel",
}  # fmt: skip


@dataclass(frozen=True)
class File:
    """A file of a source: where it lies, what a message may call it, and its kind."""

    path: Path
    label: str
    kind: str


def quoted(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def files(source: Source, obtain: str = "") -> list[File]:
    """The files a source names, in order; globs are sorted.

    Raises SourceError for a file or package that is not there, with `obtain` as the remedy.
    """
    if source.duckdb:
        return [_existing(project.resolve(source.duckdb), "duckdb", obtain)]
    folder = _package_folder(source.package) if source.package else None
    found = []
    for pattern in source.files:
        path = folder / pattern if folder else project.resolve(pattern)
        if any(mark in pattern for mark in "*?["):
            matches = sorted(glob.glob(str(path), recursive=True))
            if not matches:
                raise SourceError(f"No file matches '{pattern}'. {obtain}".strip())
            found += [_existing(Path(match), None, obtain) for match in matches]
        else:
            found.append(_existing(path, None, obtain))
    return found


def _package_folder(package: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(f"The Python package '{package}' is not installed: pip install {package}")
    return Path(next(iter(spec.submodule_search_locations)))


def _existing(path: Path, kind: str | None, obtain: str) -> File:
    if not path.is_file():
        beside = [item.name for item in path.parent.glob("*")] if path.parent.is_dir() else []
        near = unknown("file", path.name, sorted(beside)) if beside else ""
        raise SourceError(
            f"The file '{project.shown(path)}' is not there. {near} {obtain}".strip()
        )
    if path.stat().st_size == 0:
        raise SourceError(f"The file '{project.shown(path)}' is empty (0 bytes).")
    if kind is None:
        suffixes = [suffix.lower() for suffix in path.suffixes]
        suffix = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else path.suffix.lower()
        if suffix not in _FORMATS:
            raise SourceError(
                f"'{path.name}' is of no known kind. {unknown('file kind', suffix, _FORMATS)}"
            )
        kind = _FORMATS[suffix]
    return File(path, project.shown(path), kind)


def fingerprints(config: TableConfig, obtain: str = "") -> dict[str, str]:
    """Content hash of every file behind a table, by label: changes when any byte does."""
    every = [config.source] if config.source else list(config.sources.values())
    hashes = {}
    for source in every:
        assert source is not None
        for file in files(source, obtain):
            with file.path.open("rb") as handle:
                digest = hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16))
            hashes[file.label] = digest.hexdigest()
    return hashes


def read(config: TableConfig, backend: Backend, scratch: Path, obtain: str = "") -> ir.Table:
    """Raw rows of one table: the raw columns plus `source_file` and `row_id`.

    `scratch` holds files that had to be re-encoded. Raises SourceError for what cannot be read.
    """
    if config.source:
        return _read_source(config.source, backend, scratch, obtain)
    for name, source in config.sources.items():
        raw = _read_source(source, backend, scratch, obtain)
        backend.create_view(name, raw.drop("source_file", "row_id"), overwrite=True)
    query = (config.query or "").strip().rstrip(";")
    try:
        # Sorted by every column: the rows of a join have no order of their own.
        rows = backend.sql(f"SELECT * FROM ({query}) ORDER BY ALL")
    except duckdb.Error as error:
        raise SourceError(f"The query over {listing(config.sources)} fails: {error}") from None
    label = "query over " + ", ".join(config.sources)
    return rows.mutate(source_file=ibis.literal(label), row_id=ibis.row_number() + 1)


def _read_source(source: Source, backend: Backend, scratch: Path, obtain: str) -> ir.Table:
    found = files(source, obtain)
    if len({file.kind for file in found}) > 1:
        raise SourceError(f"One source mixes kinds of files: {listing(f.label for f in found)}.")
    kind = found[0].kind
    if kind == "duckdb":
        return _read_duckdb(found[0], str(source.table), backend)
    if kind == "parquet":
        return _read_parquet(found, backend)
    parts = list(_text_parts(found, kind, source, backend, scratch))
    _same_columns(found, parts)
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _read_parquet(found: list[File], backend: Backend) -> ir.Table:
    """All Parquet files in one scan, so that many partitions read as fast as one."""
    paths = "[" + ", ".join(quoted(str(file.path)) for file in found) + "]"
    labels = "[" + ", ".join(quoted(file.label) for file in found) + "]"
    number = f"list_position({paths}, filename)"
    query = (
        f"SELECT * EXCLUDE (filename, file_row_number), {labels}[{number}] AS source_file, "
        f"(({number} - 1)::BIGINT << {FILE_BITS}) + file_row_number + 1 AS row_id "
        f"FROM read_parquet({paths}, filename = true, file_row_number = true)"
    )
    try:
        return backend.sql(query)
    except duckdb.Error as error:
        raise SourceError(f"Cannot read {listing(f.label for f in found)}: {error}") from None


def _read_duckdb(file: File, table: str, backend: Backend) -> ir.Table:
    alias = "source_" + hashlib.blake2b(str(file.path).encode(), digest_size=4).hexdigest()
    try:
        backend.raw_sql(f"ATTACH IF NOT EXISTS {quoted(str(file.path))} AS {alias} (READ_ONLY)")
    except duckdb.Error as error:
        raise SourceError(f"Cannot open '{file.label}' as a DuckDB file: {error}") from None
    known = backend.list_tables(database=(alias, "main"))
    if table not in known:
        raise SourceError(f"In '{file.label}': " + unknown("table", table, known))
    query = f'SELECT *, {quoted(file.label)} AS source_file, rowid + 1 AS row_id FROM {alias}.main."{table}"'
    return backend.sql(query)


def _text_parts(
    found: list[File], kind: str, source: Source, backend: Backend, scratch: Path
) -> Iterator[ir.Table]:
    for number, file in enumerate(found):
        if kind == "excel":
            arrow = textfiles.read_excel(file.path, file.label, source.sheet)
            rows = _register(arrow, backend)
        else:
            rows = textfiles.read_csv(file.path, file.label, source, backend, scratch)
        yield rows.mutate(
            source_file=ibis.literal(file.label),
            row_id=ibis.row_number() + 1 + (number << FILE_BITS),
        )


def _register(arrow: pa.Table, backend: Backend) -> ir.Table:
    return backend.create_table(ibis.util.gen_name("sheet"), arrow, temp=True)


def _same_columns(found: list[File], parts: list[ir.Table]) -> None:
    first = set(parts[0].columns)
    for file, part in zip(found[1:], parts[1:], strict=True):
        if set(part.columns) != first:
            raise SourceError(
                f"'{file.label}' has other columns than '{found[0].label}': "
                f"missing {listing(sorted(first - set(part.columns)))}; "
                f"extra {listing(sorted(set(part.columns) - first))}."
            )
    parts[:] = [part.select(parts[0].columns) for part in parts]
