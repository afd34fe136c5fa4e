"""The folder of a data set's reports: runs that are whole or absent, and the links that point to them.

A run is published by one rename into `.runs/`. The links are a view of what lies there: they are
derived again after every rename and at every start, so a process killed between the two is healed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from crm_lib import project
from crm_lib.errors import UsageError

EXPORTS_VARIABLE = "CRM_EXPORTS"
"""Names the folder that a run's exports go to; not set in the lab."""

_DRAFT = ".staging-"
_TRASH = ".trash-"
_LINK = ".link-"


def run_day(run_id: str) -> date:
    """The as_of day of a run's id, for example of `0007-2018-01-01`."""
    return date.fromisoformat(run_id.partition("-")[2])


@dataclass(frozen=True)
class Store:
    """`folder` is `reports/<set>`."""

    folder: Path

    @property
    def runs_folder(self) -> Path:
        return self.folder / ".runs"

    def run_ids(self) -> list[str]:
        """Ids of all finished runs, oldest first."""
        if not self.runs_folder.is_dir():
            return []
        found = [path.name for path in self.runs_folder.iterdir() if _is_id(path.name)]
        return sorted(found, key=_number)

    def runs(self) -> list[Path]:
        """Folders of all finished runs, oldest first."""
        return [self.runs_folder / run_id for run_id in self.run_ids()]

    def new_id(self, as_of: date) -> str:
        """The id of the next run: a number that counts the runs of the data set, and its day."""
        known = [*self.run_ids(), *self._builds()]
        return f"{max(map(_number, known), default=0) + 1:04d}-{as_of}"

    def _builds(self) -> list[str]:
        folder = self.folder / ".lab" / ".builds"
        return [path.name for path in folder.iterdir()] if folder.is_dir() else []

    def draft(self, run_id: str) -> Path:
        """A new empty folder to build a run in, on the same file system as the finished ones."""
        folder = self.folder / f"{_DRAFT}{run_id}"
        for part in ("", "notebooks", "exports"):
            (folder / part).mkdir(parents=True, exist_ok=not part)
        return folder

    def publish(self, draft: Path, run_id: str) -> Path:
        """The finished run: moved into place whole, then linked. Returns its folder."""
        target = self.runs_folder / run_id
        _move_durably(draft, target)
        self.relink()
        self.discard_failure(run_day(run_id))
        return target

    def publish_lab(self, draft: Path, run_id: str) -> Path:
        """The lab's view of a day: swapped by its link; the views it replaces are removed."""
        lab = self.folder / ".lab"
        day = str(run_day(run_id))
        _move_durably(draft, lab / ".builds" / run_id)
        self._link(lab / day, f".builds/{run_id}")
        for older in (lab / ".builds").iterdir():
            if older.name != run_id and str(run_day(older.name)) == day:
                self.discard(older)
        return lab / day

    def publish_failure(self, draft: Path, as_of: date) -> Path:
        """A failure's page, in place of an earlier failure of the same day. Returns its folder."""
        target = self.folder / ".failed" / str(as_of)
        self.discard(target)
        _move_durably(draft, target)
        return target

    def discard_failure(self, as_of: date) -> None:
        """The day's failure, if any, is over."""
        self.discard(self.folder / ".failed" / str(as_of))

    def links(self) -> dict[str, str]:
        """Each link (an as_of day, or `latest`) and the id of the run it leads to."""
        newest = {str(run_day(run_id)): run_id for run_id in self.run_ids()}
        return {**newest, "latest": newest[max(newest)]} if newest else {}

    def relink(self) -> None:
        """Point every day to its newest run and `latest` to the latest day (not the latest run)."""
        for name, run_id in self.links().items():
            self._link(
                self.folder / name, str(run_day(run_id)) if name == "latest" else f".runs/{run_id}"
            )

    def _link(self, link: Path, target: str) -> None:
        if link.is_symlink() and os.readlink(link) == target:
            return
        if link.exists() and not link.is_symlink():
            raise UsageError(
                f"{project.shown(link)} is a folder, not a link to a run. Move it away, then run again."
            )
        draft = link.parent / f"{_LINK}{link.name}"
        draft.unlink(missing_ok=True)
        draft.symlink_to(target, target_is_directory=True)
        os.replace(draft, link)
        _sync(link.parent)

    def prune(self, keep: int) -> list[str]:
        """Remove all but the `keep` newest runs; what `latest` leads to always stays.

        Returns the ids removed. A day's link goes before the run it leads to.
        """
        links = self.links()
        ids = self.run_ids()
        surplus = [run_id for run_id in ids[: max(len(ids) - keep, 0)] if run_id != links["latest"]]
        for name, run_id in links.items():
            if run_id in surplus:
                (self.folder / name).unlink(missing_ok=True)
        for run_id in surplus:
            self.discard(self.runs_folder / run_id)
        self.relink()
        return surplus

    def discard(self, folder: Path) -> None:
        """Remove a folder so that it is never seen half removed."""
        if folder.exists():
            trash = self.folder / f"{_TRASH}{folder.parent.name}-{folder.name}"
            shutil.rmtree(trash, ignore_errors=True)
            os.replace(folder, trash)
            shutil.rmtree(trash, ignore_errors=True)

    def clean(self) -> None:
        """Remove what killed runs left behind and heal the links. Only while holding the lock."""
        for path in self._leftovers():
            if path.is_symlink() or path.is_file():
                path.unlink(missing_ok=True)
            else:
                shutil.rmtree(path, ignore_errors=True)
        self.relink()

    def _leftovers(self) -> Iterator[Path]:
        for folder in (self.folder, self.folder / ".lab"):
            if folder.is_dir():
                for path in folder.iterdir():
                    if path.name.startswith((_DRAFT, _TRASH, _LINK, ".lock.json.")):
                        yield path


def _is_id(name: str) -> bool:
    number, _, day = name.partition("-")
    try:
        return number.isdecimal() and bool(date.fromisoformat(day))
    except ValueError:
        return False


def _number(run_id: str) -> int:
    return int(run_id.partition("-")[0])


def _move_durably(source: Path, target: Path) -> None:
    """Rename a folder once all it holds is on the disk, so that a power cut cannot empty it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for folder, _, names in os.walk(source):
        for name in names:
            _sync(Path(folder) / name)
        _sync(Path(folder))
    os.rename(source, target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, text: str) -> None:
    """Replace the file `path` by `text` in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    _sync(draft)
    os.replace(draft, path)
