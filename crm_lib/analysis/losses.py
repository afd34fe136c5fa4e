"""Losses: customers who cost more than they bring, and the one component that makes each of them so.

The yardstick is the average: a customer with the same gross sales, average in every respect, would
have earned `rate × gross sales`, where rate = all profit ÷ all gross sales. What a customer lacks
against that is split exactly among the components, each by what its profit would gain if that
component alone were average:

| component     | gain if it were average                                                       |
|---------------|-------------------------------------------------------------------------------|
| discount      | discount − d × gross sales                                                    |
| returns       | (returns − r × gross sales) × (1 − g): what comes back takes its cost along   |
| cost_of_goods | cost of goods − g × (gross sales − returns)                                   |
| other costs   | cost − its share of gross sales × gross sales                                 |

d, r and the shares are those of all customers together (÷ gross sales); g is all cost of goods ÷ all
gross sales less returns. The gains add up to the shortfall. The component with the largest gain is
the cause; where that gain covers the whole loss, it alone would have ended it.
"""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from crm_lib.cost_components import SERVING, WINNING
from crm_lib.needs import needs

_WHOLE = ibis.window()
GIVEN_AWAY = ("discount", "returns")
GOODS = "cost_of_goods"
OTHERS = (*SERVING, *WINNING)
COMPONENTS = (*GIVEN_AWAY, GOODS, *OTHERS)
AVERAGE = "none"
"""The cause of who loses although no component is above average: as everybody does."""


@needs(lines=())
def gains(customers: ir.Table) -> ir.Table:
    """By how much each component of each customer is dearer than average, as in the table above.

    In: `profit.by_customer` (all customers: they are the average). Out: one row a customer:
    customer_id, gross_sales, revenue, profit, first_month, gain_<component> (money as float, negative
    where the customer is cheaper than average; 0 for a component that the data set lacks), shortfall
    (average profit on the same gross sales − profit; the sum of the gains).
    """
    money = {name: customers[name].cast("float64").fill_null(0) for name in COMPONENTS}
    revenue = customers.revenue.cast("float64")
    base = customers.select(
        "customer_id",
        "first_month",
        "revenue",
        "profit",
        gross_sales=revenue + money["discount"] + money["returns"],
        earned=customers.profit.cast("float64"),
        **money,
    )
    base = base.mutate(goods=base.gross_sales - base.returns)
    summed = ("gross_sales", "goods", "earned", *COMPONENTS)
    all_together = base.agg(**{f"all_{name}": base[name].sum() for name in summed})
    base = base.cross_join(all_together)
    sold, goods = base.gross_sales, base.goods
    goods_rate = _rate(base, GOODS, "goods")
    gain: dict[str, ir.NumericValue] = {
        "discount": _beyond(base, "discount"),
        "returns": _beyond(base, "returns") * (1 - goods_rate),
        # Where everything came back there are no goods to take a rate of.
        GOODS: (base.all_goods == 0).ifelse(
            _beyond(base, GOODS), base.cost_of_goods - goods_rate * goods
        ),
        **{name: _beyond(base, name) for name in OTHERS},
    }
    return base.select(
        "customer_id",
        "first_month",
        "gross_sales",
        "revenue",
        "profit",
        shortfall=_rate(base, "earned", "gross_sales") * sold - base.earned,
        **{f"gain_{name}": value for name, value in gain.items()},
    )


def _rate(base: ir.Table, part: str, whole: str) -> ir.NumericValue:
    """The share of all customers together; 0 where there is no whole."""
    return (base[f"all_{part}"] / base[f"all_{whole}"].nullif(0)).fill_null(0)


def _beyond(base: ir.Table, part: str) -> ir.NumericValue:
    """What the customer has of it beyond the average, as a share of gross sales."""
    return base[part] - _rate(base, part, "gross_sales") * base.gross_sales


@needs(lines=(), optional={"lines.cost": "who costs more than they bring"})
def negatives(customers: ir.Table) -> ir.Table:
    """Customers who cost more than they bring, each with the component that makes them so.

    In: `profit.by_customer`. Out: one row a customer with a profit below zero, the largest loss first:
    customer_id, first_month (null: never bought), revenue, profit, loss (positive money), cause (a
    component, or "none" where no component is above average), gain (money saved if that component
    were average), is_alone (that alone would have ended the loss).
    """
    each = gains(customers).filter(lambda t: t.profit < 0)
    largest = ibis.greatest(*(each[f"gain_{name}"] for name in COMPONENTS))
    # Less than a tenth of a cent is rounding of a customer who is average.
    cause = ibis.cases(
        (largest < _LEAST, AVERAGE),
        *((each[f"gain_{name}"] == largest, name) for name in COMPONENTS),
        else_=AVERAGE,
    )
    found = each.mutate(loss=-each.profit, cause=cause, gain=ibis.greatest(largest, 0.0))
    return (
        found.mutate(is_alone=found.gain >= found.loss.cast("float64") - _LEAST)
        .order_by(ibis.desc("loss"), "customer_id")
        .select(
            "customer_id", "first_month", "revenue", "profit", "loss", "cause", "gain", "is_alone"
        )
    )


_LEAST = 0.001


@needs(lines=())
def causes(negatives: ir.Table, *, recent_since: date) -> ir.Table:
    """Unprofitable customers by the component that makes them so, the largest loss first.

    In: `negatives`. Out: one row a cause: cause, customers, customers_share (of the unprofitable),
    loss (money), loss_share, revenue, alone (customers whom that component alone made unprofitable),
    never_bought, recent (first bought on or after `recent_since`: they may still pay back).
    """
    grouped = negatives.group_by("cause").agg(
        customers=negatives.count(),
        loss=negatives.loss.sum(),
        revenue=negatives.revenue.sum(),
        alone=negatives.is_alone.sum(),
        never_bought=negatives.first_month.isnull().sum(),
        recent=(negatives.first_month >= ibis.literal(recent_since)).sum().fill_null(0),
    )
    loss = grouped.loss.cast("float64")
    return grouped.mutate(
        customers_share=grouped.customers / grouped.customers.sum().over(_WHOLE),
        loss_share=loss / loss.sum().over(_WHOLE),
    ).order_by(grouped.loss.desc(), "cause")
