"""The same seed gives the same bytes, and chunks and processes change nothing."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from crm_lib.errors import RunLocked, UsageError
from crm_lib.simulate import company, folder, simulate, writing
from crm_lib.simulate.block import BLOCK_CUSTOMERS
from crm_lib.simulate.writing import Scale

SIZE = {"customers": 700, "months": 18, "seed": 5}


def _bytes(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _rows(folder: Path) -> dict[str, list]:
    return {
        str(path.relative_to(folder)): pq.read_table(path).to_pylist()
        for path in folder.rglob("*.parquet")
    }


@pytest.mark.parametrize("name", ["retailer", "supplier"])
@pytest.mark.parametrize("dirt", ["none", "heavy"])
def test_the_same_seed_gives_the_same_bytes(tmp_path, name, dirt):
    out = tmp_path / "made"
    simulate(name, **SIZE, dirt=dirt, out=out)
    first = _bytes(out)
    simulate(name, **SIZE, dirt=dirt, out=out)  # replaces it
    assert _bytes(out) == first
    simulate(name, **{**SIZE, "seed": 6}, dirt=dirt, out=out)
    other = _bytes(out)
    lines = [name for name in first if name.startswith("lines/")]
    assert lines
    assert all(other.get(name) != first[name] for name in lines)


@pytest.mark.parametrize("dirt", ["none", "heavy"])
def test_chunks_change_no_row(tmp_path, monkeypatch, dirt):
    monkeypatch.setattr(writing, "BLOCK_CUSTOMERS", 128)
    rows = []
    for chunk_blocks in (1, 2, 5):
        out = tmp_path / f"by{chunk_blocks}"
        writing.write_parts(Scale(company("retailer"), 700, 18, 5, dirt, out, chunk_blocks), 1)
        rows.append(_rows(out))
    assert rows[0] == rows[1] == rows[2]


def test_processes_change_no_byte(tmp_path):
    made = []
    for jobs in (1, 2):
        out = tmp_path / f"by{jobs}"
        count = BLOCK_CUSTOMERS + 500
        scale = Scale(company("retailer"), count, 6, 2, "none", out, part_blocks=1)
        writing.write_parts(scale, jobs)
        made.append(_bytes(out))
    assert made[0] == made[1]
    assert sum(name.endswith("part-0001.parquet") for name in made[0]) > 6


def test_the_folder_may_be_the_present_one(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    made = simulate("supplier", customers=20, months=3, seed=1, out=Path("."))
    assert made.folder == tmp_path / "here"
    assert (tmp_path / "here" / "dataset.yml").is_file()


def again(out: Path, **options: Any) -> list[str]:
    """What is said while another, tiny company is simulated into the folder."""
    said: list[str] = []
    simulate("supplier", customers=20, months=3, seed=2, out=out, say=said.append, **options)
    return said


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return simulate("retailer", customers=30, months=3, seed=1, out=tmp_path / "made").folder


def test_it_says_what_it_replaces(made):
    said = again(made)
    assert said[0] == "replacing the retailer of 30 customers (seed 1) that was there"
    assert not any("replacing" in line for line in again(made.with_name("other")))


def test_of_an_earlier_company_nothing_is_left(made):
    (made / "lines" / "2025-10").rename(made / "lines" / "gone")
    again(made, force=True)
    assert not (made / "lines" / "gone").exists()
    assert [path.name for path in made.parent.iterdir() if path.is_dir()] == ["made"]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("corrections/lines.csv", "holds what was not simulated (corrections/lines.csv);"),
        (
            "lines/2025-10/late.parquet",
            "holds what was not simulated (lines/2025-10/late.parquet);",
        ),
        ("dataset.yml", "was changed since (dataset.yml);"),
    ],
)
def test_the_work_of_somebody_is_replaced_only_by_force(made, file, says):
    (made / file).parent.mkdir(exist_ok=True)
    with (made / file).open("a") as own:
        own.write("# mine")
    before = _bytes(made)
    with pytest.raises(UsageError, match=re.escape(says)) as refused:
        again(made)
    assert "nothing was touched" in str(refused.value)
    assert "--force" in str(refused.value)
    assert _bytes(made) == before
    assert again(made, force=True)[0].startswith("replacing the retailer of 30 customers")
    assert "# mine" not in (made / "dataset.yml").read_text()
    again(made)  # nothing of it is somebody's now


@pytest.mark.parametrize(
    ("lost", "says"),
    [("truth", "its truth/ is missing"), ("truth/files.sha256", "truth/files.sha256 is missing")],
)
def test_where_the_list_is_lost_nothing_is_replaced_unasked(made, lost, says):
    (made / lost).rename(made.parent / "lost")
    with pytest.raises(UsageError, match=says):
        again(made)
    again(made, force=True)
    assert (made / "truth" / "laws.parquet").is_file()


def test_two_cannot_write_the_same_folder(made):
    """The folder is being built when the second one comes."""
    before = _bytes(made)
    with folder.held(made, "made") as building:
        (building / "half").write_text("made")
        with pytest.raises(RunLocked, match=r"another `crm simulate` is writing '.*made'; try"):
            again(made)
        assert (building / "half").read_text() == "made"
    assert _bytes(made) == before
    again(made)


def test_the_list_is_as_sha256sum_reads_it(made):
    lines = (made / "truth" / "files.sha256").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = {name: hashlib.sha256(data).hexdigest() for name, data in _bytes(made).items()}
    del found["truth/files.sha256"]
    assert listed == found


def test_what_is_no_simulated_company_is_not_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious.csv").write_text("1")
    with pytest.raises(UsageError, match="no simulated company"):
        simulate("retailer", **SIZE, out=tmp_path / "mine")
    with pytest.raises(UsageError, match="no simulated company"):
        simulate("retailer", **SIZE, out=tmp_path / "mine", force=True)
    assert (tmp_path / "mine" / "precious.csv").read_text() == "1"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"customers": 0}, "at least 1 customer"),
        ({"months": 0}, "1 to 240"),
        ({"seed": -1}, "positive whole number"),
        ({"dirt": "lite"}, "Did you mean 'light'"),
    ],
)
def test_a_size_that_cannot_be_is_refused(tmp_path, wrong, message):
    with pytest.raises(UsageError, match=message):
        simulate("retailer", **{**SIZE, "dirt": "none", **wrong}, out=tmp_path / "made")
    assert not (tmp_path / "made").exists()
