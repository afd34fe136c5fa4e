"""CSV and Excel files of every make: read right, or refused with the way out."""

from __future__ import annotations

import codecs
import gzip
from datetime import date, datetime
from pathlib import Path

import duckdb
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_lib.dataset import Source
from crm_lib.encodings import likely_encoding
from crm_lib.errors import SourceError
from crm_lib.textfiles import convert_csv
from tests.data.conftest import Workshop

HEADER = "customer,order,day,amount\n"
GERMAN = "customer;order;day;amount\nMüller;1;2023-01-05;10\nJäger & Söhne;2;2023-01-06;20\n"
CHINESE = "客户编号,订单号,日期,金额\n北京一店,1001,2023-01-05,120.50\n上海店,1002,2023-01-06,80\n"
CHINESE_COLUMNS = {
    "customer_id": "客户编号",
    "order_id": "订单号",
    "ordered_at": "日期",
    "amount": "金额",
}


def ids(rows: list[dict[str, object]]) -> list[object]:
    return [row["customer_id"] for row in rows]


def test_a_full_disk_is_no_fault_of_the_file(workshop: Workshop) -> None:
    path, source = workshop.put("lines.csv", "a,b\n1,2\n"), Source(files=["lines.csv"])
    with pytest.raises(duckdb.IOException, match="Could not write file"):
        convert_csv(path, "lines.csv", source, workshop.backend, Path("/dev/full"))


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_data(
    workshop: Workshop,
) -> None:
    workshop.put("lines.csv", (HEADER + "c1,1,2023-01-05,10\n").replace("\n", "\r\n"), "utf-8-sig")
    (row,) = workshop.stage()
    assert (row["customer_id"], float(row["amount"])) == ("c1", 10.0)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8-sig", "cp850"])
def test_a_declared_encoding_reads_right(workshop: Workshop, encoding: str) -> None:
    workshop.put("lines.csv", GERMAN, encoding)
    rows = workshop.stage(source={"encoding": encoding, "delimiter": ";"})
    assert ids(rows) == ["Müller", "Jäger & Söhne"]


@pytest.mark.parametrize("packed", [False, True])
def test_gb18030_reads_right_when_declared(workshop: Workshop, packed: bool) -> None:
    data = CHINESE.encode("gb18030")
    name = "销售.csv.gz" if packed else "销售.csv"
    workshop.put(name, gzip.compress(data) if packed else data)
    source = {"files": f"data/shop/{name}", "encoding": "gb18030"}
    rows = workshop.stage(source=source, columns=CHINESE_COLUMNS)
    assert ids(rows) == ["北京一店", "上海店"]
    assert [float(row["amount"]) for row in rows] == [120.5, 80.0]
    assert rows[0]["source_file"] == f"data/shop/{name}"


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        (CHINESE, "gb18030", "gb18030"),
        (GERMAN, "latin-1", "cp1252"),
        (GERMAN, "cp1252", "cp1252"),
        (GERMAN, "utf-16", "utf-16"),
        (GERMAN, "utf-16-le", "utf-16-le"),
        ("klient;miasto\nŻółć;Łódź\n", "cp1250", "cp1250"),
        ("клиент;город\nИванов;Москва\n", "cp1251", "cp1251"),
        ("客戶編號,訂單號\n臺灣,1\n", "big5", "big5"),
        ("顧客,商品\n田中,りんご\n", "shift_jis", "shift_jis"),
    ],
)
def test_an_undeclared_encoding_is_refused_and_the_likely_one_named(
    workshop: Workshop, text: str, encoding: str, named: str
) -> None:
    workshop.put("lines.csv", text, encoding)
    with pytest.raises(SourceError, match=rf"cannot be read as utf-8.*`encoding: {named}`"):
        workshop.stage()


def test_the_likely_encoding_is_judged_where_the_reading_failed(workshop: Workshop) -> None:
    plain = "c1,1,2023-01-05,10\n" * 20_000
    workshop.put("lines.csv", HEADER + plain + "Müller,1,2023-01-05,10\n", "cp1252")
    with pytest.raises(SourceError, match="`encoding: cp1252`"):
        workshop.stage()


