"""Parts: the pieces that a table is delivered in. Each is read, staged, judged and remembered by itself.

A file is a part, and so is a month of a database table. What a query makes of several files is one, and
so is a table of a DuckDB file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pyarrow import parquet

from crm_lib.dataset import TableConfig
from crm_lib.sourcefiles import File, files

PART_BITS = 40
"""`row_id` = (number of the part << 40) + number of the row in it, from 1."""
_LONGEST_ROW = 500
"""Bytes of a row of text; most are far shorter."""
ROW_NUMBER = (1 << PART_BITS) - 1
"""The bits of a `row_id` that hold the number of the row in its part."""


@dataclass(frozen=True)
class Part:
    """One delivered piece of a table.

    label: what its rows bear as `source_file`. number: its place among the parts of the table, from 0
    (a month of a database table: its own number), which opens the `row_id` of its rows. contents: hash
    of each file behind it, by label. files: these files; one, but for a query.
    """

    label: str
    number: int
    contents: Mapping[str, str] = field(hash=False)
    files: tuple[File, ...]


def parts(config: TableConfig, obtain: str = "") -> list[Part]:
    """The parts of a table as they lie there now, in the order of their names.

    Raises SourceError for a file that is not there, with `obtain` as the remedy.
    """
    found = tuple(
        dict.fromkeys(file for source in config.every_source for file in files(source, obtain))
    )
    hashes = dict(zip(found, hashed(found), strict=True))
    if config.source and found[0].kind != "duckdb":
        numbered = [(at if f.number is None else f.number, f) for at, f in enumerate(found)]
        return [Part(f.label, number, {f.label: hashes[f]}, (f,)) for number, f in numbered]
    contents: dict[str, str] = {}
    for file in found:
        # Two sources may hold files of one name; neither hash may hide the other.
        contents[file.label] = contents.get(file.label, "") + hashes[file]
    return [Part(found[0].label if config.source else label_of_query(config), 0, contents, found)]


def least_rows(part: Part) -> int:
    """How many rows a part that is a file has at the least, told without reading it."""
    (file,) = part.files
    if not file.path.is_file():  # fetched from a database, staged and forgotten
        return 0
    if file.kind == "parquet":
        return int(parquet.read_metadata(file.path).num_rows)
    return file.path.stat().st_size // _LONGEST_ROW if file.kind == "csv" else 0


def label_of_query(config: TableConfig) -> str:
    """What the rows of a query bear as `source_file`: they do not tell which file they are from."""
    return "query over " + ", ".join(config.sources)


def hashed(found: Iterable[File]) -> list[str]:
    """A hash of the bytes of each file. Hashing frees the interpreter, so that threads share the work."""
    with ThreadPoolExecutor() as threads:
        return list(threads.map(_hash, found))


def _hash(file: File) -> str:
    if file.content:
        return file.content
    with file.path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def fingerprints(found: Iterable[Part]) -> dict[str, str]:
    """Content hash of every file behind the parts, by label: changes when any byte does."""
    return {label: content for part in found for label, content in part.contents.items()}
