"""`crm init`: the proposals a new user gets for files of many makes, and that they can be read."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import ibis
import openpyxl
import pytest
from rich.console import Console

from crm_lib import dataset, engine, init, staging
from crm_lib.errors import SourceError, UsageError
from crm_lib.init import columns, dates, names
from crm_lib.init.evidence import Column
from crm_lib.init.proposal import Proposal, TableProposal


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("data", "notebooks", "raw"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("CRM_HOME", str(tmp_path))
    return tmp_path


def put(home: Path, name: str, rows: Iterable[str], encoding: str = "utf-8") -> Path:
    path = home / "raw" / name
    path.write_bytes("".join(f"{row}\n" for row in rows).encode(encoding))
    return path


def mapped(proposal: Proposal, table: str = "lines") -> dict[str, object]:
    (found,) = [item for item in proposal.tables if item.name == table]
    return {entry.key: entry.value for entry in found.columns}


def table(proposal: Proposal, name: str) -> TableProposal:
    return next(item for item in proposal.tables if item.name == name)


def value(proposal: Proposal, key: str) -> object:
    return proposal.setting(key).value


def places(proposal: Proposal) -> set[str]:
    return {place for place, _ in proposal.checks}


def written(home: Path, proposal: Proposal) -> dict[str, list[dict[str, object]]]:
    """The rows of every table, staged by the `dataset.yml` that the proposal writes."""
    init.write("shop", proposal, force=True)
    config = dataset.load("shop")
    backend = engine.connect()
    return {
        name: staging.stage(name, config, backend, home / "scratch").to_pyarrow().to_pylist()
        for name in config.tables
    }


GERMAN_HEADER = "Kunden-Nr.;Bestellnummer;Bestelldatum;Artikel-Nr.;Bezeichnung;Menge;Einzelpreis;Gesamtpreis;Filiale"


def german(rows: int = 200) -> list[str]:
    drawn = random.Random(7)
    made = [GERMAN_HEADER]
    for i in range(rows):
        units, cents = drawn.randint(1, 5), drawn.randint(100_000, 999_999)
        price, total = (
            f"{c // 100_000}.{c // 100 % 1000:03d},{c % 100:02d} €" for c in (cents, cents * units)
        )
        article = drawn.randint(1, 9)
        made.append(f"{drawn.randint(1, 40):05d};B{i // 3:04d};{i % 28 + 1:02d}.{i % 12 + 1:02d}.2023;"
                    f"A{article};Tür {article} für Küchen;{units};{price};{total};Köln")  # fmt: skip
    return made


def test_a_german_export_is_understood(home: Path) -> None:
    proposal = init.propose([put(home, "umsatz.csv", german(), "cp1252")])
    assert mapped(proposal) == {
        "customer_id": "Kunden-Nr.", "order_id": "Bestellnummer",
        "ordered_at": {"from": "Bestelldatum", "format": "%d.%m.%Y"},
        "amount": {"from": "Gesamtpreis", "decimal": ","}, "quantity": "Menge",
        "product_id": "Artikel-Nr.", "place": "Filiale",
    }  # fmt: skip
    source = table(proposal, "lines").source
    assert (source.files, source.encoding, source.delimiter) == (["raw/umsatz.csv"], "cp1252", ";")
    assert (value(proposal, "currency"), proposal.setting("currency").check) == ("EUR", "")
    assert "equals Menge * Einzelpreis in 100%" in table(proposal, "lines").column("amount").because  # type: ignore[union-attr]
    rows = written(home, proposal)
    assert len(rows["lines"]) == 200
    assert all(len(str(row["customer_id"])) == 5 for row in rows["lines"])  # zeros in front stay
    assert {row["name"] for row in rows["products"]} == {
        f"Tür {n} für Küchen" for n in range(1, 10)
    }


def chinese(rows: int = 120) -> list[str]:
    lines = [f"KH{i % 17:03d},{2023000 + i // 2},2023/{i % 12 + 1}/{i % 28 + 1} {i % 12 + 8}:05,"
             f"SP{i % 5},{i % 3 + 1},¥2.50,¥{(i % 3 + 1) * 2.5:.2f},北京{i % 2}店" for i in range(rows)]  # fmt: skip
    return ["客户编号,订单号,下单时间,商品编号,数量,单价,金额,门店", *lines]


def test_a_chinese_export_is_understood(home: Path) -> None:
    proposal = init.propose([put(home, "销售.csv", chinese(), "gb18030")])
    assert mapped(proposal) == {
        "customer_id": "客户编号", "order_id": "订单号", "ordered_at": "下单时间", "amount": "金额",
        "quantity": "数量", "product_id": "商品编号", "place": "门店",
    }  # fmt: skip
    assert table(proposal, "lines").source.encoding == "gb18030"
    # The sign is shared by two currencies: proposed, never silently.
    assert value(proposal, "currency") == "CNY"
    assert "CNY, JPY" in proposal.setting("currency").check
    assert ("Asia/Shanghai", "usual with CNY") in proposal.setting("time_zone").others
    assert written(home, proposal)["lines"][0]["place"] == "北京0店"


def test_gb18030_with_yen_signs_is_read(home: Path) -> None:
    rows = [f"C{i % 9:04d},O{i},2025/01/{i % 28 + 1:02d} 08:49:36,¥{i}.23,茶" for i in range(300)]
    path = put(home, "china.csv", ["客户编号,订单号,下单时间,金额,商品", *rows], "gb18030")
    proposal = init.propose([path])
    assert table(proposal, "lines").source.encoding == "gb18030"
    assert (mapped(proposal)["customer_id"], mapped(proposal)["amount"]) == ("客户编号", "金额")
    assert proposal.preview is not None
    assert proposal.preview.revenue == sum(Decimal(f"{i}.23") for i in range(300))


def test_bytes_of_no_one_encoding_are_refused(home: Path) -> None:
    # Likely cp1252 by the first bytes; further on stands one that has no meaning in it.
    header = "customer,order,date,amount,thing"
    for count, thing, message in (
        (20_000, "Tür", r"'raw/s.csv' cannot be read as cp1252"),
        (100, "Tür " * 1000, r"'s.csv' looks like cp1252 but cannot be read so: .*0x81"),
    ):
        rows = [f"c{i},{i},2023-02-01,{i}.5,{thing}" for i in range(count)]
        path = put(home, "s.csv", [header, *rows], "cp1252")
        path.write_bytes(path.read_bytes() + b"c1,1,2023-02-01,1.5,\x81\n")
        with pytest.raises(SourceError, match=message):
            init.propose([path])


RETAIL = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def test_without_an_amount_it_is_quantity_times_price(home: Path) -> None:
    rows = [f"{536365 + i // 4},S{i % 7},Thing {i % 7},{i % 3 + 1},2010-12-{i % 28 + 1:02d} 08:26:00,"
            f"2.55,{'' if i % 4 == 0 else 17850 + i % 5},United Kingdom" for i in range(100)]  # fmt: skip
    rows.append("C536466,S1,Thing 1,-1,2010-12-31 10:00:00,2.55,17851,United Kingdom")
    proposal = init.propose([put(home, "retail.csv", [RETAIL, *rows])])
    assert mapped(proposal)["amount"] == "Quantity * UnitPrice"
    assert value(proposal, "observed_from") == date(2010, 12, 1)
    assert value(proposal, "default_as_of") == proposal.as_of == date(2011, 1, 1)
    assert proposal.preview is not None
    assert (proposal.preview.lines, proposal.preview.customers) == (101, 5)
    units = sum(i % 3 + 1 for i in range(100)) - 1
    assert proposal.preview.revenue == Decimal("2.55") * units
    assert "returned" not in places(proposal)
    assert places(proposal) >= {"currency", "time_zone"}
    assert mapped(proposal, "products") == {"product_id": "StockCode", "name": "Description"}
    assert len(written(home, proposal)["products"]) == 7


def test_dates_that_no_day_above_12_decides_are_ambiguous(home: Path) -> None:
    rows = [f"c{i % 9},{i},{i % 12 + 1:02d}/{i % 3 + 1:02d}/2023,{i}.50" for i in range(60)]
    proposal = init.propose([put(home, "s.csv", ["customer,order,date,amount", *rows])])
    (entry,) = [e for e in table(proposal, "lines").columns if e.key == "ordered_at"]
    assert "AMBIGUOUS" in entry.check
    readings = [entry.value, *(other for other, _ in entry.others)]
    assert sorted(str(reading["format"]) for reading in readings) == ["%d/%m/%Y", "%m/%d/%Y"]
    assert entry.value["format"] == "%d/%m/%Y"  # the shorter span: January to March
    assert {"lines.ordered_at", "observed_from", "default_as_of"} <= places(proposal)
    path = init.write("shop", proposal)
    assert "# CHECK: AMBIGUOUS" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["13/02/2023", "01/02/2023"], ["%d/%m/%Y"]),
        (["02/13/2023", "02/01/2023"], ["%m/%d/%Y"]),
        (["2023-02-13", "2023-02-01"], []),
        (["20230213", "20230201"], ["%Y%m%d"]),
        (["13.2.23 7:05", "1.2.23 17:05"], ["%d.%m.%y %H:%M"]),
        (["2/13/2023 7:05 PM", "2/1/2023 7:05 AM"], ["%m/%d/%Y %I:%M %p"]),
        (["13-Feb-2023", "01-Feb-2023"], ["%d-%b-%Y"]),
        (["Feb 13, 2023", "Feb 1, 2023"], ["%b %d, %Y"]),
        (["2023年2月13日", "2023年2月1日"], ["%Y年%m月%d日"]),
        (["13/02/2023", "01/02/2023", "13.02.2023"], ["%d/%m/%Y", "%d.%m.%Y"]),
    ],
)
def test_the_form_of_dates_is_found(cells: list[str], formats: list[str]) -> None:
    backend = engine.connect()
    rows = backend.create_table("t", ibis.memtable({"cell": cells * 9}).to_pyarrow())
    read = dates.found(rows, rows, "cell")
    assert read is not None
    assert (list(read.formats), read.share, read.twin, read.unread) == (formats, 1.0, "", ())
    assert (read.first, read.last) == (date(2023, 2, 1), date(2023, 2, 13))


@pytest.mark.parametrize(
    "cells", [["12345678", "00000001"], ["A-1", "B-2"], ["12.50", "3.20"], ["1/2", "3/4"]]
)
def test_what_is_no_date_is_not_taken_for_one(cells: list[str]) -> None:
    backend = engine.connect()
    rows = backend.create_table("t", ibis.memtable({"cell": cells * 9}).to_pyarrow())
    read = dates.found(rows, rows, "cell")
    assert read is None or read.share < 0.9


def test_rows_that_contradict_the_form_of_dates_are_told(home: Path) -> None:
    rows = [f"c{i},{i},{i % 28 + 1:02d}/02/2023,{i}.5" for i in range(50)] + [
        "c1,99,02/28/2023,1.5"
    ]
    proposal = init.propose([put(home, "s.csv", ["customer,order,date,amount", *rows])])
    assert mapped(proposal)["ordered_at"] == {"from": "date", "format": "%d/%m/%Y"}
    (question,) = [text for place, text in proposal.checks if place == "lines.ordered_at"]
    assert "'02/28/2023'" in question
    assert "1 of 51 cells cannot be read" in question


def test_an_order_number_that_is_missing_is_made_and_said(home: Path) -> None:
    rows = [f"{i % 9:03d},{i % 28 + 1:02d}/02/1997,2,{i}.77" for i in range(60)]
    proposal = init.propose(
        [put(home, "cdnow.csv", ["customer_id,date,number_of_cds,dollar_value", *rows])]
    )
    assert mapped(proposal) == {
        "customer_id": "customer_id", "order_id": "customer_id || '-' || date",
        "ordered_at": {"from": "date", "format": "%d/%m/%Y"}, "amount": "dollar_value",
        "quantity": "number_of_cds",
    }  # fmt: skip
    assert {"lines.order_id", "currency"} <= places(proposal)
    assert written(home, proposal)["lines"][3]["order_id"] == "003-04/02/1997"


def test_what_is_required_and_not_found_is_marked_to_fill_in(home: Path) -> None:
    rows = [f"{i},2023-02-{i % 28 + 1:02d},{i}.5" for i in range(40)]
    path = put(home, "s.csv", ["order,date,amount", *rows])
    proposal = init.propose([path])
    assert proposal.missing == ["lines.customer_id"]
    assert proposal.preview is None
    out = io.StringIO()
    init.run("shop", [path], console=Console(file=out, width=120))
    assert "Fill in first: lines.customer_id" in out.getvalue()
    text = (home / "data" / "shop" / "dataset.yml").read_text(encoding="utf-8")
    assert "customer_id:                    # FILL IN" in text
    with pytest.raises(UsageError, match=r"customer_id: is empty; write the raw column"):
        dataset.load("shop")


def test_without_a_customer_nothing_is_said_of_customers(home: Path) -> None:
    rows = [f"{i},2023-02-{i % 28 + 1:02d},{i}.5" for i in range(40)]
    path = put(home, "s.csv", ["order,date,amount", *rows])
    out = io.StringIO()
    init.run("shop", [path], console=Console(file=out, width=120))
    text = (home / "data" / "shop" / "dataset.yml").read_text(encoding="utf-8")
    for said in (out.getvalue(), text):
        assert "of the customers appear" not in said
        assert "orders; or order" not in said
        assert "CHECK: FILL IN" not in said
    assert "Only after that: crm check shop" in out.getvalue()
    assert "\nThen: crm check" not in out.getvalue()


def test_without_a_purchase_no_share_of_customers_is_made_up(home: Path) -> None:
    rows = [f"c{i},{i},2023-02-{i % 28 + 1:02d},-{i}.5" for i in range(40)]
    proposal = init.propose([put(home, "s.csv", ["customer,order,date,amount", *rows])])
    assert proposal.preview is not None
    assert (proposal.preview.first_seen_share, proposal.preview.orders_a_day) == (None, None)
    assert "%" not in proposal.setting("warm_up_days").because
    assert proposal.setting("occasion").because == "or order"


@pytest.mark.parametrize(
    "cells", [["2023-03-01 09:30", "2023-03-15 08:00", "2023-04-02 10:00"],
              ["01.03.2023", "15.03.2023", "02.04.2023"], ["20230301", "20230315", "20230402"],
              ["2023-03-01T09:30:00+01:00", "2023-03-15T08:00:00+01:00", "2023-04-02T10:00:00+02:00"]]
)  # fmt: skip
def test_customers_made_of_lines_are_known_from_their_first_day(
    home: Path, cells: list[str]
) -> None:
    # A sum at the end is no customer, a date for "unknown" no first day, white space no other customer.
    lines = [("C1", cells[1]), (" C1 ", cells[0]), ("C2", cells[2]), ("C3", cells[1])] * 8
    lines.append(("C3", cells[0].replace("2023", "1900")))
    rows = [f"{who},Ann {who.strip()},O{i},{at},9.50" for i, (who, at) in enumerate(lines)]
    head = "customer,customer name,order_no,date,amount"
    proposal = init.propose([put(home, "orders.csv", [head, *rows, "Total,,,,313.50"])])
    found = written(home, proposal)["customers"]
    assert {str(row["customer_id"]): row["acquired_on"] for row in found} == {
        "C1": date(2023, 3, 1), "C2": date(2023, 4, 2), "C3": date(2023, 3, 15),
    }  # fmt: skip
    seen = proposal.preview
    assert seen is not None
    assert (seen.lines, seen.complete, seen.customers) == (34, 33, 3)
    assert seen.revenue == Decimal("313.50")


def test_customers_that_differ_in_spelling_alone_are_questioned(home: Path) -> None:
    ids = ["C007", "c007", "C7", "C10", "C100", "X-1", "X-1 "]
    rows = [f"{who},O{i},2023-03-0{i % 9 + 1},9.50" for i, who in enumerate(ids * 5)]
    proposal = init.propose([put(home, "s.csv", ["customer id,order_no,date,amount", *rows])])
    check = dict(proposal.checks)["lines.customer_id"]
    assert check.startswith("6 different, 4 if case and zeros in front make no difference")
    assert check.endswith('lower("customer id")')


def test_an_email_address_is_a_key_only_where_there_is_no_number(home: Path) -> None:
    rows = [f"Ann{i % 7}@x.org,{i},2023-02-{i % 28 + 1:02d},{i}.5,k{i % 7}" for i in range(40)]
    header = "Email,Order Number,Date,Total"
    proposal = init.propose([put(home, "s.csv", [f"{header},cust", *rows])])
    assert mapped(proposal)["customer_id"] == "cust"
    assert "lines.customer_id" not in places(proposal)
    entry = table(proposal, "lines").column("customer_id")
    assert entry is not None
    assert entry.others == (("Email", "an e-mail address; 7 different"),)
    proposal = init.propose([put(home, "s.csv", [f"{header},colour", *rows])])
    entry = table(proposal, "lines").column("customer_id")
    assert entry is not None
    assert entry.value == "Email"
    assert entry.because == "no number tells customers apart; 7 different"
    assert "ids appear in exports" in entry.check
    assert written(home, proposal)["lines"][0]["customer_id"] == "Ann0@x.org"
    path = home / "data" / "shop" / "dataset.yml"
    text = path.read_text(encoding="utf-8")
    assert "@x.org" not in text
    # The commented line below it is one that can be swapped in.
    (other, _) = entry.others[0]
    assert f"# customer_id: {other}" in text
    path.write_text(text.replace("customer_id: Email", f"customer_id: {other}"), encoding="utf-8")
    staged = staging.stage("lines", dataset.load("shop"), engine.connect(), home / "scratch")
    found = {row["customer_id"] for row in staged.to_pyarrow().to_pylist()}
    assert len(found) == 7
    assert not any("@" in str(key) for key in found)


def test_the_file_of_one_customer_has_its_key(home: Path) -> None:
    rows = [f"C1,{i},2023-02-{i % 28 + 1:02d},{i}.5,Ann{i % 7}@x.org" for i in range(40)]
    for name in ("customer_id", "Kundennummer", "client"):
        header = f"{name},order,date,amount"
        lines = [row.rpartition(",")[0] for row in rows]
        proposal = init.propose([put(home, "s.csv", [header, *lines])])
        assert mapped(proposal)["customer_id"] == name
        assert "is this the file of one customer?" in dict(proposal.checks)["lines.customer_id"]
        assert proposal.preview is not None
        assert proposal.preview.customers == 1
        # An address that tells customers apart is the better key.
        proposal = init.propose([put(home, "s.csv", [f"{header},email", *rows])])
        assert mapped(proposal)["customer_id"] == "email"
    # A name that is only like it, such as one of a shop for all, says less than the values do.
    proposal = init.propose([put(home, "s.csv", ["customer desk,order,date,amount", *lines])])
    assert proposal.missing == ["lines.customer_id"]


def test_a_cell_that_cannot_be_read_shows_no_person(home: Path) -> None:
    rows = [f"C{i % 7},{i},{i % 28 + 1:02d}.02.2023,{i}.5" for i in range(40)]
    rows += ["C1,50,anna@secret.example,7.5"] * 2 + ["C2,51,03.02.2023,Anna Klein 12.5O"]
    path = put(home, "s.csv", ["customer,order,date,amount", *rows])
    out = io.StringIO()
    init.run("shop", [path], console=Console(file=out, width=200))
    text = (home / "data" / "shop" / "dataset.yml").read_text(encoding="utf-8")
    for said in (out.getvalue(), text):
        assert "anna" not in said.lower()
        assert "secret" not in said
        assert "'xxxx@xxxxxx.xxxxxxx'" in said
        assert "'xxxx xxxxx 12.5x'" in said


def test_a_name_as_key_is_questioned(home: Path) -> None:
    rows = [f"Ann {i % 7},{i},2023-02-{i % 28 + 1:02d},{i}.5" for i in range(40)]
    proposal = init.propose([put(home, "s.csv", ["Customer Name,Order,Date,Total", *rows])])
    (question,) = [text for place, text in proposal.checks if place == "lines.customer_id"]
    assert "two may share one" in question
    assert "Ann" not in init.write("shop", proposal).read_text(encoding="utf-8")


def test_a_list_keyed_by_address_is_not_laid_beside_lines_keyed_by_number(home: Path) -> None:
    lines = [f"c{i % 7},{i},2023-02-{i % 28 + 1:02d},{i}.5" for i in range(40)]
    who = put(home, "who.csv", ["email,tier", *(f"j{i}@x.org,T{i % 2}" for i in range(7))])
    proposal = init.propose([put(home, "s.csv", ["customer,order,date,amount", *lines]), who])
    assert [item.name for item in proposal.tables] == ["lines"]
    assert [label for label, _ in proposal.unused_files] == ["who.csv"]


def test_files_find_their_tables_and_those_of_one_shape_are_one(home: Path) -> None:
    for year in (2022, 2023):
        rows = [
            f"{i % 20},{year}{i:04d},{year}-03-{i % 28 + 1:02d},{i}.25,P{i % 6}" for i in range(60)
        ]
        put(home, f"sales{year}.csv", ["client_id,order_no,order_date,revenue,sku", *rows])
    put(home, "who.csv", ["client_id,full_name,branch,tier,e-mail",
                          *(f"{i},Jane {i},B{i % 3},T{i % 2},j{i}@x.org" for i in range(25))])  # fmt: skip
    put(home, "items.csv", ["sku,product_name,category", *(f"P{i},Tea {i},Tea" for i in range(9))])
    put(home, "weather.csv", ["station,rain", "a,1", "b,2"])
    proposal = init.propose(sorted((home / "raw").iterdir()))
    assert [item.name for item in proposal.tables] == ["lines", "customers", "products"]
    assert table(proposal, "lines").source.files == ["raw/sales2022.csv", "raw/sales2023.csv"]
    assert mapped(proposal, "customers")["customer_id"] == "client_id"
    attributes = {entry.key: entry.value for entry in table(proposal, "customers").attributes}
    assert attributes == {"branch": "branch", "tier": "tier"}  # and no e-mail address
    assert mapped(proposal, "products")["category"] == "category"
    assert "100% of the order lines" in table(proposal, "products").columns[0].because
    assert [label for label, _ in proposal.unused_files] == ["weather.csv"]
    rows = written(home, proposal)
    assert (len(rows["lines"]), len(rows["customers"]), len(rows["products"])) == (120, 25, 9)
    text = (home / "data" / "shop" / "dataset.yml").read_text(encoding="utf-8")
    assert "@x.org" not in text
    assert "Jane" not in text


def test_orders_and_their_items_in_two_files_are_not_joined_but_told(home: Path) -> None:
    orders = [f"{i},c{i % 7},2023-02-{i % 28 + 1:02d}" for i in range(40)]
    items = [f"{i // 2},P{i % 5},{i % 3 + 1},2.5" for i in range(80)]
    proposal = init.propose(
        [
            put(home, "orders.csv", ["order_id,customer_id,order_date", *orders]),
            put(home, "items.csv", ["order_id,sku,quantity,price", *items]),
        ]
    )
    assert proposal.missing == ["lines.amount"]
    ((label, why),) = proposal.unused_files
    assert label == "items.csv"
    assert "shares order_id with orders.csv" in why


def test_every_sheet_of_a_workbook_is_looked_at(home: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Orders"
    sheet.append(
        ["Order ID", "Order Date", "Ship Date", "Customer ID", "Segment", "Sales", "Profit"]
    )
    for i in range(60):
        day = date(2023, i % 12 + 1, i % 28 + 1)
        sheet.append(
            [f"US-{i // 2}", day, date(2024, 1, 1), f"C{i % 8}", f"S{i % 8 % 3}", i + 0.5, 1.5]
        )
    book.create_sheet("Empty")
    people = book.create_sheet("People")
    for row in (["Customer ID", "Region"], *([f"C{i}", "West"] for i in range(8))):
        people.append(row)
    book.save(home / "raw" / "store.xlsx")
    proposal = init.propose([home / "raw" / "store.xlsx"])
    assert mapped(proposal) == {
        "customer_id": "Customer ID", "order_id": "Order ID", "ordered_at": "Order Date", "amount": "Sales",
        "cost": "Sales - Profit",
    }  # fmt: skip
    assert [item.source.sheet for item in proposal.tables] == ["Orders", "People"]
    assert len(written(home, proposal)["customers"]) == 8


def test_an_orders_total_repeated_on_its_lines_is_questioned(home: Path) -> None:
    rows = [f"c{i // 8},{i // 4},2023-02-{i % 28 + 1:02d},{i // 4}.5,P{i}" for i in range(80)]
    proposal = init.propose([put(home, "s.csv", ["customer,order,date,total,sku", *rows])])
    (question,) = [text for place, text in proposal.checks if place == "lines.amount"]
    assert "is it the order's total?" in question


def test_typed_dates_and_several_currencies(home: Path) -> None:
    query = """SELECT i % 9 AS customer, i AS order_id, TIMESTAMPTZ '2023-02-01 12:00:00+00' + INTERVAL (i) HOUR
               AS created_at, i + 0.5 AS amount, CASE i % 3 WHEN 0 THEN 'EUR' ELSE 'USD' END AS currency
               FROM range(90) r(i)"""
    duckdb.sql(query).write_parquet(str(home / "raw" / "s.parquet"))
    proposal = init.propose([home / "raw" / "s.parquet"])
    assert mapped(proposal)["ordered_at"] == "created_at"
    assert value(proposal, "currency") == "USD"
    assert "2 currencies (USD, EUR)" in proposal.setting("currency").check
    assert 'CASE "currency" WHEN … THEN amount * rate' in proposal.setting("currency").check
    assert value(proposal, "warm_up_days") == 0
    assert "write 31" in proposal.setting("warm_up_days").check
    assert "state their offset from UTC" in proposal.setting("time_zone").check


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ["00001;1997-01-01;11.77", "00002;1997-01-12;12.00"],
            "no header: its first line is 00001",
        ),
        (["customer,customer,date", "1,2,2023-01-01"], "more than once"),
        (
            ["Sales 2023,,", "customer,date,amount", "1,2023-01-01,9"],
            "first line names 1 of 3 columns, Sales 2023. Where a title stands above",
        ),
        (
            ["Sales 2023", "", "customer,date", "1,2023-01-01"],
            "names 1. Where a title stands above",
        ),
        (["customer,order,date,amount"], "columns but no rows"),
    ],
)
def test_files_that_cannot_be_looked_at_are_refused(
    home: Path, rows: list[str], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        init.propose([put(home, "s.csv", rows)])


def test_missing_files_and_bad_names_are_refused_before_anything_is_written(home: Path) -> None:
    path = put(home, "s.csv", ["customer,order,date,amount", "1,2,2023-01-01,5.5"])
    with pytest.raises(SourceError, match=r"'raw/x.csv' is not there.*Beside it: s.csv"):
        init.run("shop", [home / "raw" / "x.csv"])
    with pytest.raises(UsageError, match="Name at least one file"):
        init.run("shop", [])
    for bad in ("../shop", "My Shop", "", ".cache", "-x"):
        with pytest.raises(UsageError, match="cannot name a data set"):
            init.run(bad, [path])
    assert list((home / "data").iterdir()) == []


def test_a_file_that_is_there_is_never_overwritten_unasked(home: Path) -> None:
    path = put(home, "s.csv", ["customer,order,date,amount", "1,2,2023-01-01,5.5"])
    proposal = init.propose([path])
    first = init.write("shop", proposal)
    first.write_text("# mine\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is there already; --force"):
        init.write("shop", proposal)
    assert first.read_text(encoding="utf-8") == "# mine\n"
    init.write("shop", proposal, force=True)
    assert dataset.load("shop").default_as_of == date(2023, 1, 2)


def test_what_stands_in_a_file_cannot_break_out_of_its_comment(home: Path) -> None:
    evil = '"x\ncurrency: EVIL # [bold]"'
    rows = [f"c{i},{i},2023-02-{i % 28 + 1:02d},{i}.5,{evil}" for i in range(40)]
    path = put(home, "s.csv", ['customer,order,date,amount,"no: te #1"', *rows])
    out = io.StringIO()
    init.run("shop", [path], console=Console(file=out, width=120))
    assert dataset.load("shop").currency == "XXX"
    assert "no: te #1" in out.getvalue()


def test_the_next_command_is_named(home: Path) -> None:
    path = put(
        home,
        "s.csv",
        [
            "customer,order,date,amount",
            "1,2,2023-01-01,€5.50",
            "1,3,2023-01-13,€-1.00",
            "Sum,,,€4.50",
        ],
    )
    out = io.StringIO()
    init.run("shop", [path], console=Console(file=out, width=120))
    shown = out.getvalue()
    assert "crm check shop --as-of 2023-01-14" in shown
    assert "2 lines, 2 orders, 1 customers, 4.50 EUR net of returns" in shown
    assert "1 more without an order, a day or an amount that can be read" in shown


def test_a_file_outside_the_project_is_said_to_work_here_only(
    home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    inside = put(home, "s.csv", ["customer,order,date,amount", "1,2,2023-01-01,5.5"])
    outside = tmp_path_factory.mktemp("elsewhere") / "s.csv"
    outside.write_bytes(inside.read_bytes())
    for path, told in ((inside, False), (outside, True)):
        out = io.StringIO()
        init.run("shop", [path], force=True, console=Console(file=out, width=200))
        text = (home / "data" / "shop" / "dataset.yml").read_text(encoding="utf-8")
        assert ("# Works on this machine only" in text) is told
        assert (str(outside) in text) is told
        assert ("Works on this machine only: s.csv" in out.getvalue()) is told
        assert ("data/shop/s.csv" in out.getvalue()) is told
        assert dataset.load("shop").tables["lines"].source is not None


def test_online_retail_is_mapped_as_the_data_set_that_ships(home: Path, shared_data: Path) -> None:
    sample = home / "raw" / "retail.csv"
    source = shared_data / "online_retail" / "online_retail.parquet"
    duckdb.sql(f"SELECT * FROM '{source}' LIMIT 20000").write_csv(str(sample))
    shipped = dataset.read(Path(__file__).resolve().parents[1] / "data/online_retail/dataset.yml")
    proposal = init.propose([sample])
    for name in ("lines", "customers", "products"):
        expected = {key: entry.from_ for key, entry in shipped.tables[name].columns.items()}
        assert mapped(proposal, name).items() <= expected.items()
    assert len(mapped(proposal)) == len(shipped.tables["lines"].columns)


def test_adventureworks_resellers_are_understood(home: Path, shared_data: Path) -> None:
    folder = shared_data / "adventureworks_dw"
    found = [folder / f"{name}.parquet" for name in ("FactResellerSales", "DimReseller")]
    proposal = init.propose(found)
    lines = mapped(proposal)
    assert {key: lines[key] for key in ("customer_id", "order_id", "ordered_at", "amount", "cost")} == {
        "customer_id": "ResellerKey", "order_id": "SalesOrderNumber", "ordered_at": "OrderDate",
        "amount": "SalesAmount", "cost": "TotalProductCost",
    }  # fmt: skip
    assert mapped(proposal, "customers")["customer_id"] == "ResellerKey"
    assert proposal.preview is not None
    assert (proposal.preview.lines, proposal.preview.customers) == (60_855, 635)


@pytest.mark.parametrize("raw", ["Email", "e-mail", "E-Mail-Adresse", "customer_email", "邮箱"])
def test_an_address_is_known_by_its_name(raw: str) -> None:
    assert columns.is_email(Column(raw, "text", rows=9, filled=9, distinct=9))
    for other in ("email opt in", "store email", "address", "channel"):
        assert not columns.is_email(Column(other, "text", rows=9, filled=9, distinct=9))


@pytest.mark.parametrize(
    ("raw", "column", "sure"),
    [
        ("Customer ID", "customer_id", True), ("KUNDEN_NR", "customer_id", True),
        ("CustomerPONumber", "order_id", False), ("ShipDate", "ordered_at", False),
        ("Order Quantity", "order_id", False), ("Stückzahl", "quantity", True),
        ("Numéro de facture", "order_id", True), ("发货时间", "ordered_at", False),
        ("UnitPriceDiscountPct", "discount", False), ("Tax amount", "amount", False),
        ("cust", "customer_id", True), ("client", "customer_id", True), ("user", "customer_id", True),
        ("member", "customer_id", True), ("cust_no", "customer_id", True), ("用户", "customer_id", True),
        ("member_since", "customer_id", False), ("user agent", "customer_id", False),
        ("customer segment", "customer_id", False), ("ord", "order_id", True), ("txn", "order_id", True),
        ("order_ref", "order_id", True), ("Order Status", "order_id", False), ("amt", "amount", True),
        ("Order Total", "order_id", False), ("Order Total", "amount", True), ("tax amt", "amount", False),
    ],
)  # fmt: skip
def test_names_are_told_apart(raw: str, column: str, sure: bool) -> None:
    likeness = names.likeness(raw, names.NAMES["lines"][column], column)
    assert (likeness >= 0.45) is sure
