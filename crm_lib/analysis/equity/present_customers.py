"""What is at stake with the present customers, in few rows."""

from __future__ import annotations

import ibis.expr.types as ir

from crm_lib import btyd
from crm_lib.btyd.stakes import Stakes
from crm_lib.engine import collect
from crm_lib.needs import needs

_MOST_ROWS = 5_000_000
_HISTORY = ("x", "t_x", "T")


@needs(lines=())
def stakes(values: ir.Table) -> Stakes:
    """The customers by history. In: `clv.by_customer`."""
    grouped = values.group_by(*_HISTORY).agg(
        weight=values.count(),
        margin=values.margin_per_occasion.sum(),
        spend=values.expected_spend.sum(),
        squares=(values.margin_per_occasion * values.margin_per_occasion).sum(),
    )
    frame = collect(grouped.order_by(*_HISTORY), max_rows=_MOST_ROWS)
    seen = btyd.histories(frame, unit="day")
    return Stakes(seen, *(frame[name].to_numpy(float) for name in ("margin", "spend", "squares")))
