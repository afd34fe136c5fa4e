"""Raw value → canonical type. What cannot be read becomes null and keeps its raw text beside it."""

from __future__ import annotations

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

_GROUPED = {
    ".": r"^[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)?(\.[0-9]+)?$",
    ",": r"^[+-]?([0-9]{1,3}([. '\x{00A0}][0-9]{3})+|[0-9]+)?(,[0-9]+)?$",
}
_GROUP_MARKS = {".": ",", ",": r"[. '\x{00A0}]"}
_OFFSET = r"[0-9]{2}:[0-9]{2}.*(Z|[+-][0-9]{2}:?[0-9]{2})$"
_MORE_SYMBOLS = {"CNY": ["元", "¥", "¥", "RMB"], "JPY": ["円", "¥", "¥"], "GBP": ["£"]}


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
    target = _ibis_type(column, dataset)
    if isinstance(raw, ir.StringValue):
        text = blank_to_null(raw)
        symbols = _symbols(dataset.currency) if column.type == "money" else []
        number = _plain_number(text, mapping.decimal, symbols)
        value = number.try_cast(dt.float64 if column.type == "count" else target)
        if column.type == "count":
            value = _whole(cast(ir.FloatingValue, value))
        return _checked(value, text)
    if isinstance(raw, (ir.IntegerValue, ir.DecimalValue, ir.FloatingValue)):
        if column.type == "count":
            return _checked(_whole(raw.cast(dt.float64)), raw.cast(dt.string))
        return _checked(raw.try_cast(target), _nan_to_null(raw).cast(dt.string))
    raise SourceError(f"'{column.name}' ({column.type}) cannot be made from {raw.type()} values.")


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
    unreadable = ibis.ifelse(value.isnull() & text.notnull(), text, ibis.null(dt.string))
    return Cast(value, cast(ir.StringValue, unreadable))


def blank_to_null(text: ir.StringValue) -> ir.StringValue:
    """Text without white space around it; null when nothing is left."""
    return cast(ir.StringValue, text.strip().nullif(""))


def as_text(raw: ir.Value) -> ir.StringValue:
    """Any value as text: ids read as floats lose their '.0', text keeps its leading zeros."""
    if isinstance(raw, ir.StringValue):
        return blank_to_null(raw)
    if isinstance(raw, ir.FloatingValue):
        whole = raw.cast(dt.int64).cast(dt.string)
        text = ibis.ifelse(raw == raw.floor(), whole, raw.cast(dt.string))
        return cast(ir.StringValue, ibis.ifelse(raw.isnan(), ibis.null(dt.string), text))
    return cast(ir.StringValue, raw.cast(dt.string))


def _nan_to_null(raw: ir.Value) -> ir.Value:
    if isinstance(raw, ir.FloatingValue):
        return cast(ir.Value, ibis.ifelse(raw.isnan(), ibis.null(raw.type()), raw))
    return raw


def _whole(value: ir.Value) -> ir.Value:
    """An integer, null where the number has a fraction."""
    number = cast(ir.FloatingValue, value)
    return cast(ir.Value, ibis.ifelse(number == number.floor(), number, ibis.null(dt.float64)).try_cast(dt.int64))


def _symbols(currency: str) -> list[str]:
    """How amounts in this currency may be marked. Another currency's sign makes a cell unreadable."""
    known = {get_currency_symbol(currency, locale) for locale in ("en", "en_US", "zh", "de", "fr")}
    return sorted({currency, *known, *_MORE_SYMBOLS.get(currency, [])}, key=len, reverse=True)


def _plain_number(text: ir.StringValue, decimal: str, symbols: list[str]) -> ir.StringValue:
    """The number in the engine's form; null unless sign, grouping and decimal mark are in place.

    '1,50' is never read as 150, '(12.50)' and '12.50-' are negative.
    """
    number = text
    for symbol in symbols:
        number = number.replace(symbol, "")
    number = cast(ir.StringValue, number.strip())
    number = number.re_replace(r"^\((.+)\)$", r"-\1").re_replace(r"^([^-].*)-$", r"-\1")
    number = cast(ir.StringValue, number.re_replace(r"^([+-])\s+", r"\1"))
    regular = number.re_search(_GROUPED[decimal]) & number.re_search("[0-9]")
    scientific = number.re_search(r"^[+-]?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+$")
    plain = number.re_replace(_GROUP_MARKS[decimal], "").replace(decimal, ".")
    value = ibis.cases((scientific, number), (regular, plain), else_=ibis.null(dt.string))
    return cast(ir.StringValue, value)


def _cast_time(raw: ir.Value, column: Column, mapping: Mapping, dataset: Dataset) -> Cast:
    zone = mapping.zone or dataset.time_zone
    text: ir.Value = raw
    if isinstance(raw, ir.TimestampValue):
        at = _localised(raw, zone, dataset.time_zone)
    elif isinstance(raw, ir.DateValue):
        at = raw.cast(dt.timestamp)
    elif mapping.format:
        text = as_text(raw)
        formats = ibis.array([ibis.literal(form) for form in mapping.format])
        at = engine.change_zone(engine.try_strptime(text, formats), zone, dataset.time_zone)
    elif isinstance(raw, ir.StringValue):
        text = blank_to_null(raw)
        at = _iso_time(text, zone, dataset.time_zone)
    else:
        raise SourceError(
            f"'{column.name}' is a {column.type}, but '{mapping.from_}' holds {raw.type()} values. "
            'Say how to read them, for example `format: "%Y%m%d"`.'
        )
    value = at.cast(dt.date) if column.type == "day" else at.cast(dt.timestamp)
    if isinstance(raw, (ir.TimestampValue, ir.DateValue)):
        return Cast(value, None)
    return _checked(value, text)


def _localised(at: ir.TimestampValue, zone: str, to: str) -> ir.TimestampValue:
    kind = cast(dt.Timestamp, at.type())
    return engine.local_time(at, to) if kind.timezone else engine.change_zone(at, zone, to)


def _iso_time(text: ir.StringValue, zone: str, to: str) -> ir.TimestampValue:
    """ISO text; one that states its own offset from UTC is taken at its word."""
    offset = text.re_search(_OFFSET)
    zoned = engine.local_time(text.try_cast(dt.Timestamp(timezone="UTC")), to)
    plain = engine.change_zone(cast(ir.TimestampValue, text.try_cast(dt.timestamp)), zone, to)
    return cast(ir.TimestampValue, ibis.ifelse(offset, zoned, plain))
