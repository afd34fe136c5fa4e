"""The accepted rows of a data set as of a day: what reports see of the canonical tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends.sql import SQLBackend

from crm_lib import cache, contents, engine, facts, known, schema, staging
from crm_lib.dataset import Dataset
from crm_lib.errors import NoTable, listing
from crm_lib.history import Period, Piece, periods_of
from crm_lib.intake import Intake
from crm_lib.parts import PART_BITS, ROW_NUMBER
from crm_lib.periods import Window
from crm_lib.quality import fates


@dataclass(frozen=True)
class Accepted:
    """The tables of a data set as of a day (exclusive); of its order lines, those that meet `scope`."""

    dataset: Dataset
    as_of: date
    scope: str
    intake: Intake

    @cached_property
    def backend(self) -> SQLBackend:
        return engine.of_kind(self.dataset.engine)

    def has(self, table: str, *columns: str) -> bool:
        """Does this data set supply the canonical table (and all these columns)?"""
        supplied = self.dataset.supplies(table)
        return bool(supplied) and all(column in supplied for column in columns)

    def staged(self, name: str) -> ir.Table:
        """Every row read of a table, accepted or not, with what could not be read beside it."""
        return self.backend.read_parquet(self.intake.staged(name))

    def failures(self, name: str) -> ir.Table:
        """One row for each row rule that a row of the table broke: row_id, rule_id."""
        return self.backend.read_parquet(self.intake.failures(name))

    def table(self, name: str) -> ir.Table:
        """The canonical table `name` as of the day: accepted rows, nothing recorded later.

        Personal columns are absent unless the audience is internal. Raises NoTable.
        """
        declared = schema.table(name)
        if not self.has(name):
            raise NoTable(
                f"'{self.dataset.name}' has no table '{name}' ({declared.grain}). It has "
                f"{listing(self.dataset.tables)}. Map it in data/{self.dataset.name}/dataset.yml.",
                name,
            )
        return self._accepted(name, self.intake.staged(name))

    @cached_property
    def lines(self) -> ir.Table:
        """Accepted order lines in scope, with `day`, `is_purchase` and `is_return`."""
        return facts.marked(self.table("lines"), self.dataset)

    def lines_of(self, period: Period) -> ir.Table:
        """`lines` of a period."""
        paths = [piece.path for piece in period.pieces] or self.intake.staged("lines")
        rows = self._accepted("lines", paths)
        start, end = ibis.literal(period.window.start), ibis.literal(period.window.end)
        return facts.marked(rows.filter(rows.day >= start, rows.day < end), self.dataset)

    def periods(self) -> list[Period]:
        """The periods of the order lines, at least one: see `history.Period`."""
        aside = self._set_aside()
        pieces = [
            Piece(
                cache.hashed(part.staged_key, aside.get(part.number, "")),
                part.path, part.rows, part.first_on, part.last_on,
            )
            for part in self.intake.parts["lines"]
        ]  # fmt: skip
        none = Period(Window(self.dataset.observed_from, self.as_of), ())
        return periods_of(pieces, self.as_of) or [none]

    def known(self, as_of: date | None = None) -> ir.Table | None:
        """customer_id of everyone in the customers table; None without one, or under a scope.

        A scope narrows the base, too: who has no line in it is no prospect of it.
        """
        if not self.has("customers") or self.scope:
            return None
        listed = self.table("customers")
        if as_of is not None:
            listed = known.without_later(listed, schema.CUSTOMERS, as_of)
        return listed.select("customer_id")

    def _accepted(self, name: str, paths: Sequence[Path]) -> ir.Table:
        rows = fates.accepted(
            name,
            self.backend.read_parquet(paths),
            self.failures(name),
            self.intake.quarantine_rules[name],
            as_of=self.as_of,
            scope=self.scope,
        )
        declared = schema.table(name)
        hidden = [c for c in rows.columns if c.startswith("unreadable_")] + [staging.RAW_HASH]
        if self.dataset.audience == "external":
            hidden += [c.name for c in declared.columns if c.personal and c.name in rows.columns]
        return rows.drop(*hidden, "source_file")

    def _set_aside(self) -> dict[int, str]:
        """By number of a part, a hash of which of its order lines fail a quarantine rule."""
        failures = self.failures("lines")
        aside = failures.rule_id.isin(sorted(self.intake.quarantine_rules["lines"]))
        bad = failures.filter(aside, failures.row_id.notnull()).select("row_id").distinct()
        rows = bad.select(part=bad.row_id >> PART_BITS, row=bad.row_id & ROW_NUMBER)
        return contents.by(rows, "part")
