"""Ratios of exact sums as floats; null where nothing can be said."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def ratio(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    """`part` ÷ `whole`; null where the whole is 0."""
    return part.cast("float64") / whole.cast("float64").nullif(0)


def share_of(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    """`part` of `whole`; null where the whole is not above 0, as where returns exceed purchases."""
    return (whole > 0).ifelse(ratio(part, whole), ibis.null("float64"))
