"""Notebooks run in this process on ledgers of their own; one cache for all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeProject
from tests.notebooks import synthetic
from tests.notebooks.said import Said, execute

RunNotebook = Callable[..., Said]
Ledger = Callable[..., None]


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all projects of the session and its parallel processes: data is judged once."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "cache-of-notebooks"


@pytest.fixture
def ledger(
    make_project: MakeProject, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Ledger:
    """`ledger(name, files, yml)`: `make_project` with the session's cache."""

    def make(name: str, files: Mapping[str, str], yml: str) -> None:
        make_project(name, files=dict(files), yml=yml)
        monkeypatch.setenv("CRM_CACHE", str(shared_cache))

    return make


@pytest.fixture(scope="session")
def company_files() -> dict[str, str]:
    return {f"{name}.csv": synthetic.as_csv(rows) for name, rows in synthetic.tables().items()}


@pytest.fixture
def company(ledger: Ledger, company_files: dict[str, str]) -> str:
    """The synthetic company as CSV files; its name as a data set."""
    ledger("synthetic", company_files, synthetic.yml())
    return "synthetic"


@pytest.fixture
def twin(ledger: Ledger, company: str, company_files: dict[str, str]) -> str:
    """A second data set beside the company: the lines of every other customer."""
    lines = [row for row in synthetic.tables()["lines"] if row["customer"][-1:] in set("02468")]
    files = {**company_files, "lines.csv": synthetic.as_csv(lines)}
    ledger("twin", files, synthetic.yml().replace(f"data/{company}", "data/twin"))
    return "twin"


@pytest.fixture
def said(tmp_path_factory: pytest.TempPathFactory) -> RunNotebook:
    """`said(stem, **parameters)`: what the notebook shows with these parameters.

    `pictures` and `until` as in `execute`.
    """

    def run(stem: str, *, pictures: bool = True, until: str = "", **parameters: Any) -> Said:
        folder = tmp_path_factory.mktemp("exports")
        return execute(stem, folder, parameters, pictures=pictures, until=until)

    return run
