"""Every planted defect of a simulated company is found by its rule, row by row, and nothing else is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.dataset as files
import pytest

from crm_lib.book import Book, open_book
from crm_lib.dataset import load
from crm_lib.parts import PART_BITS
from crm_lib.quality.rules import Rule
from crm_lib.quality.rules import load as load_rules
from crm_lib.simulate import simulate
from crm_lib.simulate.delivery.defects import ENCODED, KINDS, LATE, RENAMED
from tests.conftest import MakeProject

Planted = list[dict[str, object]]
Places = Counter[tuple[str, str, int]]


@pytest.fixture(params=[("retailer", 1_500), ("supplier", 300)], ids=lambda p: p[0])
def dirty(request: pytest.FixtureRequest, make_project: MakeProject) -> tuple[Book, Planted, Path]:
    """(book of a company with heavy dirt, its planted defects, its folder)."""
    name, customers = request.param
    folder = make_project() / "data" / name
    simulate(name, customers=customers, months=24, seed=4, out=folder, dirt="heavy", jobs=1)
    planted = files.dataset(sorted((folder / "truth").glob("defects*"))).to_table().to_pylist()
    return open_book(name, as_of=load(name).default_as_of), planted, folder


@pytest.mark.slow
def test_what_is_planted_is_found_and_nothing_else(
    dirty: tuple[Book, Planted, Path],
) -> None:
    book, planted, folder = dirty
    rules = {rule.rule_id: rule for found in load_rules(book.dataset).values() for rule in found}
    assert book.verdict.status == "passed with warnings"
    _check_counts(book, planted)
    _check_places(book, planted, rules)
    _check_fates(planted, rules)
    _check_money(book, planted, folder)


def _check_counts(book: Book, planted: Planted) -> None:
    expected = Counter[object]()
    for defect in planted:
        expected[defect["rule_id"]] += int(str(defect["rows"]))
    assert book.verdict.anonymous.rows == expected.pop("") > 0
    late = expected.pop(LATE.rule_id)
    assert late > 0
    counted = {o.rule_id: o.failing_rows for o in book.verdict.outcomes if o.failing_rows}
    assert counted == dict(expected)
    said = {outcome.rule_id for outcome in book.verdict.worth_saying}
    assert said == {*expected, LATE.rule_id}
    assert {ENCODED.rule_id, RENAMED.rule_id} <= said


def _check_places(book: Book, planted: Planted, rules: dict[str, Rule]) -> None:
    """Row rules: the very rows, by file and number."""
    expected = Places()
    for defect in planted:
        rule = rules.get(str(defect["rule_id"]))
        if rule and rule.kind == "row":
            file = f"data/{book.dataset.name}/{defect['file']}"
            expected[rule.rule_id, file, int(str(defect["row"]))] += 1
    found = Places()
    for table in book.dataset.tables:
        failing = book.failures(table).join(book.staged(table), "row_id")
        rows = failing.select("rule_id", "source_file", "row_id").to_pyarrow().to_pylist()
        for row in rows:
            number = row["row_id"] & ((1 << PART_BITS) - 1)
            found[row["rule_id"], row["source_file"], number] += 1
    assert found == expected


def _check_fates(planted: Planted, rules: dict[str, Rule]) -> None:
    for defect in planted:
        if defect["fate"] in ("quarantined", "kept"):
            on_fail = rules[str(defect["rule_id"])].on_fail
            assert (defect["fate"] == "quarantined") == (on_fail == "quarantine"), defect


def _check_money(book: Book, planted: Planted, folder: Path) -> None:
    months = files.dataset(sorted((folder / "truth").glob("months*"))).to_table()
    true = sum(months["revenue"].to_pylist())
    assert book.verdict.lines.accepted.money == true + sum(d["money"] for d in planted)  # type: ignore[misc]


@pytest.mark.slow
def test_every_kind_of_defect_is_planted_in_one_of_the_companies(
    make_project: MakeProject,
) -> None:
    home, planted = make_project(), set()
    for name, customers in (("retailer", 20_000), ("supplier", 2_000)):
        folder = home / "data" / name
        simulate(name, customers=customers, months=24, seed=4, out=folder, dirt="heavy", jobs=1)
        found = files.dataset(sorted((folder / "truth").glob("defects*"))).to_table()
        planted |= {(d["table"], d["column"], d["kind"]) for d in found.to_pylist()}
    everything = {(kind.table, kind.column, kind.name) for kind in (*KINDS, LATE, RENAMED, ENCODED)}
    assert planted == everything
