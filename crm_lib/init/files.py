"""The user's files, opened without being told how: encoding, delimiter, sheets, files of one shape."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from crm_lib import encodings, project, sourcefiles, sources, textfiles
from crm_lib.dataset import Source, TableConfig
from crm_lib.errors import SourceError, UsageError, listing
from crm_lib.init import evidence
from crm_lib.init.evidence import Column


@dataclass(frozen=True)
class RawTable:
    """Rows of one shape: one file, several with the same columns, or a sheet of a workbook."""

    label: str
    source: Source
    count: int
    columns: dict[str, Column]
    rows: ir.Table


def open_all(paths: Sequence[str | Path], backend: Backend, scratch: Path) -> list[RawTable]:
    """Every table in the files, those of one shape put together.

    Raises SourceError for a file that is not there or cannot be read, UsageError for none at all.
    """
    if not paths:
        raise UsageError("Name at least one file: crm init NAME FILE…")
    found: dict[tuple[object, ...], list[Source]] = {}
    for path in dict.fromkeys(Path(path).expanduser().resolve() for path in paths):
        for source in _sources(path):
            rows = _read([source], backend, scratch)
            shape = (frozenset(rows.columns), source.encoding, source.delimiter, source.sheet)
            found.setdefault(shape, []).append(source)
    return [_opened(alike, backend, scratch) for alike in found.values()]


def _opened(alike: list[Source], backend: Backend, scratch: Path) -> RawTable:
    rows = _read(alike, backend, scratch)
    files = [file for source in alike for file in source.files]
    label = listing((Path(file).name for file in files), 3)
    if sheet := alike[0].sheet:
        label += f", sheet '{sheet}'"
    source = alike[0].model_copy(update={"files": files})
    columns = evidence.look(rows)
    _check_header(label, columns)
    return RawTable(label, source, int(rows.count().execute()), columns, rows)


def _read(alike: Iterable[Source], backend: Backend, scratch: Path) -> ir.Table:
    files = [file for source in alike for file in source.files]
    source = next(iter(alike)).model_copy(update={"files": files})
    return sources.read(TableConfig(source=source, columns={}), backend, scratch)


def _sources(path: Path) -> list[Source]:
    """How to read a file: one source, or one for each sheet that holds rows."""
    written = _as_written(path)
    if not path.exists():
        sourcefiles.files(Source(files=[written]))  # raises with the nearest name
    kind = sourcefiles.kind_of(path)
    if kind == "parquet":
        return [Source(files=[written])]
    if kind == "excel":
        return [Source(files=[written], sheet=sheet) for sheet in _sheets(path)]
    encoding = encodings.proposed_encoding(path, path.name)
    delimiter = _delimiter(path, encoding or "utf-8")
    usual = delimiter == textfiles.default_delimiter(path)
    return [Source(files=[written], encoding=encoding, delimiter=None if usual else delimiter)]


def _as_written(path: Path) -> str:
    """The path as `dataset.yml` shall name it: from the project folder where it lies inside."""
    root = project.root()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _sheets(path: Path) -> list[str | None]:
    names = textfiles.sheet_names(path, path.name)
    if len(names) == 1:
        return [None]
    return [name for name in names if _has_rows(path, name)]


def _has_rows(path: Path, sheet: str) -> bool:
    try:
        return bool(textfiles.read_excel(path, path.name, sheet).num_rows)
    except SourceError:
        return False


def _delimiter(path: Path, encoding: str) -> str:
    """The mark that splits the first lines into the most fields, the same number in each."""
    try:
        with encodings.opened(path) as raw:
            text = io.TextIOWrapper(raw, encoding=encoding, newline="")
            start = "".join(line for _, line in zip(range(200), text, strict=False))
    except UnicodeError as error:
        raise SourceError(
            f"'{path.name}' looks like {encoding} but cannot be read so: {error}. "
            "Save it as UTF-8, or name its encoding in a `dataset.yml` of your own."
        ) from None
    best, most = textfiles.default_delimiter(path), 1
    for mark in ",;\t|":
        widths = [len(row) for row in csv.reader(io.StringIO(start), delimiter=mark) if row]
        agreeing = sum(width == widths[0] for width in widths) if widths else 0
        if widths and widths[0] > most and agreeing >= 0.9 * len(widths):
            best, most = mark, widths[0]
    return best


def _check_header(label: str, columns: dict[str, Column]) -> None:
    """A first line of numbers and dates is a row, not a header; one that names few columns is a title."""
    values = [name for name in columns if re.fullmatch(r"[\d\s.,:/+-]+", name)]
    if len(values) > len(columns) / 2:
        raise SourceError(
            f"'{label}' seems to have no header: its first line is {listing(columns, 6)}. "
            "Put a line with the names of the columns first."
        )
    filled = [name for name, column in columns.items() if column.filled]
    named = [name for name in filled if not re.fullmatch(r"column_\d+", name)]
    if 0 < len(named) <= len(filled) / 2:
        raise SourceError(
            f"'{label}': the first line names {len(named)} of {len(filled)} columns, {listing(named, 3)}. "
            "Where a title stands above the names of the columns, take it out of the file."
        )
