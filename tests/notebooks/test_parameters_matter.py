"""No parameter is there for show: another value changes what the notebook says or exports."""

from __future__ import annotations

from typing import Any

import pytest

from crm_lib.publishing import parameters, reports
from tests.notebooks.conftest import RunNotebook
from tests.notebooks.said import Said

OTHER: dict[str, Any] = {
    "rules_shown": "broken",
    "span": "year",
    "flow_by": "quarter",
    "measure": "margin",
    "cohort_measure": "revenue",
    "months_compared": 6,
    "attribute": "size",
    "top_share": 0.1,
    "target_share": 0.5,
    "months_back": 6,
    "data_driven": True,
    "within_days": 30,
    "steps": 2,
    "list_rows": 3,
    "model": "bg_nbd",
    "holdout_days": 60,
    "horizon_months": 12,
    "discount_rate": 0.2,
    "profit_by": "value_tier",
    "product_level": "product_id",
    "early_year": 2,
    "late_year": 3,
    "as_of": "2023-10-01",
    "scope": "channel = 'web'",
    "dataset": "twin",
}
"""A value other than the default for every parameter there is."""

GIVEN = {"dataset": "synthetic", "as_of": "2024-01-01"}


def declared() -> list[tuple[str, str]]:
    """Every notebook of the project with each of its parameters."""
    return [
        (report.stem, name) for report in reports.every() for name in report.declaration.parameters
    ]


PAIRS = declared()


@pytest.fixture(scope="module")
def told() -> dict[str, Said]:
    """What each notebook says by default, asked once."""
    return {}


def test_every_parameter_is_tried() -> None:
    assert {name for _, name in PAIRS} == set(OTHER)


@pytest.mark.parametrize(("stem", "name"), PAIRS)
def test_another_value_says_something_else(
    request: pytest.FixtureRequest,
    company: str,
    said: RunNotebook,
    told: dict[str, Said],
    stem: str,
    name: str,
) -> None:
    if name == "dataset":
        request.getfixturevalue("twin")
    if stem not in told:
        told[stem] = said(stem, pictures=False, **GIVEN)
    changed = {**GIVEN, name: OTHER[name]}
    if name in parameters.GIVEN:
        # The numbers have to differ; the card at the end of the page names these three anyway.
        assert said(stem, until="finding", **changed).metrics != told[stem].metrics
    else:
        assert said(stem, pictures=False, **changed).everything != told[stem].everything
