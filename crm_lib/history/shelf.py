"""The shelf: what books of a data set hold already, found by key and linked into a new book.

A book's folder holds all it needs, so that another one may go at any time; files that two of them share lie
on the disk once.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from crm_lib import project
from crm_lib.dataset import Dataset

_CONTENTS = "facts.json"


class Batch(NamedTuple):
    """The name of what was counted of some months' order lines, and the first of these months."""

    key: str
    first: str


@dataclass(frozen=True)
class Contents:
    """What the facts in a book's folder are made of.

    made_by: hash of what facts depend on besides lines. periods: keys of the periods, in order. batches:
    in order. occasions: files of occasions, in order. repeated: rows of `baskets.repeated`.
    """

    made_by: str
    periods: list[str] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    occasions: list[str] = field(default_factory=list)
    repeated: int = 0

    def save(self, folder: Path) -> None:
        (folder / _CONTENTS).write_text(json.dumps(self.__dict__, indent=1))

    @classmethod
    def of(cls, folder: Path) -> Contents:
        found: dict[str, Any] = json.loads((folder / _CONTENTS).read_text())
        found["batches"] = [Batch(*each) for each in found["batches"]]
        return cls(**found)


def earlier(dataset: Dataset, made_by: str, periods: Sequence[str]) -> tuple[Path, Contents] | None:
    """The book whose periods are most of these, from the first on, and no others; and its contents."""
    best: tuple[Path, Contents] | None = None
    for folder in books(dataset):
        with contextlib.suppress(OSError, ValueError, TypeError):
            found = Contents.of(folder)
            count = len(found.periods)
            fits = found.made_by == made_by and found.periods == list(periods[:count])
            if fits and count > (len(best[1].periods) if best else 0):
                best = folder, found
    return best


def linked(dataset: Dataset, name: str, folder: Path) -> bool:
    """Put what some book holds under `name`, a file or a folder, into `folder`; False where none does."""
    for book in books(dataset):
        if (book / name).exists():
            with contextlib.suppress(OSError):
                link(book, name, folder)
                return True
            shutil.rmtree(folder / name, ignore_errors=True)
    return False


def link(book: Path, name: str, folder: Path) -> None:
    """`name` of a book in another, without copying where the file system allows it."""
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if (book / name).is_dir():
        shutil.copytree(book / name, target, copy_function=_link)
    else:
        _link(book / name, target)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:
        shutil.copyfile(source, target)


def books(dataset: Dataset) -> Iterator[Path]:
    """The folders of whole books of the data set, whatever they are as of; the newest first."""
    found = (project.cache_folder() / dataset.name).glob("*/as_of/[!.]*")
    yield from sorted(found, key=_age, reverse=True)


def _age(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0
