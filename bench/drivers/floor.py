"""Measures what a report cannot do without: an empty kernel's start; a notebook's imports and cells.

Cells run in this process, without a kernel, with the parameters that a run gives them. What they
import is timed apart, by watching the outermost import of each.
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from bench.drivers import common

KERNELS = 5


def kernel(job: common.Job) -> common.Report:
    """Seconds until an empty kernel answers: the median of a few, one after the other."""
    from jupyter_client.manager import start_new_kernel

    taken = []
    for _ in range(KERNELS):
        began = time.perf_counter()
        manager, client = start_new_kernel(kernel_name="python3")
        taken.append(time.perf_counter() - began)
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return {"seconds": median(taken), "starts": taken}


class Imports:
    """Adds up the seconds spent in imports, each counted from the outermost one."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._is_inside = False
        builtins.__import__ = self._watched(builtins.__import__)
        importlib.import_module = self._watched(importlib.import_module)

    def _watched(self, load: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **named: Any) -> Any:
            if self._is_inside:
                return load(*args, **named)
            self._is_inside, began = True, time.perf_counter()
            try:
                return load(*args, **named)
            finally:
                self._is_inside = False
                self.seconds += time.perf_counter() - began

        return watched


def cells(job: common.Job) -> common.Report:
    """The code cells of a notebook, in order: seconds of imports, and of all the rest."""
    sources = _sources(job["notebook"])
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    with tempfile.TemporaryDirectory() as exports:
        os.environ["CRM_EXPORTS"] = exports
        imports = Imports()
        began = time.perf_counter()
        with capture_output():
            for is_parameters, source in sources:
                shell.run_cell(source).raise_error()
                if is_parameters:
                    shell.user_ns.update(job["parameters"])
        taken = time.perf_counter() - began
    stages = {"imports": imports.seconds, "cells": taken - imports.seconds}
    return {"seconds": taken, "stages": stages}


def _sources(notebook: str) -> list[tuple[bool, str]]:
    """Each code cell, and whether it is that of the parameters."""
    return [
        ("parameters" in cell["metadata"].get("tags", []), "".join(cell["source"]))
        for cell in json.loads(Path(notebook).read_text())["cells"]
        if cell["cell_type"] == "code"
    ]


if __name__ == "__main__":
    common.run({"kernel": kernel, "cells": cells}, ["ipykernel", "matplotlib", "pandas"])
