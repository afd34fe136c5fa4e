"""SQL that people write: checked before it runs, and never more than one condition on a row."""

from __future__ import annotations

import ibis
import pytest

from crm_lib import conditions, engine
from crm_lib.errors import UsageError


@pytest.fixture
def rows() -> ibis.Table:
    return engine.connect().create_table(
        "t", ibis.memtable({"place": ["367", "9", None], "amount": [1.0, -2.0, 3.0]}).to_pyarrow()
    )


def places(table: ibis.Table) -> list[object]:
    return sorted(table.place.to_pyarrow().to_pylist(), key=str)


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("place = '367'", ["367"]), ("Amount > 0", ["367", None]), ("", ["367", "9", None]),
        ("place IN ('9', '10') OR amount > 2", ["9", None]), ("NOT place = '9'", ["367"]),
        ("amount > 0 -- purchases", ["367", None]),
    ],
)  # fmt: skip
def test_keep_takes_the_rows_that_meet_a_condition(
    rows: ibis.Table, condition: str, kept: list[object]
) -> None:
    assert places(conditions.keep(rows, condition)) == sorted(kept, key=str)


def test_a_condition_that_is_unknown_for_a_row_is_not_met(rows: ibis.Table) -> None:
    flagged = conditions.flag(rows, "place = '9'", "is_nine").order_by("amount")
    assert flagged.is_nine.to_pyarrow().to_pylist() == [True, False, False]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("plcae = '367'", "no column 'plcae'. Did you mean 'place'"),
        ('place = "367"', "no column '367'.*Text goes into single quotes"),
        ("amount >", "is not an SQL expression"),
        ("amount > 0 LIMIT 1", "not a whole query"),
        ("amount > 0; DROP TABLE t", "not a whole query"),
        ("amount > 0 FROM t", "not a whole query"),
        ("amount > avg(amount)", "no sum, count or subquery"),
        ("place IN (SELECT place FROM t)", "no sum, count or subquery"),
        ("*", "must be one SQL expression"),
        ("amount > 0, place", "must be one SQL expression"),
        ("lenght(place) > 2", "does not work on this data.*lenght does not exist"),
    ],
)
def test_a_faulty_condition_is_refused(rows: ibis.Table, condition: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        conditions.keep(rows, condition, "scope")
    assert "scope" in str(error.value)


def test_select_names_the_expression_that_fails(rows: ibis.Table) -> None:
    good = {"a": "amount * 2", 'with "quotes"': "place"}
    chosen = conditions.select(rows, good, "mapping").order_by("a")
    assert chosen.columns == ("a", 'with "quotes"')
    assert chosen.a.to_pyarrow().to_pylist() == [-4.0, 2.0, 6.0]
    with pytest.raises(UsageError, match=r"mapping \(b\) 'nosuch\(place\)' does not work"):
        conditions.select(rows, good | {"b": "nosuch(place)"}, "mapping")
