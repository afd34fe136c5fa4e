"""What the ledger knows of each part of the profit: recorded, by rule, or missing; and what that makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import ibis
import ibis.expr.types as ir

from crm_lib.cost_components import LABELS, SERVING, WINNING
from crm_lib.dataset import Dataset
from crm_lib.ledger import costs
from crm_lib.ledger.records import Records

Level = Literal["revenue", "gross profit", "contribution", "net profit"]
Status = Literal["measured", "by rule", "missing"]


@dataclass(frozen=True)
class Component:
    """One part of the profit.

    name: its column in the ledger. level: the profit from which on it counts. source: where it comes
    from, such as `contacts.cost`. unlock: what would supply it, empty where nothing is wanting.
    rows, known: how many rows of the source there are as of the day and how many bear a cost, recorded
    or by rule (None: not counted, or nothing that could be); of: what such a row is.
    """

    name: str
    label: str
    level: Level
    status: Status
    source: str
    unlock: str = ""
    of: str = ""
    rows: int | None = None
    known: int | None = None

    @property
    def known_share(self) -> float | None:
        """Of the source's rows, the share with a cost; None where there are no rows to count."""
        return self.known / self.rows if self.rows and self.known is not None else None


Counts = Mapping[str, Mapping[str, int]]
"""By component: `rows` of its source, `measured` (with a recorded cost), `by_rule` (with a rate)."""

_RECORDED = {
    "discount": ("lines", "discount", "order lines"),
    "cost_of_goods": ("lines", "cost", "order lines"),
    "contact_cost": ("contacts", "cost", "contacts"),
    "effort_cost": ("efforts", "cost", "efforts"),
    "exposure_cost": ("exposures", "cost", "exposures"),
    "campaign_cost": ("campaigns", "cost", "campaigns"),
    "acquisition_cost": ("customers", "acquisition_cost", "customers"),
}
"""Components that a column of a table records: table, column, what its rows are."""

_LEVELS: dict[str, Level] = {
    "revenue": "revenue",
    "returns": "revenue",
    "discount": "revenue",
    "cost_of_goods": "gross profit",
    **dict.fromkeys(SERVING, "contribution"),
    **dict.fromkeys(WINNING, "net profit"),
}


def components(dataset: Dataset, counts: Counts | None = None) -> list[Component]:
    """Every part of the profit, in the order of the ledger, and what is known of it.

    Without `counts` by the configuration alone. With them (see `counted`) a component whose column is
    there but empty in every row is missing, too.
    """
    made = [_component(name, dataset) for name in _LEVELS]
    return [_refined(item, (counts or {}).get(item.name)) for item in made]


def profit_label(known: Sequence[Component]) -> str:
    """What the ledger's `profit` may be called with these components known: "net profit", "contribution",
    "gross profit", "revenue less known costs" (no cost of goods, but another one) or "revenue"."""
    there = {item.name for item in known if item.status != "missing"}
    winning, serving = there.intersection(WINNING), there.intersection(SERVING)
    if "cost_of_goods" not in there:
        return "revenue less known costs" if winning or serving else "revenue"
    if winning:
        return "net profit"
    return "contribution" if serving else "gross profit"


def counted(records: Records) -> dict[str, dict[str, int]]:
    """How many rows each recorded component has as of the day, and how many bear a cost: see `Counts`."""
    found = {}
    for name, (table, column, _) in _RECORDED.items():
        rows = records.lines if table == "lines" else records.tables.get(table)
        if table == "lines" and records.monthly is not None:
            found[name] = _count_of_lines(name, records.monthly)
        elif rows is not None:
            cost = costs.recorded(rows, column, records)
            found[name] = _count(rows, cost, _rate(name, rows, records))
    return found


def _count_of_lines(name: str, monthly: ir.Table) -> dict[str, int]:
    """`_count` of a column of the order lines, which nobody costs by rule."""
    known = monthly.discounted if name == "discount" else monthly.costed
    sums = monthly.aggregate(
        rows=monthly.lines.sum().fill_null(0), measured=known.sum().fill_null(0)
    )
    row = sums.to_pyarrow().to_pylist()[0]
    return {"rows": int(row["rows"]), "measured": int(row["measured"]), "by_rule": 0}


