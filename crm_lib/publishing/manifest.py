"""What a run says about itself: `manifest.json`, and `metrics.json` for those who compare runs."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from crm_lib import project
from crm_lib.publishing.reports import Report

_VERSIONS = (
    "duckdb", "great-expectations", "ibis-framework", "lifelines", "matplotlib", "nbconvert", "numpy",
    "pandas", "papermill", "pyarrow", "scikit-learn", "scipy", "seaborn", "sqlglot", "statsmodels",
)  # fmt: skip
_CODE_SUFFIXES = {".py", ".j2", ".css", ".json", ".yml"}


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore")


class ReportRecord(_Record):
    """One report of a run. `given`: parameters that differ from their defaults. Durations in seconds."""

    stem: str
    title: str
    question: str = ""
    finding: str = ""
    parameters: dict[str, Any] = {}
    given: dict[str, Any] = {}
    durations: dict[str, float] = {}

    @property
    def href(self) -> str:
        return f"{self.stem}.html"


class Manifest(_Record):
    """One run. Only `generated_at`, the durations (seconds) and memory differ between equal runs.

    `durations`: by stage; `data_durations`, `marts_durations`: what the first two were spent on, empty where
    they came from the cache. `peak_memory_bytes`: of all processes together, null where the system does not tell.
    `id` is the name of the run's folder and not written.
    `fingerprint` hashes all that the pages depend on: inputs, rules, code, notebooks, parameters.
    `coverage`: title, status (full, partial, impossible), missing and unlock of each report asked for.
    `book` is the folder of the facts and marts behind the pages, within the cache.
    """

    id: str = Field(default="", exclude=True)
    kind: Literal["run", "lab", "failed"] = "run"
    dataset: str
    dataset_title: str
    currency: str
    as_of: str
    scope: str = ""
    generated_at: str
    fingerprint: str
    made_from: dict[str, Any] = {}
    book: str = ""
    versions: dict[str, str] = {}
    verdict: dict[str, Any] = {}
    coverage: list[dict[str, str]] = []
    reports: list[ReportRecord] = []
    exports: list[str] = []
    durations: dict[str, float] = {}
    data_durations: dict[str, float] = {}
    marts_durations: dict[str, float] = {}
    peak_memory_bytes: int | None = None

    def write(self, folder: Path) -> None:
        text = self.model_dump_json(indent=1)
        (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> Manifest | None:
    """The manifest in `folder`; None when there is none that can be read."""
    try:
        found = Manifest.model_validate_json((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found.model_copy(update={"id": folder.resolve().name})


def write_metrics(folder: Path, metrics: dict[str, dict[str, Any]]) -> None:
    """report → key → {value, unit, window, …}, in the order of the reports and of their headlines."""
    text = json.dumps(metrics, indent=1, ensure_ascii=False)
    (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")


def read_metrics(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = json.loads((folder / "metrics.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a number or a page depends on."""
    found = {"python": platform.python_version()}
    for name in _VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def fingerprint(
    reports: Sequence[Report],
    parameters: dict[str, dict[str, Any]],
    made_from: dict[str, Any],
) -> str:
    """A hash that is equal exactly when a run would show the same: inputs, code, parameters."""
    digest = hashlib.blake2b(digest_size=16)
    facts = {"made_from": made_from, "parameters": parameters, "versions": versions()}
    digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
    for path in [*_code(), *(report.path for report in reports)]:
        digest.update(hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def _code() -> list[Path]:
    package = Path(project.__file__).parent
    return sorted(path for path in package.rglob("*") if path.suffix in _CODE_SUFFIXES)
