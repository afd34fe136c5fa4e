"""Coverage: what a notebook's code uses, held against what a data set supplies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from crm_lib import coverage
from crm_lib.errors import UsageError
from crm_lib.needs import REGISTRY
from tests.quality.conftest import LINES, Project, dataset

NEEDS_ROLE = "import crm_lib as crm\ncrm.profiles.by_role(book.profile)"
OPTIONAL_ROLE = "with crm.if_possible():\n    crm.profiles.by_role(book.profile)"
LINES_ONLY = "%matplotlib inline\nsegments = crm.segments.rfm(book.customers)"

Notebook = Callable[..., Path]


@pytest.fixture
def notebook(tmp_path: Path, project: Project) -> Notebook:
    """`notebook(name, *cells)`: a notebook of code cells in a project of its own."""
    project()

    def make(name: str, *cells: str) -> Path:
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        content = {
            "cells": [
                {"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells
            ],
            "metadata": {"crm": {"title": f"Title of {name}"}},
        }
        path.write_text(json.dumps(content))
        return path

    return make


def test_a_purpose_that_several_analyses_share_is_said_once() -> None:
    lacks = tuple(coverage.Lack("lines.cost", name, "contribution.") for name in ("a", "b"))
    report = coverage.ReportCoverage("06", "Value", "partial", lacks)
    assert (report.missing, report.unlock) == ("lines.cost", "lines.cost: contribution")


def test_full_partial_and_impossible(notebook: Notebook) -> None:
    notebook("01_whole", LINES_ONLY)
    notebook("02_part", LINES_ONLY, OPTIONAL_ROLE)
    notebook("03_none", LINES_ONLY, NEEDS_ROLE)
    notebook("04_only_optional", OPTIONAL_ROLE)
    notebook("05_both", OPTIONAL_ROLE, NEEDS_ROLE)
    found = coverage.frame(coverage.coverage(dataset()))
    assert found["coverage"].tolist() == [
        "full",
        "partial",
        "impossible",
        "impossible",
        "impossible",
    ]
    assert found["missing"].tolist() == ["", *["customers"] * 4]
    assert found.loc[1, "title"] == "Title of 02_part"
    assert REGISTRY["profiles.by_role"].purpose.rstrip(".") in found.loc[1, "unlock"]


def test_a_missing_column_is_named(notebook: Notebook) -> None:
    path = notebook("01_part", LINES_ONLY, OPTIONAL_ROLE)
    tables = {"lines": LINES, "customers": {"customer_id": "c"}}
    (report,) = coverage.coverage(dataset(tables), [path])
    assert (report.coverage, report.missing) == ("partial", "customers.role")
    (complete,) = coverage.coverage(
        dataset({**tables, "customers": {"customer_id": "c", "role": "r"}}), [path]
    )
    assert (complete.coverage, complete.missing) == ("full", "")


def test_what_would_unlock_most_comes_first(notebook: Notebook) -> None:
    notebook("01_a", NEEDS_ROLE, "crm.profiles.preferences(book.lines)")
    notebook("02_b", "crm.profiles.by(book.profile, 'size')")
    found = coverage.unlocks(coverage.coverage(dataset()))
    assert found.loc[0, "item"] == "customers"
    assert found.loc[0, "analyses"] == 2
    assert found.loc[0, "reports"] == "01_a, 02_b"
    assert set(found["item"]) == {"customers", "lines.product_id", "products"}


def test_presence_tells_every_canonical_column_and_attributes() -> None:
    found = coverage.presence(dataset()).set_index(["table", "column"])
    assert found.loc[("lines", "amount"), "is_supplied"]
    assert not found.loc[("lines", "cost"), "is_supplied"]
    assert not found.loc[("wallets", "spend"), "is_supplied"]
    assert found.loc[("wallets", "spend"), "is_required"]
    assert (
        found.loc[("lines", "amount"), "analyses"]
        > found.loc[("customers", "role"), "analyses"]
        > 0
    )


def test_code_that_is_no_python_is_told(notebook: Notebook) -> None:
    path = notebook("01_broken", "crm.segments.rfm(")
    with pytest.raises(UsageError, match=r"01_broken\.ipynb, cell 1 is not Python"):
        coverage.coverage(dataset(), [path])
    path.write_text("{}")
    with pytest.raises(UsageError, match="is not a notebook"):
        coverage.coverage(dataset(), [path])
