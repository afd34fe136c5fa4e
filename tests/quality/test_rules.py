"""Rules: every misspelling in a suite is an error that names the nearest right word."""

from __future__ import annotations

from typing import Any

import pytest

from crm_lib import dataset as datasets
from crm_lib import schema
from crm_lib.errors import UsageError
from crm_lib.quality import rules, suites
from crm_lib.quality.dates import day_number
from crm_lib.quality.suitefile import read
from tests.quality.conftest import LINES, ROOT, Project, dataset, expectation

BETWEEN = "expect_column_values_to_be_between"
MATCHES = "expect_column_values_to_match_regex"
POSITIVE = {"type": "comparison", "column": {"name": "quantity"}, "operator": ">", "parameter": 0}


def faulty(**changes: Any) -> dict[str, Any]:
    return {**expectation("lines.x", BETWEEN, column="quantity", min_value=0), **changes}


def with_meta(**changes: Any) -> dict[str, Any]:
    good = faulty()
    return {**good, "meta": {**good["meta"], **changes}}


def conditional(condition: Any) -> dict[str, Any]:
    kwargs: dict[str, Any] = {"column": "amount", "min_value": 0, "row_condition": condition}
    if isinstance(condition, str):
        kwargs["condition_parser"] = "pandas"
    return expectation("lines.x", BETWEEN, **kwargs)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        (faulty(type="expect_column_values_to_be_betwen"), "'expect_column_values_to_be_between'"),
        (faulty(kwargs={"column": "quantity", "min_valu": 0}), "Did you mean 'min_value'"),
        (faulty(kwargs={"column": "quantty", "min_value": 0}), "Did you mean 'quantity'"),
        (faulty(kwargs={"column": "mean_quantty", "min_value": 0}), "Did you mean 'quantity'"),
        (faulty(kwargs={"column": "quantity"}), "min_value and max_value cannot both be None"),
        (faulty(severty="warning"), "Did you mean 'severity'"),
        (faulty(severity="critcal"), "severity"),
        (faulty(severity=None), "severity is stated nowhere"),
        (with_meta(severity="critical"), "severity is stated twice"),
        (with_meta(on_fial="keep"), "Did you mean 'on_fail'"),
        (with_meta(on_fail="quarantin"), "on_fail"),
        (with_meta(tolerate=5), "tolerate"),
        (with_meta(because=""), "because"),
        (with_meta(because=None), "because"),
        (with_meta(rule_id=None), "rule_id"),
        (faulty(kwargs={"column": "ordered_at", "min_value": "yesterday"}), "invalid date format"),
        (faulty(kwargs={"column": "ordered_at", "min_value": 5}), "must be dates"),
        (faulty(kwargs={"column": "quantity", "min_value": 0, "mostly": 0.9}), "meta.tolerate"),
        (conditional("quantity > 0"), "write the row_condition as"),
        (conditional({**POSITIVE, "operator": ">>"}), "row_condition is no condition"),
        (conditional({**POSITIVE, "column": {"name": "quantty"}}), "Did you mean 'quantity'"),
        (
            expectation("lines.x", "expect_column_values_to_match_regex", column="amount", regex="a"),
            "is for text",
        ),
        (
            expectation("lines.x", "expect_column_values_to_be_increasing", column="amount"),
            "rows are judged one by one",
        ),
        (
            expectation("lines.x", "expect_column_quantile_values_to_be_between", column="amount",
                        quantile_ranges={"quantiles": [0.5], "value_ranges": [[0, 1]]}),
            "Write it as a rule on a measure",
        ),
        (expectation("lines.x", BETWEEN, column="mean_order_id", min_value=0), "has no mean"),
        (
            expectation("lines.x", "expect_column_values_to_be_unique", column="order_id", row_condition=POSITIVE),
            "takes no row_condition",
        ),
        (expectation("lines.x", MATCHES, column="order_id", regex="(a"), "can never run: Invalid"),
        (expectation("lines.x", BETWEEN, column="order_id", min_value=0), "of the same type"),
        (
            expectation("lines.x", BETWEEN, column="amount", min_value=0,
                        row_condition={**POSITIVE, "parameter": "many"}),
            "can never run",
        ),
    ],
)  # fmt: skip
def test_a_fault_in_a_suite_is_told(project: Project, written: dict[str, Any], named: str) -> None:
    project(lines=[written])
    with pytest.raises(UsageError, match=r"lines\.json") as error:
        rules.load(dataset())
    assert named in str(error.value)


