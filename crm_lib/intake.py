"""Intake: every table of a data set staged and judged once, whatever the day; the book opens on it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as parquet

from crm_lib import cache, engine, sources, staging
from crm_lib.dataset import Dataset
from crm_lib.errors import SourceError
from crm_lib.quality import judge, rules

_NOTES = "files.json"


def folder_of(dataset: Dataset) -> Path:
    """The cache folder of the data set's staged and judged tables, made where it is not there yet."""
    key, made_from = cache.fingerprint(dataset)
    return cache.built(
        cache.folder_of(dataset, key), lambda folder: _stage(dataset, folder, made_from)
    )


def notes(folder: Path) -> dict[str, sources.Notes]:
    """By table, what was noticed of its files when they were staged into `folder`."""
    found: dict[str, sources.Notes] = json.loads((folder / "judged" / _NOTES).read_text())
    return found


def _stage(dataset: Dataset, folder: Path, made_from: dict[str, object]) -> None:
    """Stage every table and let the row rules judge it; both independent of `as_of`."""
    backend = engine.connect(folder / "spill")
    by_table = rules.load(dataset)
    (folder / "judged").mkdir()
    (folder / "staged").mkdir()
    for name in dataset.tables:
        path = folder / "staged" / f"{name}.parquet"
        staging.write(name, dataset, backend, folder / "scratch", path)
        table = backend.read_parquet(path)
        if not int(table.count().execute()):
            raise SourceError(f"The table '{name}' has no rows; check its source in dataset.yml.")
        failures = judge.judge_rows(by_table.get(name, []), table)
        parquet.write_table(failures, folder / "judged" / f"{name}.parquet")
    for leftover in ("scratch", "spill"):
        shutil.rmtree(folder / leftover, ignore_errors=True)
    set_aside = {
        name: [rule.rule_id for rule in by_table.get(name, []) if rule.on_fail == "quarantine"]
        for name in dataset.tables
    }
    (folder / "judged" / "quarantine.json").write_text(json.dumps(set_aside, indent=1))
    noticed = {
        name: sources.notes(config, dataset.obtain) for name, config in dataset.tables.items()
    }
    (folder / "judged" / _NOTES).write_text(json.dumps(noticed, indent=1))
    (folder / "made_from.json").write_text(json.dumps(made_from, indent=1, sort_keys=True))
