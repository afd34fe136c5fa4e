"""The simulated retailer of the benchmark: a project folder, delivered month by month.

`<size>/whole` is what `crm simulate` wrote, 25 months; `<size>/data/retailer` is what a company
would have delivered until a day. Order lines, contacts and exposures come as new files a month;
customers and prospects are sent whole each time, with those who joined meanwhile.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb

from bench import data
from crm_lib import schema

NAME = "retailer"
MONTHS = 25
FIRST_DAY = date(2023, 12, 1)
FIRST_END, SECOND_END = date(2025, 12, 1), date(2026, 1, 1)
"""As-of days of the two monthly runs: 24 months, then one more."""
SIZES = {
    "20k": 20_000,
    "100k": 100_000,
    "1m": 1_000_000,
    "3m": 3_000_000,
    "10m": 10_000_000,
}
_APPENDED = ("contacts", "exposures")
_SENT_WHOLE = ("customers", "prospects")


def home(size: str) -> Path:
    """The project folder of the company, its whole 25 months made where they are missing."""
    folder = data.FOLDER / "companies" / size
    if (folder / "whole").is_dir():
        return folder
    delivered = folder / "data" / NAME
    delivered.parent.mkdir(parents=True, exist_ok=True)
    for name in ("notebooks", "expectations"):
        if not (folder / name).exists():
            (folder / name).symlink_to(data.HERE.parent / name, target_is_directory=True)
    command = [
        sys.executable, "-m", "crm_lib.cli", "simulate", NAME, "--customers", str(SIZES[size]),
        "--months", str(MONTHS), "--seed", "1", "--out", str(delivered), "--force",
    ]  # fmt: skip
    subprocess.run(command, env=environment(folder), check=True, capture_output=True)
    delivered.rename(folder / "whole")
    _link(folder, folder / "whole" / "dataset.yml")
    return folder


def environment(folder: Path) -> dict[str, str]:
    """What makes `folder` the project of a `crm` command: its data, cache and reports."""
    places = {"CRM_HOME": "", "CRM_CACHE": "cache", "CRM_REPORTS": "reports"}
    return {**os.environ, **{name: str(folder / place) for name, place in places.items()}}


def deliver_first(folder: Path) -> None:
    """Nothing but the 24 months before `FIRST_END`, as files; caches and reports of before are gone."""
    clean(folder)
    for file in sorted((folder / "whole").rglob("*")):
        table = file.relative_to(folder / "whole").parts[0]
        if file.is_file() and table not in ("lines", *_APPENDED, *_SENT_WHOLE):
            _link(folder, file)
    _deliver(folder, None, FIRST_END)


def clean(folder: Path) -> None:
    """Remove what was delivered and what runs left, not the company."""
    for name in ("data", "cache", "reports"):
        shutil.rmtree(folder / name, ignore_errors=True)


def deliver_second(folder: Path) -> None:
    """The files of the 25th month, beside those that are there."""
    _deliver(folder, FIRST_END, SECOND_END)


def _deliver(folder: Path, since: date | None, until: date) -> None:
    for month in sorted((folder / "whole" / "lines").iterdir()):
        first = date.fromisoformat(f"{month.name}-01")
        if first < until and (since is None or first >= since):
            for file in sorted(month.iterdir()):
                _link(folder, file)
    for table in (*_APPENDED, *_SENT_WHOLE):
        at = f'"{schema.table(table).recorded}"'
        is_new = f"{at} < DATE '{until}'"
        if table in _APPENDED and since:
            is_new += f" AND {at} >= DATE '{since}'"
        else:
            is_new += f" OR {at} IS NULL"
        name = "all" if table in _SENT_WHOLE else f"until-{until}"
        _select(folder, table, is_new, folder / "data" / NAME / table / f"{name}.parquet")


def _link(folder: Path, file: Path) -> None:
    target = folder / "data" / NAME / file.relative_to(folder / "whole")
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(file, target)


def _select(folder: Path, table: str, condition: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    files = folder / "whole" / table / "*.parquet"
    duckdb.sql(
        f"COPY (FROM read_parquet('{files}') WHERE {condition}) TO '{unfinished}' (FORMAT parquet)"
    )
    unfinished.replace(target)


def lines(size: str) -> Path:
    """All order lines of the company in one Parquet file, as the canonical table has them, by time."""
    target = data.FOLDER / f"lines_{size}.parquet"
    if not target.is_file():
        files = home(size) / "whole" / "lines" / "*" / "*.parquet"
        unfinished = target.with_suffix(".part")
        duckdb.sql(
            f"""COPY (SELECT customer_id, order_id, ordered_at, CAST(ordered_at AS DATE) AS day,
                amount, quantity, discount, cost FROM read_parquet('{files}') ORDER BY ordered_at)
            TO '{unfinished}' (FORMAT parquet)"""
        )
        unfinished.replace(target)
    return target


def rows(file: Path) -> int:
    """How many rows a Parquet file, or all that a pattern names, has."""
    found = duckdb.sql(f"SELECT count(*) FROM read_parquet('{file}')").fetchone()
    return int(found[0]) if found else 0
