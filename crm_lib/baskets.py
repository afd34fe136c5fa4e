"""From order lines to what facts are added up from: baskets, occasions, customers' months.

Lines are added up to baskets, and baskets to occasions, customers' months and customers, so that the
lines themselves are read once. An order counts on each day it is bought on; `repeated` tells those
few that are bought on several, so that months and customers count them once.
"""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

Occasion = Literal["day", "order"]
SUMS = ("lines", "units", "revenue", "returns", "discount", "cost")
"""What is added up from baskets to customers: lines, units and money (null where nothing is known)."""


def of(lines: ir.Table, occasion: Occasion) -> ir.Table:
    """One row a customer (null: nobody known), order and day with a line.

    Columns: customer_id, order_id, day, is_bought (a line of it is a purchase), spent (on such lines),
    lines, units, revenue, returns (positive), discount, cost; discounted, costed: how many of the lines
    have a discount, a cost; and, for an occasion that is an order, bought_at (the first purchase's time).
    """
    money = lines.amount.type()
    types = {"quantity": dt.float64, "discount": money, "cost": money}
    lacking = {name: ibis.null(type_) for name, type_ in types.items() if name not in lines.columns}
    lines = lines.mutate(**lacking)
    first = {"bought_at": lines.ordered_at.min(where=lines.is_purchase)}
    return lines.group_by("customer_id", "order_id", "day").agg(
        is_bought=lines.is_purchase.any(),
        spent=added(lines.amount, where=lines.is_purchase),
        lines=lines.count(),
        units=lines.quantity.sum(),
        revenue=added(lines.amount),
        returns=-added(lines.amount, where=lines.amount < 0).fill_null(0),
        discount=added(lines.discount),
        cost=added(lines.cost),
        discounted=lines.discount.count(),
        costed=lines.cost.count(),
        **(first if occasion == "order" else {}),
    )


def customer_months(baskets: ir.Table, occasion: Occasion) -> ir.Table:
    """One row a customer (null: nobody known) and month with a line: the baskets of a month together.

    orders: how many of them hold a purchase. An order bought on two days counts on both; what adds
    months up counts it once with the help of `repeated`.
    """
    orders = baskets.count(where=baskets.is_bought)
    return baskets.group_by("customer_id", month=month_of(baskets.day)).agg(
        occasions=_days(baskets) if occasion == "day" else orders, orders=orders, **sums(baskets)
    )


def _days(baskets: ir.Table) -> ir.IntegerColumn:
    """How many days of a month saw a purchase: each is a bit, which costs less than telling days apart.

    The first day is the lowest bit, so that 31 of them leave the sign of an integer of 32 alone.
    """
    day = ibis.literal(1) << (baskets.day.day() - 1)
    return _bit_count(day.bit_or(where=baskets.is_bought)).fill_null(0).cast(dt.int64)


@ibis.udf.scalar.builtin(name="bit_count")
def _bit_count(bits: dt.int64) -> dt.int8:
    """How many bits are set."""


def repeated(baskets: ir.Table) -> ir.Table:
    """One row an order and day, of orders that a customer bought on several days (few, or none)."""
    bought = baskets.filter(baskets.is_bought).select("customer_id", "order_id", "day")
    days = bought.group_by("customer_id", "order_id").agg(days=bought.count())
    several = days.filter(days.days > 1)
    same = [
        bought.customer_id.identical_to(several.customer_id),
        bought.order_id == several.order_id,
    ]
    return bought.semi_join(several, same)


def occasions_of(baskets: ir.Table, occasion: Occasion) -> ir.Table:
    """Purchase occasions of known customers, not yet numbered: customer_id, on, revenue and, for an
    occasion that is an order, order_id and bought_at."""
    bought = baskets.filter(baskets.is_bought, baskets.customer_id.notnull())
    if occasion == "day":
        return bought.group_by("customer_id", on="day").agg(revenue=added(bought.spent))
    return joined_orders(
        bought.select("customer_id", "order_id", "bought_at", on="day", revenue="spent")
    )


def joined_orders(occasions: ir.Table) -> ir.Table:
    """One row an order, as `occasions_of` makes it, of orders that come in pieces."""
    return occasions.group_by("customer_id", "order_id").agg(
        on=occasions.on.min(), bought_at=occasions.bought_at.min(), revenue=added(occasions.revenue)
    )


def numbered(occasions: ir.Table, earlier: ir.Table | None = None) -> ir.Table:
    """`occasions_of` with number and gap_days, in the columns of `facts.occasions`.

    earlier: customer_id, occasions, last_on of those who bought before; their numbers and gaps go on.
    """
    order = [occasions.on]
    if "order_id" in occasions.columns:
        order = [occasions.on, occasions.bought_at, occasions.order_id]
    window = ibis.window(group_by=occasions.customer_id, order_by=order)
    made = occasions.select(
        "customer_id",
        "on",
        number=(ibis.row_number().over(window) + 1).cast(dt.int64),
        before=occasions.on.lag().over(window),
        revenue=occasions.revenue,
    )
    if earlier is not None:
        seen = earlier.select(seen_id="customer_id", seen="occasions", last_on="last_on")
        made = made.left_join(seen, made.customer_id == seen.seen_id)
        made = made.mutate(
            number=made.number + made.seen.fill_null(0),
            before=ibis.coalesce(made.before, made.last_on),
        )
    return made.select(
        "customer_id",
        "on",
        "number",
        gap_days=made.on.delta(made.before, unit="day").cast(dt.int64),
        revenue=made.revenue,
    )


