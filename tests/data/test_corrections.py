"""Corrected rows replace raw ones; nothing else changes, and nothing is corrected by accident."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from crm_lib import intake
from crm_lib.errors import SourceError, UsageError
from tests.data.conftest import Workshop

RAW = "customer,order,day,amount\nc1,1,2023-01-05,10\nc2,2,2023-01-06,ten\nc3,3,2023-01-07,30\n"
HEADER = "source_file,row_id,customer,order,day,amount,rule_ids\n"
FIXED = "data/shop/lines.csv,2,c2,2,2023-01-06,20,amount_readable\n"


def correct(workshop: Workshop, text: str, encoding: str = "utf-8") -> None:
    workshop.put("corrections/lines.csv", text, encoding)


def test_a_corrected_row_replaces_the_raw_one(workshop: Workshop) -> None:
    workshop.put("lines.csv", RAW)
    before = workshop.stage()
    assert [row["amount"] for row in before] == [Decimal(10), None, Decimal(30)]
    correct(workshop, HEADER + FIXED)
    after = workshop.stage()
    assert [row["amount"] for row in after] == [Decimal(10), Decimal(20), Decimal(30)]
    assert [row["row_id"] for row in after] == [row["row_id"] for row in before] == [1, 2, 3]
    assert (after[0], after[2]) == (before[0], before[2])


def test_a_spreadsheet_may_have_saved_the_corrections(workshop: Workshop) -> None:
    workshop.put("lines.csv", RAW)
    correct(workshop, (HEADER + FIXED).replace(",", ";").replace("\n", "\r\n"), "utf-8-sig")
    assert workshop.stage()[1]["amount"] == Decimal(20)


def test_what_quarantine_adds_for_the_reader_is_ignored(workshop: Workshop) -> None:
    workshop.put("lines.csv", RAW)
    added = FIXED.replace(",2,c2", ",2,99,c2")
    correct(workshop, HEADER.replace("row_id,", "row_id,row,") + added)
    assert workshop.stage()[1]["amount"] == Decimal(20)


def test_the_apostrophe_that_makes_a_cell_harmless_is_taken_off(workshop: Workshop) -> None:
    workshop.put("lines.csv", RAW)
    correct(workshop, HEADER + "data/shop/lines.csv,2,'=c2,'n Huis,2023-01-06,'-20,\n")
    row = workshop.stage()[1]
    assert (row["customer_id"], row["order_id"], row["amount"]) == ("=c2", "'n Huis", Decimal(-20))


def test_bytes_of_a_spreadsheet_are_told_how_to_save_them(workshop: Workshop) -> None:
    workshop.put("lines.csv", RAW)
    correct(workshop, HEADER + FIXED.replace("c2", "Müller"), "cp1252")
    with pytest.raises(SourceError, match=r"as utf-8: .*\. Save it in UTF-8; a spreadsheet calls"):
        workshop.stage()


@pytest.mark.parametrize("name", ["line.csv", "lines.xlsx", "orders.csv"])
def test_corrections_that_no_table_would_read_are_told(workshop: Workshop, name: str) -> None:
    workshop.put("lines.csv", RAW)
    workshop.put("corrections/lines.csv", HEADER + FIXED)
    workshop.put("corrections/~$lines.xlsx", "open in a spreadsheet")
    shop = workshop.configure()
    intake.taken(shop)
    workshop.put(f"corrections/{name}", HEADER + FIXED)
    with pytest.raises(UsageError, match=rf"corrections/{name}: .*Known: lines.csv\."):
        intake.taken(shop)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + FIXED.replace(",2,c2", ",9,c2"), "1 row.s. that are not there, e.g. row_id 9"),
        (HEADER + FIXED.replace("lines.csv", "other.csv"), r"not there.*'data/shop/other.csv'"),
        (HEADER + FIXED + FIXED, r"names 1 row.s. more than once"),
        (HEADER.replace(",day", ",date") + FIXED, "lacks day"),
        (HEADER.replace("rule_ids", "note") + FIXED, "columns that the source lacks: note"),
        (HEADER + FIXED.replace(",2,c2", ",two,c2"), "1 cell.s. of 'row_id' are not int64, e.g. 'two'"),
    ],
)  # fmt: skip
def test_corrections_that_fit_no_row_are_refused(
    workshop: Workshop, text: str, message: str
) -> None:
    workshop.put("lines.csv", RAW)
    correct(workshop, text)
    with pytest.raises(SourceError, match=message):
        workshop.stage()


def test_a_correction_must_fit_the_type_of_its_raw_column(workshop: Workshop) -> None:
    query = """SELECT 'c' || i AS customer, i AS order, DATE '2023-01-05' AS day,
               CASE i WHEN 1 THEN 'nan'::DOUBLE ELSE i END AS amount FROM range(3) r(i)"""
    duckdb.sql(query).write_parquet(str(workshop.folder / "lines.parquet"))
    source = {"files": "data/shop/lines.parquet"}
    fixed = HEADER + "data/shop/lines.parquet,2,c1,1,2023-01-05,{},\n"
    correct(workshop, fixed.format("7.5"))
    assert [row["amount"] for row in workshop.stage(source=source)] == [0, Decimal("7.5"), 2]
    correct(workshop, fixed.format("seven"))
    with pytest.raises(SourceError, match=r"1 cell.s. of 'amount' are not float64, e.g. 'seven'"):
        workshop.stage(source=source)
