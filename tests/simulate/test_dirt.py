"""Dirt: planted where the ids say, once a row, listed exactly, and found by the rule it is listed under."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from crm_lib.errors import UsageError
from crm_lib.simulate import company
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.delivery import defects, dirt, draws
from crm_lib.simulate.delivery.defects import KINDS, Level
from crm_lib.simulate.laws import Laws
from crm_lib.simulate.tables import arrow

CLOCK = Clock(Laws(), 24)
HEAVY = dirt.Plan("heavy")
FILE = "lines/2025-01/part-0000.parquet"


def lines(count: int) -> pa.Table:
    """Order lines of three a order, seven a customer; every fifth is a return of the same product."""
    rng = np.random.default_rng(1)
    number = np.arange(count)
    back = np.where(number % 5 == 4, -1, 1)
    return pa.table(
        {
            "customer_id": arrow.ids("C", number // 7),
            "order_id": number // 3,
            "line_no": number % 3 + 1,
            "ordered_at": arrow.times(rng.integers(0, CLOCK.days * 86_400, count), CLOCK),
            "amount": arrow.money(back * rng.integers(1, 9_000, count)),
            "quantity": back * rng.integers(1, 9, count) / 2,
            "product_id": arrow.texts(number % 9, [f"TEA-{n}0" for n in range(8)] + ["TEA"]),
            "cost": arrow.money(back * rng.integers(1, 900, count)),
        }
    )


def contacts(count: int) -> pa.Table:
    """Contacts: every second a survey with a score of 1 to 5, every third settled after an hour."""
    number = np.arange(count)
    made = number * 60
    return pa.table(
        {
            "contact_id": number,
            "customer_id": arrow.ids("C", number),
            "at": arrow.times(made, CLOCK),
            "kind": arrow.texts(number % 2, ["survey", "service"]),
            "score": pa.array(number % 5 + 1.0, mask=number % 2 == 1),
            "scale_max": pa.array(np.full(count, 5.0), mask=number % 2 == 1),
            "resolved_at": arrow.times(made + 3_600, CLOCK, number % 3 > 0),
        }
    )


def customers(count: int) -> pa.Table:
    return pa.table({"customer_id": arrow.ids("C", np.arange(count))})


def market(count: int) -> pa.Table:
    number = np.arange(count)
    return pa.table(
        {
            "month": arrow.days(number // 10 * 30, CLOCK),
            "category": arrow.texts(number % 10, [f"category {n}" for n in range(10)]),
            "sales": arrow.money(number * 100 + 1),
        }
    )


def spoilt(table: str, rows: pa.Table, plan: dirt.Plan = HEAVY, seed: int = 7) -> list[pa.Table]:
    return list(dirt.spoil(plan, table, rows, FILE, 0, seed))


def test_a_clean_plan_changes_nothing() -> None:
    rows = lines(500)
    delivered, found = spoilt("lines", rows, dirt.Plan("none"))
    assert delivered is rows
    assert found.equals(dirt.DEFECTS.empty_table())


@pytest.mark.parametrize("level", ["light", "heavy"])
def test_each_kind_has_its_share_of_the_rows(level: Level) -> None:
    count = 60_000
    rows = lines(count)
    _, found = spoilt("lines", rows, dirt.Plan(level))
    planted = Counter(zip(found["kind"].to_pylist(), found["column"].to_pylist(), strict=True))
    for kind in [kind for kind in KINDS if kind.table == "lines"]:
        share = kind.rate(level)
        suiting = pc.sum(kind.suits(rows)).as_py()  # four in five for prices and costs, else all
        error = (suiting * share * (1 - share)) ** 0.5  # of a binomial count
        assert abs(planted[kind.name, kind.column] - suiting * share) <= 4 * error, kind
    assert sum(planted.values()) == found.num_rows


@pytest.mark.parametrize(("table", "made"), [("lines", lines), ("contacts", contacts)])
def test_no_row_has_two_defects_and_the_rest_is_untouched(table: str, made: object) -> None:
    rows = made(20_000)  # type: ignore[operator]
    delivered, found = spoilt(table, rows)
    numbers = found["row"].to_pylist()
    assert len(set(numbers)) == len(numbers) > 300
    cells = {name: delivered[name].to_pylist() for name in delivered.column_names}
    for defect in found.to_pylist():
        if defect["column"]:
            at = defect["row"] - 1
            assert cells[defect["column"]][at] == defect["now"] != defect["was"]
            cells[defect["column"]][at] = defect["was"]
    copies = {d["row"] - 1 for d in found.to_pylist() if d["kind"] == "duplicate"}
    for at in copies:  # directly after the original
        assert all(column[at] == column[at - 1] for column in cells.values())
    restored = {
        name: [cell for at, cell in enumerate(column) if at not in copies]
        for name, column in cells.items()
    }
    assert restored == dirt.as_text(rows).to_pydict()


@pytest.mark.parametrize("size", [1, 137, 4_000])
def test_cutting_the_rows_differently_changes_nothing(size: int) -> None:
    rows = lines(4_000 if size > 1 else 300)
    whole, listed = spoilt("lines", rows)
    parts, found, so_far = [], [], 0
    for start in range(0, rows.num_rows, size):
        part, defects_ = dirt.spoil(HEAVY, "lines", rows.slice(start, size), FILE, so_far, 7)
        so_far += part.num_rows
        parts.append(part)
        found.append(defects_)
    assert pa.concat_tables(parts).equals(whole)
    assert pa.concat_tables(found).sort_by("row").equals(listed.sort_by("row").combine_chunks())


def test_the_order_of_rows_changes_no_choice_and_another_seed_does() -> None:
    rows = lines(9_000)

    def chosen(table: pa.Table, seed: int = 7) -> set[tuple[str, ...]]:
        delivered, found = spoilt("lines", table, seed=seed)
        place = pc.subtract(found["row"], 1)
        columns = [delivered[name].take(place) for name in ("line_no", "ordered_at", "cost")]
        return set(zip(*(c.to_pylist() for c in [*columns, found["kind"]]), strict=True))

    once = chosen(rows)
    assert len(once) > 300
    assert chosen(rows.take(np.arange(9_000)[::-1])) == once
    assert len(chosen(rows, seed=8) & once) < 0.1 * len(once)  # by chance about one in 200


def test_text_tables_are_text_whether_spoilt_or_not() -> None:
    rows = lines(3)
    delivered, found = spoilt("lines", rows)
    assert found.num_rows == 0
    assert set(delivered.schema.types) == {pa.string()}
    assert delivered["amount"].to_pylist() == [str(cell) for cell in rows["amount"].to_pylist()]
    assert delivered["ordered_at"][0].as_py() == str(rows["ordered_at"][0].as_py())
    typed, _ = spoilt("market", market(120))
    assert typed.schema == market(120).schema


def test_a_late_file_is_not_spoilt() -> None:
    delivered, found = dirt.spoil(
        HEAVY, "lines", lines(2_000), "late/2025-01/part-0000.parquet", 0, 7
    )
    assert found.num_rows == 0
    assert delivered.equals(dirt.as_text(lines(2_000)))


def test_mistyped_ids_are_nobodys() -> None:
    rows = lines(30_000)
    _, found = spoilt("lines", rows)
    wrong = found.filter(pc.equal(found["kind"], "mistyped id"))
    known = {*rows["customer_id"].to_pylist(), *rows["product_id"].to_pylist()}
    assert not known & set(wrong["now"].to_pylist())
    assert {"XTEA"} < set(wrong["now"].to_pylist())  # an id without a zero


def test_money_is_what_the_accepted_amounts_differ_by() -> None:
    rows = lines(20_000)
    delivered, found = spoilt("lines", rows)
    copies = {d["row"] for d in found.to_pylist() if d["kind"] == "duplicate"}
    accepted = Decimal(0)
    for number, row in enumerate(delivered.to_pylist(), start=1):
        is_dated = row["ordered_at"][:4] > "1900" and row["ordered_at"][5:10] != "02-30"
        if number not in copies and row["order_id"] and is_dated and "O" not in row["amount"]:
            accepted += Decimal(row["amount"])
    true = pc.sum(rows["amount"]).as_py()
    assert accepted == true + pc.sum(found["money"]).as_py()
    assert accepted != true


def test_scores_settlements_and_dates_of_contacts_are_what_their_rules_look_for() -> None:
    rows = contacts(30_000)
    delivered, found = spoilt("contacts", rows)
    cells = delivered.to_pylist()
    for defect in found.to_pylist():
        row = cells[defect["row"] - 1]
        if defect["kind"] == "answer above the scale":
            assert float(row["score"]) > float(row["scale_max"])
        if defect["kind"] == "settled before it was made":
            assert row["resolved_at"] < row["at"]
        if defect["column"] == "at":
            assert row["at"][4:10] == "-02-30"
    assert {d["kind"] for d in found.to_pylist()} >= {
        "answer above the scale", "settled before it was made", "misspelt word",
    }  # fmt: skip


@pytest.mark.parametrize("count", [200, 300, 500, 1_000, 5_000])
def test_few_customers_never_have_more_duplicates_than_are_tolerated(count: int) -> None:
    shares = [
        float((draws.of("customers", customers(count), seed) < 0.004).mean()) for seed in range(200)
    ]
    assert max(shares) <= 0.01
    assert abs(np.mean(shares) - 0.004) < 4 * np.std(shares) / 200**0.5


def test_a_table_made_in_one_piece_has_a_defect_where_it_has_rows_enough() -> None:
    for seed in range(20):
        _, found = spoilt("market", market(100), seed=seed)
        assert found["now"].to_pylist()[0].startswith("-")
        assert found.num_rows == 1  # one in a hundred: still tolerated
    assert spoilt("market", market(99))[1].num_rows == 0
    assert spoilt("market", market(1_000))[1].num_rows == 4


@pytest.mark.parametrize("name", ["retailer", "supplier"])
@pytest.mark.parametrize("months", [12, 24, 36, 60])
def test_months_are_chosen_where_nothing_else_happens(name: str, months: int) -> None:
    made = company(name)
    clock = Clock(made.laws, months)
    plan = dirt.plan(made, clock, "heavy")
    assert plan.renamed_month is not None
    assert plan.late_month is not None
    assert plan.renamed_month != plan.late_month
    assert made.laws.incident
    busy = {clock.month_at(made.laws.incident.moment)}
    busy |= {clock.month_at(event.moment) for event in made.laws.events}
    for month in (plan.renamed_month, plan.late_month):
        assert 3 <= month < months - 3
        assert month not in busy


@pytest.mark.parametrize("name", ["retailer", "supplier"])
def test_the_region_in_another_encoding_has_letters_that_show_it(name: str) -> None:
    made = company(name)
    plan = dirt.plan(made, Clock(made.laws, 24), "light")
    towns = [town for town, region in made.regions.items() if region == plan.cp1252_region]
    assert not " ".join(towns).isascii()
    assert plan.encoding(str(plan.cp1252_region)) == "cp1252"
    others = set(made.regions.values()) - {plan.cp1252_region}
    assert {plan.encoding(region) for region in others} == {"utf-8"}
    assert (plan.renamed_month, plan.late_month) == (None, None)
    assert ("wallets" in plan.spared) == (made.accounts is None)


def test_a_short_window_has_no_month_to_spare() -> None:
    made = company("retailer")
    plan = dirt.plan(made, Clock(made.laws, 7), "heavy")
    assert (plan.renamed_month, plan.late_month) == (None, None)


def test_two_quiet_months_are_two_different_ones() -> None:
    made = replace(company("retailer"), laws=Laws())
    for months in (8, 9, 10):
        plan = dirt.plan(made, Clock(made.laws, months), "heavy")
        assert plan.renamed_month != plan.late_month


def test_an_unknown_level_names_the_known_ones() -> None:
    made = company("retailer")
    with pytest.raises(UsageError, match=r"no level of dirt 'havy'. Did you mean 'heavy'"):
        dirt.plan(made, Clock(made.laws, 24), "havy")  # type: ignore[arg-type]


def test_the_rates_leave_room_below_what_is_tolerated() -> None:
    for kind in KINDS:
        light, heavy = (kind.rate(level) for level in get_args(Level)[1:])
        assert 0 < light < heavy
        if kind.fate == "quarantined":
            assert heavy < 0.005
    for table in {kind.table for kind in KINDS}:
        assert sum(rate for _, rate in HEAVY.rates(table)) < 0.1


def test_what_is_wrong_with_a_file_is_one_row() -> None:
    late = dirt.file_defect(defects.LATE, "late/a.parquet", 12, cents=1_234, days=31).to_pylist()
    (row,) = late
    assert (row["row"], row["rows"], row["days"], str(row["money"])) == (None, 12, 31, "-12.34")
    assert (row["rule_id"], row["fate"]) == ("lines.no_long_gap", "late")
    renamed = dirt.file_defect(defects.RENAMED, "lines/a.parquet", 5)
    assert renamed.schema == dirt.DEFECTS
    assert renamed.to_pylist()[0]["now"] == "net_amount"
