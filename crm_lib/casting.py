"""Raw value → canonical type. What cannot be read becomes null and keeps its raw text beside it."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import cast

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from babel.numbers import get_currency_symbol

from crm_lib import engine
from crm_lib.dataset import Dataset, Mapping
from crm_lib.errors import SourceError
from crm_lib.schema import Column

_GROUP_MARKS = {".": r"[,'’ \x{00A0}\x{202F}]", ",": r"[.'’ \x{00A0}\x{202F}]"}
_NUMBER = {
    decimal: rf"^[+-]?([0-9]{{1,3}}({mark}[0-9]{{3}})+|[0-9]+)?([{decimal}][0-9]+)?$"
    for decimal, mark in _GROUP_MARKS.items()
}
_SCIENTIFIC = r"^[+-]?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+$"
OFFSET = r"[0-9]{2}:[0-9]{2}.*( ?Z| ?UTC| ?GMT|[+-][0-9]{2}(:?[0-9]{2})?)$"
_NO_SECONDS = r"([ T][0-9]{2}:[0-9]{2})( ?Z| ?UTC| ?GMT|[+-][0-9:]+)$"
_TIME_OF_DAY = re.compile("%-?[HIXcT]")
_ISO = r"^[0-9]{4}[-/]"
SIGNS = {
    "€": ["EUR"], "EUR": ["EUR"], "£": ["GBP"], "GBP": ["GBP"], "US$": ["USD"], "USD": ["USD"],
    "$": ["USD", "CAD", "AUD", "MXN", "NZD", "SGD", "HKD"], "¥": ["CNY", "JPY"],
    "￥": ["CNY", "JPY"], "元": ["CNY"], "RMB": ["CNY"], "CNY": ["CNY"], "円": ["JPY"],
    "JPY": ["JPY"], "CHF": ["CHF"], "Fr.": ["CHF"], "SFr.": ["CHF"], "kr": ["SEK", "NOK", "DKK"],
    "zł": ["PLN"], "Kč": ["CZK"], "₹": ["INR"], "R$": ["BRL"], "₩": ["KRW"], "₽": ["RUB"], "₺": ["TRY"],
}  # fmt: skip
"""What stands beside amounts, and the currencies it may mean, likeliest first."""


@dataclass(frozen=True)
class Cast:
    """A cast column: its value, and the raw text where it could not be read (None: cannot fail)."""

    value: ir.Value
    unreadable: ir.StringValue | None


def cast_column(raw: ir.Value, column: Column, mapping: Mapping, dataset: Dataset) -> Cast:
    """`raw` as the type that `column` declares.

    Raises SourceError when the raw type can never become it (a number as a day, without format).
    """
    if raw.type().is_null():
        return Cast(raw.cast(_ibis_type(column, dataset)), None)
    if column.type == "text":
        return Cast(as_text(raw), None)
    if column.type in ("day", "time"):
        return _cast_time(raw, column, mapping, dataset)
    return _cast_number(raw, column, mapping, dataset)


def _ibis_type(column: Column, dataset: Dataset) -> dt.DataType:
    return {
        "text": dt.string,
        "day": dt.date,
        "time": dt.timestamp,
        "money": dt.Decimal(18, dataset.money_decimals),
        "number": dt.float64,
        "count": dt.int64,
    }[column.type]


def _checked(value: ir.Value, text: ir.Value) -> Cast:
    unreadable = ibis.ifelse(value.isnull(), text, ibis.null(dt.string))
    return Cast(value, cast(ir.StringValue, unreadable))


def masked(cell: str) -> str:
    """The form of a cell that cannot be read, fit to be shown: its letters become x.

    Where the cells of a row have slipped, what stands in place of an amount may be a person's name;
    "12.5O" is still seen to be no number.
    """
    return "".join("x" if char.isalpha() else char for char in cell)


def blank_to_null(text: ir.StringValue) -> ir.StringValue:
    """Text without white space around it; null when nothing is left."""
    # To see that there is nothing to trim takes a fifth of the time of trimming. Before "!" comes what is
    # empty or begins with white space.
    is_open = ibis.or_(text < "!", *(text.endswith(mark) for mark in string.whitespace))
    return cast(ir.StringValue, ibis.ifelse(is_open, text.strip().nullif(""), text))


def as_text(raw: ir.Value) -> ir.StringValue:
    """Any value as text: ids read as floats lose their '.0', text keeps its leading zeros."""
    if isinstance(raw, ir.StringValue):
        return blank_to_null(raw)
    if isinstance(raw, (ir.FloatingValue, ir.DecimalValue)):
        whole = ibis.ifelse(raw % 1 == 0, raw.try_cast(dt.int64), ibis.null(dt.int64))
        text = ibis.coalesce(whole.cast(dt.string), _nan_to_null(raw).cast(dt.string))
        return cast(ir.StringValue, text)
    return cast(ir.StringValue, raw.cast(dt.string))


def _nan_to_null(raw: ir.Value) -> ir.Value:
    if isinstance(raw, ir.FloatingValue):
        return cast(ir.Value, ibis.ifelse(raw.isnan(), ibis.null(raw.type()), raw))
    return raw


def _cast_number(raw: ir.Value, column: Column, mapping: Mapping, dataset: Dataset) -> Cast:
    """A NaN is a missing number, as pandas writes it; an infinite one cannot be read."""
    target = _ibis_type(column, dataset)
    if _always_fits(raw.type(), target):
        return Cast(raw.cast(target), None)
    if isinstance(raw, ir.StringValue):
        text = blank_to_null(raw)
        number: ir.Value = plain_number(text, mapping.decimal, dataset.currency)
    elif isinstance(raw, (ir.IntegerValue, ir.DecimalValue, ir.FloatingValue)):
        number = _nan_to_null(raw)
        text = cast(ir.StringValue, number.cast(dt.string))
    else:
        raise SourceError(
            f"'{column.name}' ({column.type}) cannot be made from {raw.type()} values."
        )
    if column.type == "money":
        return _checked(number.try_cast(target), text)
    exact = cast(ir.FloatingValue, number.try_cast(dt.float64))
    value = cast(ir.FloatingValue, exact.isinf().ifelse(ibis.null(dt.float64), exact))
    if column.type == "count":
        whole = ibis.ifelse(value % 1 == 0, value, ibis.null(dt.float64))
        return _checked(whole.try_cast(target), text)
    return _checked(value, text)


def _always_fits(raw: dt.DataType, target: dt.DataType) -> bool:
    """Is there no value of type `raw` that `target` could not hold to the last digit?"""
    if isinstance(raw, dt.Decimal) and isinstance(target, dt.Decimal):
        whole = (raw.precision or 0) - (raw.scale or 0)
        fits = whole <= (target.precision or 0) - (target.scale or 0)
        return fits and (raw.scale or 0) <= (target.scale or 0)
    return bool(raw.is_integer() and target.is_int64() and not raw.is_uint64())


def _symbols(currency: str) -> list[str]:
    """How amounts in this currency may be marked. Another currency's sign makes a cell unreadable."""
    locales = ("en", "en_US", "en_AU", "zh", "de", "fr", "ja")
    known = {get_currency_symbol(currency, locale) for locale in locales}
    signs = {sign for sign, currencies in SIGNS.items() if currency in currencies}
    return sorted({currency, *known, *signs}, key=len, reverse=True)


