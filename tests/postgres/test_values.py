"""What a value of PostgreSQL becomes: exact to the last digit, or text; and in which order rows come."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_lib.errors import SourceError
from crm_lib.postgres import Snapshot
from tests.postgres.conftest import VARIABLE
from tests.postgres.server import OWNER, Server

pytestmark = pytest.mark.xdist_group("postgres")


def read(
    path: Path, table: str, *columns: str, period: str | None = None
) -> dict[str, list[dict[str, Any]]]:
    """By label, the rows of a table's parts (all columns unless named), written and read back."""
    with Snapshot(VARIABLE) as snapshot:
        found = {}
        for part in snapshot.parts(table, columns or snapshot.columns(table), period):
            snapshot.write(part, path / part.content)
            found[part.label] = pq.read_table(path / part.content).to_pylist()
    return found


def one(server: Server, path: Path, type_: str, literal: str) -> tuple[Any, pa.DataType]:
    """What a value of a type is read as, with its type in Parquet."""
    server.run(
        "DROP TABLE IF EXISTS sales.one", f"CREATE TABLE sales.one (v {type_})",
        f"INSERT INTO sales.one VALUES ({literal})",
    )  # fmt: skip
    with Snapshot(VARIABLE) as snapshot:
        (part,) = snapshot.parts("sales.one", ["v"])
        snapshot.write(part, path / "one.parquet")
    table = pq.read_table(path / "one.parquet")
    return table["v"][0].as_py(), table.schema.field("v").type


DIGITS = "12345678901234567890123456789012345678"


@pytest.mark.parametrize(
    ("type_", "literal", "value", "arrow"),
    [
        ("smallint", "-32768", -32768, pa.int16()),
        ("integer", "7", 7, pa.int32()),
        ("bigint", "9223372036854775807", 2**63 - 1, pa.int64()),
        ("numeric(12,2)", "0.10", Decimal("0.10"), pa.decimal128(12, 2)),
        ("numeric(38,0)", DIGITS, Decimal(DIGITS), pa.decimal128(38, 0)),
        ("numeric(38,38)", f"-0.{DIGITS}", Decimal(f"-0.{DIGITS}"), pa.decimal128(38, 38)),
        ("numeric(12,2)", "'NaN'", None, pa.decimal128(12, 2)),
        ("numeric", f"{DIGITS}.{DIGITS}90", f"{DIGITS}.{DIGITS}90", pa.string()),
        ("numeric", "1e-20", "0.00000000000000000001", pa.string()),
        ("numeric", "'NaN'", None, pa.string()),
        ("numeric(50,2)", "1.50", "1.50", pa.string()),
        ("numeric(3,-2)", "12300", "12300", pa.string()),
        ("double precision", "0.1", 0.1, pa.float64()),
        ("double precision", "'-Infinity'", float("-inf"), pa.float64()),
        ("money", "12.5", "12.50", pa.string()),
        ("boolean", "true", True, pa.bool_()),
        ("date", "'2024-02-29'", date(2024, 2, 29), pa.date32()),
        ("date", "'infinity'", date(9999, 12, 31), pa.date32()),
        ("date", "'-infinity'", date(1, 1, 1), pa.date32()),
        ("date", "'0044-03-15 BC'", date(1, 1, 1), pa.date32()),
        ("timestamp", "'2024-03-31 02:30:00.123456'", datetime(2024, 3, 31, 2, 30, 0, 123456), pa.timestamp("us")),
        ("timestamp", "'294276-12-31'", datetime(9999, 12, 30), pa.timestamp("us")),
        ("timestamptz", "'2024-03-01 00:30+02'", datetime(2024, 2, 29, 22, 30, tzinfo=UTC), pa.timestamp("us", "UTC")),
        ("timestamptz", "'infinity'", datetime(9999, 12, 30, tzinfo=UTC), pa.timestamp("us", "UTC")),
        ("timestamptz", "'-infinity'", datetime(1, 1, 2, tzinfo=UTC), pa.timestamp("us", "UTC")),
        ("text", "'  Käthe, \"x\"\n销售 '", '  Käthe, "x"\n销售 ', pa.string()),
        ("text", "''", "", pa.string()),
        ("char(5)", "'ab'", "ab", pa.string()),
        ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", pa.string()),
        ("integer[]", "'{1,NULL,3}'", "{1,NULL,3}", pa.string()),
        ("json", "'{\"a\": 1.10}'", '{"a": 1.10}', pa.string()),
        ("bytea", "'\\xc3'", "\\xc3", pa.string()),
        ("interval", "'1 mon 2 days'", "1 mon 2 days", pa.string()),
        ("time", "'10:00'", "10:00:00", pa.string()),
    ],
)  # fmt: skip
def test_a_value_keeps_every_digit_or_becomes_text(
    server: Server, tmp_path: Path, type_: str, literal: str, value: object, arrow: pa.DataType
) -> None:
    assert one(server, tmp_path, type_, literal) == (value, arrow)


