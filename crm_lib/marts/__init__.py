"""Marts: what a run finds of each customer, made once and read by every report and by lookups.

`customer` has one row a customer, with all that no model is needed for; `clv` adds what a model says of
those who bought. They are made customers by customers, a range of ids at a time, so that memory stays
bounded however many there are, and lie in files sorted by customer_id.
"""

from crm_lib.marts.making import build
from crm_lib.marts.reading import (
    choice,
    equity,
    known_before,
    margins_of_each,
    named,
    profiles,
    profits,
    read,
    since,
    values,
)

__all__ = [
    "build", "choice", "equity", "known_before", "margins_of_each", "named", "profiles", "profits", "read", "since",
    "values",
]  # fmt: skip
