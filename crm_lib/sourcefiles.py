"""Which files a source names: paths, globs, a package's data; and what is near a name that fails."""

from __future__ import annotations

import glob
import os
from collections import Counter
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from importlib.util import find_spec
from pathlib import Path

from crm_lib import project
from crm_lib.dataset import Source
from crm_lib.errors import SourceError, listing, unknown

_FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet",
    ".xlsx": "excel", ".xlsm": "excel", ".xls": "excel", ".xlsb": "excel", ".ods": "excel",
}  # fmt: skip
_MOST_BESIDE = 10
"""So many files are named beside one that is not there."""


@dataclass(frozen=True)
class File:
    """A file of a source: where it lies, what a message may call it, and its kind.

    content: hash of what it holds, where that is known without reading it. number: its own among the
    files of its source, where it has one that stays whichever others come.
    """

    path: Path
    label: str
    kind: str
    content: str = ""
    number: int | None = None


def files(source: Source, obtain: str = "") -> list[File]:
    """The files a source names, in order; globs are sorted.

    Raises SourceError for a file or package that is not there, with `obtain` as the remedy.
    """
    if source.postgres:
        return _fetched(source)
    if source.duckdb:
        path = project.resolve(source.duckdb)
        return [_existing(path, project.shown(path), "duckdb", obtain)]
    folder = _package_folder(source.package) if source.package else None
    found = []
    for pattern in source.files:
        for path in _matches(folder / pattern if folder else project.resolve(pattern), obtain):
            label = (
                f"{source.package}/{path.relative_to(folder)}" if folder else project.shown(path)
            )
            found.append(_existing(path, label, None, obtain))
    return _told_apart(found)


def _fetched(source: Source) -> list[File]:
    """The parts of a database table as `fetching` put them into the cache."""
    if not source.parts:
        raise SourceError(f"'{source.table}' was not fetched; `open_book` and `crm run` do that.")
    return [
        File(part.path, part.label, "parquet", part.content, part.number) for part in source.parts
    ]


def _matches(path: Path, obtain: str) -> list[Path]:
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    # Excel leaves `~$name.xlsx` beside a workbook that is open.
    real = [match for match in matches if match.is_file() and not match.name.startswith("~$")]
    if not real:
        raise SourceError(f"No file matches '{project.shown(path)}'. {obtain}".strip())
    return real


def _told_apart(found: list[File]) -> list[File]:
    """Files of one name in different folders get their folders into the label."""
    counts = Counter(file.label for file in found)
    if len(counts) == len(found):
        return found
    common = os.path.commonpath([file.path.parent for file in found])
    return [
        replace(file, label=str(file.path.relative_to(common))) if counts[file.label] > 1 else file
        for file in found
    ]


def _package_folder(package: str) -> Path:
    """The folder of an installed package, found without importing it."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(f"The Python package '{package}' is not installed: pip install {package}")
    return Path(next(iter(spec.submodule_search_locations)))


def _existing(path: Path, label: str, kind: str | None, obtain: str) -> File:
    if path.is_dir():
        raise SourceError(f"'{label}' is a folder; name its files, for example '{label}/*.csv'.")
    if not path.is_file():
        raise SourceError(
            f"The file '{label}' is not there. {_beside(path, kind)} {obtain}".strip()
        )
    if path.stat().st_size == 0:
        raise SourceError(f"The file '{label}' is empty (0 bytes).")
    return File(path, label, kind or kind_of(path))


def _beside(path: Path, kind: str | None) -> str:
    """The files that could be meant beside one that is not there, the nearest names first."""
    try:
        names = [item.name for item in path.parent.iterdir() if _is_candidate(item, path, kind)]
    except OSError:
        return f"There is no folder '{project.shown(path.parent)}' that can be looked into."
    near = {name: SequenceMatcher(None, name.lower(), path.name.lower()).ratio() for name in names}
    alike = sorted(names, key=lambda name: (-near[name], name))
    hint = f"Did you mean '{alike[0]}'? " if alike and near[alike[0]] >= 0.6 else ""
    return f"{hint}Beside it: {listing(alike, _MOST_BESIDE)}." if alike else ""


def _is_candidate(item: Path, wanted: Path, kind: str | None) -> bool:
    """A file of a kind that can be read, not hidden and not Excel's mark of one that is open."""
    if item.name.startswith((".", "~$")) or not item.is_file():
        return False
    if kind == "duckdb":
        return item.suffix == wanted.suffix
    try:
        return bool(kind_of(item))
    except SourceError:
        return False


def kind_of(path: Path) -> str:
    """`csv`, `parquet` or `excel`, by the file's suffix. Raises SourceError for any other."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    suffix = suffixes[-2] if packed and len(suffixes) > 1 else path.suffix.lower()
    kind = _FORMATS.get(suffix)
    if kind is None or (packed and kind != "csv"):
        known = [*_FORMATS, ".csv.gz", ".tsv.gz", ".txt.gz"]
        shown = suffix + ".gz" if packed and suffix != ".gz" else suffix
        if shown == ".duckdb":
            raise SourceError(
                f"'{path.name}' holds tables, not rows: name one in dataset.yml, "
                f"`source: {{duckdb: {path.name}, table: …}}`."
            )
        raise SourceError(
            f"'{path.name}' is of no known kind. {unknown('file kind', shown, known)}"
        )
    return kind
