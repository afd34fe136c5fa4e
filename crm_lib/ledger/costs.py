"""Costs that are not on order lines, each as a table of postings: customer_id, month, one amount.

A posting without a cost in its row is costed by `ledger:` of `dataset.yml`, or is unknown and counts 0.
"""

from __future__ import annotations

from dataclasses import replace

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib.baskets import month_of
from crm_lib.cost_rules import CONTACT_KINDS, OTHER, CostRules
from crm_lib.errors import UsageError, unknown
from crm_lib.ledger import campaigns
from crm_lib.ledger.records import Records

POSTED = (
    "contact_cost", "effort_cost", "handling_cost", "exposure_cost", "campaign_cost",
    "acquisition_cost",
)  # fmt: skip
"""Components that are posted, not computed from a month's sales."""


def postings(records: Records) -> dict[str, ir.Table]:
    """By component that the data set or a rule costs, its postings: customer_id, month, amount.

    Postings of customers who are not known have customer_id null; under a scope they are left out.
    """
    made = {
        "contact_cost": _contacts(records),
        "effort_cost": _efforts(records),
        "handling_cost": _returns(records),
        "exposure_cost": _exposures(records),
        "campaign_cost": campaigns.postings(records),
        "acquisition_cost": _acquisitions(records),
    }
    return {name: table for name, table in made.items() if table is not None}


def of_campaigns(records: Records, kind: str) -> ir.Table | None:
    """What campaigns of one kind cost, as the ledger posts it: customer_id (null: nobody known), month,
    exposure_cost, campaign_cost. None where the data set has no kinds of campaigns, or no cost of them.
    """
    if "campaigns" not in records.tables or not records.has("campaigns", "kind"):
        return None
    every = records.tables["campaigns"]
    meant = every.filter(every.kind.strip().lower() == kind)
    tables = {**records.tables, "campaigns": meant}
    if "exposures" in tables:
        tables["exposures"] = tables["exposures"].semi_join(meant, "campaign_id")
    only = replace(records, tables=tables)
    posted = {"exposure_cost": _exposures(only), "campaign_cost": campaigns.postings(only)}
    nothing = records.zero()
    parts = [
        rows.select(
            "customer_id", "month", **{column: rows.amount if column == name else nothing for column in posted}
        ).cast(dict.fromkeys(posted, records.money))
        for name, rows in posted.items()
        if rows is not None
    ]  # fmt: skip
    if not parts:
        return None
    return known_only(ibis.union(*parts) if len(parts) > 1 else parts[0], records)


def known_only(posted: ir.Table, records: Records) -> ir.Table:
    """The postings with customer_id null where the customer is not known; out of scope, dropped."""
    if records.is_scoped:
        return posted.semi_join(records.known, "customer_id")
    known = records.known.select(known_id="customer_id")
    joined = posted.left_join(known, posted.customer_id == known.known_id)
    return joined.drop("customer_id").rename(customer_id="known_id").select(posted.columns)


def check_kinds(rules: CostRules, contacts: ir.Table) -> None:
    """Raise UsageError for a kind under `contact_cost` that is neither declared nor among `contacts`.

    contacts: all there are, whatever the day, so that the answer is the same for each day.
    """
    strange = [kind for kind in rules.contact_cost if kind not in (*CONTACT_KINDS, OTHER)]
    if not strange:
        return
    kinds = contacts.select("kind").distinct().limit(1000).to_pyarrow()["kind"].to_pylist()
    known = dict.fromkeys((*CONTACT_KINDS, *(kind for kind in kinds if kind), OTHER))
    for kind in strange:
        if kind not in known:
            raise UsageError("ledger.contact_cost: " + unknown("kind of contact", kind, known))


def contact_rate(contacts: ir.Table, records: Records) -> ir.Value:
    """What a contact of each row's kind costs by rule; null where there is none."""
    rates = records.rules.contact_cost
    by_kind = [(contacts.kind == kind, _amount(rate, records)) for kind, rate in rates.items() if kind != OTHER]  # fmt: skip
    nothing = ibis.null(records.money)
    rest = _amount(rates[OTHER], records) if OTHER in rates else nothing
    return ibis.cases(*by_kind, else_=rest) if by_kind else rest


