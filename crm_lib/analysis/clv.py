"""CLV: what each customer will earn from the day of the report on.

Margin of an occasion × expected occasions, each discounted to the day, up to a horizon. What was earned
before, and what it cost to win the customer, is not in it. Predictions are made once a history and
joined to the customers in the engine, so that a base of any size is valued in bounded memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from crm_lib import btyd
from crm_lib.btyd import discounting, simulation
from crm_lib.engine import collect
from crm_lib.errors import UsageError, check_whole
from crm_lib.needs import needs
from crm_lib.ratios import share_of

HORIZON_MONTHS = 36
"""CLV counts what is earned in so many months, unless said otherwise."""
DISCOUNT_RATE = 0.10
"""A year's discount on what is earned later, unless said otherwise."""
WORTH = ("p_alive", "expected_occasions", "margin_per_occasion", "clv")
"""What the model says of a customer, for a list of them …"""
KNOWN = ("segment", "value_tier", "stage", "revenue", "profit")
"""… and what is known besides."""

_HISTORY = ("x", "t_x", "T")
_SEED = 1


@needs(lines=(), optional={"lines.cost": "value in contribution instead of revenue"})
def by_customer(
    customers: ir.Table,
    seen: btyd.Histories,
    model: btyd.PurchaseModel,
    margins: ir.Table | None,
    *,
    horizon_months: int = HORIZON_MONTHS,
    discount_rate: float = DISCOUNT_RATE,
    carried: Sequence[str] = (),
) -> ir.Table:
    """What each customer is expected to buy and earn within the horizon.

    In: customer facts, their histories in days (`Choice.seen`), the fitted model, and
    `Margins.per_occasion()`; None where the facts have its columns (`Margins.onto`). `carried`: columns
    of the facts that go along. Out: one row a customer with a purchase: customer_id, occasions (so far),
    x, t_x, T (days), p_alive (chance of being a customer still), expected_occasions (within the
    horizon), expected_spend and margin_per_occasion (money an occasion), margin_rate, clv (residual,
    money: margin × occasions, discounted; may be negative).
    Predictions are made once a history and joined in the engine. Raises UsageError for a horizon below
    one month or a discount rate below 0.
    """
    check_terms(horizon_months, discount_rate)
    known = {name: getattr(seen, name).astype("int64") for name in _HISTORY}
    told = model.predict(seen, horizon=horizon_months, unit="month")
    discounted = discounting.discounted_purchases(
        model, seen, horizon=horizon_months, unit="month", discount_rate_a_year=discount_rate
    )
    predictions = ibis.memtable(
        pa.table(
            {
                **known,
                "p_alive": told["p_alive"].to_numpy(),
                "expected_occasions": told["expected_purchases"].to_numpy(),
                "discounted_occasions": discounted,
            }
        )
    )
    bought = customers.filter(customers.first_on.notnull())
    joined = bought.join(predictions, list(_HISTORY))
    if margins is not None:
        joined = joined.join(margins, "customer_id")
    return joined.mutate(clv=joined.margin_per_occasion * joined.discounted_occasions).select(
        "customer_id", "occasions", *_HISTORY, "p_alive", "expected_occasions", "expected_spend",
        "margin_rate", "margin_per_occasion", "clv", *carried,
    )  # fmt: skip


def check_terms(horizon_months: int, discount_rate: float) -> None:
    """Raise UsageError for a horizon or a discount rate that makes no value."""
    check_whole("horizon_months", horizon_months)
    if not (np.isfinite(discount_rate) and discount_rate >= 0):
        raise UsageError(f"A discount rate is 0 or more a year (0.1 = 10%), not {discount_rate}.")


@needs(lines=())
def totals(values: ir.Table) -> pd.DataFrame:
    """All customers together, one row: customers, still_customers (sum of P(alive)),
    expected_occasions, clv (money), negative (customers with a clv below zero). In: `by_customer`."""
    return collect(
        values.agg(
            customers=values.count(),
            still_customers=values.p_alive.sum(),
            expected_occasions=values.expected_occasions.sum(),
            clv=values.clv.sum(),
            negative=(values.clv < 0).sum().fill_null(0),
        )
    )