def plain_number(text: ir.StringValue, decimal: str, currency: str) -> ir.StringValue:
    """The number in the engine's form; null unless sign, grouping and decimal mark are in place.

    '1,50' is never read as 150; '(12.50)' and '12.50-' are negative. The sign of `currency` may
    stand before or after the number.
    """
    sign = "|".join(re.escape(symbol) for symbol in _symbols(currency))
    number = text
    for _ in range(2):  # "$(12.50)" and "($12.50)": the sign outside or inside
        number = number.re_replace(rf"^([+-]?)\s*(?:{sign})\s*(.*)$", r"\1\2")
        number = number.re_replace(rf"^(.*?)\s*(?:{sign})(-?)$", r"\1\2")
        number = number.re_replace(r"^\((.+)\)$", r"-\1")
    number = number.re_replace(r"^([^-].*?)\s*[-−]$", r"-\1")
    number = cast(ir.StringValue, number.re_replace(r"^([+\-−])\s*", r"\1").replace("−", "-"))
    regular = number.re_search(_NUMBER[decimal]) & number.re_search("[0-9]")
    plain = number.re_replace(_GROUP_MARKS[decimal], "").replace(decimal, ".")
    value = ibis.cases(
        (number.re_search(_SCIENTIFIC), number), (regular, plain), else_=ibis.null(dt.string)
    )
    return cast(ir.StringValue, value)


