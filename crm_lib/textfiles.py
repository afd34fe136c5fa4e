"""CSV and Excel as text: delimiters, headers, and errors that name the line."""

from __future__ import annotations

import codecs
import csv
import glob
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path

import duckdb
import pyarrow as pa
from ibis.backends.duckdb import Backend
from python_calamine import CalamineError, CalamineWorkbook

from crm_lib import machine
from crm_lib.dataset import Source
from crm_lib.encodings import CHUNK, checked_encoding, opened
from crm_lib.errors import SourceError, listing, unknown

RESERVED = ("source_file", "row_id", "file_index", "file_row_number")
"""Names that reading needs for itself; a raw column of that name is called `raw_…`."""

_MARKS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def quoted(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def path_literal(path: Path) -> str:
    """A path as an SQL literal that means this one file, also with `[`, `*` or `?` in its name."""
    return quoted(glob.escape(str(path)))


def unreserved(name: str) -> str:
    return f"raw_{name}" if name.lower() in RESERVED else name


def present_names(columns: Sequence[str], label: str, renamed: Mapping[str, str]) -> list[str]:
    """What the raw columns of a file are called: `renamed` (other name: present name) applied.

    Raises SourceError where two columns would be called the same.
    """
    names = [unreserved(renamed.get(name, name)) for name in columns]
    places: dict[str, str] = {}
    for column, name in zip(columns, names, strict=True):
        first = places.setdefault(name.lower(), column)
        if first != column and {first, column} & set(renamed):
            raise SourceError(
                f"'{label}' has both '{first}' and '{column}', which `renamed:` would both call "
                f"'{name}'. Where they are different columns, take that entry out."
            )
    return names


def renaming(columns: Sequence[str], names: Sequence[str]) -> str:
    """The SQL after `*` that calls `columns` by `names`; empty where they are called so already."""
    other = [(c, name) for c, name in zip(columns, names, strict=True) if c != name]
    parts = ", ".join(f'"{column}" AS "{name}"' for column, name in other)
    return f" RENAME ({parts})" if other else ""


def default_delimiter(path: Path) -> str:
    """Tab for `.tsv` (packed or not), comma otherwise."""
    return "\t" if ".tsv" in [suffix.lower() for suffix in path.suffixes] else ","


def convert_csv(
    path: Path, label: str, source: Source, backend: Backend, target: Path, *, ours: bool = False
) -> None:
    """Write the rows of a CSV file to the Parquet file `target`: every cell text, empty = null.

    `ours`: the file was written by us, so that a reserved name in it means what it says.
    Raises SourceError for bytes outside the encodings, a header that repeats a name, another
    delimiter than declared, or a row with too many or too few fields.
    """
    encoding = checked_encoding(path, label, source.encodings)
    delimiter = source.delimiter or default_delimiter(path)
    header = checked_header(path, label, encoding, delimiter)
    header = header if ours else present_names(header, label, source.renamed)
    copy = None if _is_utf8(encoding) else target.with_suffix(".csv")
    if copy:
        _write_utf8(path, encoding, copy)
    query = csv_query(copy or path, header, delimiter)
    try:
        backend.raw_sql(f"COPY ({query}) TO {quoted(str(target))} (FORMAT parquet)")
    except duckdb.Error as error:
        if machine.is_full(error):
            raise
        raise SourceError(f"Cannot read '{label}': {_explained(error, header)}") from None
    finally:
        if copy:
            copy.unlink()


def csv_query(path: Path, header: list[str], delimiter: str) -> str:
    """SQL that reads a UTF-8 CSV file as text columns named as `header`."""
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in header)
    return (
        f"SELECT * FROM read_csv({path_literal(path)}, auto_detect = false, header = true, "
        f"delim = {quoted(delimiter)}, quote = '\"', escape = '\"', nullstr = '', "
        f"columns = {{{columns}}})"
    )


