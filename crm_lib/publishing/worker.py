"""One notebook in a process of its own: run it, take out what is volatile, say how it went.

Success is what papermill did not raise, never what the notebook file looks like: after a timeout
or a dead kernel papermill leaves it looking complete.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_lib.publishing import tidy
from crm_lib.publishing.store import EXPORTS_VARIABLE

if TYPE_CHECKING:
    from nbformat import NotebookNode

_kernels: list[int] = []
"""Process groups of the kernels this process started; a kernel is the leader of its own."""


@dataclass(frozen=True)
class Task:
    """One notebook to run. `exports`: where its lists go. `scratch`: where its kernel's sockets go."""

    notebook: Path
    parameters: dict[str, Any]
    exports: Path
    scratch: Path
    cell_timeout_seconds: int

    @property
    def stem(self) -> str:
        return self.notebook.stem


@dataclass(frozen=True)
class Problem:
    """Why a report failed: under which heading of the notebook, and one line without any value."""

    heading: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """How a notebook went: either `problem`, or the executed `notebook` as JSON."""

    stem: str
    seconds: float = 0.0
    notebook: str = ""
    problem: Problem | None = None


# --- the process ----------------------------------------------------------------------------------


def skip_slow_grammar() -> None:
    """Keep jsonschema, which every notebook passes through, from compiling a grammar of IRIs (0.7 s).

    It treats that package as optional, and nothing here checks an IRI.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def prepare(stop: Connection, scratch: str, environment: dict[str, str]) -> None:
    """Set up a worker process: its environment, and its end when the run ends before it.

    `stop` closes when the run wants its workers gone. The interrupt key reaches the whole process
    group, so it is ignored here; the run decides.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    skip_slow_grammar()
    os.environ.update(environment)
    # Neither a person's Jupyter configuration nor their start-up scripts may change a report.
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        folder = Path(scratch) / name.lower()
        folder.mkdir(exist_ok=True)
        os.environ[name] = str(folder)
    threading.Thread(target=_end_with_run, args=(stop,), daemon=True).start()


def _end_with_run(stop: Connection) -> None:
    """Wait until the run asks for the end or is gone itself; then take the kernels along."""
    parent = multiprocessing.parent_process()
    wait([stop, *([parent.sentinel] if parent else [])])
    for group in _kernels:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            continue
    os._exit(1)


# --- the notebook ---------------------------------------------------------------------------------


def make(task: Task) -> Outcome:
    """Run one notebook and tidy it. Never raises for a notebook that fails."""
    import nbformat

    os.environ[EXPORTS_VARIABLE] = str(task.exports)
    start = time.perf_counter()
    try:
        nb = tidy.tidied(_executed(task))
    except _ReportError as failure:
        return Outcome(task.stem, time.perf_counter() - start, problem=failure.problem)
    return Outcome(task.stem, time.perf_counter() - start, notebook=nbformat.writes(nb))


class _ReportError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


def _executed(task: Task) -> NotebookNode:
    """The notebook after its last cell. Raises _ReportError with the cell's heading otherwise."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)
    nb = parameterize_notebook(load_notebook_node(str(task.notebook)), dict(task.parameters))
    reached = [0]

    def problem(text: str, cell: int | None = None) -> Problem:
        at = reached[0] if cell is None else cell
        return Problem(tidy.heading_before(nb.cells, at) or f"cell {at + 1}", text)

    try:
        made = _run_cells(nb, task, lambda cell, cell_index: reached.__setitem__(0, cell_index))
    except PapermillExecutionError as error:
        text = tidy.short_error(error.ename, error.evalue)
        raise _ReportError(problem(text, error.cell_index)) from None
    except CellTimeoutError:
        text = f"The cell did not finish within {task.cell_timeout_seconds} seconds."
        raise _ReportError(problem(text)) from None
    except DeadKernelError:
        text = "The Python process of the notebook died, most often for lack of memory."
        raise _ReportError(problem(text)) from None
    except Exception as error:
        raise _ReportError(problem(tidy.short_error(type(error).__name__, str(error)))) from None
    finally:
        _kernels.clear()
    if (ended := _ended_at(made)) is not None:
        raise _ReportError(problem("The notebook ends itself here (SystemExit).", ended))
    return made


def _ended_at(nb: NotebookNode) -> int | None:
    """The cell that called `sys.exit()`: papermill takes it for success, and what follows is missing."""
    for at, cell in enumerate(nb.cells):
        if any(output.get("ename") == "SystemExit" for output in cell.get("outputs", [])):
            return at
    return None


def _run_cells(nb: NotebookNode, task: Task, on_cell_start: Any) -> NotebookNode:
    import papermill
    from traitlets.config import Config

    # Sockets of files, not TCP ports: kernels that start together would race for the same ones.
    # The prefix is short because the system allows about 100 characters.
    sockets = task.scratch / f"{task.stem[:2]}-{os.getpid()}"
    executed: NotebookNode = papermill.execute_notebook(
        nb,
        None,
        parameters=None,
        cwd=str(task.notebook.parent),
        progress_bar=False,
        request_save_on_cell_execute=False,
        execution_timeout=task.cell_timeout_seconds,
        start_timeout=120,
        record_timing=False,
        on_cell_start=on_cell_start,
        kernel_manager_class=_kernel_manager(),
        config=Config({"KernelManager": {"transport": "ipc", "ip": str(sockets)}}),
    )
    return executed


def _kernel_manager() -> type[Any]:
    """A kernel manager that remembers its kernel's process and keeps its chatter off the terminal."""
    from jupyter_client.manager import AsyncKernelManager

    class RememberedKernelManager(AsyncKernelManager):
        async def start_kernel(self, **options: Any) -> None:
            options.setdefault("stdout", subprocess.DEVNULL)
            options.setdefault("stderr", subprocess.DEVNULL)
            await super().start_kernel(**options)
            pid = getattr(self.provisioner, "pid", None)
            if pid:
                _kernels.append(pid)

    return RememberedKernelManager
