"""One customer at once: what the marts of a day say of them, read from sorted Parquet.

A row is found by the minima and maxima of its row group, so the time hardly grows with the base.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from pydantic import BaseModel

from crm_lib import project
from crm_lib.errors import UsageError
from crm_lib.publishing import manifest

_CUSTOMER = (
    "revenue", "first_on", "last_on", "occasions", "days_since_last", "revenue_rank", "cumulative_share",
    "is_top_20_percent", "recency_score", "frequency_score", "monetary_score", "segment", "value_tier",
    "stage", "profit", "profit_rate", "is_negative", "is_listed",
)  # fmt: skip
_CLV = ("p_alive", "expected_occasions", "clv")
_CLV_FACTS = "clv.json"


class Customer(BaseModel):
    """One customer as of a day (exclusive), within `scope`.

    revenue is net of returns, in `currency`; revenue_rank counts from 1 among the `customers` who ever
    bought;
    cumulative_share is the share of all revenue that comes from this customer and those above;
    scores are 1–5; days_since_last counts to the last observed day. None: not defined for them; name:
    only for an internal audience. is_listed: whether the data set's table of customers holds the id;
    None where it has no such table. profit is what `profit_label` says (net profit, contribution, …),
    over the whole window; profit_rank counts from 1 among all with an order line or a cost. clv:
    `clv_earning` expected within `clv_horizon_months` from as_of on, discounted at `clv_discount_rate`
    a year; p_alive: chance of being a customer still; clv_reason: why there is no such value, of
    anybody.
    """

    customer_id: str
    name: str | None = None
    is_listed: bool | None = None
    dataset: str
    as_of: date
    scope: str
    currency: str
    customers: int
    revenue: float
    revenue_rank: int | None = None
    cumulative_share: float | None = None
    is_top_20_percent: bool | None = None
    segment: str | None = None
    value_tier: str | None = None
    stage: str | None = None
    recency_score: int | None = None
    frequency_score: int | None = None
    monetary_score: int | None = None
    first_on: date | None = None
    last_on: date | None = None
    occasions: int | None = None
    days_since_last: int | None = None
    profit_label: str = "profit"
    profit: float | None = None
    profit_rate: float | None = None
    profit_rank: int | None = None
    is_negative: bool | None = None
    clv: float | None = None
    p_alive: float | None = None
    expected_occasions: float | None = None
    clv_earning: str = ""
    clv_horizon_months: int = 0
    clv_discount_rate: float = 0.0
    clv_reason: str = ""

    @property
    def last_observed_day(self) -> date:
        return self.as_of - timedelta(days=1)


def customer(dataset: str, customer_id: str, *, as_of: date) -> Customer:
    """What the reports of the day say of one customer.

    Reads the marts behind the published run; where the day has none, they are made first.
    Raises UsageError for an unknown data set, day or customer.
    """
    folder, facts = _published(dataset, as_of) or _made(dataset, as_of)
    # One row needs no second thread, which would take longer to start.
    with duckdb.connect(config={"threads": 1}) as connection:
        found = _row(connection, _mart(folder, "customer", customer_id), _CUSTOMER, customer_id)
        if found is None:
            raise UsageError(_unknown(connection, folder, customer_id, dataset, as_of))
        for mart, columns in {"name": ("name",), "clv": _CLV}.items():
            paths = _mart(folder, mart, customer_id)
            found |= _row(connection, paths, columns, customer_id) or {}
        found["profit_rank"] = _rank(connection, folder, found["profit"])
        found["is_listed"] = found["is_listed"] or _is_listed(connection, folder, customer_id)
    known = {"customer_id": customer_id, "dataset": dataset, "as_of": as_of}
    return Customer.model_validate({**known, **facts, **_terms(folder), **found})


def _published(dataset: str, as_of: date) -> tuple[Path, dict[str, str]] | None:
    """The cache folder behind the day's published run, if there still is one."""
    run = manifest.read(project.reports_folder() / dataset / str(as_of))
    if run is None or not run.book:
        return None
    folder = project.cache_folder() / run.book
    if not _mart(folder, "customer") or not _facts(folder).is_file():
        return None
    return folder, {"scope": run.scope, "currency": run.currency}


