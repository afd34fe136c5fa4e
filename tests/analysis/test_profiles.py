"""Profiles by attribute, over-representation, habits and preferences, computed by hand."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest

from crm_lib.analysis import profiles
from crm_lib.engine import collect
from crm_lib.errors import NotInData, UsageError

FACTS: dict[str, str] = {
    "customer_id": "string",
    "occasions": "int64",
    "revenue": "decimal(38, 4)",
    "median_gap_days": "float64",
    "days_since_last": "int64",
}


def profile(attributes: dict[str, tuple[str, list[Any]]], **facts: list[Any]) -> ir.Table:
    """Customers 0, 1, 2 … with attributes (type, values) and, where given, facts."""
    n = len(next(iter(attributes.values()))[1])
    columns: dict[str, list[Any]] = {
        "customer_id": [str(i) for i in range(n)],
        "occasions": facts.get("occasions", [1] * n),
        "revenue": [Decimal(amount) for amount in facts.get("revenue", ["1"] * n)],
        "median_gap_days": facts.get("median_gap_days", [None] * n),
        "days_since_last": facts.get("days_since_last", [1] * n),
    }
    schema = dict(FACTS)
    for name, (type_, values) in attributes.items():
        columns[name], schema[name] = values, type_
    frame = pd.DataFrame({name: pd.Series(v, dtype=object) for name, v in columns.items()})
    return ibis.memtable(frame, schema=schema)


def regions(*values: str | None, **facts: list[Any]) -> ir.Table:
    return profile({"region": ("string", list(values))}, **facts)


def test_by_a_text_attribute() -> None:
    table = regions(
        "north", "south", "north", None, " ",
        occasions=[3, 1, 2, 0, 1],
        revenue=["10.10", "5", "0.20", "-0.30", "5"],
        median_gap_days=[10, None, 30, None, None],
        days_since_last=[2, 8, 4, None, 6],
    )  # fmt: skip
    found = collect(profiles.by(table, "region"))
    assert found.value.tolist() == ["north", "south", "Unknown"]
    assert found.kind.tolist() == ["value", "value", "unknown"]
    assert found.customers.tolist() == [2, 1, 2]
    assert found.buyers.tolist() == [2, 1, 1]
    assert found.revenue.tolist() == [10.30, 5, 4.70]
    assert found.revenue_share.tolist() == pytest.approx([0.515, 0.25, 0.235])
    assert found.revenue_per_customer.tolist() == pytest.approx([5.15, 5, 2.35])
    assert found.occasions_per_customer.tolist() == [2.5, 1, 0.5]
    assert found.repeat_rate.tolist() == [1, 0, 0]
    assert found.median_gap_days[0] == 20
    assert found.median_days_since_last.tolist() == [3, 8, 6]
    assert found.attribute.unique().tolist() == ["region"]


def test_values_beyond_the_most_common_are_other() -> None:
    table = regions(*"aaabbccd", "e", None)
    found = collect(profiles.by(table, "region", top=2))
    assert found.value.tolist() == ["a", "b", "Other", "Unknown"]
    assert found.kind.tolist() == ["value", "value", "other", "unknown"]
    assert found.customers.tolist() == [3, 2, 4, 1]
    # One value more than asked keeps its name: "Other" would take the same room.
    assert collect(profiles.by(table, "region", top=4)).value.tolist() == [*"abcde", "Unknown"]


def test_the_data_s_own_other_and_unknown_are_not_shown_twice() -> None:
    found = collect(profiles.by(regions("Other", "Unknown", None, "a", "b", "c"), "region", top=2))
    assert found.value.is_unique
    assert found.customers.sum() == 6


def test_few_numbers_stay_apart_in_rising_order() -> None:
    found = collect(profiles.by(profile({"size": ("int64", [10, 2, 2, None])}), "size"))
    assert found.value.tolist() == ["2", "10", "Unknown"]
    assert found.customers.tolist() == [2, 1, 1]


def test_many_numbers_are_cut_between_values_never_inside_one() -> None:
    values = [0.0] * 60 + [float(i) for i in range(1, 41)] + [float("nan")]
    found = collect(profiles.by(profile({"income": ("float64", values)}), "income", bins=5))
    assert found.value.tolist() == ["0", "1 to 20", "21 to 40", "Unknown"]
    assert found.customers.tolist() == [60, 20, 20, 1]


def test_steps_of_a_scale_rise_but_numbered_shops_do_not() -> None:
    incomes = regions("250K+", "15-24K", "Under 15K", "100-124K", "100-124K", None)
    assert collect(profiles.by(incomes, "region")).value.tolist() == [
        "Under 15K", "15-24K", "100-124K", "250K+", "Unknown",
    ]  # fmt: skip
    shops = regions("shop 7", "shop 12", "shop 12", "shop 3")
    assert collect(profiles.by(shops, "region")).value.tolist() == ["shop 12", "shop 3", "shop 7"]


def test_days_are_profiled_by_year() -> None:
    days = [datetime(2022, 5, 1), datetime(2021, 1, 1), datetime(2022, 12, 31), None]
    found = collect(profiles.by(profile({"acquired_on": ("date", days)}), "acquired_on"))
    assert found.value.tolist() == ["2021", "2022", "Unknown"]
    assert found.customers.tolist() == [1, 2, 1]


def test_an_attribute_without_any_value_is_all_unknown() -> None:
    for type_ in ("string", "int64", "float64"):
        found = collect(profiles.by(profile({"x": (type_, [None, None])}), "x"))
        assert found.value.tolist() == ["Unknown"]
        assert found.kind.tolist() == ["unknown"]
        assert found.customers.tolist() == [2]


def test_a_misspelt_attribute_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no attribute 'regiom'. Did you mean 'region'.*Known:"):
        profiles.by(regions("a"), "regiom")
    with pytest.raises(UsageError, match="At least one value"):
        profiles.by(regions("a"), "region", top=0)


def test_by_role_needs_roles() -> None:
    found = collect(profiles.by_role(profile({"role": ("string", ["partner", "partner"])})))
    assert (found.value.tolist(), found.customers.tolist()) == (["partner"], [2])
    with pytest.raises(NotInData, match="role"):
        profiles.by_role(regions("a"))


def test_over_index_uses_the_wilson_interval() -> None:
    # 9 of 10 in a, 1 of 30 in b, base 10 of 40. Wilson (1927) for 9 of 10: 0.5958 to 0.9821.
    flags: list[bool | None] = [True] * 9 + [False] + [True] + [False] * 29 + [None]
    table = profile(
        {
            "region": ("string", ["a"] * 10 + ["b"] * 30 + ["a"]),
            "is_top": ("boolean", flags),
        }
    )
    found = profiles.over_index(table, "region", "is_top").set_index("value")
    assert found.customers.to_dict() == {"a": 10, "b": 30}
    assert found.loc["a", ["rate", "low", "high"]].tolist() == pytest.approx(
        [0.9, 0.5958, 0.9821], abs=1e-4
    )
    assert found.base_rate.tolist() == [0.25, 0.25]
    assert found["index"].to_dict() == pytest.approx({"a": 3.6, "b": 4 / 30})
    assert found.finding.to_dict() == {"a": "over", "b": "under"}
    few = profiles.over_index(table.filter(table.is_top), "region", "is_top")
    assert set(few.finding) == {"no clear difference"}
    alike = profile({"region": ("string", ["a"] * 30), "is_top": ("boolean", [True] * 30)})
    assert set(profiles.over_index(alike, "region", "is_top").finding) == {"no clear difference"}
    with pytest.raises(UsageError, match="Did you mean 'is_top'"):
        profiles.over_index(table, "region", "is_tpo")


def lines(*rows: tuple[str | None, str, str, str, str], purchase: bool = True) -> ir.Table:
    """Order lines from (customer, order, time, amount, product)."""
    return ibis.memtable(
        [
            {
                "customer_id": customer,
                "order_id": order,
                "ordered_at": datetime.fromisoformat(at),
                "day": datetime.fromisoformat(at).date(),
                "amount": Decimal(amount),
                "product_id": product,
                "channel": "web" if customer == "a" else None,
                "is_purchase": purchase and Decimal(amount) > 0,
            }
            for customer, order, at, amount, product in rows
        ],
        schema={
            "customer_id": "string", "order_id": "string", "ordered_at": "timestamp",
            "day": "date", "amount": "decimal(18, 4)", "product_id": "string",
            "channel": "string", "is_purchase": "boolean",
        },
    )  # fmt: skip


LEDGER = lines(
    ("a", "1", "2024-01-01T09:30", "10", "tea"),  # a Monday
    ("a", "2", "2024-01-01T18:00", "5", "cup"),
    ("a", "3", "2024-01-07T09:00", "1", "tea"),  # a Sunday
    ("b", "4", "2024-01-08T09:59", "4", "pot"),  # a Monday
    ("b", "5", "2024-01-09T12:00", "-4", "pot"),
    (None, "6", "2024-02-01T12:00", "9", "tea"),
)


def test_habits_by_weekday_count_occasions() -> None:
    found = collect(profiles.habits(LEDGER))
    assert found.value.tolist() == ["Monday", "Sunday"]
    assert found.place.tolist() == [1, 7]
    assert found.occasions.tolist() == [2, 1]
    assert found.occasions_share.tolist() == pytest.approx([2 / 3, 1 / 3])
    assert found.customers.tolist() == [2, 1]
    assert found.purchases.tolist() == [19, 1]
    orders = collect(profiles.habits(LEDGER, occasion="order", week_start="sunday"))
    assert orders.value.tolist() == ["Sunday", "Monday"]
    assert orders.occasions.tolist() == [1, 3]


def test_habits_by_hour_month_and_channel() -> None:
    hours = collect(profiles.habits(LEDGER, "hour"))
    assert hours.value.tolist() == ["09:00", "18:00"]
    assert hours.occasions.tolist() == [3, 1]
    assert collect(profiles.habits(LEDGER, "month")).value.tolist() == ["January"]
    channels = collect(profiles.habits(LEDGER, "channel"))
    assert channels.value.tolist() == ["web", "Unknown"]
    assert channels.occasions.tolist() == [2, 1]


def test_habits_by_attribute() -> None:
    people = regions("north").mutate(customer_id=ibis.literal("a"))
    found = collect(profiles.habits(LEDGER, profile=people, attribute="region"))
    assert found.customer_group.tolist() == ["Unknown", "north", "north"]
    assert found.occasions_share.tolist() == [1, 0.5, 0.5]
    with pytest.raises(UsageError, match="both the profile and the attribute"):
        profiles.habits(LEDGER, profile=people)


def test_habits_that_the_data_cannot_show() -> None:
    days_only = lines(("a", "1", "2024-01-01", "10", "tea"))
    with pytest.raises(NotInData, match="time of day"):
        profiles.habits(days_only, "hour")
    with pytest.raises(NotInData, match="'place'"):
        profiles.habits(LEDGER, "place")
    with pytest.raises(UsageError, match="Did you mean 'weekday'"):
        profiles.habits(LEDGER, "weekdy")
    with pytest.raises(UsageError, match="first day of the week"):
        profiles.habits(LEDGER, week_start="montag")


PRODUCTS = ibis.memtable({"product_id": ["tea", "cup"], "category": ["Drinks", "Ware"]})


def test_preferences_come_most_bought_first_unknown_last() -> None:
    ledger = lines(
        ("a", "1", "2024-01-01", "5", "tea"),
        ("b", "2", "2024-01-01", "5", "tea"),
        ("a", "3", "2024-01-02", "11", "cup"),
        ("a", "4", "2024-01-03", "90", "pot"),
    )
    assert collect(profiles.preferences(ledger, PRODUCTS)).value.tolist() == [
        "Ware", "Drinks", "Unknown",
    ]  # fmt: skip


def test_preferences_of_everyone_and_of_groups() -> None:
    found = collect(profiles.preferences(LEDGER, PRODUCTS)).set_index("value")
    assert found.purchases.to_dict() == {"Drinks": 11, "Ware": 5, "Unknown": 4}
    assert found.customers_share.to_dict() == {"Drinks": 0.5, "Ware": 0.5, "Unknown": 0.5}
    assert found["index"].tolist() == pytest.approx([1, 1, 1])
    people = regions("north").mutate(customer_id=ibis.literal("a"))
    by_region = collect(
        profiles.preferences(LEDGER, PRODUCTS, profile=people, attribute="region")
    ).set_index(["customer_group", "value"])
    # 11 of a's 16 went to drinks, against 11 of everybody's 20.
    assert by_region.loc[("north", "Drinks"), "index"] == pytest.approx((11 / 16) / (11 / 20))
    assert by_region.loc[("Unknown", "Unknown"), "purchases_share"] == 1


def test_preferences_need_products() -> None:
    with pytest.raises(NotInData, match="product_id"):
        profiles.preferences(LEDGER.drop("product_id"), PRODUCTS)
    with pytest.raises(NotInData, match="subcategory"):
        profiles.preferences(LEDGER, PRODUCTS, level="subcategory")
    with pytest.raises(UsageError, match="Did you mean 'category'"):
        profiles.preferences(LEDGER, PRODUCTS, level="categori")
