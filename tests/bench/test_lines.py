"""A time on order lines counts only for equal numbers, and the tables say what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from bench import report
from bench.compare import differences, disagreement
from bench.lines import OURS_600MB, PANDAS, POLARS, SQL, STAGES
from bench.models import LIFETIMES, OURS
from tests.bench.made import result, run

OURS_ROWS = """(VALUES
    ('a', DATE '2025-01-01', 10.10::DECIMAL(18,2), 1.5::DOUBLE, 2),
    ('b', DATE '2025-02-01', -3.00::DECIMAL(18,2), NULL, 0)) t(customer_id, month, revenue, gap, n)"""


def written(path: Path, rows: str) -> Path:
    duckdb.sql(f"COPY (FROM {rows}) TO '{path}' (FORMAT parquet)")
    return path


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("10.10::DECIMAL(18,2)", "10.1000000001::DOUBLE", {}),
        ("10.10::DECIMAL(18,2)", "10.11::DECIMAL(18,2)", {"revenue": 1}),
        ("1.5::DOUBLE", "1.5000001::DOUBLE", {"gap": 1}),
        ("NULL", "'nan'::DOUBLE", {}),
        ("NULL", "0.0", {"gap": 1}),
        ("DATE '2025-01-01'", "TIMESTAMP '2025-01-01'", {}),
        ("('b'", "('c'", {"rows": 2}),
        (", 2)", ", 3)", {"n": 1}),
    ],
)
def test_results_are_compared_by_cent_and_day(
    tmp_path: Path, old: str, new: str, found: dict[str, int]
) -> None:
    ours = written(tmp_path / "ours.parquet", OURS_ROWS)
    theirs = written(tmp_path / "theirs.parquet", OURS_ROWS.replace(old, new))
    assert differences(ours, theirs, ("customer_id", "month"), ("revenue", "gap", "n")) == found


def test_rows_of_nobody_meet_rows_of_nobody(tmp_path: Path) -> None:
    rows = OURS_ROWS.replace("'b'", "NULL")
    ours, theirs = (written(tmp_path / f"{name}.parquet", rows) for name in ("one", "two"))
    assert differences(ours, theirs, ("customer_id", "month"), ("revenue", "gap", "n")) == {}


def test_a_disagreement_names_table_column_and_rows(tmp_path: Path) -> None:
    for side, mean in (("ours", "NULL"), ("same", "0.0"), ("other", "7.0")):
        (tmp_path / side).mkdir()
        rows = f"(VALUES ('a', 0, 0, 9, {mean}::DOUBLE)) t(customer_id, x, t_x, T, mean_spend)"
        written(tmp_path / side / "summary.parquet", rows)
    ours = tmp_path / "ours"
    assert disagreement(ours, tmp_path / "same") == ""
    assert disagreement(ours, tmp_path / "other") == "summary.mean_spend in 1 rows"
    assert disagreement(ours, tmp_path) == "summary is missing"


def test_a_column_that_was_not_made_is_no_equal_result(tmp_path: Path) -> None:
    ours = written(tmp_path / "ours.parquet", OURS_ROWS)
    theirs = written(tmp_path / "theirs.parquet", "(VALUES ('a', 1)) t(customer_id, n)")
    with pytest.raises(duckdb.BinderException, match="gap"):
        differences(ours, theirs, ("customer_id",), ("gap", "n"))


def staged(engine: str, each: float, gigabytes: float) -> dict[str, Any]:
    stages = dict.fromkeys(STAGES, each)
    return run(engine, 3 * each, stages=stages, peaks=dict.fromkeys(STAGES, gigabytes * 1e9))


def test_tables_of_lines_show_stages_ratios_and_aims() -> None:
    other = run(POLARS, status="other numbers: ledger.revenue in 3 rows")
    found = result(
        "lines-facts-1m",
        staged(OURS, 1.0, 0.5), staged(OURS, 2.0, 0.5), staged(OURS, 3.0, 0.5),
        staged(OURS_600MB, 3.0, 0.3), staged(SQL, 1.6, 0.4), staged(PANDAS, 5.0, 2.2), other,
        lines=7_300_000,
    )  # fmt: skip
    page = report.page(found)
    row = "| 7,300,000 | customer facts | 2.00 s | 3.00 s | 1.5× | 1.60 s | 0.8× | 5.00 s | 2.5× | – | – | other numbers"
    assert row in page
    assert "| 7,300,000 | all | 6.00 s (3.00 s–9.00 s) |" in page
    assert "within 1.3× of plain DuckDB SQL | 1.25× | reached |" in page
    assert "crm_lib: at least 3× faster than pandas | 2.50× | missed |" in page
    assert "crm_lib: at least 4× leaner than pandas | 4.40× | reached |" in page
    assert "CRM_MEMORY=600MB: at least 4× leaner than pandas | 7.33× | reached |" in page


def test_the_aim_is_judged_at_the_largest_size() -> None:
    small = result("lines-summary-100k", run(OURS, 1.0), run(LIFETIMES, 9.0), lines=700_000)
    large = result("lines-summary-1m", run(OURS, 2.0), run(LIFETIMES, 9.0), lines=7_000_000)
    page = report.page(small | large)
    assert "7,000,000 lines: at least 5× lifetimes' summary | 4.50× | missed |" in page
