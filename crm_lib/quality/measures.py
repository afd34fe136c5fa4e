"""What a table's profile can measure: the names that table rules may use, checked and parsed.

A measure is one of `TABLE_MEASURES`, `unknown_<column>` for a column that points to another table,
or `<statistic>_<column>` with a statistic of `STATISTICS`.
"""

from __future__ import annotations

from typing import Any

from crm_lib import schema
from crm_lib.errors import UsageError, listing

TABLE_MEASURES = (
    "rows", "required_columns_missing", "identical_rows", "total_amount",
    "first_day", "last_day", "days_without_rows", "longest_gap_days", "freshness_days",
)  # fmt: skip
STATISTICS = (
    "min",
    "max",
    "mean",
    "median",
    "stdev",
    "sum",
    "distinct",
    "repeated",
    "present_share",
)
UNKNOWN = "unknown"
OF_FILES = {"rows_in_other_encoding": "encoding", "rows_under_other_names": "names"}
"""Measures of structural rules alone: rows of files of which something was noticed (`sources.Notes`)."""
_DATED = ("first_day", "last_day", "days_without_rows", "longest_gap_days", "freshness_days")
_NUMERIC_ONLY = ("mean", "median", "stdev", "sum")

_BETWEEN = "expect_column_values_to_be_between"
_AGGREGATES = {
    "expect_column_min_to_be_between": "min",
    "expect_column_max_to_be_between": "max",
    "expect_column_mean_to_be_between": "mean",
    "expect_column_median_to_be_between": "median",
    "expect_column_stdev_to_be_between": "stdev",
    "expect_column_sum_to_be_between": "sum",
    "expect_column_unique_value_count_to_be_between": "distinct",
    "expect_column_proportion_of_non_null_values_to_be_between": "present_share",
}


def split(measure: str, table: schema.Table) -> tuple[str, str] | None:
    """(statistic, column) of a measure such as `mean_amount`; None when it is not of that form."""
    references = [column for column, _ in table.references]
    for statistic in (*STATISTICS, UNKNOWN):
        column = measure.removeprefix(f"{statistic}_")
        if column != measure and (statistic != UNKNOWN or column in references):
            return statistic, column
    return None


def is_measure(name: str, table: schema.Table) -> bool:
    """Does the profile of `table` have a measure of this name? (Its column is checked elsewhere.)"""
    return name in TABLE_MEASURES or split(name, table) is not None


def counts_rows(measure: str) -> bool:
    """True when the measure is a number of defective rows, so that a share of rows can be tolerated."""
    counted = measure == "identical_rows" or measure in OF_FILES
    return counted or measure.startswith((f"{UNKNOWN}_", "repeated_"))


def type_of(measure: str, table: schema.Table) -> schema.Column:
    """The measure as a column declaration: a day where it is a date, else a number."""
    parts = split(measure, table)
    dated = measure in ("first_day", "last_day")
    if parts and parts[0] in ("min", "max"):
        dated = table.column(parts[1]).type in ("day", "time")
    return schema.Column(measure, "day" if dated else "number", "measured by the profile")


def check(measure: str, table: schema.Table, place: str) -> None:
    """Raise UsageError when `table` cannot have this measure (a mean of text, a gap without dates)."""
    if (measure in _DATED and table.recorded is None) or (
        measure == "total_amount" and "amount" not in table.column_names
    ):
        raise UsageError(f"{place}: '{table.name}' has no column to measure {measure} by.")
    parts = split(measure, table)
    if parts and parts[0] in _NUMERIC_ONLY:
        column = table.column(parts[1])
        if column.type in ("text", "day", "time"):
            raise UsageError(f"{place}: '{column.name}' is a {column.type}; it has no {parts[0]}.")


def as_measure(type_: str, kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """A GX type about a whole table or column as a rule on one measure; None for other types.

    The engine makes the measure, GX judges it: no table has to fit into a pandas frame.
    """
    rest = dict(kwargs)
    if type_ in _AGGREGATES:
        return _BETWEEN, {**rest, "column": f"{_AGGREGATES[type_]}_{rest['column']}"}
    if type_ == "expect_column_values_to_be_unique":
        return _BETWEEN, {**rest, "column": f"repeated_{rest['column']}", "max_value": 0}
    if type_ == "expect_table_row_count_to_be_between":
        return _BETWEEN, {**rest, "column": "rows"}
    if type_ == "expect_table_row_count_to_equal":
        return _BETWEEN, {"column": "rows", "min_value": rest["value"], "max_value": rest["value"]}
    return None


def known(table: schema.Table) -> str:
    """The measures of `table`, for an error text."""
    names = [m for m in TABLE_MEASURES if m not in _DATED or table.recorded]
    pointing = [f"{UNKNOWN}_{column}" for column, _ in table.references]
    return listing([*names, *pointing, *(f"{s}_<column>" for s in STATISTICS)])
