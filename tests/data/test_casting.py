"""Raw cells become numbers, days and ids; what cannot be read keeps its text and becomes nothing."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import product
from string import whitespace
from typing import Any

import duckdb
import ibis
import pytest

from crm_lib import casting
from crm_lib.errors import SourceError
from tests.data.conftest import Workshop

UNREADABLE = None


def money(workshop: Workshop, *cells: str, **how: Any) -> list[Decimal | None]:
    """Amounts as read; a cell is either read or kept as unreadable text, never both."""
    found = workshop.cells("amount", *cells, **how)
    for cell, (value, unreadable) in zip(cells, found, strict=True):
        assert unreadable == (cell.strip() or None if value is None else None)
    return [value for value, _ in found]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12.50", "12.5"), (" 12.50 ", "12.5"), ("+12.5", "12.5"), ("-12.5", "-12.5"), (".5", "0.5"),
        ("1,234.50", "1234.5"), ("1,234,567", "1234567"), ("1'234.50", "1234.5"),
        ("1 234.50", "1234.5"), ("1\u00a0234.50", "1234.5"),
        ("(12.50)", "-12.5"), ("12.50-", "-12.5"), ("12.50 -", "-12.5"), ("− 12.50", "-12.5"),
        ("€12.50", "12.5"), ("12.50 €", "12.5"), ("EUR 12.50", "12.5"), ("-€12.50", "-12.5"),
        ("€ -12.50", "-12.5"), ("€(12.50)", "-12.5"), ("(€12.50)", "-12.5"), ("12.50€-", "-12.5"),
        ("1.25e2", "125"), ("1e-05", "0"), ("0", "0"),
    ],
)  # fmt: skip
def test_amounts_are_read_as_a_person_reads_them(workshop: Workshop, cell: str, value: str) -> None:
    assert money(workshop, cell) == [Decimal(value)]


@pytest.mark.parametrize(
    "cell",
    [
        "1,50", "12,3456", "1.234,50", "1,23,456", "1.2.3", "--5", "5-5", "-(5)", "12.50 x", "€", "-",
        "$12.50", "£12.50", "12.50 USD", "1€2", "NaN", "inf", "-Infinity", "1e400", "0x10", "1_000",
        "99999999999999999999",
    ],
)  # fmt: skip
def test_what_is_no_amount_in_this_currency_stays_text(workshop: Workshop, cell: str) -> None:
    assert money(workshop, cell) == [UNREADABLE]


def test_text_is_freed_of_any_white_space_around_it() -> None:
    cells = [f"{a}{text}{b}" for text in ("", "x", "a b", "!", "ä\u00a0", "\x01") for a, b in product(("", *whitespace, "\n "), repeat=2)]  # fmt: skip
    table = ibis.memtable({"cell": [*cells, None]})
    found = table.select(text=casting.blank_to_null(table.cell)).to_pyarrow()["text"].to_pylist()
    assert found == [*(cell.strip(whitespace) or None for cell in cells), None]


def test_an_empty_amount_is_missing_not_unreadable(workshop: Workshop) -> None:
    assert workshop.cells("amount", "", "  ") == [(None, None), (None, None)]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12,50", "12.5"), ("1.234,50 €", "1234.5"), ("1 234,50", "1234.5"), ("-0,5", "-0.5"),
        ("1.234", "1234"), ("12.50", UNREADABLE), ("1,234.50", UNREADABLE), ("1,234,5", UNREADABLE),
    ],
)  # fmt: skip
def test_a_declared_decimal_comma(workshop: Workshop, cell: str, value: str | None) -> None:
    columns = {"amount": {"from": "amount", "decimal": ","}}
    assert money(workshop, cell, columns=columns) == [None if value is None else Decimal(value)]


@pytest.mark.parametrize(
    ("currency", "good", "bad"),
    [
        ("USD", ["$12.50", "US$12.50", "USD 12.50"], ["€12.50", "C$12.50"]),
        ("GBP", ["£12.50"], ["$12.50"]),
        ("CAD", ["$12.50", "CA$12.50"], ["US$12.50"]),
        ("SEK", ["12.50 kr", "SEK 12.50"], ["12.50 zł"]),
        ("CNY", ["¥12.50", "￥12.50", "12.50元", "CN¥ 12.50", "RMB 12.50"], ["$12.50", "12.50円"]),
        ("JPY", ["¥1,250", "1,250円"], ["1,250元"]),
        ("CHF", ["CHF 1'250.00", "Fr. 1’250.00"], ["€ 1250"]),
    ],
)
def test_only_the_signs_of_the_declared_currency_are_read(
    workshop: Workshop, currency: str, good: list[str], bad: list[str]
) -> None:
    assert None not in money(workshop, *good, currency=currency)
    assert set(money(workshop, *bad, currency=currency)) == {UNREADABLE}


def test_money_is_exact_to_the_declared_decimals(workshop: Workshop) -> None:
    assert money(workshop, "0.1", "2.55", "1.23456789", money_decimals=2) == [
        Decimal("0.10"), Decimal("2.55"), Decimal("1.23")
    ]  # fmt: skip


def test_numbers_carry_no_currency(workshop: Workshop) -> None:
    columns = {"quantity": "units"}
    cells = workshop.cells("quantity", "2", "-1.5", "1,000", "two", columns=columns)
    assert cells == [(2.0, None), (-1.5, None), (1000.0, None), (None, "two")]


def test_a_count_has_no_fraction(workshop: Workshop) -> None:
    workshop.put("lines.csv", "customer,order,day,amount\nc1,1,2023-01-05,10\n")
    workshop.put(
        "w.csv", "customer,year,spend,suppliers\nc1,2023,10,3\nc2,2023.0,10,2.5\nc3,x,10,1e3\n"
    )
    lines = {"source": {"files": "data/shop/lines.csv"},
             "columns": {"customer_id": "customer", "order_id": "order", "ordered_at": "day",
                         "amount": "amount"}}  # fmt: skip
    wallets = {"source": {"files": "data/shop/w.csv"},
               "columns": {"customer_id": "customer", "year": "year", "spend": "spend",
                           "supplier_count": "suppliers"}}  # fmt: skip
    rows = workshop.stage("wallets", tables={"lines": lines, "wallets": wallets})
    assert [(row["year"], row["unreadable_year"]) for row in rows] == [
        (2023, None), (2023, None), (None, "x")
    ]  # fmt: skip
    assert [(row["supplier_count"], row["unreadable_supplier_count"]) for row in rows] == [
        (3, None), (None, "2.5"), (1000, None)
    ]  # fmt: skip


def typed(workshop: Workshop, **raw: str) -> list[dict[str, Any]]:
    """The staged rows of a Parquet file whose columns are SQL expressions over i = 0, 1, 2."""
    named = {"customer": "'c1'", "order": "'o1'", "day": "DATE '2023-01-05'", "amount": "10"} | raw
    query = ", ".join(f'{text} AS "{name}"' for name, text in named.items())
    path = workshop.folder / "lines.parquet"
    duckdb.sql(f"SELECT {query} FROM range(3) r(i)").write_parquet(str(path))
    return workshop.stage(source={"files": "data/shop/lines.parquet"})


def test_ids_keep_their_zeros_and_lose_a_floats_fraction(workshop: Workshop) -> None:
    assert [value for value, _ in workshop.cells("customer_id", "00123", " 7 ", "")] == [
        "00123", "7", None
    ]  # fmt: skip
    rows = typed(
        workshop,
        customer="CASE i WHEN 0 THEN 12346.0 WHEN 1 THEN 'nan'::DOUBLE ELSE 1.5 END",
        order="CASE i WHEN 0 THEN '00123' ELSE NULL END",
    )
    assert [row["customer_id"] for row in rows] == ["12346", None, "1.5"]
    assert [row["order_id"] for row in rows] == ["00123", None, None]


def test_a_huge_float_id_is_not_lost(workshop: Workshop) -> None:
    rows = typed(workshop, customer="CASE i WHEN 0 THEN 1e30 ELSE 'inf'::DOUBLE END")
    assert rows[0]["customer_id"] == "1e+30"
    assert rows[1]["customer_id"] == "inf"


def test_nan_in_money_is_missing_and_infinity_unreadable(workshop: Workshop) -> None:
    texts = "CASE i WHEN 0 THEN 'nan' WHEN 1 THEN 'inf' ELSE '2.5' END::DOUBLE"
    rows = typed(workshop, amount=texts)
    assert [row["amount"] for row in rows] == [None, None, Decimal("2.5")]
    assert [row["unreadable_amount"] for row in rows] == [None, "inf", None]


def test_a_type_that_can_never_become_the_column_is_refused(workshop: Workshop) -> None:
    with pytest.raises(SourceError, match=r"'amount' .money. cannot be made from boolean"):
        typed(workshop, amount="true")
    with pytest.raises(SourceError, match=r"'day' holds int.* `format: \"%Y%m%d\"`"):
        typed(workshop, day="20230105")


def times(workshop: Workshop, *cells: str, **how: Any) -> list[datetime | None]:
    reading = {"from": "day", **how.pop("reading", {})}
    found = workshop.cells("ordered_at", *cells, columns={"ordered_at": reading}, **how)
    for cell, (value, unreadable) in zip(cells, found, strict=True):
        assert unreadable == (None if value else cell)
    return [value for value, _ in found]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2023-01-05", datetime(2023, 1, 5)), ("2023/1/5", datetime(2023, 1, 5)),
        ("2023-01-05 13:30", datetime(2023, 1, 5, 13, 30)),
        ("2023-01-05T13:30:15.5", datetime(2023, 1, 5, 13, 30, 15, 500_000)),
        ("05/01/2023", UNREADABLE), ("23-01-05", UNREADABLE), ("2023-02-30", UNREADABLE),
        ("2023-01-05 25:00", UNREADABLE), ("yesterday", UNREADABLE), ("infinity", UNREADABLE),
        ("epoch", UNREADABLE), ("20230105", UNREADABLE), ("44931", UNREADABLE),
    ],
)  # fmt: skip
def test_without_a_format_only_iso_dates_are_read(
    workshop: Workshop, cell: str, value: datetime | None
) -> None:
    assert times(workshop, cell) == [value]


def test_formats_are_tried_in_order_and_what_fits_none_stays_text(workshop: Workshop) -> None:
    reading = {"format": ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y %H:%M"]}
    cells = ["13/02/2023", "02/13/2023", "3/4/2023", "5.1.23 7:30", "2023-01-05", "03/04/23"]
    assert times(workshop, *cells, reading=reading) == [
        datetime(2023, 2, 13), datetime(2023, 2, 13), datetime(2023, 4, 3),
        datetime(2023, 1, 5, 7, 30), UNREADABLE, UNREADABLE,
    ]  # fmt: skip


@pytest.mark.parametrize(("form", "month"), [("%d/%m/%Y", 4), ("%m/%d/%Y", 3)])
def test_the_format_decides_which_number_is_the_month(
    workshop: Workshop, form: str, month: int
) -> None:
    (read,) = times(workshop, "03/04/2023", reading={"format": form})
    assert read is not None
    assert read.month == month


def test_dates_written_as_numbers_are_read_by_their_format(workshop: Workshop) -> None:
    rows = typed_with_format(workshop, "CASE i WHEN 0 THEN 20230105.0 ELSE 20231345 END")
    assert [row["ordered_at"] for row in rows] == [datetime(2023, 1, 5), None, None]
    assert [row["unreadable_ordered_at"] for row in rows] == [None, "20231345", "20231345"]


def typed_with_format(workshop: Workshop, day: str) -> list[dict[str, Any]]:
    path = workshop.folder / "lines.parquet"
    query = f"SELECT 'c1' AS customer, 1 AS order, {day} AS day, 10 AS amount FROM range(3) r(i)"
    duckdb.sql(query).write_parquet(str(path))
    return workshop.stage(
        source={"files": "data/shop/lines.parquet"},
        columns={"ordered_at": {"from": "day", "format": "%Y%m%d"}},
    )


# New York changed its clocks on 12 March 2017 at 07:00 UTC and on 5 November 2017 at 06:00 UTC.
NEW_YORK = [
    ("2017-03-12 06:59:00", datetime(2017, 3, 12, 1, 59)),
    ("2017-03-12 07:00:00", datetime(2017, 3, 12, 3, 0)),
    ("2017-11-05 05:59:00", datetime(2017, 11, 5, 1, 59)),
    ("2017-11-05 06:00:00", datetime(2017, 11, 5, 1, 0)),
    ("2018-01-01 04:30:00", datetime(2017, 12, 31, 23, 30)),
]
IN_NEW_YORK: dict[str, Any] = {
    "time_zone": "America/New_York", "observed_from": "2017-01-01", "default_as_of": "2018-01-01",
}  # fmt: skip


@pytest.mark.parametrize("form", [None, "%Y-%m-%d %H:%M:%S"])
def test_text_in_utc_becomes_the_shops_own_time(workshop: Workshop, form: str | None) -> None:
    reading = {"zone": "UTC"} | ({"format": form} if form else {})
    cells = [cell for cell, _ in NEW_YORK]
    assert times(workshop, *cells, reading=reading, **IN_NEW_YORK) == [at for _, at in NEW_YORK]


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ"])
def test_timestamps_of_a_parquet_file_become_the_shops_own_time(
    workshop: Workshop, kind: str
) -> None:
    duckdb.sql("SET TimeZone = 'UTC'")
    values = ", ".join(f"({kind} '{cell}')" for cell, _ in NEW_YORK)
    query = f"SELECT 'c' AS customer, 1 AS order, 1 AS amount, day FROM (VALUES {values}) t(day)"
    duckdb.sql(query).write_parquet(str(workshop.folder / "lines.parquet"))
    # A time with a zone is taken at its word; one without is in the zone that is declared.
    reading = {"from": "day"} | ({"zone": "UTC"} if kind == "TIMESTAMP" else {})
    rows = workshop.stage(
        source={"files": "data/shop/lines.parquet"}, columns={"ordered_at": reading}, **IN_NEW_YORK
    )
    assert [row["ordered_at"] for row in rows] == [at for _, at in NEW_YORK]
    assert rows[-1]["day"].isoformat() == "2017-12-31"


@pytest.mark.parametrize(
    "cell",
    ["2017-07-01T16:00:00Z", "2017-07-01 16:00:00 UTC", "2017-07-01T18:00:00+02:00",
     "2017-07-01 11:00:00-0500", "2017-07-01 21:30+05:30", "2017-07-01T18:00:00.000+02"],
)  # fmt: skip
@pytest.mark.parametrize("zone", [{}, {"zone": "Asia/Tokyo"}])
def test_text_that_states_its_offset_is_taken_at_its_word(
    workshop: Workshop, cell: str, zone: dict[str, str]
) -> None:
    assert times(workshop, cell, reading=zone, **IN_NEW_YORK) == [datetime(2017, 7, 1, 12)]


def test_a_format_with_an_offset_is_taken_at_its_word(workshop: Workshop) -> None:
    reading = {"format": ["%d.%m.%Y %H:%M %z", "%d.%m.%Y %H:%M"], "zone": "UTC"}
    cells = ["01.07.2017 18:00 +0200", "01.07.2017 16:00"]
    assert times(workshop, *cells, reading=reading, **IN_NEW_YORK) == [datetime(2017, 7, 1, 12)] * 2


@pytest.mark.parametrize("form", [None, "%Y-%m-%d"])
def test_a_date_without_a_time_of_day_has_no_zone_to_leave(
    workshop: Workshop, form: str | None
) -> None:
    reading = {"zone": "UTC"} | ({"format": form} if form else {})
    assert times(workshop, "2017-07-01", reading=reading, **IN_NEW_YORK) == [datetime(2017, 7, 1)]
