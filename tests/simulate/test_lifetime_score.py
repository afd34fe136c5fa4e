"""Lifetime value on simulated companies: who is still there, what they buy later, the planted laws."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from crm_lib.book import open_book
from crm_lib.score import lifetime
from crm_lib.score.row import Row
from crm_lib.score.truth import Truth
from crm_lib.simulate import simulate

pytestmark = pytest.mark.xdist_group("lifetime")
ENDS, EARLIER = date(2026, 1, 1), date(2025, 1, 1)


def rows(name: str, day: date) -> dict[str, Row]:
    book = open_book(name, as_of=day)
    return {row.measure: row for row in lifetime.rows(Truth(book.dataset, book.backend), book)}


def by_start(found: dict[str, Row], start: str) -> Row:
    return next(row for measure, row in found.items() if measure.startswith(start))


@pytest.mark.parametrize("company", ["retailer", "supplier"])
def test_what_came_is_near_what_was_expected(simulated: Callable[..., str], company: str) -> None:
    found = rows(simulated(company), EARLIER)
    assert [measure for measure, row in found.items() if row.holds is False] == []
    assert by_start(found, "purchase occasions to come").holds
    assert by_start(found, "share of customers still there").holds is None
    assert "not discounted" in by_start(found, "contribution to come").measure


def test_at_the_end_of_the_window_nothing_later_is_known(simulated: Callable[..., str]) -> None:
    found = rows(simulated("retailer"), ENDS)
    assert found["purchases to come"].holds is None
    assert "known before 2026-01-01 only" in found["purchases to come"].note


def test_the_laws_of_a_plain_company_are_found(
    companies: Path, simulated: Callable[..., str]
) -> None:
    simulated("retailer")  # makes the project of the companies the current one
    folder = companies / "data" / "retailer_plain"
    if not folder.exists():
        simulate(
            "retailer", customers=3_000, months=36, seed=3, dirt="none", plain=True, out=folder, jobs=1,
        )  # fmt: skip
    found = rows(folder.name, EARLIER)
    laws = [row for measure, row in found.items() if measure.startswith("parameters")]
    assert len(laws) == 5
    assert all(row.holds for row in laws), laws
    apart = by_start(found, "P(alive) against")
    assert float(apart.found.rstrip("%")) < 3
