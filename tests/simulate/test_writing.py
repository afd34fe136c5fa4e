"""The same seed gives the same bytes, and chunks and processes change nothing."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from crm_lib.errors import UsageError
from crm_lib.simulate import company, simulate, writing
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
        folder = tmp_path / f"by{chunk_blocks}"
        made = Scale(company("retailer"), 700, 18, 5, dirt, folder, chunk_blocks)
        writing.write_parts(made, 1)
        rows.append(_rows(folder))
    assert rows[0] == rows[1] == rows[2]


def test_processes_change_no_byte(tmp_path):
    made = []
    for jobs in (1, 2):
        folder = tmp_path / f"by{jobs}"
        count = BLOCK_CUSTOMERS + 500
        scale = Scale(company("retailer"), count, 6, 2, "none", folder, part_blocks=1)
        writing.write_parts(scale, jobs)
        made.append(_bytes(folder))
    assert made[0] == made[1]
    assert sum(name.endswith("part-0001.parquet") for name in made[0]) > 6


def test_the_folder_may_be_the_present_one(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    made = simulate("supplier", customers=20, months=3, seed=1, out=Path("."))
    assert made.folder == tmp_path / "here"
    assert (tmp_path / "here" / "dataset.yml").is_file()


def test_what_is_no_simulated_company_is_not_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious.csv").write_text("1")
    with pytest.raises(UsageError, match="no simulated company"):
        simulate("retailer", **SIZE, out=tmp_path / "mine")
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
