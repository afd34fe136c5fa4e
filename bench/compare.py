"""Are two results the same? A time counts only for those that equal ours, cent by cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

_CELLS = ("value", "cohort_size", "per_customer")
TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "customers": (
        ("customer_id",),
        (
            "orders", "lines", "units", "revenue", "purchases", "returns", "discount", "cost", "margin",
            "first_on", "second_on", "last_on", "occasions", "median_gap_days", "last_gap_days",
            "active_months", "x", "t_x", "T", "days_since_last", "is_first_seen",
        ),
    ),
    "ledger": (
        ("customer_id", "month"),
        (
            "occasions", "orders", "lines", "gross_sales", "discount", "returns", "revenue",
            "cost_of_goods", "gross_profit", "profit",
        ),
    ),
    "cohorts_customers": (("cohort", "period"), _CELLS),
    "cohorts_revenue": (("cohort", "period"), _CELLS),
    "summary": (("customer_id",), ("x", "t_x", "T", "mean_spend")),
}  # fmt: skip
"""By table: what tells its rows apart, and the columns that everyone makes."""
RELATIVE = 1e-9
"""How far apart two floats may be (a mean adds up in another order)."""
_WITHOUT = {"summary": {"mean_spend": 0.0}}
"""What peers say where ours is null: lifetimes calls the mean spend of no repeat purchase 0."""


def disagreement(ours: Path, theirs: Path) -> str:
    """In which columns, in how many rows a folder's tables differ from ours; "" where in none.

    A table that we made and the other did not counts as different.
    """
    said = []
    for table, (keys, columns) in TABLES.items():
        mine, other = (folder / f"{table}.parquet" for folder in (ours, theirs))
        if not mine.is_file():
            continue
        if not other.is_file():
            said.append(f"{table} is missing")
            continue
        found = differences(mine, other, keys, columns, _WITHOUT.get(table, {}))
        said += [f"{table}.{column} in {rows:,} rows" for column, rows in found.items()]
    return ", ".join(said)


def differences(
    ours: Path,
    theirs: Path,
    keys: Sequence[str],
    columns: Sequence[str],
    without: Mapping[str, float] | None = None,
) -> dict[str, int]:
    """By column, in how many rows the files differ; `rows`: those that only one of them has.

    Money (DECIMAL on our side) is compared as whole cents, floats within `RELATIVE`. A column that
    one of them lacks is an error of the engine. without: column → what stands for null.
    """
    with duckdb.connect(config={"memory_limit": "4GB"}) as connection:
        types = _types(connection, ours)
        same = " AND ".join(
            f"{_plain('a', key, types[key])} IS NOT DISTINCT FROM {_plain('b', key, types[key])}"
            for key in keys
        )
        counts = ["count(*) FILTER (a.here IS NULL OR b.here IS NULL)"]
        for name in columns:
            told = _told_apart(name, types[name], (without or {}).get(name))
            counts.append(f"count(*) FILTER (a.here AND b.here AND {told})")
        row = connection.execute(
            f"SELECT {', '.join(counts)} FROM (SELECT *, true AS here FROM read_parquet('{ours}')) a "
            f"FULL JOIN (SELECT *, true AS here FROM read_parquet('{theirs}')) b ON {same}"
        ).fetchone()
    assert row
    return {name: int(n) for name, n in zip(["rows", *columns], row, strict=True) if n}


def _types(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE FROM read_parquet('{path}')").fetchall()
    return {name: kind for name, kind, *_ in rows}


def _told_apart(name: str, kind: str, null: float | None) -> str:
    a, b = _plain("a", name, kind), _plain("b", name, kind)
    if null is not None:
        a, b = f"coalesce({a}, {null})", f"coalesce({b}, {null})"
    if kind == "DOUBLE":
        far = f"abs({a} - {b}) > {RELATIVE} * greatest(1, abs({a}))"
        return f"(({a} IS NULL) <> ({b} IS NULL) OR coalesce({far}, false))"
    return f"{a} IS DISTINCT FROM {b}"


def _plain(side: str, name: str, kind: str) -> str:
    """The column of one side in the type they are compared in; no number counts as null."""
    column = f'{side}."{name}"'
    if kind.startswith("DECIMAL"):
        return f"CAST(round({column} * 100) AS BIGINT)"
    if kind.startswith(("DATE", "TIMESTAMP")):
        return f"CAST({column} AS DATE)"
    if "INT" in kind or kind == "DOUBLE":
        return f"nullif(CAST({column} AS DOUBLE), 'nan'::DOUBLE)"
    return column
