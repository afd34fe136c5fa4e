"""Next month's book: what is new is made, what is closed is taken over, what changed is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from crm_lib.book import Book, open_book
from crm_lib.engine import collect
from crm_lib.errors import UsageError
from tests.conftest import MakeProject
from tests.months import CONTACTS, HEAD, YML, deliver

FILES = {
    "lines_01.csv": "anna,1,2023-01-05,100.00,60.00\nben,2,2023-01-20,30.00,10.00\n,3,2023-01-21,7.00,1.00",
    "lines_02.csv": "anna,4,2023-02-05,50.00,20.00\nanna,5,2023-02-07,-20.00,-9.00",
    "lines_03.csv": "anna,6,2023-03-05,50.00,20.00\nben,7,2023-03-20,30.00,10.00\n,8,2023-03-21,40.00,9.00",
}
pytestmark = pytest.mark.usefixtures("a_batch_a_month")


def everything(book: Book) -> dict[str, pd.DataFrame]:
    facts = ("customers", "occasions", "customer_months", "months", "ledger", "reconciliation")
    frames = {name: collect(getattr(book, name)) for name in facts}
    return {name: frame.sort_values(list(frame.columns), ignore_index=True) for name, frame in frames.items()}  # fmt: skip


def assert_as_if_alone(book: Book, make_project: MakeProject, monkeypatch: Any, tmp: Path) -> None:
    """The book equals one that was made in an empty cache."""
    with monkeypatch.context() as patch:
        patch.setenv("CRM_CACHE", str(tmp / "another"))
        alone = open_book("shop", as_of=book.as_of)
        assert alone.verdict == book.verdict
        other = everything(alone)
    for name, frame in everything(book).items():
        pd.testing.assert_frame_equal(frame, other[name], check_exact=True, obj=name)


def files(book: Book, folder: str) -> dict[str, int]:
    """Names of the files below a folder of the book, and which files on the disk they are."""
    found = sorted((book.folder / folder).rglob("*.parquet"))
    return {str(path.relative_to(book.folder)): path.stat().st_ino for path in found}


def test_what_is_closed_is_taken_over(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deliver(make_project, {name: FILES[name] for name in ("lines_01.csv", "lines_02.csv")})
    first = open_book("shop", as_of="2023-03-01")
    deliver(make_project, FILES, CONTACTS + "ben,2023-03-02,visit,3.00\n")
    second = open_book("shop", as_of="2023-04-01")
    assert files(first, "periods").items() < files(second, "periods").items()
    assert len(files(first, "ledger")) == 2
    assert files(first, "ledger").items() < files(second, "ledger").items()
    assert_as_if_alone(second, make_project, monkeypatch, tmp_path)


def test_one_old_row_changed_is_found_everywhere(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deliver(make_project, FILES)
    old = open_book("shop", as_of="2023-04-01")
    corrected = {**FILES, "lines_01.csv": FILES["lines_01.csv"].replace("ben,2,2023-01-20,30.00", "ben,2,2023-01-22,31.00")}  # fmt: skip
    deliver(make_project, corrected)
    new = open_book("shop", as_of="2023-04-01")
    ben = collect(new.customers.filter(new.customers.customer_id == "ben")).iloc[0]
    assert (ben.revenue, ben.first_on, ben.last_gap_days) == (61, pd.Timestamp("2023-01-22"), 57)
    assert collect(new.occasions.filter(new.occasions.number == 1)).revenue.sum() == 131
    assert collect(new.months).revenue.tolist() == [138, 30, 120]
    assert collect(new.ledger).revenue.sum() == 288
    assert new.verdict.lines.accepted.money == old.verdict.lines.accepted.money + 1
    assert len(files(old, "ledger").items() & files(new, "ledger").items()) == 2
    assert_as_if_alone(new, make_project, monkeypatch, tmp_path)


def test_a_cost_of_an_old_month_is_found(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deliver(make_project, FILES)
    old = open_book("shop", as_of="2023-04-01")
    deliver(make_project, FILES, CONTACTS.replace("visit,4.00", "visit,4.50"))
    new = open_book("shop", as_of="2023-04-01")
    assert collect(new.ledger).contact_cost.sum() == collect(old.ledger).contact_cost.sum() + 0.5
    assert files(old, "periods") == files(new, "periods")
    assert len(files(old, "ledger").items() & files(new, "ledger").items()) == 2
    assert_as_if_alone(new, make_project, monkeypatch, tmp_path)


def test_a_day_within_a_month_and_the_end_of_it(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deliver(make_project, FILES)
    for day in ("2023-02-06", "2023-03-06", "2023-03-21", "2023-04-01", "2023-04-10"):
        assert_as_if_alone(open_book("shop", as_of=day), make_project, monkeypatch, tmp_path)


def test_seconds_are_told_of_what_was_made(make_project: MakeProject) -> None:
    deliver(make_project, FILES)
    stages = ["reading", "judging", "facts", "judging as of the day", "ledger"]
    assert list(open_book("shop", as_of="2023-04-01").durations) == stages
    assert open_book("shop", as_of="2023-04-01").durations == {}


CUSTOMERS = (
    "  customers:\n    source: {files: data/shop/people.csv}\n    columns: {customer_id: who}\n"
)


def test_more_customers_than_memory_has_room_for_are_refused_before_reading(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = "who\n" + "".join(f"a customer with a long name {n:04}\n" for n in range(100))
    content = {name: f"{HEAD}\n{text}\n" for name, text in FILES.items()}
    home = make_project(
        "shop", {**content, "contacts.csv": CONTACTS, "people.csv": people}, YML + CUSTOMERS
    )
    with monkeypatch.context() as patch:
        patch.setattr("crm_lib.machine.NEEDED_BYTES_A_CUSTOMER", 2**40)
        with pytest.raises(UsageError, match=r"6 customers need .* of memory for engines"):
            open_book("shop", as_of="2023-04-01")
    assert not [*home.rglob("parts/*/*.parquet")], "nothing was staged"
    assert open_book("shop", as_of="2023-04-01").customers.count().execute() == 102
    monkeypatch.setattr("crm_lib.machine.NEEDED_BYTES_A_CUSTOMER", 2**40)
    assert open_book("shop", as_of="2023-04-01"), "what is there may be read with less"
    with pytest.raises(UsageError, match="100 customers need"):
        open_book("shop", as_of="2023-03-01")


BY_QUERY = """
  customers:
    sources: {people: {files: data/shop/people.csv}}
    query: SELECT who FROM people LIMIT 3
    columns: {customer_id: who}
"""


def test_how_many_customers_a_query_makes_is_known_when_it_has_run(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = "who\n" + "".join(f"a customer with a long name {n:04}\n" for n in range(100))
    content = {name: f"{HEAD}\n{text}\n" for name, text in FILES.items()}
    content |= {"contacts.csv": CONTACTS, "people.csv": people}
    make_project("shop", content, YML + BY_QUERY)
    monkeypatch.setenv("CRM_MEMORY", "200MB")
    monkeypatch.setattr("crm_lib.machine.NEEDED_BYTES_A_CUSTOMER", 50 * 10**6)
    assert open_book("shop", as_of="2023-04-01").customers.count().execute() == 5
