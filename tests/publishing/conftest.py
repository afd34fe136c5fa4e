"""A project of its own with tiny notebooks, for tests of runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.conftest import SIX_CUSTOMERS, SIX_YML

PARAMETERS = """\
dataset: str = "six"  # the data set
as_of: str = "2023-04-01"  # first day not observed
scope: str = ""  # condition on order lines
"""


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


SAYS = """\
import crm_lib as crm
crm.show(
    crm.finding(f"{top_share:.0%} of customers are called top"),
    crm.headline([crm.Number("customers", "Customers", 6, "count", "2023")]),
)
crm.export(__import__("pandas").DataFrame({"customer_id": ["=anna"], "share": [-top_share]}), "top")
print(object(), __import__("os").getcwd())
__import__("sys").stderr.write("a warn" + "ing")
"""
"""A report's cell that displays, exports, prints a memory address and a path, and warns."""


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all projects of the session: judging data takes seconds, once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """Environment variables that stay for all tests of a file."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, shared_cache: Path, environment: pytest.MonkeyPatch
) -> Path:
    """A project with the six customers, no expectations of its own and two tiny reports."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "expectations").mkdir()
    (folder / "data" / "six").mkdir(parents=True)
    (folder / "data" / "six" / "lines.csv").write_text(SIX_CUSTOMERS, encoding="utf-8")
    (folder / "data" / "six" / "dataset.yml").write_text(SIX_YML, encoding="utf-8")
    share = "top_share: float = 0.2  # share of customers called top\n"
    write_notebook(folder / "notebooks", "01_data_quality", "1 + 1", title="The data")
    write_notebook(folder / "notebooks", "03_segments", SAYS, share, title="Segments")
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text(f"open({str(folder / 'started')!r}, 'w')")
    environment.setenv("IPYTHONDIR", str(folder / "ipython"))
    environment.setenv("CRM_HOME", str(folder))
    environment.setenv("CRM_CACHE", str(shared_cache))
    environment.delenv("CRM_REPORTS", raising=False)
    return folder


def is_running(pid: int) -> bool:
    """False for a process that has ended, reaped or not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Poll; the generous deadline only keeps a broken test from hanging."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)
