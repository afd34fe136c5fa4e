"""A run that stands still at a named moment, for a test to kill it there.

python -m tests.publishing.stopping_run MODULE.FUNCTION CALL MARKER: stops before the CALL-th call
(from 1) of a function or method of `crm_lib.publishing` and then writes MARKER. Notebooks are taken
as they are, without a kernel, for it is what follows them that is stopped.
"""

from __future__ import annotations

import functools
import importlib
import signal
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from crm_lib.publishing.worker import Outcome, Task


def without_kernels(
    tasks: list[Task], jobs: int, scratch: Path, done: Callable[[Outcome], None]
) -> None:
    """In place of `pool.run_all`: every notebook counts as executed as it stands."""
    for task in tasks:
        done(Outcome(task.stem, 0.0, notebook=task.notebook.read_text(encoding="utf-8")))


def stop_before(place: str, call: int, marker: Path) -> None:
    """Replace the function named by `place` by one that never returns from its CALL-th call."""
    module_name, *path, name = place.split(".")
    owner: Any = importlib.import_module(f"crm_lib.publishing.{module_name}")
    for part in path:
        owner = getattr(owner, part)
    original: Callable[..., Any] = getattr(owner, name)
    calls = [0]

    @functools.wraps(original)
    def stopping(*args: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == call:
            marker.write_text("reached")
            while True:
                signal.pause()
        return original(*args, **options)

    setattr(owner, name, stopping)


if __name__ == "__main__":
    from crm_lib.publishing import pool, runner

    pool.run_all = without_kernels
    stop_before(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
    runner.run("six", [date(2023, 4, 1)])
