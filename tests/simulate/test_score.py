"""The scoreboard holds on both companies, clean and dirty, and sees a truth that was tampered with."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm_lib import dataset as datasets
from crm_lib import engine, score
from crm_lib.analysis import stages
from crm_lib.book import open_book
from crm_lib.errors import UsageError
from crm_lib.present import words
from crm_lib.score import comebacks, cuts, groups, histories, quality, totals
from crm_lib.score.chance import Overlap
from crm_lib.score.row import Row, Subject
from crm_lib.score.truth import Truth
from crm_lib.simulate import simulate

ENDS = date(2026, 1, 1)
COMPANIES = [
    pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("retailer", "supplier")
]
on_retailer = pytest.mark.xdist_group("retailer")

Simulated = Callable[..., str]


@pytest.fixture(params=COMPANIES)
def company(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["none", "heavy"])
def dirt(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def compared(subject: Subject, name: str) -> dict[str, Row]:
    """The rows of one subject by measure."""
    book = open_book(name, as_of=ENDS)
    rows = subject.rows(Truth(book.dataset, book.backend), book)
    return {row.measure: row for row in rows}


def failing(subject: Subject, name: str) -> set[str]:
    return {measure for measure, row in compared(subject, name).items() if row.holds is False}


@contextmanager
def tampered(
    home: Path, name: str, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> Iterator[None]:
    """The first file of a table of the truth, changed meanwhile."""
    path = sorted((home / "data" / name / "truth").glob(f"{table}-0000.parquet"))
    file = path[0] if path else home / "data" / name / "truth" / f"{table}.parquet"
    original = file.read_bytes()
    rows = pq.read_table(file)
    frame = change(rows.to_pandas())
    pq.write_table(pa.Table.from_pandas(frame, rows.schema, preserve_index=False), file)
    try:
        yield
    finally:
        file.write_bytes(original)


def with_cell(column: str, changed: Callable[[object], object], row: int = 0) -> Callable:
    """Change one cell of a frame."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].tolist()
        values[row] = changed(values[row])
        return frame.assign(**{column: values})

    return change


# --- the board -------------------------------------------------------------------------------------


def test_every_measure_holds(simulated: Simulated, company: str, dirt: str) -> None:
    name = simulated(company, dirt)
    board = score.board(name, ENDS)
    assert list(board.columns) == list(score.COLUMNS)
    assert not board.duplicated(["subject", "measure"]).any()
    assert list(board["subject"].unique()) == [subject.NAME for subject in score.SUBJECTS]
    wrong = board[[held is False for held in board["holds"]]]
    assert wrong.empty, wrong.to_string()
    judged = [held is True for held in board["holds"]]
    assert sum(judged) >= 19
    # What is not judged says why.
    assert board.loc[board["holds"].isna(), "note"].str.len().gt(20).all()


def test_every_planted_kind_is_found_row_by_row(simulated: Simulated, company: str) -> None:
    """Counted from the files of the truth, without the code that compares."""
    name = simulated(company, "heavy")
    home = datasets.project.data_folder() / name / "truth"
    planted = pd.concat([pd.read_parquet(path) for path in home.glob("defects*.parquet")])
    kinds = planted.groupby(["table", "kind", "column"])["rows"].sum()
    assert len(kinds) >= 25
    rows = compared(quality, name)
    for (table, kind, column), count in kinds.items():
        row = rows[f"{table}: {kind}" + (f" in {column}" if column else "")]
        assert row.holds is True
        if kind != "late file":
            assert row.planted == row.found == words.counted(count, "row")


def test_quality_of_a_clean_company_has_no_kinds(simulated: Simulated, company: str) -> None:
    rows = compared(quality, simulated(company))
    assert "rules with a finding where nothing was planted" in rows
    assert len(rows) == 4


# --- a truth that was tampered with ----------------------------------------------------------------


@on_retailer
@pytest.mark.parametrize(
    ("column", "measures"),
    [
        ("lines", {"order lines"}),
        ("orders", {"orders"}),
        ("revenue", {"revenue", "margin", "revenue by month, largest difference"}),
        ("returns", {"returns"}),
        ("discount", {"discount"}),
        ("cost", {"cost of goods", "margin"}),
    ],
)
def test_a_cent_or_row_too_many_in_a_month(
    simulated: Simulated, companies: Path, column: str, measures: set[str]
) -> None:
    name = simulated("retailer")
    more = 1 if column in ("lines", "orders") else Decimal("0.01")
    with tampered(companies, name, "months", with_cell(column, lambda cell: cell + more)):
        assert failing(totals, name) == measures


