"""A value that a notebook does not offer is told before anything runs."""

from __future__ import annotations

from datetime import date

import pytest

from crm_lib.errors import UsageError
from crm_lib.publishing import plan, reports

DAY = [date(2018, 1, 1)]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"span": "moth"}, "02_customer_base: There is no span 'moth'. Did you mean 'month'"),
        ({"attribute": "incme"}, "There is no attribute 'incme'. Did you mean 'income'"),
        ({"rules_shown": "al"}, "Known: all, broken"),
    ],
)
def test_a_misspelt_value_stops_before_the_run(given: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        plan.make("completejourney", DAY, extra=given)


def test_offered_values_pass() -> None:
    given = {"span": "year", "attribute": "income", "rules_shown": "broken"}
    values = plan.make("completejourney", DAY, extra=given).parameters(DAY[0])
    assert values["02_customer_base"]["span"] == "year"
    assert values["03_segments"]["attribute"] == "income"


def test_choices_name_parameters_that_are_declared() -> None:
    chosen = {name for report in reports.every() for name in report.choices}
    assert chosen == {
        "span",
        "flow_by",
        "measure",
        "model",
        "attribute",
        "cohort_measure",
        "product_level",
        "profit_by",
        "rules_shown",
    }
