"""The blocks `source:` of `dataset.yml`: where raw rows lie, checked when the file is read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PrivateAttr, model_validator

STRICT = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
"""Every block of `dataset.yml`: an unknown key is an error, never ignored. The text under a key says what
it means; `docs/reference.md` is made of these texts."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(_as_list)]


def _as_character(value: Any) -> Any:
    mark = {"tab": "\t", "\\t": "\t"}.get(value, value)
    if isinstance(mark, str) and len(mark) != 1:
        raise ValueError(f'\'{value}\' is not one character; write for example ";" or "\\t"')
    return mark


@dataclass(frozen=True)
class Fetched:
    """A part of a database table in the cache: what its rows bear as `source_file`, the hash of its
    content, its number among the parts of the table, and where its rows lie."""

    label: str
    content: str
    number: int
    path: Path


class Source(BaseModel):
    """Where raw rows lie: files (one, several, a glob), a package's data file, a table of DuckDB or
    PostgreSQL."""

    model_config = STRICT

    files: Texts = []
    """files or globs from the project folder: CSV, Excel, Parquet, gzip; `${NAME:-default}` is read
    from the environment"""
    package: str | None = None
    """the Python package whose data files `files` names"""
    duckdb: str | None = None
    """a DuckDB file, instead of `files`"""
    postgres: str | None = None
    """the environment variable that holds the connection to a PostgreSQL server, instead of `files`: a
    URL or libpq's keywords, which are never written here. Needs the extra `crm-reports[postgres]`"""
    table: str | None = None
    """the table of the DuckDB file, or the table or view of PostgreSQL with its schema:
    `sales.order_lines`"""
    period: str | None = None
    """a date or time of a PostgreSQL table: it is then read and remembered month by month, and only
    months in which something changed are transferred"""
    sheet: str | None = None
    """the sheet of an Excel file; the first unless named"""
    encoding: str | list[str] | None = None
    """of text files, for example `gb18030`; UTF-8 unless named. Of a list (`[utf-8, cp1252]`) each file
    is read in the first that its bytes fit"""
    delimiter: Annotated[str | None, BeforeValidator(_as_character)] = None
    """between the cells of text files, one character or `tab`; found out unless named"""
    renamed: dict[str, str] = {}
    """other names that a raw column has in some of the files: `{net_amount: amount}` reads `net_amount`
    as `amount`"""

    _parts: tuple[Fetched, ...] = PrivateAttr(default=())

    @property
    def parts(self) -> tuple[Fetched, ...]:
        """The parts of a database table that were fetched."""
        return self._parts

    def with_parts(self, parts: Iterable[Fetched]) -> Source:
        """The source of a database with its parts as they were fetched."""
        copy = self.model_copy()
        copy._parts = tuple(parts)
        return copy

    @property
    def encodings(self) -> list[str]:
        """The encodings to try, in order."""
        given = self.encoding or []
        return [given] if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_kind(self) -> Source:
        if self.postgres is not None:
            self._is_postgres_table()
        elif self.duckdb:
            if self.files or self.package or not self.table:
                raise ValueError("`duckdb: FILE` needs `table: NAME` and nothing else")
        elif not self.files:
            raise ValueError(
                "a source needs `files:` (with or without `package:`), `duckdb:` or `postgres:`"
            )
        if self.period and self.postgres is None:
            raise ValueError("`period:` is for a `postgres:` table; files are parts by themselves")
        if self.encoding == []:
            raise ValueError("`encoding:` names none; leave it out for UTF-8")
        if chained := [name for name in self.renamed.values() if name in self.renamed]:
            raise ValueError(
                f"`renamed:` calls '{chained[0]}' something else, too; write {{other name: present name}}"
            )
        if self.renamed and self.duckdb:
            raise ValueError(
                "`renamed:` is for the files of a source; a DuckDB table has one header"
            )
        return self

    def _is_postgres_table(self) -> None:
        """Raise ValueError where it is not. What stands in place of the name may be a password, and is
        not repeated."""
        if not re.fullmatch(r"[A-Za-z_]\w*", self.postgres or "", re.ASCII):
            raise ValueError(
                "`postgres:` is the name of an environment variable that holds the connection, for "
                "example CRM_SHOP_DB; a URL or a password does not belong in this file"
            )
        if not self.table or self.model_fields_set - {"postgres", "table", "period"}:
            raise ValueError(
                "`postgres: VARIABLE` needs `table: SCHEMA.NAME`, with or without `period: COLUMN`, "
                "and nothing else"
            )
