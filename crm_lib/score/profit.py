"""Profit: the ledger's per-customer profit against what each customer truly earned and cost."""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from crm_lib.book import Book
from crm_lib.present import words
from crm_lib.score import damage
from crm_lib.score.row import EXACT, Row, money, share
from crm_lib.score.truth import Truth, exactly

NAME = "Profit"
WHOLE_WINDOW = True

_PARTS = {
    "margin": "gross_profit", "contact_cost": "contact_cost", "effort_cost": "effort_cost",
    "exposure_cost": "exposure_cost", "acquisition_cost": "acquisition_cost",
}  # fmt: skip
"""Parts of the truth's contribution, and the columns of the ledger that must equal them."""
_COSTS = {
    "contacts": "cost", "efforts": "cost", "exposures": "cost", "customers": "acquisition_cost",
}  # fmt: skip
"""Tables whose defects may change a customer's profit, and the column of money in them."""
_LABELS = {
    "margin": "gross profit", "contact_cost": "contacts", "effort_cost": "representatives' hours",
    "exposure_cost": "reaching customers by campaigns", "acquisition_cost": "acquisition",
    "earned": "profit before campaigns' fixed cost",
}  # fmt: skip


def rows(truth: Truth, book: Book) -> list[Row]:
    """Every customer's profit, the totals of its parts, and who loses money; to the cent.

    The truth knows no share of what a campaign costs as a whole, nor payment terms, so both are added
    back to the ledger's profit. In a dirty company only the customers are compared whom no defect hit.
    """
    both, note = _compared(truth, book), ""
    if truth.is_dirty:
        both = both.anti_join(_touched(truth, book), "customer_id")
        note = "Of customers without a defect in their order lines or costs."
    return [_customers(both, book, note), *_totals(both, book, note), *_losses(both, book, note)]


def _compared(truth: Truth, book: Book) -> ir.Table:
    """One row a customer of the truth: true_ and found_ of each part, and of `earned`, their sum."""
    ledger = book.ledger.filter(book.ledger.customer_id.notnull())
    found = ledger.group_by("customer_id").agg(
        **{name: ledger[column].sum().fill_null(0) for name, column in _PARTS.items()},
        earned=(
            ledger.profit + ledger.campaign_cost.fill_null(0) + ledger.terms_cost.fill_null(0)
        ).sum(),
    )
    true = truth.table("profits").select("customer_id", *_PARTS, earned="contribution")
    names = (*_PARTS, "earned")
    both = true.left_join(found, "customer_id")
    return both.select(
        "customer_id",
        **{f"true_{name}": both[name] for name in names},
        **{f"found_{name}": both[f"{name}_right"].fill_null(0) for name in names},
    )


def _touched(truth: Truth, book: Book) -> ir.Table:
    """The customers whose profit a defect may change: customer_id."""
    found = damage.touched(truth, book)
    for table, cost in _COSTS.items():
        if book.has(table, cost):
            cells = book.staged(table).select("row_id", "customer_id")
            spoilt = damage.located(truth, book, table).join(cells, "row_id")
            telling = (spoilt.fate != "kept") | spoilt.column.isin(["customer_id", cost])
            spoilt = spoilt.filter(telling & (spoilt.kind != "duplicate"))
            is_id = spoilt.column == "customer_id"
            whose = is_id.ifelse(spoilt.was, spoilt.customer_id)
            found = found.union(spoilt.select(customer_id=whose))
    return found


def _customers(both: ir.Table, book: Book, note: str) -> Row:
    apart = (both.found_earned - both.true_earned).abs()
    sums = exactly(both, customers=both.count(), wrong=(apart != 0).sum(), most=apart.max())
    most = money(book.dataset.currency)(sums["most"])
    said = f"The largest difference is {most}." if sums["wrong"] else ""
    return Row(
        "customers with another profit",
        "none",
        share(float(sums["wrong"]), float(sums["customers"])),
        EXACT,
        not sums["wrong"],
        " ".join(filter(None, [said, note])),
    )


def _totals(both: ir.Table, book: Book, note: str) -> list[Row]:
    """The sum over customers of each part."""
    shown = money(book.dataset.currency)
    sides = [(side, name) for name in _LABELS for side in ("true", "found")]
    sums = exactly(both, **{f"{s}_{n}": both[f"{s}_{n}"].sum() for s, n in sides})
    return [
        Row(
            label,
            shown(sums[f"true_{name}"]),
            shown(sums[f"found_{name}"]),
            EXACT,
            sums[f"true_{name}"] == sums[f"found_{name}"],
            note,
        )
        for name, label in _LABELS.items()
        if sums[f"true_{name}"] or sums[f"found_{name}"]
    ]


def _losses(both: ir.Table, book: Book, note: str) -> list[Row]:
    """Who costs more than they bring, and how much they lose."""
    shown = money(book.dataset.currency)
    zero = ibis.literal(Decimal(0))
    true, found = both.true_earned < zero, both.found_earned < zero
    sums = exactly(
        both,
        true=true.sum(), found=found.sum(), same=(true & found).sum(),
        true_loss=both.true_earned.sum(where=true), found_loss=both.found_earned.sum(where=found),
    )  # fmt: skip
    return [
        Row(
            "unprofitable customers",
            words.count(sums["true"]),
            f"{words.count(sums['found'])}, {words.count(sums['same'])} of them the same",
            EXACT,
            sums["true"] == sums["found"] == sums["same"],
            note,
        ),
        Row(
            "what they lose",
            shown(sums["true_loss"]),
            shown(sums["found_loss"]),
            EXACT,
            sums["true_loss"] == sums["found_loss"],
            note,
        ),
    ]