def test_faults_of_suites_for_absent_tables_are_told_too(project: Project) -> None:
    project(wallets=[expectation("wallets.x", BETWEEN, column="spent", min_value=0)])
    with pytest.raises(UsageError, match="Did you mean 'spend'"):
        rules.load(dataset())


def test_a_file_that_names_no_table(project: Project) -> None:
    project(line=[faulty()])
    with pytest.raises(UsageError, match="Did you mean 'lines'"):
        rules.load(dataset())


def test_broken_json_and_a_misspelt_suite_key(project: Project) -> None:
    home = project(lines={"name": "lines", "expectation": []})
    with pytest.raises(UsageError, match="must hold"):
        rules.load(dataset())
    (home / "expectations" / "lines.json").write_text('{"name": ')
    with pytest.raises(UsageError, match="not valid JSON"):
        rules.load(dataset())
    project(lines={"name": "lines", "nmae": "lines", "expectations": []})
    with pytest.raises(UsageError, match="Did you mean 'name'"):
        rules.load(dataset())


def test_two_rules_of_one_name(project: Project) -> None:
    project(lines=[faulty(), faulty()])
    with pytest.raises(UsageError, match=r"'lines\.x' is given twice"):
        rules.load(dataset())


def test_a_table_rule_sets_no_rows_aside(project: Project) -> None:
    written = expectation("lines.x", BETWEEN, column="rows", min_value=5)
    written["meta"]["on_fail"] = "quarantine"
    project(lines=[written])
    with pytest.raises(UsageError, match="names no rows that could be set aside"):
        rules.load(dataset())


def test_tolerances_of_the_data_set_override_those_of_the_rule(project: Project) -> None:
    project(lines=[with_meta(tolerate=0.5)])
    tolerant = rules.load(dataset(tolerate={"lines.x": 0.25, "lines.amount_readable": 0.1}))
    shares = {rule.rule_id: rule.tolerate for rule in tolerant["lines"]}
    assert shares["lines.x"] == 0.25
    assert shares["lines.amount_readable"] == 0.1
    with pytest.raises(UsageError, match=r"Did you mean 'lines\.amount_readable'"):
        rules.load(dataset(tolerate={"lines.amount_redable": 0.1}))
    with pytest.raises(UsageError, match="no share of rows"):
        rules.load(dataset(tolerate={"lines.x": 5}))


def test_rules_about_columns_that_a_data_set_lacks_do_not_apply(project: Project) -> None:
    project(lines=[expectation("lines.cost", BETWEEN, column="cost", min_value=0), faulty()])
    assert [rule.rule_id for rule in suites.load(dataset())["lines"]] == ["lines.x"]


def test_rules_on_columns_not_mapped_say_what_they_lack(project: Project) -> None:
    cost = {"type": "comparison", "column": {"name": "cost"}, "operator": ">", "parameter": 0}
    written = [
        expectation("lines.discount", BETWEEN, column="mean_discount", min_value=0),
        expectation("lines.cost", BETWEEN, column="amount", min_value=0, row_condition=cost),
        faulty(),
    ]
    project(lines=written, wallets=[expectation("wallets.x", BETWEEN, column="spend", min_value=0)])
    lacking = {rule.rule_id: rule.lacks for rule in rules.not_applicable(dataset())}
    assert lacking == {"lines.discount": ("discount",), "lines.cost": ("cost",)}


def test_rules_that_can_run_are_not_refused_for_the_row_they_are_tried_on(project: Project) -> None:
    text = "expect_column_values_to_"
    project(lines=[
        expectation("lines.a", MATCHES, column="order_id", regex="^[A-Z]{2}\\d+$"),
        expectation("lines.b", f"{text}match_json_schema", column="order_id", json_schema={"type": "object"}),
        expectation("lines.c", f"{text}match_strftime_format", column="order_id", strftime_format="%Y-%m-%d"),
        expectation("lines.d", f"{text}be_in_set", column="order_id", value_set=[1, 2]),
        expectation("lines.e", "expect_column_value_lengths_to_be_between", column="order_id", min_value=3),
        expectation("lines.f", BETWEEN, column="ordered_at", min_value="2020-01-01"),
        expectation("lines.g", f"{text}not_be_null", column="quantity", row_condition=POSITIVE),
        expectation("lines.h", "expect_column_pair_values_a_to_be_greater_than_b", column_A="amount", column_B="quantity"),
        expectation("lines.i", BETWEEN, column="last_day", min_value="2020-01-01"),
    ])  # fmt: skip
    assert len(suites.load(dataset())["lines"]) == 9


