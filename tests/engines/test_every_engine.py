"""One test, every engine: on random companies, DuckDB, Spark and a naive reading find the same."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from crm_lib import engine
from crm_lib.errors import CrmError
from tests.engines.analyses import ANALYSES, FACTS
from tests.engines.company import Company, company
from tests.engines.compare import assert_same, plain
from tests.engines.on_engine import OnEngine
from tests.engines.oracles import ORACLES, Reading

ROOT = Path(__file__).resolve().parents[2]
EVERY = {**FACTS, **ANALYSES}
COMPANIES = {
    "many": {"seed": 4, "people": 110, "days": 1300},
    "few": {"seed": 5, "people": 12, "days": 800},
    "year": {"seed": 7, "people": 30, "days": 500},
    "short": {"seed": 6, "people": 3, "days": 100},
}
"""Those who are many carry models and years of the relationship; the others have the odd cases."""
ON_SPARK = ("many", "few")


@cache
def made(name: str) -> Company:
    return company(**COMPANIES[name])


@cache
def read(name: str) -> Reading:
    return Reading(made(name))


Found = Callable[[str, str], Any]


@pytest.fixture(scope="session")
def on_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """on_duckdb("many", "flow.monthly"): what DuckDB finds, each asked once."""
    return _finder(engine.connect(), tmp_path_factory.mktemp("duckdb"))


@pytest.fixture(scope="session")
def on_spark(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Found:
    return _finder(spark, tmp_path_factory.mktemp("spark"))


def _finder(backend: Any, folder: Path) -> Found:
    @cache
    def book(name: str) -> OnEngine:
        return OnEngine(backend, made(name), folder / name)

    @cache
    def found(name: str, analysis: str) -> Any:
        """What is found, or why it is refused: that must be the same, too."""
        try:
            return plain(EVERY[analysis](book(name)))
        except CrmError as refusal:
            return {"refused": str(refusal)}

    return found


def refused(found: Any) -> bool:
    return isinstance(found, dict) and "refused" in found


@pytest.mark.parametrize("analysis", ORACLES)
@pytest.mark.parametrize("name", COMPANIES)
def test_duckdb_finds_what_a_naive_reading_finds(
    name: str, analysis: str, on_duckdb: Found
) -> None:
    found = on_duckdb(name, analysis)
    if refused(found):
        assert name != "many", found
        return
    assert_same(ORACLES[analysis](read(name)), found, name=analysis)


@pytest.mark.xdist_group("spark")
@pytest.mark.parametrize("analysis", EVERY)
@pytest.mark.parametrize("name", ON_SPARK)
def test_spark_finds_what_duckdb_finds(
    name: str, analysis: str, on_duckdb: Found, on_spark: Found
) -> None:
    """Directly, not by way of the naive reading: that leaves columns and analyses out."""
    expected = on_duckdb(name, analysis)
    assert refused(expected) <= (name != "many"), expected
    assert_same(expected, on_spark(name, analysis), name=analysis)


def test_every_analysis_is_among_them() -> None:
    """Each public function that declares what it `needs`."""
    declared = set()
    analyses = ROOT / "crm_lib" / "analysis"
    for path in sorted(analyses.rglob("*.py")):
        subject = path.relative_to(analyses).with_suffix("").parts[0]
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                names = [getattr(getattr(d, "func", d), "id", "") for d in node.decorator_list]
                if "needs" in names:
                    declared.add(f"{subject}.{node.name}")
    called = {name.split(" ")[0] for name in ANALYSES}
    assert declared - called == set()


@pytest.mark.xdist_group("spark")
def test_spark_reads_what_duckdb_writes_for_it(spark: Any, tmp_path: Path) -> None:
    """Columns of very many different numbers, which DuckDB would encode by other means for itself."""
    duck = engine.connect()
    query = "SELECT i / 7 AS ratio, i, 'c' || i AS id, i::DECIMAL(18, 4) AS money FROM range(30000) t(i)"
    path = tmp_path / "many.parquet"
    duck.raw_sql(f"COPY ({query}) TO '{path}' ({engine.PARQUET['spark']})")
    rows = spark.read_parquet(path)
    totals = rows.aggregate(ratio=rows.ratio.sum(), i=rows.i.sum(), money=rows.money.sum())
    (found,) = totals.to_pyarrow().to_pylist()
    assert found["i"] == found["money"] == 30000 * 29999 // 2
    assert found["ratio"] == pytest.approx(found["i"] / 7)