def _made(dataset: str, as_of: date) -> tuple[Path, dict[str, str]]:
    from crm_lib import marts
    from crm_lib.book import open_book

    book = open_book(dataset, as_of=as_of)
    book.verdict.raise_if_critical()
    marts.build(book)
    return book.folder, {"scope": book.scope, "currency": book.dataset.currency}


def _mart(folder: Path, name: str, customer_id: str | None = None) -> list[Path]:
    """The files of a mart, or the one with this customer; none where this run has not got it."""
    files = sorted((folder / "marts" / name).glob("*.parquet"))
    if customer_id is None or not files:
        return files
    starts = json.loads(_facts(folder).read_text())["files_from"]
    return [files[bisect_right(starts, customer_id) - 1]]


def _facts(folder: Path) -> Path:
    return folder / "marts" / _CLV_FACTS


def _terms(folder: Path) -> dict[str, Any]:
    """What profit is called, and what a lifetime value is made of or why there is none."""
    known = json.loads(_facts(folder).read_text())
    names = ("earning", "horizon_months", "discount_rate", "reason")
    terms = {f"clv_{name}": known[name] for name in names}
    return {"profit_label": known["profit_label"], "customers": known["buyers"], **terms}


def _text(value: str) -> str:
    """An SQL literal. A bound parameter would do the same but makes DuckDB import pandas (0.25 s)."""
    return "'" + value.replace("'", "''") + "'"


def _rows(paths: list[Path]) -> str:
    return f"read_parquet([{', '.join(_text(str(path)) for path in paths)}])"


def _row(
    connection: duckdb.DuckDBPyConnection,
    paths: list[Path],
    columns: tuple[str, ...],
    customer_id: str,
) -> dict[str, Any] | None:
    if not paths:
        return None
    row = connection.execute(
        f"SELECT {', '.join(columns)} FROM {_rows(paths)} WHERE customer_id = {_text(customer_id)}"
    ).fetchone()
    return dict(zip(columns, row, strict=True)) if row else None


def _rank(
    connection: duckdb.DuckDBPyConnection, folder: Path, profit: Decimal | None
) -> int | None:
    """The place of a profit among all; None without one."""
    if profit is None:
        return None
    ranks = _rows([folder / "marts" / "profit_rank.parquet"])
    row = connection.execute(f"SELECT profit_rank FROM {ranks} WHERE profit = {profit}").fetchone()
    return int(row[0]) if row else None


def _is_listed(
    connection: duckdb.DuckDBPyConnection, folder: Path, customer_id: str
) -> bool | None:
    """Whether the staged table of customers holds the id, whatever became of its row."""
    parts = json.loads((folder.parents[1] / "parts.json").read_text()).get("customers")
    if not parts:
        return None
    staged = [project.cache_folder() / part["path"] for part in parts]
    return _row(connection, staged, ("customer_id",), customer_id) is not None


def _unknown(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    customer_id: str,
    dataset: str,
    as_of: date,
) -> str:
    rows = _rows(_mart(folder, "customer"))
    alike = "ltrim(lower(trim({})), '0')"
    near = connection.execute(
        f"SELECT min(customer_id) FROM {rows} "
        f"WHERE {alike.format('customer_id')} = {alike.format(_text(customer_id))}"
    ).fetchone()
    row = connection.execute(f"SELECT count(*), min(customer_id) FROM {rows}").fetchone()
    count, example = row or (0, "")
    hint = f" Did you mean '{near[0]}'?" if near and near[0] else f" Ids look like '{example}'."
    return (
        f"There is no customer '{customer_id}' among the {count:,} of '{dataset}' "
        f"before {as_of}.{hint}"
    )
