"""Conditions on order lines: what Spark takes as DuckDB does, and what is refused because it would not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm_lib import conditions, engine
from crm_lib.errors import UsageError
from tests.engines.company import company
from tests.engines.on_engine import OnEngine

PORTABLE = (
    "amount > 0 AND channel IN ('web', 'shop')",
    "channel NOT IN ('web') OR product_id IS NULL",
    "lower(channel) LIKE 'w%'",
    "channel ILIKE 'W_b'",
    "upper(trim(channel)) = 'WEB'",
    "channel IS DISTINCT FROM 'web'",
    "coalesce(channel, 'x') != ''",
    "nullif(channel, '') IS NULL",
    "length(channel) > 3",
    "starts_with(order_id, 'c')",
    "day >= DATE '2021-05-01'",
    "day < '2021-09-03'",
    "ordered_at > '2022-01-01 12:00'",
    "ordered_at::DATE < '2022-01-01'",
    "year(ordered_at) = 2022 AND month(day) = 5 AND day(day) > 3",
    "quantity % 1 = 0",
    "amount BETWEEN 1 AND 10",
    "amount * 1.19 > 50",
    "amount / 3 > 3 AND -amount < 5",
    "abs(amount) - discount >= 20",
    "greatest(amount, 5) = 5 OR least(amount, cost) = cost",
    "CASE WHEN amount > 5 THEN true ELSE channel = 'web' END",
    "amount::DOUBLE + 0.1 > quantity",
    "amount > 1e1",
)
REFUSED = (
    "dayofweek(day) = 0",
    "extract('dow' FROM day) = 0",
    "dayname(day) = 'Sunday'",
    "datediff('month', DATE '2021-01-15', day) > 3",
    "amount::INTEGER = 5",
    "hash(order_id) % 2 = 0",
    "order_id ~ 'c01.*'",
    "regexp_matches(channel, 'we.')",
    "channel LIKE 'a\\%'",
)


@pytest.fixture(scope="module")
def lines(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    made = company(5, people=40, days=800)
    backends = {"duckdb": engine.connect(), "spark": spark}
    folder: Path = tmp_path_factory.mktemp("conditions")
    return {name: OnEngine(each, made, folder / name).lines for name, each in backends.items()}


@pytest.mark.xdist_group("spark")
@pytest.mark.parametrize("condition", PORTABLE)
def test_a_condition_means_the_same(condition: str, lines: dict[str, Any]) -> None:
    conditions.check_portable(condition, "scope")
    found = {}
    for name, rows in lines.items():
        flagged = conditions.flag(rows, condition, "met")
        counted = flagged.aggregate(
            met=flagged.met.sum(), amount=flagged.amount.sum(where=flagged.met)
        )
        found[name] = counted.to_pyarrow().to_pylist()
    assert found["spark"] == found["duckdb"]
    assert found["duckdb"][0]["met"] > 0


@pytest.mark.parametrize("condition", REFUSED)
def test_what_spark_would_take_otherwise_is_refused(condition: str) -> None:
    with pytest.raises(UsageError, match="which Spark may take otherwise than DuckDB"):
        conditions.check_portable(condition, "scope")
