"""Runs: published whole, equal when their inputs are, nothing replaced by what failed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from crm_lib.errors import CriticalDataFailure, ReportFailed, UsageError
from crm_lib.publishing import pool, runner
from crm_lib.publishing.day import DayRun
from tests.publishing.conftest import write_notebook
from tests.publishing.stopping_run import without_kernels

DAY, EARLIER = date(2023, 4, 1), date(2023, 3, 1)


@pytest.fixture(scope="module")
def published(project: Path) -> Path:
    """The folder of the data set's reports after one full run."""
    runner.run("six", [DAY])
    return project / "reports" / "six"


@pytest.fixture
def spare_notebooks(project: Path) -> Iterator[Path]:
    """The notebooks' folder; what a test adds is removed after it."""
    folder = project / "notebooks"
    before = set(folder.iterdir())
    yield folder
    for path in set(folder.iterdir()) - before:
        path.unlink()


def tree(folder: Path) -> dict[str, str]:
    """Every file below a run's folder, with timestamps and durations taken out."""
    found = {}
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        text = path.read_text(encoding="utf-8")
        if path.name == "manifest.json":
            facts = json.loads(text)
            for name in [name for name in facts if name.endswith("durations")]:
                del facts[name]
            del facts["generated_at"], facts["peak_memory_bytes"]
            for report in facts["reports"]:
                del report["durations"]
            text = json.dumps(facts)
        text = re.sub(r"made in [\d.]+ s|\d+ \w+ \d{4}, \d\d:\d\d UTC", "", text)
        text = re.sub(r'<h2 id="times">.*?(?=<h2)', "", text, flags=re.DOTALL)
        found[str(path.relative_to(folder))] = text
    return found


def test_a_run_holds_pages_numbers_lists_and_notebooks(published: Path) -> None:
    assert sorted(tree(published / "latest")) == [
        "01_data_quality.html", "03_segments.html", "exports/top.csv", "index.html", "manifest.json",
        "metrics.json", "notebooks/01_data_quality.ipynb", "notebooks/03_segments.ipynb",
    ]  # fmt: skip
    run = published / "latest"
    assert (
        (published / "2023-04-01").resolve()
        == run.resolve()
        == published / ".runs" / "0001-2023-04-01"
    )
    assert "20% of customers are called top" in (run / "03_segments.html").read_text()
    assert "20% of customers are called top" in (run / "index.html").read_text()
    assert json.loads((run / "metrics.json").read_text())["03_segments"]["customers"]["value"] == 6
    assert (run / "exports" / "top.csv").read_text() == "customer_id,share\n'=anna,-0.2\n"
    assert "Six customers" in (published.parent / "index.html").read_text()


def test_the_manifest_says_what_the_run_was_made_from(published: Path) -> None:
    facts = json.loads((published / "latest" / "manifest.json").read_text())
    assert facts["verdict"]["verdict"] in ("passed", "passed with warnings")
    assert facts["verdict"]["rows"]["read"] == 11
    assert list(facts["made_from"]["inputs"]["lines"]) == ["data/six/lines.csv"]
    assert facts["reports"][1]["parameters"] == {
        "dataset": "six", "as_of": "2023-04-01", "scope": "", "top_share": 0.2,
    }  # fmt: skip
    assert {"python", "duckdb", "pandas"} <= set(facts["versions"])
    assert set(facts["durations"]) == {"data", "marts", "reports"}
    # What another test has opened before is in the cache and takes no time.
    stages = {"reading", "judging", "judging as of the day", "facts", "ledger"}
    assert set(facts["data_durations"]) in (stages, set())
    made = {"profits", "segments and stages", "cohorts, moves and histories", "lifetime values"}
    assert set(facts["marts_durations"]) in (made, set())
    assert facts["peak_memory_bytes"] > 100 * 2**20


def test_a_persons_start_up_scripts_have_no_part_in_a_run(published: Path, project: Path) -> None:
    assert not (project / "started").exists()


def test_nothing_of_this_machine_is_in_what_is_published(published: Path, project: Path) -> None:
    for name, text in tree(published / "latest").items():
        assert str(project) not in text, name
        assert str(Path.home()) + "/" not in text, name
        assert "a warning" not in text, name
        assert not re.search(r"0x[0-9a-f]{6}", text), name


