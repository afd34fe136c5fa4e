"""Numbers and dates as a reader sees them: one place for the locale, the digits and the minus sign.

Shares and changes come in as fractions (0.05 is five per cent). A missing number is a dash.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, SupportsFloat

from babel.dates import format_date
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    get_currency_precision,
    get_currency_symbol,
    is_currency,
)

from crm_lib import errors
from crm_lib.periods import YEAR_DAYS, Window, parse_day

# Dates in the British order; currency signs of international English ($, £, €, CN¥).
DATE_LOCALE = "en_GB"
NUMBER_LOCALE = "en"
MISSING = "–"
MINUS = "−"
# From here on, cents are noise beside the whole units.
WHOLE_UNITS_FROM = 1000
_DAY = re.compile(r"\b(\d{4}-\d\d-\d\d)\b")
_WINDOW = re.compile(rf"{_DAY.pattern} – {_DAY.pattern}")
"""Days and windows as messages have them: ISO 8601, and as `str(Window)`."""

Numeric = SupportsFloat | None


def is_missing(x: object) -> bool:
    """True for None, NaN, NaT, pandas.NA and infinities: what has no value to show."""
    if x is None or type(x).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(x, SupportsFloat) and not isinstance(x, str) and not math.isfinite(float(x))


def _decimal(x: SupportsFloat, digits: int) -> str:
    """Thousands separated, exactly `digits` decimals, a true minus sign and no minus zero."""
    rounded = round(float(x), digits) + 0.0
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(rounded, format=pattern, locale=NUMBER_LOCALE).replace("-", MINUS)


def known_currency(currency: str | None) -> str:
    """The currency's ISO code, or an error that says how to write it."""
    if not currency:
        raise errors.UsageError("An amount of money needs a currency, for example currency='USD'.")
    if not is_currency(currency):
        raise errors.UsageError(
            f"'{currency}' is no ISO 4217 currency code (such as USD, GBP, CNY)."
        )
    return currency


def money(x: Numeric, currency: str, compact: bool = False, digits: int | None = None) -> str:
    """`money(1234.5, "GBP")` → "£1,235"; compact → "£1.23K". Cents are shown below 1,000 units."""
    known_currency(currency)
    if x is None or is_missing(x):
        return MISSING
    amount = float(x)
    if compact and abs(amount) >= WHOLE_UNITS_FROM:
        amount, decimals = _compact(amount)
        text = format_compact_currency(
            amount, currency, locale=NUMBER_LOCALE, fraction_digits=decimals
        )
        return text.replace("-", MINUS)
    if digits is None:
        digits = 0 if abs(amount) >= WHOLE_UNITS_FROM else get_currency_precision(currency)
    pattern = "¤#,##0" + ("." + "0" * digits if digits else "")
    text = format_currency(
        round(amount, digits) + 0.0,
        currency,
        format=pattern,
        locale=NUMBER_LOCALE,
        currency_digits=False,
    )
    return text.replace("-", MINUS)


def _compact(amount: float) -> tuple[float, int]:
    """The amount to three significant digits, and the decimals that shows: 4.65M, 46.5K, 465K.

    Rounded first, so that 999,999 is 1M and not 1000K.
    """
    rounded = float(f"{amount:.3g}")
    return rounded, 2 - int(math.log10(abs(rounded))) % 3


def count(x: Numeric, compact: bool = False) -> str:
    """`count(1469307)` → "1,469,307"; compact → "1.47M"."""
    if x is None or is_missing(x):
        return MISSING
    number = float(x)
    if compact and abs(number) >= 100_000:
        rounded, digits = _compact(number)
        return format_compact_decimal(
            rounded, locale=NUMBER_LOCALE, fraction_digits=digits
        ).replace("-", MINUS)
    return _decimal(number, 0)


def percent(x: Numeric, digits: int = 1) -> str:
    """A share as per cent: `percent(0.176)` → "17.6%". What is there never rounds to none, nor part to all."""
    if x is None or is_missing(x):
        return MISSING
    share, least = float(x) * 100, 10**-digits
    if 0 < share < least / 2:
        return f"<{_decimal(least, digits)}%"
    if 100 - least / 2 < share < 100:
        return f">{_decimal(100 - least, digits)}%"
    return _decimal(share, digits) + "%"


