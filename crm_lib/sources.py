"""Sources: files, a package's data or a DuckDB table → raw rows, values untouched.

CSV and Excel are read as text; Parquet and DuckDB keep their types. Each row carries
`source_file` and `row_id`, so that a rejected row can be found where it came from.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections import Counter
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from importlib.util import find_spec
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend

from crm_lib import project, textfiles
from crm_lib.dataset import Source, TableConfig
from crm_lib.errors import SourceError, listing, unknown

FILE_BITS = 40
"""`row_id` = (number of the file << 40) + number of the row in it, from 1."""

_FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet",
    ".xlsx": "excel", ".xlsm": "excel", ".xls": "excel", ".xlsb": "excel", ".ods": "excel",
}  # fmt: skip
_MOST_BESIDE = 10
"""So many files are named beside one that is not there."""


@dataclass(frozen=True)
class File:
    """A file of a source: where it lies, what a message may call it, and its kind."""

    path: Path
    label: str
    kind: str


def files(source: Source, obtain: str = "") -> list[File]:
    """The files a source names, in order; globs are sorted.

    Raises SourceError for a file or package that is not there, with `obtain` as the remedy.
    """
    if source.duckdb:
        path = project.resolve(source.duckdb)
        return [_existing(path, project.shown(path), "duckdb", obtain)]
    folder = _package_folder(source.package) if source.package else None
    found = []
    for pattern in source.files:
        for path in _matches(folder / pattern if folder else project.resolve(pattern), obtain):
            label = (
                f"{source.package}/{path.relative_to(folder)}" if folder else project.shown(path)
            )
            found.append(_existing(path, label, None, obtain))
    return _told_apart(found)


def _matches(path: Path, obtain: str) -> list[Path]:
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    # Excel leaves `~$name.xlsx` beside a workbook that is open.
    real = [match for match in matches if match.is_file() and not match.name.startswith("~$")]
    if not real:
        raise SourceError(f"No file matches '{project.shown(path)}'. {obtain}".strip())
    return real


def _told_apart(found: list[File]) -> list[File]:
    """Files of one name in different folders get their folders into the label."""
    counts = Counter(file.label for file in found)
    if len(counts) == len(found):
        return found
    common = os.path.commonpath([file.path.parent for file in found])
    return [
        replace(file, label=str(file.path.relative_to(common))) if counts[file.label] > 1 else file
        for file in found
    ]


def _package_folder(package: str) -> Path:
    """The folder of an installed package, found without importing it."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(f"The Python package '{package}' is not installed: pip install {package}")
    return Path(next(iter(spec.submodule_search_locations)))


def _existing(path: Path, label: str, kind: str | None, obtain: str) -> File:
    if path.is_dir():
        raise SourceError(f"'{label}' is a folder; name its files, for example '{label}/*.csv'.")
    if not path.is_file():
        raise SourceError(
            f"The file '{label}' is not there. {_beside(path, kind)} {obtain}".strip()
        )
    if path.stat().st_size == 0:
        raise SourceError(f"The file '{label}' is empty (0 bytes).")
    return File(path, label, kind or kind_of(path))


def _beside(path: Path, kind: str | None) -> str:
    """The files that could be meant beside one that is not there, the nearest names first."""
    try:
        names = [item.name for item in path.parent.iterdir() if _is_candidate(item, path, kind)]
    except OSError:
        return f"There is no folder '{project.shown(path.parent)}' that can be looked into."
    near = {name: SequenceMatcher(None, name.lower(), path.name.lower()).ratio() for name in names}
    alike = sorted(names, key=lambda name: (-near[name], name))
    hint = f"Did you mean '{alike[0]}'? " if alike and near[alike[0]] >= 0.6 else ""
    return f"{hint}Beside it: {listing(alike, _MOST_BESIDE)}." if alike else ""


def _is_candidate(item: Path, wanted: Path, kind: str | None) -> bool:
    """A file of a kind that can be read, not hidden and not Excel's mark of one that is open."""
    if item.name.startswith((".", "~$")) or not item.is_file():
        return False
    if kind == "duckdb":
        return item.suffix == wanted.suffix
    try:
        return bool(kind_of(item))
    except SourceError:
        return False


def kind_of(path: Path) -> str:
    """`csv`, `parquet` or `excel`, by the file's suffix. Raises SourceError for any other."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    suffix = suffixes[-2] if packed and len(suffixes) > 1 else path.suffix.lower()
    kind = _FORMATS.get(suffix)
    if kind is None or (packed and kind != "csv"):
        known = [*_FORMATS, ".csv.gz", ".tsv.gz", ".txt.gz"]
        shown = suffix + ".gz" if packed and suffix != ".gz" else suffix
        raise SourceError(
            f"'{path.name}' is of no known kind. {unknown('file kind', shown, known)}"
        )
    return kind


def fingerprints(config: TableConfig, obtain: str = "") -> dict[str, str]:
    """Content hash of every file behind a table, by label: changes when any byte does."""
    every = [config.source] if config.source else list(config.sources.values())
    found = dict.fromkeys(file for source in every for file in files(source, obtain))
    hashes: dict[str, str] = {}
    for file in found:
        with file.path.open("rb") as handle:
            digest = hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16))
        # Two sources may hold files of one name; neither hash may hide the other.
        hashes[file.label] = hashes.get(file.label, "") + digest.hexdigest()
    return hashes


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
    label = "query over " + ", ".join(config.sources)
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
        _check_same_columns(parquet)
        rows = _read_parquet(parquet, backend)
    if not backend.raw_sql(f"SELECT 1 FROM ({rows.compile()}) LIMIT 1").fetchone():
        raise SourceError(f"{listing(f.label for f in found)}: there are columns but no rows.")
    return rows


def _as_parquet(file: File, source: Source, backend: Backend, scratch: Path) -> File:
    """The file as Parquet: a CSV or Excel file converted once, with every cell as text.

    One pass over a CSV finds all its faults, before anything is built on it.
    """
    renaming = textfiles.renaming(_parquet_columns(file)) if file.kind == "parquet" else ""
    if file.kind == "parquet" and not renaming:
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
        pq.write_table(textfiles.read_excel(file.path, file.label, source.sheet), partial)
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


def _check_same_columns(found: list[File]) -> None:
    first = _parquet_columns(found[0])
    for file in found[1:]:
        names = _parquet_columns(file)
        if set(names) != set(first):
            raise SourceError(
                f"'{file.label}' has other columns than '{found[0].label}': "
                f"missing {listing(sorted(set(first) - set(names)))}; "
                f"extra {listing(sorted(set(names) - set(first)))}."
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
    every = "*" + textfiles.renaming(columns)
    try:
        query = f"SELECT {every}, rowid + 1 AS row_id FROM {from_}"
        rows = backend.sql(query)
    except duckdb.BinderException:  # a view's rows have no numbers, so they get an order
        rows = backend.sql(f"SELECT {every} FROM {from_} ORDER BY ALL")
        rows = rows.mutate(row_id=ibis.row_number() + 1)
    return rows.mutate(source_file=ibis.literal(file.label))
