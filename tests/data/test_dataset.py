"""`dataset.yml`: every fault is named with its place and what there is instead."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from crm_lib import dataset
from crm_lib.errors import UsageError
from tests.data.conftest import Workshop

GOOD = """
title: Shop
currency: EUR
observed_from: 2023-01-01
warm_up_days: 31
default_as_of: 2024-01-01
tables:
  lines:
    source: {files: data/shop/lines.csv, delimiter: ";"}
    columns:
      customer_id: customer
      order_id: order
      ordered_at: {from: day, format: "%d.%m.%Y", zone: UTC}
      amount: {from: amount, decimal: ","}
  customers:
    sources:
      who: {files: data/shop/who.csv}
    query: SELECT * FROM who
    columns: {customer_id: id}
    attributes: {tier: tier}
  events:
    source: {files: data/shop/events.csv}
    columns: {on: day, what: what}
"""


def read(workshop: Workshop, text: str) -> dataset.Dataset:
    workshop.put("dataset.yml", text)
    return dataset.load("shop")


def test_a_good_file_is_read(workshop: Workshop) -> None:
    shop = read(workshop, GOOD)
    assert shop.name == "shop"
    assert shop.warm_up_ends == date(2023, 2, 1)
    assert shop.tables["lines"].columns["ordered_at"].format == ["%d.%m.%Y"]
    assert shop.tables["lines"].columns["amount"].decimal == ","
    assert shop.supplies("customers") == ("customer_id", "tier")
    assert shop.supplies("events") == ("on", "what")  # `on` is a word, not a yes
    assert shop.supplies("products") == ()


def test_a_byte_order_mark_does_no_harm(workshop: Workshop) -> None:
    workshop.put("dataset.yml", GOOD, "utf-8-sig")
    assert dataset.load("shop").title == "Shop"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("currency:", "curency:", r"key 'curency'. Did you mean 'currency'.*week_start"),
        ("  lines:", "  line:", "canonical table 'line'. Did you mean 'lines'"),
        ("    source: {files: data/shop/lines.csv, delim", "    sorce: {files: x, delim",
         r"tables.lines.sorce: There is no key 'sorce'. Did you mean 'source'.*attributes"),
        ("delimiter:", "delimitr:", r"source.delimitr.*Did you mean 'delimiter'.*encoding"),
        ("who: {files:", "who: {file:", r"sources.who.file.*Did you mean 'files'"),
        ("format:", "fromat:", r"ordered_at.fromat.*Did you mean 'format'.*from, format, zone"),
        ("customer_id: customer", "customer: customer",
         "column of 'lines' 'customer'. Did you mean 'customer_id'"),
        ("customer_id: id", "customer_id: id, tier: tier", "column of 'customers' 'tier'.*attributes"),
        ("      order_id: order\n", "", "'lines' needs order_id"),
        ("customer_id: customer", "customer_id:", "customer_id: is empty; write the raw column"),
        ("customer_id: customer", "customer_id: {format: x}", r"customer_id.from: is missing"),
        ("currency: EUR", "currency: Euro", "'Euro' is not a currency code"),
        ("currency: EUR", "currency: GPB", "'GPB' is not a currency code. Did you mean 'GBP'"),
        ("currency: EUR", "currency: usd", "'usd' is not a currency code. Did you mean 'USD'"),
        ("currency: EUR", "currency: QQQ", "'QQQ' is not a currency code. Write an ISO 4217 code"),
        ("currency: EUR", "currency:", "'None' is not a currency code"),
        ("title: Shop\n", "", "title: is missing"),
        ("zone: UTC", "zone: New York", r"no time zone 'New York'. Did you mean 'America/New_York'"),
        ("title: Shop", "title: Shop\ntime_zone: Europe/Berln", "Did you mean 'Europe/Berlin'"),
        ("title: Shop", "title: Shop\nweek_start: Monday", "week_start: Input should be 'monday'"),
        ("title: Shop", "title: Shop\ntitle: Other", "'title' is given more than once"),
        ("      order_id: order", "      order_id: order\n      order_id: basket", "more than once"),
        ("%d.%m.%Y", "dd.mm.yyyy", "'dd.mm.yyyy' is not a date format; 31/12/2017 is \"%d/%m/%Y\""),
        ("%d.%m.%Y", "%d.%m.%Q", "'%d.%m.%Q' is not a date format"),
        ('delimiter: ";"', 'delimiter: "::"', "'::' is not one character"),
        ('decimal: ","', 'decimal: ";"', "decimal: Input should be '.' or ','"),
        ("default_as_of: 2024", "default_as_of: 2022", "default_as_of .2022-01-01. must be later"),
        ("default_as_of: 2024-01-01", "default_as_of: soon", "default_as_of: Input should be a valid"),
        ("    query: SELECT * FROM who\n", "", "`sources:` and `query:` go together"),
        ("{files: data/shop/events.csv}", "{package: x}", "a source needs `files:`"),
        ("{files: data/shop/events.csv}", "{duckdb: x}", "needs `table: NAME`"),
        ("title: Shop", "title: [Shop", "is not valid YAML"),
        ("    columns: {on: day, what: what}", "    columns: {on: day, what: what}\n    attributes: {a: b}",
         "'events' takes no `attributes:`"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_what_there_is_instead(
    workshop: Workshop, old: str, new: str, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=message) as error:
        read(workshop, GOOD.replace(old, new))
    assert str(error.value).startswith("data/shop/dataset.yml")


@pytest.mark.parametrize(("code", "known"), [("EUR", True), ("CNY", True), ("XXX", False)])
def test_the_code_for_no_currency_is_read_and_told_apart(
    workshop: Workshop, code: str, known: bool
) -> None:
    shop = read(workshop, GOOD.replace("EUR", code))
    assert (shop.currency, shop.currency_known) == (code, known)


MAP = """
segments:
  - {name: Best, recency: [4, 5], frequency: [1, 5]}
  - {name: Rest, recency: [1, 3], frequency: [1, 5]}
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MAP.replace("name: Rest, recency", "name: Rest, recancy"),
         "segments: There is no key 'recancy'. Did you mean 'recency'"),
        (MAP.replace(", frequency: [1, 5]}\n  -", "}\n  -"), "segments: the rule .*Best.* needs frequency"),
        (MAP.replace("[1, 3]", "[1, 2]"), "segments: 5 of 25 combinations of scores belong to no segment"),
        (MAP.replace("[1, 3]", "[1, 4]"), "segments: 5 of 25 combinations .* several segments"),
        (MAP.replace("[1, 3]", "[0, 3]"), r"'Rest' has recency \[0, 3\]; scores go from 1 to 5"),
        ("stages: {dorment: 4}", "stages: There is no threshold 'dorment'. Did you mean 'dormant'"),
        ("stages: {dormant: 7}", "stages: the limits must rise: .*not 1.5, 7, 6"),
        ("stages: {at_risk: -1}", "stages: at_risk: Input should be greater than 0"),
        ("stages: {lost: soon}", "stages.lost: Input should be a valid number"),
        ("stage: {lost: 5}", "key 'stage'. Did you mean 'stages'"),
    ],
)  # fmt: skip
def test_a_fault_in_the_segments_or_the_stages_is_found_at_load(
    workshop: Workshop, text: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as error:
        read(workshop, f"{GOOD}\n{text}\n")
    assert str(error.value).startswith("data/shop/dataset.yml")
    assert error.value.exit_code == 2


def test_segments_and_stages_of_ones_own_are_read(workshop: Workshop) -> None:
    shop = read(workshop, f"{GOOD}\n{MAP}\nstages: {{lost: 9}}\n")
    assert shop.segment_map.names == ("Best", "Rest")
    assert (shop.thresholds.dormant, shop.thresholds.lost) == (3.0, 9.0)


def test_several_faults_are_named_at_once(workshop: Workshop) -> None:
    text = GOOD.replace("title:", "titel:").replace("EUR", "Euro")
    with pytest.raises(UsageError, match=r"(?s)title: is missing.*titel.*Euro|Euro.*titel"):
        read(workshop, text)


def test_an_empty_file_and_an_unknown_name(workshop: Workshop) -> None:
    with pytest.raises(UsageError, match="is empty; `crm init` writes one"):
        read(workshop, "# nothing yet\n")
    with pytest.raises(UsageError, match=r"no data set 'shup'. Did you mean 'shop'"):
        dataset.load("shup")
    with pytest.raises(UsageError, match=r"no data set '../shop'"):
        dataset.load("../shop")


def test_the_data_sets_that_ship_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_HOME", str(Path(__file__).resolve().parents[2]))
    for name in ("cdnow", "completejourney", "online_retail"):
        assert dataset.load(name).default_as_of > dataset.load(name).observed_from