def test_plain_ascii_is_utf8() -> None:
    assert likely_encoding(b"customer,order\n1,2\n") == "utf-8"


def test_money_signs_do_not_hide_an_encoding() -> None:
    # In GB18030 `¥` is four bytes of which one has no meaning in cp1252.
    rows = "".join(f"C{i},2025-01-0{i % 9 + 1},¥{i}.50,€1,茶\n" for i in range(50))
    assert likely_encoding(f"客户编号,日期,金额,费用,商品\n{rows}".encode("gb18030")) == "gb18030"
    assert likely_encoding("客户,金额\nC1,￥5.00\n".encode("gb18030")) == "gb18030"
    assert likely_encoding("Kunde,Betrag\nC1,5 €\nC2,£ 4\n".encode("cp1252")) == "cp1252"
    assert likely_encoding("Klient,Kwota\nŻółć,5 €\nŁąka,7 €\n".encode("cp1250")) == "cp1250"


def test_a_character_cut_at_the_end_of_the_sample_does_not_rule_an_encoding_out() -> None:
    data = "客户编号,¥5\n".encode("gb18030") * 40_000
    assert {likely_encoding(b"," * shift + data) for shift in range(4)} == {"gb18030"}
    assert likely_encoding(b"customer,order\n1,caf\xe9") == "cp1252"


@given(st.binary(max_size=400))
def test_the_likely_encoding_always_decodes_what_it_was_judged_by(data: bytes) -> None:
    text = codecs.getincrementaldecoder(likely_encoding(data))().decode(data)
    assert text or len(data) < 4


def test_a_misspelt_encoding_names_the_known_ones(workshop: Workshop) -> None:
    workshop.put("lines.csv", HEADER + "c1,1,2023-01-05,10\n")
    with pytest.raises(SourceError, match=r"encoding 'latin-l'.*Did you mean 'latin-1'"):
        workshop.stage(source={"encoding": "latin-l"})


@pytest.mark.parametrize(
    ("mark", "declared"), [(";", ";"), ("\t", "tab"), ("\t", "\\t"), ("|", "|")]
)
def test_other_delimiters_read_right_when_declared(
    workshop: Workshop, mark: str, declared: str
) -> None:
    workshop.put("lines.csv", (HEADER + "c1,1,2023-01-05,10\n").replace(",", mark))
    assert ids(workshop.stage(source={"delimiter": declared})) == ["c1"]


@pytest.mark.parametrize(("mark", "written"), [(";", '";"'), ("\t", r'"\\t"')])
def test_another_delimiter_than_declared_is_refused(
    workshop: Workshop, mark: str, written: str
) -> None:
    workshop.put("lines.csv", (HEADER + "c1,1,2023-01-05,10\n").replace(",", mark))
    with pytest.raises(SourceError, match=f"one column.*write `delimiter: {written}`"):
        workshop.stage()


def test_a_tsv_is_split_at_tabs(workshop: Workshop) -> None:
    text = (HEADER + "c1,1,2023-01-05,10\n").replace(",", "\t")
    workshop.put("lines.tsv.gz", gzip.compress(text.encode(), mtime=0))
    assert ids(workshop.stage(source={"files": "data/shop/lines.tsv.gz"})) == ["c1"]


@pytest.mark.parametrize(
    ("header", "twice"),
    [("customer,order,day,amount,order", "order"), ("customer,order,day,amount,Amount", "amount")],
)
def test_a_header_that_repeats_a_name_is_refused(
    workshop: Workshop, header: str, twice: str
) -> None:
    workshop.put("lines.csv", f"{header}\nc1,1,2023-01-05,10,20\n")
    with pytest.raises(SourceError, match=f"more than once, for example '{twice}' .columns"):
        workshop.stage()


def test_a_column_without_a_name_is_called_after_its_place(workshop: Workshop) -> None:
    workshop.put("lines.csv", ",order,day,amount\nc1,1,2023-01-05,10\n")
    assert ids(workshop.stage(columns={"customer_id": "column_1"})) == ["c1"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("c1,1,2023-01-05\n", 3), ("c1,1,2023-01-05,10,20\n", 5)],
)
def test_a_ragged_row_is_refused_with_its_line(workshop: Workshop, text: str, found: int) -> None:
    good = "c1,1,2023-01-05,10\n" * 5_000
    workshop.put("lines.csv", HEADER + good + text + good)
    with pytest.raises(SourceError, match=f"line 5002 has {found} fields where the header names 4"):
        workshop.stage()


