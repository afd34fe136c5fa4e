"""The plan of a run: what would fail later is refused before anything runs, in a dry run as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crm_lib.cli import app
from crm_lib.errors import UsageError
from crm_lib.publishing import plan, reports, runner
from crm_lib.publishing.reports import Range
from tests.publishing.conftest import write_notebook

DAY = [date(2023, 4, 1)]
OWN = """\
top_share: float = 0.2  # share of customers called top
months_back: int = 3  # months to look back
attribute: str = ""  # attribute to profile by
names: list[str] = ["a"]  # names
"""
RANGES = {"top_share": {"above": 0, "max": 1}, "months_back": {"min": 1}}


def stated(folder: Path, **crm: Any) -> Path:
    """The report 05_limits, whose metadata state `crm`."""
    path = write_notebook(folder, "05_limits", "1 + 1", OWN)
    content = json.loads(path.read_text())
    content["metadata"]["crm"] |= crm
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def limits(project: Path) -> Iterator[Path]:
    path = stated(project / "notebooks", ranges=RANGES, choices={"attribute": "customers"})
    yield path
    path.unlink()


@pytest.fixture
def settings(project: Path) -> Iterator[Path]:
    """The data set's configuration, put right again after the test."""
    path = project / "data" / "six" / "dataset.yml"
    before = path.read_text()
    yield path
    path.write_text(before)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"top_share": "7"}, "'top_share' of 05_limits must be above 0 and at most 1, not 7"),
        ({"top_share": "-1"}, "above 0 and at most 1, not -1"),
        ({"top_share": "0"}, "above 0 and at most 1, not 0"),
        ({"months_back": 0}, "'months_back' of 05_limits must be at least 1, not 0"),
        ({"attribute": "region"}, "column of 'customers', a table that 'six' does not have"),
    ],
)
def test_a_value_that_no_report_can_use_is_refused(
    limits: Path, given: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        plan.make("six", DAY, only=["limits"], extra=given)


@pytest.mark.parametrize("given", [{"top_share": "1"}, {"top_share": "0.001"}, {"months_back": 1}])
def test_the_ends_of_a_range_belong_to_it_as_stated(limits: Path, given: dict[str, Any]) -> None:
    assert plan.make("six", DAY, only=["limits"], extra=given).parameters(DAY[0])


def test_a_range_says_itself_in_words() -> None:
    assert str(Range(min=1, below=2.5)) == "at least 1 and below 2.5"
    assert [Range(min=1, below=2).holds(value) for value in (0.9, 1, 2)] == [False, True, False]


@pytest.mark.parametrize(
    ("ranges", "says"),
    [
        ({"top_shar": {"min": 0}}, "Did you mean 'top_share'"),
        ({"names": {"min": 0}}, r"'names', which is list\[str\], no number"),
        ({"top_share": {"minimum": 0}}, "keys: min, above, max, below"),
        ({"top_share": [0, 1]}, "keys: min, above, max, below"),
        ({"top_share": {"max": 0.1}}, "at most 0.1, not 0.2"),
    ],
)
def test_a_faulty_range_in_a_notebook_is_told(project: Path, ranges: Any, says: str) -> None:
    path = stated(project / "notebooks", ranges=ranges)
    try:
        with pytest.raises(UsageError, match=says):
            plan.make("six", DAY, only=["limits"])
    finally:
        path.unlink()


def test_the_reports_of_the_project_state_their_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_HOME", raising=False)
    found = {
        name: str(range_) for report in reports.every() for name, range_ in report.ranges.items()
    }
    share, count = "above 0 and at most 1", "at least 1"
    assert found | {"top_share": share, "target_share": share, "months_compared": count} == found
    assert {found[name] for name in ("months_back", "within_days", "steps", "list_rows")} == {count}


# --- what a dry run refuses as a run does ---------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--scope", "plaice = 'x'"], "no column 'plaice'"),
        (["--scope", "unreadable_amount IS NULL"], "no column 'unreadable_amount'"),
        (["--scope", "amount >"], "is not an SQL expression"),
        (["--scope", "ordered_at > 'soon'"], "does not work on this data"),
        (["--as-of", "2023-06-01"], "lies after the data: the last order line of 'six'"),
        (["--as-of", "2023-03-01..2023-06-01", "--every", "month"], "2023-06-01 lies after"),
        (["-p", "05:top_share=7"], "at most 1, not 7"),
    ],
)
@pytest.mark.parametrize("how", [[], ["--dry-run"]])
def test_a_dry_run_refuses_what_a_run_refuses(
    project: Path, limits: Path, arguments: list[str], says: str, how: list[str]
) -> None:
    day = [] if "--as-of" in arguments else ["--as-of", "2023-04-01"]
    result = CliRunner().invoke(app, ["run", "six", *day, *arguments, *how])
    assert result.exit_code == 2, result.output
    assert says in " ".join(result.output.split())
    assert not (project / "reports" / "six" / ".runs").exists()


def test_a_scope_is_told_the_columns_that_the_data_set_maps(project: Path) -> None:
    with pytest.raises(UsageError) as caught:
        plan.make("six", DAY, scope="plaice = 'x'")
    known = "customer_id, order_id, ordered_at, amount, quantity, product_id, day."
    assert str(caught.value).endswith(f"Known: {known}")


@pytest.mark.parametrize("name", ["purchase", "returned"])
def test_conditions_of_the_data_set_are_read_before_the_run(settings: Path, name: str) -> None:
    settings.write_text(settings.read_text() + f"{name}: amuont > 0\n")
    with pytest.raises(UsageError, match="Did you mean 'amount'"):
        plan.make("six", DAY)


def test_a_back_fill_with_an_impossible_day_runs_none_of_its_days(project: Path) -> None:
    said: list[str] = []
    with pytest.raises(UsageError, match="2023-06-01 lies after the data"):
        runner.run("six", [date(2023, 3, 1), date(2023, 4, 1), date(2023, 6, 1)], say=said.append)
    assert said == ["checking the days 2023-03-01 to 2023-06-01 against the data"]
    assert not (project / "reports" / "six" / ".runs").exists()


def test_amounts_without_a_currency_are_checked_but_not_published(settings: Path) -> None:
    settings.write_text(settings.read_text().replace("currency: EUR", "currency: XXX"))
    with pytest.raises(UsageError, match="Write your currency there") as caught:
        plan.make("six", DAY)
    assert caught.value.exit_code == 2
    checked = CliRunner().invoke(app, ["check", "six", "--as-of", "2023-04-01"])
    assert checked.exit_code == 0, checked.output


def test_dates_in_another_format_are_a_failure_of_the_data(settings: Path, project: Path) -> None:
    mapping = "ordered_at: {from: when, format: '%d.%m.%Y'}"
    settings.write_text(settings.read_text().replace("ordered_at: when", mapping))
    result = CliRunner().invoke(app, ["run", "six", "--as-of", "2023-04-01"])
    assert result.exit_code == 3, result.output
    assert "11 of 11 rows of 'lines'" in result.stderr
    assert "lines.ordered_at_readable" in result.stderr
    assert "row 1 of data/six/lines.csv: 2023-01-05" in result.stderr
    page = project / "reports" / "six" / ".failed" / "2023-04-01" / "index.html"
    assert "<h3>lines.ordered_at_readable</h3>" in page.read_text()
    assert "0 accepted, 11 quarantined" in page.read_text()
