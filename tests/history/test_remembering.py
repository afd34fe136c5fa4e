"""Facts built upon those of an earlier book equal facts from all lines at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_lib import engine, facts, hashes, history, machine
from crm_lib.dataset import Dataset
from crm_lib.engine import collect
from crm_lib.history import Delivery, History, Period, Piece, account
from crm_lib.periods import Window, add_months, month_start

START, END = date(2023, 1, 1), date(2023, 7, 1)
Rows = list[dict[str, Any]]

LINE = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(["a", "b", "c", "d", None]),
        # Few orders, so that some are shared by customers and some are bought in two months.
        "order_id": st.sampled_from([f"o{i}" for i in range(12)]),
        "day": st.dates(START, END - timedelta(days=1)),
        "hour": st.integers(0, 23),
        "cents": st.integers(-3000, 9000),
        "cost": st.none() | st.integers(-900, 900),
    }
)
DAYS = st.lists(
    st.one_of(
        st.sampled_from([add_months(START, n) for n in range(1, 6)]),
        st.dates(START + timedelta(days=1), END),
    ),
    max_size=3,
).map(lambda days: [*sorted(days), END])


def config(name: str, occasion: Literal["day", "order"]) -> Dataset:
    columns = ("customer_id", "order_id", "ordered_at", "amount", "cost")
    return Dataset.model_validate(
        {
            "name": name, "title": "Shop", "currency": "EUR", "money_decimals": 2, "occasion": occasion,
            "observed_from": START, "default_as_of": END, "warm_up_days": 20,
            "tables": {"lines": {"source": {"files": "x"}, "columns": {c: c for c in columns}}},
        }
    )  # fmt: skip


def table(backend: Any, rows: Rows) -> ir.Table:
    """Accepted and marked order lines."""
    raw = ibis.memtable(
        rows,
        schema={
            "customer_id": "string", "order_id": "string", "day": "date", "hour": "int64",
            "cents": "int64", "cost": "int64",
        },
    )  # fmt: skip
    money = "decimal(18, 2)"
    made = raw.select(
        "customer_id",
        "order_id",
        "day",
        ordered_at=raw.day.cast("timestamp") + raw.hour.as_interval("h"),
        amount=(raw.cents.cast("decimal(18, 4)") / 100).cast(money),
        cost=(raw.cost.cast("decimal(18, 4)") / 100).cast(money),
        is_purchase=raw.cents > 0,
        is_return=raw.cents < 0,
    )
    return backend.create_table(ibis.util.gen_name("lines"), made, temp=True)


def pieces(rows: Rows, months_a_file: int) -> list[Piece]:
    """The rows in files of so many months, each known by what is in it."""
    found = []
    starts = [add_months(START, n) for n in range(0, 6, months_a_file)]
    for start, end in pairwise([*starts, END]):
        inside = [row for row in rows if start <= row["day"] < end]
        days = [row["day"] for row in inside]
        key = str(sorted(map(str, inside)))
        found.append(Piece(key, Path(str(start)), len(days), min(days, default=None), max(days, default=None)))  # fmt: skip
    return found


def built(
    cache: Path, dataset: Dataset, rows: Rows, as_of: date, months_a_file: int = 1
) -> History:
    """The facts of a book in the cache, upon those that lie there."""
    backend = engine.connect()
    lines = table(backend, rows)

    def within(period: Period) -> ir.Table:
        start, end = ibis.literal(period.window.start), ibis.literal(period.window.end)
        return lines.filter(lines.day >= start, lines.day < end)

    folder = cache / dataset.name / "key" / "as_of" / f"{as_of}-{len(list(cache.glob('*/*/*/*')))}"
    folder.mkdir(parents=True)
    known = backend.create_table("known", ibis.memtable({"customer_id": ["a", "zoe", "zoe"]}))
    found = history.periods_of(pieces(rows, months_a_file), as_of)
    none = Period(Window(START, as_of), ())
    return history.write(
        Delivery(dataset, as_of, "code", found or [none], within, known, backend), folder
    )


def assert_right(made: History, dataset: Dataset, rows: Rows, as_of: date) -> None:
    """The facts equal those made of all lines at once."""
    backend = made.backend
    lines = table(backend, [row for row in rows if row["day"] < as_of])
    span = {"warm_up_ends": dataset.warm_up_ends}
    known = backend.table("known")
    kind = dataset.occasion
    expected = {
        "customers": facts.customers(lines, kind, as_of=as_of, known=known, **span),
        "occasions": facts.occasions(lines, kind),
        "customer_months": facts.customer_months(lines, kind),
        "months": facts.months(lines, observed=Window(START, as_of), **span),
    }
    for name, wanted in expected.items():
        same(getattr(made, name), wanted, name)
    for month in (add_months(START, n) for n in range(1, 6)):
        if month <= as_of:
            before = lines.filter(lines.day < ibis.literal(month))
            wanted = facts.customers(before, kind, as_of=month, known=known, **span)
            same(made.customers_at(month, known=known, **span), wanted, f"customers at {month}")


def same(found: ir.Table, wanted: ir.Table, what: str) -> None:
    frames = [collect(each) for each in (found, wanted)]
    assert list(frames[0].columns) == list(frames[1].columns), what
    order = list(frames[0].columns)
    one, other = (frame.sort_values(order, ignore_index=True) for frame in frames)
    pd.testing.assert_frame_equal(one, other, check_exact=True, obj=what)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("CRM_CACHE", str(folder))
        yield folder


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    st.lists(LINE, min_size=1, max_size=50), DAYS, st.sampled_from(["day", "order"]), st.integers(1, 3)
)  # fmt: skip
def test_month_by_month_equals_all_at_once(
    cache: Path, rows: Rows, days: list[date], occasion: Literal["day", "order"], months: int
) -> None:
    dataset = config(f"shop{len(list(cache.iterdir()))}", occasion)
    for as_of in days:
        assert_right(built(cache, dataset, rows, as_of, months), dataset, rows, as_of)


SOME = [
    {"customer_id": who, "order_id": f"{who}{day}", "day": day, "hour": 9, "cents": 1000 + at, "cost": 5}
    for at, (who, day) in enumerate(
        (who, START + timedelta(days=31 * n + ord(who) % 7)) for n in range(6) for who in "abc"
    )
]  # fmt: skip


@pytest.mark.parametrize("occasion", ["day", "order"])
def test_customers_by_customers_equals_all_at_once(
    cache: Path, occasion: Literal["day", "order"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where memory is short: a range for each of the ids, but for those that nothing begins with."""
    monkeypatch.setattr(account, "BYTES_A_ROW", machine.engine_bytes())
    dataset = config(f"shop{len(list(cache.iterdir()))}", occasion)
    again = {"customer_id": "b", "order_id": "b2", "day": START, "hour": 9, "cents": 50, "cost": 5}
    nobody = {**again, "customer_id": None}
    rows = [*SOME, again, {**again, "day": START + timedelta(days=3)}, nobody]
    for as_of in (add_months(START, 3), END):
        made = built(cache, dataset, rows, as_of)
        assert_right(made, dataset, rows, as_of)
        files = sorted(made.folder.glob("customers-*.parquet"))
        assert len(files) > 2
        every = [
            row for file in files for row in parquet.read_table(file)["customer_id"].to_pylist()
        ]
        assert every == sorted(every)


