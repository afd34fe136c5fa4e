"""Histories: each customer's own facts against what the customer did."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from crm_lib.book import Book
from crm_lib.present import words
from crm_lib.score import damage
from crm_lib.score.row import Row, same, share
from crm_lib.score.truth import Truth, exactly

NAME = "Histories"
WHOLE_WINDOW = True

_FACTS = ("occasions", "first_on", "last_on", "revenue", "margin")


def rows(truth: Truth, book: Book) -> list[Row]:
    """Customers whose facts differ from the truth; in a dirty company none but those that defects hit."""
    return _dirty(truth, book) if truth.is_dirty else [_clean(truth, book)]


def _clean(truth: Truth, book: Book) -> Row:
    compared = _compared(truth, book)
    counts = exactly(
        compared,
        customers=compared.count(),
        differing=compared.differs.sum(),
        **{name: compared[f"{name}_differs"].sum() for name in _FACTS},
    )
    wrong = {name: int(counts[name]) for name in _FACTS if counts[name]}
    note = "; ".join(f"{name}: {words.count(count)}" for name, count in wrong.items())
    return Row(
        "customers with another history",
        "none",
        share(float(counts["differing"]), float(counts["customers"])),
        "none",
        not counts["differing"],
        note or f"Compared: {', '.join(_FACTS)}.",
    )


def _dirty(truth: Truth, book: Book) -> list[Row]:
    hit = damage.touched(truth, book).mutate(is_touched=True)
    compared = _compared(truth, book).left_join(hit, "customer_id").drop("customer_id_right")
    compared = compared.mutate(is_touched=compared.is_touched.fill_null(False))
    known = compared.filter(compared.is_known)
    counts = exactly(
        known,
        spared=(~known.is_touched).sum(),
        touched=known.is_touched.sum(),
        differing=(known.differs & ~known.is_touched).sum(),
        spoilt=(known.differs & known.is_touched).sum(),
    )
    return [
        Row(
            "customers with another history, though no defect is in it",
            "none",
            share(float(counts["differing"]), float(counts["spared"])),
            "none",
            not counts["differing"],
            f"Defects are in {words.count(counts['touched'])} more histories; "
            f"{words.count(counts['spoilt'])} of these differ. Compared: {', '.join(_FACTS)}.",
        ),
        same(
            "customers who do not exist",
            int(damage.strangers(truth).count().execute()),
            int(compared.filter(~compared.is_known).count().execute()),
            words.count,
            "Planted: mistyped ids on order lines.",
        ),
    ]


def _compared(truth: Truth, book: Book) -> ir.Table:
    """One row a customer of either side: is_known (to the truth), differs, and which facts do."""
    true = truth.table("profits").select("customer_id", *_FACTS).rename("true_{name}")
    seen = book.customers.select("customer_id", *_FACTS)
    both = true.outer_join(seen, [(true.true_customer_id, seen.customer_id)])
    # Null is a value here: no first day, or a margin of nothing.
    seen_values = {name: both[name] for name in _FACTS}
    seen_values["margin"] = both.margin.fill_null(0)
    apart = {f"{n}_differs": ~both[f"true_{n}"].identical_to(seen_values[n]) for n in _FACTS}
    is_known = both.true_customer_id.notnull()
    flagged = both.select(
        customer_id=ibis.coalesce(both.true_customer_id, both.customer_id),
        is_known=is_known,
        is_missing=both.customer_id.isnull(),
        **apart,
    )
    return flagged.mutate(
        differs=ibis.or_(flagged.is_missing, *(flagged[name] for name in apart)),
    )
