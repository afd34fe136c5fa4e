"""Concentration: how much of the revenue comes from how few customers (Pareto, 80/20).

Base throughout, unless a function says otherwise: customers with at least one purchase occasion.
`value` is any amount or number of the facts; revenue is net of returns. A few customers may have
a negative value: they stay in the base, because parts must add up to the whole, and `negatives`
counts them. Shares are null where the whole is not positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import SupportsFloat

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib import levels as shared
from crm_lib.engine import collect
from crm_lib.errors import UsageError, listing, unknown
from crm_lib.needs import needs
from crm_lib.ratios import share_of

_WHOLE = ibis.window()


@needs(lines=())
def lorenz(customers: ir.Table, *, value: str = "revenue", points: int = 200) -> ir.Table:
    """The Lorenz curve: the share of all value that the lowest share of customers brings.

    At most `points` + 1 rows in rising order, from (0, 0) to (1, 1), each at a whole number of
    customers: customers, value (both cumulative, lowest first), customers_share, value_share.
    With negative values the curve first falls below 0. Raises UsageError for an unknown column or
    fewer than one point.
    """
    if points < 1:
        raise UsageError(f"A Lorenz curve needs at least one point, not {points}.")
    lowest = shared.levels(_base(customers, value), best_first=False)
    before = lowest.up_to - lowest.here
    passed = (lowest.up_to * points) // lowest.n > (before * points) // lowest.n
    steps = ibis.memtable({"point": range(1, points + 1)}, schema={"point": "int64"})
    placed = lowest.filter(passed).cross_join(steps)
    # The first customer with whom so many points are reached.
    kept = shared.at(placed, (placed.point * placed.n + points - 1) // points).distinct()
    curve = _with_shares(kept)
    zero = {name: ibis.literal(0).cast(type_) for name, type_ in curve.schema().items()}
    origin = curve.limit(1).select(**zero)
    return ibis.union(origin, curve).order_by("customers")


@needs(lines=())
def gini(customers: ir.Table, *, value: str = "revenue") -> float:
    """The Gini coefficient: 0 = all customers bring the same, towards 1 = one brings everything.

    G = 2 Σ i·x(i) / (n Σ x) - (n + 1) / n over values in rising order, without a correction for
    small samples. Sums are exact. Negative values can carry it above 1. NaN where the sum of
    values is not positive.
    """
    # Equal values take consecutive places, whose sum is n(2·up_to - n + 1)/2.
    groups = _base(customers, value).group_by("value").aggregate(n=lambda t: t.count())
    groups = groups.mutate(up_to=groups.n.sum().over(ibis.cumulative_window(order_by="value")))
    sums = collect(
        groups.aggregate(
            n=groups.n.sum(),
            total=(groups.value * groups.n).sum(),
            weighted=(groups.value * (groups.n * (2 * groups.up_to - groups.n + 1))).sum(),
        )
    ).iloc[0]
    if not sums.total > 0:
        return float("nan")
    return float(sums.weighted / (sums.n * sums.total) - (sums.n + 1) / sums.n)


@needs(lines=())
def hhi(customers: ir.Table, *, value: str = "revenue") -> float:
    """The Herfindahl-Hirschman index, from 1/n (all equal) to 1 (one customer brings everything).

    Sum of the squared shares of customers with a positive value, of their sum. Times 10,000 for
    the index in points; its inverse is the number of equal customers that are as concentrated.
    NaN where no customer has a positive value.
    """
    base = _base(customers, value)
    base = base.filter(base.value > 0)
    type_ = base.value.type()
    each = base.value.cast(dt.Decimal(38, type_.scale)) if type_.is_decimal() else base.value
    sums = collect(base.aggregate(total=each.sum(), squares=(each * each).sum())).iloc[0]
    return float(sums.squares / sums.total**2) if sums.total > 0 else float("nan")


@needs(lines=())
def top_shares(
    customers: ir.Table,
    shares: Sequence[float] = (0.01, 0.1, 0.2, 0.5),
    *,
    value: str = "revenue",
) -> ir.Table:
    """What the best customers bring.

    One row a share asked: share (of customers), customers (that share of them, rounded up to a
    whole customer), customers_share (what that is of all), value (their sum), value_share. Raises
    UsageError for a share outside 0 to 1.
    """
    parts = [(share, Fraction(str(share))) for share in _checked(shares)]
    asked = ibis.memtable(
        [
            {"share": float(s), "over": part.numerator, "under": part.denominator}
            for s, part in parts
        ],
        schema={"share": "float64", "over": "int64", "under": "int64"},
    )
    placed = shared.levels(_base(customers, value)).cross_join(asked)
    last = (placed.n * placed.over + placed.under - 1) // placed.under
    return _with_shares(shared.at(placed, last, "share")).order_by("share")


@needs(lines=())
def customers_for_share(
    customers: ir.Table, share: float = 0.8, *, value: str = "revenue"
) -> ir.Table:
    """How many of the best customers it takes to bring a share of all value.

    One row: share (asked), customers (the fewest that reach it), customers_share (of the base),
    value (what they bring), value_share. No row where the whole is not positive. Raises UsageError
    for a share outside 0 to 1.
    """
    part = Fraction(str(*_checked([share])))
    best = shared.levels(_base(customers, value))
    bound = best.whole * part.numerator
    before = best.cumulative - best.value * best.here
    reached = best.filter((before * part.denominator < bound) & (best.whole > 0))
    reached = reached.order_by(reached.up_to.desc()).limit(1)
    # Of equal customers, the fewest that are needed.
    each = reached.mutate(more=ibis.range(reached.here).unnest())
    before = each.cumulative - each.value * (each.here - each.more)
    inside = each.filter(before * part.denominator < each.whole * part.numerator)
    last = inside.mutate(share=ibis.literal(float(share)))
    found = shared.at(last, last.up_to - last.here + last.more + 1, "share")
    return _with_shares(found.order_by(found.customers.desc()).limit(1))


@needs(lines=())
def negatives(customers: ir.Table, *, value: str = "revenue") -> ir.Table:
    """Customers whose returns exceed their purchases.

    Base: all known customers, also those without a purchase occasion, who only returned. One row:
    customers (with a negative value), value (their sum), without_occasion (how many of them have
    no purchase on record), known_customers.
    """
    _check_column(customers, value)
    negative = customers[value] < 0
    return customers.aggregate(
        customers=negative.sum().fill_null(0),
        value=customers[value].sum(where=negative).fill_null(0),
        without_occasion=(negative & (customers.occasions == 0)).sum().fill_null(0),
        known_customers=customers.count(),
    )


@needs(lines=())
def ranked(customers: ir.Table, *, value: str = "revenue") -> ir.Table:
    """Each customer's place by value: is it among the top 20%?

    One row a customer with an occasion: customer_id, `value` under its own name, {value}_rank
    (1 = most; equal values share a rank), cumulative_share (of all value, brought by this customer
    and all that bring as much or more), is_top_20_percent. The rule: a customer is in the top 20%
    when its value is positive and fewer than 20% of customers have more. Equal customers get
    equal answers, so ties at the border are all in.
    """
    placed = _base(customers, value, "customer_id").join(places(customers, value=value), "value")
    return placed.rename({value: "value"}).relocate("customer_id", value)


def places(customers: ir.Table, *, value: str = "revenue") -> ir.Table:
    """What holds of all customers of a value: one row a distinct value of those with an occasion.

    Columns: value, {value}_rank, cumulative_share, is_top_20_percent, as `ranked` has them.
    """
    levels = shared.levels(_base(customers, value))
    above = levels.up_to - levels.here
    return levels.select(
        "value",
        (above + 1).name(f"{value}_rank"),
        cumulative_share=share_of(levels.cumulative, levels.whole),
        is_top_20_percent=(above * shared.TOP_ONE_IN < levels.n) & (levels.value > 0),
    )


def _check_column(customers: ir.Table, value: str) -> None:
    numeric = [name for name, type_ in customers.schema().items() if type_.is_numeric()]
    if value not in numeric:
        raise UsageError(unknown("numeric column of the customers", value, numeric))


def _base(customers: ir.Table, value: str, *carried: str) -> ir.Table:
    """Customers with an occasion and their value; a number as a decimal, so that sums are exact."""
    _check_column(customers, value)
    amount = customers[value].fill_null(0)
    if amount.type().is_floating():
        amount = amount.cast("decimal(24, 6)")
    return customers.filter(customers.occasions > 0).select(*carried, value=amount)


def _with_shares(table: ir.Table) -> ir.Table:
    """Replaces the whole, `n` customers and `whole` value, by the shares of it."""
    return table.mutate(
        customers_share=table.customers / table.n,
        value_share=share_of(table.value, table.whole),
    ).drop("n", "whole")


def _checked(shares: Sequence[float]) -> list[float]:
    wrong = [
        repr(share)
        for share in shares
        if not isinstance(share, SupportsFloat) or not 0 < share <= 1
    ]
    if wrong or not shares:
        raise UsageError(f"Shares must lie above 0 and up to 1 (0.2 = 20%), not {listing(wrong)}.")
    return list(shares)