@pytest.mark.parametrize(
    "type_", ["numeric(9,2)", "numeric", "date", "timestamptz", "text", "boolean", "real"]
)
def test_a_null_stays_a_null(server: Server, tmp_path: Path, type_: str) -> None:
    assert one(server, tmp_path, type_, "NULL")[0] is None


def test_a_domain_and_an_enum_are_what_they_are_made_of(server: Server, tmp_path: Path) -> None:
    server.run(
        "CREATE DOMAIN sales.price AS numeric(10,3)", "CREATE DOMAIN sales.net AS sales.price CHECK (VALUE > 0)",
        "CREATE TYPE sales.channel AS ENUM ('web', 'shop')",
    )  # fmt: skip
    assert one(server, tmp_path, "sales.net", "1.5") == (Decimal("1.500"), pa.decimal128(10, 3))
    assert one(server, tmp_path, "sales.channel", "'shop'") == ("shop", pa.string())


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_numeric_is_read_to_its_last_digit(
    server: Server, tmp_path: Path, data: st.DataObject
) -> None:
    """Thousands of numbers of any size at once: as declared numeric, and as one without precision."""
    digits = data.draw(st.lists(st.integers(-(10**30) + 1, 10**30 - 1), min_size=500, max_size=500))
    numbers = [Decimal(d).scaleb(-(at % 13)) for at, d in enumerate(digits)]
    listed = ", ".join(f"({at}, {number:f})" for at, number in enumerate(numbers))
    server.run(
        "DROP TABLE IF EXISTS sales.n",
        "CREATE TABLE sales.n (i int PRIMARY KEY, d numeric(38,12), n numeric)",
        f"INSERT INTO sales.n SELECT i, n / 1e8, n FROM (VALUES {listed}) AS v (i, n)",
    )
    rows = read(tmp_path, "sales.n")["sales.n"]
    assert [Decimal(row["n"]) for row in rows] == numbers
    asked = server.ask("SELECT d::text FROM sales.n ORDER BY i")
    assert [str(row["d"]) for row in rows] == [f"{Decimal(text)}" for (text,) in asked]


def test_months_are_parts_and_rows_without_one_are_one(server: Server, tmp_path: Path) -> None:
    server.run(
        "CREATE TABLE sales.o (i int PRIMARY KEY, at timestamptz)",
        "INSERT INTO sales.o VALUES (1, '2024-03-01 00:00+00'), (2, '2024-02-29 23:59:59.999999+00'), (3, NULL),"
        " (4, '2024-12-31 23:00-02'), (5, 'infinity'), (6, '0044-03-15 BC'), (7, '2024-12-01'), (8, '-infinity'),"
        " (9, '0001-01-01'), (10, '9999-12-31 12:00')",
    )
    found = read(tmp_path, "sales.o", "i", period="at")
    assert {label: [row["i"] for row in rows] for label, rows in found.items()} == {
        "sales.o, 0001-01": [9], "sales.o, 2024-02": [2], "sales.o, 2024-03": [1], "sales.o, 2024-12": [7],
        "sales.o, 2025-01": [4], "sales.o, 9999-12": [10], "sales.o, no month": [3, 5, 6, 8],
    }  # fmt: skip
    server.run("ALTER TABLE sales.o ALTER at TYPE date")
    assert list(read(tmp_path, "sales.o", period="at"))[1:3] == [
        "sales.o, 2024-02",
        "sales.o, 2024-03",
    ]


