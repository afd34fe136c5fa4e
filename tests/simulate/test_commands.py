"""`crm simulate` and `crm score`: what they write and print, and what they refuse."""

from __future__ import annotations

import errno
import hashlib
import shlex
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from typer.main import get_command
from typer.testing import CliRunner

from crm_lib import dataset
from crm_lib.cli import app
from crm_lib.errors import UsageError
from crm_lib.simulate import COMPANIES, company
from crm_lib.simulate.folder import held


def crm(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def shown(result: Result) -> str:
    return " ".join(result.output.split())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, with the prompt in its folder."""
    for folder in ("data", "notebooks"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("CRM_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def planted(folder: Path) -> dict[str, str]:
    rows = pq.read_table(folder / "truth" / "laws.parquet").to_pylist()
    return {row["parameter"]: row["value"] for row in rows if row["law"] == "simulation"}


def test_the_defaults_are_a_demo_in_the_data_of_the_project(home: Path) -> None:
    result = crm("simulate", "supplier")
    assert result.exit_code == 0, result.output
    assert dataset.names() == ["demo_supplier"]
    size = planted(home / "data" / "demo_supplier")
    assert (size["customers"], size["months"], size["seed"]) == ("2000", "60", "1")
    rows = pq.read_table(home / "data" / "demo_supplier" / "lines").num_rows
    assert f"data/demo_supplier: lines {rows:,}, customers 2,000," in result.stdout
    for command in ("check demo_supplier --as-of default", "score demo_supplier"):
        assert f"crm {command}" in result.stdout
    assert "demo_supplier" in crm("datasets").output


def test_outside_the_data_folder_no_command_finds_it(home: Path, tmp_path: Path) -> None:
    result = crm("simulate", "retailer", "--customers", "20", "--months", "3", "--out", "there")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "there" / "dataset.yml").is_file()
    assert "Next:" not in result.output
    assert "simulate it into data/ of a project" in shown(result)
    assert dataset.names() == []


def test_it_needs_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    result = crm("simulate", "retailer", "--customers", "20", "--months", "3", "--out", "there")
    assert result.exit_code == 0, result.output
    assert "Next:" not in result.output
    result = crm("simulate", "retailer", "--customers", "20")
    assert result.exit_code == 2
    assert "No project found" in result.output


def test_the_help_tells_the_sizes_that_are_declared() -> None:
    sizes = ", ".join(f"{name} {company(name).customers}" for name in COMPANIES)
    options = {option.name: option for option in get_command(app).commands["simulate"].params}
    assert f"(default: {sizes})" in options["customers"].help


def test_commands_to_run_next_can_be_pasted(home: Path) -> None:
    size = ("--customers", "20", "--months", "3", "--out", "data/two words")
    result = crm("simulate", "supplier", *size)
    assert "crm check 'two words' --as-of default" in result.stdout


def test_the_folder_is_named_as_it_was_given(home: Path) -> None:
    size = ("--customers", "20", "--months", "3")
    mine = home / "data" / "mine" / "notes.md"
    assert crm("simulate", "supplier", *size, "--out", "data/mine").exit_code == 0
    mine.write_text("mine")
    for out in ("data/mine", str(home / "data" / "mine")):
        result = crm("simulate", "supplier", *size, "--out", out)
        assert result.exit_code == 2
        assert "'data/mine' holds what was not simulated (notes.md);" in shown(result)
    assert mine.read_text() == "mine"
    assert crm("simulate", "supplier", *size, "--out", "data/mine", "--force").exit_code == 0
    assert not mine.exists()
    assert "'/' cannot be the folder" in shown(crm("simulate", "supplier", "--out", "/"))


def test_while_another_one_writes_it_exits_6(home: Path) -> None:
    with held((home / "data" / "par").resolve(), "par"):
        result = crm("simulate", "supplier", "--customers", "20", "--out", "data/par")
    assert result.exit_code == 6
    assert "another `crm simulate` is writing 'data/par'; try again" in shown(result)


def test_a_full_disk_leaves_nothing_half_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("crm_lib.simulate.whole.write", full)
    result = crm("simulate", "supplier", "--customers", "20", "--months", "3")
    assert result.exit_code == 2
    assert "No space left on device. Nothing half-made was written." in shown(result)
    assert [path.name for path in (home / "data").iterdir()] == [".demo_supplier.lock"]


@pytest.mark.parametrize("extra", [[], ["--dirt", "heavy"], ["--plain"]])
def test_the_command_in_the_file_gives_the_same_files_again(home: Path, extra: list[str]) -> None:
    size = ["--customers", "150", "--months", "24", "--seed", "9", "--out", "data/some where"]
    assert crm("simulate", "retailer", *size, *extra).exit_code == 0
    folder = home / "data" / "some where"
    before = digests(folder)
    program, *arguments = shlex.split(dataset.read(folder / "dataset.yml").obtain)
    assert program == "crm"
    (folder / "truth" / "months.parquet").unlink()
    result = crm(*arguments)
    assert result.exit_code == 0, result.output
    assert digests(folder) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["retailler"], "Did you mean 'retailer'? Known: retailer, supplier"),
        (["retailer", "--customers", "0"], "at least 1 customer, not 0"),
        (["retailer", "--months", "0"], "1 to 240, not 0"),
        (["retailer", "--months", "241"], "1 to 240, not 241"),
        (["retailer", "--seed", "-1"], "not -1"),
        (["retailer", "--dirt", "havy"], "Did you mean 'heavy'? Known: none, light, heavy"),
        (["retailer", "--customers", "many"], "integer"),
        (["retailer", "--jobs", "0"], "--jobs"),
        (["retailer", "--out", "notebooks/mine"], "is no simulated company; nothing in it was touched"),
        (["retailer", "--out", "notebooks/mine/note.txt"], "note.txt"),
    ],
)  # fmt: skip
def test_wrong_usage_exits_2_and_writes_nothing(
    home: Path, arguments: list[str], says: str
) -> None:
    note = home / "notebooks" / "mine" / "note.txt"
    note.parent.mkdir()
    note.write_text("mine")
    result = crm("simulate", *arguments)
    assert result.exit_code == 2, result.output
    assert says in shown(result)
    assert "Traceback" not in result.output
    assert note.read_text() == "mine"
    assert list((home / "data").iterdir()) == []


def board(*holds: bool | None) -> pd.DataFrame:
    """A scoreboard with one row a value of `holds`."""
    rows = [
        ("stages", f"measure {number}", "0.31", "0.30", "0.02", each, "as [planted]")
        for number, each in enumerate(holds)
    ]
    names = ["subject", "measure", "planted", "found", "tolerance", "holds", "note"]
    return pd.DataFrame(rows, columns=names)


@pytest.mark.parametrize(
    ("holds", "code", "says"),
    [
        ([True, True], 0, "2 measures hold.\n"),
        ([True, None], 0, "1 measure holds.\n"),
        ([None, None], 0, "Nothing could be judged.\n"),
        ([True, False], 5, "1 is outside its tolerance: stages, measure 1."),
        (
            [False, False],
            5,
            "2 are outside their tolerances: stages, measure 0; stages, measure 1.",
        ),
    ],
)
def test_a_score_outside_its_tolerance_exits_5(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    holds: list[bool | None],
    code: int,
    says: str,
) -> None:
    asked = []

    def scored(name: str, as_of: object) -> pd.DataFrame:
        asked.append((name, str(as_of)))
        return board(*holds)

    monkeypatch.setattr("crm_lib.score.board", scored)
    crm("simulate", "supplier", "--customers", "10", "--months", "3")
    result = crm("score", "demo_supplier")
    assert result.exit_code == code, result.output
    assert asked == [("demo_supplier", "2026-01-01")]
    assert "measure 0" in result.output
    assert says in result.output
    # What holds is explained when asked for, the rest always.
    assert result.output.count("as [planted]") == (1 if set(holds) != {True} else 0)
    assert "as [planted]" in crm("score", "demo_supplier", "--notes").output


def test_a_score_of_an_unknown_data_set_names_the_nearest(home: Path) -> None:
    crm("simulate", "supplier", "--customers", "10", "--months", "3")
    result = crm("score", "demo_suplier")
    assert result.exit_code == UsageError.exit_code
    assert "Did you mean 'demo_supplier'" in result.output
