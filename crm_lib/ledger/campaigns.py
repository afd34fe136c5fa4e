"""Campaigns in the ledger: when reaching a customer counts, and who bears what a campaign cost whole."""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib.ledger.records import Records

CONTROL = "control"
"""The arm of those who were not reached."""


def exposed(records: Records) -> ir.Table:
    """The exposures known as of the day, with `month`: when sent, else when the campaign began."""
    rows = records.tables["exposures"]
    starts = records.campaign_starts
    if starts is not None:
        starts = starts.group_by("campaign_id").agg(began=starts.starts_on.min())
        rows = rows.left_join(starts, "campaign_id").drop("campaign_id_right")
    days = [rows[name] for name in ("sent_at", "began") if name in rows.columns]
    if not days:
        return rows.mutate(month=records.month())
    at = ibis.coalesce(*(day.cast(dt.date) for day in days))
    rows = rows.mutate(month=records.month(*days))
    return rows.filter(at.isnull() | (at < ibis.literal(records.as_of)))


def begun(records: Records) -> ir.Table:
    """The campaigns with a cost, one row each: campaign_id, month of the first day, cost."""
    rows = records.tables["campaigns"]
    month = records.month(rows.starts_on) if "starts_on" in rows.columns else records.month()
    rows = rows.select("campaign_id", month=month, cost=rows.cost)
    return rows.filter(rows.cost.notnull(), rows.cost != 0)


def postings(records: Records) -> ir.Table | None:
    """What campaigns cost as a whole: customer_id (null: borne by nobody), month, amount.

    By the rule `exposed` those exposed as of the day bear equal shares, each customer one; what is left
    of the smallest unit of money goes to the first ids, so that the shares add up to the cost.
    """
    if "campaigns" not in records.tables or not records.has("campaigns", "cost"):
        return None
    whole = begun(records)
    if records.rules.campaign_cost == "none" or "exposures" not in records.tables:
        return whole.select(customer_id=ibis.null(dt.string), month=whole.month, amount=whole.cost)
    bearers = _bearers(records, whole)
    unborne = whole.anti_join(bearers, "campaign_id")
    unborne = unborne.select(
        customer_id=ibis.null(dt.string), month=unborne.month, amount=unborne.cost
    )
    return _shares(bearers, whole, records).union(unborne)


def _bearers(records: Records, whole: ir.Table) -> ir.Table:
    """Who was exposed to a campaign with a cost: campaign_id, customer_id, distinct."""
    rows = exposed(records)
    if "arm" in rows.columns:
        rows = rows.filter((rows.arm.strip().lower() != CONTROL).fill_null(True))
    pairs = rows.select("campaign_id", "customer_id").distinct()
    return pairs.filter(pairs.customer_id.notnull()).semi_join(whole, "campaign_id")


def _shares(bearers: ir.Table, whole: ir.Table, records: Records) -> ir.Table:
    """Equal shares in whole units of the smallest money: customer_id, month, amount."""
    scale = records.dataset.money_decimals
    heads = bearers.group_by("campaign_id").agg(heads=bearers.count())
    units = (whole.cost * ibis.literal(10**scale)).cast(dt.int64)
    each = whole.mutate(units=units).join(heads, "campaign_id")
    left = (each.units % each.heads + each.heads) % each.heads  # not negative, as a credit may be
    each = each.select("campaign_id", "month", share=(each.units - left) // each.heads, left=left)
    place = ibis.row_number().over(group_by=bearers.campaign_id, order_by=bearers.customer_id)
    joined = bearers.mutate(place=place).join(each, "campaign_id")
    got = joined.share + (joined.place < joined.left).ifelse(1, 0)
    unit = ibis.literal(Decimal(1).scaleb(-scale), type=dt.Decimal(18, scale))
    amount = (got.cast(dt.Decimal(18, 0)) * unit).cast(records.money)
    return joined.select(customer_id="customer_id", month="month", amount=amount)
