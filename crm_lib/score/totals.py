"""Totals: the ledger of the book against every order that the company had."""

from __future__ import annotations

from decimal import Decimal

import ibis.expr.types as ir

from crm_lib.analysis import cohorts
from crm_lib.book import Book
from crm_lib.present import words
from crm_lib.score import damage
from crm_lib.score.row import EXACT, Row, money, same
from crm_lib.score.truth import Truth, exactly

NAME = "Totals"
WHOLE_WINDOW = True

_LABELS = {
    "lines": "order lines", "orders": "orders", "revenue": "revenue", "returns": "returns",
    "discount": "discount", "cost": "cost of goods", "margin": "margin",
}  # fmt: skip
_DIRTY = "Planted: the company's total and what the defects add to it or take away."


def rows(truth: Truth, book: Book) -> list[Row]:
    """Sums over the window and by month, to the cent and row; in a dirty company after the defects."""
    months = _months(truth, book)
    sides = {
        side: exactly(months, **{name: months[f"{side}_{name}"].sum() for name in _LABELS})
        for side in ("planted", "found")
    }
    # Which orders lost all of their lines is not written down.
    names = [name for name in _LABELS if not (truth.is_dirty and name == "orders")]
    note = _DIRTY if truth.is_dirty else ""
    found = []
    for name in names:
        shown = words.count if name in ("lines", "orders") else money(book.dataset.currency)
        found.append(same(_LABELS[name], sides["planted"][name], sides["found"][name], shown, note))
    return [*found, _by_month(months, book), _new_customers(truth, book)]


def _months(truth: Truth, book: Book) -> ir.Table:
    """One row a month: planted_ and found_ of each total."""
    planted = truth.table("months").drop("joined")
    if truth.is_dirty:
        changed = damage.changes(truth, book)
        both = planted.left_join(changed, "month")
        sums = {n: both[n] + both[f"{n}_right"].fill_null(0) for n in damage.MEASURES}
        planted = both.select("month", "orders", **sums)
    planted = planted.mutate(margin=planted.revenue - planted.cost)
    joined = planted.rename("planted_{name}").outer_join(
        book.months.rename("found_{name}"), [("planted_month", "found_month")]
    )
    numbers = [f"{side}_{name}" for side in ("planted", "found") for name in _LABELS]
    return joined.mutate(**{name: joined[name].fill_null(0) for name in numbers})


def _by_month(months: ir.Table, book: Book) -> Row:
    apart = (months.found_revenue - months.planted_revenue).abs()
    worst = exactly(months, apart=apart.max())["apart"]
    return same(
        "revenue by month, largest difference", Decimal(0), worst, money(book.dataset.currency)
    )


def _new_customers(truth: Truth, book: Book) -> Row:
    """Customers by the month of their first purchase: how many are in another month than planted."""
    profits, customers, note = truth.table("profits"), book.customers, ""
    if truth.is_dirty:
        spoilt = damage.touched(truth, book)
        profits = profits.anti_join(spoilt, "customer_id")
        customers = customers.semi_join(profits, "customer_id")
        note = "Of customers without a defect that could tell."
    planted = profits.filter(profits.first_on.notnull())
    planted = planted.group_by(cohort=planted.first_on.truncate("M")).agg(planted=planted.count())
    cells = cohorts.triangle(book.customer_months, customers, **book.span)
    found = cells.filter(cells.period == 0).select("cohort", found="cohort_size")
    both = planted.outer_join(found, "cohort")
    apart = (both.planted.fill_null(0) - both.found.fill_null(0)).abs()
    sums = exactly(both, planted=both.planted.sum(), found=both.found.sum(), apart=apart.sum())
    return Row(
        "new customers by month of first purchase",
        f"{words.count(sums['planted'])}, none elsewhere",
        f"{words.count(sums['found'])}, {words.count(sums['apart'])} elsewhere",
        EXACT,
        not sums["apart"],
        note,
    )
