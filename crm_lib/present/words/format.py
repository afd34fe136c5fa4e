"""Numbers and dates as a reader sees them: one place for locale, digits and the minus sign.

Shares and changes come in as fractions (0.05 is five per cent). A missing number is a dash.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from babel.core import UnknownLocaleError
from babel.dates import format_date
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    get_currency_precision,
    get_currency_symbol,
    get_currency_unit_pattern,  # noqa: F401 - part of the currency check below
    is_currency,
)

from crm_lib import errors

# Dates are written in the British order; currency signs are those of international English ($, £, €, CN¥).
DATE_LOCALE = "en_GB"
NUMBER_LOCALE = "en"
MISSING = "–"
MINUS = "−"

__all__ = ["UnknownLocaleError"]
