"""Parameters: read without running, checked strictly; one test for each trap of papermill."""

from __future__ import annotations

from typing import Any

import pytest

from crm_lib.errors import UsageError
from crm_lib.publishing import parameters
from crm_lib.publishing.parameters import Declaration

COMMON = 'dataset: str = "six"  # set\nas_of: str = "2023-04-01"  # day\nscope: str = ""  # scope\n'
OWN = (
    "top_share: float = 0.2  # share of customers called top\n"
    "months: int = 12  # months shown\n"
    "by_value: bool = False  # sort by value\n"
    'code: str = "007"  # an id\n'
    'since: str = "2023-01-01"  # first day shown\n'
    "cuts: list[float] = [0.1, 0.2]  # shares\n"
    'names: list[str] = ["a"]  # names\n'
)
GIVEN = {"dataset": "six", "as_of": "2023-04-01", "scope": ""}


def declare(source: str, report: str = "03_segments") -> Declaration:
    cell = {"cell_type": "code", "source": source, "metadata": {"tags": ["parameters"]}}
    return parameters.declared([cell], report)


def resolved(extra: dict[str, Any], **reports: Declaration) -> dict[str, Any]:
    found = parameters.resolve(reports or {"03_segments": declare(COMMON + OWN)}, GIVEN, extra)
    return found if reports else found["03_segments"]


def test_a_cell_is_read_without_being_run() -> None:
    item = declare(COMMON + OWN).parameters["top_share"]
    assert (item.type, item.default, item.help) == ("float", 0.2, "share of customers called top")


def test_given_and_extra_values_replace_defaults() -> None:
    found = resolved({"months": "6", "top_share": "0.1", "by_value": "true"})
    assert (found["months"], found["top_share"], found["by_value"]) == (6, 0.1, True)
    assert found["as_of"] == "2023-04-01"
    assert found["cuts"] == [0.1, 0.2]


# papermill: only warns about a name the notebook does not have
def test_unknown_name_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'top_share'"):
        resolved({"top_shar": "0.1"})


# papermill: checks no types
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("months", "six"), ("months", "6.5"), ("months", ""), ("months", True), ("months", 6.0),
        ("top_share", "a fifth"), ("top_share", "1_0"), ("top_share", "nan"), ("top_share", "1e999"),
        ("by_value", "1"), ("by_value", 1), ("by_value", "yes"), ("code", 7), ("code", True),
        ("cuts", "0.1,x"), ("cuts", (0.1,)), ("names", [1]), ("since", "2023-02-30"), ("since", "soon"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_an_error_that_names_the_parameter(
    name: str, value: object
) -> None:
    with pytest.raises(UsageError, match=name):
        resolved({name: value})


# papermill: executes a parameter's name that is code
@pytest.mark.parametrize("name", ["x=1;import os", "__import__('os')", "a b", "months;print(1)"])
def test_a_name_that_is_code_is_unknown(name: str) -> None:
    with pytest.raises(UsageError, match="There is no parameter"):
        resolved({name: "1"})


# papermill: drops a parameter whose type hint is a quoted string
def test_a_quoted_type_counts_like_an_unquoted_one() -> None:
    declared = declare(COMMON + 'months: "int" = 3  # months\n')
    assert declared.check({"months": 4})["months"] == 4
    with pytest.raises(UsageError, match="months"):
        declared.check({"months": "4"})


# papermill: crashes on dates
@pytest.mark.parametrize(
    "hint", ["date", "datetime.date", "Literal['a']", "dict", "list", "int | None"]
)
def test_a_type_that_cannot_be_passed_is_refused_with_what_can(hint: str) -> None:
    with pytest.raises(UsageError, match=r"must be one of str, int.*YYYY-MM-DD"):
        declare(COMMON + f'x: {hint} = "2023-01-01"  # x\n')


# papermill: coerces 007 to 7 on its command line
@pytest.mark.parametrize("text", ["007", "1e3", "true", "None", "2023-01-01", "", " x ", "a=b"])
def test_text_stays_the_text_that_was_typed(text: str) -> None:
    assert resolved(parameters.assigned([f"code={text}"]))["code"] == text


def test_lists_are_written_with_commas_or_as_json() -> None:
    assert resolved({"cuts": "0.1,0.3"})["cuts"] == [0.1, 0.3]
    assert resolved({"names": '["a, b", "007"]'})["names"] == ["a, b", "007"]
    assert resolved({"names": ""})["names"] == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("x: int = 3 * 4  # x", "plain literal"),
        ("x: int = 3", "needs a comment"),
        ("x = 3  # x", "name: type = literal"),
        ("import os  # x", "name: type = literal"),
        ("x: int  # x", "name: type = literal"),
        ("x: int = '3'  # x", "must be int"),
        ("scope: str = ''  # again", "twice"),
        ("x: int = (", "is not Python"),
    ],
)
def test_a_malformed_cell_is_an_error_that_names_the_report(line: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        declare(COMMON + line + "\n")
    assert "03_segments" in str(caught.value)


def test_the_three_common_parameters_and_one_cell_are_required() -> None:
    with pytest.raises(UsageError, match="as_of"):
        declare('dataset: str = "six"  # set\nscope: str = ""  # scope\n')
    with pytest.raises(UsageError, match="0 cells tagged"):
        parameters.declared([], "03_segments")


def test_what_the_run_sets_cannot_be_set_beside_it() -> None:
    with pytest.raises(UsageError, match="--as-of"):
        resolved({"as_of": "2020-01-01"})


def test_a_prefix_names_one_report_and_beats_the_bare_name() -> None:
    both = {stem: declare(COMMON + OWN, stem) for stem in ("03_segments", "04_lifecycle")}
    found = resolved({"03:months": "1", "months": "2"}, **both)
    assert [found[stem]["months"] for stem in both] == [1, 2]
    assert resolved({"lifecycle:months": "5"}, **both)["04_lifecycle"]["months"] == 5
    with pytest.raises(UsageError, match="report in this run 'lifecycel'"):
        resolved({"lifecycel:months": "5"}, **both)
    with pytest.raises(UsageError, match="parameter of 04_lifecycle 'month'"):
        resolved({"04:month": "5"}, **both)


def test_a_bare_name_reaches_only_the_reports_that_declare_it() -> None:
    found = resolved(
        {"months": "5"}, **{"03_a": declare(COMMON + OWN), "04_b": declare(COMMON, "04_b")}
    )
    assert found["03_a"]["months"] == 5
    assert "months" not in found["04_b"]


@pytest.mark.parametrize("text", ["months", "=3", ""])
def test_what_is_not_an_assignment_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="name=value"):
        parameters.assigned([text])


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="twice"):
        parameters.assigned(["months=1", "months=2"])
