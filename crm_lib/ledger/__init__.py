"""The profit ledger: what each customer brought and cost in each month, exact and reconciled.

One row a customer and month with an order line or a cost. customer_id is null for what belongs to no
known customer (anonymous lines, costs of strangers, campaigns that nobody bears), so that the rows
add up to the source. Money is DECIMAL; a component of which the data set knows nothing is null in
every row. How profit is made up of its components: see `cost_components`.

A cost counts in the month it is recorded in, also where that lies before the observed days. Under a
scope the ledger is of the lines in it and of the customers with one: their costs count whole, the
costs of others and of nobody are left out.
"""

from __future__ import annotations

from crm_lib.cost_components import COSTS, MONEY, SERVING, WINNING
from crm_lib.ledger.components import (
    Component,
    Counts,
    components,
    counted,
    lacking,
    profit_label,
)
from crm_lib.ledger.costs import check_kinds, of_campaigns
from crm_lib.ledger.months import COLUMNS, COUNTS, ledger
from crm_lib.ledger.reconciliation import reconciliation
from crm_lib.ledger.records import COST_TABLES, Records
from crm_lib.ledger.writing import Span, counts_of, files, read, write

__all__ = [
    "COLUMNS", "COSTS", "COST_TABLES", "COUNTS", "MONEY", "SERVING", "WINNING", "Component", "Counts",
    "Records", "Span", "check_kinds", "components", "counted", "counts_of", "files", "lacking", "ledger", "of_campaigns", "profit_label", "read", "reconciliation", "write",
]  # fmt: skip