@on_retailer
def test_revenue_in_another_month_does_not_cancel_out(
    simulated: Simulated, companies: Path
) -> None:
    def moved(frame: pd.DataFrame) -> pd.DataFrame:
        frame = with_cell("revenue", lambda cell: cell + Decimal(5), row=3)(frame)
        return with_cell("revenue", lambda cell: cell - Decimal(5), row=4)(frame)

    name = simulated("retailer")
    with tampered(companies, name, "months", moved):
        assert failing(totals, name) == {"revenue by month, largest difference"}


@on_retailer
def test_a_customer_who_came_in_another_month(simulated: Simulated, companies: Path) -> None:
    name = simulated("retailer")
    earlier = with_cell("first_on", lambda day: date(2024, 1, 1) if day else day, row=-1)
    with tampered(companies, name, "profits", earlier):
        assert "new customers by month of first purchase" in failing(totals, name)
        row = compared(histories, name)["customers with another history"]
    assert row.holds is False
    assert (row.found, row.note) == ("0.1% (1 of 1,000)", "first_on: 1")


@on_retailer
def test_a_history_without_a_defect_must_be_right_in_a_dirty_company(
    simulated: Simulated, companies: Path
) -> None:
    name = simulated("retailer", "heavy")
    richer = lambda frame: frame.assign(revenue=[cell + 10 for cell in frame["revenue"]])  # noqa: E731
    before = compared(histories, name)
    with tampered(companies, name, "profits", richer):
        after = compared(histories, name)
    measure = "customers with another history, though no defect is in it"
    assert before[measure].holds is True
    assert after[measure].holds is False
    assert after[measure].found.startswith("100.0%")


@on_retailer
def test_a_defect_in_another_row_is_missed_and_a_false_alarm(
    simulated: Simulated, companies: Path
) -> None:
    def shifted(frame: pd.DataFrame) -> pd.DataFrame:
        (row,) = np.flatnonzero(frame["kind"] == "no units")[:1]
        return with_cell("row", lambda number: number + 1, row=int(row))(frame)

    name = simulated("retailer", "heavy")
    with tampered(companies, name, "defects", shifted):
        rows = compared(quality, name)
    row = rows["lines: no units in quantity"]
    assert row.holds is False
    assert "(1 missed; 1 false alarm)" in row.found
    assert [r.measure for r in rows.values() if r.holds is False] == [row.measure]


@on_retailer
def test_findings_that_were_not_planted_are_false_alarms(
    simulated: Simulated, companies: Path
) -> None:
    def without(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["kind"] != "duplicate"]

    name = simulated("retailer", "heavy")
    with tampered(companies, name, "defects", without):
        rows = compared(quality, name)
        money = failing(totals, name)
    alarm = rows["rules with a finding where nothing was planted"]
    assert alarm.holds is False
    assert {"lines.rows_distinct", "customers.key_unique", "contacts.rows_distinct"} <= set(
        alarm.note.split(", ")
    )
    assert rows["order lines read"].holds is False
    assert rows["rows set aside, all tables"].holds is False
    assert not money  # a copy that is set aside changes no total


@on_retailer
def test_lost_money_that_is_not_written_down(simulated: Simulated, companies: Path) -> None:
    name = simulated("retailer", "heavy")
    with tampered(companies, name, "defects", lambda frame: frame[frame["column"] != "amount"]):
        wrong = failing(totals, name)
    assert {"order lines", "revenue", "returns", "cost of goods", "margin"} <= wrong


@on_retailer
def test_cut_points_and_shares_of_other_totals(simulated: Simulated, companies: Path) -> None:
    def richer(frame: pd.DataFrame) -> pd.DataFrame:
        more = [cell + (cell > 50) * 20 for cell in frame["revenue"]]
        return frame.assign(revenue=more, occasions=frame["occasions"] * 2)

    name = simulated("retailer")
    with tampered(companies, name, "profits", richer):
        assert failing(cuts, name) == {
            "RFM cut points: frequency", "RFM cut points: monetary", "repeat ladder, first 6 steps",
            "Gini coefficient of revenue", "revenue share of the top 20%",
        }  # fmt: skip


