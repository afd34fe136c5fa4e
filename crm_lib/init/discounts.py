"""A discount that is given as a rate, 0.2 or 20 %, turned into money where the file shows how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import ibis.expr.types as ir

from crm_lib.init import arithmetic, columns, names
from crm_lib.init.evidence import Column
from crm_lib.init.proposal import Entry

_MOST_RATES = 40
"""Without a price to test by, a column of more different values is not taken for rates."""
_FEWEST_PRODUCTS = 5
_EVIDENT = 0.8


@dataclass(frozen=True)
class Amount:
    """The amount of a line as proposed: its line, its SQL, its value in a row, the columns it reads."""

    entry: Entry
    text: str
    value: ir.Value
    reads: tuple[Column, ...]


@dataclass(frozen=True)
class _Rate:
    """A raw column of rates: the share taken off as SQL and value, and the share paid as SQL."""

    raw: Column
    off: str
    paid: str
    value: ir.Value


def is_rate(raw: Column) -> bool:
    """Are the values shares between 0 and 1, or per cents in a column that says so?"""
    if not raw.is_number or raw.low is None or raw.high is None or raw.low < 0 or raw.high == 0:
        return False
    if raw.high <= 1:
        return raw.whole_share < 1 and raw.distinct <= _MOST_RATES
    return raw.high <= 100 and _says_rate(raw)


def named(raw: Sequence[Column]) -> Column | None:
    """The column that is called a rate of discount and holds rates, if there is one."""
    return next((column for column in raw if _says_rate(column) and is_rate(column)), None)


def proposed(
    raw: Column, amount: Amount, quantity: Column | None, product: Column | None, rows: ir.Table
) -> dict[str, Entry]:
    """The lines for `discount`, and for `amount` where the file shows that it is before the discount.

    Products that were sold at several rates decide it: they have one price either before the discount
    or as it is. None where the columns are written with different decimal marks.
    """
    texts = [column for column in (raw, *amount.reads) if column.kind == "text"]
    if len({column.decimal for column in texts}) > 1:
        return {}
    rate = _rate(raw, rows)

    def line(text: str) -> Any:
        return columns.reading(texts[0] if texts else raw, "money", text)

    after = line(f"{amount.text} * {rate.off} / {rate.paid}")
    before = line(f"{amount.text} * {rate.off}")
    is_one = f"{raw.name} is a rate, {raw.low:g} to {raw.high:g}"
    tested, now_share, before_share = _tested(amount, quantity, product, rate, rows)
    if before_share >= max(now_share, _EVIDENT):
        why = f"{is_one}; {tested} {before_share:.0%} have one price before it"
        return {"discount": Entry("discount", after, why)}
    if now_share >= _EVIDENT:
        why = f"{tested} {now_share:.0%} have one price whatever the rate"
        return {
            "amount": replace(
                amount.entry, value=line(f"{amount.text} * {rate.paid}"),
                check=f"{amount.text} is taken for the amount before the discount: {why}",
                others=((amount.entry.value, "it is the amount after the discount"),),
            ),
            "discount": Entry("discount", before, f"{is_one}; {why}"),
        }  # fmt: skip
    check = f"{raw.name} is taken for a rate, and {amount.text} for the amount after it"
    others = (
        (before, f"{amount.text} is before it; then also amount: {amount.text} * {rate.paid}"),
        (columns.reading(raw, "money"), "it is money"),
    )
    return {"discount": Entry("discount", after, is_one, check, others)}


def _tested(
    amount: Amount, quantity: Column | None, product: Column | None, rate: _Rate, rows: ir.Table
) -> tuple[str, float, float]:
    """What was tested, in words, and the shares of products with one price as it is, and before `rate`."""
    if quantity is None or product is None:
        return "", 0.0, 0.0
    price = amount.value / arithmetic.number(rows, quantity)
    count, before, now = arithmetic.steady_prices(rows, product, price, rate.value)
    if count < _FEWEST_PRODUCTS:
        return "", 0.0, 0.0
    return f"of {count} products sold at several rates", now, before


def _says_rate(raw: Column) -> bool:
    return "%" in raw.name or names.is_named(raw.name, names.DISCOUNT_RATE)


def _rate(raw: Column, rows: ir.Table) -> _Rate:
    """How the column states its rates: as a share, in per cent, or as the share that is still paid."""
    name, value = columns.sql_name(raw.name), arithmetic.number(rows, raw)
    if (raw.high or 0) > 1:
        return _Rate(raw, f"({name} / 100)", f"(1 - {name} / 100)", value / 100)
    often = raw.examples[0].rstrip("0").rstrip(".") if raw.examples else ""
    if often == "1":
        return _Rate(raw, f"(1 - {name})", name if raw.low else f"NULLIF({name}, 0)", 1 - value)
    paid = f"(1 - {name})" if (raw.high or 0) < 1 else f"NULLIF(1 - {name}, 0)"
    return _Rate(raw, name, paid, value)
