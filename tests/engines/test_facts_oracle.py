"""The engine's facts against a naive pandas reading of the same random ledgers."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import ibis
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib import engine, facts

START = date(2023, 1, 1)
AS_OF = date(2023, 7, 1)

LINE = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(["a", "b", "c", "d", None]),
        "order_id": st.sampled_from([f"o{i}" for i in range(12)]),
        "day": st.dates(START, AS_OF - timedelta(days=1)),
        "cents": st.integers(-5000, 20000),
    }
)


def naive(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a known customer, by loops."""
    found = {}
    for customer, part in rows.dropna(subset=["customer_id"]).groupby("customer_id"):
        days = sorted(set(part.loc[part.cents > 0, "day"]))
        gaps = [(b - a).days for a, b in pairwise(days)]
        found[customer] = {
            "occasions": len(days),
            "lines": len(part),
            "orders": part.loc[part.cents > 0, "order_id"].nunique(),
            "cents": part.cents.sum(),
            "returned": -part.loc[part.cents < 0, "cents"].sum(),
            "median_gap_days": pd.Series(gaps).median() if gaps else float("nan"),
            "last_gap_days": gaps[-1] if gaps else float("nan"),
            "days_since_last": (AS_OF - days[-1]).days - 1 if days else float("nan"),
            "T": (AS_OF - days[0]).days - 1 if days else float("nan"),
            "active_months": len({(d.year, d.month) for d in days}),
        }
    return pd.DataFrame(found).T.astype(float)


@settings(max_examples=25, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=40), st.randoms())
def test_facts_equal_the_naive_reading(lines: list[dict[str, object]], random: object) -> None:
    rows = pd.DataFrame(lines)
    if rows.customer_id.isna().all():
        return
    shuffled = rows.sample(frac=1, random_state=random.randrange(10**6))  # type: ignore[attr-defined]
    backend = engine.connect()
    raw = backend.create_table("rows", ibis.memtable(shuffled), temp=True)
    table = raw.mutate(
        day=raw.day.cast("date"),
        ordered_at=raw.day.cast("timestamp"),
        amount=(raw.cents.cast("decimal(18,4)") / 100).cast("decimal(18,4)"),
        is_purchase=raw.cents > 0,
    )
    made = facts.customers(table, "day", as_of=AS_OF, warm_up_ends=START)
    found = engine.collect(made).set_index("customer_id").sort_index()
    expected = naive(rows).sort_index()
    assert found.index.tolist() == expected.index.tolist()
    assert (found.revenue * 100).round(6).tolist() == expected.cents.tolist()
    assert (found.returns * 100).round(6).tolist() == expected.returned.tolist()
    for column in expected.columns.drop(["cents", "returned"]):
        pd.testing.assert_series_equal(
            found[column].astype(float), expected[column], check_names=False
        )
