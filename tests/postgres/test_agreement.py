"""PostgreSQL and files agree on every row: the same company from both, staged, judged and counted."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from crm_lib import dataset, engine, schema, sources
from crm_lib.book import Book, open_book
from crm_lib.quality.measures import OF_FILES
from crm_lib.simulate import simulate
from tests.conftest import MakeProject
from tests.postgres.conftest import VARIABLE
from tests.postgres.server import Server

pytestmark = pytest.mark.xdist_group("postgres")
ABOUT_FILES = ("one_encoding", "one_header")
"""Rules on how files differ from each other, which tables of a server do not."""


def load(server: Server, table: str, rows: pa.Table, key: bool) -> None:
    """`rows` as a table of the server, with exact numerics; `key`: in the order they have in the files."""
    if key:
        rows = rows.append_column("position", pa.array(range(len(rows))))
    with server.session() as cursor:
        cursor.adbc_ingest(table, rows, mode="create", db_schema_name="sales")
        for field in rows.schema:
            if pa.types.is_decimal(field.type):
                exact = f"numeric({field.type.precision}, {field.type.scale})"
                cursor.execute(f'ALTER TABLE sales.{table} ALTER "{field.name}" TYPE {exact}')
        if key:
            cursor.execute(f"ALTER TABLE sales.{table} ADD PRIMARY KEY (position)")


def copied(server: Server, home: Path, name: str, tmp_path: Path) -> None:
    """The data set `name` once more as `name`_db: all its raw rows in PostgreSQL.

    Order decides only which of several rows of one key is the first, and a key would tell identical rows
    apart: tables with a key get one, others do not.
    """
    loaded, backend = dataset.load(name), engine.connect()
    text = (home / "data" / name / "dataset.yml").read_text(encoding="utf-8")
    written = yaml.load(text, yaml.BaseLoader)  # everything as text: a column is called `on`
    for table, config in loaded.tables.items():
        raw = sources.read(config, backend, tmp_path / "scratch" / table)
        rows = raw.order_by("row_id").drop("source_file", "row_id").to_pyarrow()
        load(server, table, rows, bool(schema.table(table).key))
        recorded = rows.schema.field("ordered_at").type if table == "lines" else None
        source = {"postgres": VARIABLE, "table": f"sales.{table}"}
        if recorded is not None and pa.types.is_temporal(recorded):
            source["period"] = "ordered_at"
        written["tables"][table]["source"] = source
    folder = home / "data" / f"{name}_db"
    folder.mkdir()
    (folder / "dataset.yml").write_text(
        yaml.safe_dump(written, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )


def rows(table: Any, without: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """All rows as text, sorted; without where they came from."""
    left_out = {"source_file", "row_id", "raw_hash", *without}
    columns = sorted(set(table.columns) - left_out)
    found = table.select(*columns).to_pyarrow().to_pylist()
    return sorted(tuple(_text(row[name]) for name in columns) for row in found)


def _text(value: object) -> str:
    """A sum of floats depends on the order of its rows in the last digits."""
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def verdict(book: Book) -> dict[str, Any]:
    """What each rule found, and where rows and money went; without the place of its example."""
    found = book.verdict.model_dump(exclude={"dataset", "outcomes"})
    found["outcomes"] = {
        outcome.rule_id: outcome.model_dump(exclude={"example", "observed"})
        for outcome in book.verdict.outcomes
        if not outcome.rule_id.endswith(ABOUT_FILES)
    }
    for profile in found["profiles"].values():
        for measure in OF_FILES:
            profile.pop(measure, None)
    found["status"] = book.verdict.status
    return found


@pytest.mark.parametrize("dirt", ["none", "heavy"])
def test_a_company_is_the_same_from_a_server_and_from_files(
    server: Server, make_project: MakeProject, tmp_path: Path, transferred: list[str], dirt: str
) -> None:
    home = make_project()
    simulate(
        "retailer", customers=200, months=6, seed=3, dirt=dirt, out=home / "data" / "shop", jobs=1
    )
    copied(server, home, "shop", tmp_path)
    day = dataset.load("shop").default_as_of
    files, served = open_book("shop", as_of=day), open_book("shop_db", as_of=day)
    for table in files.dataset.tables:
        assert rows(served.staged(table)) == rows(files.staged(table)), table
    assert verdict(served) == verdict(files)
    for counted in ("customers", "occasions", "customer_months", "ledger"):
        assert rows(getattr(served, counted)) == rows(getattr(files, counted)), counted
    if dirt == "heavy":  # no date is a date there, so that there is no period
        return
    labels = {row["source_file"] for row in served.staged("lines").to_pyarrow().to_pylist()}
    assert labels == {f"sales.lines, 2025-{month:02}" for month in range(7, 13)}
    _changed(server, served, transferred)


def _changed(server: Server, before: Book, transferred: list[str]) -> None:
    """One old line costs more on the server: only its month comes again, and the result has it."""
    server.run("UPDATE sales.lines SET amount = amount + 1000 WHERE ctid = (SELECT min(ctid) FROM sales.lines"
               " WHERE ordered_at < '2025-08-01' AND amount > 0 AND customer_id IS NOT NULL)")  # fmt: skip
    transferred.clear()
    after = open_book("shop_db", as_of=before.as_of)
    assert (
        after.customers.revenue.sum().execute() == before.customers.revenue.sum().execute() + 1000
    )
    assert transferred == ["sales.lines, 2025-07"]


def test_nasty_values_are_the_same_from_a_server_and_from_a_file(
    server: Server, make_project: MakeProject
) -> None:
    server.run(
        "CREATE TABLE sales.nasty (who text, ord bigint, at timestamptz, amount numeric(20,6), quantity numeric,"
        " discount double precision, place text, channel char(8))",
        """INSERT INTO sales.nasty VALUES
        ('c1', 1, '2023-03-26 00:59:59.999999+00', 10.123456, 1.5, 0.1, 'a "quoted", place', 'web'),
        ('c1', 2, '2023-03-26 01:00:00+00', -0.000049, -1, -0.0, E'two\\nlines', NULL),
        (' c1 ', 3, '2023-10-29 00:30:00+00', 0.00005, 1e-7, 1e300, '  ', 'shop'),
        ('007', 4, '2023-10-29 01:30:00+00', 99999999999.99, 3, 1e-9, '销售 – Käthe', ''),
        (NULL, 5, '2022-12-31 23:30:00+00', 0, NULL, NULL, '', 'x'), ('', 6, NULL, NULL, 7, 0, 'NULL', 'y'),
        ('c2', 9223372036854775807, '2023-12-31 22:59:59+00', 12345678901234.5, 1, 2, E'\\t', 'z'),
        ('c2', 7, '1899-12-31', 5, 1, 2, 'early', 'z'), ('c2', 7, '1899-12-31', 5, 1, 2, 'early', 'z')""",
    )
    names = ["who", "ord", "at", "amount", "quantity", "discount", "place", "channel"]
    cells = server.ask(
        "SELECT " + ", ".join(f"{name}::text" for name in names) + " FROM sales.nasty"
    )
    columns = ("{customer_id: who, order_id: ord, ordered_at: at, amount: amount, quantity: quantity,"
               " discount: discount, place: place, channel: channel}")  # fmt: skip
    head = ("title: Nasty\ncurrency: EUR\nobserved_from: 2023-01-01\ndefault_as_of: 2024-01-01\ntime_zone: Europe/Vienna\n"
            "money_decimals: 4\ntolerate: {}\n")  # fmt: skip
    for name, source in {
        "file": "files: data/file/lines.csv",
        "served": f"postgres: {VARIABLE}, table: sales.nasty, period: at",
    }.items():
        home = make_project(
            name, yml=f"{head}tables:\n  lines:\n    source: {{{source}}}\n    columns: {columns}\n"
        )
    with (home / "data" / "file" / "lines.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([names, *cells])
    file, served = (open_book(name, as_of="2024-01-01") for name in ("file", "served"))
    assert rows(served.staged("lines"), UNREAD) == rows(file.staged("lines"), UNREAD)
    assert verdict(served) == verdict(file)
    assert rows(served.customers) == rows(file.customers)


UNREAD = tuple(
    f"unreadable_{column}" for column in ("ordered_at", "amount", "quantity", "discount")
)
"""Text cells can be unreadable, typed ones cannot, so that only one of the two has the column."""
