"""Tables of databases, fetched into the cache before they are read: all of a data set in one snapshot.

`data/.cache/<set>/fetched/` holds a Parquet file for each part (a month, say), named by its content, so
that a part which did not change is not transferred again, and for each fetch a list of its parts.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlglot
from filelock import FileLock
from sqlglot import expressions as sql

from crm_lib import conditions, project, textfiles
from crm_lib.dataset import Dataset, TableConfig
from crm_lib.postgres import Snapshot
from crm_lib.source import Fetched, Source

PIN = "CRM_FETCHED"
"""Environment variable: the list of parts that this process and those it starts are to read."""
_KEPT = 2
"""Lists of the last so many fetches stay, with their parts."""

Parts = dict[str, list[tuple[str, str, int]]]
"""By source (as JSON): label, content and number of its parts, in order."""


def fetched(dataset: Dataset) -> Dataset:
    """`dataset` with its database sources as files in the cache, as they are on their servers now, or as
    they were when `pinned` began. Without such sources it is the data set itself.

    What changed since the last time is transferred. Raises SourceError where a server, table or column
    cannot be read; the cache then holds what it held, and parts that came whole.
    """
    if not (sources := _sources(dataset)):
        return dataset
    pin = os.environ.get(PIN, "")
    listed: Parts = {}
    if pin and Path(pin).parent == _folder(dataset) and Path(pin).is_file():
        listed = _read(Path(pin))
        os.utime(pin)  # it is in use, and must outlast the lists of other fetches
    if not {_key(source) for source in sources} <= set(listed):
        listed = _read(_fetch(dataset, sources))
    return _with_files(dataset, listed)


@contextmanager
def pinned(dataset: Dataset) -> Iterator[None]:
    """Fetch once: until the end, this process and those it starts read that state, whatever happens on
    the server, so that all reports of a run speak of the same rows."""
    if not (sources := _sources(dataset)):
        yield
        return
    before = os.environ.get(PIN)
    os.environ[PIN] = str(_fetch(dataset, sources))
    try:
        yield
    finally:
        os.environ.pop(PIN)
        if before is not None:
            os.environ[PIN] = before


def _sources(dataset: Dataset) -> list[Source]:
    """The database sources of a data set, each once: two tables may be made of one."""
    found = [s for table in dataset.tables.values() for s in table.every_source if s.postgres]
    return list({_key(source): source for source in found}.values())


def _key(source: Source) -> str:
    return source.model_dump_json(exclude_defaults=True)


def _folder(dataset: Dataset) -> Path:
    return project.cache_folder().resolve() / dataset.name / "fetched"


def _fetch(dataset: Dataset, sources: Sequence[Source]) -> Path:
    """Transfer the parts that are not there yet; give the list of all. Other processes wait their turn."""
    folder = _folder(dataset)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"), ExitStack() as opened:
        variables = dict.fromkeys(str(source.postgres) for source in sources)
        # All are open before anything is read, so that they lie as close in time as they can.
        servers = {name: opened.enter_context(Snapshot(name)) for name in variables}
        found: Parts = {}
        for source in sources:
            server, table = servers[str(source.postgres)], str(source.table)
            needed = _needed(dataset, source, server.columns(table))
            parts = server.parts(table, needed, source.period)
            for part in parts:
                if not (path := folder / f"{part.content}.parquet").exists():
                    server.write(part, path)
            found[_key(source)] = [
                (part.label, part.content, part.number) for part in parts if part.rows
            ]
        return _listed(folder, found)


def _listed(folder: Path, found: Parts) -> Path:
    """Write the list of the parts `found`; lists and parts of earlier fetches go, but for the last."""
    text = json.dumps(found, indent=1, sort_keys=True)
    path = folder / f"{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}.json"
    path.with_suffix(".partial").write_text(text, encoding="utf-8")
    path.with_suffix(".partial").replace(path)
    lists = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    recent = [part for file in lists[:_KEPT] for parts in _read(file).values() for part in parts]
    kept = {content for _, content, _ in recent}
    for file in [*lists[_KEPT:], *folder.glob("*.parquet")]:
        if file in lists or file.stem not in kept:
            file.unlink(missing_ok=True)
    return path


def _read(path: Path) -> Parts:
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {key: [(label, name, at) for label, name, at in parts] for key, parts in content.items()}


def _with_files(dataset: Dataset, listed: Parts) -> Dataset:
    folder = _folder(dataset)

    def filled(source: Source | None) -> Source | None:
        if source is None or not source.postgres:
            return source
        parts = [
            Fetched(label, content, number, folder / f"{content}.parquet")
            for label, content, number in listed[_key(source)]
        ]
        return source.with_parts(parts)

    tables = {
        name: table.model_copy(
            update={
                "source": filled(table.source),
                "sources": {key: filled(source) for key, source in table.sources.items()},
            }
        )
        for name, table in dataset.tables.items()
    }
    return dataset.model_copy(update={"tables": tables})


def _needed(dataset: Dataset, source: Source, known: list[str]) -> list[str]:
    """The columns of a database source that any table of the data set is made of.

    Raises SourceError for a mapping that names a column which is not there.
    """
    names: set[str] = set()
    for name, config in dataset.tables.items():
        if config.query and any(_key(source) == _key(one) for one in config.every_source):
            names |= _in_query(config.query, known)
        elif config.source and _key(config.source) == _key(source):
            names |= _in_mappings(name, config, known)
    return [column for column in known if column in names]


def _in_mappings(table: str, config: TableConfig, columns: list[str]) -> set[str]:
    known = [textfiles.unreserved(name) for name in columns]
    names: set[str] = set()
    for column, mapping in config.mappings.items():
        what = f"mapping of '{table}.{column}'"
        read = conditions.columns_of(conditions.over_raw(mapping.from_, known, what))
        names |= {name for name, raw in zip(columns, known, strict=True) if _folded(raw, read)}
    return names


def _folded(name: str, read: list[str]) -> bool:
    """SQL compares names in any case of letters."""
    return name.lower() in {other.lower() for other in read}


def _in_query(query: str, known: list[str]) -> set[str]:
    """The columns whose names occur in a query at all; every one where it takes all of some table."""
    try:
        parsed = sqlglot.parse_one(query, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        return set(known)
    if any(not isinstance(star.parent, sql.Count) for star in parsed.find_all(sql.Star)):
        return set(known)
    said = [identifier.name for identifier in parsed.find_all(sql.Identifier)]
    return {name for name in known if _folded(textfiles.unreserved(name), said)}