def test_an_open_quotation_mark_is_refused_with_its_line(workshop: Workshop) -> None:
    workshop.put("lines.csv", HEADER + 'c1,1,2023-01-05,10\n"5" pipe,2,2023-01-05,10\n')
    with pytest.raises(SourceError, match="line 3 has a quotation mark that is not closed"):
        workshop.stage()


def test_quoted_cells_may_hold_delimiters_line_breaks_and_quotes(workshop: Workshop) -> None:
    cells = ['"a,b"', '"two\nlines"', '"say ""hi"""', '5" pipe']
    workshop.put("lines.csv", HEADER + "".join(f"{cell},1,2023-01-05,10\n" for cell in cells))
    assert ids(workshop.stage()) == ["a,b", "two\nlines", 'say "hi"', '5" pipe']


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("lines.csv", b"", r"is empty .0 bytes"),
        ("lines.csv", b"\n\n", "has no header"),
        ("lines.csv", HEADER.encode(), "columns but no rows"),
        ("lines.csv", gzip.compress(HEADER.encode(), mtime=0), "packed with gzip"),
        ("lines.csv", b"PK\x03\x04rest", "is not text but an Excel file"),
        ("lines.csv.gz", b"not packed", "cannot be unpacked"),
        ("lines.csv.gz", gzip.compress(HEADER.encode() * 99, mtime=0)[:-9], "cannot be unpacked"),
        ("lines.xlsx", b"no workbook", "Cannot read 'data/shop/lines.xlsx' as Excel"),
        ("lines.parquet", b"no parquet at all", "is not a Parquet file"),
    ],
)
def test_files_that_hold_no_rows_or_are_something_else_are_refused(
    workshop: Workshop, name: str, content: bytes, message: str
) -> None:
    workshop.put(name, content)
    with pytest.raises(SourceError, match=message):
        workshop.stage(source={"files": f"data/shop/{name}"})


def workbook(path: Path, sheets: dict[str, list[list[object]]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)


ROWS: list[list[object]] = [
    ["customer", "order", "day", "amount"],
    ["0012", 536365, datetime(2023, 1, 5), 2.55],
    [17850, 536366.0, datetime(2023, 1, 5, 13, 30), -3],
    [None, None, None, None],
    [None, "C536367", date(2023, 2, 1), "1,234.50"],
]


def test_excel_ids_dates_and_amounts_arrive_as_they_look(workshop: Workshop) -> None:
    workbook(workshop.folder / "lines.xlsx", {"Sales": ROWS})
    rows = workshop.stage(source={"files": "data/shop/lines.xlsx"})
    assert ids(rows) == ["0012", "17850", None]
    assert [row["order_id"] for row in rows] == ["536365", "536366", "C536367"]
    assert [row["ordered_at"] for row in rows] == [
        datetime(2023, 1, 5), datetime(2023, 1, 5, 13, 30), datetime(2023, 2, 1)
    ]  # fmt: skip
    assert [float(row["amount"]) for row in rows] == [2.55, -3.0, 1234.5]


def test_of_several_sheets_one_must_be_named(workshop: Workshop) -> None:
    workbook(workshop.folder / "lines.xlsx", {"Notes": [["read me"]], "Sales": ROWS, "Empty": []})
    source = {"files": "data/shop/lines.xlsx"}
    with pytest.raises(SourceError, match="3 sheets; write `sheet:` one of Notes, Sales, Empty"):
        workshop.stage(source=source)
    with pytest.raises(SourceError, match=r"no sheet 'Sale'. Did you mean 'Sales'"):
        workshop.stage(source=source | {"sheet": "Sale"})
    with pytest.raises(SourceError, match=r"sheet 'Empty' .* is empty"):
        workshop.stage(source=source | {"sheet": "Empty"})
    assert len(workshop.stage(source=source | {"sheet": "Sales"})) == 3