def hours_cost(efforts: ir.Table, records: Records) -> ir.Value:
    """What the hours of each row cost by rule, rounded to the money's scale; null without a rule."""
    if records.rules.hour_cost is None or "hours" not in efforts.columns:
        return ibis.null(records.money)
    hours = efforts.hours.cast(dt.Decimal(18, 4))
    return (hours * ibis.literal(records.rules.hour_cost)).cast(records.money)


def recorded(table: ir.Table, column: str, records: Records) -> ir.Value:
    """The money in `column`, null in every row of a table that lacks it."""
    return table[column] if column in table.columns else ibis.null(records.money)


def _amount(rate: object, records: Records) -> ir.Value:
    return ibis.literal(rate).cast(records.money)


def _posted(table: ir.Table, month: ir.Value, amount: ir.Value, records: Records) -> ir.Table:
    rows = table.select(customer_id="customer_id", month=month, amount=amount.cast(records.money))
    return rows.filter(rows.amount.notnull(), rows.amount != 0)


def _contacts(records: Records) -> ir.Table | None:
    if "contacts" not in records.tables or not (
        records.has("contacts", "cost") or records.rules.contact_cost
    ):
        return None
    rows = records.tables["contacts"]
    cost = ibis.coalesce(recorded(rows, "cost", records), contact_rate(rows, records))
    return _posted(rows, records.month(rows["at"]), cost, records)


def _efforts(records: Records) -> ir.Table | None:
    by_rule = records.has("efforts", "hours") and records.rules.hour_cost is not None
    if "efforts" not in records.tables or not (records.has("efforts", "cost") or by_rule):
        return None
    rows = records.tables["efforts"]
    cost = ibis.coalesce(recorded(rows, "cost", records), hours_cost(rows, records))
    return _posted(rows, records.month(rows.month), cost, records)


def _returns(records: Records) -> ir.Table | None:
    """The handling of returned lines; that of orders and lines follows from the month's sales."""
    if records.rules.return_cost is None:
        return None
    back = records.lines.filter(records.lines.is_return)
    return _posted(back, month_of(back.day), _amount(records.rules.return_cost, records), records)


def _exposures(records: Records) -> ir.Table | None:
    if "exposures" not in records.tables or not records.has("exposures", "cost"):
        return None
    rows = campaigns.exposed(records)
    return _posted(rows, rows.month, rows.cost, records)


def acquired(records: Records) -> ir.Table:
    """The customers with an acquisition cost and `month`: of `acquired_on`, else of the first line."""
    rows = records.tables["customers"]
    rows = rows.filter(rows.acquisition_cost.notnull(), rows.acquisition_cost != 0)
    columns = ("customer_id", "acquisition_cost")
    if "acquired_on" not in rows.columns:
        rest = _with_first_month(rows, records)
        return rest.select(*columns, month=records.month(rest.first_month))
    dated = rows.mutate(month=records.month_or_null(rows.acquired_on))
    rest = _with_first_month(dated.filter(dated.month.isnull()), records)
    dated = dated.filter(dated.month.notnull()).select(*columns, "month")
    return dated.union(rest.select(*columns, month=records.month(rest.first_month)))


def _with_first_month(rows: ir.Table, records: Records) -> ir.Table:
    """The customers `rows` and first_month, that of their first line."""
    months = records.customer_months.semi_join(rows, "customer_id")
    first = months.group_by(buyer=months.customer_id).agg(first_month=months.month.min())
    return rows.left_join(first, rows.customer_id == first.buyer)


def _acquisitions(records: Records) -> ir.Table | None:
    if "customers" not in records.tables or not records.has("customers", "acquisition_cost"):
        return None
    rows = acquired(records)
    return _posted(rows, rows.month, rows.acquisition_cost, records)