def contents(table: str, *columns: str, period: str | None = None) -> dict[str, str]:
    with Snapshot(VARIABLE) as snapshot:
        found = snapshot.parts(table, columns or snapshot.columns(table), period)
        return {part.label: part.content for part in found}


def test_a_change_of_one_cell_changes_its_month_alone(server: Server) -> None:
    server.run(
        "CREATE TABLE sales.o (i int PRIMARY KEY, day date, note text, more text)",
        "INSERT INTO sales.o SELECT i, date '2024-01-01' + i, 'n' || i, 'm' FROM generate_series(0, 99) i",
    )
    before = contents("sales.o", "day", "note", period="day")
    server.run("UPDATE sales.o SET more = 'not read'", "UPDATE sales.o SET note = note")
    assert contents("sales.o", "day", "note", period="day") == before
    server.run("UPDATE sales.o SET note = NULL WHERE i = 40")
    after = contents("sales.o", "day", "note", period="day")
    assert {label for label in before if before[label] != after[label]} == {"sales.o, 2024-02"}
    server.run("UPDATE sales.o SET note = '' WHERE i = 40")
    assert contents("sales.o", "day", "note", period="day") not in (before, after)
    server.run("UPDATE sales.o SET note = 'n40' WHERE i = 40")
    assert contents("sales.o", "day", "note", period="day") == before
    server.run("ALTER TABLE sales.o ALTER note TYPE varchar(9)")
    assert not set(contents("sales.o", "day", "note", period="day").values()) & set(before.values())


def test_rows_that_exchange_values_do_not_hide_from_the_sum(server: Server) -> None:
    server.run(
        "CREATE TABLE sales.o (a text, b text)", "INSERT INTO sales.o VALUES ('x', 'y'), ('u', 'v')"
    )
    before = contents("sales.o")
    server.run("UPDATE sales.o SET b = CASE b WHEN 'y' THEN 'v' ELSE 'y' END")
    assert contents("sales.o") != before


def test_the_same_rows_have_the_same_numbers_wherever_they_lie(
    server: Server, tmp_path: Path
) -> None:
    """In the order of the key; without one, of all columns, as bytes, whatever the collation."""
    values = (
        "(10, 'b', 1.0), (9, 'B', 1.00), (100, 'a', NULL), (9, 'B', 1.0), (9, NULL, 2), (9, '', 2)"
    )
    server.run(
        "CREATE TABLE sales.o (i int, t text, n numeric)", f"INSERT INTO sales.o VALUES {values}"
    )
    first = read(tmp_path, "sales.o")["sales.o"]
    assert [(row["i"], row["t"], row["n"]) for row in first] == [
        (9, "", "2"), (9, "B", "1.0"), (9, "B", "1.00"), (9, None, "2"), (10, "b", "1.0"), (100, "a", None),
    ]  # fmt: skip
    before = contents("sales.o")
    backwards = ", ".join(reversed(values.replace("), (", ")|(").split("|")))
    server.run("TRUNCATE sales.o", f"INSERT INTO sales.o VALUES {backwards}")
    assert contents("sales.o") == before
    assert read(tmp_path, "sales.o")["sales.o"] == first
    server.run(
        "CREATE TABLE sales.k (a text, b int, t text, PRIMARY KEY (b, a))",
        "INSERT INTO sales.k VALUES ('x', 10, 'p'), ('Y', 2, 'q'), ('a', 2, 'r')",
    )
    assert [row["t"] for row in read(tmp_path, "sales.k", "t")["sales.k"]] == ["q", "r", "p"]


def test_rows_that_differ_where_nothing_reads_are_not_identical(
    server: Server, tmp_path: Path
) -> None:
    """The key tells them apart; where there is none, a hash of the whole row."""
    server.run(
        "CREATE TABLE sales.k (i int PRIMARY KEY, t text)", "INSERT INTO sales.k VALUES (1, 'x'), (2, 'x')",
        "CREATE VIEW sales.v AS SELECT t, i / 2 AS half FROM sales.k UNION ALL VALUES ('x', 1)",
    )  # fmt: skip
    assert read(tmp_path, "sales.k", "t")["sales.k"] == [{"i": 1, "t": "x"}, {"i": 2, "t": "x"}]
    rows = read(tmp_path, "sales.v", "t")["sales.v"]
    assert [row["t"] for row in rows] == ["x", "x", "x"]
    assert len({row["whole_row"] for row in rows}) == 2  # half = 0, 1, 1
    assert list(read(tmp_path, "sales.v")["sales.v"][0]) == ["t", "half"]


