"""A table shows every number once, aligned, with its unit in the head, and escapes what it did not write."""

from __future__ import annotations

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from crm_lib.errors import UsageError
from crm_lib.present.page import Column, table

FRAME = pd.DataFrame(
    {
        "segment": ["Champions", "<b>Lost</b>"],
        "customers": [296, 12000],
        "share": [0.38, None],
        "revenue": [1746495.12, 8.5],
        "is_total": [False, True],
    }
)
COLUMNS = {
    "segment": Column("Segment"),
    "customers": Column("Customers", "count"),
    "share": Column("Share", "percent", bar=True),
    "revenue": Column("Revenue", "money"),
}


def cells(html: str) -> list[list[str]]:
    soup = BeautifulSoup(html, "html.parser")
    return [[cell.get_text() for cell in row.select("th,td")] for row in soup.select("tr")]


def test_units_stand_in_the_head_and_numbers_in_the_cells() -> None:
    shown = table(FRAME, columns=COLUMNS, currency="GBP", caption="Segments")
    assert cells(shown.html) == [
        ["Segment", "Customers", "Share (%)", "Revenue (£)"],
        ["Champions", "296", "38.0", "1,746,495.12"],
        ["<b>Lost</b>", "12,000", "–", "8.50"],
    ]
    assert "&lt;b&gt;Lost&lt;/b&gt;" in shown.html
    assert "Champions" in shown.text


def test_cents_are_left_out_only_where_every_amount_is_large() -> None:
    large = FRAME.assign(revenue=[-1746495.12, 1000.4])
    shown = table(large, columns={"revenue": Column("Revenue", "money")}, currency="GBP")
    assert cells(shown.html)[1:] == [["−1,746,495"], ["1,000"]]


def test_long_texts_get_room_and_short_ones_stay_on_a_line() -> None:
    frame = pd.DataFrame({"name": ["short"], "why": ["a reason " * 6]})
    html = table(frame, columns={"name": Column("Name"), "why": Column("Why")}).html
    soup = BeautifulSoup(html, "html.parser")
    assert [cell["class"] for cell in soup.select("tbody tr > *")] == [["crm-nowrap"], ["crm-long"]]


def test_names_in_backticks_are_set_as_code_and_still_escaped() -> None:
    html = table(FRAME, columns={"segment": Column("Segment")}, note="see `a<b`").html
    assert "see <code>a&lt;b</code>" in html


def test_numbers_align_right_and_first_cells_name_their_row() -> None:
    soup = BeautifulSoup(table(FRAME, columns=COLUMNS, currency="GBP").html, "html.parser")
    body = soup.select("tbody tr")[0]
    assert [cell.get("scope") for cell in body.select("th")] == ["row"]
    assert all("crm-number" in (cell.get("class") or []) for cell in body.select("td"))
    assert all(head.get("scope") == "col" for head in soup.select("thead th"))
    region = soup.select_one("div.crm-scroll")
    assert region is not None
    assert (region["tabindex"], region["role"]) == ("0", "region")
    assert region["aria-label"]


def test_bars_have_one_scale_and_missing_values_none() -> None:
    html = table(FRAME, columns=COLUMNS, currency="GBP").html
    assert "crm-bar-100" in html
    assert html.count("crm-bar ") == 1


def test_rows_beyond_the_limit_are_counted_not_dropped_silently() -> None:
    many = pd.DataFrame({"n": range(60)})
    shown = table(many, columns={"n": Column("N", "count")}, max_rows=50)
    assert len(cells(shown.html)) == 51
    assert "… and 10 rows not shown." in shown.html
    assert "… and 10 rows not shown." in shown.text


def test_an_empty_frame_says_so() -> None:
    assert "No rows." in table(FRAME.head(0), columns=COLUMNS, currency="GBP").html


def test_an_emphasised_row_stands_out() -> None:
    html = table(FRAME, columns=COLUMNS, currency="GBP", emphasise="is_total").html
    rows = BeautifulSoup(html, "html.parser").select("tbody tr")
    assert ["crm-strong" in (row.get("class") or []) for row in rows] == [False, True]


def test_a_misspelt_column_or_unit_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"no column 'segmnt'.*Did you mean 'segment'"):
        table(FRAME, columns={"segmnt": Column("Segment")})
    with pytest.raises(UsageError, match="no column 'total'"):
        table(FRAME, columns={"segment": Column("Segment")}, emphasise="total")
    with pytest.raises(UsageError, match="no unit 'cuont'"):
        Column("Customers", "cuont")
    with pytest.raises(UsageError, match="needs a currency"):
        table(FRAME, columns={"revenue": Column("Revenue", "money")})
    with pytest.raises(UsageError, match="at least one column"):
        table(FRAME, columns={})
