"""Every reference number, one test each: the table of `crm verify` is the test."""

from __future__ import annotations

import pytest

from crm_lib.verify import CHECKS, Check, Study, load
from crm_lib.verify.exact import cases
from tests.conftest import ROOT

pytestmark = pytest.mark.xdist_group("verified")


@pytest.fixture(scope="module")
def study() -> Study:
    return Study(load())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.subject}: {check.what}")
def test_reference(check: Check, study: Study) -> None:
    result = check.run(study)
    assert not result.problem
    assert result.holds, f"{check.reference} wanted, {result.shown} ours ({check.source})"


def test_every_group_is_there() -> None:
    """The numbers that we claim to reproduce, counted by hand from their sources."""
    subjects = [check.subject for check in CHECKS]
    assert sum("39 weeks" in name and "NBD" in name for name in subjects) == 5 + 5 + 5 + 3 + 5
    assert sum("78 weeks" in name for name in subjects) == 5
    assert sum(name.startswith("Models against rules") for name in subjects) == 2 * (5 * 3 + 2)
    assert sum(name.startswith("Gamma-Gamma") for name in subjects) == 2 + 3 + 1 + 10
    assert sum(name.startswith(("sBG", "BdW")) for name in subjects) == 3 + 3 + 4 + 4 + 4
    assert sum("single points" in name for name in subjects) == 1 + 6 + 3 + 2 + 2 + 3 + 3
    assert sum(name.startswith("Holdout") for name in subjects) == 2 + 4 * 8 + 3 + 1 + 3
    assert sum("exact cases" in name for name in subjects) == 2 * len(cases()) == 2 * 37


def test_the_readme_says_how_many_there_are() -> None:
    printed = sum(check.is_printed for check in CHECKS)
    said = (
        f"{len(CHECKS)} reference numbers: {printed} printed in papers, notes and other software's tests, "
        f"{len(CHECKS) - printed} computed apart from this software."
    )
    assert said in (ROOT / "README.md").read_text()


def test_what_nobody_printed_says_so() -> None:
    """Exact cases, the contest, totals of CDNOW, NBD and BG/NBD of all customers, one likelihood."""
    apart = [check for check in CHECKS if not check.is_printed]
    recomputed = 33 + 3 + 5 + 5 + 1
    assert len(apart) == 2 * 37 + 2 * (5 * 3 + 2) + recomputed


def test_no_number_is_checked_twice_and_none_loosely() -> None:
    assert len({(check.subject, check.what) for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        size = abs(float(check.reference))
        half = 0.5 * 10.0 ** -len(check.reference.partition(".")[2])
        assert check.tolerance <= max(0.01 * size, half * 1.001), check
        if "exact cases" in check.subject:
            assert check.tolerance <= max(1e-6 * size, 1e-300), check
