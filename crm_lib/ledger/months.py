"""The ledger itself: what each customer brought and cost in each month, to the last unit of money."""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib import baskets
from crm_lib.cost_components import COSTS, MONEY, with_totals
from crm_lib.ledger import costs
from crm_lib.ledger.records import Records
from crm_lib.periods import YEAR_DAYS

COUNTS = ("occasions", "orders", "lines")
COLUMNS = ("customer_id", "month", *COUNTS, *MONEY)


def ledger(records: Records, lacking: frozenset[str]) -> ir.Table:
    """One row a customer and month with an order line or a cost: see `crm_lib.ledger`.

    lacking: components of which nothing is known, null in every row.
    """
    put = baskets.of(records.lines, "day")
    nobody = baskets.customer_months(put.filter(put.customer_id.isnull()), "day")
    every = records.customer_months.select(_SOLD).union(nobody.select(_SOLD))
    return of(sales(every, records), postings(records, lacking), records, lacking)


def of(
    sold: ir.Table, postings: ir.Table | None, records: Records, lacking: frozenset[str]
) -> ir.Table:
    """`ledger` of some months, from their `sales` and `postings`."""
    rows = _joined(sold, None if postings is None else posted(postings, records, lacking), records)
    rows = rows.mutate(
        handling_cost=_handling(rows, records), terms_cost=_terms(rows, records)
    ).drop("payment_days")
    nothing = ibis.null(records.money)
    rows = rows.mutate(
        **{name: nothing for name in ("discount", *COSTS) if name in lacking},
        **{name: rows[name].fill_null(0).cast(records.money) for name in ("discount", *COSTS) if name not in lacking},
    )  # fmt: skip
    return with_totals(rows).select(COLUMNS)


_SOLD = (
    "customer_id", "month", "occasions", "orders", "lines", "revenue", "returns", "discount", "cost",
)  # fmt: skip


def sales(months: ir.Table, records: Records) -> ir.Table:
    """One row a customer and month with an order line; anonymous lines under customer_id null.

    months: `baskets.customer_months`. Nobody has no occasions.
    """
    rows = months.select(_SOLD).rename(cost_of_goods="cost")
    rows = rows.mutate(occasions=rows.customer_id.isnull().ifelse(0, rows.occasions))
    money = ("revenue", "returns", "discount", "cost_of_goods")
    types = {
        "month": dt.date,
        **dict.fromkeys(COUNTS, dt.int64),
        **dict.fromkeys(money, records.money),
    }
    return rows.select("customer_id", *types).cast(types)


def postings(records: Records, lacking: frozenset[str]) -> ir.Table | None:
    """Every posted cost: customer_id, month, component (its place in `costs.POSTED`), amount. None without any.

    Those of customers who are not known have customer_id null; under a scope they are left out.
    """
    found = {name: rows for name, rows in costs.postings(records).items() if name not in lacking}
    if not found:
        return None
    parts = [
        table.select(
            "customer_id",
            month=table.month,
            component=ibis.literal(costs.POSTED.index(name), dt.int8),
            amount=table.amount.cast(records.money),
        )
        for name, table in found.items()
    ]
    return costs.known_only(ibis.union(*parts) if len(parts) > 1 else parts[0], records)


def posted(rows: ir.Table, records: Records, lacking: frozenset[str]) -> ir.Table:
    """`postings` as one row a customer and month, a column for each of `costs.POSTED`."""
    sums = {
        name: rows.amount.sum(where=rows.component == place).cast(records.money)
        for place, name in enumerate(costs.POSTED)
        if name not in lacking
    }
    made = rows.group_by("customer_id", "month").agg(**sums)
    return made.mutate(
        **{name: ibis.null(records.money) for name in costs.POSTED if name in lacking}
    )


def payment_days(records: Records) -> ir.Table | None:
    """customer_id, payment_days of the accounts that have any; None where the data set has none."""
    if "accounts" not in records.tables or not records.has("accounts", "payment_days"):
        return None
    accounts = records.tables["accounts"]
    return accounts.filter(accounts.payment_days.notnull()).select("customer_id", "payment_days")


def _joined(sales: ir.Table, posted: ir.Table | None, records: Records) -> ir.Table:
    """Sales and posted costs side by side, and the payment days of the customer."""
    if posted is None:
        rows = sales.mutate(**{name: ibis.null(records.money) for name in costs.POSTED})
    else:
        same = [sales.customer_id.identical_to(posted.customer_id), sales.month == posted.month]
        both = sales.outer_join(posted, same)
        rows = both.mutate(
            customer_id=ibis.coalesce(both.customer_id, both.customer_id_right),
            month=ibis.coalesce(both.month, both.month_right),
            **{name: both[name].fill_null(0) for name in (*COUNTS, "revenue", "returns")},
        ).drop("customer_id_right", "month_right")
    accounts = payment_days(records)
    if accounts is None:
        return rows.mutate(payment_days=ibis.null(dt.int64))
    return rows.left_join(accounts, "customer_id").drop("customer_id_right")


def _handling(rows: ir.Table, records: Records) -> ir.Value:
    """Orders and lines at their rates, and the posted handling of returns."""
    total = rows.handling_cost.fill_null(0)
    rates = {"orders": records.rules.order_cost, "lines": records.rules.line_cost}
    for count, rate in rates.items():
        if rate is not None:
            made = rows[count].cast(dt.Decimal(18, 0)) * ibis.literal(rate)
            total = total + made.cast(records.money)
    return total.cast(records.money)


def _terms(rows: ir.Table, records: Records) -> ir.Value:
    """Revenue × payment days ÷ 365.25 × the rate of capital, rounded a customer and month."""
    rate = float(records.rules.capital_rate or Decimal(0)) / YEAR_DAYS
    cost = rows.revenue.cast(dt.float64) * rows.payment_days.cast(dt.float64) * rate
    return cost.cast(records.money)
