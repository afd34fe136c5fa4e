"""Spark: the same Ibis expressions where the data lives, for companies that outgrow one machine.

Only `engine.of_kind` imports this module: it needs the extra `spark` and a Java runtime. What Ibis'
PySpark backend says otherwise than its DuckDB backend is set right here, in one place.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import sqlglot.expressions as sge
from ibis.backends.pyspark import Backend as PySparkBackend
from ibis.backends.sql.compilers.base import SQLGlotCompiler
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.formats.pandas import PandasData
from ibis.formats.pyarrow import PyArrowData
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException, PySparkRuntimeError
from pyspark.sql import SparkSession

from crm_lib import machine
from crm_lib.errors import UsageError

ERRORS = (PySparkException, Py4JJavaError)
"""What Spark raises."""
OVERFLOW = "NUMERIC_VALUE_OUT_OF_RANGE"
"""In the message of one: a number does not fit into its type."""

SEMANTICS = {
    "spark.sql.session.timeZone": "UTC",
    # A faulty cast and an amount too large are errors, never silent nulls.
    "spark.sql.ansi.enabled": "true",
    # A timestamp has no zone unless it says so, as in DuckDB and in Parquet written by others.
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
"""What decides a result, set in every session, whoever started the cluster."""

_LOCAL = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
_LEAST_MB = 512
"""A JVM with less does not start Spark."""


def connect() -> Backend:
    """The session of this process: local, or on the cluster that the environment names.

    `SPARK_REMOTE` (Spark Connect) or `CRM_SPARK_MASTER` (yarn, k8s://…, spark://…) name one; with
    `SPARK_CONF_DIR` alone, its `spark-defaults.conf` decides. Else Spark runs here, within this
    process's share of the machine (see `machine`). Raises UsageError where Spark does not start.
    """
    Backend.register_options()
    # What is wrong with a query is said by the exception; the log repeats it with the whole stack.
    logging.getLogger("SQLQueryContextLogger").disabled = True
    backend = Backend()
    backend.do_connect(_session(), **SEMANTICS)
    return backend


def _session() -> SparkSession:
    if active := SparkSession.getActiveSession():
        return active
    builder = SparkSession.builder.appName("crm")
    settings = _settings()
    if settings.get("spark.master", "").startswith("local") and not _java():
        raise UsageError(
            "The engine 'spark' needs Java 17 or newer: install a runtime (Debian: apt-get install "
            "default-jre-headless) or set JAVA_HOME."
        )
    for name, value in settings.items():
        builder = builder.config(name, value)
    with _quiet() as said:
        try:
            return builder.getOrCreate()
        except (PySparkRuntimeError, ImportError, OSError) as error:
            raise UsageError(f"Spark does not start: {error} {_last(said)}".strip()) from None


def _settings() -> dict[str, str]:
    """What a session is started with; a cluster's own configuration stays its own."""
    if os.environ.get("SPARK_REMOTE"):
        return {}
    if master := os.environ.get("CRM_SPARK_MASTER"):
        return {"spark.master": master, "spark.ui.showConsoleProgress": "false"}
    if os.environ.get("SPARK_CONF_DIR"):
        return {"spark.ui.showConsoleProgress": "false"}
    spill = str(machine.spill_folder())
    return {
        **_LOCAL,
        "spark.master": f"local[{machine.threads()}]",
        "spark.driver.memory": f"{max(machine.engine_bytes() // 2**20, _LEAST_MB)}m",
        "spark.sql.shuffle.partitions": str(2 * machine.threads()),
        "spark.local.dir": spill,
        "spark.sql.warehouse.dir": f"{spill}/warehouse",
    }


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin" if home else None)


@contextlib.contextmanager
def _quiet() -> Iterator[IO[bytes]]:
    """The JVM inherits a file in place of our stderr: what it logs is no output of a report."""
    with tempfile.TemporaryFile() as log:
        sys.stderr.flush()
        own = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield log
        finally:
            os.dup2(own, 2)
            os.close(own)


def _last(log: IO[bytes]) -> str:
    """The last that the JVM said before it gave up."""
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


# --- where Ibis says one thing to DuckDB and another to Spark --------------------------------------


class Compiler(PySparkCompiler):
    """Ibis' SQL for Spark with the meaning that the same expression has on DuckDB."""

    __slots__ = ()

    def visit_NonNullLiteral(self, op: ops.Literal, *, value: Any, dtype: dt.DataType) -> Any:
        """A float is a float; Spark would take 0.1 for a decimal, and round what is divided by it."""
        if dtype.is_floating():
            return self.cast(self.visit_DefaultLiteral(op, value=value, dtype=dtype), dtype)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_IsNull(self, op: ops.IsNull, *, arg: Any) -> Any:
        """NaN is a number that is none, and not unknown."""
        return SQLGlotCompiler.visit_IsNull(self, op, arg=arg)

    def visit_NotNull(self, op: ops.NotNull, *, arg: Any) -> Any:
        return SQLGlotCompiler.visit_NotNull(self, op, arg=arg)

    def visit_DateTruncate(self, op: ops.DateTruncate, *, arg: Any, unit: Any) -> Any:
        """A day stays a day; Spark's `date_trunc` makes a time of it, with another key in a join."""
        return self.cast(super().visit_TimestampTruncate(op, arg=arg, unit=unit), op.dtype)

    def visit_Cast(self, op: ops.Cast, *, arg: Any, to: dt.DataType) -> Any:
        """Numbers are rounded as DuckDB rounds them; Spark would cut them off, or round their text."""
        given = op.arg.dtype
        if to.is_integer() and given.is_floating():
            arg = self.f.rint(arg)
        elif to.is_integer() and given.is_decimal():
            arg = self.f.round(arg)
        elif isinstance(to, dt.Decimal) and to.scale and given.is_floating():
            units = self.f.round(sge.paren(arg) * self.cast(10**to.scale, dt.float64))
            unit = self.cast(str(Decimal(1).scaleb(-to.scale)), dt.Decimal(to.scale, to.scale))
            arg = self.cast(units, dt.Decimal(to.precision, 0)) * unit
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_Divide(self, op: ops.Divide, *, left: Any, right: Any) -> Any:
        """Decimals divide as floats; Spark would round the ratio to a few decimals.

        By zero the ratio is infinite or no number, as the standard of floats has it, and no error.
        """
        part, whole = (
            self.cast(value, op.dtype) if given.dtype.is_decimal() else sge.paren(value)
            for value, given in ((left, op.left), (right, op.right))
        )
        ratio = sge.Div(this=part, expression=whole)
        if isinstance(op.right, ops.Literal) and op.right.value:
            return ratio
        return self.if_(whole.eq(0), part * self.POS_INF, ratio)

    def visit_BitOr(self, op: ops.BitOr, *, arg: Any, where: Any) -> Any:
        """Ibis knows Spark's `bit_or` not yet."""
        return self.agg.bit_or(arg, where=where)

    def visit_Hash(self, op: ops.Hash, *, arg: Any) -> Any:
        """64 bits; of a row as text, because Spark's hash of one passes nulls over, wherever they are."""
        if op.arg.dtype.is_struct():
            arg = self.f.to_json(arg, self.f.map("ignoreNullFields", "false"))
        return self.f.xxhash64(arg)

    def visit_Mean(self, op: ops.Mean, *, arg: Any, where: Any) -> Any:
        """A mean of decimals is a float; Spark would round it to a few decimals."""
        value = self.cast(arg, dt.float64) if op.arg.dtype.is_decimal() else arg
        return super().visit_Mean(op, arg=value, where=where)


class Backend(PySparkBackend):
    """Ibis' backend for Spark; rows cross as Arrow, so that money stays exact and types are as DuckDB's."""

    compiler = Compiler()

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        # Through pandas, as Ibis does it, a null becomes a NaN and a Decimal an object.
        rows = op.data.to_pyarrow(op.schema)
        self._session.createDataFrame(rows).createOrReplaceTempView(op.name)

    def _arrow(
        self, table: ir.Table, params: Mapping[ir.Scalar, Any] | None, limit: Any
    ) -> pa.Table:
        self._run_pre_execute_hooks(table)
        return self.raw_sql(self.compile(table, params=params, limit=limit)).toArrow()

    def to_pyarrow(
        self, expr: ir.Expr, /, *, params: Any = None, limit: Any = None, **_: Any
    ) -> Any:
        return expr.__pyarrow_result__(
            self._arrow(expr.as_table(), params, limit), data_mapper=PyArrowData
        )

    def execute(self, expr: ir.Expr, /, *, params: Any = None, limit: Any = None, **_: Any) -> Any:
        table = expr.as_table()
        rows = self._arrow(table, params, limit)
        frame = pd.DataFrame(
            {
                name: column.to_pylist() if column.null_count else column.to_pandas()
                for name, column in zip(rows.column_names, rows.columns, strict=True)
            }
        )
        return expr.__pandas_result__(PandasData.convert_table(frame, table.schema()))

    def create_table(
        self, name: str, /, obj: Any = None, *, temp: bool | None = None, **kwargs: Any
    ) -> ir.Table:
        """A temporary table is made once and held by the cluster until it is dropped."""
        if not temp:
            return super().create_table(name, obj, temp=temp, **kwargs)
        rows = obj if isinstance(obj, ir.Table) else ibis.memtable(obj)
        return self._create_cached_table(name, rows)

    def _create_cached_table(self, name: str, expr: ir.Table) -> ir.Table:
        self._run_pre_execute_hooks(expr)  # which Ibis forgets
        return super()._create_cached_table(name, expr)

    def drop_table(self, name: str, /, **kwargs: Any) -> None:
        if name in self._cached_dataframes:
            self._drop_cached_table(name)
        else:
            super().drop_table(name, **kwargs)

    def to_parquet(self, expr: ir.Table, /, path: Any, **_: Any) -> None:
        """One Parquet file, as DuckDB writes it, of the types that Ibis says: Spark ranks in 32 bits."""
        self._run_pre_execute_hooks(expr)
        rows = self.raw_sql(self.compile(expr))
        types = {name: self._type(type_) for name, type_ in expr.schema().items()}
        rows = rows.select(*(rows[f"`{name}`"].cast(type_) for name, type_ in types.items()))
        # The last step alone is done by one worker; sorted rows are brought together in their order.
        rows = rows.coalesce(1) if isinstance(expr.op(), ops.Sort) else rows.repartition(1)
        target = Path(path).absolute()
        folder = target.with_name(f".{target.name}.parts")
        rows.write.mode("overwrite").parquet(os.fspath(folder))
        (part,) = folder.glob("*.parquet")
        part.replace(target)
        shutil.rmtree(folder)

    def _type(self, type_: dt.DataType) -> str:
        return str(self.compiler.type_mapper.from_ibis(type_).sql(self.dialect))

    def read_parquet(
        self, path: Any, /, *, table_name: str | None = None, **kwargs: Any
    ) -> ir.Table:
        """A Parquet file, a folder of them, or a list of files."""
        many = path if isinstance(path, (list, tuple)) else [path]
        name = table_name or ibis.util.gen_name("read_parquet")
        rows = self._session.read.parquet(*(os.fspath(Path(each).absolute()) for each in many))
        rows.createOrReplaceTempView(name)
        return self.table(name)
