"""One run a data set at a time: a lock of the operating system, and a note that says who holds it.

The lock ends with the process that holds it, however it ends; the note may outlive it and then
tells the next run what the dead one left behind.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from crm_lib.errors import RunLocked
from crm_lib.publishing import clock


class Holder(BaseModel):
    """Who holds the lock. `scratch` is the folder of its kernels' sockets, outside the reports."""

    pid: int
    host: str
    since: str
    dataset: str
    as_of: str
    scratch: str = ""

    @classmethod
    def me(cls, dataset: str, as_of: str, scratch: str = "") -> Holder:
        return cls(
            pid=os.getpid(), host=socket.gethostname(), since=clock.now_text(),
            dataset=dataset, as_of=as_of, scratch=scratch,
        )  # fmt: skip


def _note(folder: Path) -> Path:
    return folder / ".lock.json"


def read_holder(folder: Path) -> Holder | None:
    """The note in `folder`: of the run under way, or of one that was killed."""
    try:
        return Holder.model_validate(json.loads(_note(folder).read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError):
        return None


def write_holder(folder: Path, holder: Holder) -> None:
    draft = folder / f".lock.json.{os.getpid()}"
    draft.write_text(holder.model_dump_json(), encoding="utf-8")
    os.replace(draft, _note(folder))


@contextmanager
def held(folder: Path, dataset: str, as_of: str) -> Iterator[Holder | None]:
    """Hold the lock of `folder`; yields the note of a killed run, if one left it.

    Raises RunLocked, naming the holder, when another run is under way.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunLocked(_who(dataset, read_holder(folder))) from None
    try:
        left_behind = read_holder(folder)
        write_holder(folder, Holder.me(dataset, as_of))
        yield left_behind
    finally:
        _note(folder).unlink(missing_ok=True)
        lock.release()


def _who(dataset: str, holder: Holder | None) -> str:
    if holder is None:
        return f"Another run of '{dataset}' holds the lock. Wait for it to end, then run again."
    return (
        f"Another run of '{dataset}' is under way: process {holder.pid} on {holder.host}, "
        f"as of {holder.as_of}, since {holder.since}. Wait for it to end, or stop it, then run again."
    )
