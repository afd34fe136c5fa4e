"""Campaigns that acquire: whom each of them won, and what they cost."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.engine import collect
from crm_lib.errors import NotInData
from crm_lib.needs import needs

CAMPAIGNS = "acquisition campaigns"
"""The origin that bears campaigns where customers are told apart by something else."""


@needs(
    lines=("campaign_id",),
    campaigns=("kind", "cost"),
    optional={"exposures.sent_at": "customers reached before their first purchase"},
)
def origins(
    lines: ir.Table, customers: ir.Table, campaigns: ir.Table, exposures: ir.Table | None = None
) -> ir.Table:
    """Which acquisition campaign won each customer.

    A campaign of the kind "acquisition" won the customer when a purchase of the first day is booked to
    it (the smallest id of several), else when the customer was sent it, outside a control group, on
    the day of the first purchase or before (the latest). Out: one row a customer won by one:
    customer_id, campaign_id. Raises NotInData without campaigns of that kind.
    """
    meant = _acquiring(campaigns)
    first = customers.filter(customers.first_on.notnull()).select("customer_id", "first_on")
    found = []
    if "campaign_id" in lines.columns:
        bought = lines.filter(lines.is_purchase).join(meant, "campaign_id")
        bought = bought.join(first, "customer_id")
        bought = bought.filter(bought.day == bought.first_on)
        found.append(bought.select("customer_id", "campaign_id", day="first_on", rank=1))
    if exposures is not None and "sent_at" in exposures.columns:
        sent = exposures.join(meant, "campaign_id").join(first, "customer_id")
        if "arm" in sent.columns:
            sent = sent.filter((sent.arm.lower() != "control").fill_null(True))
        sent = sent.mutate(day=sent.sent_at.cast("date"))
        sent = sent.filter(sent.day <= sent.first_on)
        found.append(sent.select("customer_id", "campaign_id", "day", rank=2))
    if not found:
        raise NotInData("Winning by campaign needs `campaign_id` of the table `lines`.")
    every = ibis.union(*found) if len(found) > 1 else found[0]
    order = [every["rank"], every.day.desc(), every.campaign_id]
    place = ibis.row_number().over(group_by=every.customer_id, order_by=order)
    return every.mutate(place=place).filter(ibis._.place == 0).select("customer_id", "campaign_id")


@needs(campaigns=("kind", "cost"), optional={"exposures.cost": "cost of reaching each customer"})
def costs(campaigns: ir.Table, exposures: ir.Table | None = None) -> ir.Table:
    """What acquisition campaigns cost.

    Out: one row a campaign: campaign_id, starts_on, cost (as a whole and of reaching customers).
    Raises NotInData without campaigns of that kind or their cost.
    """
    meant = _acquiring(campaigns)
    if "cost" not in campaigns.columns:
        raise NotInData("What acquisition campaigns cost needs `cost` of the table `campaigns`.")
    starts = campaigns.starts_on if "starts_on" in campaigns.columns else ibis.null("date")
    whole = campaigns.select(
        "campaign_id", starts_on=starts, cost=campaigns.cost.fill_null(0)
    ).semi_join(meant, "campaign_id")
    if exposures is None or "cost" not in exposures.columns:
        return whole
    reached = exposures.group_by("campaign_id").agg(reached=exposures.cost.sum())
    joined = whole.left_join(reached, "campaign_id").drop("campaign_id_right")
    return joined.mutate(cost=joined.cost + joined.reached.fill_null(0)).drop("reached")


def in_one(spent: ir.Table | None, by: str) -> ir.Table | None:
    """What acquisition campaigns cost together: further costs, see `acquisition.by_origin`, of an origin of its own.

    In: what the ledger posts for them (exposure_cost, campaign_cost). Out: one row: `by` (`CAMPAIGNS`),
    cost. None where nothing was spent on any.
    """
    if spent is None:
        return None
    whole = collect(spent.agg(cost=(spent.exposure_cost + spent.campaign_cost).sum()))["cost"].iloc[
        0
    ]
    if pd.isna(whole):
        return None
    return ibis.memtable({by: [CAMPAIGNS], "cost": [float(whole)]})


def _acquiring(campaigns: ir.Table) -> ir.Table:
    kinds = campaigns.kind if "kind" in campaigns.columns else ibis.null("string")
    meant = campaigns.filter(kinds.lower().strip() == "acquisition").select("campaign_id")
    if not int(meant.count().execute()):
        raise NotInData(
            "Winning by campaign needs campaigns of the `kind` acquisition in the table `campaigns`."
        )
    return meant.distinct()
