"""A workshop: raw files in a project of their own, staged as a test says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from crm_lib import dataset, engine, staging

COLUMNS = {"customer_id": "customer", "order_id": "order", "ordered_at": "day", "amount": "amount"}
ROW = {"customer": "c1", "order": "o1", "day": "2023-01-05", "amount": "10"}


class Workshop:
    """A project with one data set, `shop`, whose files and `dataset.yml` a test writes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "data" / "shop"
        self.scratch = home / "scratch"
        self.folder.mkdir(parents=True)
        (home / "notebooks").mkdir()
        self.backend = engine.connect()

    def put(self, name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    def configure(
        self,
        source: dict[str, Any] | None = None,
        columns: dict[str, Any] | None = None,
        **settings: Any,
    ) -> dataset.Dataset:
        """`dataset.yml` with a table `lines` from lines.csv (or `source`), read back."""
        files = {} if "duckdb" in (source or {}) else {"files": "data/shop/lines.csv"}
        lines = {
            "source": files | (source or {}),
            "columns": COLUMNS | (columns or {}),
        }
        content = {
            "title": "Shop", "currency": "EUR", "observed_from": "2023-01-01",
            "default_as_of": "2024-01-01", "tables": {"lines": lines},
        } | settings  # fmt: skip
        self.put("dataset.yml", yaml.safe_dump(content, allow_unicode=True))
        return dataset.load("shop")

    def stage(self, table: str = "lines", **how: Any) -> list[dict[str, Any]]:
        """The staged rows of `table` in the order of `row_id`, as Python values."""
        staged = staging.stage(table, self.configure(**how), self.backend, self.scratch)
        rows: list[dict[str, Any]] = staged.order_by("row_id").to_pyarrow().to_pylist()
        return rows

    def cells(self, column: str, *cells: str, **how: Any) -> list[tuple[Any, Any]]:
        """What raw text cells become as a column of lines: (value, unreadable) each."""
        raw = how.pop("columns", {}).get(column, COLUMNS.get(column, column))
        named = raw["from"] if isinstance(raw, dict) else raw
        header = list(dict.fromkeys([*ROW, named]))
        lines = [",".join(f'"{(ROW | {named: cell})[name]}"' for name in header) for cell in cells]
        self.put("lines.csv", "\n".join([",".join(header), *lines, ""]))
        rows = self.stage(columns={column: raw}, **how)
        return [(row[column], row.get(f"unreadable_{column}")) for row in rows]


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    for variable in ("CRM_CACHE", "CRM_REPORTS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CRM_HOME", str(tmp_path))
    return Workshop(tmp_path)
