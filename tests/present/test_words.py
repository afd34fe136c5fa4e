"""Numbers, dates and sentences as a reader sees them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from string import Formatter
from typing import cast

import numpy as np
import pandas as pd
import pytest

from crm_lib.errors import UsageError
from crm_lib.periods import Window
from crm_lib.present import words
from crm_lib.present.words.catalogue import SENTENCES


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (words.money(4596039.58, "USD"), "$4,596,040"),
        (words.money(Decimal("4596039.58"), "USD", digits=2), "$4,596,039.58"),
        (words.money(28.541, "USD"), "$28.54"),
        (words.money(-21000, "GBP", compact=True), "−£21K"),
        (words.money(4596039.58, "USD", compact=True), "$4.6M"),
        (words.money(999.5, "GBP", compact=True), "£999.50"),
        (words.money(999_999, "GBP", compact=True), "£1M"),
        (words.count(999_999_999, compact=True), "1B"),
        (words.money(1234.5, "JPY"), "¥1,234"),
        (words.count(1469307), "1,469,307"),
        (words.count(np.int64(1469307), compact=True), "1.47M"),
        (words.percent(0.1763), "17.6%"),
        (words.points(-0.0124), "−1.2 points"),
        (words.points(0.0), "0.0 points"),
        (words.change(0.05, "money"), "+5.0%"),
        (words.change(0.05, "percent"), "+5.0 points"),
        (words.change(-0.0001, "count"), "0.0%"),
        (words.days(1), "1 day"),
        (words.days(12.4), "12 days"),
        (words.stay(1180), "1,180 days"),
        (words.stay(14786), "more than 10 years"),
        (words.counted(1, "customer"), "1 customer"),
        (words.counted(0, "customer"), "0 customers"),
        (words.counted(2, "category", "categories"), "2 categories"),
        (words.month(dt.date(2017, 9, 1), short=True), "Sep 2017"),
        (words.day(dt.date(2017, 12, 31)), "31 December 2017"),
        (words.day("2017-12-31"), "31 December 2017"),
        (words.in_words(Window(dt.date(2024, 1, 3), dt.date(2024, 1, 4))), "3 January 2024"),
        (words.during(Window(dt.date(2024, 1, 3), dt.date(2024, 1, 4))), "on 3 January 2024"),
        (
            words.during(Window(dt.date(2024, 1, 3), dt.date(2024, 1, 5))),
            "from 3 January 2024 to 4 January 2024",
        ),
        (str(Window(dt.date(2024, 1, 3), dt.date(2024, 1, 4))), "2024-01-03"),
        (words.moment("2018-01-03T06:00:00+00:00"), "3 Jan 2018, 06:00 UTC"),
        (words.listed(["a", "b", "c"]), "a, b and c"),
        (words.listed(["a"]), "a"),
        (words.listed([]), ""),
    ],
)
def test_numbers_and_dates_read_well(shown: str, expected: str) -> None:
    assert shown == expected


def test_what_is_no_day_is_said_to_be_none() -> None:
    for wrong in ("3 January", 5):
        with pytest.raises(UsageError, match=f"The day '{wrong}' is not a date"):
            words.day(cast(str, wrong))


def test_as_of_is_exclusive_so_the_last_observed_day_is_the_day_before() -> None:
    assert words.through("2018-01-01") == "31 December 2017"
    assert words.through(dt.date(2020, 3, 1)) == "29 February 2020"


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf"), pd.NA, pd.NaT])
@pytest.mark.parametrize("unit", words.UNITS)
def test_a_missing_value_is_a_dash_in_every_unit(nothing: object, unit: str) -> None:
    assert words.value(nothing, unit, "USD") == "–"
    assert words.bare(nothing, unit) == "–"


def test_money_needs_a_currency_that_exists() -> None:
    with pytest.raises(UsageError, match="needs a currency"):
        words.value(1, "money")
    with pytest.raises(UsageError, match=r"ISO 4217"):
        words.money(1, "DOLLAR")


def test_a_misspelt_unit_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'percent'"):
        words.value(1, "per_cent")


def test_a_sentence_takes_exactly_its_fields_as_text() -> None:
    assert words.say("table.more", rows="3 rows") == "… and 3 rows not shown."
    with pytest.raises(UsageError, match=r"Did you mean 'table.more'"):
        words.say("table.moer", rows="3 rows")
    with pytest.raises(UsageError, match=r"takes the fields rows; it was given none"):
        words.say("table.more")
    with pytest.raises(UsageError, match="it was given n, rows"):
        words.say("table.more", rows="3 rows", n="3")
    with pytest.raises(UsageError, match=r"'rows' .* is int, not text"):
        words.say("table.more", rows=3)  # type: ignore[arg-type]


def test_all_sentences_use_named_fields_without_arithmetic_or_formats() -> None:
    for key, sentence in SENTENCES.items():
        for _, name, spec, conversion in Formatter().parse(sentence):
            assert name is None or name.isidentifier(), f"{key}: field '{name}'"
            assert not spec, f"{key}: numbers are formatted before they come here"
            assert not conversion, key


def test_a_message_says_its_windows_and_days_as_the_page_does() -> None:
    window = Window(dt.date(2024, 11, 1), dt.date(2025, 1, 1))
    assert words.plain_days(f"{window} holds fewer.") == "November–December 2024 holds fewer."
    assert words.plain_days("10 of 20, known before 2024-01-02") == (
        "10 of 20, known before 2 January 2024"
    )
