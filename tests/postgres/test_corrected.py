"""Rows of a server that are set aside are corrected like those of a file."""

from __future__ import annotations

import csv
from decimal import Decimal

import pytest

from crm_lib.book import open_book
from crm_lib.publishing import quarantine
from tests.conftest import SIX_YML, MakeProject
from tests.postgres.conftest import VARIABLE
from tests.postgres.server import Server

pytestmark = pytest.mark.xdist_group("postgres")


def test_a_corrected_row_of_a_month_comes_back_also_when_other_months_come(
    server: Server, make_project: MakeProject
) -> None:
    """The table has no key: a hash of the whole row is among the raw columns."""
    server.run(
        'CREATE TABLE sales.lines (customer text, "order" bigint, "when" timestamptz, amount numeric(9,2),'
        " quantity int, product text, note text)",
        "INSERT INTO sales.lines SELECT 'c' || i % 9, NULLIF(i, 200), timestamptz '2023-01-01 01:30+00' + i * interval '6 h',"
        " i / 8.0, 1, 'tea', 'note' FROM generate_series(0, 299) i",
    )
    source = f"{{postgres: {VARIABLE}, table: sales.lines, period: when}}"
    home = make_project(yml=SIX_YML.replace("{files: data/six/lines.csv}", source))
    book = open_book("six", as_of="2023-04-01")
    assert book.verdict.lines.quarantined.rows == 1
    assert quarantine.write(book, "lines", home / "aside.csv") == 1
    with (home / "aside.csv").open(encoding="utf-8", newline="") as handle:
        (row,) = csv.DictReader(handle)
    assert row["source_file"] == "sales.lines, 2023-02"
    # By customer, then order: of 112 rows in February 38 are of c0, c1 and c2, the one without is last.
    assert (row["row"], row["rule_ids"]) == ("38", "lines.order_id_present")
    (home / "data" / "six" / "corrections").mkdir()
    with (home / "data" / "six" / "corrections" / "lines.csv").open(
        "w", encoding="utf-8", newline=""
    ) as out:
        writer = csv.DictWriter(out, row)
        writer.writeheader()
        writer.writerow({**row, "order": "7777"})

    server.run("INSERT INTO sales.lines VALUES ('c1', 1, '2022-12-31 12:00+00', 1, 1, 'tea', ''),"
               " ('c1', 1, NULL, 1, 1, 'tea', '')")  # fmt: skip
    again = open_book("six", as_of="2023-04-01")
    lines = again.staged("lines")
    (back,) = lines.filter(lines.order_id == "7777").to_pyarrow().to_pylist()
    assert back["amount"] == Decimal("25.0000")
    assert back["source_file"] == row["source_file"]
    assert str(back["row_id"]) == row["row_id"]
    broken = again.failures("lines").rule_id.to_pyarrow().to_pylist()
    assert "lines.order_id_present" not in broken
    assert "lines.ordered_at_present" in broken
