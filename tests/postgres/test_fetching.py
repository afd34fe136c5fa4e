"""Tables of a data set fetched into its cache: what is transferred, what is kept, what is never there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from crm_lib import dataset, fetching, sourcefiles
from crm_lib.book import open_book
from crm_lib.dataset import Dataset
from crm_lib.errors import SourceError
from crm_lib.postgres import Snapshot
from tests.conftest import SIX_YML, MakeProject
from tests.postgres.conftest import VARIABLE
from tests.postgres.server import ENCODED, OWNER, PASSWORD, Server

pytestmark = pytest.mark.xdist_group("postgres")
SOURCE = f"{{postgres: {VARIABLE}, table: sales.order_lines, period: ordered_at}}"
LINES = """
CREATE TABLE sales.order_lines (line_id int PRIMARY KEY, customer text, "Order" int, ordered_at date,
    price numeric(9,2), quantity int, note text, product text)
"""


@pytest.fixture
def shop(server: Server, make_project: MakeProject) -> Server:
    """300 order lines from January to April 2023, and a data set of them."""
    server.run(
        LINES,
        "INSERT INTO sales.order_lines SELECT i, 'c' || i % 7, i / 2, date '2023-01-01' + i % 120, i / 10.0, 1 + i % 3,"
        " 'a note', 'tea' FROM generate_series(1, 300) i",
    )
    configure(make_project)
    return server


def configure(
    make_project: MakeProject, source: str = f"source: {SOURCE}", amount: str = "price * quantity"
) -> None:
    yml = SIX_YML.replace("source: {files: data/six/lines.csv}", source).replace(
        "amount: amount", f"amount: {amount}"
    )
    make_project(yml=yml.replace("order_id: order", "order_id: order").replace("ordered_at: when", "ordered_at: ordered_at")
                 .replace("product_id: product", "product_id: upper(Product)"))  # fmt: skip


def fetched() -> Dataset:
    return fetching.fetched(dataset.load("six"))


def parts(of: Dataset) -> dict[str, list[dict[str, Any]]]:
    """By label, the rows of the parts of `lines`."""
    found = [
        file for source in of.tables["lines"].every_source for file in sourcefiles.files(source)
    ]
    return {file.label: pq.read_table(file.path).to_pylist() for file in found}


def test_a_data_set_of_files_needs_no_server_and_stays_as_it_is(make_project: MakeProject) -> None:
    make_project()
    loaded = dataset.load("six")
    with fetching.pinned(loaded):
        assert fetching.fetched(loaded) is loaded
        assert fetching.PIN not in os.environ


def test_the_key_and_the_columns_that_mappings_read_are_fetched(shop: Server) -> None:
    found = parts(fetched())
    assert list(found) == [f"sales.order_lines, 2023-0{month}" for month in (1, 2, 3, 4)]
    rows = found["sales.order_lines, 2023-02"]
    assert list(rows[0]) == [
        "line_id",
        "customer",
        "Order",
        "ordered_at",
        "price",
        "quantity",
        "product",
    ]
    asked = shop.ask(
        "SELECT line_id FROM sales.order_lines WHERE ordered_at BETWEEN '2023-02-01' AND '2023-02-28' ORDER BY 1"
    )
    assert [(row["line_id"],) for row in rows] == asked


def test_a_mapping_of_a_column_that_is_not_there_gets_the_nearest(
    shop: Server, make_project: MakeProject
) -> None:
    configure(make_project, amount="pryce")
    with pytest.raises(SourceError, match=r"no raw column 'pryce'\. Did you mean 'price'.*note"):
        fetched()


def test_only_a_month_that_changed_is_transferred_again(
    shop: Server, transferred: list[str]
) -> None:
    first = parts(fetched())
    assert transferred == list(first)
    assert parts(fetched()) == first
    assert len(transferred) == 4
    shop.run("UPDATE sales.order_lines SET price = 1000 WHERE line_id = 35")  # 5 February
    assert parts(fetched())["sales.order_lines, 2023-02"][4]["price"] == 1000
    assert transferred[4:] == ["sales.order_lines, 2023-02"]
    shop.run("UPDATE sales.order_lines SET note = 'never read'")
    fetched()
    assert len(transferred) == 5


def test_what_no_recent_fetch_needs_leaves_the_cache(shop: Server, tmp_path: Path) -> None:
    for price in range(4):
        shop.run(f"UPDATE sales.order_lines SET price = {price}")
        fetched()
    folder = tmp_path / "data" / ".cache" / "six" / "fetched"
    assert len(list(folder.glob("*.json"))) == 2
    assert len(list(folder.glob("*.parquet"))) == 8


def test_a_pinned_state_stays_whatever_happens_on_the_server(
    shop: Server, transferred: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = dataset.load("six")
    with fetching.pinned(loaded):
        before = parts(fetched())
        shop.run(
            "UPDATE sales.order_lines SET price = 0",
            "DELETE FROM sales.order_lines WHERE line_id < 9",
        )
        monkeypatch.delenv(VARIABLE)  # a report's process needs no connection, and no right to one
        assert parts(fetched()) == before
        assert len(transferred) == 4
    monkeypatch.setenv(VARIABLE, shop.url())
    assert fetching.PIN not in os.environ
    assert parts(fetched()) != before


def test_a_fetch_that_breaks_off_changes_nothing(
    shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fetched()
    rows = parts(before)
    folder = tmp_path / "data" / ".cache" / "six" / "fetched"
    lists = {file: file.read_bytes() for file in folder.glob("*.json")}
    shop.run("UPDATE sales.order_lines SET price = 5")
    write = Snapshot.write

    def broken(self: Snapshot, part: Any, path: Path) -> None:
        if part.label.endswith("03"):
            shop.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crm-reports'"
            )
        write(self, part, path)

    monkeypatch.setattr(Snapshot, "write", broken)
    with pytest.raises(
        SourceError,
        match=r"Reading 'sales.order_lines, 2023-03' from CRM_SHOP_DB failed.*run again",
    ):
        fetched()
    assert parts(before) == rows
    assert {file: file.read_bytes() for file in folder.glob("*.json")} == lists
    assert len(list(folder.glob("*.parquet"))) == 4 + 2  # January and February came whole
    assert list(folder.glob("*.partial")) == []


def test_a_query_gets_the_columns_it_names_of_each_table(
    shop: Server, make_project: MakeProject
) -> None:
    shop.run(
        "CREATE TABLE sales.customers (id text PRIMARY KEY, name text, secret text)",
        "INSERT INTO sales.customers VALUES ('c1')",
    )
    tables = f"l: {SOURCE}, c: {{postgres: {VARIABLE}, table: sales.customers}}"
    query = 'SELECT customer, \\"Order\\" AS o, ordered_at, price, quantity, product FROM l JOIN c ON c.ID = l.customer'
    configure(make_project, f'sources: {{{tables}}}\n    query: "{query}"')
    found = parts(fetched())
    assert list(found["sales.customers"][0]) == ["id"]
    assert list(found["sales.order_lines, 2023-01"][0]) == [
        "line_id",
        "customer",
        "Order",
        "ordered_at",
        "price",
        "quantity",
        "product",
    ]
    configure(
        make_project,
        f'sources: {{{tables}}}\n    query: "SELECT c.* FROM l JOIN c ON customer = id WHERE COUNT(*) > 1"',
    )
    assert list(parts(fetched())["sales.customers"][0]) == ["id", "name", "secret"]


def test_nothing_of_the_connection_is_in_the_cache(shop: Server, tmp_path: Path) -> None:
    loaded = fetched()
    written = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
    assert len(written) > 4
    for text in [
        *(file.read_bytes() for file in written),
        repr(loaded).encode(),
        loaded.model_dump_json().encode(),
    ]:
        for secret in (OWNER, PASSWORD, ENCODED, "127.0.0.1"):
            assert secret.encode() not in text


def test_columns_called_like_ours_are_read_under_another_name(
    server: Server, make_project: MakeProject
) -> None:
    server.run(
        "CREATE TABLE sales.own (row_id text, source_file int, when_ date, x int)",
        "INSERT INTO sales.own VALUES ('c1', 1, '2023-01-05', 2)",
    )
    columns = "customer_id: raw_row_id, order_id: raw_source_file, ordered_at: when_, amount: x"
    head = SIX_YML.split("tables:")[0]
    make_project(
        yml=f"{head}tables:\n  lines:\n    source: {{postgres: {VARIABLE}, table: sales.own}}\n    columns: {{{columns}}}\n"
    )
    assert list(parts(fetched())["sales.own"][0]) == ["row_id", "source_file", "when_", "x"]
    (row,) = open_book("six", as_of="2023-01-06").staged("lines").to_pyarrow().to_pylist()
    assert (row["customer_id"], row["order_id"], row["amount"]) == ("c1", "1", 2)
