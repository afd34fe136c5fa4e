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
from crm_lib import machine, project
from crm_lib.publishing import worker
from crm_lib.publishing.worker import Outcome, Problem, Task

_LONGEST_SOCKET_FOLDER = 60


def shared(jobs: int) -> machine.Share:
    """How many of `jobs` processes run at a time, and what each may take of this machine."""
    return machine.share(machine.engine_bytes(), machine.processors(), jobs)


def environment(share: machine.Share) -> dict[str, str]:
    """What each of the processes side by side needs to know: its share of threads and memory.

    `CRM_THREADS` set by the user wins. A fixed hash seed keeps runs equal, and the kernels see the
    same `crm_lib` as this process.
    """
    threads = os.environ.get("CRM_THREADS") or str(share.threads)
    here = str(Path(crm_lib.__file__).resolve().parents[1])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "CRM_THREADS": threads,
        "CRM_MEMORY": f"{share.memory_bytes // 2**20}MiB",
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
    """Run every notebook, at most `jobs` at a time; `done` gets each outcome as soon as it is there.

    However this is left (an interrupt, an error), no worker and no kernel outlives it.
    """
    share = shared(min(jobs, len(tasks)))
    context = multiprocessing.get_context("spawn")
    stop, ask_to_stop = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        max_workers=share.jobs,
        mp_context=context,
        initializer=worker.prepare,
        initargs=(stop, str(scratch), environment(share)),
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
