"""`crm verify`: where the data come from, what it prints, its page, and its exit codes."""

from __future__ import annotations

import importlib.metadata
import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from typer.testing import CliRunner

from crm_lib import verify
from crm_lib.cli import app
from crm_lib.errors import NoModel, SourceError
from crm_lib.verify import cdnow, contract, page, show
from crm_lib.verify.check import Check, Result, as_printed, relative
from tests.conftest import MakeProject

FEW = contract.CHECKS


@pytest.fixture
def few_checks(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which only the checks of contracts are made, which need no fit of CDNOW."""
    monkeypatch.setattr(verify, "CHECKS", FEW)
    return make_project()


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(cdnow.metadata, "files", absent)


def test_all_hold_is_exit_code_0_and_a_page(few_checks: Path) -> None:
    done = CliRunner().invoke(app, ["verify"])
    assert done.exit_code == 0, done.output
    assert (
        "All 18 reference numbers (18 printed in papers, notes and other software's tests, 0 computed apart from this software) come out within their tolerances."
        in done.output
    )
    assert "CDNOW read from: PyPI package lifetimes" in done.output
    assert "reports/verified.html" in done.output
    for text in ("-1680.27", "0.7041", "Fader & Hardie 2007", "log-likelihood"):
        assert text in done.output
    soup = BeautifulSoup((few_checks / "reports" / "verified.html").read_text(), "html.parser")
    assert len(soup.select("tbody tr")) == 18
    assert soup.select("script, img, link[href^=http]") == []
    index = BeautifulSoup((few_checks / "reports" / "index.html").read_text(), "html.parser")
    assert "verified.html" in [link.get("href") for link in index.select("a")]


def test_a_number_outside_its_tolerance_is_exit_code_5_and_named(
    few_checks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = replace(FEW[0], reference=f"{float(FEW[0].reference) * 1.1:.4f}")
    monkeypatch.setattr(verify, "CHECKS", (wrong, *FEW[1:]))
    done = CliRunner().invoke(app, ["verify"])
    assert done.exit_code == 5
    assert "17 of 18 reference numbers (18 printed" in done.output
    after = done.output.partition("Outside their tolerances")[2]
    assert wrong.subject in after
    html = (few_checks / "reports" / "verified.html").read_text()
    assert "What fails" in html
    assert html.count("✕ fails") == 2  # in the list of failures, and in its subject


def test_without_data_it_says_how_to_get_them(
    few_checks: Path, no_package: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CRM_DATA", str(tmp_path))
    done = CliRunner().invoke(app, ["verify"])
    assert done.exit_code == 2
    for text in ("pip install 'crm-reports[verify]'", "CRM_DATA", "cdnow_master.parquet"):
        assert text in done.output
    assert not (few_checks / "reports" / "verified.html").exists()


def test_outside_a_project_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["verify"])
    assert done.exit_code == 2
    assert "No project found" in done.output


def test_the_package_and_the_parquet_files_are_the_same_data(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = cdnow.load()
    monkeypatch.setattr(cdnow.metadata, "files", lambda name: [])
    monkeypatch.setenv("CRM_DATA", str(shared_data))
    other = cdnow.load()
    assert (packaged.origin, other.origin) == ("PyPI package lifetimes", "CRM_DATA/cdnow")
    pd.testing.assert_frame_equal(packaged.full, other.full)
    pd.testing.assert_frame_equal(packaged.sample, other.sample)


def test_lifetimes_is_never_imported() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from crm_lib import verify; verify.load(); print('lifetimes' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_neither_source_is_a_source_error(
    no_package: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CRM_DATA", str(tmp_path))
    with pytest.raises(SourceError, match=r"crm-reports\[verify\]"):
        cdnow.load()


# --- a check and its tolerance --------------------------------------------------------------------


def check(published: str, ours: float, tolerance: float) -> Result:
    return Check("s", "w", published, tolerance, "paper", lambda study: ours).run(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("published", "share", "tolerance"),
    [("0.243", 0.0, 0.0005), ("0.243", 0.01, 0.00243), ("1653", 0.0, 0.5), ("1.07869e-7", 0.0, 5e-13),
     ("-9582.4", 0.0, 0.05)],
)  # fmt: skip
def test_a_printed_number_is_known_to_half_a_unit_of_its_last_digit(
    published: str, share: float, tolerance: float
) -> None:
    assert as_printed(published, share) == pytest.approx(tolerance, rel=1e-6)


def test_a_number_to_the_last_digit_is_known_to_a_share_of_it() -> None:
    assert relative("2.0", 1e-9) == 2e-9
    assert check("0.0", 0.0, relative("0.0", 1e-9)).holds
    assert not check("0.0", 1e-200, relative("0.0", 1e-9)).holds


def test_a_result_beside_the_reference() -> None:
    near, far = check("1.226", 1.22649, 5e-4), check("1.226", 1.2266, 5e-4)
    assert near.holds
    assert not far.holds
    assert far.difference == pytest.approx(6e-4)
    assert near.shown == "1.2265"
    assert check("1.07869e-7", 1.0786912e-7, 1e-12).shown == "1.07869e-07"


def test_what_cannot_be_computed_fails_with_its_reason() -> None:
    def refuse(study: object) -> float:
        raise NoModel("Nobody bought again.")

    result = Check("s", "w", "1.5", 0.05, "paper", refuse).run(None)  # type: ignore[arg-type]
    assert not result.holds
    assert math.isnan(result.ours)
    assert "Nobody bought again." in show.cells(result)
    assert "Nobody bought again." in page.html([result], "here")
    assert not check("1.5", math.nan, 0.05).holds