def points(x: Numeric, digits: int = 1) -> str:
    """A difference of two shares: `points(-0.012)` → "−1.2 points", always with its sign."""
    if x is None or is_missing(x):
        return MISSING
    return f"{_signed(float(x) * 100, digits)} points"


def change(x: Numeric, unit: str, digits: int = 1) -> str:
    """A change with its sign: relative ("+5.0%"), in points where the number itself is a share."""
    if x is None or is_missing(x):
        return MISSING
    if unit in {"percent", "points"}:
        return points(x, digits)
    return _signed(float(x) * 100, digits) + "%"


def _signed(x: float, digits: int) -> str:
    text = _decimal(x, digits)
    return f"+{text}" if round(x, digits) > 0 else text


def ratio(x: Numeric, digits: int = 2) -> str:
    """A plain quotient such as orders a customer: `ratio(4.159)` → "4.16"."""
    return MISSING if x is None or is_missing(x) else _decimal(x, digits)


def days(x: Numeric, digits: int = 0) -> str:
    """`days(12)` → "12 days"."""
    return _with_noun(x, digits, "day")


LONGEST_STAY_YEARS = 10


def stay(x: Numeric) -> str:
    """An expected time: `stay(118)` → "118 days"; beyond ten years only that it is longer."""
    if x is None or is_missing(x) or float(x) <= LONGEST_STAY_YEARS * YEAR_DAYS:
        return days(x)
    return f"more than {LONGEST_STAY_YEARS} years"


def months(x: Numeric, digits: int = 0) -> str:
    """`months(1)` → "1 month"."""
    return _with_noun(x, digits, "month")


def _with_noun(x: Numeric, digits: int, noun: str) -> str:
    if x is None or is_missing(x):
        return MISSING
    text = _decimal(x, digits)
    return f"{text} {noun}" if text == "1" else f"{text} {noun}s"


def counted(n: Numeric, one: str, many: str | None = None) -> str:
    """A number and its noun: `counted(1, "customer")` → "1 customer"; `many` for irregular plurals."""
    text = count(n)
    return f"{text} {one}" if text == "1" else f"{text} {many or one + 's'}"


def day(date: dt.date | str | None) -> str:
    """`day(date(2017, 12, 31))`, or of ISO text → "31 December 2017". Raises UsageError for no day."""
    if date is None or is_missing(date):
        return MISSING
    return format_date(parse_day(date), "d MMMM y", locale=DATE_LOCALE)


def month(date: dt.date | None, short: bool = False) -> str:
    """`month(date(2017, 12, 1))` → "December 2017"; short → "Dec 2017"."""
    if is_missing(date):
        return MISSING
    # British English abbreviates September with four letters, which no axis has room for.
    return format_date(date, "MMM y" if short else "MMMM y", locale=NUMBER_LOCALE)


def in_words(window: Window) -> str:
    """A window as short as it can be said, its last day included; one day as a day.

    Whole months by name: "December 2017", "July–September 2017", "November 2016–January 2017".
    """
    start, end, last = window.start, window.end, window.last_day
    if window.days == 1:
        return day(start)
    if start.day != 1 or end.day != 1:
        return f"{day(start)} – {day(last)}"
    if (start.year, start.month) == (last.year, last.month):
        return month(start)
    first = format_date(
        start, "MMMM" if start.year == last.year else "MMMM y", locale=NUMBER_LOCALE
    )
    return f"{first}–{month(last)}"


def during(window: Window) -> str:
    """A window within a sentence: "in July–September 2017", "from 2 July 2017 to 9 August 2017", "on 2 July 2017"."""
    if window.start.day == 1 and window.end.day == 1:
        return f"in {in_words(window)}"
    if window.days == 1:
        return f"on {day(window.start)}"
    return f"from {day(window.start)} to {day(window.last_day)}"


