"""Lists for activation and the data behind figures: CSV that a spreadsheet opens without danger.

What no spreadsheet opens, because it has too many rows, is Parquet.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend
from pyarrow import parquet

from crm_lib.engine import collect, connect
from crm_lib.errors import UsageError
from crm_lib.present.html import Html, escape, tag
from crm_lib.publishing.store import EXPORTS_VARIABLE

SHEET_ROWS = 1_048_575
"""What a spreadsheet opens besides a header."""
_PARQUET = {"dictionary_size_limit": 2000}
"""How DuckDB writes an export: dictionaries of many values cost a third of the time and save a tenth."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def harmless(text: object) -> object:
    """Text that a spreadsheet would run as a formula, prefixed with an apostrophe; the rest as it is.

    Source: OWASP, CSV Injection. Numbers are not text and stay numbers, negative ones too.
    """
    if not isinstance(text, str):
        return text
    # Python's csv leaves a lone carriage return unquoted; a reader would start a new row there.
    one_break = text.replace("\r\n", "\n").replace("\r", "\n")
    return "'" + one_break if text.lstrip(" \n").startswith(_FORMULA) else one_break


def write_csv(
    frame: pd.DataFrame, path: Path, harmless: Callable[[object], object] = harmless
) -> None:
    """The frame as CSV (UTF-8, comma, one header line, `\\n`), with harmless text and ISO days.

    The same frame always gives the same bytes.
    """
    safe = frame.copy()
    for name in safe.columns:
        column = safe[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(object)
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            whole = bool((column.dropna() == column.dropna().dt.normalize()).all())
            safe[name] = column.dt.strftime("%Y-%m-%d" if whole else "%Y-%m-%dT%H:%M:%S")
        elif not pd.api.types.is_numeric_dtype(column.dtype):
            # Equal cells are looked at once: most columns of text hold few words.
            told = {cell: harmless(cell) for cell in column.dropna().unique()}
            if any(text is not cell for cell, text in told.items()):
                safe[name] = column.map(told, na_action="ignore")
    safe.columns = pd.Index([harmless(str(name)) for name in safe.columns])
    safe.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def export(frame: pd.DataFrame | ir.Table, name: str) -> Html:
    """Write `frame` as `exports/<name>.csv` of the run, and say so on the page.

    A table of the engine with more than `SHEET_ROWS` rows becomes `exports/<name>.parquet`, which the
    engine writes itself. Outside a run (in JupyterLab) nothing is written. `name`: lower-case letters,
    digits, `_`, `-`. Raises UsageError for another name, or when the run has an export of that name already.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot name an export: use lower-case letters, digits, '_' and '-', "
            "for example at_risk_customers."
        )
    if not (folder := os.environ.get(EXPORTS_VARIABLE)):
        return _quietly(f"crm run writes these rows to exports/{name}.csv.")
    path = Path(folder) / f"{name}.csv"
    if path.exists() or path.with_suffix(".parquet").exists():
        raise UsageError(f"The run has an export '{name}' already; give this one another name.")
    if isinstance(frame, ir.Table):
        path, rows = _table(frame, path)
    else:
        write_csv(frame, path)
        rows = len(frame)
    link = tag("a", f"exports/{path.name}", href=f"exports/{path.name}")
    more = "" if path.suffix == ".csv" else ", more than a spreadsheet opens"
    return _quietly(f"{_all(rows)}{more}: ", link)


def _all(rows: int) -> str:
    return f"All {rows:,} rows" if rows > 1 else ("No rows", "The one row")[rows]


def _table(table: ir.Table, path: Path) -> tuple[Path, int]:
    """The file written and its rows. The engine writes first, whatever the size: it asks no memory."""
    whole = path.with_suffix(".parquet")
    is_duckdb = isinstance(ibis.get_backend(table), Backend)
    table.to_parquet(whole, **(_PARQUET if is_duckdb else {}))
    rows = int(parquet.read_metadata(whole).num_rows)
    if rows > SHEET_ROWS:
        return whole, rows
    write_csv(collect(connect().read_parquet(whole), max_rows=SHEET_ROWS), path)
    whole.unlink()
    return path, rows


def _quietly(text: str, link: str = "") -> Html:
    return Html(tag("p", escape(text) + link, "crm-note"), text)
