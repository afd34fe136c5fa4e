"""Several notebooks at once, each in its own process with its share of the machine."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

import crm_lib
from crm_lib import project
from crm_lib.publishing import worker
from crm_lib.publishing.worker import Outcome, Problem, Task

_LONGEST_SOCKET_FOLDER = 60
_MEMORY_SHARE = 0.6
"""Of the memory of the machine, for all engines together; kernels and Python need the rest."""


def processors() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> int:
    """Memory this process may use: the machine's, or the container's where that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return machine
    return min(machine, int(limit)) if limit.isdecimal() else machine


def environment(jobs: int) -> dict[str, str]:
    """What `jobs` processes side by side need to know: their share of threads and memory.

    `CRM_THREADS` and `CRM_MEMORY` set by the user win. A fixed hash seed keeps runs equal, and the
    kernels see the same `crm_lib` as this process.
    """
    threads = os.environ.get("CRM_THREADS") or str(max(1, processors() // jobs))
    memory = f"{int(memory_bytes() * _MEMORY_SHARE / jobs / 2**20)}MiB"
    here = str(Path(crm_lib.__file__).resolve().parents[1])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "CRM_THREADS": threads,
        "CRM_MEMORY": os.environ.get("CRM_MEMORY") or memory,
        "CRM_HOME": str(project.root()),
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(paths),
    }


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A short folder of our own for the kernels' sockets, removed at the end."""
    parent = tempfile.gettempdir()
    short = parent if len(parent) <= _LONGEST_SOCKET_FOLDER else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="crm-", dir=short))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_all(tasks: list[Task], jobs: int, scratch: Path, done: Callable[[Outcome], None]) -> None:
    """Run every notebook, `jobs` at a time; `done` gets each outcome as soon as it is there.

    However this is left (an interrupt, an error), no worker and no kernel outlives it.
    """
    context = multiprocessing.get_context("spawn")
    stop, ask_to_stop = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        max_workers=min(jobs, len(tasks)),
        mp_context=context,
        initializer=worker.prepare,
        initargs=(stop, str(scratch), environment(jobs)),
    )
    try:
        futures = {pool.submit(worker.make, task): task for task in tasks}
        for future in as_completed(futures):
            done(_outcome(future, futures[future]))
    finally:
        # Workers end at the closing, at once and with their kernels; left alone they take a second.
        ask_to_stop.close()
        pool.shutdown(wait=True, cancel_futures=True)
        stop.close()


def _outcome(future: Future[Outcome], task: Task) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        text = "A worker process died, most often for lack of memory; try --jobs 1."
        return Outcome(task.stem, problem=Problem("running the notebook", text))