def lacking(known: Sequence[Component]) -> frozenset[str]:
    """The names of the components of which nothing is known."""
    return frozenset(item.name for item in known if item.status == "missing")


def _rate(name: str, rows: ir.Table, records: Records) -> ir.Value:
    if name == "contact_cost":
        return costs.contact_rate(rows, records)
    if name == "effort_cost":
        return costs.hours_cost(rows, records)
    return ibis.null(records.money)


def _count(rows: ir.Table, cost: ir.Value, rate: ir.Value) -> dict[str, int]:
    given = rows.select(cost=cost, rate=rate)
    by_rule = (given.cost.isnull() & given.rate.notnull()).sum().fill_null(0)
    sums = given.aggregate(rows=given.count(), measured=given.cost.count(), by_rule=by_rule)
    row = sums.to_pyarrow().to_pylist()[0]
    return {name: int(value) for name, value in row.items()}


def _component(name: str, dataset: Dataset) -> Component:
    label, level = LABELS[name], _LEVELS[name]
    if name in ("revenue", "returns"):
        return Component(name, label, level, "measured", "lines.amount")
    if name == "handling_cost":
        rates = [f"ledger.{rate}" for rate in ("order_cost", "line_cost", "return_cost") if getattr(dataset.ledger, rate) is not None]  # fmt: skip
        unlock = "" if rates else "set `order_cost`, `line_cost` or `return_cost` under `ledger:`"
        return Component(
            name, label, level, "by rule" if rates else "missing", ", ".join(rates), unlock
        )
    if name == "terms_cost":
        return _terms(dataset)
    table, column, of = _RECORDED[name]
    source, rule = f"{table}.{column}", _rule(name, dataset)
    if column in dataset.supplies(table):
        return Component(name, label, level, "measured", source, "", of)
    if rule and table in dataset.tables:
        return Component(name, label, level, "by rule", rule, "", of)
    return Component(name, label, level, "missing", "", _unlock(name), of)


def _rule(name: str, dataset: Dataset) -> str:
    """The rule that costs the rows without a recorded cost; empty where there is none."""
    if name == "contact_cost" and dataset.ledger.contact_cost:
        return "ledger.contact_cost"
    hours = "hours" in dataset.supplies("efforts") and dataset.ledger.hour_cost is not None
    return "ledger.hour_cost" if name == "effort_cost" and hours else ""


def _terms(dataset: Dataset) -> Component:
    label, level = LABELS["terms_cost"], _LEVELS["terms_cost"]
    lacks = []
    if "payment_days" not in dataset.supplies("accounts"):
        lacks.append("map `payment_days` of the table `accounts`")
    if dataset.ledger.capital_rate is None:
        lacks.append("set `capital_rate` under `ledger:`")
    if lacks:
        return Component("terms_cost", label, level, "missing", "", " and ".join(lacks))
    return Component("terms_cost", label, level, "by rule", "ledger.capital_rate, accounts.payment_days")  # fmt: skip


def _unlock(name: str) -> str:
    table, column, _ = _RECORDED[name]
    by_rule = {
        "contact_cost": ", or set `contact_cost` under `ledger:`",
        "effort_cost": ", or its `hours` and set `hour_cost` under `ledger:`",
    }
    return f"map `{column}` of the table `{table}`" + by_rule.get(name, "")


def _refined(item: Component, found: Mapping[str, int] | None) -> Component:
    """The component with its rows counted; missing where there are rows, but none with a cost."""
    if not found or item.status == "missing":
        return item
    known = found["measured"] + found["by_rule"]
    item = replace(item, rows=found["rows"], known=known)
    if found["rows"] and not known:
        _, column, of = _RECORDED[item.name]
        return replace(item, status="missing", source="", unlock=f"fill `{column}` of the {of}: it is empty in every row")  # fmt: skip
    if found["by_rule"]:
        rule = "ledger.contact_cost" if item.name == "contact_cost" else "ledger.hour_cost"
        if not found["measured"]:
            return replace(item, status="by rule", source=rule)
        return replace(item, source=f"{item.source}, {rule}")
    return item
