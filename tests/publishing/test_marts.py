"""Marts made a range of customers at a time hold what those made in one piece hold."""

from __future__ import annotations

import shutil
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as parquet
import pytest

from crm_lib import marts
from crm_lib.analysis import clv
from crm_lib.book import Book, open_book
from crm_lib.engine import collect
from crm_lib.marts import files


@pytest.mark.xdist_group("supplier")
def test_customers_in_ranges_are_the_same_customers(
    simulated: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = open_book(simulated("supplier"), as_of="2026-01-01")
    shutil.copytree(
        whole.folder, tmp_path / "book", ignore=shutil.ignore_patterns("marts", "balances")
    )
    monkeypatch.setattr(files, "CUSTOMERS_A_FILE", 150)
    parts = Book(whole.rows, tmp_path / "book", {})

    made = sorted((marts.build(parts) / "customer").glob("*.parquet"))
    assert len(made) > 2
    ids = [parquet.read_table(file)["customer_id"].to_pylist() for file in made]
    assert [one for some in ids for one in some] == sorted(collect(whole.customers)["customer_id"])
    starts = marts.equity(parts)["files_from"]
    for at, some in enumerate(ids):
        assert {bisect_right(starts, one) - 1 for one in some} == {at}, "a lookup finds the file"

    for name in ("customer", "held"):
        made, expected = (
            collect(marts.read(book, name)).sort_values("customer_id", ignore_index=True)
            for book in (parts, whole)
        )
        pd.testing.assert_frame_equal(made, expected, rtol=1e-12)
    assert marts.equity(parts)["clv"] == pytest.approx(marts.equity(whole)["clv"], rel=1e-9)
    for name in ("moves", "cohorts", "buyers"):
        made, expected = (collect(marts.read(book, name)) for book in (parts, whole))
        numbers = expected.select_dtypes("number").columns
        assert made[numbers].sum().tolist() == pytest.approx(expected[numbers].sum().tolist())


@pytest.mark.xdist_group("supplier")
@pytest.mark.parametrize(
    ("model", "horizon_months", "discount_rate"),
    [
        ("best", clv.HORIZON_MONTHS, clv.DISCOUNT_RATE),
        ("best", 12, clv.DISCOUNT_RATE),
        ("best", clv.HORIZON_MONTHS, 0.0),
        ("nbd", clv.HORIZON_MONTHS, clv.DISCOUNT_RATE),
    ],
)
def test_values_are_of_the_model_and_the_terms_asked_for(
    simulated: Callable[..., str], model: str, horizon_months: int, discount_rate: float
) -> None:
    book = open_book(simulated("supplier"), as_of="2026-01-01")
    choice = marts.choice(book, model=model)
    terms = {"horizon_months": horizon_months, "discount_rate": discount_rate}
    found = collect(marts.values(book, choice, marts.margins_of_each(book), **terms))  # type: ignore[arg-type]
    found = found[found["clv"].notna()]

    told = choice.model.predict(choice.seen, horizon=horizon_months, unit="month")
    expected = (told["expected_purchases"] * choice.seen.weight).sum()
    assert found["expected_occasions"].sum() == pytest.approx(expected)
    undiscounted = found["margin_per_occasion"] * found["expected_occasions"]
    share = found["clv"].sum() / undiscounted.sum()
    # No occasion lies further ahead than the horizon.
    least = (1 + discount_rate) ** (-horizon_months / 12)
    assert least - 1e-9 <= share <= 1 + 1e-9