@needs(lines=())
def by_group(values: ir.Table, groups: ir.Table, *, by: str) -> ir.Table:
    """Value to come by segment, tier or stage; the parts add up to the whole.

    In: `by_customer`, and a table of customer_id and `by` (null: "unknown"), which is not looked at where
    the first has that column already. Out: one row a
    group, most equity first: `by`, customers, customers_share, still_customers (expected number: the
    sum of P(alive)), expected_occasions, clv (sum, money), clv_share (null where the whole is not
    positive), clv_per_customer.
    """
    if by in values.columns:
        joined = values.mutate(group=values[by].cast("string"))
    else:
        named = groups.select("customer_id", group=groups[by].cast("string"))
        joined = values.left_join(named, "customer_id").drop("customer_id_right")
    joined = joined.mutate(group=joined.group.fill_null("unknown"))
    grouped = joined.group_by("group").agg(
        customers=joined.count(),
        still_customers=joined.p_alive.sum(),
        expected_occasions=joined.expected_occasions.sum(),
        clv=joined.clv.sum(),
    )
    found = grouped.select(
        "group",
        "customers",
        customers_share=grouped.customers / grouped.customers.sum().over(ibis.window()),
        still_customers="still_customers",
        expected_occasions="expected_occasions",
        clv="clv",
        clv_share=share_of(grouped.clv, grouped.clv.sum().over(ibis.window())),
        clv_per_customer=grouped.clv / grouped.customers,
    )
    return found.rename({by: "group"}).order_by(ibis.desc("clv"), by)


@needs(lines=())
def alive_bands(values: ir.Table, *, bands: int = 5) -> pd.DataFrame:
    """Customers by their chance of being customers still, equally wide bands, the likeliest first.

    In: `by_customer`. One row a band with customers in it: low, high, customers, share,
    expected_occasions, clv (sums).
    """
    band = ibis.least((values.p_alive * bands).floor(), bands - 1).cast("int64")
    grouped = values.group_by(band=band).agg(
        customers=values.count(),
        expected_occasions=values.expected_occasions.sum(),
        clv=values.clv.sum(),
    )
    frame = collect(grouped.order_by(ibis.desc("band")))
    return frame.assign(
        low=frame["band"] / bands,
        high=(frame["band"] + 1) / bands,
        share=frame["customers"] / frame["customers"].sum(),
    )


@needs(lines=())
def best(
    values: ir.Table,
    model: btyd.PurchaseModel,
    *,
    rows: int,
    horizon_months: int = HORIZON_MONTHS,
    named: Callable[[ir.Table], ir.Table] = lambda table: table,
) -> pd.DataFrame:
    """The customers worth most, with an interval of what each will buy.

    In: `by_customer`, perhaps with further columns; `named` adds columns to those few rows
    (`book.named`). Out: its first `rows` by clv (customer_id where equal), and low, high: with 95 %
    probability the customer's occasions within the horizon lie between them (chance and being a
    customer still are in it, the parameters are taken as they are). Raises UsageError for rows below 0.
    """
    check_whole("rows", rows, least=0)
    most = (ibis.desc("clv"), "customer_id")
    frame = collect(named(values.order_by(*most).limit(rows)).order_by(*most))
    if frame.empty:
        return frame.assign(low=[], high=[])
    seen = btyd.histories(frame[list(_HISTORY)], unit="day")
    ends = simulation.predictive_interval(
        model, seen, horizon=horizon_months, unit="month", seed=_SEED
    )
    return frame.assign(low=ends["low"].to_numpy(), high=ends["high"].to_numpy())


@needs(lines=())
def listed(values: ir.Table, customers: ir.Table, *, carried: Sequence[str] = ()) -> ir.Table:
    """Every customer with what it will earn: `values`, and those who have not bought yet.

    In: `by_customer` with the columns `carried`, and the customer facts with them. Out: one row a customer,
    in no order; everything but customer_id and `carried` is null for who never bought.
    """
    idle = customers.filter(customers.first_on.isnull())
    known = ("customer_id", *carried)
    types = values.schema().items()
    return values.union(
        idle.select(
            **{name: idle[name] if name in known else ibis.null(type_) for name, type_ in types}
        )
    )
