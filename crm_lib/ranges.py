"""Ranges of customers: what is made of all of them is made some at a time, as many as memory has room for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import ibis.expr.types as ir

from crm_lib.engine import collect

_SAMPLE = 1000
"""Ids that the bounds of a range are taken from, about."""


@dataclass(frozen=True)
class Range:
    """The customers with ids from `low` on, below `high`; None: without a bound on that side."""

    low: str | None = None
    high: str | None = None

    def of(self, table: ir.Table) -> ir.Table:
        """The rows of these customers."""
        if self.low is not None:
            table = table.filter(table.customer_id >= self.low)
        return table if self.high is None else table.filter(table.customer_id < self.high)


def ranges(ids: ir.Table, rows: int, count: int) -> list[Range]:
    """About `count` ranges, in order, that hold about as many rows each; every customer is in one.

    ids: customer_id, often enough to tell where ranges begin; `rows` of them, about.
    """
    if count <= 1:
        return [Range()]
    # Any bounds will do; those of a sample make ranges of about the same size.
    few = ids.sample(min(1.0, count * _SAMPLE / rows))
    known = sorted(collect(few)["customer_id"].dropna())
    cuts = dict.fromkeys(known[len(known) * at // count] for at in range(1, count) if known)
    return [Range(low, high) for low, high in pairwise([None, *cuts, None])]
