"""The headline numbers on a ledger checked by hand, and what may be compared with what."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from crm_lib.analysis import dashboard, flow
from crm_lib.engine import collect, kept
from tests.analysis.ledger import SIX, Ledger


def measures(ledger: Ledger) -> pd.DataFrame:
    return dashboard.measures(
        ledger.months, ledger.customer_months, ledger.customers, **ledger.dates
    ).set_index(["span", "key"])


def month(ledger: Ledger) -> Any:
    return measures(ledger).loc["month"]


def test_the_last_full_month() -> None:
    rows = month(Ledger(SIX))
    assert rows["window"].eq("2023-03-01 – 2023-03-31").all()
    assert rows["value"].to_dict() == pytest.approx(
        {
            "revenue": 130,
            "orders": 4,
            "occasions": 3,
            "active_customers": 3,
            "new_customers": 1,  # dora
            "repeat_purchase_rate": 0,
            "repeat_buying_rate": 1 / 2,  # of anna and carla only anna bought again
            "revenue_per_active_customer": 90 / 3,
            "average_order_value": 130 / 4,
            "top_share": 50 / 90,
            "anonymous_share": 40 / 130,
        }
    )


def test_change_is_relative_or_in_points() -> None:
    change = month(Ledger(SIX))["change"]
    assert change["revenue"] == pytest.approx(130 / 445 - 1)
    assert change["active_customers"] == pytest.approx(3 / 2 - 1)
    assert change["new_customers"] == 0  # dora in March, carla in February
    assert change["repeat_buying_rate"] == pytest.approx(1 / 2 - 1 / 3)
    assert change["anonymous_share"] == pytest.approx(40 / 130)


def test_a_month_that_was_not_observed_is_not_compared() -> None:
    rows = month(Ledger(SIX))
    assert rows["year_change"].isna().all()
    assert (
        rows["year_change_reason"]
        .str.contains("2022-03-01 – 2022-03-31 is not wholly observed")
        .all()
    )


def test_a_partial_month_is_neither_shown_nor_compared() -> None:
    rows = month(Ledger(SIX, end="2023-03-31", start="2023-01-02"))
    assert rows["window"].eq("2023-02-01 – 2023-02-28").all()
    assert rows.loc["revenue", "value"] == 445
    assert rows["change"].isna().all()
    assert (
        rows["change_reason"].str.contains("2023-01-01 – 2023-01-31 is not wholly observed").all()
    )
    # January is partial, so who was kept from it is not known either.
    assert pd.isna(rows.loc["repeat_buying_rate", "value"])


def test_less_than_a_year_has_no_year() -> None:
    rows = measures(Ledger(SIX)).loc["year"]
    assert rows["value"].isna().all()
    assert rows["note"].str.contains("2022-04-01 – 2023-03-31 is not wholly observed").all()


TWO_YEARS = [
    ("a", "1", "2021-01-10", "10"),
    ("a", "2", "2021-06-10", "10"),
    ("b", "3", "2021-06-11", "20"),
    ("a", "4", "2022-05-01", "40"),
    ("c", "5", "2022-11-01", "30"),
    ("c", "6", "2022-12-01", "30"),
    ("c", "7", "2022-12-02", "-10"),
]


def two_years(**options: str) -> Ledger:
    usual = {"start": "2021-01-01", "end": "2023-01-01", "warm_up_ends": "2021-02-01"}
    return Ledger(TWO_YEARS, **{**usual, **options})


def test_the_year_and_its_change() -> None:
    rows = measures(two_years()).loc["year"]
    assert rows.loc["revenue", "value"] == 90
    assert rows.loc["revenue", "change"] == rows.loc["revenue", "year_change"] == 90 / 40 - 1
    assert rows.loc["repeat_purchase_rate", "value"] == 1 / 2
    assert rows.loc["repeat_purchase_rate", "change"] == 0
    assert rows.loc["repeat_buying_rate", "value"] == pytest.approx(
        1 / 2
    )  # May, November; c in December
    assert rows.loc["orders", "value"] == 3  # the credit note of 2 December is none
    assert rows.loc["top_share", "value"] == pytest.approx(50 / 90)


def test_new_customers_are_not_compared_with_the_warm_up() -> None:
    row = measures(two_years()).loc[("year", "new_customers")]
    assert row["value"] == 1
    assert pd.isna(row["change"])
    assert "touches the warm-up, which ends before 2021-02-01" in row["change_reason"]
    late = measures(two_years(warm_up_ends="2022-02-01")).loc[("year", "new_customers")]
    assert late["value"] == 1
    assert "without customers first seen in the warm-up" in late["note"]
    none = measures(two_years(warm_up_ends="2021-01-01")).loc[("year", "new_customers")]
    assert none["change"] == 1 / 2 - 1


def test_a_quiet_month_has_no_rates() -> None:
    rows = month(two_years(end="2022-09-01"))
    assert rows.loc["revenue", "value"] == rows.loc["active_customers", "value"] == 0
    for key in ("repeat_purchase_rate", "average_order_value", "top_share"):
        assert pd.isna(rows.loc[key, "value"])
        assert "nothing to divide by" in rows.loc[key, "note"]
    assert "not above zero" in rows.loc["revenue", "change_reason"]


def test_margin_only_where_there_are_costs() -> None:
    costs = ["60", "20", "20", "10", "10", "400", "-80", "5", "10", "-2", "20"]
    rows = month(Ledger(SIX, costs=costs))
    assert rows.loc["margin", "value"] == 130 - 55
    assert rows.loc["margin_rate", "value"] == pytest.approx(75 / 130)
    assert "margin" not in month(Ledger(SIX)).index


def test_nothing_observed_yet() -> None:
    rows = month(Ledger(SIX, end="2023-01-20"))
    assert rows["value"].isna().all()
    assert rows["note"].str.contains("not wholly observed").all()


def test_the_monthly_series() -> None:
    ledger = Ledger(SIX)
    frame = collect(
        dashboard.monthly(ledger.months, ledger.customer_months, ledger.customers, **ledger.dates)
    )
    assert list(frame["revenue"]) == [150, 445, 130]
    assert list(frame["active_customers"]) == [3, 2, 3]
    assert list(frame["new_customers"]) == [1, 1, 1]
    assert list(frame["first_seen_customers"]) == [2, 0, 0]
    assert list(frame["kept_customers"]) == [0, 1, 1]
    assert list(frame["repeat_buying_rate"])[1:] == pytest.approx([1 / 3, 1 / 2])
    assert list(frame["revenue_per_active_customer"]) == pytest.approx([50, 445 / 2, 30])


@pytest.mark.parametrize("from_moves", [False, True])
def test_a_count_that_is_kept_stays_a_whole_number(from_moves: bool) -> None:
    """Sums of integers are wider than any that a file holds, and would come back as floats."""
    ledger = Ledger(SIX)
    moves = flow.moves(ledger.customer_months, ledger.customers, warm_up_ends=ledger.dates["warm_up_ends"])  # fmt: skip
    series = dashboard.monthly(
        ledger.months, ledger.customer_months, ledger.customers, **ledger.dates,
        moved=kept(moves) if from_moves else None,
    )  # fmt: skip
    types = kept(series).schema()
    for name in ("orders", "occasions", "active_customers", "new_customers", "kept_customers"):
        assert types[name].is_integer(), name
