"""The `dataset.yml` of a simulated company: it can be read, maps what was written, and says how to
get the same files again."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pyarrow.parquet as pq
import pytest

from crm_lib import dataset, project, schema, simulate
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.delivery import configuration, dirt
from crm_lib.simulate.delivery.defects import Level

MONTHS = 24


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project."""
    for folder in ("data", "notebooks"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("CRM_HOME", str(tmp_path))
    return tmp_path


def made(name: str, folder: Path, level: str = "none") -> Path:
    return simulate.simulate(
        name, customers=120, months=MONTHS, seed=5, dirt=level, out=folder, jobs=1
    ).folder


def header(path: Path, encoding: str) -> list[str]:
    if path.suffix == ".parquet":
        return list(pq.read_schema(path).names)
    return path.read_text(encoding).splitlines()[0].replace('"', "").split(",")


@pytest.mark.parametrize("name", simulate.COMPANIES)
@pytest.mark.parametrize("level", get_args(Level))
def test_every_table_is_mapped_to_columns_that_its_files_have(
    home: Path, name: str, level: str
) -> None:
    folder = made(name, home / "data" / "demo", level)
    found = dataset.load("demo")
    delivered = {path.name for path in folder.iterdir() if path.is_dir()}
    assert set(found.tables) == delivered - {"truth", dirt.LATE_FOLDER}
    for table, config in found.tables.items():
        assert config.source is not None
        (pattern,) = config.source.files
        files = sorted(project.root().glob(pattern))
        assert files, pattern
        for path in files:
            names = header(path, "utf-8" if path.suffix == ".parquet" else "cp1252")
            names = [config.source.renamed.get(each, each) for each in names]
            assert set(config.mappings) <= set(names), path
            canonical = set(schema.TABLES[table].column_names)
            kept = set(names) if schema.TABLES[table].open_ended else set(names) & canonical
            assert set(config.mappings) == kept, path


def test_the_two_companies_fill_every_canonical_column(home: Path) -> None:
    """Design, section 4: what one company lacks (consumers have no terms) the other has."""
    for name in simulate.COMPANIES:
        made(name, home / "data" / name)
    both = [dataset.load(name) for name in simulate.COMPANIES]
    for table in schema.TABLES.values():
        mapped = {column for each in both for column in each.supplies(table.name)}
        assert set(table.column_names) <= mapped, table.name


def test_what_the_file_says_of_the_company(home: Path) -> None:
    made("retailer", home / "data" / "demo")
    found = dataset.load("demo")
    company = simulate.company("retailer")
    assert found.title == f"{company.title} (simulated)"
    assert (found.currency, found.time_zone) == (company.currency, company.time_zone)
    assert (str(found.observed_from), str(found.default_as_of)) == ("2024-01-01", "2026-01-01")
    assert (found.occasion, found.duplicates, found.audience) == ("day", "quarantine", "external")
    assert (found.purchase, found.returned) == ("amount > 0", "amount < 0")
    assert (found.warm_up_days, found.money_decimals) == (0, 2)
    assert "120 customers" in found.about
    assert "seed 5" in found.about
    assert "Pareto/NBD" in found.about
    assert "household" in found.supplies("customers"), "an attribute to profile by"
    assert found.tables["lines"].source is not None
    assert found.tables["lines"].source.files == ["data/demo/lines/*/*.parquet"]


def test_dirt_needs_encodings_and_another_name_only_where_it_is_planted(home: Path) -> None:
    sources = {}
    for level in get_args(Level):
        made("supplier", home / "data" / "demo", level)
        found = dataset.load("demo")
        lines, customers = found.tables["lines"].source, found.tables["customers"].source
        assert lines is not None
        assert customers is not None
        sources[level] = (lines.renamed, customers.encodings)
        assert ("planted defects" in found.about) == (level != "none")
    assert sources["none"] == ({}, [])
    assert sources["light"] == ({}, ["utf-8", "cp1252"])
    assert sources["heavy"] == ({"net_amount": "amount"}, ["utf-8", "cp1252"])


def text(folder: Path, *, plain: bool = False) -> str:
    company = simulate.company("supplier", without_disturbance=plain)
    clock = Clock(company.laws, MONTHS)
    tables = {"lines": ["line_no", *schema.LINES.required]}
    return configuration.text(
        company, clock, 7, 3, folder, dirt.plan(company, clock, "none"), tables
    )


def test_a_folder_outside_the_project_is_named_in_full(home: Path, tmp_path: Path) -> None:
    outside = tmp_path.parent / "else where"
    said = text(outside)
    assert f"files: {outside}/lines/*/*.parquet" in said
    assert f"--out '{outside}'" in said


def test_brackets_in_the_folder_are_no_pattern(home: Path) -> None:
    folder = made("retailer", home / "data" / "demo[1]")
    source = dataset.read(folder / "dataset.yml").tables["products"].source
    assert source is not None
    assert [path.name for path in project.root().glob(source.files[0])] == ["part-0000.parquet"]


def test_a_plain_company_says_so_in_its_command(home: Path) -> None:
    assert text(home / "data" / "demo", plain=True).count(" --plain") == 1
    assert "--plain" not in text(home / "data" / "demo")
