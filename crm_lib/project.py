"""Where things lie: the folders of a project, found from wherever a command or notebook runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

from crm_lib.errors import UsageError

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def root() -> Path:
    """The project folder: `$CRM_HOME`, or the nearest folder upwards with `data/` and `notebooks/`.

    Raises UsageError when there is none.
    """
    if home := os.environ.get("CRM_HOME"):
        return Path(home).resolve()
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "data").is_dir() and (folder / "notebooks").is_dir():
            return folder
    raise UsageError(
        "No project found: neither this folder nor one above it holds data/ and notebooks/. "
        "Change into the project, or set CRM_HOME to it."
    )


def data_folder() -> Path:
    return root() / "data"


def notebooks_folder() -> Path:
    return root() / "notebooks"


def expectations_folder() -> Path:
    return root() / "expectations"


def reports_folder() -> Path:
    """Where reports are published: `$CRM_REPORTS`, or `reports/` of the project."""
    return resolve(os.environ.get("CRM_REPORTS") or "reports")


def cache_folder() -> Path:
    """Where staged tables and facts are kept: `$CRM_CACHE`, or `data/.cache/` of the project."""
    return resolve(os.environ.get("CRM_CACHE") or "data/.cache")


def expand(path: str) -> str:
    """`path` with `${NAME}` and `${NAME:-default}` replaced from the environment.

    Raises UsageError for a variable that is neither set nor given a default.
    """

    def value(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        found = os.environ.get(name) or default
        if found is None:
            raise UsageError(f"'{path}' needs the environment variable {name}, which is not set.")
        return found

    return _VARIABLE.sub(value, path)


def resolve(path: str) -> Path:
    """An expanded path; a relative one is meant from the project folder, wherever a notebook runs."""
    expanded = Path(expand(path)).expanduser()
    return expanded if expanded.is_absolute() else root() / expanded


def shown(path: Path) -> str:
    """The path as a page or message may show it: relative to the project where it lies inside."""
    try:
        return str(path.resolve().relative_to(root()))
    except ValueError:
        return path.name
