"""The reference says what the declarations say: the committed file is what they make of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from crm_lib import coverage, errors, reference, schema
from crm_lib.cli import app
from crm_lib.dataset import Dataset, Mapping, Source, TableConfig
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


def test_the_committed_file_is_current(text: str) -> None:
    assert (ROOT / reference.PLACE).read_text() == text, "run `make docs`"


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


def test_tables_of_the_document_are_whole(text: str) -> None:
    """Every row of a table has as many cells as its head."""
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block.splitlines()[0]
    assert "None" not in text
    assert "PydanticUndefined" not in text
