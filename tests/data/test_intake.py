"""Taking data in part by part: what was there before is remembered, what changed never is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from crm_lib import cache, engine, intake, project
from crm_lib import dataset as datasets
from crm_lib.errors import SourceError, UsageError
from crm_lib.quality import trial
from tests.data.conftest import Workshop

HEADER = "customer,order,day,amount\n"
MONTHS = {
    "2023-01": "c1,1,2023-01-05,10\nc2,2,2023-01-06,20\n",
    "2023-02": "c1,3,2023-02-05,30\n",
    "2023-03": "c3,4,2023-03-05,40\nc3,5,2023-03-06,50\n",
}


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    """A data set with a file a month."""
    for month, rows in MONTHS.items():
        put(workshop, month, rows)
    (workshop.home / "expectations").mkdir()
    configure(workshop)
    return workshop


def put(shop: Workshop, month: str, rows: str) -> None:
    shop.put(f"lines/{month}.csv", HEADER + rows)


def configure(shop: Workshop, **settings: Any) -> None:
    shop.configure(source={"files": "data/shop/lines/*.csv"}, **settings)


def taken() -> intake.Intake:
    return intake.taken(datasets.load("shop"))


def amounts(found: intake.Intake) -> list[tuple[str, float]]:
    rows = engine.connect().read_parquet(found.staged("lines")).order_by("row_id")
    return [(row["order_id"], float(row["amount"] or 0)) for row in rows.to_pyarrow().to_pylist()]


def failing(found: intake.Intake) -> list[tuple[int, int, str]]:
    """(number of the part, row in it, rule) of every failure."""
    rows = engine.connect().read_parquet(found.failures("lines")).to_pyarrow().to_pylist()
    split = [(row["row_id"] >> 40, row["row_id"] & ((1 << 40) - 1), row["rule_id"]) for row in rows]
    return sorted(split)


def unchecked(found: intake.Intake) -> list[str]:
    """The rules that could not be checked."""
    rows = engine.connect().read_parquet(found.failures("lines")).to_pyarrow().to_pylist()
    return [row["rule_id"] for row in rows if row["row_id"] is None]


def written(found: intake.Intake) -> dict[Path, int]:
    """By staged file, when it was written."""
    return {path: path.stat().st_mtime_ns for path in found.staged("lines")}


def test_a_new_month_is_staged_and_the_others_stay(shop: Workshop) -> None:
    before = written(taken())
    put(shop, "2023-04", "c1,6,2023-04-05,60\n")
    found = taken()
    after = written(found)
    assert len(after) == len(before) + 1
    assert {path: after[path] for path in before} == before
    assert amounts(found)[-1] == ("6", 60)
    assert [str(part.first_on) for part in found.parts["lines"]][-1] == "2023-04-05"


def test_one_changed_old_row_is_found(shop: Workshop) -> None:
    before = taken()
    put(shop, "2023-01", MONTHS["2023-01"].replace("20\n", "25\n"))
    found = taken()
    changed = [("1", 10.0), ("2", 25.0), ("3", 30.0), ("4", 40.0), ("5", 50.0)]
    assert amounts(found) == changed
    assert [a.key == b.key for a, b in zip(before.parts["lines"], found.parts["lines"], strict=True)] == [False, True, True]  # fmt: skip
    assert amounts(before)[1] == ("2", 20.0)  # what was made of the old file is what it was


def test_nothing_new_is_nothing_done(shop: Workshop) -> None:
    assert set(taken().durations) == {"reading", "judging"}
    again = taken()
    assert again.durations == {}
    assert amounts(again) == amounts(taken())


def test_a_file_that_is_gone_takes_its_rows_along(shop: Workshop) -> None:
    taken()
    (shop.folder / "lines" / "2023-03.csv").unlink()
    assert [order for order, _ in amounts(taken())] == ["1", "2", "3"]


def test_a_file_between_others_moves_the_numbers_of_rows_behind_it(shop: Workshop) -> None:
    taken()
    put(shop, "2023-01b", "c9,9,2023-01-20,90\n")
    found = taken()
    assert [part.number for part in found.parts["lines"]] == [0, 1, 2, 3]
    assert [order for order, _ in amounts(found)] == ["1", "2", "9", "3", "4", "5"]


def test_a_rule_that_changes_judges_anew_and_stages_nothing(shop: Workshop) -> None:
    before = written(taken())
    assert failing(taken()) == []
    rule = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "amount", "max_value": 35},
        "severity": "warning",
        "meta": {"rule_id": "lines.small", "because": "the test says so, at some length"},
    }
    suite = {"name": "lines", "expectations": [rule]}
    (shop.home / "expectations" / "lines.json").write_text(json.dumps(suite))
    found = taken()
    assert failing(found) == [(2, 1, "lines.small"), (2, 2, "lines.small")]
    assert written(found) == before


def test_a_faulty_rule_is_told_and_what_was_read_meanwhile_stays(shop: Workshop) -> None:
    suite = shop.home / "expectations" / "lines.json"
    suite.write_text('{"name": "lines", "expectations": [{"type": "expect_nothing"}]}')
    with pytest.raises(UsageError, match=r"lines\.json"):
        taken()
    staged = project.cache_folder().glob("shop/parts/lines/*.parquet")
    before = {path: path.stat().st_mtime_ns for path in staged}
    suite.unlink()
    assert written(taken()) == before


def test_failures_of_remembered_parts_are_remembered(shop: Workshop) -> None:
    put(shop, "2023-02", "c1,3,2023-02-05,ten\n")
    assert failing(taken()) == [(1, 1, "lines.amount_readable")]
    put(shop, "2023-04", "c1,6,2023-04-05,eleven\n")
    readable = "lines.amount_readable"
    assert failing(taken()) == [(1, 1, readable), (3, 1, readable)]


def test_that_a_rule_could_not_be_checked_is_remembered(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forgotten, a rule that never ran would look as if it had held."""
    monkeypatch.setattr(trial, "check", lambda rules: None)  # it would tell before any data is read
    rule = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "order_id", "min_value": 0},
        "severity": "critical",
        "meta": {"rule_id": "lines.text", "because": "the test says so, at some length"},
    }
    suite = {"name": "lines", "expectations": [rule]}
    (shop.home / "expectations" / "lines.json").write_text(json.dumps(suite))
    assert unchecked(taken()) == ["lines.text"]
    (shop.folder / "lines" / "2023-03.csv").unlink()  # nothing is left to be judged
    assert unchecked(taken()) == ["lines.text"]


