"""What was known on a day: a row of that day is not yet there, a fact of that day not yet written."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import ibis
import pytest

from crm_lib import schema
from crm_lib.engine import collect
from crm_lib.known import without_later

DAY = date(2023, 3, 1)
JUST_BEFORE, MIDNIGHT = datetime(2023, 2, 28, 23, 59), datetime(2023, 3, 1)


def told(table: str, types: dict[str, str], *rows: tuple[Any, ...]) -> list[dict[str, Any]]:
    """The rows as they stood on the day, missing values as None."""
    given = ibis.memtable([dict(zip(types, row, strict=True)) for row in rows], schema=types)
    frame = collect(without_later(given, schema.table(table), DAY).order_by("id"))
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


@pytest.mark.parametrize(
    ("made", "is_there"), [(JUST_BEFORE, True), (MIDNIGHT, False), (None, True)]
)
def test_rows_of_the_day_do_not_exist_yet(made: datetime | None, is_there: bool) -> None:
    found = told("contacts", {"id": "string", "at": "timestamp"}, ("a", made))
    assert bool(found) == is_there


@pytest.mark.parametrize(("written", "is_known"), [(JUST_BEFORE, True), (MIDNIGHT, False)])
def test_facts_of_the_day_are_not_written_yet(written: datetime, is_known: bool) -> None:
    types = {"id": "string", "at": "timestamp", "resolved_at": "timestamp"}
    (row,) = told("contacts", types, ("a", JUST_BEFORE, written))
    assert (row["resolved_at"] is not None) == is_known


def test_a_fact_without_a_date_of_its_own_is_dated_by_another() -> None:
    types = {"id": "string", "converted_customer_id": "string", "converted_on": "date"}
    before, then = told("prospects", types, ("a", "anna", date(2023, 2, 28)), ("b", "ben", DAY))
    assert (before["converted_customer_id"], then["converted_customer_id"]) == ("anna", None)
    assert then["converted_on"] is None


def test_a_fact_that_nothing_dates_is_never_known() -> None:
    (row,) = told("prospects", {"id": "string", "converted_customer_id": "string"}, ("a", "anna"))
    assert row["converted_customer_id"] is None
