"""The cache of staged parts, verdicts and facts: Parquet named after everything that went into it.

A folder or file appears whole or not at all: it is made beside its place and renamed. Its name is a hash
of input, configuration, rules and code, so that a changed byte of any is never read as old.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from crm_lib import project
from crm_lib.dataset import Dataset

STAGING = (
    "schema", "source", "dataset", "conditions", "engine", "encodings", "textfiles", "casting", "sourcefiles", "parts", "sources",
    "corrections", "staging", "known", "taking",
)  # fmt: skip
"""Modules and packages of `crm_lib` whose code decides what a staged part holds."""
JUDGING = (*STAGING, "periods", "hashes", "quality", "intake")
"""… which of its rows fail."""
COUNTING = (*JUDGING, "spark", "contents", "baskets", "facts", "ranges", "history", "accepted")
"""… what is counted of the others, whatever the day."""
LEDGER = (*COUNTING, "cost_rules", "cost_components", "ledger")
"""… what they earned and cost."""
FACTS = (
    *LEDGER,
    "segment_map",
    "stage_rules",
    "making",
    "book",
    "btyd",
    "needs",
    "labels",
    "levels",
    "ratios",
    "headlines",
    "analysis",
    "fitted",
    "marts",
)
"""… what is made of all this."""


def hashed(*parts: bytes | str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(hashlib.blake2b(part.encode() if isinstance(part, str) else part).digest())
    return digest.hexdigest()


@cache
def code(modules: Iterable[str]) -> str:
    """A hash of the code of these modules and packages."""
    here = Path(__file__).parent
    found = [
        path for name in modules for path in (here / f"{name}.py", *here.glob(f"{name}/**/*.py"))
    ]
    return hashed(*(path.read_bytes() for path in sorted(found) if path.is_file()))


def folder_of(dataset: Dataset, name: str) -> Path:
    return project.cache_folder() / dataset.name / name


def slug(text: str) -> str:
    """A short name for a condition, empty for none."""
    return f"-{hashed(text.strip())[:8]}" if text.strip() else ""


def built(folder: Path, build: Callable[[Path], None]) -> Path:
    """`folder`, made by `build(scratch)` when it is not there yet; other processes wait their turn."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if folder.is_dir():
            return folder
        scratch = folder.with_name(f".{folder.name}.building")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            build(scratch)
            os.replace(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return folder


def clear_unfinished(dataset: Dataset) -> None:
    """Remove what processes that were killed left unfinished in `built`, and nobody is making now: once the
    data have changed, nobody would make it again."""
    for scratch in folder_of(dataset, "").rglob(".*.building"):
        with suppress(Timeout), FileLock(scratch.with_suffix(".lock"), timeout=0):
            shutil.rmtree(scratch, ignore_errors=True)


def beside(path: Path) -> Path:
    """A name of this process to write `path` under, for `settled` to put in place."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def settled(path: Path) -> Path:
    """`path`, with what was written `beside` it. Two processes that make the same make it equal."""
    os.replace(beside(path), path)
    return path


@contextmanager
def timed(stage: str, durations: dict[str, float]) -> Iterator[None]:
    """Add to `durations` the seconds that making a part of the cache takes."""
    start = time.perf_counter()
    yield
    durations[stage] = time.perf_counter() - start
