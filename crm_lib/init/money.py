"""The money of order lines: what is no column of its own, but follows from others by arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from crm_lib.init import arithmetic, columns, discounts, names
from crm_lib.init.columns import Match
from crm_lib.init.discounts import Amount
from crm_lib.init.evidence import Column
from crm_lib.init.files import RawTable
from crm_lib.init.proposal import Entry

_COVERED = 0.9
"""A profit may exceed the amount in the rest of the rows; else it is something else."""


def completed(
    table: RawTable, best: dict[str, Match], entries: dict[str, Entry]
) -> dict[str, Entry]:
    """The lines for amount, cost and discount that are made of other columns, or read otherwise.

    best: the raw columns found by name; entries: their lines.
    """
    made = _amount(table, best, entries)
    amount = _proposed_amount(table, best, made)
    made |= _discount(table, best, entries, amount)
    return made | (_unit_cost(table, best) or _cost_of_profit(table, best, amount))


def unit_price(
    table: RawTable, best: dict[str, Match], called: str = names.UNIT_PRICE
) -> Column | None:
    """The raw column of prices a unit (or costs a unit), if there is one."""
    return _numbers_called(table, best, called)


def _numbers_called(
    table: RawTable, best: dict[str, Match], called: str, column: str = ""
) -> Column | None:
    """The raw column of numbers likeliest meant by the names `called`, not taken already."""
    taken = {match.raw.name for match in best.values()}
    found = [
        (names.likeness(raw.name, called, column), raw)
        for raw in table.columns.values()
        if raw.is_number and raw.kind != "time" and raw.name not in taken
    ]
    likeness, raw = max(found, key=lambda item: item[0], default=(0.0, None))
    return raw if likeness >= columns.PROPOSED else None


def _amount(table: RawTable, best: dict[str, Match], entries: dict[str, Entry]) -> dict[str, Entry]:
    price = unit_price(table, best)
    quantity = best["quantity"].raw if "quantity" in best else None
    product = _product(quantity, price) if quantity and price else None
    if match := best.get("amount"):
        line = entries["amount"]
        if quantity and price and product:
            share = arithmetic.agreement(table.rows, match.raw, quantity, price)
            line = replace(
                line, because=f"{line.because}; equals {product[0]} in {share:.0%} of the rows"
            )
            line = replace(line, others=((product[1], "quantity × unit price"), *line.others))
        if (
            "order_id" in best
            and (share := arithmetic.repeated(table.rows, best["order_id"].raw, match.raw)) > 0.95
        ):
            total = f"{share:.0%} of the orders with several lines bear one value on all of them: is it the order's total?"
            line = replace(line, check="; ".join(filter(None, [line.check, total])))
        return {"amount": line}
    if product:
        return {
            "amount": Entry(
                "amount", product[1], "no amount of a line found: quantity × unit price"
            )
        }
    if price:
        check = "the price is taken for the line's amount: there is no quantity"
        return {
            "amount": Entry(
                "amount",
                columns.reading(price, "money"),
                columns.values(price, "money"),
                check=check,
            )
        }
    return {}


def _product(quantity: Column, price: Column) -> tuple[str, Any]:
    text = f"{columns.sql_name(quantity.name)} * {columns.sql_name(price.name)}"
    return text, columns.reading(price, "money", text)


def _proposed_amount(
    table: RawTable, best: dict[str, Match], made: dict[str, Entry]
) -> Amount | None:
    """The amount of a line, where it is a raw column or a product of two."""
    entry = made.get("amount")
    if entry is None:
        return None
    if raw := table.columns.get(entry.raw):
        value = arithmetic.number(table.rows, raw)
        return Amount(entry, columns.sql_name(raw.name), value, (raw,))
    price = unit_price(table, best)
    if price is None or "quantity" not in best:
        return None
    quantity = best["quantity"].raw
    value = arithmetic.number(table.rows, quantity) * arithmetic.number(table.rows, price)
    return Amount(entry, entry.raw, value, (quantity, price))


def _discount(
    table: RawTable, best: dict[str, Match], entries: dict[str, Entry], amount: Amount | None
) -> dict[str, Entry]:
    """A rate as money, a negative discount with its sign turned."""
    match = best.get("discount")
    free = [raw for raw in table.columns.values() if raw.name not in {m.raw.name for m in best.values()}]  # fmt: skip
    rate = match.raw if match and discounts.is_rate(match.raw) else None
    if not match:
        rate = discounts.named(free)
    if rate and amount:
        quantity, product = (best[n].raw if n in best else None for n in ("quantity", "product_id"))
        if made := discounts.proposed(rate, amount, quantity, product, table.rows):
            return made
        check = f"{rate.name} looks like a rate, not money"
        return {"discount": replace(entries["discount"], check=check)} if match else {}
    if match and match.raw.negative_share > 0.5:
        turned = columns.reading(match.raw, "money", f"-1 * {columns.sql_name(match.raw.name)}")
        because = "a discount counts positive; " + entries["discount"].because
        return {"discount": replace(entries["discount"], value=turned, because=because)}
    return {}


def _unit_cost(table: RawTable, best: dict[str, Match]) -> dict[str, Entry]:
    cost = unit_price(table, best, names.UNIT_COST)
    if "cost" in best or cost is None or "quantity" not in best:
        return {}
    text, value = _product(best["quantity"].raw, cost)
    return {"cost": Entry("cost", value, f"{text}: {cost.name} is called a cost of one unit")}


def _cost_of_profit(
    table: RawTable, best: dict[str, Match], amount: Amount | None
) -> dict[str, Entry]:
    """The cost as what the amount leaves after a profit that the file states."""
    profit = _numbers_called(table, best, names.PROFIT, "profit")
    if "cost" in best or amount is None or profit is None or _is_share(profit):
        return {}
    texts = [raw for raw in (profit, *amount.reads) if raw.kind == "text"]
    if len({raw.decimal for raw in texts}) > 1:
        return {}  # one line can be read with one decimal mark only
    covered = arithmetic.covered(table.rows, amount.value, arithmetic.number(table.rows, profit))
    if covered < _COVERED:
        return {}
    text = f"{amount.text} - {columns.sql_name(profit.name)}"
    why = f"no cost was found, but {profit.name} is called a profit: {columns.values(profit, 'money')}"
    check = (
        ""
        if covered > 0.99
        else f"{profit.name} exceeds {amount.text} in {1 - covered:.1%} of the sales"
    )
    value = columns.reading(texts[0] if texts else profit, "money", text)
    return {"cost": Entry("cost", value, f"{why}; the cost is not negative in {covered:.0%} of the sales", check)}  # fmt: skip


def _is_share(profit: Column) -> bool:
    """Is it a rate of profit, not money?"""
    small = (
        profit.low is not None and profit.high is not None and -1 <= profit.low <= profit.high <= 1
    )
    return "%" in profit.name or (small and profit.whole_share < 1)