def sums(rows: ir.Table) -> dict[str, ir.Value]:
    """The columns `SUMS` of `rows` added up; exact, in the type they come in."""
    return {name: added(rows[name]) for name in SUMS}


def added(column: ir.Value, where: ir.BooleanValue | None = None) -> ir.Value:
    """The sum in the column's own type: engines widen it to twice the digits, which costs time.

    DuckDB widens integers to some that Parquet lacks, unknown to Ibis. Floats add them as exactly (to 2^53).
    """
    exact = column.cast(dt.float64) if column.type().is_integer() else column
    return exact.sum(where=where).cast(column.type())


def month_of(day: ir.Value) -> ir.Value:
    """The first day of the month of a date.

    Truncated, a DuckDB date is a timestamp, which Ibis takes for a date: hence the two casts.
    """
    return day.truncate("M").cast(dt.timestamp).cast(dt.date)


def surplus(repeated: ir.Table, *by: str) -> ir.Table:
    """How many orders too many there are where `repeated` orders count on each day: `by`, surplus."""
    dated = repeated.mutate(month=month_of(repeated.day))
    each = dated.group_by(*by, "order_id").agg(days=dated.count())
    return each.group_by(*by).agg(surplus=added(each.days - 1))


def less(
    rows: ir.Table, surplus: ir.Table, *by: str, counts: tuple[str, ...] = ("orders",)
) -> ir.Table:
    """`rows` with `counts` less the surplus of each `by`."""
    more = surplus.rename({f"{name}_of": name for name in by})
    joined = rows.left_join(more, [rows[name].identical_to(more[f"{name}_of"]) for name in by])
    fewer = {name: joined[name] - joined.surplus.fill_null(0) for name in counts}
    return joined.mutate(**fewer).select(rows.columns)


def counted_once(months: ir.Table, repeated: ir.Table, occasion: Occasion) -> ir.Table:
    """`customer_months` with each order counted once a month."""
    counts = ("orders",) if occasion == "day" else ("orders", "occasions")
    by = ("customer_id", "month")
    return less(months, surplus(repeated, *by), *by, counts=counts)


def history(occasions: ir.Table) -> ir.Table:
    """One row a customer with an occasion: its days, number and gaps.

    An occasion opens a month of activity where the one before lies in an earlier month.
    """
    opens = occasions.gap_days.isnull() | (occasions.gap_days >= occasions.on.day())
    return occasions.group_by("customer_id").agg(
        first_on=occasions.on.min(),
        second_on=occasions.on.min(where=occasions.number == 2),
        last_on=occasions.on.max(),
        occasions=occasions.count(),
        median_gap_days=_median_gap(occasions),
        last_gap_days=occasions.gap_days.argmax(occasions.number),
        active_months=occasions.count(where=opens),
    )


def spends(occasions: ir.Table, where: ir.BooleanValue | None = None) -> dict[str, ir.Value]:
    """What a customer spent on an occasion, over these (by default all), to be grouped by customer:
    mean_spend (money a repeat occasion) and its variance, both null without one, first_spend."""
    is_repeat, paid = occasions.number > 1, occasions.revenue.cast(dt.float64)
    chosen = is_repeat if where is None else is_repeat & where
    return {
        "mean_spend": paid.mean(where=chosen),
        "variance": paid.var(where=chosen, how="pop"),
        "first_spend": paid.sum(where=~is_repeat if where is None else ~is_repeat & where),
    }


def median_gaps(occasions: ir.Table) -> ir.Table:
    """One row a customer: customer_id, median_gap_days (null with fewer than two occasions)."""
    return occasions.group_by("customer_id").agg(median_gap_days=_median_gap(occasions))


def _median_gap(occasions: ir.Table) -> ir.Value:
    return occasions.gap_days.median().cast(dt.float64)


def monthly(baskets: ir.Table) -> ir.Table:
    """One row a month with a line: month, orders (with a purchase, of whomever), discounted, costed."""
    dated = baskets.mutate(month=month_of(baskets.day))
    counted = {name: added(dated[name]) for name in ("discounted", "costed")}
    return dated.group_by("month").agg(
        orders=dated.order_id.nunique(where=dated.is_bought), **counted
    )


def months(rows: ir.Table, monthly: ir.Table) -> ir.Table:
    """One row a month with an order line: the measures of `facts.months` and the columns of `monthly`.

    rows: `customer_months`.
    """
    named = rows.customer_id.notnull()
    grouped = rows.group_by("month").agg(
        active_customers=rows.count(where=named & (rows.orders > 0)),
        anonymous_revenue=added(rows.revenue, where=~named).fill_null(0),
        **sums(rows),
    )
    return grouped.left_join(monthly, "month").drop("month_right")
