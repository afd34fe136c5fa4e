"""Online Retail (UCI): rows, customers, revenue, as recomputed from the raw file."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from crm_lib import project
from crm_lib.book import Book, open_book

pytestmark = pytest.mark.slow

SOLD = "quantity > 0 AND amount > 0"


def total(book: Book) -> Decimal:
    return Decimal(book.lines.amount.sum().execute())


@pytest.fixture(scope="module")
def everything(shared_data: Path) -> Book:
    return open_book("online_retail", as_of="2011-12-10")


def test_all_rows(everything: Book) -> None:
    lines = everything.lines
    assert int(lines.count().execute()) == 541_909
    assert int(lines.customer_id.isnull().sum().execute()) == 135_080
    assert int(lines.customer_id.nunique().execute()) == 4_372
    assert int(lines.order_id.nunique().execute()) == 25_900
    cancelled = lines.filter(lines.order_id.startswith("C"))
    assert int(cancelled.count().execute()) == 9_288
    assert int(cancelled.order_id.nunique().execute()) == 3_836
    assert int(cancelled.is_return.sum().execute()) == 9_288
    assert round(total(everything), 2) == Decimal("9747747.93")
    known = lines.filter(lines.customer_id.notnull())
    assert round(Decimal(known.amount.sum().execute()), 2) == Decimal("8300065.81")


def test_anonymous_revenue_stays_in_the_totals(everything: Book) -> None:
    months = everything.months
    assert Decimal(months.anonymous_revenue.sum().execute()) == Decimal("1447682.12")
    assert Decimal(months.revenue.sum().execute()) == total(everything)


def test_sold_lines_of_known_customers(shared_data: Path) -> None:
    book = open_book("online_retail", as_of="2011-12-10", scope=SOLD)
    lines = book.lines.filter(book.lines.customer_id.notnull())
    assert int(lines.count().execute()) == 397_884
    assert int(lines.customer_id.nunique().execute()) == 4_338
    assert int(lines.order_id.nunique().execute()) == 18_532
    assert round(Decimal(lines.amount.sum().execute()), 2) == Decimal("8911407.90")


def test_without_exact_duplicates(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`duplicates: quarantine` sets all but the first of identical rows aside."""
    root = project.root()
    (tmp_path / "data").mkdir()
    shutil.copytree(root / "data" / "online_retail", tmp_path / "data" / "online_retail")
    for name in ("notebooks", "expectations"):
        (tmp_path / name).symlink_to(root / name)
    yml = tmp_path / "data" / "online_retail" / "dataset.yml"
    yml.write_text(yml.read_text() + "\nduplicates: quarantine\n")
    monkeypatch.setenv("CRM_HOME", str(tmp_path))
    book = open_book("online_retail", as_of="2011-12-10", scope=SOLD)
    lines = book.lines.filter(book.lines.customer_id.notnull())
    assert int(lines.count().execute()) == 392_692
    assert round(Decimal(lines.amount.sum().execute()), 2) == Decimal("8887208.89")
    assert book.verdict.lines.quarantined.rows > 5_000
