"""A run that is killed, interrupted or doubled: what is published is whole, and the next run succeeds."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from crm_lib.publishing import lock, pool, runner
from tests.conftest import ROOT
from tests.publishing.conftest import is_running, wait_until, write_notebook
from tests.publishing.stopping_run import without_kernels

DAY = date(2023, 4, 1)
WAITS = """\
import os, pathlib, time
gate = pathlib.Path(os.environ["GATE"])
(gate / "draft").write_text(str(os.getpid()))
os.replace(gate / "draft", gate / "kernel")
while not (gate / "go").exists():
    time.sleep(0.02)
"""
MOMENTS = {
    "while the pages are written": ("pages.write_index", 1, False),
    "before the run is moved into place": ("store._move_durably", 1, False),
    "before any link is replaced": ("store.Store._link", 1, True),
    "between the day's link and latest": ("store.Store._link", 2, True),
    "before the history is rebuilt": ("pages.write_history", 1, True),
}
"""Moment → the call of a function that the run stops before, and whether the new run is in `.runs` then."""


@pytest.fixture(scope="module")
def reports(project: Path) -> Path:
    """The folder of the data set's reports after one full run of one report."""
    (project / "notebooks" / "03_segments.ipynb").unlink()
    runner.run("six", [DAY])
    return project / "reports" / "six"


def _interruptible() -> None:
    """Whoever started the tests in the background made their children deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*arguments: str, gate: Path | None = None) -> subprocess.Popen[str]:
    """A command in a process group of its own, as a terminal starts one."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if gate is not None:
        environment["GATE"] = str(gate)
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, cwd=ROOT, preexec_fn=_interruptible,
    )  # fmt: skip


@contextmanager
def waiting_run(project: Path, gate: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run in the middle of a notebook, and the process id of its kernel."""
    notebook = write_notebook(project / "notebooks", "05_waits", WAITS)
    gate.mkdir(exist_ok=True)
    command = ("crm_lib.cli", "run", "six", "--as-of", "2023-04-01")
    try:
        with start(*command, gate=gate) as run:
            try:
                wait_until(lambda: (gate / "kernel").exists() or run.poll() is not None, "the cell")
                assert run.poll() is None, run.communicate()
                yield run, int((gate / "kernel").read_text())
            finally:
                run.kill()
    finally:
        notebook.unlink()


def drafts(reports: Path) -> list[Path]:
    return list(reports.glob(".staging-*"))


def assert_whole(reports: Path) -> str:
    """Every link leads to a complete run; returns the id that `latest` leads to."""
    for name in ("latest", "2023-04-01"):
        files = {path.name for path in (reports / name).iterdir()}
        assert {"index.html", "manifest.json", "metrics.json", "01_data_quality.html"} <= files
        assert (reports / name / "index.html").read_text().rstrip().endswith("</html>")
    history = (reports.parent / "index.html").read_text()
    assert history.rstrip().endswith("</html>")
    return (reports / "latest").resolve().name


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_killed_at_any_moment_leaves_whole_runs_and_the_next_heals_it(
    reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    monkeypatch.setattr(pool, "run_all", without_kernels)
    place, call, is_placed = MOMENTS[moment]
    before = assert_whole(reports)
    # The start of a run looks at both links once, to heal what an earlier one left.
    calls = call + 2 if place.endswith("_link") else call
    marker = tmp_path / "reached"
    with start("tests.publishing.stopping_run", place, str(calls), str(marker)) as run:
        wait_until(lambda: marker.exists() or run.poll() is not None, moment)
        assert run.poll() is None, run.communicate()
        run.kill()
    number = int(before.partition("-")[0]) + 1
    new = f"{number:04d}-{DAY}"
    assert (reports / ".runs" / new).exists() == is_placed
    assert assert_whole(reports) in (before, new)
    runner.run("six", [DAY])
    assert assert_whole(reports) == f"{number + is_placed:04d}-{DAY}"
    assert not drafts(reports)
    assert not list(reports.glob(".link-*"))


def test_a_run_killed_in_a_notebook_takes_its_kernel_along(
    reports: Path, project: Path, shared_cache: Path, tmp_path: Path
) -> None:
    before = assert_whole(reports)
    with waiting_run(project, tmp_path / "gate") as (run, kernel):
        spilled = shared_cache / ".spill" / f"{socket.gethostname()}-{run.pid}-99"
        spilled.mkdir(parents=True)
        unfinished = shared_cache / "six" / ".0123456789abcdef.building"
        unfinished.mkdir()
        holder = lock.read_holder(reports)
        assert holder is not None
        assert holder.pid == run.pid
        run.kill()
        wait_until(lambda: not is_running(kernel), "the end of the kernel")
    assert assert_whole(reports) == before
    assert drafts(reports)
    assert Path(holder.scratch).is_dir()
    assert spilled.is_dir()
    runner.run("six", [DAY])
    assert not drafts(reports)
    assert not Path(holder.scratch).exists()
    assert not spilled.exists()
    assert not unfinished.exists()


def test_a_second_run_is_told_of_the_first_and_an_interrupt_ends_it_cleanly(
    reports: Path, project: Path, tmp_path: Path
) -> None:
    before = assert_whole(reports)
    with waiting_run(project, tmp_path / "gate") as (run, kernel):
        second = start("crm_lib.cli", "run", "six", "--as-of", "2023-03-01")
        _, message = second.communicate()
        assert second.returncode == 6
        assert f"process {run.pid} " in message
        assert "as of 2023-04-01" in message
        os.killpg(run.pid, signal.SIGINT)  # what Ctrl-C does
        _, message = run.communicate()
        assert run.returncode == 130, message
        assert "Traceback" not in message
        wait_until(lambda: not is_running(kernel), "the end of the kernel")
    assert assert_whole(reports) == before
    assert not drafts(reports)
    assert lock.read_holder(reports) is None


def test_a_stopped_service_ends_as_cleanly(reports: Path, project: Path, tmp_path: Path) -> None:
    with waiting_run(project, tmp_path / "gate") as (run, kernel):
        run.terminate()
        _, message = run.communicate()
        assert run.returncode == 130, message
        wait_until(lambda: not is_running(kernel), "the end of the kernel")
    assert not drafts(reports)
