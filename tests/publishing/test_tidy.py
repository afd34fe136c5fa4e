"""What is kept of an executed notebook, and what an error may say."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crm_lib.publishing import tidy


def test_volatile_and_local_things_are_taken_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_HOME", str(tmp_path / "project"))
    cell = new_code_cell(
        "x", metadata={"tags": ["injected-parameters"], "papermill": {"duration": 1}}
    )
    cell.outputs = [
        new_output("stream", name="stderr", text="warning in /home/someone/x.py"),
        new_output(
            "stream", name="stdout", text=f"<A at 0x7f00aa11> {tmp_path}/project/data/a.csv"
        ),
        new_output(
            "display_data", {"text/html": f"<p>{tmp_path}/project/x 1/2</p>", "image/png": "AA=="}
        ),
    ]
    nb = new_notebook(
        cells=[cell], metadata={"papermill": {"start_time": "now"}, "crm": {"title": "T"}}
    )
    kept = tidy.tidied(nb)
    assert kept.metadata == {"crm": {"title": "T"}}
    assert kept.cells[0].id == "injected-parameters"
    assert "papermill" not in kept.cells[0].metadata
    text, html = kept.cells[0].outputs
    assert text.text == "<A at 0x…> a.csv"
    assert html.data == {"text/html": "<p>…/x 1/2</p>", "image/png": "AA=="}


def test_markup_in_a_name_is_kept_in_its_escaped_form_only() -> None:
    name = "<script>alert(1)</script>"
    cell = new_code_cell("x")
    cell.outputs = [
        new_output("display_data", {"text/html": "<p>&lt;script&gt;</p>", "text/plain": name}),
        new_output("execute_result", {"text/plain": "42"}, execution_count=1),
    ]
    shown, plain = tidy.tidied(new_notebook(cells=[cell])).cells[0].outputs
    assert shown.data == {"text/html": "<p>&lt;script&gt;</p>"}
    assert plain.data == {"text/plain": "42"}


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("KeyError", "'Alice Smith'", "KeyError: '…'"),
        ("ValueError", "could not convert string to float: 'Alice'\nrow 2", "ValueError: could not convert string to float: '…'"),
        ("ValueError", "120.50 is negative for customer 4711", "ValueError: # is negative for customer #"),
        ("OSError", "[Errno 2] No such file: '/home/me/data/x.csv'", "OSError: [Errno #] No such file: '…'"),
        ("RuntimeError", "reading /home/me/data/x.csv failed", "RuntimeError: reading x.csv failed"),
        ("UsageError", "There is no column 'revenu'. Did you mean 'revenue'?", "UsageError: There is no column 'revenu'. Did you mean 'revenue'?"),
        ("AssertionError", "", "AssertionError"),
    ],
)  # fmt: skip
def test_an_error_says_its_kind_and_no_value(kind: str, text: str, shown: str) -> None:
    assert tidy.short_error(kind, text) == shown


def test_a_long_error_is_cut() -> None:
    assert len(tidy.short_error("ValueError", "x" * 5000)) < 330


def test_a_cell_is_found_by_the_heading_above_it() -> None:
    cells = [
        new_markdown_cell("# Title\n\ntext\n\n## First ##"),
        new_code_cell("1"),
        new_markdown_cell("no heading"),
        new_code_cell("2"),
    ]
    assert tidy.heading_before(cells, 3) == "First"
    assert tidy.heading_before(cells[1:], 0) == ""
