"""A project of its own with tiny notebooks, for tests of runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = """\
dataset: str = "six"  # the data set
as_of: str = "2023-04-01"  # first day not observed
scope: str = ""  # condition on order lines
"""

WriteNotebook = Callable[..., Path]


def write_notebook(
    folder: Path, stem: str, code: str = "", parameters: str = "", title: str = ""
) -> Path:
    """A report with the three common parameters, `parameters` beside them, and one cell of `code`."""
    notebook = new_notebook(
        cells=[
            new_markdown_cell(f"# {title or stem}", id="title"),
            new_code_cell(
                PARAMETERS + parameters, id="parameters", metadata={"tags": ["parameters"]}
            ),
            new_markdown_cell("## The work", id="heading"),
            new_code_cell(code, id="work"),
        ],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "crm": {"title": title or stem, "question": f"What does {stem} say?"},
        },
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.ipynb"
    nbformat.write(notebook, path)
    return path
