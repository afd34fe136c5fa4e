"""What is earned on a sale with the components that a data set knows, and which it knows but in part."""

from __future__ import annotations

from collections.abc import Sequence

from crm_lib.cost_components import SERVING
from crm_lib.ledger.components import Component


def earning(components: Sequence[Component]) -> str:
    """What a margin is made of in this data set: "contribution", "gross profit", "revenue less cost to
    serve" or "revenue"."""
    known = {item.name for item in components if item.status != "missing"}
    served = bool(known.intersection(SERVING))
    if "cost_of_goods" in known:
        return "contribution" if served else "gross profit"
    return "revenue less cost to serve" if served else "revenue"


PARTLY = 0.95
"""A cost that fewer of the rows bear is told to be known in part."""


def partly_known(components: Sequence[Component]) -> list[tuple[str, float, str]]:
    """Costs in the margin that only a part of the rows bear; the others count as costless.

    Each with its label ("cost of goods"), the share of rows that bear it, and what a row is.
    """
    counted = ("cost_of_goods", *SERVING)
    return [
        (item.label, item.known_share, item.of)
        for item in components
        if item.name in counted and item.status != "missing"
        if item.known_share is not None and item.known_share < PARTLY
    ]