def _explained(error: duckdb.Error, header: list[str]) -> str:
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    found = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if line and found:
        remedy = "Put quotes around a field that holds the delimiter, or correct the line."
        if len(header) == 1:
            remedy = "Where a title stands above the names of the columns, take it out of the file."
        return (
            f"line {line[1]} has {found[2]} fields where the header names {len(header)}. {remedy}"
        )
    if line and "unterminated quote" in text:
        return (
            f"line {line[1]} has a quotation mark that is not closed, or text after a closed one. "
            'Write a quotation mark inside a field twice: "5"" pipe".'
        )
    where = f"line {line[1]}: " if line else ""
    return where + text.splitlines()[1 if line and "\n" in text else 0]


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


def _write_utf8(path: Path, encoding: str, copy: Path) -> None:
    """A UTF-8 copy of the file, which the engine reads without an extension."""
    with opened(path) as raw, copy.open("w", encoding="utf-8", newline="") as out:
        text = io.TextIOWrapper(raw, encoding=encoding, newline="")
        while chunk := text.read(CHUNK):
            out.write(chunk)


def read_header(path: Path, encoding: str, delimiter: str) -> list[str]:
    """The names in the first line, without a byte-order mark."""
    with opened(path) as raw:
        text = io.TextIOWrapper(raw, encoding=encoding, newline="")
        row = next(csv.reader(text, delimiter=delimiter), [])
    return [name.lstrip("\ufeff").strip() for name in row]


def checked_header(path: Path, label: str, encoding: str, delimiter: str) -> list[str]:
    header = read_header(path, encoding, delimiter)
    if len(header) == 1 and (other := re.search(r"[;\t|,]", header[0])):
        written = other[0].replace("\t", "\\t")
        raise SourceError(
            f"'{label}' has one column, '{header[0][:60]}', when split at "
            f"{_MARKS.get(delimiter, delimiter)}. It seems to be split at {_MARKS[other[0]]}: "
            f'write `delimiter: "{written}"` in its source.'
        )
    return checked_names(header, label)


def checked_names(header: list[str], label: str) -> list[str]:
    """The header with a name for every column: a blank one is called after its place (`column_3`).

    Raises SourceError when there is no name at all, or one twice (in any case of letters).
    """
    if not any(header):
        raise SourceError(f"'{label}' has no header: its first line names no column.")
    named = [name or f"column_{place}" for place, name in enumerate(header, 1)]
    counts = Counter(name.lower() for name in named)
    if twice := [name for name, count in counts.items() if count > 1]:
        places = [str(place) for place, name in enumerate(named, 1) if name.lower() == twice[0]]
        raise SourceError(
            f"'{label}' names {len(twice)} column(s) more than once, for example '{twice[0]}' "
            f"(columns {listing(places)}). Give each its own name."
        )
    return named


def sheet_names(path: Path, label: str) -> list[str]:
    """The sheets of a workbook, in order."""
    names: list[str] = _workbook(path, label).sheet_names
    return names


def read_excel(
    path: Path, label: str, sheet: str | None, renamed: Mapping[str, str] | None = None
) -> pa.Table:
    """One sheet as text columns: whole numbers without '.0', days and times in ISO form.

    Rows without any value are left out. Raises SourceError for an unknown sheet, several sheets
    with none chosen, or an empty one.
    """
    book = _workbook(path, label)
    names = book.sheet_names
    if sheet is None and len(names) > 1:
        raise SourceError(
            f"'{label}' has {len(names)} sheets; write `sheet:` one of {listing(names)}."
        )
    if sheet is not None and sheet not in names:
        raise SourceError(f"In '{label}': " + unknown("sheet", sheet, names))
    rows = book.get_sheet_by_name(sheet or names[0]).to_python(skip_empty_area=True)
    if not rows:
        raise SourceError(f"The sheet '{sheet or names[0]}' of '{label}' is empty.")
    named = checked_names([str(name).strip() for name in rows[0]], label)
    header = present_names(named, label, renamed or {})
    texts = [[_as_text(value) for value in row] for row in rows[1:]]
    filled = [row for row in texts if any(cell is not None for cell in row)]
    cells = zip(*filled, strict=True) if filled else [()] * len(header)
    return pa.table({n: pa.array(c, pa.string()) for n, c in zip(header, cells, strict=True)})


def _workbook(path: Path, label: str) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as error:
        raise SourceError(f"Cannot read '{label}' as Excel: {error}") from None


def _as_text(value: object) -> str | None:
    """A cell as a person reads it."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value).strip() or None
