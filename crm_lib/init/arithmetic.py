"""What the numbers of a row say of each other: products, sums, prices that stay the same."""

from __future__ import annotations

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib import casting
from crm_lib.init.evidence import Column

_STEADY = 1.02
"""A product's dearest price over its cheapest one, up to which they count as the same."""


def number(rows: ir.Table, raw: Column) -> ir.Value:
    """A raw column as numbers, however it is written."""
    cell = rows[raw.name]
    if not isinstance(cell, ir.StringValue):
        return cell.cast(dt.float64)
    bare: ir.Value = cell
    for sign in raw.signs:
        bare = bare.replace(sign, "")
    return casting.plain_number(bare.strip(), raw.decimal, "XXX").try_cast(dt.float64)


def agreement(rows: ir.Table, amount: Column, quantity: Column, price: Column) -> float:
    """The share of rows in which the amount is quantity × price, to the cent."""
    made = number(rows, quantity) * number(rows, price)
    return _share(rows, (number(rows, amount) - made).abs() <= 0.0051)


def covered(rows: ir.Table, amount: ir.Value, part: ir.Value) -> float:
    """Of the rows with a positive amount, the share in which `part` is not larger."""
    sold = rows.select(amount=amount, part=part).filter(ibis._.amount > 0)
    return _share(sold, sold.part <= sold.amount)


def repeated(rows: ir.Table, order: Column, amount: Column) -> float:
    """Of the orders with three lines or more, the share whose lines all bear the same amount."""
    lines = rows.select(order=rows[order.name], amount=number(rows, amount)).filter(
        ibis._.order.notnull()
    )
    orders = lines.group_by("order").aggregate(lines=ibis._.count(), kinds=ibis._.amount.nunique())
    several = orders.filter(orders.lines >= 3)
    return _share(several, several.kinds == 1)


def steady_prices(
    rows: ir.Table, product: Column, price: ir.Value, off: ir.Value
) -> tuple[int, float, float]:
    """Products sold at different rates of discount, and the shares of them with one price throughout:
    before the discount when `price` is after it, and `price` as it is. `off`: the rate of each row.
    """
    seen = rows.select(
        product=rows[product.name], rate=off.round(6), now=price, before=price / (1 - off)
    )
    seen = seen.filter(seen.product.notnull(), seen.now > 0, seen.rate >= 0, seen.rate < 1)
    each = seen.group_by("product").agg(
        rates=seen.rate.nunique(),
        before=seen.before.max() / seen.before.min(),
        now=seen.now.max() / seen.now.min(),
    )
    several = each.filter(each.rates >= 2)
    count = int(several.count().execute())
    return (
        count,
        _share(several, several.before <= _STEADY),
        _share(several, several.now <= _STEADY),
    )


def _share(rows: ir.Table, holds: ir.Value) -> float:
    """The share of rows in which a condition holds; unknown counts as no, no rows as 0."""
    share = rows.aggregate(share=holds.fill_null(False).mean()).to_pyarrow()["share"][0].as_py()
    return float(share or 0)