@on_retailer
def test_shuffled_truth_is_not_found(simulated: Simulated, companies: Path) -> None:
    """Segments and rates dealt out blindly: no analysis finds them, and none is credited."""

    def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
        stream = np.random.default_rng(0)
        dealt = frame.iloc[stream.permutation(len(frame))].reset_index(drop=True)
        return dealt.assign(customer_id=frame["customer_id"])

    name = simulated("retailer")
    with tampered(companies, name, "customers", shuffled):
        rows = compared(groups, name)
    clusters, *best = rows.values()
    assert [row.holds for row in best] == [False, False]
    # Blind labels can be told by nothing, so that missing them is no fault of the clusters.
    assert clusters.holds is None
    assert float(clusters.found) < 0.05


@on_retailer
def test_comebacks_are_found_where_only_the_reactivated_came_back(
    simulated: Simulated, companies: Path
) -> None:
    name = simulated("retailer")
    book = open_book(name, as_of=ENDS)
    staged = stages.stage(book.customers).join(book.customers, "customer_id")
    reactivated = engine.collect(staged.filter(staged.stage == "Reactivated"))
    recent = reactivated[reactivated["days_since_last"] < comebacks.RECENT_DAYS]
    assert len(recent) >= comebacks.FEWEST

    def only_these(frame: pd.DataFrame) -> pd.DataFrame:
        back = pd.DataFrame(
            {
                "customer_id": recent["customer_id"],
                "spell": 2,
                "began_on": recent["last_on"].dt.date,
            }
        )
        return pd.concat([frame[frame["spell"] == 1], back])

    with tampered(companies, name, "spells", only_these):
        precision, recall = compared(comebacks, name).values()
    hits, marked = len(recent), len(reactivated)
    assert precision.found == f"{words.percent(hits / marked)} ({hits} of {marked})"
    assert recall.found == f"100.0% ({hits} of {hits})"
    assert precision.holds is True
    assert recall.holds is True


# --- what cannot be compared ------------------------------------------------------------------------


@on_retailer
def test_another_day_leaves_out_what_is_over_the_whole_window(simulated: Simulated) -> None:
    board = score.board(simulated("retailer"), date(2025, 7, 1))
    left_out = board[board["measure"] == "everything"]
    whole = [subject.NAME for subject in score.SUBJECTS if subject.WHOLE_WINDOW]
    assert list(left_out["subject"]) == whole
    assert left_out["holds"].isna().all()
    assert left_out["note"].str.contains("2026-01-01").all()
    assert set(board["subject"]) > set(whole)


def test_a_data_set_without_a_truth_is_refused(make_project: Callable[..., Path]) -> None:
    make_project()
    with pytest.raises(UsageError, match=r"'six' has no truth.*crm simulate"):
        score.board("six", date(2023, 4, 1))


def test_a_data_set_with_a_scope_is_refused(make_project: Callable[..., Path]) -> None:
    from tests.conftest import SIX_YML

    home = make_project(yml=SIX_YML + "scope: amount > 0\n")
    (home / "data" / "six" / "truth").mkdir()
    (home / "data" / "six" / "truth" / "laws.parquet").touch()
    with pytest.raises(UsageError, match=r"limits 'six' to order lines where amount > 0"):
        score.board("six", date(2023, 4, 1))


# --- a delivery that was changed since ---------------------------------------------------------------


@pytest.fixture
def delivered_late(simulated: Simulated, companies: Path) -> Iterator[tuple[str, Path]]:
    """A dirty retailer of its own, and the folder of the month that came late."""
    folder = companies / "data" / simulated("retailer", "heavy")
    copy = folder.with_name("changed")
    shutil.copytree(folder, copy)
    settings = copy / "dataset.yml"
    settings.write_text(settings.read_text().replace(f"data/{folder.name}/", "data/changed/"))
    text = settings.read_text().replace(str(folder), str(copy))
    settings.write_text(text)
    (month,) = (copy / "late").iterdir()
    yield copy.name, month
    shutil.rmtree(copy)


@on_retailer
def test_a_late_file_that_came_since_counts(delivered_late: tuple[str, Path]) -> None:
    name, month = delivered_late
    before = compared(totals, name)["revenue"]
    month.rename(month.parents[1] / "lines" / month.name)
    rows = compared(quality, name)
    late = rows["lines: late file"]
    assert (late.planted, late.found, late.holds) == ("1 file, delivered since", "no gap", True)
    assert [row.measure for row in rows.values() if row.holds is False] == []
    after = compared(totals, name)
    assert [row.measure for row in after.values() if row.holds is False] == []
    assert after["revenue"].planted != before.planted
    assert not failing(histories, name)


