"""The engine: a connection to DuckDB or Spark through Ibis, and `collect`, the one door to pandas."""

from __future__ import annotations

import atexit
import shutil
import sys
import warnings
from pathlib import Path
from typing import Literal

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend
from ibis.backends.sql import SQLBackend

from crm_lib import machine
from crm_lib.errors import UsageError

Kind = Literal["duckdb", "spark"]
"""The engines there are: `engine:` in `dataset.yml`."""
PARQUET: dict[Kind, str] = {
    "duckdb": "FORMAT parquet, parquet_version v2, dictionary_size_limit 2000",
    "spark": "FORMAT parquet",
}
"""How DuckDB writes large files, by who is to read them: dictionaries of many values cost a third of the
time and save little; an encoding of version 2 (of floats) is one that Spark cannot read."""
REPORT_ROWS = 100_000
"""Rows that may cross to pandas unless the caller says otherwise: a report frame, not a ledger."""


def connect(spill_folder: Path | None = None) -> Backend:
    """A fresh in-process DuckDB within this process's share of the machine (see `machine`).

    What does not fit into memory is spilled to `spill_folder`, by default one of its own in the cache,
    which goes with the connection.
    """
    backend = ibis.duckdb.connect(
        threads=machine.threads(), memory_limit=f"{machine.engine_bytes() // 2**20}MiB"
    )
    _settle(backend)
    spill = str(spill_folder or machine.spill_folder()).replace("'", "''")
    backend.raw_sql(f"SET temp_directory = '{spill}'")
    return backend


def _settle(backend: Backend) -> None:
    # Extensions need a download, which a site without a network cannot make.
    backend.raw_sql("SET autoinstall_known_extensions = false")
    backend.raw_sql("SET autoload_known_extensions = false")
    backend.raw_sql("SET TimeZone = 'UTC'")


def beside(backend: Backend) -> Backend:
    """Another connection to the same DuckDB, for another thread: they share its memory and processors."""
    twin = ibis.duckdb.from_connection(backend.con.cursor())
    _settle(twin)
    return twin


def of_kind(kind: Kind) -> SQLBackend:
    """A connection to the engine `kind`: a fresh DuckDB, or the Spark session of this process.

    Raises UsageError where Spark is not installed or does not start.
    """
    if kind == "duckdb":
        return connect()
    try:
        from crm_lib import spark
    except ImportError as error:
        raise UsageError(
            f"The engine 'spark' needs the extra `spark`: pip install 'crm-reports[spark]' ({error})."
        ) from None
    return spark.connect()


def named(backend: SQLBackend) -> str:
    """The engine behind a connection, for people: "DuckDB 1.5.6"."""
    name = "Spark" if backend.name == "pyspark" else "DuckDB"
    return f"{name} {backend.version}"


def errors() -> tuple[type[Exception], ...]:
    """What an engine raises that cannot do what it is asked, or fails at it."""
    spark = sys.modules.get("crm_lib.spark")  # not imported where nobody uses it
    return (duckdb.Error, *spark.ERRORS) if spark else (duckdb.Error,)


def is_overflow(error: Exception) -> bool:
    """Does an engine's error say that an amount does not fit into its type?"""
    spark = sys.modules.get("crm_lib.spark")
    if isinstance(error, duckdb.ConversionException):
        return "DECIMAL" in str(error).splitlines()[0]
    return spark is not None and spark.OVERFLOW in str(error)


def write(table: ir.Table, path: Path) -> None:
    """Write the rows of `table` as Parquet, where there are many of them: see `PARQUET`."""
    options: dict[str, object] = {"parquet_version": "v2", "dictionary_size_limit": 2000}
    is_ours = isinstance(ibis.get_backend(table), Backend)
    table.to_parquet(path, **(options if is_ours else {}))


def kept(table: ir.Table) -> ir.Table:
    """The rows of `table` made once, for several uses: in a file that goes with this process.

    On another engine than DuckDB they stay with the engine.
    """
    backend = ibis.get_backend(table)
    if not isinstance(backend, Backend):
        return table.cache()
    folder = machine.spill_folder()
    folder.mkdir(parents=True)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write(table, folder / "kept.parquet")
    return backend.read_parquet(folder / "kept.parquet")


def collect(table: ir.Table, *, max_rows: int = REPORT_ROWS) -> pd.DataFrame:
    """The rows of `table` as pandas: money as float64, days and times as datetime64.

    Sums are exact because they were made in the engine; floats only present them.
    Raises UsageError when there are more than `max_rows`.
    """
    decimals = {
        name: dt.int64 if type_.scale == 0 else dt.float64
        for name, type_ in table.schema().items()
        if isinstance(type_, dt.Decimal)
    }
    table = table.cast(decimals) if decimals else table
    with warnings.catch_warnings():
        # Ibis 12 asks pandas and DuckDB in ways that newer releases of both call outdated.
        warnings.filterwarnings("ignore", module=r"ibis\.")
        frame: pd.DataFrame = table.limit(max_rows + 1).to_pandas()
    if len(frame) > max_rows:
        raise UsageError(
            f"More than {max_rows:,} rows would cross from the engine to pandas. Aggregate first "
            "(group_by), compress, or sample; or pass max_rows if this is meant."
        )
    for name, type_ in table.schema().items():
        if isinstance(type_, (dt.Date, dt.Timestamp)):
            frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    return frame


@ibis.udf.scalar.builtin(name="try_strptime")
def try_strptime(text: str, formats: dt.Array(dt.string)) -> dt.timestamp:  # type: ignore[valid-type]
    """The time that `text` states in the first fitting format; null where none fits."""


@ibis.udf.scalar.builtin(name="timezone")
def _to_zoned(zone: str, at: dt.timestamp) -> dt.Timestamp(timezone="UTC"):  # type: ignore[valid-type]
    """The instant that the clock of `zone` showed as `at`."""


@ibis.udf.scalar.builtin(name="timezone")
def _to_local(zone: str, at: dt.Timestamp(timezone="UTC")) -> dt.timestamp:  # type: ignore[valid-type]
    """What the clock of `zone` showed at the instant `at`."""


def change_zone(at: ir.TimestampValue, zone: str, to: str) -> ir.TimestampValue:
    """The time `at`, read off a clock in `zone`, as a clock in `to` shows it.

    Ibis' own cast to a zoned timestamp drops the zone, hence the two function calls.
    """
    if zone == to:
        return at
    return _to_local(to, _to_zoned(zone, at))


def local_time(at: ir.TimestampValue, zone: str) -> ir.TimestampValue:
    """What a clock in `zone` showed at the instant `at` (a timestamp with a time zone)."""
    return _to_local(zone, at)
