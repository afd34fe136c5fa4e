"""The laws as rows: nothing is left out, everything says what it means, moments have their dates."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

import pytest

from crm_lib import simulate
from crm_lib.simulate import described, laws
from crm_lib.simulate.behaviour import lifecycle
from crm_lib.simulate.clock import Clock

COMPANIES = [simulate.company(name) for name in simulate.COMPANIES]


NAMES = ("name", "campaign_id", "product_id", "what")
"""What a declaration is called: the meaning is that of the declaration."""
WITHIN = (
    "purchasing", "spend", "products", "segments", "sources", "categories", "laws", "tenure",
    "comeback", "complaints", "service", "survey", "prospecting", "incident", "events", "campaigns",
)  # fmt: skip
"""Attributes that hold declarations, which have rows of their own."""


def leaves(value: Any) -> int:
    """How many values a declaration holds; a list or tuple of plain values counts as one."""
    if is_dataclass(value):
        return sum(leaves(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return sum(map(leaves, value))
    if hasattr(value, "values"):
        return sum(map(leaves, value.values()))
    return 1


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: company.name)
def test_every_declared_value_is_a_row_of_its_own_with_a_meaning(company: laws.Company) -> None:
    rows = described.rows(company, Clock(company.laws, 60))
    derived = {"mean", "mean_rate"}
    own = [r for r in rows if not r.parameter.endswith("_on") and r.parameter not in derived]
    assert len(own) == leaves(company)
    assert len({(row.law, row.parameter) for row in rows}) == len(rows)
    assert all(
        row.meaning and row.value for row in rows if row.parameter not in ("source", "successor")
    )


def test_every_attribute_has_a_meaning_of_its_own_but_the_name_and_what_lies_within() -> None:
    for declaration in (each for each in vars(laws).values() if is_dataclass(each)):
        said = described.meanings(declaration)
        named = [field.name for field in fields(declaration) if field.name not in said]
        own = [name for name in named if name not in (*NAMES, *WITHIN)]
        assert own == [], declaration


def found(company: laws.Company, months: int = 60) -> dict[tuple[str, str], str]:
    rows = described.rows(company, Clock(company.laws, months))
    return {(row.law, row.parameter): row.value for row in rows}


def test_values_are_those_of_the_declarations() -> None:
    company = simulate.company("retailer")
    values = found(company)
    segment = company.segments[0]
    assert float(values[f"segments.{segment.name}.purchasing", "r"]) == segment.purchasing.r
    assert float(values[f"segments.{segment.name}.spend", "mean"]) == pytest.approx(
        segment.spend.mean
    )
    category, share = next(iter(segment.categories.items()))
    assert float(values[f"segments.{segment.name}", f"categories.{category}"]) == share
    assert values["laws", "season"].split("; ") == [str(each) for each in company.laws.season]
    assert values["company", "accounts"] == described.NONE


def test_a_meaning_is_the_text_below_the_attribute() -> None:
    assert described.meanings(laws.Segment)["share"] == "of all customers"
    assert described.meanings(laws.Spend)["mean"].startswith("Mean order value over customers")
    assert "name" not in described.meanings(laws.Segment)


def test_planted_dates_are_those_on_which_the_simulator_acts() -> None:
    company = simulate.company("retailer")
    clock = Clock(company.laws, 60)
    values = found(company)
    stages = lifecycle.stages(company, clock)
    checked = 0
    for row, category in enumerate(company.categories):
        for code, stage in enumerate(laws.STAGES):
            moment = getattr(category, stage.lower())
            if moment is not None and 0 < moment < 1:
                first = clock.month_starts[int((stages[row] == code).argmax())]
                key = (f"categories.{category.name}", f"{stage.lower()}_on")
                assert values[key] == str(first)
                checked += 1
    assert checked >= 5
    campaign = company.laws.campaigns[0]
    on = values[f"laws.campaigns.{campaign.campaign_id}", "starts_on"]
    assert date.fromisoformat(on) == clock.date_of(round(campaign.starts * clock.days))


def test_a_moment_before_the_window_has_a_date_and_none_has_none() -> None:
    company = simulate.company("retailer")
    values = found(company, months=24)
    for category in company.categories:
        introduced = values[f"categories.{category.name}", "introduction_on"]
        # 24 months end with 2025: a moment of -1 is two years before January 2024.
        assert (introduced < "2024-01-01") == (category.introduction < 0)
        if category.decline is None:
            assert values[f"categories.{category.name}", "decline_on"] == described.NONE
    # -6 · 24 months: twelve years before January 2024.
    assert values["categories.Coffee beans", "introduction"] == "-6.0"
    assert values["categories.Coffee beans", "introduction_on"] == "2012-01-01"


def test_the_table_begins_with_the_size_of_the_simulation() -> None:
    company = simulate.company("supplier")
    rows = described.table(company, Clock(company.laws, 36), 400, 7)
    assert rows.column_names == ["law", "parameter", "value", "meaning"]
    first = {r["parameter"]: r["value"] for r in rows.to_pylist() if r["law"] == "simulation"}
    assert first == {
        "company": "supplier", "customers": "400", "months": "36", "seed": "7",
        "first_day": "2023-01-01", "as_of": "2026-01-01",
    }  # fmt: skip
