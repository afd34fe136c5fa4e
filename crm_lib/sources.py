"""Sources: files, a package's data or a DuckDB table → raw rows, values untouched.

CSV and Excel are read as text; Parquet and DuckDB keep their types. Each row carries
`source_file` and `row_id`, so that a rejected row can be found where it came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from ibis.backends.duckdb import Backend

from crm_lib import textfiles
from crm_lib.dataset import Source, TableConfig
from crm_lib.encodings import checked_encoding
from crm_lib.errors import SourceError, listing, unknown
from crm_lib.sourcefiles import File, files

FILE_BITS = 40
"""`row_id` = (number of the file << 40) + number of the row in it, from 1."""
ROW_NUMBER = (1 << FILE_BITS) - 1
"""The bits of a `row_id` that hold the number of the row in its file."""


def fingerprints(config: TableConfig, obtain: str = "") -> dict[str, str]:
    """Content hash of every file behind a table, by label: changes when any byte does."""
    found = dict.fromkeys(file for source in config.every_source for file in files(source, obtain))
    hashes: dict[str, str] = {}
    for file in found:
        with file.path.open("rb") as handle:
            digest = hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16))
        # Two sources may hold files of one name; neither hash may hide the other.
        hashes[file.label] = hashes.get(file.label, "") + digest.hexdigest()
    return hashes


Notes = dict[str, dict[str, str]]
"""What was noticed of files, by `source_file` of their rows: under "encoding" those read in another
encoding than the first of their source, under "names" those with columns that it calls `renamed`."""


def notes(config: TableConfig, obtain: str = "") -> Notes:
    """What is noticed of the files behind a table; nothing where its sources allow for nothing.

    The rows of a query do not tell which file they are from: all of them are noted, with its name.
    """
    found: Notes = {"encoding": {}, "names": {}}
    for source in config.every_source:
        if len(source.encodings) < 2 and not source.renamed:
            continue
        for file in files(source, obtain):
            for about, text in _noticed(file, source).items():
                if config.source:
                    found[about][file.label] = text
                else:
                    found[about].setdefault(_query_label(config), f"{file.label}, {text}")
    return found


def _noticed(file: File, source: Source) -> dict[str, str]:
    found = {}
    if file.kind == "csv":
        encoding = checked_encoding(file.path, file.label, source.encodings)
        delimiter = source.delimiter or textfiles.default_delimiter(file.path)
        columns = textfiles.checked_header(file.path, file.label, encoding, delimiter)
        if source.encodings and encoding != source.encodings[0]:
            found["encoding"] = encoding
    elif file.kind == "excel":
        columns = textfiles.read_excel(file.path, file.label, source.sheet).column_names
    else:
        columns = _parquet_columns(file)
    if other := [name for name in columns if name in source.renamed]:
        found["names"] = ", ".join(f"{name} for {source.renamed[name]}" for name in other)
    return found


def _query_label(config: TableConfig) -> str:
    return "query over " + ", ".join(config.sources)


def read(config: TableConfig, backend: Backend, scratch: Path, obtain: str = "") -> ir.Table:
    """Raw rows of one table: the raw columns plus `source_file` and `row_id`.

    `scratch` is a folder for intermediate files, needed as long as the rows are.
    Raises SourceError for what cannot be read.
    """
    if config.source:
        return _read_source(config.source, backend, scratch, obtain)
    parts = []
    for name, source in config.sources.items():
        view = ibis.util.gen_name(name)
        raw = _read_source(source, backend, scratch, obtain)
        backend.create_view(view, raw.drop("source_file", "row_id"))
        parts.append(f'"{name}" AS (SELECT * FROM "{view}")')
    query = (config.query or "").strip().rstrip(";")
    label = _query_label(config)
    try:
        # Sorted by every column: the rows of a join have no order of their own.
        rows = backend.sql(f"WITH {', '.join(parts)} SELECT * FROM ({query}\n) ORDER BY ALL")
    except duckdb.Error as error:
        raise SourceError(f"The {label} fails: {first_line(error)}") from None
    return rows.mutate(source_file=ibis.literal(label), row_id=ibis.row_number() + 1)


def first_line(error: Exception) -> str:
    """What the engine complains of, without the excerpt of its SQL."""
    return str(error).split("\n\nLINE")[0].split("\n")[0].strip()


def _read_source(source: Source, backend: Backend, scratch: Path, obtain: str) -> ir.Table:
    found = files(source, obtain)
    if len({file.kind for file in found}) > 1:
        raise SourceError(f"One source mixes kinds of files: {listing(f.label for f in found)}.")
    if found[0].kind == "duckdb":
        rows = _read_duckdb(found[0], str(source.table), backend)
    else:
        scratch.mkdir(parents=True, exist_ok=True)
        parquet = [_as_parquet(file, source, backend, scratch) for file in found]
        _check_targets(parquet, source.renamed)
        _check_same_columns(parquet, source.renamed)
        rows = _read_parquet(parquet, backend)
    if not backend.raw_sql(f"SELECT 1 FROM ({rows.compile()}) LIMIT 1").fetchone():
        raise SourceError(f"{listing(f.label for f in found)}: there are columns but no rows.")
    return rows


def _as_parquet(file: File, source: Source, backend: Backend, scratch: Path) -> File:
    """The file as Parquet: a CSV or Excel file converted once, with every cell as text.

    One pass over a CSV finds all its faults, before anything is built on it.
    """
    renaming = ""
    if file.kind == "parquet":
        columns = _parquet_columns(file)
        names = textfiles.present_names(columns, file.label, source.renamed)
        renaming = textfiles.renaming(columns, names)
        if not renaming:
            return file
    stat = file.path.stat()
    told = f"{file.path}|{stat.st_size}|{stat.st_mtime_ns}|{source.model_dump_json()}"
    path = scratch / f"{hashlib.blake2b(told.encode(), digest_size=8).hexdigest()}.parquet"
    if path.exists():
        return replace(file, path=path)
    partial = path.with_suffix(".partial")
    if file.kind == "csv":
        textfiles.convert_csv(file.path, file.label, source, backend, partial)
    elif file.kind == "excel":
        rows = textfiles.read_excel(file.path, file.label, source.sheet, source.renamed)
        pq.write_table(rows, partial)
    else:
        query = f"SELECT *{renaming} FROM read_parquet({textfiles.path_literal(file.path)})"
        backend.raw_sql(f"COPY ({query}) TO {textfiles.quoted(str(partial))} (FORMAT parquet)")
    partial.rename(path)
    return replace(file, path=path)


def _parquet_columns(file: File) -> list[str]:
    try:
        names: list[str] = pq.read_schema(file.path).names
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"'{file.label}' is not a Parquet file: {first_line(error)}") from None
    return names


def _check_targets(found: list[File], renamed: Mapping[str, str]) -> None:
    """Raise SourceError for a present name in `renamed` that no file has, by itself or renamed."""
    columns = {name for file in found for name in _parquet_columns(file)}
    for other, name in renamed.items():
        if textfiles.unreserved(name) not in columns:
            text = unknown("raw column", name, sorted(columns))
            raise SourceError(f"`renamed:` reads '{other}' as '{name}'. {text}")


def _check_same_columns(found: list[File], renamed: Mapping[str, str]) -> None:
    first = _parquet_columns(found[0])
    for file in found[1:]:
        names = _parquet_columns(file)
        missing, extra = sorted(set(first) - set(names)), sorted(set(names) - set(first))
        if missing or extra:
            hint = _renaming_hint(missing, extra, renamed)
            raise SourceError(
                f"'{file.label}' has other columns than '{found[0].label}': "
                f"missing {listing(missing)}; extra {listing(extra)}.{hint}"
            )


def _renaming_hint(missing: list[str], extra: list[str], renamed: Mapping[str, str]) -> str:
    """What to write where the columns may be one under two names: one is missing and one is extra."""
    if len(missing) != 1 or len(extra) != 1:
        return ""
    if other := [old for old, new in renamed.items() if textfiles.unreserved(new) == extra[0]]:
        return f" `renamed:` reads '{other[0]}' as '{extra[0]}'; is '{missing[0]}' meant?"
    entry = yaml.safe_dump({extra[0]: missing[0]}, default_flow_style=True, allow_unicode=True)
    return (
        f" If they are one column under two names, write `renamed: {entry.strip()}` in its source."
    )


def _read_parquet(found: list[File], backend: Backend) -> ir.Table:
    """All files in one scan, so that many partitions read as fast as one."""
    paths = ", ".join(textfiles.path_literal(file.path) for file in found)
    labels = ", ".join(textfiles.quoted(file.label) for file in found)
    query = (
        f"SELECT *, ([{labels}])[file_index::BIGINT + 1] AS source_file, "
        f"(file_index::BIGINT << {FILE_BITS}) + file_row_number + 1 AS row_id "
        f"FROM read_parquet([{paths}], union_by_name = true)"
    )
    try:
        return backend.sql(query)
    except duckdb.Error as error:
        raise SourceError(
            f"Cannot read {listing(f.label for f in found)}: {first_line(error)}"
        ) from None


def _read_duckdb(file: File, table: str, backend: Backend) -> ir.Table:
    alias = "source_" + hashlib.blake2b(str(file.path).encode(), digest_size=4).hexdigest()
    try:
        backend.raw_sql(
            f"ATTACH IF NOT EXISTS {textfiles.quoted(str(file.path))} AS {alias} (READ_ONLY)"
        )
    except duckdb.Error as error:
        raise SourceError(
            f"Cannot open '{file.label}' as a DuckDB file: {first_line(error)}"
        ) from None
    known = backend.list_tables(database=(alias, "main"))
    if table not in known:
        raise SourceError(f"In '{file.label}': " + unknown("table", table, known))
    from_ = f'{alias}.main."{table}"'
    columns = [str(row[0]) for row in backend.raw_sql(f"DESCRIBE {from_}").fetchall()]
    every = "*" + textfiles.renaming(columns, [textfiles.unreserved(name) for name in columns])
    try:
        query = f"SELECT {every}, rowid + 1 AS row_id FROM {from_}"
        rows = backend.sql(query)
    except duckdb.BinderException:  # a view's rows have no numbers, so they get an order
        rows = backend.sql(f"SELECT {every} FROM {from_} ORDER BY ALL")
        rows = rows.mutate(row_id=ibis.row_number() + 1)
    return rows.mutate(source_file=ibis.literal(file.label))
