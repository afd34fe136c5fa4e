"""`engine: spark` in `dataset.yml`: the same book, the same marts and the same pages as with DuckDB."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from crm_lib import lookup, marts
from crm_lib.book import Book, open_book
from crm_lib.simulate import simulate
from tests.conftest import ROOT
from tests.engines.compare import assert_same, differences

pytestmark = pytest.mark.xdist_group("spark")
ENGINES = ("duckdb", "spark")
AS_OF = "2026-01-01"
REPORTS = ("01", "05")
TABLES = (
    "lines", "customers", "products", "contacts", "efforts", "campaigns", "exposures", "accounts",
)  # fmt: skip
"""Those that reports read."""
_OWN = re.compile(r"Made on .* UTC\.|made in [\d.]+ s|^(DuckDB|Spark) [\d.]+$|^[0-9a-f]{16}$", re.M)
"""What a page says of its making: when, how long, by which engine, from which cache."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A supplier with some dirt, and two data sets of it: all that differs is `engine:`."""
    home = tmp_path_factory.mktemp("engines")
    (home / "data").mkdir()
    for shared in ("notebooks", "expectations"):
        (home / shared).symlink_to(ROOT / shared)
    company = home / "data" / "company"
    simulate("supplier", customers=60, months=24, seed=1, dirt="light", out=company, jobs=1)
    config = yaml.load((company / "dataset.yml").read_text(), yaml.BaseLoader)
    config["tables"] = {name: config["tables"][name] for name in TABLES}
    for engine in ENGINES:
        (home / "data" / engine).mkdir()
        text = yaml.safe_dump({**config, "engine": engine})
        (home / "data" / engine / "dataset.yml").write_text(text)
    return home


@pytest.fixture(scope="module")
def books(project: Path, spark: Any) -> dict[str, Book]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_HOME", str(project))
        patch.delenv("CRM_CACHE", raising=False)
        made = {engine: open_book(engine, as_of=AS_OF) for engine in ENGINES}
        for book in made.values():
            marts.build(book)
        yield made


def test_the_verdict_is_the_same(books: dict[str, Book]) -> None:
    told = [books[e].verdict.model_dump_json().replace(f'"dataset":"{e}"', "") for e in ENGINES]
    assert told[0] == told[1]


def test_facts_ledger_and_marts_are_the_same_files(books: dict[str, Book]) -> None:
    """Names of files are hashes of what is in them and of the engine, hence compared by folder."""
    files = {
        engine: {
            re.sub("[0-9a-f]{16}", "*", str(path.relative_to(book.folder))): path
            for path in sorted(book.folder.rglob("*.parquet"))
            if path.name != "orders.parquet"  # hashes, each engine's own
        }
        for engine, book in books.items()
    }
    assert files["duckdb"].keys() == files["spark"].keys()
    for name, path in files["duckdb"].items():
        tables = [pq.read_table(p) for p in (path, files["spark"][name])]
        assert_same(*(table.to_pylist() for table in tables), name=name)
        whole = [{f.name for f in t.schema if pa.types.is_integer(f.type)} for t in tables]
        assert whole[0] == whole[1], f"{name}: a count is an integer on both engines"


def test_a_mart_is_sorted_and_its_customers_looked_up(books: dict[str, Book]) -> None:
    ids = books["spark"].mart("customer").select("customer_id").to_pyarrow()["customer_id"]
    assert ids.to_pylist() == sorted(ids.to_pylist())
    told = [
        lookup.customer(engine, ids[7].as_py(), as_of=date.fromisoformat(AS_OF)).model_dump()
        for engine in ENGINES
    ]
    assert_same(told[0] | {"dataset": ""}, told[1] | {"dataset": ""})


def test_a_run_makes_the_same_pages(project: Path, books: dict[str, Book]) -> None:
    """By `crm run` as a user calls it: kernels of their own, each with a session of its own."""
    for engine in ENGINES:
        _run(project, engine)
    for stem in REPORTS:
        pages = [_text(project, engine, stem) for engine in ENGINES]
        assert len(pages[0]) > 200
        assert [pair for pair in zip(*pages, strict=False) if pair[0] != pair[1]] == []
        assert pages[0] == pages[1]
    metrics = [json.loads((_view(project, e) / "metrics.json").read_text()) for e in ENGINES]
    assert metrics[0]
    assert differences(*metrics) == []


def _run(project: Path, engine: str) -> None:
    command = [sys.executable, "-m", "crm_lib.cli", "run", engine, "--as-of", AS_OF, "--jobs", "1"]
    for report in REPORTS:
        command += ["--only", report]
    environment = {
        **os.environ, "CRM_HOME": str(project), "CRM_MEMORY": "1GB",
        "PYSPARK_SUBMIT_ARGS": "--conf spark.sql.codegen.wholeStage=false pyspark-shell",
    }  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _view(project: Path, engine: str) -> Path:
    """The newest run of the data set."""
    (found,) = (project / "reports" / engine).rglob("manifest.json")
    return found.parent


def _text(project: Path, engine: str, stem: str) -> list[str]:
    """What a reader sees of a page, cell by cell, without what it says of its own making."""
    (page,) = _view(project, engine).glob(f"{stem}_*.html")
    text = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", "", page.read_text())
    text = html.unescape(re.sub(r"<[^>]+>", "\n", text)).replace(engine, "ENGINE")
    lines = (_OWN.sub("", line.strip()) for line in text.splitlines())
    return [line for line in lines if line]
