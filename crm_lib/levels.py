"""Levels: customers by value, one row a distinct value, from which every rank and cumulative sum follows."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

TOP_ONE_IN = 5
"""The vital few of the 80/20 rule: one customer in five, the top 20 %."""
_WHOLE = ibis.window()


def levels(base: ir.Table, *, best_first: bool = True) -> ir.Table:
    """One row a distinct value: `here` (customers who bring it), up_to and cumulative (customers who
    bring as much or more, and what they bring together); n and whole (of all). Lowest first: as much
    or less.

    What holds of each customer follows from these few rows, so that millions are never sorted.
    """
    found = base.group_by("value").agg(here=lambda t: t.count())
    up_to = ibis.cumulative_window(order_by=found.value.desc() if best_first else found.value)
    brought = found.value * found.here
    return found.mutate(
        up_to=found.here.sum().over(up_to),
        cumulative=brought.sum().over(up_to),
        n=found.here.sum().over(_WHOLE),
        whole=brought.sum().over(_WHOLE),
    )


def at(table: ir.Table, place: ir.IntegerValue, *carried: str) -> ir.Table:
    """The customer at `place`, where it lies in the level: customers (up to it), value (theirs)."""
    inside = table.mutate(place=place)
    inside = inside.filter(inside.place > inside.up_to - inside.here, inside.place <= inside.up_to)
    return inside.select(
        "n",
        "whole",
        *carried,
        customers=inside.place,
        value=inside.cumulative - inside.value * (inside.up_to - inside.place),
    )
