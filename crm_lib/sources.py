"""Sources: files, a package's data or a DuckDB table → raw rows, values untouched.

CSV and Excel are read as text; Parquet and DuckDB keep their types. Each row carries
`source_file` and `row_id`, so that a rejected row can be found where it came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from ibis.backends.duckdb import Backend

from crm_lib import conditions, textfiles
from crm_lib.dataset import Source, TableConfig
from crm_lib.encodings import checked_encoding
from crm_lib.errors import SourceError, listing, unknown
from crm_lib.parts import PART_BITS, Part, label_of_query, parts
from crm_lib.sourcefiles import File, files

T = TypeVar("T")

Notes = dict[str, dict[str, str]]
"""What was noticed of files, by `source_file` of their rows: under "encoding" those read in another
encoding than the first of their source, under "names" those with columns that it calls `renamed`."""


def noticed(part: Part, config: TableConfig) -> dict[str, str]:
    """What is noticed of the files behind a part, by subject (see `Notes`); mostly nothing."""
    found: dict[str, str] = {}
    for source in config.every_source:
        if len(source.encodings) < 2 and not source.renamed:
            continue
        for file in files(source) if config.sources else part.files:
            for about, text in _noticed(file, source).items():
                found.setdefault(about, text if config.source else f"{file.label}, {text}")
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


def read(
    config: TableConfig,
    backend: Backend,
    scratch: Path,
    obtain: str = "",
) -> ir.Table:
    """Raw rows of one table: the raw columns plus `source_file` and `row_id`.

    `scratch` is a folder for intermediate files, needed as long as the rows are.
    Raises SourceError for what cannot be read.
    """
    rows = Reader(config, backend, scratch, obtain).rows()
    if not backend.raw_sql(f"SELECT 1 FROM ({rows.compile()}) LIMIT 1").fetchone():
        labels = [file.label for source in config.every_source for file in files(source, obtain)]
        raise SourceError(f"{listing(labels)}: there are columns but no rows.")
    return rows


def in_files(config: TableConfig) -> bool:
    """Is the table made of the rows of files, each a part of it?"""
    return bool(config.source) and not config.every_source[0].duckdb


def shared_types(config: TableConfig, every: Sequence[Part], backend: Backend) -> str:
    """What a part's rows take from the other parts of its table, as text: the types of their columns.

    Text files have none. Where Parquet files are read under other names, any change of any counts.
    """
    if not in_files(config) or every[0].files[0].kind != "parquet":
        return ""
    if config.every_source[0].renamed:
        return repr([sorted(part.contents.items()) for part in every])
    return repr(types({part: part.files[0] for part in every}, backend))


class Reader:
    """The raw rows of parts of one table, all together or part by part, with the same columns and types.

    every: all parts of the table; chosen: those to read. remembered: the columns of parts, by label, that
    were read before and need not be converted again to be compared.
    """

    def __init__(
        self,
        config: TableConfig,
        backend: Backend,
        scratch: Path,
        obtain: str = "",
        *,
        every: Sequence[Part] | None = None,
        chosen: Sequence[Part] | None = None,
        remembered: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.config, self.backend, self.scratch, self.obtain = config, backend, scratch, obtain
        self._every = list(parts(config, obtain) if every is None else every)
        self.parts = list(self._every if chosen is None else chosen)
        self._files: dict[Part, File] = {}
        self._types: dict[str, str] = {}
        if in_files(config):
            self._prepare(remembered or {})

    @property
    def columns(self) -> list[str]:
        """The raw columns that every part has; empty where the table is not made part by part."""
        return list(self._types)

    def rows(self) -> ir.Table:
        """The raw rows of all parts that were chosen."""
        if in_files(self.config):
            return _refusing(lambda: self.backend.sql(self.query()), self.parts)
        if self.config.source:
            return _read_duckdb(self.parts[0].files[0], str(self.config.source.table), self.backend)
        return self._queried()

    def query(self, part: Part | None = None) -> str:
        """The same as SQL of DuckDB, of all or of one part."""
        if not in_files(self.config):
            return str(self.rows().compile())
        named = {conditions.quoted(name): type_ for name, type_ in self._types.items()}
        columns = ", ".join(f"CAST({name} AS {type_}) AS {name}" for name, type_ in named.items())
        return _parquet_query(
            {p: self._files[p] for p in ([part] if part else self.parts)}, columns
        )

    def _prepare(self, remembered: Mapping[str, Sequence[str]]) -> None:
        """Convert what is not Parquet, and see that all parts have the same columns."""
        source = self.config.every_source[0]
        if len({part.files[0].kind for part in self._every}) > 1:
            raise SourceError(
                f"One source mixes kinds of files: {listing(p.label for p in self._every)}."
            )
        self.scratch.mkdir(parents=True, exist_ok=True)
        columns: dict[str, Sequence[str]] = {}
        for part in self._every:
            if (
                part not in self.parts
                and part.label in remembered
                and part.files[0].kind != "parquet"
            ):
                columns[part.label] = remembered[part.label]
                continue
            self._files[part] = _as_parquet(part.files[0], source, self.backend, self.scratch)
            columns[part.label] = _parquet_columns(self._files[part])
        _check_targets(columns, source.renamed)
        _check_same_columns(columns, source.renamed)
        self._types = types(self._files, self.backend)

    def _queried(self) -> ir.Table:
        tables = []
        for name, source in self.config.sources.items():
            view = ibis.util.gen_name(name)
            alone = TableConfig(source=source, columns={})
            raw = read(alone, self.backend, self.scratch, self.obtain)
            self.backend.create_view(view, raw.drop("source_file", "row_id"))
            tables.append(f'"{name}" AS (SELECT * FROM "{view}")')
        query = (self.config.query or "").strip().rstrip(";")
        label = label_of_query(self.config)
        try:
            # Sorted by every column: the rows of a join have no order of their own.
            rows = self.backend.sql(
                f"WITH {', '.join(tables)} SELECT * FROM ({query}\n) ORDER BY ALL"
            )
        except duckdb.Error as error:
            raise SourceError(f"The {label} fails: {first_line(error)}") from None
        return rows.mutate(source_file=ibis.literal(label), row_id=ibis.row_number() + 1)


def first_line(error: Exception) -> str:
    """What the engine complains of, without the excerpt of its SQL."""
    return str(error).split("\n\nLINE")[0].split("\n")[0].strip()


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


def _check_targets(columns: Mapping[str, Sequence[str]], renamed: Mapping[str, str]) -> None:
    """Raise SourceError for a present name in `renamed` that no file has, by itself or renamed."""
    known = {name for names in columns.values() for name in names}
    for other, name in renamed.items():
        if textfiles.unreserved(name) not in known:
            text = unknown("raw column", name, sorted(known))
            raise SourceError(f"`renamed:` reads '{other}' as '{name}'. {text}")


def _check_same_columns(columns: Mapping[str, Sequence[str]], renamed: Mapping[str, str]) -> None:
    first = next(iter(columns))
    for label, names in columns.items():
        missing = sorted(set(columns[first]) - set(names))
        extra = sorted(set(names) - set(columns[first]))
        if missing or extra:
            hint = _renaming_hint(missing, extra, renamed)
            raise SourceError(
                f"'{label}' has other columns than '{first}': "
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


def types(found: Mapping[Part, File], backend: Backend) -> dict[str, str]:
    """The DuckDB type of each column that holds what every file has in it."""
    paths = ", ".join(textfiles.path_literal(file.path) for file in found.values())
    described = f"DESCRIBE SELECT * FROM read_parquet([{paths}], union_by_name = true)"
    rows = _refusing(lambda: backend.raw_sql(described).fetchall(), list(found))
    return {str(row[0]): str(row[1]) for row in rows}


def _parquet_query(found: Mapping[Part, File], columns: str) -> str:
    """All files in one scan, so that many parts read as fast as one."""
    paths = ", ".join(textfiles.path_literal(file.path) for file in found.values())
    labels = [textfiles.quoted(part.label) for part in found]
    number = _of_its_file([f"{part.number}::BIGINT" for part in found])
    # An enumeration is written as it is; of a text it would be found out for each row anew that it is the same.
    return (
        f"SELECT {columns}, CAST({_of_its_file(labels)} AS ENUM ({', '.join(labels)})) AS source_file, "
        f"({number} << {PART_BITS}) + file_row_number + 1 AS row_id "
        f"FROM read_parquet([{paths}], union_by_name = true)"
    )


def _of_its_file(values: Sequence[str]) -> str:
    """As SQL, one of these values: that of the file a row is from."""
    return values[0] if len(values) == 1 else f"([{', '.join(values)}])[file_index::BIGINT + 1]"


def _refusing(read: Callable[[], T], found: Sequence[Part]) -> T:
    """What `read` returns; what DuckDB finds wrong with the parts as a SourceError."""
    try:
        return read()
    except duckdb.Error as error:
        raise SourceError(
            f"Cannot read {listing(part.label for part in found)}: {first_line(error)}"
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
