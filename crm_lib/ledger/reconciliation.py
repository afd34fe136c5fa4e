"""Does the ledger add up? What the tables record against what the ledger holds, by month and component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib.baskets import month_of
from crm_lib.ledger import campaigns, costs
from crm_lib.ledger.components import Component
from crm_lib.ledger.records import Records


def reconciliation(records: Records, ledger: ir.Table, known: Sequence[Component]) -> ir.Table:
    """One row a component and month: component, month, source, by_rule, out_of_scope, ledger, difference.

    source: the money recorded in the accepted rows as of the day. by_rule: what rates add for rows
    without a cost. out_of_scope: of both, what belongs to customers without a line in scope or to
    nobody. difference = source + by_rule − out_of_scope − ledger, which is 0.00. Components that are
    missing, or made of rates alone (handling, payment terms), have no source to agree with.
    """
    there = _there(known)
    of_lines = [name for name in _OF_LINES if name in there]
    sources = {name: rows for name, rows in _sources(records).items() if name in there}
    found = [
        _sold(of_lines, records),
        *(_summed(name, rows, records) for name, rows in sources.items()),
    ]
    source = ibis.union(*found) if len(found) > 1 else found[0]
    held = _by_component(
        ledger, {name: ledger[name] for name in (*of_lines, *sources)}, "ledger", records
    )
    held = held.filter(held.ledger.notnull() & (held.ledger != 0))
    both = source.outer_join(held, ["component", "month"])
    amounts = ("source", "by_rule", "out_of_scope", "ledger")
    both = both.select(
        component=ibis.coalesce(both.component, both.component_right),
        month=ibis.coalesce(both.month, both.month_right),
        **{name: both[name].fill_null(0) for name in amounts},
    )
    apart = both.source + both.by_rule - both.out_of_scope - both.ledger
    return both.mutate(difference=apart.cast(records.money)).order_by("component", "month")


def _by_component(
    rows: ir.Table, amounts: Mapping[str, ir.Value], name: str, records: Records
) -> ir.Table:
    """One row a component and month: component, month, `name` (null where nothing is known)."""
    sums = {component: value.sum().cast(records.money) for component, value in amounts.items()}
    summed = rows.group_by("month").agg(**sums)
    return summed.pivot_longer(list(amounts), names_to="component", values_to=name)


def _sold(components: Sequence[str], records: Records) -> ir.Table:
    """What the order lines record of these components: all in one reading of the lines."""
    lines = records.lines.mutate(month=month_of(records.lines.day))
    returned = (lines.amount < 0).ifelse(-lines.amount, records.zero())
    recorded = {
        "revenue": lines.amount,
        "returns": returned,
        "discount": costs.recorded(lines, "discount", records),
        "cost_of_goods": costs.recorded(lines, "cost", records),
    }
    amounts = {name: recorded[name].cast(records.money) for name in components}
    nothing = records.zero()
    return _by_component(lines, amounts, "source", records).select(
        "month", "component", "source", by_rule=nothing, out_of_scope=nothing
    )


def _there(known: Sequence[Component]) -> frozenset[str]:
    return frozenset(item.name for item in known if item.status != "missing")


def _summed(name: str, rows: ir.Table, records: Records) -> ir.Table:
    """The rows of a source added up by month, and what of it is out of scope."""
    outside = _outside(name, rows, records)
    parts = [
        rows.select("month", source="recorded", by_rule="by_rule", out_of_scope=records.zero()),
        outside.select("month", source=records.zero(), by_rule=records.zero(), out_of_scope="amount"),
    ]  # fmt: skip
    amounts = ("source", "by_rule", "out_of_scope")
    every = ibis.union(*(part.cast(dict.fromkeys(amounts, records.money)) for part in parts))
    return every.group_by("month").agg(
        component=ibis.literal(name),
        **{amount: every[amount].sum().fill_null(0).cast(records.money) for amount in amounts},
    )


def _outside(name: str, rows: ir.Table, records: Records) -> ir.Table:
    """What a scope leaves out: month, amount."""
    if not records.is_scoped:
        return rows.limit(0).select("month", amount=records.zero())
    if name == "campaign_cost" and (shares := campaigns.postings(records)) is not None:
        return shares.anti_join(records.known, "customer_id").select("month", "amount")
    left = rows.anti_join(records.known, "customer_id")
    return left.select("month", amount=left.recorded.fill_null(0) + left.by_rule.fill_null(0))


_OF_LINES = ("revenue", "returns", "discount", "cost_of_goods")


def _sources(records: Records) -> dict[str, ir.Table]:
    """By component not of the lines, the rows that record it: customer_id, month, recorded, by_rule (either may be null)."""
    tables = records.tables
    found = {}
    if "contacts" in tables:
        rows = tables["contacts"]
        rate = costs.contact_rate(rows, records)
        cost = costs.recorded(rows, "cost", records)
        found["contact_cost"] = _rows(rows, records.month(rows["at"]), cost, records, rate)
    if "efforts" in tables:
        rows = tables["efforts"]
        rate = costs.hours_cost(rows, records)
        cost = costs.recorded(rows, "cost", records)
        found["effort_cost"] = _rows(rows, records.month(rows.month), cost, records, rate)
    if "exposures" in tables:
        rows = campaigns.exposed(records)
        cost = costs.recorded(rows, "cost", records)
        found["exposure_cost"] = _rows(rows, rows.month, cost, records)
    if "campaigns" in tables and records.has("campaigns", "cost"):
        rows = campaigns.begun(records).mutate(customer_id=ibis.null(dt.string))
        found["campaign_cost"] = _rows(rows, rows.month, rows.cost, records)
    if "customers" in tables and records.has("customers", "acquisition_cost"):
        rows = costs.acquired(records)
        found["acquisition_cost"] = _rows(rows, rows.month, rows.acquisition_cost, records)
    return found


def _rows(
    rows: ir.Table, month: ir.Value, recorded: ir.Value, records: Records, rate: ir.Value | None = None
) -> ir.Table:  # fmt: skip
    nothing = ibis.null(records.money)
    by_rule = nothing if rate is None else recorded.isnull().ifelse(rate, nothing)
    return rows.select(
        customer_id="customer_id",
        month=month,
        recorded=recorded.cast(records.money),
        by_rule=by_rule.cast(records.money),
    )
