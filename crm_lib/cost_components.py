"""The parts of the profit, in the order of the ledger, and what follows from them.

gross_sales − discount − returns = revenue
revenue − cost_of_goods = gross_profit
gross_profit − cost_to_serve = contribution     (contacts, efforts, handling, payment terms)
revenue − every known cost = profit             (campaigns and acquisition, too)
"""

from __future__ import annotations

from functools import reduce

import ibis
import ibis.expr.types as ir

SERVING = ("contact_cost", "effort_cost", "handling_cost", "terms_cost")
"""Components of the cost to serve."""
WINNING = ("exposure_cost", "campaign_cost", "acquisition_cost")
"""Components of the cost of campaigns and of acquisition."""
COSTS = ("cost_of_goods", *SERVING, *WINNING)
PARTS = ("discount", "returns", "revenue", *COSTS)
"""What is recorded or comes from a rule; the rest of `MONEY` follows from it."""
MONEY = (
    "gross_sales", "discount", "returns", "revenue", "cost_of_goods", "gross_profit", *SERVING,
    "cost_to_serve", *WINNING, "contribution", "profit",
)  # fmt: skip

LABELS = {
    "gross_sales": "gross sales",
    "discount": "discounts",
    "returns": "returns",
    "revenue": "revenue",
    "cost_of_goods": "cost of goods",
    "gross_profit": "gross profit",
    "contact_cost": "contacts",
    "effort_cost": "representatives' hours",
    "handling_cost": "handling of orders",
    "terms_cost": "payment terms",
    "contribution": "contribution",
    "exposure_cost": "reaching customers by campaigns",
    "campaign_cost": "campaigns as a whole",
    "acquisition_cost": "acquisition",
}
"""What the columns of the ledger are called, in the order of a profit and loss account."""


def earned(rows: ir.Table) -> ir.DecimalValue:
    """What is left of the sales of each row before any campaign and acquisition: contribution; without cost
    of goods revenue less cost to serve. In: the profit ledger."""
    return ibis.coalesce(rows.contribution, rows.revenue - rows.cost_to_serve)


def with_totals(rows: ir.Table) -> ir.Table:
    """`rows`, with the columns `PARTS`, with all of `MONEY`.

    A component that is not known (null) counts as zero; without cost of goods gross_profit and
    contribution are null. Any sums of rows of the ledger will do: the totals of sums are the sums of totals.
    """
    money = rows.revenue.type()

    def total(names: tuple[str, ...]) -> ir.Value:
        return reduce(lambda found, name: found + rows[name].fill_null(0), names[1:], rows[names[0]].fill_null(0))  # fmt: skip

    gross_profit = (rows.revenue - rows.cost_of_goods).cast(money)
    return rows.mutate(
        gross_sales=(rows.revenue + rows.returns + rows.discount.fill_null(0)).cast(money),
        gross_profit=gross_profit,
        cost_to_serve=total(SERVING).cast(money),
        contribution=(gross_profit - total(SERVING)).cast(money),
        profit=(rows.revenue - total(COSTS)).cast(money),
    )