def plain_days(text: str) -> str:
    """A message with its windows and days as a page says them: "2024-11-01 – 2024-12-31" → "November–December 2024"."""
    windows = _WINDOW.sub(lambda found: in_words(_window(*found.groups())), text)
    return _DAY.sub(lambda found: day(dt.date.fromisoformat(found[0])), windows)


def _window(start: str, last: str) -> Window:
    end = dt.date.fromisoformat(last) + dt.timedelta(days=1)
    return Window(dt.date.fromisoformat(start), end)


def through(as_of: dt.date | str) -> str:
    """The last observed day in words; `as_of` itself is excluded: 2018-01-01 → "31 December 2017"."""
    end = dt.date.fromisoformat(as_of[:10]) if isinstance(as_of, str) else as_of
    return day(end - dt.timedelta(days=1))


def moment(text: str) -> str:
    """A moment written as ISO text: "2018-01-03T06:00:00+00:00" → "3 Jan 2018, 06:00 UTC"; "" stays."""
    if not text:
        return ""
    when = dt.datetime.fromisoformat(text)
    zone = f" {when.tzname()}" if when.tzinfo else ""
    return f"{format_date(when, 'd MMM y', locale=NUMBER_LOCALE)}, {when:%H:%M}{zone}"


def listed(words: Sequence[str]) -> str:
    """`["a", "b", "c"]` → "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


# unit → (what a column's head says, decimals in a cell, factor between the value and what is shown)
_NUMERIC: dict[str, tuple[str, int, float]] = {
    "count": ("", 0, 1),
    "percent": ("%", 1, 100),
    "points": ("points", 1, 100),
    "days": ("days", 0, 1),
    "months": ("months", 0, 1),
    "years": ("years", 1, 1),
    "seconds": ("s", 1, 1),
    "ratio": ("", 2, 1),
    "orders": ("orders", 2, 1),
    "score": ("", 0, 1),
}
_OTHER: dict[str, Callable[[Any], str]] = {
    "text": str,
    "formatted": str,
    "date": lambda x: x if isinstance(x, str) else day(x),
    "month": lambda x: x if isinstance(x, str) else month(x, short=True),
}
UNITS = ("money", *_NUMERIC, *_OTHER)


def check_unit(unit: str) -> str:
    """The unit itself, or an error with the known ones."""
    if unit not in UNITS:
        raise errors.UsageError(errors.unknown("unit", unit, UNITS))
    return unit


def is_numeric(unit: str) -> bool:
    """True where values of the unit are numbers (aligned right, compared with each other)."""
    return check_unit(unit) not in _OTHER or unit == "formatted"


def unit_label(unit: str, currency: str | None = None) -> str:
    """What a column's head or an axis adds to the name: "$", "%", "days", or nothing for counts."""
    check_unit(unit)
    if unit == "money":
        return get_currency_symbol(known_currency(currency), locale=NUMBER_LOCALE)
    return _NUMERIC[unit][0] if unit in _NUMERIC else ""


def bare(x: Any, unit: str, digits: int | None = None) -> str:
    """The number without its unit, which the column's head carries."""
    check_unit(unit)
    if is_missing(x):
        return MISSING
    if unit in _OTHER:
        return _OTHER[unit](x)
    if unit == "money":
        return _decimal(x, 2 if digits is None else digits)
    _, usual, factor = _NUMERIC[unit]
    return _decimal(float(x) * factor, usual if digits is None else digits)


def value(x: Any, unit: str, currency: str | None = None, compact: bool = False) -> str:
    """The number with its unit, as it stands in a sentence or on a card."""
    check_unit(unit)
    if is_missing(x):
        return MISSING
    if unit == "money":
        return money(x, known_currency(currency), compact)
    plain: dict[str, Callable[[Any], str]] = {
        "count": lambda n: count(n, compact), "percent": percent, "points": points,
        "days": days, "months": months,
    }  # fmt: skip
    if unit in plain:
        return plain[unit](x)
    return " ".join(filter(None, [bare(x, unit), unit_label(unit)]))
