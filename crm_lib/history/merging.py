"""Earlier and new together: what is known of customers before a day, and what they did from it on."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from crm_lib import baskets, facts, hashes

_STATE = (
    "customer_id", "orders", *baskets.SUMS, "first_on", "second_on", "last_on", "occasions",
    "median_gap_days", "last_gap_days", "active_months",
)  # fmt: skip
"""The columns of `facts.deeds`."""


def bought_again(new: ir.Table, old: ir.Table | None) -> ir.Table:
    """Hashes of baskets (see `counting.ORDERS`) that are among the new ones and occur twice: basket."""
    every = new if old is None else new.union(old.semi_join(new, "basket"))
    if isinstance(ibis.get_backend(every), Backend):
        return ibis.memtable(pa.table({"basket": hashes.repeated(every)}))
    times = every.group_by("basket").agg(times=every.count())
    return times.filter(times.times > 1).select("basket")


def deeds(customers: ir.Table) -> ir.Table:
    """`facts.deeds` back from `facts.customers`: those with an order line."""
    return customers.filter(customers.lines > 0).select(_STATE)


def since(months: ir.Table, occasions: ir.Table, every: ir.Table) -> ir.Table:
    """`facts.deeds` of a time alone, an order counted on each day; but median_gap_days over all time.

    months, occasions: of that time. every: the occasions of all time.
    """
    made = facts.deeds(months, baskets.history(occasions), None).drop("median_gap_days")
    gaps = baskets.median_gaps(every.semi_join(occasions, "customer_id"))
    return made.left_join(gaps, "customer_id").select(_STATE)


def brought_forward(
    old: ir.Table, later: ir.Table, repeated: ir.Table | None, before: ir.Table | None
) -> ir.Table:
    """`facts.deeds` before a day and from it on (`since`), together.

    repeated: of all lines; before: of the old ones, whose orders are counted once already.
    """
    both = old.outer_join(later, "customer_id", rname="{name}_new")
    bought = both.occasions_new.notnull()
    merged = both.select(
        customer_id=both.customer_id.coalesce(both.customer_id_new),
        **{name: _both(both, name) for name in ("orders", *baskets.SUMS)},
        **{name: both[name].coalesce(both[f"{name}_new"]) for name in ("first_on", "second_on")},
        last_on=both.last_on_new.coalesce(both.last_on),
        occasions=_both(both, "occasions"),
        median_gap_days=bought.ifelse(both.median_gap_days_new, both.median_gap_days),
        last_gap_days=both.last_gap_days_new.coalesce(both.last_gap_days),
        active_months=_both(both, "active_months"),
    )
    # As a view, since Ibis would take what is joined to it for a part of the join above.
    return merged if repeated is None else _fewer(merged.view(), repeated, before)


def _fewer(rows: ir.Table, repeated: ir.Table, before: ir.Table | None) -> ir.Table:
    """`rows` with each repeated order counted once, as the old rows did with those repeated `before`."""
    more = baskets.surplus(repeated, "customer_id")
    if before is not None:
        once = baskets.surplus(before, "customer_id").rename(done="surplus")
        both = more.left_join(once, "customer_id")
        more = both.select("customer_id", surplus=both.surplus - both.done.fill_null(0))
    return baskets.less(rows, more, "customer_id")


def _both(rows: ir.Table, name: str) -> ir.Value:
    """Old and new added up; null only where neither is known."""
    old, new = rows[name], rows[f"{name}_new"]
    return (old + new).cast(old.type()).coalesce(old, new)
