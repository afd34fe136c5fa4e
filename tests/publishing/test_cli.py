"""The command line: what it prints, which exit code it gives, and that it runs nothing on a typo."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

import duckdb
import pytest
from click.testing import Result
from typer.testing import CliRunner

from crm_lib.cli import app
from tests.conftest import ROOT
from tests.publishing.conftest import write_notebook

DAY = "2023-04-01"
HEAVY = ("pandas", "ibis", "duckdb", "great_expectations", "nbformat", "papermill", "matplotlib")


def crm(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def bad_lines(project: Path) -> Iterator[Path]:
    """The ledger with one amount that nobody can read, put right again after the test."""
    lines = project / "data" / "six" / "lines.csv"
    good = lines.read_text()
    lines.write_text(good.replace("500.00", "=1+1"))
    yield lines
    lines.write_text(good)


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = f"import sys, crm_lib.cli; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert found.stdout == "[]\n", found.stderr
    shown = crm("--help").output
    for command in (
        "run", "check", "quarantine", "lookup", "datasets", "reports", "init", "simulate", "score",
        "verify",
    ):  # fmt: skip
        assert f" {command} " in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "six"], "--as-of"),
        (["run", "six", "--as-of", DAY, "--nonsense"], "nonsense"),
        (["runn"], "runn"),
        (["run", "sixx", "--as-of", DAY], "Did you mean 'six'"),
        (["run", "six", "--as-of", "1 April"], "YYYY-MM-DD"),
        (["run", "six", "--as-of", "2023-03-01..2023-04-01"], "--every"),
        (["run", "six", "--as-of", "2023-03-01..2023-04-01", "--every", "moon"], "Did you mean 'month'"),
        (["run", "six", "--as-of", "default", "--every", "month"], "--every needs a range"),
        (["run", "six", "--as-of", DAY, "--only", "segmants"], "Did you mean 'segments'"),
        (["run", "six", "--as-of", DAY, "-p", "top_shar=1"], "Did you mean 'top_share'"),
        (["run", "six", "--as-of", DAY, "-p", "top_share"], "name=value"),
        (["check", "six", "--as-of", DAY, "--scope", "plaice = 'x'"], "plaice"),
        (["quarantine", "six", "--as-of", DAY, "--out", "x.csv", "--table", "contacts"], "no table 'contacts'"),
        (["lookup", "six", "ann", "--as-of", DAY], "no customer 'ann'"),
        (["lookup", "six", " Anna", "--as-of", DAY], "Did you mean 'anna'"),
        (["reports", "sixx"], "Did you mean 'six'"),
    ],
)  # fmt: skip
def test_wrong_usage_exits_2_says_why_and_runs_nothing(
    project: Path, arguments: list[str], says: str
) -> None:
    result = crm(*arguments)
    assert result.exit_code == 2, result.output
    assert says in result.output
    assert "Traceback" not in result.output
    assert not (project / "reports" / "six" / ".runs").exists()


def test_a_dry_run_checks_everything_and_says_what_would_run(project: Path) -> None:
    span = ["--as-of", "2023-03-01..2023-04-01", "--every", "month"]
    result = crm("run", "six", *span, "-p", "top_share=0.1", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "2 report(s) of 'six' as of 2023-03-01, 2023-04-01" in result.output
    assert "03_segments  Segments  [top_share=0.1]" in result.output
    faulty = project / "expectations" / "lines.json"
    faulty.write_text("{not json")
    try:
        assert crm("run", "six", *span, "--dry-run").exit_code == 2
    finally:
        faulty.unlink()
    assert not (project / "reports" / "six" / ".runs").exists()


def test_the_default_day_may_end_a_range(project: Path) -> None:
    result = crm("run", "six", "--as-of", "2023-03-01..default", "--every", "month", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "as of 2023-03-01, 2023-04-01" in result.output


def test_a_run_ends_with_the_address_of_its_page_and_where_time_went(project: Path) -> None:
    result = crm("run", "six", "--as-of", "default", "-p", "03:top_share=0.1")
    assert result.exit_code == 0, result.output
    page = Path(unquote(urlparse(result.stdout.strip()).path))
    times = result.stderr.splitlines()[-1]
    assert page == project / "reports" / "six" / "latest" / "index.html"
    assert "10% of customers" in page.read_text()
    assert all(stage in times for stage in ("data", "marts", "reports", "publish"))
    assert "03_segments done" in result.stderr
    history = crm("reports", "six").output
    assert "2023-04-01" in history
    assert "share of customers called top" in history


def test_where_runs_lie_is_told_of_reports_outside_the_project(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_REPORTS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "400")
    run = tmp_path / "six" / ".runs" / "0001-2023-04-01"
    run.mkdir(parents=True)
    facts = {"id": "", "kind": "run", "dataset": "six", "dataset_title": "Six", "currency": "EUR",
             "as_of": DAY, "generated_at": "2023-04-02T00:00:00+00:00", "fingerprint": ""}  # fmt: skip
    (run / "manifest.json").write_text(json.dumps(facts))
    assert f" {tmp_path}/six/{DAY}/index.html" in crm("reports", "six").output


def test_an_interrupt_within_a_query_exits_130(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise RuntimeError("Query interrupted") from KeyboardInterrupt()

    monkeypatch.setattr("crm_lib.publishing.runner.run", interrupted)
    result = crm("run", "six", "--as-of", DAY)
    assert result.exit_code == 130
    assert "interrupted" in result.stderr


@pytest.mark.parametrize("variable", ["CRM_REPORTS", "CRM_CACHE"])
def test_a_folder_that_cannot_be_written_to_exits_2_and_is_named(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv(variable, str(blocked / "inside"))
    result = crm("run", "six", "--as-of", DAY)
    assert result.exit_code == 2, result.output
    assert f"cannot write {blocked}" in result.stderr
    assert "Not a directory" in result.stderr


def test_a_full_disk_is_a_clear_error_and_the_last_good_run_stays(project: Path) -> None:
    """A limit on the size of files stands for the full disk: both refuse a write in the middle of it."""
    assert crm("run", "six", "--as-of", DAY).exit_code == 0
    latest = project / "reports" / "six" / "latest"
    good = latest.resolve(), (latest / "metrics.json").read_bytes()
    result = subprocess.run(
        [sys.executable, "-m", "crm_lib.cli", "run", "six", "--as-of", "2023-03-15"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000)),
        env={**os.environ, "CRM_HOME": str(project), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2, result.stderr
    assert "cannot write" in result.stderr
    assert "File too large" in result.stderr
    assert "Nothing half-made was published." in result.stderr
    assert "Traceback" not in result.stderr
    assert (latest.resolve(), (latest / "metrics.json").read_bytes()) == good


def test_neither_memory_nor_room_to_spill_exits_2_and_says_what_helps(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_much(*_: object, **__: object) -> None:
        with duckdb.connect() as connection:
            connection.execute("SET memory_limit = '20MB'; SET max_temp_directory_size = '1MB'")
            connection.execute(f"SET temp_directory = '{tmp_path}'; SET threads = 1")
            connection.execute(
                "CREATE TABLE t AS SELECT range, md5(range::text) FROM range(3e6::int)"
            )

    monkeypatch.setattr("crm_lib.publishing.runner.run", too_much)
    result = crm("run", "six", "--as-of", DAY)
    assert result.exit_code == 2, result.output
    assert "neither memory nor the folder to spill to has room" in result.stderr
    assert "CRM_MEMORY" in result.stderr


def test_rows_set_aside_cannot_be_written_where_no_file_can_be(project: Path) -> None:
    result = crm("quarantine", "six", "--as-of", DAY, "--out", "/proc/x.csv")
    assert result.exit_code == 2, result.output
    assert "cannot write /proc/x.csv: " in result.stderr


def test_a_file_that_may_not_be_read_is_named_as_such(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = project / "data" / "six" / "lines.csv"

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(lines))

    monkeypatch.setattr("crm_lib.publishing.runner.run", refused)
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != str(lines))
    result = crm("run", "six", "--as-of", DAY)
    assert result.exit_code == 2
    assert f"cannot read {lines}: Permission denied." in result.stderr


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        duckdb.IOException('IO Error: Could not write file "x": No space left on device'),
    ],
)
def test_a_full_disk_exits_2(
    project: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def full(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("crm_lib.publishing.runner.run", full)
    result = crm("run", "six", "--as-of", DAY)
    assert result.exit_code == 2
    assert "cannot write: " in result.stderr
    assert "No space left on device. Nothing half-made was published." in result.stderr


@pytest.mark.parametrize("size", [0, 100])
def test_a_damaged_file_of_the_cache_is_told_with_what_to_do(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setenv("CRM_CACHE", str(tmp_path))
    assert crm("check", "six", "--as-of", DAY).exit_code == 0
    for part in tmp_path.glob("six/parts/lines/*.parquet"):
        os.truncate(part, size)
    result = crm("check", "six", "--as-of", "2023-03-01")
    assert result.exit_code == 2
    assert f"Remove {tmp_path}, all of which is made anew, and run again." in result.stderr
    shutil.rmtree(tmp_path)
    assert crm("check", "six", "--as-of", "2023-03-01").exit_code == 0


def test_a_fault_of_ours_exits_1_with_its_traceback(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashed(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("crm_lib.publishing.runner.run", crashed)
    result = crm("run", "six", "--as-of", DAY)
    assert result.exit_code == 1
    assert isinstance(result.exception, ZeroDivisionError)


def test_the_data_sets_of_the_project_are_listed(project: Path) -> None:
    assert "Six customers" in crm("datasets").output


def test_a_check_shows_rows_rules_and_coverage(project: Path) -> None:
    result = crm("check", "six", "--as-of", DAY)
    assert result.exit_code == 0, result.output
    for shown in ("lines.amount_readable", "03_segments", "full", "passed"):
        assert shown in result.output
    assert "not applicable" not in result.output
    assert "What would unlock more" not in result.output, (
        "these reports need no more than they have"
    )


def test_a_check_lists_rules_that_do_not_apply_and_what_more_columns_would_unlock(
    project: Path,
) -> None:
    meta = {"rule_id": "lines.cost", "because": "x", "on_fail": "quarantine"}
    rule = {
        "type": "expect_column_values_to_be_between", "severity": "critical", "meta": meta,
        "kwargs": {"column": "cost", "min_value": 0},
    }  # fmt: skip
    suite = project / "expectations" / "lines.json"
    suite.write_text(json.dumps({"name": "lines", "expectations": [rule]}))
    code = "import crm_lib as crm\ncrm.profiles.preferences(book.lines, book.table('products'))"
    notebook = write_notebook(project / "notebooks", "06_more", code)
    try:
        result = crm("check", "six", "--as-of", DAY)
    finally:
        suite.unlink()
        notebook.unlink()
    assert result.exit_code == 0, result.output
    shown = " ".join(result.output.split())
    assert (
        "not applicable lines.cost critical quarantine dataset.yml maps no cost in 'lines'" in shown
    )
    assert "What would unlock more" in shown
    assert "products 06_more" in shown


def test_a_critical_rule_within_its_tolerance_is_not_called_critical(
    project: Path, bad_lines: Path
) -> None:
    settings = project / "data" / "six" / "dataset.yml"
    strict = settings.read_text()
    settings.write_text(strict + "tolerate: {lines.amount_readable: 0.1}\n")
    try:
        result = crm("check", "six", "--as-of", DAY)
    finally:
        settings.write_text(strict)
    assert result.exit_code == 0, result.output
    assert "within tolerance: 1 of 11 rows of 'lines'" in result.output
    assert "critical: " not in result.output
    assert "passed with warnings" in result.output


def test_a_check_of_critical_data_exits_3_and_the_rows_can_be_corrected(
    project: Path, bad_lines: Path, tmp_path: Path
) -> None:
    result = crm("check", "six", "--as-of", DAY)
    assert result.exit_code == 3, result.output
    assert "lines.amount_readable" in result.output
    assert "crm quarantine six --as-of 2023-04-01" in result.output

    out = tmp_path / "rows.csv"
    assert crm("quarantine", "six", "--as-of", DAY, "--out", str(out)).exit_code == 0
    header, row = out.read_text().splitlines()
    assert header.startswith(
        "customer,order,when,amount,quantity,product,source_file,row_id,row,rule_ids"
    )
    assert row.startswith("carla,6,2023-02-10,'=1+1,5,pot,data/six/lines.csv,6,6,")
    assert "lines.amount_readable" in row
    assert crm("quarantine", "six", "--as-of", DAY, "--out", str(out)).exit_code == 2

    corrections = project / "data" / "six" / "corrections" / "lines.csv"
    corrections.parent.mkdir()
    try:
        corrections.write_text(out.read_text().replace("'=1+1", "500.00"))
        assert crm("check", "six", "--as-of", DAY).exit_code == 0
    finally:
        corrections.unlink()
        corrections.parent.rmdir()


def test_a_lookup_answers_for_one_customer(project: Path) -> None:
    # Of five buyers one is the top 20%: carla with 400 of 690 net of returns.
    result = crm("lookup", "six", "carla", "--as-of", DAY)
    assert result.exit_code == 0, result.output
    shown = " ".join(result.output.split())
    assert "top 20% by revenue yes" in shown
    assert "€400.00" in shown
    assert "Rank by revenue 1 of 5" in shown
    assert "2023-02-10 – 2023-02-10" in shown
    assert "Days since last, on 2023-03-31 49" in shown
    assert "Lifetime value not available: A model is judged by what customers did" in shown
    shown = " ".join(crm("lookup", "six", "fred", "--as-of", DAY).output.split())
    assert "never bought" in shown
    assert "−€5.00" in shown


PEOPLE = """  customers:
    source: {files: data/six/people.csv}
    columns: {customer_id: id}
