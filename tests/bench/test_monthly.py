"""The page says of the monthly run, of `make report` and of lookups what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import company, monthly, report
from bench.monthly import FIRST, LEDGER, LOOKUP, SECOND, ULIMIT_4GB
from bench.report import reporting
from bench.report.monthly import STAGED
from bench.reporting import COLD, WARM
from tests.bench.made import result, run


def month(size: str, customers: int, lines: int, *runs: dict[str, Any]) -> dict[str, Any]:
    return result(f"month-retailer-{size}", *runs, customers=customers, lines=lines)


def totals(ledger: str) -> dict[str, Any]:
    return {"totals": {"revenue": {"truth": "1234.50", "ledger": ledger}}}


def test_growth_month_after_ledger_and_lookups_are_told() -> None:
    small = month("100k", 100_000, 700_000, run(FIRST, 30.0, stages={"data": 20.0}))
    spread = [float(value) for value in range(1, 101)]
    large = month(
        "10m", 10_000_000, 70_000_000,
        run(FIRST, 300.0, stages={"data": 80.0, "data: ledger": 9.0, STAGED: 30.0}),
        run(SECOND, 60.0, stages={"data": 20.0, STAGED: 30.0}),
        run(LEDGER, 1.0, **totals("1234.50")),
        run(LOOKUP, 1.0, milliseconds=spread, first_milliseconds=40.0),
        run(ULIMIT_4GB, status="exit code 2: needs 9 GB"),
    )  # fmt: skip
    page = report.page(small | large)
    assert "| 10,000,000 | 70,000,000 | 300 s | 4.29 s | 0.50 | 2.00 GB | 60.0 s" not in page
    assert "| 10,000,000 | 70,000,000 | 300 s | 4.29 s | 0.50 | 2.00 GB | 60 s | 20 % |" in page
    assert "| data | 20 s | – | 80 s | 20 s |" in page
    assert "all processes | 300 s, 2.00 GB | reached |" in page
    assert "segments and stages: under 2 minutes | 110 s | reached |" in page
    assert "segments and stages: under a quarter of the first | 45 % | missed |" in page
    assert "the whole run: under a quarter of the first | 20 % | reached |" in page
    assert "exponent at most 1 | 0.50 | reached |" in page
    assert "to the cent; difference | 0.00 | reached |" in page
    assert "| 10,000,000 | 100 | 40.0 ms | 50.5 ms | 99.0 ms | 100.0 ms |" in page
    assert "(median; 99th percentile) | 50.5 ms; 99.0 ms | missed |" in page
    assert "| 10,000,000 | ulimit -v 4 GB | exit code 2: needs 9 GB | – | – |" in page


def test_a_cent_too_much_misses_the_aim() -> None:
    found = month("10m", 10_000_000, 70_000_000, run(LEDGER, 1.0, **totals("1234.51")))
    assert "to the cent; difference | 0.01 | missed |" in report.page(found)


def test_stages_are_those_of_the_manifest(tmp_path: Path) -> None:
    reports = [{"stem": "01_data", "durations": {"render": 0.5, "execute": 2.0}}]
    durations = {"durations": {"data": 3.0, "marts": 1}, "data_durations": {"reading": 2.0}}
    manifest = {**durations, "reports": reports}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert monthly.stages(tmp_path) == {
        "data": 3.0, "data: reading": 2.0, "marts": 1.0, "report: 01_data": 2.5,
    }  # fmt: skip


def test_the_floor_is_kernels_imports_and_cells_over_the_processors() -> None:
    parts = {"imports": 1.5, "cells": 2.5}
    floors = [run(f"floor: 0{number}", 4.0, stages=parts) for number in (1, 2, 3)]
    runs = [run(COLD, 45.0, stages={"data": 9.0, "report: 01": 6.0}), run(WARM, 21.0, stages={})]
    found = result("report-completejourney", *runs, run("empty kernel", 0.6), *floors)
    assert reporting.floor(found["report-completejourney"]) == pytest.approx(3 * 4.6 / 2)
    page = report.page(found)
    assert "| cold cache | 45 s | 6.5× | 9.00 s | 2.00 GB |" in page
    assert "| 01 | 600 ms | 1.50 s | 2.50 s | – |" in page
    assert "under 40 s (cold; warm) | 45 s; 21 s | missed |" in page


def test_a_company_is_delivered_month_by_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.data.FOLDER", tmp_path)
    monkeypatch.setitem(company.SIZES, "tiny", 300)
    home = company.home("tiny")
    whole, delivered = home / "whole", home / "data" / company.NAME
    every = {name: company.rows(whole / name / "*.parquet") for name in ("contacts", "customers")}
    company.deliver_first(home)
    assert len(list((delivered / "lines").iterdir())) == company.MONTHS - 1
    before = {name: company.rows(delivered / name / "*.parquet") for name in every}
    old = (delivered / "contacts" / "until-2025-12-01.parquet").read_bytes()
    company.deliver_second(home)
    assert len(list((delivered / "lines").iterdir())) == company.MONTHS
    assert {name: company.rows(delivered / name / "*.parquet") for name in every} == every
    assert all(before[name] < count for name, count in every.items())
    assert (delivered / "contacts" / "until-2025-12-01.parquet").read_bytes() == old
    assert company.rows(company.lines("tiny")) == company.rows(whole / "lines" / "*" / "*.parquet")