def test_copies_of_rows_in_other_files_are_found_and_forgotten(shop: Workshop) -> None:
    configure(shop, duplicates="quarantine")
    assert failing(taken()) == []
    put(shop, "2023-04", "c2,2,2023-01-06,20\nc1,6,2023-04-05,60\n")  # a row of January again
    assert failing(taken()) == [(3, 1, "lines.rows_distinct")]
    put(shop, "2023-01", "c1,1,2023-01-05,10\n")  # and now it is the only one
    assert failing(taken()) == []


def test_a_day_that_stands_for_unknown_does_not_stretch_what_a_part_covers(shop: Workshop) -> None:
    put(shop, "2023-02", MONTHS["2023-02"] + "c1,7,1900-01-01,1\nc1,8,9999-12-31,1\n")
    part = taken().parts["lines"][1]
    assert (str(part.first_on), str(part.last_on), part.undated) == ("2023-02-05", "2023-02-05", 2)


def test_a_correction_stages_the_part_it_is_for(shop: Workshop) -> None:
    before = written(taken())
    header = "source_file,row_id,customer,order,day,amount\n"
    row = (2 << 40) + 1
    shop.put(
        "corrections/lines.csv", f"{header}data/shop/lines/2023-03.csv,{row},c3,4,2023-03-05,44\n"
    )
    found = taken()
    assert amounts(found)[3:] == [("4", 44.0), ("5", 50.0)]
    after = written(found)
    assert [path in after for path in before] == [True, True, False]


