"""The reference says what the declarations say: the committed file is what they make of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from crm_lib import coverage, errors, reference, schema, simulate
from crm_lib.cli import app
from crm_lib.dataset import Dataset, Mapping, Source, TableConfig
from crm_lib.simulate import described, page
from crm_lib.simulate.clock import Clock
from crm_lib.stage_rules import Thresholds
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def text() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_HOME", str(ROOT))
        yield reference.text()


def section(text: str, heading: str) -> str:
    """The part under a heading, up to the next of its level."""
    level = re.escape(heading.partition(" ")[0])
    found = re.search(
        rf"^{re.escape(heading)}\n(.*?)(?=^{level} |\Z)", text, re.DOTALL | re.MULTILINE
    )
    assert found, heading
    return found.group(1)


@pytest.fixture(scope="module")
def companies() -> str:
    return page.text()


def test_the_committed_files_are_current(text: str, companies: str) -> None:
    assert (ROOT / reference.PLACE).read_text() == text, "run `make docs`"
    assert (ROOT / page.PLACE).read_text() == companies, "run `make docs`"


def test_every_table_and_column_is_listed(text: str) -> None:
    for table in schema.TABLES.values():
        said = section(text, f"### `{table.name}`")
        assert table.grain[1:] in said
        for column in table.columns:
            name = f"**`{column.name}`**" if column.required else f"`{column.name}`"
            assert f"| {name} | {column.type} | {column.unit} | {column.meaning}" in said


@pytest.mark.parametrize(
    ("heading", "block"),
    [
        ("## dataset.yml", Dataset),
        ("### A table of `tables:`", TableConfig),
        ("### A `source:`", Source),
        ("### A column of `columns:` or `attributes:`", Mapping),
        ("### `stages:`", Thresholds),
    ],
)
def test_every_key_has_a_meaning(text: str, heading: str, block: type[Dataset]) -> None:
    said = section(text, heading)
    for name, field in block.model_fields.items():
        if block is Dataset and name == "name":
            continue  # that of the folder
        assert re.search(rf"^\| \**`{field.alias or name}`\** \| \S.*\S \|$", said, re.MULTILINE), (
            name
        )
        assert field.description, name


def test_defaults_and_bounds_are_said_in_words(text: str) -> None:
    said = section(text, "## dataset.yml")
    assert "| `warm_up_days` | whole number, at least 0 | `0` |" in said
    assert "| `audience` | `external` or `internal` | `external` |" in said
    assert "| **`currency`** | text |  |" in said
    assert "| `dormant` | number | `3` |" in said


def test_every_analysis_says_its_purpose_and_needs(text: str) -> None:
    for name, need in coverage.declared().items():
        line = next(row for row in text.splitlines() if row.startswith(f"| `{name}` |"))
        assert need.purpose.replace("|", "\\|") in line
        assert all(f"`{item}`" in line for item in need.optional)
    assert "| `lines.product_id`, `products.category` |" in text


def test_every_rule_of_the_files_is_listed_with_its_reason(text: str) -> None:
    for path in (ROOT / "expectations").glob("*.json"):
        said = section(text, f"#### `expectations/{path.name}`")
        for rule in json.loads(path.read_text())["expectations"]:
            assert f"| `{rule['meta']['rule_id']}` | {rule['severity']}" in said
            assert rule["meta"]["because"] in said


def test_every_command_option_and_exit_code_is_listed(text: str) -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"### `crm {command.callback.__name__}" in text
    assert "`--keep`" in section(text, "### `crm run DATASET --as-of DAY|A..B`")
    codes = section(text, "## Exit codes")
    for error in errors.CrmError.__subclasses__():
        assert f"| `{error.exit_code}` |" in codes


def test_tables_of_the_documents_are_whole(text: str, companies: str) -> None:
    """Every row of a table has as many cells as its head."""
    for block in re.findall(r"(?:^\|.*\n)+", text + companies, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block.splitlines()[0]
    assert "None" not in text
    assert "PydanticUndefined" not in text


def test_the_page_on_the_companies_shows_every_law_and_every_planted_date(companies: str) -> None:
    for name in simulate.COMPANIES:
        company = simulate.company(name)
        said = section(companies, f"## The {name}: {company.title}")
        for row in described.rows(company, Clock(company.laws, page.MONTHS)):
            if row.parameter.endswith("_on") and row.law != "laws.incident":
                assert f"| {row.value} |".replace(described.NONE, "–") in said, row
        for segment in company.segments:
            assert f" {segment.name} |" in said
        for product in company.products:
            assert f"| {product.product_id} | {product.name} |" in said
        assert company.laws.incident is not None
        assert company.laws.incident.segment in section(companies, "### The incident")
    assert "Schmittlein, Morrison & Colombo 1987" in companies
    assert "| `misallocated_share` | – | 0.25 |" in section(companies, "### Business accounts")
