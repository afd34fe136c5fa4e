"""Taking in one table: its new parts staged and judged, the others found where they were put before."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cached_property
from importlib import metadata
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet
from ibis.backends.duckdb import Backend

from crm_lib import cache, corrections, known, project, schema, sources, staging
from crm_lib.dataset import Dataset
from crm_lib.errors import SourceError
from crm_lib.parts import PART_BITS, Part
from crm_lib.quality import copies, dates, judge
from crm_lib.quality.rule import Rule

Timed = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class StagedPart:
    """A part in the cache.

    key: hash of everything that its staged rows and their failures depend on, but for copies of rows of
    other parts. staged_key: of the rows alone. first_on, last_on: days that its rows are recorded on (None
    where none is dated). undated: rows without such a day, or with one that stands for "unknown".
    columns: of the raw part. noticed: of its files.
    """

    key: str
    staged_key: str
    number: int
    label: str
    path: Path
    rows: int
    first_on: date | None
    last_on: date | None
    undated: int
    columns: tuple[str, ...]
    noticed: dict[str, str]

    def entry(self) -> dict[str, object]:
        """As JSON keeps it; the path within the cache."""
        path = self.path.relative_to(project.cache_folder())
        return {
            **asdict(self),
            "path": str(path),
            "first_on": self.first_on and self.first_on.isoformat(),
            "last_on": self.last_on and self.last_on.isoformat(),
        }

    @classmethod
    def of(cls, entry: dict[str, object]) -> StagedPart:
        days = {name: entry[name] and date.fromisoformat(str(entry[name])) for name in ("first_on", "last_on")}  # fmt: skip
        path = project.cache_folder() / str(entry["path"])
        return cls(**{**entry, **days, "path": path, "columns": tuple(entry["columns"])})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Delivered:
    """A table as it is delivered: its parts; the rules on all tables, which are being loaded; a folder for
    intermediate files, an engine.
    """

    name: str
    dataset: Dataset
    parts: Sequence[Part]
    rulebook: Future[dict[str, list[Rule]]]
    scratch: Path
    backend: Backend

    @cached_property
    def rules(self) -> list[Rule]:
        """The rules on it, once they are there."""
        return self.rulebook.result().get(self.name, [])

    @property
    def declared(self) -> schema.Table:
        return schema.table(self.name)

    @cached_property
    def store(self) -> Path:
        """Where what was made of parts is kept."""
        folder = cache.folder_of(self.dataset, "parts") / self.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def take(table: Delivered, failures: Path, timed: Timed) -> list[StagedPart]:
    """Stage and judge what is new of a table; write the failures of all its rows to `failures`.

    Raises SourceError where it has no rows.
    """
    with timed("reading"):
        found = _staged(table)
    if not any(part.rows for part in found):
        raise SourceError(f"The table '{table.name}' has no rows; check its source in dataset.yml.")
    with timed("judging"):
        rules = _key_of(table.rules)
        found = [replace(part, key=cache.hashed(part.staged_key, rules)) for part in found]
        parquet.write_table(_judged(table, found), failures)
    return found


# --- staging --------------------------------------------------------------------------------------


def _staged(table: Delivered) -> list[StagedPart]:
    """Every part staged, the new ones just now."""
    keys = _staged_keys(table)
    known = {part: there for part, key in keys.items() if (there := _remembered(table, key))}
    if missing := [part for part in table.parts if part not in known]:
        reader = sources.Reader(
            table.dataset.tables[table.name], table.backend, table.scratch, table.dataset.obtain,
            every=table.parts, chosen=missing,
            remembered={part.label: there.columns for part, there in known.items()},
        )  # fmt: skip
        paths = {part: table.store / f"{keys[part]}.parquet" for part in missing}
        staging.write(
            table.name, table.dataset, reader, table.scratch,
            lambda part: cache.beside(paths[part]), lambda part: cache.settled(paths[part]),
        )  # fmt: skip
        known |= _described(table, {part: paths[part] for part in missing}, keys, reader.columns)
    found = [known[part] for part in table.parts]
    _check_corrections(table, found)
    return found


def _staged_keys(table: Delivered) -> dict[Part, str]:
    """By part, a hash of all that its staged rows depend on."""
    dataset, config = table.dataset, table.dataset.tables[table.name]
    shared = json.dumps([
        cache.code(cache.STAGING), config.model_dump_json(), dataset.name, dataset.currency,
        dataset.money_decimals, dataset.time_zone, dataset.engine, sources.shared_types(config, table.parts, table.backend),
    ])  # fmt: skip
    corrected = corrections.by_part(dataset.name, table.name, table.backend, table.scratch)
    if not sources.in_files(config):
        corrected = {part.label: "".join(corrected.values()) for part in table.parts}
    return {
        part: cache.hashed(
            shared, part.label, str(part.number), json.dumps(part.contents, sort_keys=True),
            corrected.get(part.label, ""),
        )
        for part in table.parts
    }  # fmt: skip


def _remembered(table: Delivered, key: str) -> StagedPart | None:
    told = table.store / f"{key}.json"
    if not told.is_file() or not (table.store / f"{key}.parquet").is_file():
        return None
    return StagedPart.of(json.loads(told.read_text()))


def _described(
    table: Delivered, paths: Mapping[Part, Path], keys: Mapping[Part, str], columns: Sequence[str]
) -> dict[Part, StagedPart]:
    """What is worth remembering of parts that were just staged."""
    rows = table.backend.read_parquet(list(paths.values()))
    figures = {"rows": rows.count()}
    recorded = table.declared.recorded
    if recorded is not None and recorded in rows.columns:
        # One day that stands for "unknown" would make its part touch all others.
        on = known.day_of(rows, recorded)
        day = dates.is_told(on).ifelse(on, ibis.null("date"))
        figures |= {"first_on": day.min(), "last_on": day.max(), "undated": day.isnull().sum()}
    counted = rows.group_by(number=rows.row_id >> PART_BITS).agg(**figures).to_pyarrow().to_pylist()
    by_number = {row.pop("number"): row for row in counted}
    found = {}
    for part, path in paths.items():
        nothing = {"rows": 0, "first_on": None, "last_on": None, "undated": 0}
        found[part] = StagedPart(
            key="", staged_key=keys[part], number=part.number, label=part.label, path=path,
            columns=tuple(columns), noticed=sources.noticed(part, table.dataset.tables[table.name]),
            **{**nothing, **by_number.get(part.number, {})},
        )  # fmt: skip
        told = table.store / f"{keys[part]}.json"
        cache.beside(told).write_text(json.dumps(found[part].entry(), indent=1))
        cache.settled(told)
    return found


def _check_corrections(table: Delivered, found: Sequence[StagedPart]) -> None:
    rows = table.backend.read_parquet([part.path for part in found])
    corrections.check_rows(rows, table.dataset.name, table.name, table.backend, table.scratch)


# --- judging --------------------------------------------------------------------------------------


def _key_of(rules: Sequence[Rule]) -> str:
    """A hash of all that the failures of a staged part depend on."""
    asked = [(rule.rule_id, rule.type, rule.kwargs) for rule in rules if rule.kind == "row"]
    library = metadata.version("great-expectations")
    return cache.hashed(
        cache.code(cache.JUDGING), library, json.dumps(asked, sort_keys=True, default=str)
    )


def _judged(table: Delivered, found: Sequence[StagedPart]) -> pa.Table:
    """The failures of all rows of the table, those of new parts just found: see `judge.FAILURES`."""
    paths = {part.number: table.store / f"{part.key}.failures.parquet" for part in found}
    if new := [part for part in found if not paths[part.number].is_file()]:
        failures = judge.judge_each(table.rules, _rows(table, new))
        _keep_by_part(failures, {part.number: paths[part.number] for part in new})
    made = [parquet.read_table(path) for path in paths.values()]
    if any(copies.is_about_copies(rule) for rule in table.rules):
        groups = _told_together(found) if not table.declared.key else [list(found)]
        made += [_copies(table, group) for group in groups]
    whole = pa.concat_tables(made)
    unchecked = whole.filter(pc.is_null(whole["row_id"]))
    return pa.concat_tables([
        whole.filter(pc.is_valid(whole["row_id"])),
        unchecked.group_by(unchecked.column_names).aggregate([]).cast(whole.schema),
    ])  # fmt: skip


def _rows(table: Delivered, found: Sequence[StagedPart]) -> ir.Table:
    return table.backend.read_parquet([part.path for part in found])


def _keep_by_part(failures: pa.Table, paths: dict[int, Path]) -> None:
    """Each part's failures in a file of its own; why a rule could not be checked in each of them."""
    number = pc.shift_right(failures["row_id"], PART_BITS)
    for part, path in paths.items():
        own = pc.or_kleene(pc.equal(number, part), pc.is_null(number))
        parquet.write_table(failures.filter(own), cache.beside(path))
        cache.settled(path)


def _copies(table: Delivered, group: Sequence[StagedPart]) -> pa.Table:
    """The failures of the rules that compare the rows of these parts."""
    key = cache.hashed(*(part.key for part in group))
    path = table.store / f"{key}.copies.parquet"
    if not path.is_file():
        parquet.write_table(
            judge.judge_copies(table.rules, _rows(table, group)), cache.beside(path)
        )
        cache.settled(path)
    return parquet.read_table(path)


def _told_together(found: Sequence[StagedPart]) -> list[list[StagedPart]]:
    """Parts that may hold the same row: identical rows are recorded on the same day, or undated both."""
    if any(part.undated or part.first_on is None for part in found):
        return [list(found)]
    groups: list[list[StagedPart]] = []
    last: date | None = None
    for part in sorted(found, key=lambda part: (part.first_on, part.number)):
        if last is not None and part.first_on is not None and part.first_on <= last:
            groups[-1].append(part)
        else:
            groups.append([part])
        last = max(filter(None, [last, part.last_on]))
    return groups
