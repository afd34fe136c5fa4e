"""The folder of a simulated company: one writer at a time, and nobody's own work replaced unasked.

What was simulated is listed in `truth/files.sha256`, as `sha256sum -c` reads it: a file that is not
listed there, or has another digest by now, is the work of somebody.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from crm_lib import project
from crm_lib.errors import RunLocked, UsageError, listing

LISTED = "truth/files.sha256"
LAWS = "truth/laws.parquet"
_WRITTEN_BY = "written by `crm simulate`"
"""In the first line of its dataset.yml."""
_MOST_NAMED = 5
_WAYS_OUT = (
    "nothing was touched. Move it away, give another folder with --out, or replace all of it with "
    "--force."
)


def shown(folder: Path) -> str:
    """The folder as a message names it: from the project where it lies inside, else as given."""
    try:
        return str(folder.relative_to(project.root()))
    except (UsageError, ValueError):
        return str(folder)


@contextmanager
def held(out: Path, name: str) -> Iterator[Path]:
    """Hold the lock of the (resolved) folder `out`; yields an empty folder beside it to build in.

    What is left of that folder is removed at the end. Raises RunLocked when another process holds
    the lock, UsageError where no folder can be written; `name`: the folder in messages.
    """
    if not out.name or out.is_file():
        raise UsageError(
            f"'{name}' cannot be the folder of a company; nothing was touched. "
            "Give another folder with --out."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(_beside(out, "lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunLocked(
            f"another `crm simulate` is writing '{name}'; try again when it has ended."
        ) from None
    building = _beside(out, "building")
    try:
        shutil.rmtree(building, ignore_errors=True)  # of a run that was killed
        building.mkdir()
        yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)
        lock.release()


def seal(building: Path) -> None:
    """Keep the folder out of version control, and list what was simulated, with digests."""
    (building / ".gitignore").write_text("*\n", encoding="utf-8")
    lines = [f"{digest}  {name}\n" for name, digest in _digests(building).items()]
    (building / LISTED).write_text("".join(lines), encoding="utf-8")


def put(building: Path, out: Path) -> None:
    """Put what was built in the place of `out`, in one move."""
    earlier = _beside(out, "replaced")
    shutil.rmtree(earlier, ignore_errors=True)
    if out.exists():
        os.replace(out, earlier)
    os.replace(building, out)
    shutil.rmtree(earlier, ignore_errors=True)


def replaced(out: Path, name: str, *, force: bool) -> str:
    """What lies in `out` and may be replaced, in words; empty where nothing lies there.

    With `force` a simulated company may be replaced whatever became of it. Raises UsageError where
    it may not be, or where no simulated company lies there; `name`: the folder in messages.
    """
    if not out.exists() or not any(out.iterdir()):
        return ""
    if not _is_simulated(out):
        raise UsageError(
            f"'{name}' exists and is no simulated company; nothing in it was touched. "
            "Give another folder with --out."
        )
    if not force:
        _check_untouched(out, name)
    return _described(out)


def _is_simulated(out: Path) -> bool:
    described = out / "dataset.yml"
    if not described.is_file():
        return (out / LAWS).is_file()
    text = described.read_text(encoding="utf-8", errors="replace")
    return (out / LAWS).is_file() or _WRITTEN_BY in text.partition("\n")[0]


def _check_untouched(out: Path, name: str) -> None:
    if not (out / LISTED).is_file():
        missing = f"{LISTED} is" if (out / "truth").is_dir() else "its truth/ is"
        raise UsageError(
            f"What of '{name}' was simulated cannot be told, since {missing} missing; {_WAYS_OUT}"
        )
    lines = (out / LISTED).read_text(encoding="utf-8").splitlines()
    listed = {file: digest for digest, _, file in (line.partition("  ") for line in lines)}
    found = {file: digest for file, digest in _digests(out).items() if file != LISTED}
    foreign = [file for file in found if file not in listed]
    changed = [file for file in found if file in listed and found[file] != listed[file]]
    said = []
    if foreign:
        said.append(f"holds what was not simulated ({listing(foreign, _MOST_NAMED)})")
    if changed:
        said.append(f"was changed since ({listing(changed, _MOST_NAMED)})")
    if said:
        raise UsageError(f"'{name}' {' or '.join(said)}; {_WAYS_OUT}")


def _digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file, by its path in the folder, in the order of the paths."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with ThreadPoolExecutor() as threads:
        digests = threads.map(_digest, files)
        return {
            file.relative_to(folder).as_posix(): digest
            for file, digest in zip(files, digests, strict=True)
        }


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _described(out: Path) -> str:
    """Such as: the retailer of 5,000 customers (seed 1)."""
    try:
        rows = pq.read_table(out / LAWS).to_pylist()
        size = {row["parameter"]: row["value"] for row in rows if row["law"] == "simulation"}
        customers = int(size["customers"])
    except (OSError, pa.ArrowInvalid, KeyError, ValueError):
        return "the company"
    people = "customer" if customers == 1 else "customers"
    return f"the {size['company']} of {customers:,} {people} (seed {size['seed']})"


def _beside(out: Path, what: str) -> Path:
    """The hidden path beside `out` for one purpose; in data/ it is kept out of version control."""
    return out.with_name(f".{out.name}.{what}")
