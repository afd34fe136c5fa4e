"""Cohorts: customers by the month of their first purchase occasion, followed month by month."""

from __future__ import annotations

from datetime import date
from typing import Literal

import ibis
import ibis.expr.types as ir

from crm_lib.errors import NotInData, UsageError, unknown
from crm_lib.needs import needs
from crm_lib.periods import Window, add_months, is_partial_month, months, months_between

Measure = Literal["customers", "revenue", "margin"]
_MEASURES = ("customers", "revenue", "margin")


@needs(lines=(), optional={"lines.cost": "margin by cohort"})
def triangle(
    customer_months: ir.Table,
    customers: ir.Table,
    *,
    measure: Measure = "customers",
    observed: Window,
    warm_up_ends: date,
    counted: ir.Table | None = None,
) -> ir.Table:
    """What cohorts of new customers go on to buy: customers active, revenue or margin by month since.

    In: the customer-month ledger and the customer facts; `counted`: their `cells`, where they have been
    made. Out: one row a cohort and observed month,
    in order and with zeros: `cohort` (first day of the month of the first occasion), `period`
    (months since, 0 = the month itself), `month`, `value` (customers with an occasion, or money net
    of returns), `cohort_size` (customers), `per_customer` (value ÷ cohort size), `share` (value ÷
    the cohort's value in period 0; for customers that is the share of the cohort active; null when
    period 0 is not positive), `is_partial` (not every day of the month observed), `is_warm_up`
    (the cohort's month starts before the warm-up ends: first seen, not necessarily new).

    Customers without an occasion belong to no cohort, and returns booked before a customer's first
    occasion are left out. Raises NotInData for a margin without costs.
    """
    if measure not in _MEASURES:
        raise UsageError(unknown("measure", measure, _MEASURES))
    if measure == "margin" and not customer_months.margin.notnull().any().execute():
        raise NotInData("Margin needs the column `cost` of the table `lines`.")
    first = _first(customers)
    sizes = first.group_by("cohort").agg(cohort_size=first.count())
    counted = cells(customer_months, customers) if counted is None else counted
    found = counted.group_by("cohort", "month").agg(value=counted[measure].sum())
    grid = _grid(observed, warm_up_ends).join(sizes, "cohort")
    filled = grid.left_join(found, ["cohort", "month"]).drop("cohort_right", "month_right")
    filled = filled.mutate(value=filled.value.fill_null(0))
    return _with_shares(filled).order_by("cohort", "period")


def _with_shares(filled: ir.Table) -> ir.Table:
    """The columns of `triangle`: its values by customer, and as a share of those in period 0."""
    own = ibis.window(group_by="cohort", order_by="period", preceding=None, following=0)
    start = filled.value.first().over(own).cast("float64")
    value = filled.value.cast("float64")
    return filled.select(
        "cohort", "period", "month", "value", "cohort_size",
        per_customer=value / filled.cohort_size,
        share=ibis.ifelse(start > 0, value / start, None),
        is_partial="is_partial",
        is_warm_up="is_warm_up",
    )  # fmt: skip


@needs(lines=(), optional={"lines.cost": "margin by cohort"})
def cells(customer_months: ir.Table, customers: ir.Table) -> ir.Table:
    """What cohorts did month by month: cohort, month, customers (with an occasion), revenue, margin.

    In: as in `triangle`. It adds up over customers, so that it can be made of some after the others.
    """
    joined = customer_months.join(_first(customers), "customer_id")
    return joined.group_by("cohort", "month").agg(
        customers=joined.count(where=joined.occasions > 0),
        revenue=joined.revenue.sum(),
        margin=joined.margin.sum(),
    )


def _first(customers: ir.Table) -> ir.Table:
    bought = customers.filter(customers.first_on.notnull())
    return bought.select("customer_id", cohort=bought.first_on.truncate("M"))


def _grid(observed: Window, warm_up_ends: date) -> ir.Table:
    """Every pair of a cohort's month and a month from then on within the observed window."""
    every = months(observed)
    rows = [
        {
            "cohort": cohort,
            "period": period,
            "month": add_months(cohort, period),
            "is_partial": is_partial_month(add_months(cohort, period), observed),
            "is_warm_up": cohort < warm_up_ends,
        }
        for cohort in every
        for period in range(months_between(cohort, every[-1]) + 1)
    ]
    return ibis.memtable(rows)
