"""What each customer has spent, earned and cost: taken over from an earlier book, and never stale."""

from __future__ import annotations

from pathlib import Path

import ibis
import pandas as pd
import pytest

from crm_lib.book import Book, open_book
from crm_lib.engine import collect
from crm_lib.marts import balances
from crm_lib.ranges import Range
from tests.conftest import MakeProject
from tests.months import CONTACTS, deliver

JANUARY = "anna,1,2023-01-05,100.00,60.00\nben,2,2023-01-20,30.00,10.00\ncleo,3,2023-01-21,7.00,1.00\n,4,2023-01-22,9.00,2.00"
FEBRUARY = "anna,5,2023-02-05,50.00,20.00\nanna,6,2023-02-07,-20.00,-9.00"
MARCH = "anna,7,2023-03-05,50.00,20.00\n,8,2023-03-21,40.00,9.00"
pytestmark = pytest.mark.usefixtures("a_batch_a_month")


def opened(make_project: MakeProject, day: str, *months: str, contacts: str = CONTACTS) -> Book:
    deliver(make_project, {f"lines_{at}.csv": text for at, text in enumerate(months)}, contacts)
    return open_book("shop", as_of=day)


def frame(rows: ibis.Table) -> pd.DataFrame:
    return collect(rows).sort_values("customer_id", ignore_index=True)


def changed(book: Book) -> set[str]:
    """Whose balances have to be made anew, says the book before."""
    found = balances.earlier(book)
    assert found is not None
    return set(collect(found.changed)["customer_id"])


def assert_right(book: Book) -> None:
    """The balances of the book are those of its whole ledger."""
    made = balances.of(book, [Range(None, "b"), Range("b", None)])
    expected = balances.added_up(
        book.ledger.filter(book.ledger.customer_id.notnull()), book.occasions, book.customers
    )
    pd.testing.assert_frame_equal(frame(made), frame(expected), rtol=1e-12)


def test_who_is_in_no_new_file_of_the_ledger_keeps_the_balance(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(make_project, "2023-03-01", JANUARY, FEBRUARY)
    assert balances.earlier(first) is None
    assert_right(first)
    second = opened(make_project, "2023-04-01", JANUARY, FEBRUARY, MARCH)
    assert changed(second) == {"anna"}
    asked: list[set[str]] = []
    original = balances.added_up
    monkeypatch.setattr(
        balances, "added_up",
        lambda rows, *others: asked.append(set(collect(rows)["customer_id"])) or original(rows, *others),
    )  # fmt: skip
    made = frame(balances.of(second, [Range()]))
    assert asked == [{"anna"}]
    assert made.customer_id.tolist() == ["anna", "ben", "cleo"]
    assert made.profit.tolist() == [100 - 60 + 50 - 20 - 20 + 9 + 50 - 20 - 7.5, 30 - 10 - 4, 7 - 1]
    assert made.first_year_earned.tolist() == made.profit.tolist()
    assert made.first_spend.tolist() == [100, 30, 7]
    assert made.mean_spend.fillna(0).tolist() == [50, 0, 0]


@pytest.mark.parametrize(
    ("january", "contacts", "who"),
    [
        (JANUARY.replace("cleo,3,2023-01-21,7.00", "cleo,3,2023-01-21,8.00"), CONTACTS, {"anna", "ben", "cleo"}),
        (JANUARY.replace("cleo,3", "dora,3"), CONTACTS, {"anna", "ben", "cleo", "dora"}),
        (JANUARY, CONTACTS.replace("visit,4.00", "visit,4.50"), {"anna", "ben"}),
    ],
    ids=["another amount", "another customer", "another cost"],
)  # fmt: skip
def test_what_changed_in_an_old_month_is_in_the_balance(
    make_project: MakeProject, january: str, contacts: str, who: set[str]
) -> None:
    assert_right(opened(make_project, "2023-04-01", JANUARY, FEBRUARY, MARCH))
    book = opened(make_project, "2023-04-01", january, FEBRUARY, MARCH, contacts=contacts)
    assert changed(book) == who
    assert_right(book)


def test_balances_that_other_code_made_are_not_taken_over(make_project: MakeProject) -> None:
    book = opened(make_project, "2023-03-01", JANUARY, FEBRUARY)
    assert_right(book)
    contents: Path = book.folder / "balances" / "contents.json"
    assert changed(book) == set()
    contents.write_text(contents.read_text().replace(str(book.made_from["code"]), "of before"))
    assert balances.earlier(book) is None
