"""The ledger against a naive reading in Python of the same random company."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib import engine, facts, ledger
from crm_lib.dataset import Dataset

START, AS_OF = date(2023, 1, 1), date(2023, 5, 1)
WHO = st.sampled_from(["a", "b", "c", "stranger"])
DAY = st.dates(START, AS_OF - timedelta(days=1))
CENTS = st.integers(-900, 5000)
Rows = list[dict[str, Any]]
Key = tuple[str | None, date]


def rows(*parts: str, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Rows]:
    """Lists of rows with the columns `parts`, the usual draw for each, and `more`."""
    usual = {
        "customer_id": WHO, "day": DAY, "cost": st.none() | CENTS,
        "campaign_id": st.sampled_from(["K1", "K2", "K3"]),
    }  # fmt: skip
    return st.lists(
        st.fixed_dictionaries({name: usual[name] for name in parts} | more), max_size=12
    )


COMPANY = st.fixed_dictionaries(
    {
        "lines": st.lists(
            st.fixed_dictionaries(
                {
                    "customer_id": st.sampled_from(["a", "b", "c", None]),
                    "order_id": st.sampled_from(["o1", "o2", "o3"]),
                    "day": DAY, "amount": CENTS, "discount": st.none() | st.integers(0, 99),
                    "cost": st.none() | CENTS,
                }
            ),
            min_size=1, max_size=15,
        ),
        "contacts": rows("customer_id", "day", "cost", kind=st.sampled_from(["visit", "survey"])),
        "efforts": rows("customer_id", "cost", day=DAY.map(lambda day: day.replace(day=1)),
                        hours=st.integers(0, 8).map(lambda quarters: quarters / 4)),
        "exposures": rows("campaign_id", "customer_id", "cost", day=st.none() | DAY,
                          arm=st.sampled_from(["treatment", "Control ", None])),
        "campaigns": st.lists(
            st.fixed_dictionaries({"campaign_id": st.sampled_from(["K1", "K2", "K3"]), "day": st.none() | st.dates(START, AS_OF + timedelta(days=40)), "cost": CENTS}),
            unique_by=lambda row: row["campaign_id"], max_size=3,
        ),
    }
)  # fmt: skip
RULES = {"contact_cost": {"visit": "2.50"}, "hour_cost": "30.10", "order_cost": "0.35", "return_cost": "1.05"}  # fmt: skip
TYPES = {
    "customer_id": pa.string(), "order_id": pa.string(), "campaign_id": pa.string(), "kind": pa.string(),
    "arm": pa.string(), "day": pa.date32(), "hours": pa.float64(), "amount": pa.int64(),
    "discount": pa.int64(), "cost": pa.int64(),
}  # fmt: skip
DATED = {"lines": "ordered_at", "contacts": "at", "efforts": "month", "exposures": "sent_at", "campaigns": "starts_on"}  # fmt: skip
COLUMNS = {
    "lines": ["customer_id", "order_id", "day", "amount", "discount", "cost"],
    "contacts": ["customer_id", "day", "cost", "kind"],
    "efforts": ["customer_id", "day", "cost", "hours"],
    "exposures": ["campaign_id", "customer_id", "day", "cost", "arm"],
    "campaigns": ["campaign_id", "day", "cost"],
}


def config() -> Dataset:
    tables = {
        name: {
            "source": {"files": "x"},
            "columns": {
                (DATED[name] if column == "day" else column): column for column in columns
            } | ({"rep_id": "rep"} if name == "efforts" else {}),
        }
        for name, columns in COLUMNS.items()
    }  # fmt: skip
    return Dataset.model_validate(
        {
            "title": "Company", "currency": "EUR", "money_decimals": 2, "observed_from": START,
            "default_as_of": AS_OF, "tables": tables, "ledger": RULES,
        }
    )  # fmt: skip


def table(name: str, content: Rows) -> ir.Table:
    columns = COLUMNS[name]
    data = pa.table({c: pa.array([row[c] for row in content], TYPES[c]) for c in columns})
    made = ibis.memtable(data)
    money = [name for name in ("amount", "discount", "cost") if name in columns]
    unit = ibis.literal(Decimal("0.01"), type=dt.Decimal(18, 2))
    made = made.mutate(
        **{c: (made[c].cast(dt.Decimal(16, 0)) * unit).cast(dt.Decimal(18, 2)) for c in money}
    )
    return made if name == "lines" else made.rename({DATED[name]: "day"})


def made(company: dict[str, Rows]) -> dict[Key, dict[str, Decimal]]:
    lines = table("lines", company["lines"])
    lines = lines.mutate(ordered_at=lines.day.cast("timestamp"), quantity=ibis.literal(1.0))
    backend = engine.connect()
    marked = lines.mutate(is_purchase=lines.amount > 0, is_return=lines.amount < 0)
    marked = backend.create_table("lines", marked.to_pyarrow())
    campaigns = table("campaigns", company["campaigns"])
    tables = {name: table(name, company[name]) for name in COLUMNS if name != "lines"}
    begun = campaigns.starts_on.isnull() | (campaigns.starts_on < ibis.literal(AS_OF))
    records = ledger.Records(
        config(), marked, facts.customer_months(marked, "day"),
        marked.select("customer_id").filter(marked.customer_id.notnull()).distinct(),
        tables | {"campaigns": campaigns.filter(begun)}, AS_OF, campaigns.select("campaign_id", "starts_on"),
    )  # fmt: skip
    known = ledger.components(records.dataset, ledger.counted(records))
    result = ledger.ledger(records, ledger.lacking(known))
    found = {}
    for row in backend.to_pyarrow(result).to_pylist():
        key = (row["customer_id"], row["month"])
        assert key not in found
        found[key] = {c: row[c] or Decimal(0) for c in (*ledger.MONEY, *ledger.COUNTS)}
    checked = backend.to_pyarrow(ledger.reconciliation(records, result, known)).to_pylist()
    assert all(row["difference"] == 0 for row in checked)
    return found


def naive(company: dict[str, Rows]) -> dict[Key, dict[str, Decimal]]:
    """The same by loops, in whole cents."""
    known = {row["customer_id"] for row in company["lines"]} - {None}
    book: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for who, day, column, cents in (
        *_of_lines(company["lines"]),
        *_of_service(company),
        *_of_campaigns(company),
    ):
        if cents:
            book[who if who in known else None, day.replace(day=1)][column] += cents
    return {key: _totals(cents) for key, cents in book.items()}


Posting = tuple[str | None, date, str, int]


def _of_lines(lines: Rows) -> Iterator[Posting]:
    seen = set()
    for row in lines:
        who, day, amount = row["customer_id"], row["day"], row["amount"]
        yield who, day, "lines", 1
        yield who, day, "revenue", amount
        yield who, day, "returns", max(-amount, 0)
        yield who, day, "discount", row["discount"] or 0
        yield who, day, "cost_of_goods", row["cost"] or 0
        yield who, day, "handling_cost", 105 if amount < 0 else 0
        order = (who, day.replace(day=1), row["order_id"])
        if amount > 0 and order not in seen:
            seen.add(order)
            yield who, day, "orders", 1
            yield who, day, "handling_cost", 35


def _of_service(company: dict[str, Rows]) -> Iterator[Posting]:
    for row in company["contacts"]:
        by_rule = 250 if row["kind"] == "visit" else 0
        cost = by_rule if row["cost"] is None else row["cost"]
        yield row["customer_id"], row["day"], "contact_cost", cost
    for row in company["efforts"]:
        by_rule = int(row["hours"] * 3010 + 0.5)
        cost = by_rule if row["cost"] is None else row["cost"]
        yield row["customer_id"], row["day"], "effort_cost", cost


def _of_campaigns(company: dict[str, Rows]) -> Iterator[Posting]:
    starts = {row["campaign_id"]: row["day"] for row in company["campaigns"]}
    seen = [
        row | {"on": row["day"] or starts.get(row["campaign_id"]) or START}
        for row in company["exposures"]
    ]
    seen = [row for row in seen if row["on"] < AS_OF]
    for row in seen:
        yield row["customer_id"], row["on"], "exposure_cost", row["cost"] or 0
    for row in company["campaigns"]:
        on, cost = row["day"] or START, row["cost"]
        mine = [e for e in seen if e["campaign_id"] == row["campaign_id"]]
        heads = sorted({e["customer_id"] for e in mine if e["arm"] != "Control "})
        if on < AS_OF and not heads:
            yield None, on, "campaign_cost", cost
        elif on < AS_OF:
            for place, who in enumerate(heads):
                share = cost // len(heads) + (place < cost % len(heads))
                yield who, on, "campaign_cost", share


def _totals(cents: dict[str, int]) -> dict[str, Decimal]:
    def total(names: Iterable[str]) -> int:
        return sum(cents[name] for name in names)

    cents["gross_sales"] = total(("revenue", "returns", "discount"))
    cents["gross_profit"] = cents["revenue"] - cents["cost_of_goods"]
    cents["cost_to_serve"] = total(ledger.SERVING)
    cents["contribution"] = cents["gross_profit"] - cents["cost_to_serve"]
    cents["profit"] = cents["revenue"] - total(ledger.COSTS)
    counts = {name: Decimal(cents[name]) for name in ledger.COUNTS}
    return {name: Decimal(cents[name]) / 100 for name in ledger.MONEY} | counts


@settings(max_examples=15, deadline=None, derandomize=True)
@given(COMPANY, st.randoms(use_true_random=False))
def test_the_ledger_equals_the_naive_reading(
    company: dict[str, Rows], order: random.Random
) -> None:
    # A cost column that is empty throughout is missing, not zero.
    for name, content in company.items():
        for column in ("cost", "discount"):
            if content and column in content[0] and all(row[column] is None for row in content):
                content[0][column] = 100
        order.shuffle(company[name])
    expected = naive(company)
    found = made(company)
    zero = {key for key, row in expected.items() if not any(row.values())}
    assert found.keys() | zero == expected.keys() | found.keys()
    for key, row in found.items():
        wanted = expected[key]
        assert {name: row[name] for name in wanted if name != "occasions"} == {
            name: value for name, value in wanted.items() if name != "occasions"
        }
