"""A read-only connection to PostgreSQL, and its errors in words that give nothing of it away.

The connection (URL or keywords) is read from an environment variable and kept nowhere. The driver's
own texts name host, user and database, and sometimes part of the password: they are never shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from crm_lib.errors import SourceError

_SETTINGS = {
    "application_name": "crm-reports",
    "client_encoding": "UTF8",
    # What a value looks like as text, which fingerprints are made of, must not depend on a role.
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
}
_DEFAULTS = {
    # A host that does not answer, or vanishes without a word, ends in an error and not in silence.
    "connect_timeout": 30, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 6,
}  # fmt: skip
_EXAMPLE = "postgresql://user:password@host:5432/database"


class Connection:
    """One transaction on the server that `variable` names: read-only, one snapshot (REPEATABLE READ).

    The server's own limits (`statement_timeout` and the like) stay as they are set for the user.
    Raises SourceError for whatever goes wrong, at the start or later.
    """

    def __init__(self, variable: str) -> None:
        self.variable = variable
        self._driver = _driver()
        self._failures = (self._driver.Error, pa.ArrowException, OSError)
        told = ""
        try:
            self._connection = self._driver.connect(_given(variable), autocommit=True)
        except self._failures as error:
            told = f'{_refused(str(error), variable)} Try it: psql "${variable}"'
        if told:  # raised here, the error has no context that a traceback could show
            raise SourceError(told)
        self._cursor = self._connection.cursor()
        try:
            self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for name, value in _SETTINGS.items():
                self.run(f"SET LOCAL {name} = '{value}'")
        except SourceError:
            self.close()
            raise

    def close(self) -> None:
        """End the transaction; a server that is gone has ended it already."""
        for thing in (self._cursor, self._connection):
            with suppress(*self._failures):
                thing.close()

    def run(self, command: str) -> None:
        told = ""
        try:
            self._cursor.execute(command)
        except self._failures as error:
            told = self._told(error, "")
        if told:
            raise SourceError(told)

    def rows(self, query: str, what: str = "") -> list[tuple[Any, ...]]:
        """The result of a query that gives few rows. `what` is what an error says was being read."""
        told, found = "", []
        try:
            self._cursor.execute(query)
            found = self._cursor.fetchall()
        except self._failures as error:
            told = self._told(error, what)
        if told:
            raise SourceError(told)
        return found

    def batches(self, query: str, what: str) -> Iterator[pa.RecordBatch]:
        """The result of a query in batches of some 16 MB, as the server sends them."""
        told, reader = "", None
        while not told:
            try:
                if reader is None:
                    self._cursor.execute(query)
                    reader = self._cursor.fetch_record_batch()
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except self._failures as error:
                told = self._told(error, what)
            else:
                yield batch
        raise SourceError(told)

    def _told(self, error: Exception, what: str) -> str:
        """What went wrong while reading `what`, and what to do."""
        reading = f"Reading '{what}' from {self.variable}" if what else f"Reading {self.variable}"
        state = str(getattr(error, "sqlstate", None) or "")
        found = re.search(r"SQLSTATE: (\w{5})", str(error))
        state = state or (found[1] if found else "")
        for pattern, advice in _FAILURES.items():
            if re.match(pattern, state) or (not state and re.search(pattern, str(error))):
                return f"{reading} failed: {advice.format(what=what)}"
        return f"{reading} failed: {scrubbed(_primary(error), self.variable)}"


_GONE = (
    "the server ended the connection or went away. Nothing of what was being read is kept; run again "
    "when it is back."
)
_FAILURES = {
    r"42501": "the user of this connection may not read it. Its owner can allow that: "
    "GRANT SELECT ON {what} TO … (and GRANT USAGE ON its SCHEMA).",
    r"57014|canceling statement due to": "the server stopped it, at its limit on the time of a "
    "statement (statement_timeout) or because someone cancelled it. `period:` in the source reads "
    "a month at a time; a longer limit is set by ALTER ROLE … SET statement_timeout.",
    r"25P0[34]|idle.in.transaction timeout": "the server ends transactions that idle "
    "(idle_in_transaction_session_timeout); let it wait longer for this user.",
    r"40001|conflict with recovery": "the server, a copy of another, had to drop the snapshot that "
    "was being read. Run again, at a quieter time or from the original.",
    r"53[12]00|No space left|out of memory": "the server ran out of disk or memory.",
    r"22021|22P05|invalid byte sequence": "it holds bytes that are no text in UTF-8, as a database of "
    "encoding SQL_ASCII may. Read a view that converts them: convert_from(column::bytea, 'LATIN1').",
    r"53400|temp_file_limit": "sorting its rows needs more room than the server allows "
    "(temp_file_limit). `period:` in the source sorts a month at a time.",
    r"08...|57P0.|closed the connection|connection not open|could not (receive|send)|terminating "
    r"connection|connection has been closed|no connection|Failed to prepare query: \n": _GONE,
}
"""By SQLSTATE, or by the driver's text where that is missing: what it means, what to do."""

