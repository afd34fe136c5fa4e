"""Structural rules: what the declarations of `crm_lib.schema` demand of every data set."""

from __future__ import annotations

from collections.abc import Iterator

from crm_lib import schema
from crm_lib.dataset import Dataset
from crm_lib.quality.dates import EARLIEST, LATEST, day_number
from crm_lib.quality.rule import Rule

GIVEN = "given_"
"""Prefix of a derived column: 1 where the cell holds anything, null where it is empty."""
UNREADABLE = "unreadable_"
"""Prefix of a column of staging: the raw text of a cell that could not be read."""
KEY_COPY = "key_copy_number"
"""Derived column: 1 for the earliest row of its key, 2 for the next …"""
ROW_COPY = "row_copy_number"
"""Derived column: 1 for the first of identical rows, 2 for the next …"""

_FEW = 0.01
"""Share of rows that may be set aside before the data as a whole cannot be trusted."""
_BETWEEN = "expect_column_values_to_be_between"


def rules(dataset: Dataset, table: str) -> list[Rule]:
    """The structural rules of one table of the data set. Their rule_id begins with `<table>.`."""
    declared = schema.table(table)
    supplied = dataset.supplies(table)
    found = [*_table_rules(declared), *_known(dataset, declared, supplied)]
    for name in supplied:
        found += _column_rules(declared, declared.column(name))
    found += _copies(dataset, declared)
    found += _uniform(dataset, table)
    if table == "lines":
        found.append(_observed(dataset))
    return found


def _table_rules(declared: schema.Table) -> Iterator[Rule]:
    name = declared.name
    yield Rule(
        f"{name}.mapped", name, "table", _BETWEEN,
        {"column": "required_columns_missing", "max_value": 0}, "critical",
        "Without a required column the table cannot be read as what it is.",
        subject=", ".join(declared.required),
    )  # fmt: skip
    if name == "lines":
        yield Rule(
            "lines.not_empty", "lines", "table", _BETWEEN, {"column": "rows", "min_value": 1},
            "critical", "Without order lines there is nothing to report.", subject="rows",
        )  # fmt: skip


def _column_rules(declared: schema.Table, column: schema.Column) -> Iterator[Rule]:
    name = declared.name
    if column.required and not column.nullable:
        yield Rule(
            f"{name}.{column.name}_present", name, "row", "expect_column_values_to_not_be_null",
            {"column": GIVEN + column.name}, "critical",
            f"Every row needs its {column.name}: {column.meaning}.",
            "quarantine", _FEW, column.name,
        )  # fmt: skip
    if column.type != "text":
        yield Rule(
            f"{name}.{column.name}_readable", name, "row", "expect_column_values_to_be_null",
            {"column": UNREADABLE + column.name}, "critical",
            f"A cell of {column.name} that cannot be read as {column.type} is neither guessed nor dropped.",
            "quarantine", _FEW, column.name,
        )  # fmt: skip
    if column.type in ("day", "time"):
        yield _plausible(declared, column)


def _plausible(declared: schema.Table, column: schema.Column) -> Rule:
    """Bounds for a date. What is added to a row later has no upper one: it has not happened yet."""
    bounds, because = {"min_value": day_number(EARLIEST)}, "Dates such as 1900-01-01"
    if not column.recorded_later:
        bounds["max_value"] = day_number(LATEST)
        because += " or 9999-12-31"
    because += " stand for 'unknown' in many systems."
    return Rule(
        f"{declared.name}.{column.name}_plausible", declared.name, "row", _BETWEEN,
        {"column": column.name, **bounds}, "critical" if column.required else "warning",
        because,
        "quarantine" if column.required else "keep", _FEW if column.required else 0.0, column.name,
    )  # fmt: skip


def _copies(dataset: Dataset, declared: schema.Table) -> Iterator[Rule]:
    name = declared.name
    if declared.key:
        yield Rule(
            f"{name}.key_unique", name, "row", _BETWEEN, {"column": KEY_COPY, "max_value": 1},
            "critical", f"Grain: {declared.grain}. A second row of the same key would count what it "
            "is joined to twice; the earliest row stays.",
            "quarantine", _FEW, ", ".join(declared.key),
        )  # fmt: skip
    elif dataset.duplicates == "quarantine":
        yield Rule(
            f"{name}.rows_distinct", name, "row", _BETWEEN, {"column": ROW_COPY, "max_value": 1},
            "warning", "Rows that agree in every column are taken for one delivered twice.",
            "quarantine", subject="all columns",
        )  # fmt: skip
    else:
        yield Rule(
            f"{name}.rows_distinct", name, "table", _BETWEEN,
            {"column": "identical_rows", "max_value": 0}, "warning",
            "Rows that agree in every column may have been delivered twice. They are kept; "
            "`duplicates: quarantine` in dataset.yml sets all but the first aside.",
            subject="all columns",
        )  # fmt: skip


def _uniform(dataset: Dataset, table: str) -> Iterator[Rule]:
    """That the files of a source are alike, where dataset.yml lets them differ."""
    sources = dataset.tables[table].every_source
    if any(len(source.encodings) > 1 for source in sources):
        yield Rule(
            f"{table}.one_encoding", table, "table", _BETWEEN,
            {"column": "rows_in_other_encoding", "max_value": 0}, "warning",
            "Files in another encoding than the first one named come from another program or person: "
            "check that names in them read well, and have them delivered like the others.",
            subject="files",
        )  # fmt: skip
    if any(source.renamed for source in sources):
        yield Rule(
            f"{table}.one_header", table, "table", _BETWEEN,
            {"column": "rows_under_other_names", "max_value": 0}, "warning",
            "A column that is called differently may also mean something else: check that it holds the "
            "same, and have the files delivered with one header.",
            subject="files",
        )  # fmt: skip


def _known(dataset: Dataset, declared: schema.Table, supplied: tuple[str, ...]) -> Iterator[Rule]:
    for column, target in declared.references:
        if column in supplied and target in dataset.tables:
            yield Rule(
                f"{declared.name}.{column}_known", declared.name, "table", _BETWEEN,
                {"column": f"unknown_{column}", "max_value": 0}, "warning",
                _unknown_reference(declared.name, target), subject=column,
            )  # fmt: skip


def _unknown_reference(table: str, target: str) -> str:
    """What becomes of rows that point to nothing."""
    if (table, target) == ("lines", "customers"):
        return (
            "An id that 'customers' lacks still counts as a customer of its own; a mistyped one makes "
            "the base look larger."
        )
    return f"What points to nothing in '{target}' stays in totals and is shown as unknown."


def _observed(dataset: Dataset) -> Rule:
    """Dates that stand for "unknown" are another rule's failure."""
    condition = {
        "type": "comparison", "column": {"name": "ordered_at"}, "operator": ">=",
        "parameter": day_number(EARLIEST),
    }  # fmt: skip
    return Rule(
        "lines.since_observed", "lines", "row", _BETWEEN,
        {"column": "ordered_at", "min_value": day_number(dataset.observed_from),
         "row_condition": condition}, "warning",
        f"The data set says that it observes from {dataset.observed_from} on; earlier lines make "
        "customers look older than their neighbours.",
        subject="ordered_at",
    )  # fmt: skip
