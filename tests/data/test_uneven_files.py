"""Files of one source that are not alike: other encodings, other names of columns."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from crm_lib import dataset, parts, sources
from crm_lib.errors import SourceError, UsageError
from tests.data.conftest import Workshop

HEADER = "customer,order,day,amount\n"
OLD_HEADER = "customer,order,day,net_amount\n"
BOTH = {"files": "data/shop/*.csv", "encoding": ["utf-8", "cp1252"]}
RENAMED = {"renamed": {"net_amount": "amount"}}


def row(customer: str) -> str:
    return f"{customer},1,2023-01-05,10\n"


def noted(workshop: Workshop, source: dict[str, object]) -> sources.Notes:
    return noted_of(workshop.configure(source=source).tables["lines"])


def noted_of(config: dataset.TableConfig) -> sources.Notes:
    found: sources.Notes = {"encoding": {}, "names": {}}
    for part in parts.parts(config):
        for about, text in sources.noticed(part, config).items():
            found[about][part.label] = text
    return found


def test_each_file_is_read_in_the_first_encoding_that_its_bytes_fit(workshop: Workshop) -> None:
    workshop.put("a.csv", HEADER + row("Müller"))
    workshop.put("b.csv", HEADER + row("Günther – Nové"), "cp1252")
    workshop.put("c.csv", HEADER + row("anna"))  # ASCII fits everything
    assert [r["customer_id"] for r in workshop.stage(source=BOTH)] == [
        "Müller", "Günther – Nové", "anna",
    ]  # fmt: skip
    assert noted(workshop, BOTH) == {"encoding": {"data/shop/b.csv": "cp1252"}, "names": {}}


def test_a_list_of_one_encoding_means_the_same_as_the_encoding(workshop: Workshop) -> None:
    workshop.put("lines.csv", HEADER + row("Müller"), "cp1252")
    for encoding in ("cp1252", ["cp1252"]):
        (only,) = workshop.stage(source={"encoding": encoding})
        assert only["customer_id"] == "Müller"
        assert noted(workshop, {"encoding": encoding}) == {"encoding": {}, "names": {}}


def test_where_only_some_files_are_in_another_encoding_the_list_is_named(
    workshop: Workshop,
) -> None:
    workshop.put("a.csv", HEADER + row("Müller"))
    workshop.put("b.csv", HEADER + row("Günther"), "cp1252")
    with pytest.raises(
        SourceError, match=r"b.csv' cannot be read as utf-8.*`encoding: \[utf-8, cp1252\]` where"
    ):
        workshop.stage(source={"files": "data/shop/*.csv"})


def test_a_file_in_none_of_the_encodings_is_refused_and_the_likely_one_named(
    workshop: Workshop,
) -> None:
    workshop.put("a.csv", HEADER + row("客户编号"), "gb18030")
    source = {"files": "data/shop/*.csv", "encoding": ["utf-8", "ascii"]}
    with pytest.raises(
        SourceError,
        match=r"cannot be read as utf-8 or ascii.*write `encoding: \[utf-8, ascii, gb18030\]`",
    ):
        workshop.stage(source=source)


def test_a_misspelt_encoding_is_told_even_if_no_file_needs_it(workshop: Workshop) -> None:
    workshop.put("lines.csv", HEADER + row("anna"))
    with pytest.raises(SourceError, match=r"encoding 'cp125Z'.*Did you mean 'cp1252'"):
        workshop.stage(source={"encoding": ["utf-8", "cp125Z"]})
    with pytest.raises(UsageError, match="`encoding:` names none"):
        workshop.configure(source={"encoding": []})


def as_kind(workshop: Workshop, kind: str) -> str:
    """The two CSV files a.csv and b.csv as files of `kind`; the glob that means them."""
    for path in sorted(workshop.folder.glob("?.csv")):
        if kind == "parquet":
            duckdb.sql(f"FROM '{path}'").write_parquet(str(path.with_suffix(".parquet")))
        elif kind == "xlsx":
            pd.read_csv(path).to_excel(path.with_suffix(".xlsx"), index=False)
    return f"data/shop/?.{kind}"


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_a_column_may_have_had_another_name(workshop: Workshop, kind: str) -> None:
    workshop.put("a.csv", OLD_HEADER + row("anna"))
    workshop.put("b.csv", HEADER + row("ben"))
    source = {"files": as_kind(workshop, kind)} | RENAMED
    rows = workshop.stage(source=source)
    assert [(r["customer_id"], float(r["amount"])) for r in rows] == [("anna", 10), ("ben", 10)]
    assert noted(workshop, source) == {
        "encoding": {}, "names": {f"data/shop/a.{kind}": "net_amount for amount"},
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_without_renamed_the_error_says_what_to_write(workshop: Workshop, kind: str) -> None:
    workshop.put("a.csv", HEADER + row("anna"))
    workshop.put("b.csv", OLD_HEADER + row("ben"))
    with pytest.raises(
        SourceError,
        match=r"missing amount; extra net_amount.*write `renamed: \{net_amount: amount\}`",
    ):
        workshop.stage(source={"files": as_kind(workshop, kind)})


def test_no_renaming_is_proposed_where_more_than_one_column_differs(workshop: Workshop) -> None:
    workshop.put("a.csv", HEADER + row("anna"))
    workshop.put("b.csv", "customer,order,at,net_amount\n" + row("ben"))
    with pytest.raises(SourceError, match=r"missing amount, day; extra at, net_amount\.$"):
        workshop.stage(source={"files": "data/shop/?.csv"})


def test_every_file_may_have_the_other_name_and_none_of_them(workshop: Workshop) -> None:
    workshop.put("lines.csv", OLD_HEADER + row("anna"))
    (only,) = workshop.stage(source=RENAMED)
    assert float(only["amount"]) == 10
    workshop.put("lines.csv", HEADER + row("anna"))
    (only,) = workshop.stage(source=RENAMED)
    assert float(only["amount"]) == 10
    assert noted(workshop, RENAMED) == {"encoding": {}, "names": {}}


def test_a_misspelt_present_name_never_passes_silently(workshop: Workshop) -> None:
    misspelt = {"files": "data/shop/?.csv", "renamed": {"net_amount": "amuont"}}
    workshop.put("a.csv", HEADER + row("anna"))
    with pytest.raises(SourceError, match=r"'net_amount' as 'amuont'.*Did you mean 'amount'"):
        workshop.stage(source=misspelt)
    workshop.put("b.csv", OLD_HEADER + row("ben"))
    with pytest.raises(
        SourceError, match=r"extra amuont\. .*'net_amount' as 'amuont'; is 'amount'"
    ):
        workshop.stage(source=misspelt)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_with_both_names_is_refused(workshop: Workshop, kind: str) -> None:
    workshop.put("a.csv", "customer,order,day,amount,net_amount\nanna,1,2023-01-05,10,8\n")
    with pytest.raises(SourceError, match="has both 'amount' and 'net_amount'"):
        workshop.stage(source={"files": as_kind(workshop, kind)} | RENAMED)


@pytest.mark.parametrize(
    ("renamed", "files", "text"),
    [
        ({"a": "b", "b": "amount"}, {}, "calls 'b' something else, too"),
        ({"amount": "amount"}, {}, "calls 'amount' something else, too"),
        ({"a": "amount"}, {"duckdb": "shop.duckdb", "table": "x"}, "for the files of a source"),
    ],
)
def test_renaming_that_cannot_be_meant_is_refused(
    workshop: Workshop, renamed: dict[str, str], files: dict[str, str], text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        workshop.configure(source={"renamed": renamed, **files})


def test_a_name_that_reading_needs_for_itself_can_be_renamed(workshop: Workshop) -> None:
    workshop.put("lines.csv", "customer,order,day,row_id\n" + row("anna"))
    (only,) = workshop.stage(source={"renamed": {"row_id": "amount"}})
    assert float(only["amount"]) == 10


def test_rows_of_a_query_are_noted_together_with_the_file(workshop: Workshop) -> None:
    workshop.put("one.csv", HEADER + row("Müller"), "cp1252")
    workshop.put("two.csv", HEADER + row("anna"))
    config = dataset.TableConfig(
        sources={
            name: dataset.Source(files=[f"data/shop/{name}.csv"], encoding=["utf-8", "cp1252"])
            for name in ("one", "two")
        },
        query="SELECT * FROM one UNION ALL SELECT * FROM two",
        columns={},
    )
    rows = sources.read(config, workshop.backend, workshop.scratch).to_pyarrow().to_pylist()
    assert {r["source_file"] for r in rows} == {"query over one, two"}
    assert noted_of(config)["encoding"] == {
        "query over one, two": "data/shop/one.csv, cp1252",
    }  # fmt: skip


def test_nothing_is_read_again_where_a_source_allows_for_nothing(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object) -> str:
        raise AssertionError(f"{path} is read")

    workshop.put("lines.csv", HEADER + row("anna"))
    monkeypatch.setattr(sources, "checked_encoding", refuse)
    assert noted(workshop, {}) == {"encoding": {}, "names": {}}