def test_only_what_is_asked_for_is_transferred(server: Server, tmp_path: Path) -> None:
    server.run(
        "CREATE TABLE sales.k (i int PRIMARY KEY, t text, secret text)",
        "INSERT INTO sales.k VALUES (1, 'x')",
    )
    assert list(read(tmp_path, "sales.k", "t")["sales.k"][0]) == ["i", "t"]


def test_names_may_hold_anything(server: Server, tmp_path: Path) -> None:
    server.run(
        'CREATE TABLE sales."Order ""Lines"".x" ("A b" int, "select" text, "ä\'" date)',
        """INSERT INTO sales."Order ""Lines"".x" VALUES (1, 'x', '2024-01-05')""",
    )
    found = read(tmp_path, 'sales.Order "Lines".x', period="ä'")
    assert found == {
        'sales.Order "Lines".x, 2024-01': [{"A b": 1, "select": "x", "ä'": date(2024, 1, 5)}]
    }


def test_a_table_on_the_search_path_needs_no_schema(server: Server, tmp_path: Path) -> None:
    server.run("CREATE TABLE IF NOT EXISTS public.alone AS SELECT 1 AS i")
    assert read(tmp_path, "alone") == {"alone": [{"i": 1}]}


def test_all_tables_are_read_in_one_snapshot_that_writes_nothing(
    server: Server, tmp_path: Path
) -> None:
    server.run("CREATE TABLE sales.a AS SELECT 1 AS i", "CREATE TABLE sales.b AS SELECT 1 AS i")
    with Snapshot(VARIABLE) as snapshot:
        (a,) = snapshot.parts("sales.a", ["i"])
        server.run(
            "UPDATE sales.a SET i = 2", "UPDATE sales.b SET i = 2", "INSERT INTO sales.b VALUES (3)"
        )
        (b,) = snapshot.parts("sales.b", ["i"])
        for part in (a, b):
            snapshot.write(part, tmp_path / "part.parquet")
            assert pq.read_table(tmp_path / "part.parquet")["i"].to_pylist() == [1]
        seen = server.ask(
            "SELECT state, backend_xid FROM pg_stat_activity WHERE application_name = 'crm-reports'"
        )
        assert seen == [("idle in transaction", None)]
        with pytest.raises(SourceError, match="read-only transaction"):
            snapshot._connection.run("CREATE TABLE sales.c ()")


def test_settings_of_a_role_do_not_change_what_is_read(server: Server, tmp_path: Path) -> None:
    server.run(
        "CREATE TABLE sales.s (at timestamptz, day date, i interval, f float8, b bytea)",
        "INSERT INTO sales.s VALUES ('2024-01-01 00:30+00', '2024-01-02', '1 day 2 h', 0.1::float8 + 0.2, '\\x00')",
    )
    before = contents("sales.s", period="at"), read(tmp_path, "sales.s", period="at")
    try:
        server.run(
            *(f"ALTER ROLE {OWNER} SET {setting}" for setting in (
                "TimeZone = 'Asia/Tokyo'", "DateStyle = 'SQL, DMY'", "IntervalStyle = 'iso_8601'",
                "extra_float_digits = -5", "bytea_output = 'escape'", "client_encoding = 'LATIN1'"))
        )  # fmt: skip
        assert (contents("sales.s", period="at"), read(tmp_path, "sales.s", period="at")) == before
    finally:
        server.run(f"ALTER ROLE {OWNER} RESET ALL")


def test_bytes_that_are_no_text_are_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.run(
        "DROP DATABASE IF EXISTS bytes",
        "CREATE DATABASE bytes ENCODING SQL_ASCII TEMPLATE template0",
    )
    server.run("CREATE TABLE t (a text)", "INSERT INTO t VALUES (E'caf\\xe9')", database="bytes")
    monkeypatch.setenv(VARIABLE, server.url(database="bytes"))
    with pytest.raises(
        SourceError, match=r"Reading 'public.t'.*bytes that are no text in UTF-8.*convert_from"
    ):
        read(tmp_path, "public.t")
    assert list(tmp_path.iterdir()) == []