def test_two_runs_of_the_same_inputs_differ_in_nothing_but_times(published: Path) -> None:
    first = tree(published / "latest")
    runner.run("six", [DAY], jobs=1)
    assert (published / "latest").resolve().name == "0002-2023-04-01"
    assert tree(published / "latest") == first


def test_picked_reports_add_to_the_labs_view_and_replace_no_run(published: Path) -> None:
    full = (published / "latest").resolve()
    before = tree(full)
    made = runner.run("six", [DAY], only=["segments"], parameters={"top_share": 0.5})[0]
    assert (made.status, made.folder) == ("lab", published / ".lab" / "2023-04-01")
    assert "50% of customers" in (made.folder / "03_segments.html").read_text()
    assert not (made.folder / "01_data_quality.html").exists()
    runner.run("six", [DAY], only=["1"])
    assert "50% of customers" in (made.folder / "03_segments.html").read_text()
    assert (made.folder / "01_data_quality.html").is_file()
    index = (made.folder / "index.html").read_text()
    assert "03_segments.html" in index
    assert "01_data_quality.html" in index
    assert (published / "latest").resolve() == full
    assert tree(full) == before
    runner.run("six", [DAY], only=["1"])  # again: each report is listed once
    listed = json.loads((made.folder / "manifest.json").read_text())["reports"]
    assert [report["stem"] for report in listed] == ["01_data_quality", "03_segments"]


def test_the_labs_view_never_shows_two_scopes_under_one_index(published: Path) -> None:
    runner.run("six", [DAY], only=["1", "3"])
    scoped = runner.run("six", [DAY], only=["3"], scope="amount > 1")[0].folder
    found = {path.relative_to(scoped).name for path in scoped.rglob("0*")}
    assert found == {"03_segments.html", "03_segments.ipynb"}
    assert "amount &gt; 1" in (scoped / "index.html").read_text()
    assert list(json.loads((scoped / "metrics.json").read_text())) == ["03_segments"]


def test_failed_reports_publish_nothing_and_leave_a_page_without_values(
    published: Path, spare_notebooks: Path
) -> None:
    write_notebook(spare_notebooks, "07_raises", "{'anna': 1}['Alice Smith']", title="Raises")
    write_notebook(spare_notebooks, "08_dies", "import os; os.kill(os.getpid(), 9)", title="Dies")
    write_notebook(spare_notebooks, "09_hangs", "import time; time.sleep(600)", title="Hangs")
    write_notebook(spare_notebooks, "10_ends", "import sys; sys.exit()", title="Ends")
    full, before = (published / "latest").resolve(), tree(published / "latest")
    with pytest.raises(ReportFailed) as caught:
        runner.run("six", [DAY], cell_timeout_seconds=3)
    message = str(caught.value)
    assert caught.value.exit_code == 5
    assert "07_raises, under 'The work': KeyError" in message
    assert "08_dies, under 'The work': The Python process of the notebook died" in message
    assert "09_hangs, under 'The work': The cell did not finish within 3 seconds" in message
    assert "10_ends, under 'The work': The notebook ends itself here (SystemExit)" in message
    page = published / ".failed" / "2023-04-01" / "index.html"
    assert page.as_uri() in message
    text = page.read_text()
    assert all(word in text for word in ("Raises", "Dies", "Hangs", "Ends", "The work", "KeyError"))
    assert "Alice" not in text
    assert "Alice" not in message
    assert "Segments" not in text
    assert sorted(path.name for path in page.parent.iterdir()) == [
        "index.html", "manifest.json", "metrics.json",
    ]  # fmt: skip
    assert (published / "latest").resolve() == full
    assert tree(full) == before
    assert ".failed/2023-04-01" in (published.parent / "index.html").read_text()