def counted(made: History) -> dict[str, tuple[int, int]]:
    """What is on disk of each batch and of the occasions, by name: the file's identity and age."""
    files = [
        *made.folder.glob("periods/*/customer_months.parquet"),
        *made.folder.glob("occasions/*"),
    ]
    return {str(path.relative_to(made.folder)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}  # fmt: skip


def test_the_next_month_counts_only_the_next_month(cache: Path) -> None:
    dataset = config("next", "day")
    first = counted(built(cache, dataset, SOME, date(2023, 6, 1)))
    second = built(cache, dataset, SOME, END)
    assert first.items() < counted(second).items()
    assert len(second.contents.batches) == 2
    assert len(second.contents.occasions) == 2


def test_a_book_stands_when_the_one_it_builds_upon_is_gone(cache: Path) -> None:
    dataset = config("alone", "day")
    shutil.rmtree(built(cache, dataset, SOME, date(2023, 6, 1)).folder)
    shutil.rmtree(built(cache, dataset, SOME, END).folder)
    made = built(cache, dataset, SOME, END)
    assert_right(made, dataset, SOME, END)


@pytest.mark.parametrize("occasion", ["day", "order"])
@pytest.mark.parametrize("month", [1, 3, 6])
def test_a_changed_old_row_is_found(
    cache: Path, month: int, occasion: Literal["day", "order"]
) -> None:
    dataset = config(f"changed{month}{occasion}", occasion)
    for as_of in (date(2023, 4, 1), date(2023, 6, 1), END):
        built(cache, dataset, SOME, as_of)
    changed = [dict(row) for row in SOME]
    row = next(row for row in changed if month_start(row["day"]).month == month)
    row["cents"] += 7
    made = built(cache, dataset, changed, END)
    assert_right(made, dataset, changed, END)
    assert round(float(made.customers.revenue.sum().execute()) * 100) == 7 + sum(
        row["cents"] for row in SOME
    )


def test_an_order_that_goes_on_next_month_counts_once(cache: Path) -> None:
    rows = [*SOME, {**SOME[-1], "order_id": SOME[0]["order_id"], "customer_id": "a", "cents": 50}]
    for occasion in ("day", "order"):
        dataset = config(f"on{occasion}", occasion)
        built(cache, dataset, rows, date(2023, 6, 1))
        made = built(cache, dataset, rows, END)
        assert made.contents.repeated == 2
        assert_right(made, dataset, rows, END)
        anna = collect(made.customers.filter(made.customers.customer_id == "a")).iloc[0]
        assert (anna.orders, anna.occasions) == (6, 6 if occasion == "order" else 7)


@pytest.mark.parametrize("occasion", ["day", "order"])
def test_many_orders_are_told_apart_some_at_a_time(
    cache: Path, occasion: Literal["day", "order"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders bought on two days are found among all, however many are looked at together."""
    monkeypatch.setattr(hashes, "SORTED", 8)
    again = [{**row, "day": row["day"] + timedelta(days=40)} for row in SOME[:12]]
    dataset = config(f"lots{occasion}", occasion)
    for as_of in (add_months(START, 3), END):
        made = built(cache, dataset, [*SOME, *again], as_of)
        assert_right(made, dataset, [*SOME, *again], as_of)
    assert made.contents.repeated == 24