_REFUSALS = {
    r"authentication failed|no password supplied|role .* does not exist": "the server does not accept "
    "its user or password.",
    r"could not translate host name": "there is no host of that name.",
    r"Connection refused|No such file or directory": "no server listens at its host and port.",
    r"timeout expired|timed out": "its host does not answer.",
    r"database .* does not exist": "the server has no database of that name.",
    r"pg_hba": "the server lets this user not in from this machine, or not without SSL (pg_hba.conf).",
    r"too many clients|connection slots": "the server has no connection free.",
    r"starting up|shutting down|recovery mode": "the server is starting or stopping; try again.",
    r"closed the connection": "the server ended it at once.",
    r"SSL|certificate": "the two sides cannot agree on SSL; see sslmode and sslrootcert.",
    r"percent-encoded|invalid|missing|unexpected|'uri'": "it is not written as a connection. Write "
    f"{_EXAMPLE}, other signs in it percent-encoded, or host=… dbname=… user=… password=….",
}  # fmt: skip
"""By a part of libpq's text: why there is no connection."""


def _refused(text: str, variable: str) -> str:
    said = next((said for pattern, said in _REFUSALS.items() if re.search(pattern, text)), "")
    return f"{variable} gives no connection: {said or 'the server refuses it.'}"


def _driver() -> ModuleType:
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError:
        raise SourceError(
            "Reading PostgreSQL needs a package that is not installed: "
            "pip install 'crm-reports[postgres]'"
        ) from None
    return dbapi


def _given(variable: str) -> str:
    """The connection that the variable holds, with `_DEFAULTS` for what it does not say."""
    given = os.environ.get(variable, "").strip()
    if not given:
        raise SourceError(
            f"The environment variable {variable} is not set. It holds the connection that `postgres: "
            f"{variable}` in dataset.yml means, for example {_EXAMPLE}"
        )
    added = [f"{name}={value}" for name, value in _DEFAULTS.items() if name not in given]
    if "://" not in given:
        return " ".join([given, *added])
    return "&".join([given if "?" in given else f"{given}?", *added]).replace("?&", "?")


def _primary(error: Exception) -> str:
    """The server's message without its query, position and details."""
    details = dict(getattr(error, "details", None) or [])
    message = details.get("PG_DIAG_MESSAGE_PRIMARY", b"")
    text = message.decode("utf-8", "replace") if message else str(error).split("\n")[0]
    return re.sub(r"^.*?(ERROR|FATAL|failed): *", "", text)


def scrubbed(text: str, variable: str) -> str:
    """`text` without anything that the connection is made of."""
    given = os.environ.get(variable, "")
    pieces = {given, unquote(given), *re.split(r"[\s:/@?&=,'\"]+", given)}
    pieces |= {unquote(piece) for piece in pieces}
    known = {"postgresql", "postgres", "localhost", "host", "user", "password", "port", "dbname"}
    for piece in sorted(pieces - known, key=len, reverse=True):
        if len(piece) > 2:
            text = text.replace(piece, "…")
    return text
