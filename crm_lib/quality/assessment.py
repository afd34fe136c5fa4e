"""The work behind a verdict: counting fates, rule failures and profiles in the engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd

from crm_lib import casting, engine, schema
from crm_lib.parts import ROW_NUMBER
from crm_lib.quality import fates, gx, measures
from crm_lib.quality.dates import day_of
from crm_lib.quality.outcomes import Count, Example, RuleOutcome, TableCount
from crm_lib.quality.profile import Profile, Target, profile, shares
from crm_lib.quality.rule import Rule
from crm_lib.quality.tally import Tally, count_of, figures
from crm_lib.sources import Notes

_SHOWN_CHARACTERS = 40
FEW = 100
"""Where rows are this many times as many as what they point to, their different values are looked up."""


class Assessment:
    """Staged tables and their failures as of one day; each method answers for one table."""

    def __init__(
        self,
        rules: Mapping[str, list[Rule]],
        staged: Mapping[str, ir.Table],
        failures: Mapping[str, ir.Table],
        as_of: date,
        scope: str,
        notes: Mapping[str, Notes],
        buyers: ir.Table | None = None,
    ) -> None:
        self.rules, self.failures, self.as_of, self.notes = rules, failures, as_of, notes
        self._staged, self._buyers = staged, buyers
        self._fated = {
            name: fates.with_fate(
                name,
                table,
                failures.get(name),
                _quarantining(rules[name]),
                as_of=as_of,
                scope=scope,
            )
            for name, table in staged.items()
        }
        self._tallies = {name: self._tallied(name) for name in staged}
        self.counts = {name: self._counted(name, table) for name, table in staged.items()}
        self.profiles = {name: self._profiled(name) for name in staged}

    def anonymous(self) -> Count:
        """Accepted lines without a customer."""
        return self._tallies["lines"].anonymous()

    def shown_profile(self, name: str) -> dict[str, float | str | None]:
        """The profile of the accepted rows, days as ISO text."""
        measured = self.profiles[name].measured
        return {measure: _shown(measure, measured, schema.table(name)) for measure in measured}

    def outcomes(self, name: str) -> list[RuleOutcome]:
        """How each rule of the table came out, in the order of the rules."""
        found = {**self._row_outcomes(name), **self._table_outcomes(name)}
        return [found[rule.rule_id] for rule in self.rules[name]]

    def _accepted(self, name: str) -> ir.Table:
        fated = self._fated[name]
        return fated.filter(fated.fate == "accepted")

    def _tallied(self, name: str) -> Tally:
        table = schema.table(name)
        return Tally.of(self._fated[name], table.recorded, shares(table, self._measures(name)))

    def _counted(self, name: str, staged: ir.Table) -> TableCount:
        """The whole and its parts, counted independently, so that the identity means something."""
        whole = engine.collect(staged.aggregate(**figures(staged))).iloc[0]
        parts = self._tallies[name].by_fate
        return TableCount(table=name, read=count_of(whole), **parts)

    def _measures(self, name: str) -> list[str]:
        """What rules, or the verdict itself, measure of a table."""
        needed = [rule.measure for rule in self.rules[name] if rule.kind == "table"]
        return list(dict.fromkeys([*needed, *(["total_amount"] if name == "lines" else [])]))

    def _profiled(self, name: str) -> Profile:
        return profile(
            schema.table(name), self._fated[name], self._tallies[name], self._pointed_to(name),
            self._measures(name), as_of=self.as_of, notes=self.notes.get(name),
        )  # fmt: skip

    def _pointed_to(self, name: str) -> dict[str, Target]:
        """By column of the table that points to another one, what it may point to."""
        table = self._staged[name]
        found = {}
        for column, to in schema.table(name).references:
            if to not in self._fated or column not in table.columns:
                continue
            values = self._buyers if (name, column) == ("lines", "customer_id") else None
            if self.counts[to].accepted.rows * FEW < self.counts[name].accepted.rows:
                values = table.select(column).distinct()
            found[column] = Target(self._accepted(to), values)
        return found

    def _row_outcomes(self, name: str) -> dict[str, RuleOutcome]:
        rules = [rule for rule in self.rules[name] if rule.kind == "row"]
        found, problems, examples = self._found(name, rules)
        checked = self.counts[name].judged
        outcomes = {}
        for rule in rules:
            count = found.get(rule.rule_id, Count())
            outcomes[rule.rule_id] = RuleOutcome.of(
                rule, count.rows / checked if checked else 0.0, problems.get(rule.rule_id, ""),
                failing_rows=count.rows, checked_rows=checked, money=count.money,
                example=examples.get(rule.rule_id),
            )  # fmt: skip
        return outcomes

    def _found(
        self, name: str, rules: list[Rule]
    ) -> tuple[dict[str, Count], dict[str, str], dict[str, Example]]:
        """By rule: its failing rows among those judged, why it did not run, one failing row."""
        failures = self.failures.get(name)
        if failures is None or not failures.count().execute():
            return {}, {}, {}
        unchecked = engine.collect(failures.filter(failures.row_id.isnull()))
        problems = dict(zip(unchecked["rule_id"], unchecked["problem"], strict=True))
        fated = self._fated[name]
        judged = fated.filter(fated.fate.isin(["accepted", "quarantined"]))
        failing = judged.inner_join(failures.select("row_id", "rule_id"), "row_id")
        made = {**figures(failing), "example": failing.row_id.min()}
        rows = engine.collect(failing.group_by("rule_id").aggregate(**made))
        counts = {row["rule_id"]: count_of(row) for _, row in rows.iterrows()}
        where = {row["rule_id"]: int(row["example"]) for _, row in rows.iterrows()}
        return counts, problems, _examples(fated, rules, where)

    def _table_outcomes(self, name: str) -> dict[str, RuleOutcome]:
        rules = [rule for rule in self.rules[name] if rule.kind == "table"]
        found, checked = self.profiles[name], self.counts[name].accepted.rows
        for rule in rules:
            found.measured.setdefault(rule.measure, None)
        judgements = gx.judge(found.frame(), rules)
        where = {r.rule_id: found.example[r.measure] for r in rules if r.measure in found.example}
        examples = _examples(self._fated[name], rules, where)
        examples |= _noted(rules, examples, self.notes.get(name, {}))
        outcomes = {}
        for rule in rules:
            judgement, measure = judgements[rule.rule_id], rule.measure
            defects = int(found.measured[measure] or 0) if measures.counts_rows(measure) else 0
            failing_share = 0.0 if judgement.passed else defects / checked if defects else 1.0
            outcomes[rule.rule_id] = RuleOutcome.of(
                rule, failing_share, judgement.problem,
                failing_rows=defects, checked_rows=checked, money=found.money.get(measure),
                observed=_observed(measure, _shown(measure, found.measured, schema.table(name))),
                example=examples.get(rule.rule_id),
            )  # fmt: skip
        return outcomes


def _quarantining(rules: list[Rule]) -> list[str]:
    return [r.rule_id for r in rules if r.kind == "row" and r.on_fail == "quarantine"]


def _shown(
    measure: str, measured: Mapping[str, float | None], table: schema.Table
) -> float | str | None:
    value = measured[measure]
    if value is None or measures.type_of(measure, table).type != "day":
        return value
    return day_of(value).isoformat()


def _observed(measure: str, value: float | str | None) -> str:
    return f"{measure} is {value:,.10g}" if isinstance(value, float) else f"{measure} is {value}"


def _examples(rows: ir.Table, rules: list[Rule], where: Mapping[str, int]) -> dict[str, Example]:
    """The failing row of each rule that `where` names by row_id: file, row number, value if impersonal."""
    if not where:
        return {}
    values = {rule.rule_id: _value_column(rule, rows) for rule in rules if rule.rule_id in where}
    columns = sorted({column for column in values.values() if column})
    wanted = rows.filter(rows.row_id.isin(sorted(set(where.values()))))
    texts = {f"value_{column}": wanted[column].cast(dt.string) for column in columns}
    frame = engine.collect(wanted.select(wanted.row_id, wanted.source_file, **texts))
    by_id = {row["row_id"]: row for _, row in frame.iterrows()}
    found = {}
    for rule_id, column in values.items():
        row = by_id[where[rule_id]]
        value = row[f"value_{column}"] if column else None
        found[rule_id] = Example(
            source_file=str(row["source_file"]),
            row=where[rule_id] & ROW_NUMBER,
            value=None if pd.isna(value) else _shown_value(str(value), column),
        )
    return found


def _noted(rules: list[Rule], examples: Mapping[str, Example], notes: Notes) -> dict[str, Example]:
    """The examples of rules about files, with what was noticed of the file in place of a value."""
    found = {}
    for rule in rules:
        if rule.measure in measures.OF_FILES and rule.rule_id in examples:
            example = examples[rule.rule_id]
            value = notes[measures.OF_FILES[rule.measure]][example.source_file]
            found[rule.rule_id] = example.model_copy(update={"value": value})
    return found


def _shown_value(text: str, column: str | None) -> str:
    """The value as a page or a terminal may show it; of a cell that could not be read only the form."""
    cell = casting.masked(text) if (column or "").startswith("unreadable_") else text
    return "".join(c if c.isprintable() else "\ufffd" for c in cell)[:_SHOWN_CHARACTERS]


def _value_column(rule: Rule, rows: ir.Table) -> str | None:
    """The column whose value may be shown: a canonical one that names no person."""
    declared = schema.table(rule.table)
    name = rule.subject
    if name not in declared.column_names or declared.column(name).personal:
        return None
    unreadable = f"unreadable_{name}"
    column = unreadable if rule.kwargs.get("column") == unreadable else name
    return column if column in rows.columns else None
