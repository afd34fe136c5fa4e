"""Concentration: how much of the revenue comes from how few customers (Pareto, 80/20).

Base throughout, unless a function says otherwise: customers with at least one purchase occasion.
`value` is any amount or number of the facts; revenue is net of returns. A few customers may have
a negative value: they stay in the base, because parts must add up to the whole, and `negatives`
counts them. Shares are null where the whole is not positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import ibis
import ibis.expr.types as ir

from crm_lib.engine import collect
from crm_lib.errors import UsageError, listing, unknown
from crm_lib.needs import needs

_WHOLE = ibis.window()
TOP_SHARE = Fraction(1, 5)
"""The vital few of the 80/20 rule, as a share of customers."""


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
    up_to = ibis.cumulative_window(order_by="value")
    base = _base(customers, value)
    steps = base.select(
        customers=ibis.row_number().over(order_by=base.value) + 1,
        value=base.value.sum().over(up_to),
        n=base.count().over(_WHOLE),
        whole=base.value.sum().over(_WHOLE),
    )
    point = (steps.customers * points) // steps.n
    kept = steps.filter(point > ((steps.customers - 1) * points) // steps.n)
    curve = _with_shares(kept.select("customers", "value", "n", "whole"))
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
    sums = collect(
        base.aggregate(total=base.value.sum(), squares=(base.value * base.value).sum())
    ).iloc[0]
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
    whole customer), customers_share (what that is of all), value (their sum), value_share. Raises UsageError for a share outside 0 to 1.
    """
    from_top = _from_the_top(_base(customers, value))
    answers = []
    for share in _checked(shares):
        part = Fraction(str(share))
        inside = (from_top.position - 1) * part.denominator < from_top.n * part.numerator
        answers.append(_last(from_top, inside, share))
    return ibis.union(*answers).order_by("share")


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
    from_top = _from_the_top(_base(customers, value))
    before = from_top.cumulative - from_top.value
    inside = before * part.denominator < from_top.whole * part.numerator
    return _last(from_top, inside & (from_top.whole > 0), share)


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
    base = _base(customers, value, "customer_id")
    descending = base.value.desc()
    as_much = ibis.range_window(preceding=None, following=0, order_by=descending)
    placed = base.mutate(
        above=ibis.rank().over(order_by=descending),
        cumulative=base.value.sum().over(as_much),
        n=base.count().over(_WHOLE),
        whole=base.value.sum().over(_WHOLE),
    )
    is_top = placed.above * TOP_SHARE.denominator < placed.n * TOP_SHARE.numerator
    return placed.select(
        "customer_id",
        placed.value.name(value),
        (placed.above + 1).name(f"{value}_rank"),
        cumulative_share=_share(placed.cumulative, placed.whole),
        is_top_20_percent=is_top & (placed.value > 0),
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


def _from_the_top(base: ir.Table) -> ir.Table:
    """Customers from the highest value down, with cumulative sums and the whole."""
    descending = base.value.desc()
    return base.mutate(
        position=ibis.row_number().over(order_by=descending) + 1,
        cumulative=base.value.sum().over(ibis.cumulative_window(order_by=descending)),
        n=base.count().over(_WHOLE),
        whole=base.value.sum().over(_WHOLE),
    )


def _last(from_top: ir.Table, inside: ir.BooleanValue, share: float) -> ir.Table:
    """The last customer from the top for which `inside` holds, as the answer for `share`."""
    chosen = from_top.filter(inside)
    return _with_shares(
        chosen.order_by(chosen.position.desc())
        .limit(1)
        .select(
            "n",
            "whole",
            share=ibis.literal(float(share)),
            customers=chosen.position,
            value=chosen.cumulative,
        )
    )


def _with_shares(table: ir.Table) -> ir.Table:
    """Replaces the whole, `n` customers and `whole` value, by the shares of it."""
    return table.mutate(
        customers_share=table.customers / table.n,
        value_share=_share(table.value, table.whole),
    ).drop("n", "whole")


def _share(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    ratio = part.cast("float64") / whole.cast("float64")
    return (whole > 0).ifelse(ratio, ibis.null("float64"))


def _checked(shares: Sequence[float]) -> list[float]:
    wrong = [str(share) for share in shares if not 0 < share <= 1]
    if wrong or not shares:
        raise UsageError(f"Shares must lie above 0 and up to 1 (0.2 = 20%), not {listing(wrong)}.")
    return list(shares)
