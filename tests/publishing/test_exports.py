"""Exports: harmless in a spreadsheet, the same bytes every time, nowhere outside a run."""

from __future__ import annotations

from pathlib import Path

import ibis
import pandas as pd
import pytest

import crm_lib as crm
from crm_lib.errors import UsageError
from crm_lib.publishing import exports
from crm_lib.publishing.store import EXPORTS_VARIABLE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(EXPORTS_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "text",
    ["=1+1", '=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\tx", "\r=x", " =1", "＝1"],
)
def test_text_that_is_a_formula_gets_an_apostrophe(folder: Path, text: str) -> None:
    crm.export(pd.DataFrame({"name": [text]}), "list")
    written = pd.read_csv(folder / "list.csv", dtype=str)
    assert written["name"].tolist() == ["'" + text.replace("\r", "\n")]


def test_a_carriage_return_starts_no_row_of_its_own(folder: Path) -> None:
    crm.export(pd.DataFrame({"name": ["a\r=1", "b"]}), "list")
    assert pd.read_csv(folder / "list.csv")["name"].tolist() == ["a\n=1", "b"]


def test_negative_numbers_stay_numbers_and_other_text_stays_as_it_is(folder: Path) -> None:
    frame = pd.DataFrame({"amount": [-5.25, 3.0], "units": [-1, 2], "name": ["a-b", None]})
    crm.export(frame, "list")
    assert (folder / "list.csv").read_text() == "amount,units,name\n-5.25,-1,a-b\n3.0,2,\n"


def test_a_column_name_that_is_a_formula_is_harmless_too(folder: Path) -> None:
    crm.export(pd.DataFrame({"=cmd()": pd.Categorical(["@x"])}), "list")
    assert (folder / "list.csv").read_text() == "'=cmd()\n'@x\n"


def test_days_are_iso_without_a_time_and_text_is_utf8_without_a_mark(folder: Path) -> None:
    days = pd.to_datetime(["2023-01-05", None])
    crm.export(pd.DataFrame({"on": days, "name": ["茶", "Zoë"]}), "list")
    assert (folder / "list.csv").read_bytes() == "on,name\n2023-01-05,茶\n,Zoë\n".encode()


def test_an_engine_table_is_collected(folder: Path) -> None:
    crm.export(ibis.memtable({"id": ["007"], "n": [1]}), "list")
    assert (folder / "list.csv").read_text() == "id,n\n007,1\n"


@pytest.mark.parametrize(
    ("rows", "said"), [(0, "No rows: "), (1, "The one row: "), (2, "All 2 rows: ")]
)
def test_the_note_counts_as_people_do(folder: Path, rows: int, said: str) -> None:
    assert crm.export(pd.DataFrame({"n": range(rows)}), "list").text.startswith(said)


def test_more_rows_than_a_spreadsheet_opens_are_parquet(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "SHEET_ROWS", 3)
    table = ibis.memtable({"id": ["4", "3", "2", "1"], "name": ["=1+1", "b", "c", "d"]})
    note = crm.export(table, "list")
    assert [path.name for path in folder.iterdir()] == ["list.parquet"]
    assert pd.read_parquet(folder / "list.parquet")["id"].tolist() == ["4", "3", "2", "1"]
    assert "All 4 rows, more than a spreadsheet opens" in note.text
    with pytest.raises(UsageError, match="already"):
        crm.export(table, "list")
    crm.export(table.limit(3), "short")
    assert sorted(path.name for path in folder.iterdir()) == ["list.parquet", "short.csv"]


def test_outside_a_run_nothing_is_written_and_the_note_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(EXPORTS_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    note = crm.export(pd.DataFrame({"a": [1]}), "at_risk")
    assert "crm run" in note.text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../x", "a/b", "", "A B", "/etc/x", ".hidden"])
def test_a_name_that_is_not_a_plain_file_name_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name an export"):
        crm.export(pd.DataFrame({"a": [1]}), name)


def test_a_second_export_of_the_same_name_is_refused(folder: Path) -> None:
    crm.export(pd.DataFrame({"a": [1]}), "list")
    with pytest.raises(UsageError, match="already"):
        crm.export(pd.DataFrame({"a": [2]}), "list")
    assert "1" in (folder / "list.csv").read_text()
