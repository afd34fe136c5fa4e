"""The traps of Great Expectations, each of which would pass silently."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

from crm_lib.errors import UsageError
from crm_lib.quality import gx

BETWEEN = "expect_column_values_to_be_between"


@dataclass(frozen=True)
class Rule:
    rule_id: str
    type: str
    kwargs: dict[str, Any]


FRAME = pd.DataFrame({"amount": [5.0, -1.0, None, -3.0], "word": ["a", None, "c", "d"]})


def test_failing_rows_come_back_by_position_and_missing_values_do_not_fail() -> None:
    found = gx.judge(FRAME, [Rule("r", BETWEEN, {"column": "amount", "min_value": 0})])
    assert found["r"].failing.tolist() == [1, 3]
    assert not found["r"].passed
    assert not found["r"].problem


def test_results_are_told_apart_whatever_order_they_come_in() -> None:
    rules = [
        Rule("words", "expect_column_values_to_not_be_null", {"column": "word"}),
        Rule("absent", BETWEEN, {"column": "price", "min_value": 0}),
        Rule("positive", BETWEEN, {"column": "amount", "min_value": 0}),
        Rule("passes", BETWEEN, {"column": "amount", "min_value": -9}),
        Rule("text", BETWEEN, {"column": "word", "min_value": 0}),
    ]
    found = gx.judge(FRAME, rules)
    assert list(found) == [rule.rule_id for rule in rules]
    assert found["words"].failing.tolist() == [1]
    assert found["positive"].failing.tolist() == [1, 3]
    assert found["passes"].passed


def test_a_check_that_could_not_run_is_no_failure() -> None:
    found = gx.judge(FRAME, [
        Rule("absent", BETWEEN, {"column": "price", "min_value": 0}),
        Rule("text", BETWEEN, {"column": "word", "min_value": 0}),
    ])  # fmt: skip
    assert 'column "price"' in found["absent"].problem
    assert "same type" in found["text"].problem
    assert found["absent"].failing.size == found["text"].failing.size == 0


@pytest.mark.parametrize(
    "info",
    [
        {"raised_exception": True, "exception_message": "no such thing\nand more"},
        {
            "MetricConfigurationID(a)": {"raised_exception": False, "exception_message": None},
            "MetricConfigurationID(b)": {
                "raised_exception": True, "exception_message": "no such thing",
            },
        },
    ],
)  # fmt: skip
def test_both_shapes_of_exception_info_are_read(info: dict[str, Any]) -> None:
    assert gx._problem(info) == "no such thing"


def test_a_rule_that_gx_drops_counts_as_not_checked() -> None:
    found = gx.judge(FRAME, [
        Rule("misspelt", "expect_column_values_to_be_betwixt", {"column": "amount"}),
        Rule("fine", BETWEEN, {"column": "amount", "min_value": -9}),
    ])  # fmt: skip
    assert found["misspelt"].problem
    assert found["fine"].passed


def test_unknown_types_and_arguments_are_named() -> None:
    with pytest.raises(UsageError, match="Did you mean 'expect_column_values_to_be_between'"):
        gx.check("expect_column_values_to_be_betwixt", {}, "here")
    with pytest.raises(UsageError, match="Did you mean 'max_value'"):
        gx.check(BETWEEN, {"column": "amount", "max_valu": 1}, "here")


def test_two_rules_of_the_same_words_are_both_judged() -> None:
    same = {"column": "amount", "min_value": 0}
    found = gx.judge(FRAME, [Rule("one", BETWEEN, same), Rule("two", BETWEEN, same)])
    assert found["one"].failing.tolist() == found["two"].failing.tolist() == [1, 3]


def test_whoever_only_reads_a_verdict_does_not_wait_for_gx() -> None:
    code = (
        "import sys; import crm_lib.quality.verdict; sys.exit('great_expectations' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
