"""The cache of staged tables, verdicts and facts: Parquet folders named after what they hold.

A folder appears whole or not at all: it is built beside its place and renamed. Its name is a hash of
everything that went in, so a changed byte of input, configuration, rule or code is never read as old.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from crm_lib import corrections, project, sources
from crm_lib.dataset import Dataset

_CODE = (
    "schema", "dataset", "periods", "segment_map", "stage_rules", "cost_rules", "known", "conditions", "engine", "encodings", "textfiles",
    "casting", "sourcefiles", "sources", "corrections", "staging", "quality", "intake", "facts", "ledger", "book", "btyd", "analysis", "marts",
)  # fmt: skip
"""Modules and packages of `crm_lib` whose code decides what the cache holds."""


def fingerprint(dataset: Dataset) -> tuple[str, dict[str, object]]:
    """The name of this data set's cache folder, and what it was made from (for the manifest)."""
    inputs: dict[str, dict[str, str]] = {}
    for table, config in dataset.tables.items():
        inputs[table] = sources.fingerprints(config, dataset.obtain)
        corrected = corrections.path(dataset.name, table)
        if corrected.is_file():
            inputs[table][project.shown(corrected)] = _hash(corrected.read_bytes())
    rules = sorted(project.expectations_folder().glob("*.json"))
    made_from: dict[str, object] = {
        "configuration": _hash(dataset.model_dump_json().encode()),
        "inputs": inputs,
        "expectations": _hash(*(path.read_bytes() for path in rules)),
        "code": _hash(*(path.read_bytes() for path in _code_files())),
    }
    return _hash(json.dumps(made_from, sort_keys=True).encode())[:16], made_from


def _code_files() -> list[Path]:
    here = Path(__file__).parent
    found = [path for name in _CODE for path in (here / f"{name}.py", *here.glob(f"{name}/*.py"))]
    return sorted(path for path in found if path.is_file())


def _hash(*parts: bytes) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(hashlib.blake2b(part).digest())
    return digest.hexdigest()


def folder_of(dataset: Dataset, name: str) -> Path:
    return project.cache_folder() / dataset.name / name


def slug(text: str) -> str:
    """A short name for a condition, empty for none."""
    return f"-{_hash(text.strip().encode())[:8]}" if text.strip() else ""


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
