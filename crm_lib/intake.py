"""Intake: every part of a data set staged and judged once, whatever the day; the book opens on it.

What was made of a part is remembered under a hash of its bytes, its configuration, the rules and the code:
next month only what is new or changed is read.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from crm_lib import cache, corrections, engine, machine, parts, project, sources
from crm_lib.dataset import Dataset
from crm_lib.parts import Part
from crm_lib.quality import rules
from crm_lib.quality.rule import Rule
from crm_lib.taking import Delivered, StagedPart, take

_PARTS = "parts.json"


@dataclass(frozen=True)
class Intake:
    """The staged and judged tables of a data set in the cache.

    durations: seconds spent on "reading" and "judging" just now; empty when all came from the cache.
    """

    folder: Path
    durations: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def parts(self) -> dict[str, list[StagedPart]]:
        """By table, its parts in order."""
        found = json.loads((self.folder / _PARTS).read_text())
        return {name: [StagedPart.of(entry) for entry in listed] for name, listed in found.items()}

    @cached_property
    def made_from(self) -> dict[str, object]:
        """Hashes of configuration, inputs, expectations and code."""
        found: dict[str, object] = json.loads((self.folder / "made_from.json").read_text())
        return found

    @cached_property
    def quarantine_rules(self) -> dict[str, list[str]]:
        """By table, the rules that set a row aside; kept on disk, because asking GX takes seconds."""
        found: dict[str, list[str]] = json.loads((self.folder / "quarantine.json").read_text())
        return found

    @property
    def notes(self) -> dict[str, sources.Notes]:
        """By table, what was noticed of its files."""
        found: dict[str, sources.Notes] = {}
        for name, listed in self.parts.items():
            found[name] = {"encoding": {}, "names": {}}
            for part in listed:
                for about, text in part.noticed.items():
                    found[name][about][part.label] = text
        return found

    def staged(self, table: str) -> list[Path]:
        """The Parquet files of a staged table, one a part."""
        return [part.path for part in self.parts[table]]

    def failures(self, table: str) -> Path:
        """The Parquet file of what `judge` found in a table."""
        return self.folder / "judged" / f"{table}.parquet"


def taken(dataset: Dataset) -> Intake:
    """The data set as it is delivered now, staged and judged where the cache lacks it."""
    corrections.check_names(dataset.name, dataset.tables)
    with ThreadPoolExecutor() as threads:
        listed = threads.map(
            lambda config: parts.parts(config, dataset.obtain), dataset.tables.values()
        )
        delivered = dict(zip(dataset.tables, listed, strict=True))
    key, made_from = fingerprint(dataset, delivered)
    durations: dict[str, float] = {}
    folder = cache.built(
        cache.folder_of(dataset, key),
        lambda folder: _take(dataset, delivered, made_from, folder, durations),
    )
    return Intake(folder, durations)


def forget(dataset: Dataset, kept: Iterable[Path]) -> list[str]:
    """Remove what none of the books in the folders `kept` is made of: other states of the data set, and the
    parts that only they had. Returns the names of the states removed; nothing goes where none is kept.
    """
    home = cache.folder_of(dataset, "")
    needed = {book.parents[1] for book in kept if (book.parents[1] / _PARTS).is_file()}
    gone = [path.parent for path in home.glob(f"*/{_PARTS}") if path.parent not in needed]
    if not needed or not gone:
        return []
    for folder in gone:
        trash = folder.with_name(f".{folder.name}.gone")
        os.replace(folder, trash)
        shutil.rmtree(trash, ignore_errors=True)
    states = [
        part for folder in needed for listed in Intake(folder).parts.values() for part in listed
    ]
    names = {name for part in states for name in (part.key, part.staged_key)}
    for path in home.glob("parts/*/*"):
        # Copies are told by a hash of many parts; their lists are short and may stay.
        if path.name.split(".")[0] not in names and ".copies." not in path.name:
            path.unlink(missing_ok=True)
    return [folder.name for folder in gone]


def fingerprint(
    dataset: Dataset, delivered: Mapping[str, list[Part]]
) -> tuple[str, dict[str, object]]:
    """The name of this data set's cache folder, and what it is made from (for the manifest)."""
    inputs = {name: parts.fingerprints(found) for name, found in delivered.items()}
    for table in dataset.tables:
        corrected = corrections.path(dataset.name, table)
        if corrected.is_file():
            inputs[table][project.shown(corrected)] = cache.hashed(corrected.read_bytes())
    suites = sorted(project.expectations_folder().glob("*.json"))
    made_from: dict[str, object] = {
        "configuration": cache.hashed(dataset.model_dump_json()),
        "inputs": inputs,
        "expectations": cache.hashed(*(path.read_bytes() for path in suites)),
        "code": cache.code(cache.FACTS),
    }
    return cache.hashed(json.dumps(made_from, sort_keys=True))[:16], made_from


class Clock:
    """Seconds by stage, where stages of several threads overlap."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._spent: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        with self._lock:
            self._spent[stage] = self._spent.get(stage, 0.0) + time.perf_counter() - start

    def shared(self) -> dict[str, float]:
        """The seconds that have passed, divided among the stages as the threads spent theirs."""
        passed, spent = time.perf_counter() - self._start, sum(self._spent.values())
        return {stage: passed * own / spent for stage, own in self._spent.items()}


def _take(
    dataset: Dataset,
    delivered: Mapping[str, list[Part]],
    made_from: Mapping[str, object],
    folder: Path,
    durations: dict[str, float],
) -> None:
    customers = dataset.tables.get("customers")
    if customers and sources.in_files(customers):  # of a query nobody knows before it runs
        machine.check_room(sum(map(parts.least_rows, delivered["customers"])))
    (folder / "judged").mkdir()
    backend, clock = engine.connect(), Clock()

    def take_in(name: str, rulebook: Future[dict[str, list[Rule]]]) -> list[StagedPart]:
        table = Delivered(
            name, dataset, delivered[name], rulebook, folder / "scratch" / name, engine.beside(backend)
        )  # fmt: skip
        return take(table, folder / "judged" / f"{name}.parquet", clock.timed)

    # GX judges in one thread, the engine reads in all: two tables at a time use what either leaves idle. The
    # first thread loads the rules, and with them GX, while the second begins to read.
    with ThreadPoolExecutor(2) as threads:
        loading = threads.submit(rules.load, dataset)
        taken_in = threads.map(partial(take_in, rulebook=loading), delivered)
        found = dict(zip(delivered, taken_in, strict=True))
    backend.disconnect()
    durations |= clock.shared()
    shutil.rmtree(folder / "scratch", ignore_errors=True)
    by_table = loading.result()
    set_aside = {
        name: [rule.rule_id for rule in by_table.get(name, []) if rule.on_fail == "quarantine"]
        for name in dataset.tables
    }
    for name, content in {
        "parts": {table: [part.entry() for part in listed] for table, listed in found.items()},
        "quarantine": set_aside,
        "made_from": made_from,
    }.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1, sort_keys=True))