def test_an_attribute_of_another_data_set_is_not_misspelt(project: Project) -> None:
    home = project(customers=[
        expectation("customers.age", "expect_column_values_to_be_in_set", column="age", value_set=["old"])
    ])  # fmt: skip
    with pytest.raises(UsageError, match="no column of 'customers' 'age'"):
        rules.load(dataset())
    (home / "data" / "other").mkdir()
    (home / "data" / "other" / "dataset.yml").write_text(
        "{title: O, currency: EUR, observed_from: 2023-01-01, default_as_of: 2023-02-01, tables: {"
        "lines: {source: {files: a.csv}, columns: {customer_id: c, order_id: o, ordered_at: a, amount: m}},"
        "customers: {source: {files: b.csv}, columns: {customer_id: c}, attributes: {age: age}}}}"
    )
    assert suites.load(dataset()) == {"customers": []}


@pytest.mark.parametrize(
    ("type_", "kwargs", "measure"),
    [
        ("expect_column_values_to_be_unique", {"column": "order_id"}, "repeated_order_id"),
        ("expect_column_mean_to_be_between", {"column": "amount", "max_value": 9}, "mean_amount"),
        ("expect_table_row_count_to_be_between", {"min_value": 3}, "rows"),
        ("expect_table_row_count_to_equal", {"value": 3}, "rows"),
    ],
)
def test_types_about_a_whole_table_become_rules_on_its_profile(
    project: Project, type_: str, kwargs: dict[str, Any], measure: str
) -> None:
    project(lines=[expectation("lines.x", type_, **kwargs)])
    (rule,) = suites.load(dataset())["lines"]
    assert (rule.kind, rule.measure, rule.type) == ("table", measure, BETWEEN)


def test_dates_in_rules_become_whole_days(project: Project) -> None:
    project(lines=[
        expectation("lines.x", BETWEEN, column="ordered_at", min_value="1970-01-11T00:00:00", max_value="1970-02-01")
    ])  # fmt: skip
    (rule,) = suites.load(dataset())["lines"]
    assert (rule.kwargs["min_value"], rule.kwargs["max_value"]) == (10, 31)


def test_structural_rules_follow_from_the_declarations(project: Project) -> None:
    project()
    tables = {
        "lines": {**LINES, "product_id": "p"},
        "products": {"product_id": "p"},
        "customers": {"customer_id": "c", "acquired_on": "d"},
    }
    found = {r.rule_id: r for names in rules.load(dataset(tables)).values() for r in names}
    assert found["lines.order_id_present"].severity == "critical"
    assert "lines.customer_id_present" not in found, "a missing customer is anonymous, no defect"
    assert found["lines.amount_readable"].on_fail == "quarantine"
    assert found["lines.product_id_known"].severity == "warning"
    assert found["lines.product_id_known"].on_fail == "keep"
    assert found["products.key_unique"].severity == "critical"
    assert found["customers.acquired_on_plausible"].severity == "warning"
    assert all(rule.because for rule in found.values())


def test_the_suites_that_ship_are_right(own_rules: None) -> None:
    files = sorted((ROOT / "expectations").glob("*.json"))
    assert {path.stem for path in files} <= set(schema.TABLES)
    everything = {
        name: {column.name: column.name for column in table.columns}
        for name, table in schema.TABLES.items()
    }
    found = suites.load(dataset(everything))
    assert not rules.not_applicable(dataset(everything))
    assert {path.stem: len(read(path)) for path in files} == {t: len(r) for t, r in found.items()}
    assert all(
        rule.rule_id.startswith(f"{table}.") for table, listed in found.items() for rule in listed
    )


def test_every_data_set_of_the_project_loads_its_rules(own_rules: None) -> None:
    for name in datasets.names():
        assert rules.load(datasets.load(name))["lines"], name


def test_a_day_that_no_line_will_ever_have_is_no_day(project: Project) -> None:
    project()
    found = {rule.rule_id: rule for rule in rules.load(dataset())["lines"]}
    plausible = found["lines.ordered_at_plausible"]
    assert plausible.kwargs["max_value"] == day_number("2199-12-31")
    assert "9999-12-31" in plausible.because