def _cast_time(raw: ir.Value, column: Column, mapping: Mapping, dataset: Dataset) -> Cast:
    zone = mapping.zone or dataset.time_zone
    kind = dt.date if column.type == "day" else dt.timestamp
    if isinstance(raw, ir.DateValue):
        return Cast(raw.cast(kind), None)
    if isinstance(raw, ir.TimestampValue):
        return Cast(_localised(raw, zone, dataset.time_zone).cast(kind), None)
    if mapping.format:
        text = as_text(raw)
        at = _formatted_time(text, mapping.format, zone, dataset.time_zone)
    elif isinstance(raw, ir.StringValue):
        text = blank_to_null(raw)
        at = _iso_time(text, zone, dataset.time_zone)
    else:
        raise SourceError(
            f"'{column.name}' is a {column.type}, but '{mapping.from_}' holds {raw.type()} values. "
            'Say how to read them, for example `format: "%Y%m%d"`.'
        )
    # A year of two digits that was read as one of four: no company has rows of the year 17.
    plausible = cast(ir.TimestampValue, (at.year() >= 1000).ifelse(at, ibis.null(dt.timestamp)))
    return _checked(plausible.cast(kind), text)


def _localised(at: ir.TimestampValue, zone: str, to: str) -> ir.TimestampValue:
    kind = cast(dt.Timestamp, at.type())
    return engine.local_time(at, to) if kind.timezone else engine.change_zone(at, zone, to)


def _formatted_time(
    text: ir.StringValue, formats: list[str], zone: str, to: str
) -> ir.TimestampValue:
    """The time by the first format that fits.

    A format with an offset (`%z`) is taken at its word; one without a time of day has no zone to
    leave. No text fits two of these kinds, so that the order of formats counts within each only.
    """
    kinds: dict[str, list[str]] = {"offset": [], "time": [], "date": []}
    for form in formats:
        kind = "offset" if "%z" in form else "time" if _TIME_OF_DAY.search(form) else "date"
        kinds[kind].append(form)
    parts: list[ir.Value] = []
    for kind, fitting in kinds.items():
        if fitting:
            at = engine.try_strptime(text, ibis.array([ibis.literal(form) for form in fitting]))
            if kind == "offset":
                at = engine.local_time(at, to)
            parts.append(engine.change_zone(at, zone, to) if kind == "time" else at)
    return cast(ir.TimestampValue, ibis.coalesce(*parts))


def _iso_time(text: ir.StringValue, zone: str, to: str) -> ir.TimestampValue:
    """ISO text; one that states its own offset from UTC is taken at its word."""
    plain = cast(ir.TimestampValue, text.try_cast(dt.timestamp))
    whole = text.re_replace(_NO_SECONDS, r"\1:00\2")
    zoned = cast(ir.TimestampValue, whole.try_cast(dt.Timestamp(timezone="UTC")))
    at = ibis.cases(
        (~text.re_search(_ISO), ibis.null(dt.timestamp)),
        (text.re_search(OFFSET), engine.local_time(zoned, to)),
        (text.contains(":"), engine.change_zone(plain, zone, to)),
        else_=plain,
    )
    return cast(ir.TimestampValue, at)