@on_retailer
def test_a_late_file_that_is_nowhere_is_asked_for(delivered_late: tuple[str, Path]) -> None:
    name, month = delivered_late
    month.rename(month.parents[1] / month.name)
    with pytest.raises(UsageError, match=rf"not the one that truth/ describes.*late/{month.name}"):
        score.board(name, ENDS)


@on_retailer
def test_corrected_rows_are_refused(delivered_late: tuple[str, Path]) -> None:
    name, month = delivered_late
    corrected = month.parents[1] / "corrections" / "lines.csv"
    corrected.parent.mkdir()
    corrected.touch()
    with pytest.raises(UsageError, match=r"changed/corrections/lines\.csv changes what was del"):
        score.board(name, ENDS)


@on_retailer
def test_a_gap_that_a_small_company_truly_has_is_no_false_alarm(
    simulated: Simulated, companies: Path
) -> None:
    simulated("retailer")
    folder = companies / "data" / "few"
    simulate("retailer", customers=10, months=24, seed=1, out=folder, jobs=1)
    ordered = pd.concat(
        pd.read_parquet(path, columns=["ordered_at"]) for path in folder.glob("lines/*/*")
    )
    days = pd.Series(ordered["ordered_at"].dt.normalize().unique()).sort_values()
    gap = int(days.diff().dt.days.max()) - 1
    assert gap > 14  # the rule alarms
    row = compared(quality, "few")["rules with a finding where nothing was planted"]
    assert row.holds is True
    assert f"{gap} days have no order line" in row.note


# --- parts ------------------------------------------------------------------------------------------


def test_parts_belong_to_their_own_table(make_project: Callable[..., Path]) -> None:
    folder = make_project() / "data" / "six" / "truth"
    folder.mkdir()
    files = {"laws": 1, "part-0000": 2, "part-0001": 3, "parts-0000": 10, "part-two-0000": 20}
    for name, number in files.items():
        pq.write_table(pa.table({"n": [number]}), folder / f"{name}.parquet")
    truth = Truth(datasets.load("six"), engine.connect())
    assert sorted(truth.table("part").to_pyarrow()["n"].to_pylist()) == [2, 3]
    assert not truth.is_dirty
    with pytest.raises(UsageError, match="Did you mean 'parts'"):
        truth.table("partss")


@on_retailer
def test_what_nobody_can_tell_apart_is_not_judged(
    simulated: Simulated, companies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = simulated("retailer")
    monkeypatch.setattr(groups, "_possible", lambda frame: 0.0)
    row = compared(groups, name)["clusters and planted segments, adjusted Rand index"]
    assert row.holds is None
    assert row.note.startswith("Not judged: planted is not above the tolerance.")


def test_every_table_of_a_written_truth_is_found(simulated: Simulated, company: str) -> None:
    """Whatever its name begins with, a table consists of its own files."""
    truth = Truth(datasets.load(simulated(company)), engine.connect())
    names = {path.stem.split("-")[0] for path in truth.folder.glob("*.parquet")}
    assert len(names) >= 8
    for name in names:
        files = sorted(truth.folder.glob(f"{name}.parquet")) + sorted(
            truth.folder.glob(f"{name}-*.parquet")
        )
        rows = sum(pq.read_metadata(path).num_rows for path in files)
        assert truth.table(name).count().execute() == rows
        assert list(truth.table(name).columns) == pq.read_schema(files[0]).names


def test_chance_leaves_as_much_above_as_three_standard_deviations() -> None:
    """Against the hypergeometric law written out: 100 customers, 20 cases, 25 marks."""
    overlap = Overlap(base=100, cases=20, marked=25, hits=10, fewest=10)
    ways = [math.comb(20, k) * math.comb(80, 25 - k) for k in range(21)]
    above = [sum(ways[k + 1 :]) / math.comb(100, 25) for k in range(21)]
    three = 0.0013498980316301
    assert overlap.by_chance == min(k for k in range(21) if above[k] <= three)
    assert overlap.holds is (overlap.by_chance < 10)
    assert Overlap(100, 9, 25, 9, fewest=10).holds is None
    recall = overlap.row("m", "p", of_cases=True, note="")
    precision = overlap.row("m", "p", of_cases=False, note="")
    assert (recall.found, precision.found) == ("50.0% (10 of 20)", "40.0% (10 of 25)")