@pytest.mark.parametrize("memory", ["200MB", "4GB"])
def test_corrections_of_several_parts_are_applied_side_by_side_or_not(
    shop: Workshop, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is room, two parts are staged at a time, each by a connection of its own."""
    monkeypatch.setenv("CRM_MEMORY", memory)
    monkeypatch.setenv("CRM_THREADS", "2")
    first = [("2023-01", 1), ("2023-02", 3), ("2023-03", 4)]
    rows = "".join(
        f"data/shop/lines/{month}.csv,{(at << 40) + 1},c,{order},{month}-05,99\n"
        for at, (month, order) in enumerate(first)
    )
    shop.put("corrections/lines.csv", "source_file,row_id,customer,order,day,amount\n" + rows)
    assert amounts(taken()) == [("1", 99), ("2", 20), ("3", 99), ("4", 99), ("5", 50)]


def test_a_part_that_fails_is_told_and_leaves_no_file(shop: Workshop) -> None:
    put(shop, "2023-02", "c1,x,2023-02-05,30\n")
    configure(shop, columns={"order_id": 'CAST("order" AS BIGINT)'})
    with pytest.raises(SourceError, match=r"'lines' of 'shop' cannot be read: .*'x'"):
        taken()
    staged = project.cache_folder() / "shop" / "parts" / "lines"
    assert len(list(staged.glob("*.parquet"))) <= 2
    put(shop, "2023-02", MONTHS["2023-02"])
    assert [order for order, _ in amounts(taken())] == ["1", "2", "3", "4", "5"]


def test_other_columns_than_before_are_refused(shop: Workshop) -> None:
    taken()
    shop.put("lines/2023-04.csv", "customer,order,day,net_amount\nc1,6,2023-04-05,60\n")
    with pytest.raises(SourceError, match=r"2023-04.csv' has other columns than .*2023-01"):
        taken()


def test_what_no_kept_book_is_made_of_is_forgotten(shop: Workshop) -> None:
    old = taken()
    put(shop, "2023-01", MONTHS["2023-01"].replace("20\n", "25\n"))
    new = taken()
    book = new.folder / "as_of" / "2023-04-01"
    config = datasets.load("shop")
    staged = old.staged("lines")
    assert intake.forget(config, []) == []
    assert old.folder.is_dir()
    assert intake.forget(config, [book]) == [old.folder.name]
    assert not old.folder.exists()
    assert [path.is_file() for path in staged] == [False, True, True]
    assert amounts(new)[1] == ("2", 25.0)
    assert taken().durations == {}  # what is kept is still known


def test_what_killed_processes_left_unfinished_goes_unless_it_is_being_made(shop: Workshop) -> None:
    home = taken().folder.parent
    left, inside, under_way = (
        home / ".left.building",
        home / "state" / "as_of" / ".2023-04-01.building",
        home / ".under_way.building",
    )
    for folder in (left, inside, under_way):
        (folder / "scratch").mkdir(parents=True)
    with FileLock(home / ".under_way.lock"):
        cache.clear_unfinished(datasets.load("shop"))
    assert [folder.exists() for folder in (left, inside, under_way)] == [False, False, True]
    assert taken().durations == {}


def test_a_name_in_the_cache_hangs_on_the_code_of_packages_within_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "analysis" / "equity" / "drivers.py"
    module.parent.mkdir(parents=True)
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "cache.py"))
    found = set()
    for text in ("LEVER = 0.01", "LEVER = 0.02"):
        module.write_text(text)
        found.add(cache.code.__wrapped__(("analysis",)))
    assert len(found) == 2
