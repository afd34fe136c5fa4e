"""What the machine has, and how a run divides it: memory, processors, a place to spill to.

Engines keep to their share of memory and spill the rest to disk. Python, pandas and the files that
the system caches need memory, too, so engines together get a part of what there is.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crm_lib import project
from crm_lib.errors import UsageError

ENGINE_SHARE = 0.6
"""Of the memory there is, for all engines of a run together."""
ENGINE_BYTES_A_PROCESSOR = 2 * 2**30
"""More than this a processor is left to others, however much there is; `CRM_MEMORY` lifts it."""
LEAST_BYTES = 2**30
"""With less for each engine, fewer processes run at a time."""

NEEDED_BYTES_A_CUSTOMER = 220
"""What engines take at the least where customers are many: ten million, with their costs, did with 2.4 GB
and did not with 1.9 GB."""

RESERVED_BYTES = 3 * 2**30
"""Address space that libraries and threads reserve and do not use; `ulimit -v` counts it all the same."""

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4,
          "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}  # fmt: skip
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?", re.IGNORECASE)
_CGROUPS = Path("/sys/fs/cgroup")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Share:
    """`jobs` processes at a time, each with so many `threads` and an engine of `memory_bytes`."""

    jobs: int
    threads: int
    memory_bytes: int


def share(memory_bytes: int, processors: int, jobs: int) -> Share:
    """How at most `jobs` processes share `processors` and engines' memory of `memory_bytes` in all.

    Where that leaves less than `LEAST_BYTES` for each, fewer run at a time, one at least.
    """
    at_once = max(1, min(jobs, memory_bytes // LEAST_BYTES))
    return Share(at_once, max(1, processors // at_once), memory_bytes // at_once)


def engine_bytes() -> int:
    """Memory for all engines of a run together: `CRM_MEMORY`, else a part of what there is."""
    if given := os.environ.get("CRM_MEMORY"):
        return parse_bytes(given)
    return engine_part(memory_limit_bytes(), processors())


def engine_part(memory_bytes: int, processors: int) -> int:
    """Of `memory_bytes`, what engines may take that run on so many processors."""
    return min(int(memory_bytes * ENGINE_SHARE), processors * ENGINE_BYTES_A_PROCESSOR)


def check_room(customers: int) -> None:
    """Raise UsageError where engines have less memory than so many customers need."""
    needed, there = customers * NEEDED_BYTES_A_CUSTOMER, engine_bytes()
    if there < needed:
        raise UsageError(
            f"{customers:,} customers need about {needed / 1e9:.1f} GB of memory for engines, which have "
            f"{there / 1e9:.1f} GB here, at most {ENGINE_SHARE:.0%} of what this process may use. Give it "
            "more (the container's limit, `ulimit -v`, or CRM_MEMORY, which is for engines alone)."
        )


def parse_bytes(text: str) -> int:
    """A size as people and DuckDB write it ("4GB", "512 MiB"). Raises UsageError for anything else."""
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * _UNITS.get(found[2].lower(), 0)) if found else 0
    if not size:
        raise UsageError(f"CRM_MEMORY is a size such as 4GB or 512MiB, not '{text}'.")
    return size


def threads() -> int:
    """Threads of this process: `CRM_THREADS`, else one for each processor."""
    given = os.environ.get("CRM_THREADS")
    if given is None:
        return processors()
    if not given.isdecimal() or not int(given):
        raise UsageError(f"CRM_THREADS is a number of threads from 1 on, not '{given}'.")
    return int(given)


def processors() -> int:
    """Processors this process may use: those it may run on, or the container's share of them."""
    if hasattr(os, "sched_getaffinity"):
        there = len(os.sched_getaffinity(0))
    else:
        there = os.cpu_count() or 1
    for limit in _limits("cpu.max"):
        quota, _, period = limit.partition(" ")
        if quota.isdecimal() and period.isdecimal():
            there = min(there, max(1, math.ceil(int(quota) / int(period))))
    return there


def memory_limit_bytes() -> int:
    """Memory this process may use: the machine's, or less by its container or by `ulimit -v`."""
    import resource

    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    given = [*_limits("memory.max"), *_limits("memory/memory.limit_in_bytes")]
    limits += [int(limit) for limit in given if limit.isdecimal()]
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        limits.append(max(soft - RESERVED_BYTES, soft // 4))
    return min(limits)


def _limits(name: str) -> Iterator[str]:
    """What the control groups of this process say, its own and those around it (Linux)."""
    try:
        listed = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    own = next((line.split(":", 2)[2] for line in listed if line.startswith("0::")), "/")
    group = _CGROUPS / own.strip("/")
    for folder in (group, *group.parents):
        if not folder.is_relative_to(_CGROUPS):
            return
        try:
            yield (folder / name).read_text().strip()
        except OSError:
            continue


def spill_folder() -> Path:
    """A new place for an engine to spill to, in the cache; the engine makes it and takes it away.

    Where no cache can be written, it lies among the system's temporary files.
    """
    for parent in _spill_parents():
        try:
            parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(parent, os.W_OK):
            break
    return parent / f"{socket.gethostname()}-{os.getpid()}-{next(_numbers)}"


def clear_spills() -> None:
    """Remove what engines of processes that ended on this host left behind."""
    for parent in _spill_parents():
        for left in parent.glob(f"{socket.gethostname()}-*-*"):
            process = left.name.rsplit("-", 2)[1]
            if process.isdecimal() and not _is_alive(int(process)):
                shutil.rmtree(left, ignore_errors=True)


def _spill_parents() -> Iterator[Path]:
    with contextlib.suppress(UsageError):  # no project, hence no cache
        yield project.cache_folder() / ".spill"
    yield Path(tempfile.gettempdir()) / f"crm-spill-{os.getuid()}"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


_NO_ROOM = {
    "IOException": ("IO Error: ", "cannot write: "),
    "OutOfMemoryException": (
        "Out of Memory Error: ",
        "neither memory nor the folder to spill to has room (CRM_MEMORY gives more memory): ",
    ),
}
"""Errors of the engine where the machine is full: how its text begins, and what is said instead."""


def is_full(error: Exception) -> bool:
    """Has the engine found no room in memory or on the disk? Then what it read is not at fault."""
    has_kind = type(error).__name__ in _NO_ROOM
    return has_kind and ("Out of Memory" in str(error) or "Could not write" in str(error))


def unwritable(error: BaseException) -> str:
    """What the file system refused, DuckDB's own words included; empty for any other error.

    A closed pipe (`crm check … | head`) is no fault; Click ends the command in silence.
    """
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        place = f" {error.filename}" if error.filename else ""
        is_closed = os.path.exists(error.filename or "") and not os.access(error.filename, os.R_OK)
        text = f"cannot {'read' if is_closed else 'write'}{place}: {error.strerror or error}"
    elif type(error).__module__.endswith("duckdb") and type(error).__name__ in _NO_ROOM:
        said = str(error).splitlines()[0]
        for kind, done in _NO_ROOM.values():
            said = said.replace(kind, done)
        text = said
    else:
        return ""
    return text.rstrip(".")


def damaged(error: BaseException) -> str:
    """What to do where a file of the cache is no Parquet any more, as after a power cut; empty for any other
    error."""
    if type(error).__name__ != "InvalidInputException":
        return ""
    cache, said = str(project.cache_folder()), str(error).splitlines()[0]
    if f"'{cache}{os.sep}" not in said:
        return ""
    return (
        f"the cache is damaged ({said}). Remove {cache}, all of which is made anew, and run again"
    )