tolerate: {customers.key_unique: 0.5}
"""


@pytest.fixture
def people(project: Path) -> Iterator[Path]:
    """A customers table that lacks carla and holds anna twice, taken away again after the test."""
    folder = project / "data" / "six"
    settings, table = folder / "dataset.yml", folder / "people.csv"
    before = settings.read_text()
    settings.write_text(before + PEOPLE)
    table.write_text("id\nanna\nben\ndora\nemil\nfred\nanna\n")
    yield table
    settings.write_text(before)
    table.unlink()


def test_a_lookup_says_that_the_customers_table_lacks_the_id(project: Path, people: Path) -> None:
    day = "2023-03-31"  # not published: a lookup speaks of the data behind the published run
    assert "not in the customers table" not in crm("lookup", "six", "anna", "--as-of", day).output
    shown = " ".join(crm("lookup", "six", "carla", "--as-of", day).output.split())
    assert "carla is not in the customers table of 'six'; the id may be mistyped." in shown


def test_a_check_names_every_table_with_rows_set_aside_and_what_unknown_ids_do(
    project: Path, people: Path
) -> None:
    shown = " ".join(crm("check", "six", "--as-of", DAY).output.split())
    assert "--table customers --out customers.csv" in shown
    assert "--table lines" not in shown
    assert "An id that 'customers' lacks still counts as a customer of its own" in shown