def test_data_that_breaks_a_critical_rule_publish_nothing(
    published: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = project / "data" / "six" / "lines.csv"
    good, full = lines.read_text(), (published / "latest").resolve()
    before = tree(full)
    lines.write_text(re.sub(r",(\d+\.\d\d),", ",unknown,", good))
    try:
        with pytest.raises(CriticalDataFailure) as caught:
            runner.run("six", [DAY])
    finally:
        lines.write_text(good)
    assert caught.value.exit_code == 3
    page = published / ".failed" / "2023-04-01" / "index.html"
    assert page.as_uri() in str(caught.value)
    text = page.read_text()
    assert "<h3>lines.amount_readable</h3>" in text
    assert "Read the" not in text, "what failed is no warning"
    assert (page.parent / "01_data_quality.html").is_file()
    assert not (page.parent / "03_segments.html").exists()
    assert (published / "latest").resolve() == full
    assert tree(full) == before


def test_a_back_fill_makes_each_day_once_and_latest_stays_the_latest_day(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "run_all", without_kernels)
    failed = published / ".failed" / "2023-04-01"
    failed.mkdir(parents=True, exist_ok=True)
    runner.run("six", [DAY])
    assert not failed.exists()
    full = (published / "latest").resolve()
    said: list[str] = []
    made = runner.run("six", [EARLIER, DAY], say=said.append)
    assert [each.status for each in made] == ["published", "unchanged"]
    assert (published / "2023-03-01" / "index.html").is_file()
    assert (published / "latest").resolve() == full
    failed.mkdir()  # of data that were put right since
    again = runner.run("six", [EARLIER, DAY], parameters={"top_share": 0.2})
    assert [each.status for each in again] == ["unchanged", "unchanged"]
    assert not failed.exists()
    other = runner.run("six", [EARLIER, DAY], parameters={"top_share": 0.3}, keep=3)
    assert [each.status for each in other] == ["published", "published"]
    assert len(list((published / ".runs").iterdir())) == 3


def test_of_mixed_failures_in_a_back_fill_the_data_decide_the_exit_code(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = {EARLIER: ReportFailed("a report failed"), DAY: CriticalDataFailure("bad data")}

    def fail(run: DayRun) -> None:
        raise failing[run.day]

    monkeypatch.setattr(runner, "publish", fail)
    with pytest.raises(CriticalDataFailure, match="a report failed\nbad data") as caught:
        runner.run("six", [EARLIER, DAY])
    assert caught.value.exit_code == 3


def test_every_link_of_every_page_leads_somewhere(
    published: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "run_all", without_kernels)
    if len(list((published / ".runs").iterdir())) == 1:
        runner.run("six", [DAY])
    runner.run("six", [DAY], only=["segments"])
    reports = project / "reports"
    folders = [reports, *(path for path in reports.rglob("*") if path.is_dir())]
    pages = [page for folder in folders for page in folder.glob("*.html")]
    assert len(pages) > 8
    for page in pages:
        if page.parent.parent.name == ".builds":
            continue  # opened through the link of its day
        for address in re.findall(r'href="([^"#:]+)"', page.read_text()):
            assert Path(os.path.normpath(page.parent / address)).is_file(), f"{page}: {address}"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"dataset": "sixx"}, "Did you mean 'six'"),
        ({"only": ["segmants"]}, "Did you mean 'segments'"),
        ({"only": ["05"]}, "03_segments"),
        ({"parameters": {"top_shar": "1"}}, "Did you mean 'top_share'"),
        ({"parameters": {"top_share": "much"}}, "must be a number"),
        ({"parameters": {"03:nothing": "1"}}, "03_segments"),
        ({"only": ["01"], "parameters": {"top_share": "1"}}, "There is no parameter"),
        ({"days": [date(2023, 1, 1)]}, "before the data"),
        ({"days": [date(2024, 1, 1)]}, "after the data"),
        ({"scope": "plaice = 'x'"}, "plaice"),
    ],
)
def test_a_misspelt_name_runs_nothing(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: dict[str, object],
    says: str,
) -> None:
    monkeypatch.setenv("CRM_REPORTS", str(tmp_path / "reports"))
    given = {"dataset": "six", "days": [DAY], **arguments}
    with pytest.raises(UsageError, match=says):
        runner.run(given.pop("dataset"), given.pop("days"), **given)  # type: ignore[arg-type]
    assert not list((tmp_path).glob("reports/six/.runs/*"))
    assert not list((tmp_path).glob("reports/six/.staging*"))
