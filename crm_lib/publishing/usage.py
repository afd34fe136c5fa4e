"""What a run takes of the machine: the memory of all its processes together, at its highest."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_EVERY_SECONDS = 0.25
_PROCESSES = Path("/proc")


@dataclass
class Usage:
    """peak_bytes: the most seen so far; None where the system does not tell."""

    peak_bytes: int | None = None


@contextmanager
def watched() -> Iterator[Usage]:
    """Watch the memory of this process and all it starts, until left."""
    usage, done = Usage(), threading.Event()

    def watch() -> None:
        while True:
            taken = tree_bytes(os.getpid())
            if taken is None:
                return
            usage.peak_bytes = max(usage.peak_bytes or 0, taken)
            if done.wait(_EVERY_SECONDS):
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield usage
    finally:
        done.set()
        thread.join()


def tree_bytes(process: int) -> int | None:
    """Memory of a process and of all that it started, without pages they share; None if not told."""
    page = os.sysconf("SC_PAGE_SIZE")
    try:
        _, resident, shared = (_PROCESSES / str(process) / "statm").read_text().split()[:3]
        # Not every system keeps the list of children.
        tasks = [*(_PROCESSES / str(process) / "task").glob("*/children")]
        children = {int(child) for task in tasks for child in task.read_text().split()}
    except (OSError, ValueError):
        return None
    return (int(resident) - int(shared)) * page + sum(tree_bytes(child) or 0 for child in children)
