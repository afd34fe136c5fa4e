"""CSV and Excel as text: encodings, delimiters, headers, and errors that name the line."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import re
from collections import Counter
from datetime import date, datetime, time
from pathlib import Path
from typing import IO

import duckdb
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from crm_lib.dataset import Source
from crm_lib.errors import SourceError, listing, unknown

_CHUNK = 1 << 22


def opened(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked when it is gzip."""
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


def default_delimiter(path: Path) -> str:
    """Tab for `.tsv` (packed or not), comma otherwise."""
    return "\t" if ".tsv" in [suffix.lower() for suffix in path.suffixes] else ","


def read_csv(
    path: Path, label: str, source: Source, backend: Backend, scratch: Path
) -> ir.Table:
    """The rows of a CSV file, every cell text, an empty cell null.

    Raises SourceError for bytes outside the encoding, a header that repeats a name, another
    delimiter than declared, a row with too many or too few fields, or no rows at all.
    """
    encoding = _checked_encoding(path, label, source.encoding)
    delimiter = source.delimiter or default_delimiter(path)
    header = _checked_header(path, label, encoding, delimiter)
    readable = path if _is_utf8(encoding) else _as_utf8(path, label, encoding, scratch)
    literal = str(readable).replace("'", "''")
    query = (
        f"SELECT * FROM read_csv('{literal}', auto_detect = false, all_varchar = true, "
        f"header = true, delim = '{delimiter}', quote = '\"', escape = '\"', nullstr = '', "
        f"columns = {{{', '.join(_as_column(name) for name in header)}}})"
    )
    try:
        rows = backend.sql(query)
        empty = backend.raw_sql(f"SELECT count(*) = 0 FROM (SELECT 1 FROM ({query}) LIMIT 1)")
        if empty.fetchone()[0]:
            raise SourceError(f"'{label}' has a header but no rows.")
    except duckdb.Error as error:
        raise SourceError(f"Cannot read '{label}': {_explained(error, header)}") from None
    return rows


def _as_column(name: str) -> str:
    return "'" + name.replace("'", "''") + "': 'VARCHAR'"


def _explained(error: duckdb.Error, header: list[str]) -> str:
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    found = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if line and found:
        return (
            f"line {line[1]} has {found[2]} fields where the header names {len(header)}. "
            "Put quotes around a field that holds the delimiter, or correct the line."
        )
    where = f"line {line[1]}: " if line else ""
    return where + text.splitlines()[1 if line and "\n" in text else 0]


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


def _checked_encoding(path: Path, label: str, declared: str | None) -> str:
    """The encoding to read with: the declared one, else UTF-8 if the bytes are UTF-8."""
    if declared:
        try:
            codecs.lookup(declared)
        except LookupError:
            common = ["utf-8", "latin-1", "cp1252", "gb18030", "utf-16", "big5", "shift_jis"]
            raise SourceError(unknown("encoding", declared, common)) from None
    encoding = declared or "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with opened(path) as handle:
            while chunk := handle.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        guess = likely_encoding(path) if isinstance(error, UnicodeDecodeError) else None
        hint = f" It looks like {guess}: write `encoding: {guess}` in its source." if guess else ""
        raise SourceError(f"'{label}' cannot be read as {encoding}: {error}.{hint}") from None
    return encoding


def likely_encoding(path: Path) -> str | None:
    """The likeliest encoding of a file's first megabyte, as Python names it; a proposal only."""
    from charset_normalizer import from_bytes

    with opened(path) as handle:
        best = from_bytes(handle.read(1 << 20)).best()
    return best.encoding if best else None


def _as_utf8(path: Path, label: str, encoding: str, scratch: Path) -> Path:
    """A UTF-8 copy of the file, which the engine reads without an extension."""
    name = hashlib.blake2b(str(path).encode(), digest_size=8).hexdigest()
    copy = scratch / f"{name}.csv"
    copy.parent.mkdir(parents=True, exist_ok=True)
    with opened(path) as raw, copy.open("w", encoding="utf-8", newline="") as out:
        text = io.TextIOWrapper(raw, encoding=encoding, newline="")
        while chunk := text.read(_CHUNK):
            out.write(chunk)
    return copy


def read_header(path: Path, encoding: str, delimiter: str) -> list[str]:
    """The names in the first line, without a byte-order mark."""
    with opened(path) as raw:
        text = io.TextIOWrapper(raw, encoding=encoding, newline="")
        row = next(csv.reader(text, delimiter=delimiter), [])
    return [name.lstrip("\ufeff").strip() for name in row]


def _checked_header(path: Path, label: str, encoding: str, delimiter: str) -> list[str]:
    header = read_header(path, encoding, delimiter)
    if len(header) == 1 and (other := re.search(r"[;\t|,]", header[0])):
        shown = {"\t": "tab"}.get(other[0], other[0])
        raise SourceError(
            f"'{label}' has one column, '{header[0][:60]}', when split at '{delimiter}'. "
            f"It seems to be split at '{shown}': write `delimiter: \"{shown.replace('tab', chr(92) + 't')}\"` in its source."
        )
    return checked_names(header, label)


def checked_names(header: list[str], label: str) -> list[str]:
    """The header, if every column has a name of its own; SourceError otherwise."""
    if blank := [str(i) for i, name in enumerate(header, 1) if not name]:
        raise SourceError(f"'{label}': column {listing(blank)} has no name in the header.")
    counts = Counter(name.lower() for name in header)
    if twice := [name for name, count in counts.items() if count > 1]:
        places = [str(i) for i, name in enumerate(header, 1) if name.lower() == twice[0]]
        raise SourceError(
            f"'{label}' names {len(twice)} column(s) more than once, for example '{twice[0]}' "
            f"(columns {listing(places)}). Give each its own name."
        )
    return header


def read_excel(path: Path, label: str, sheet: str | None) -> pa.Table:
    """One sheet as text columns: whole numbers without '.0', days and times in ISO form.

    Raises SourceError for an unknown sheet, several sheets with none chosen, or an empty one.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
    except CalamineError as error:
        raise SourceError(f"Cannot read '{label}' as Excel: {error}") from None
    names = book.sheet_names
    if sheet is None and len(names) > 1:
        raise SourceError(f"'{label}' has {len(names)} sheets; write `sheet:` one of {listing(names)}.")
    if sheet is not None and sheet not in names:
        raise SourceError(f"In '{label}': " + unknown("sheet", sheet, names))
    rows = book.get_sheet_by_name(sheet or names[0]).to_python(skip_empty_area=True)
    if len(rows) < 2:
        raise SourceError(f"The sheet '{sheet or names[0]}' of '{label}' has no rows below a header.")
    header = checked_names([str(name).strip() for name in rows[0]], label)
    cells = zip(*([_as_text(value) for value in row] for row in rows[1:]), strict=True)
    return pa.table({n: pa.array(c, pa.string()) for n, c in zip(header, cells, strict=True)})


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
    return str(value).strip()
