"""The marts of a book as analyses and reports read them; made first where there are none."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from crm_lib import cache, fitted
from crm_lib.analysis import lifetime, margins
from crm_lib.book import Book
from crm_lib.engine import kept
from crm_lib.marts import files, making


def read(book: Book, name: str) -> ir.Table:
    """The mart `name`, made where there is none yet; sorted by customer_id.

    customer: customer facts; each attribute of the customer table but the name, as `<name>_given`, and
    is_listed (has a row there; null without that table); with the columns of `segments.rfm`,
    `segments.value_tiers`, `stages.stage`, `concentration.ranked` and `balances.of` (null without a row in
    the ledger). clv: `clv.listed`, with segment, value_tier, stage, revenue, profit, is_first_seen. Raises
    UsageError for another name, or one that this run has not.
    """
    making.build(book)
    return book.mart(name)


def equity(book: Book) -> dict[str, Any]:
    """What `clv.json` says: the equity of the present customers, on which terms, or why there is none.

    Makes the marts where the day has none yet.
    """
    found: dict[str, Any] = json.loads((making.build(book) / making.CLV_FACTS).read_text())
    return found


def profiles(book: Book) -> ir.Table:
    """The mart `customer` with attributes under their own names, as in `book.profile`: one that is called
    as a fact is `<name>_given`, one that is called as anything else of the mart stands in its place."""
    customers = book.named(read(book, "customer"))
    facts = set(book.customers.columns)
    given = {
        name.removesuffix("_given"): name for name in customers.columns if name.endswith("_given")
    }
    free = {name: column for name, column in given.items() if name not in facts}
    hidden = [name for name in free if name in customers.columns]
    return customers.drop(*hidden).rename(free)


def named(book: Book, rows: ir.Table) -> ir.Table:
    """Rows of a mart by customer_id, with names where the audience may see them."""
    found = book.named(rows)
    return found.order_by("customer_id") if "name" in found.columns else rows


def profits(book: Book) -> ir.Table:
    """The mart `customer` as `profit.by_customer`: who has a row in the ledger, with profit_rank."""
    customers = read(book, "customer")
    ranks = book.backend.read_parquet(book.folder / "marts" / "profit_rank.parquet")
    return customers.filter(customers.profit.notnull()).join(ranks, "profit")


def since(book: Book, day: date) -> ir.Table:
    """How customers stood on an earlier `day`, and what became of them; made where there is none yet.

    One row a customer known then or now: the columns of the facts then that stages and scores rest on,
    was_known (then), now_segment, now_stage, now_revenue (null: unknown now), has_bought (on `day` or later).
    """
    return files.read(_compared(book, day), book)


def known_before(book: Book, holdout_days: int = 0) -> ir.Table | None:
    """`lifetime.known_before` the day that models are judged from.

    For `holdout_days` as `lifetime.choose` has them; None where the data is too short to judge a model.
    """
    split = lifetime.split_day(book.observed, book.warm_up_ends, holdout_days)
    if split is None:
        return None
    if split == lifetime.split_day(book.observed, book.warm_up_ends):
        return read(book, "held")
    return kept(lifetime.known_before(book.occasions, split=split))


def choice(book: Book, *, model: str = lifetime.BEST, holdout_days: int = 0) -> lifetime.Choice:
    """`lifetime.choose`: what the marts rest on, unless another model or held-out period is asked for."""
    usual = lifetime.split_day(book.observed, book.warm_up_ends)
    split = lifetime.split_day(book.observed, book.warm_up_ends, holdout_days)
    if model == lifetime.BEST and split == usual:
        return fitted.read(making.build(book))
    return lifetime.choose(
        read(book, "customer"), book.occasions, **book.span, model=model, holdout_days=holdout_days,
        known=known_before(book, holdout_days),
    )  # fmt: skip


def margins_of_each(book: Book) -> margins.Margins:
    """`margins.of_each` of the mart `customer`."""
    return fitted.read_margins(making.build(book), read(book, "customer"))


def values(
    book: Book,
    choice: lifetime.Choice,
    found: margins.Margins,
    *,
    horizon_months: int,
    discount_rate: float,
) -> ir.Table:
    """The mart `clv`, or what it would be of this model on these terms; who never bought is in it, too."""
    made = equity(book)
    same = (made["model_name"], made["parameters"]) == (choice.model.name, choice.model.params_)
    terms = (made["horizon_months"], made["discount_rate"])
    if same and terms == (horizon_months, discount_rate):
        return read(book, "clv")
    assert choice.seen is not None
    customers = found.onto(read(book, "customer"))
    rows = making.valued(
        customers, choice.seen, choice.model, horizon_months=horizon_months, discount_rate=discount_rate
    )  # fmt: skip
    return rows.order_by("customer_id")


_THEN = (
    "revenue", "occasions", "days_since_last", "is_first_seen", "last_gap_days", "median_gap_days", "t_x", "T",
)  # fmt: skip


def _compared(book: Book, day: date) -> Path:
    now = read(book, "customer")
    now = now.select(
        "customer_id",
        now_segment="segment",
        now_stage="stage",
        now_revenue="revenue",
        has_bought=(now.last_on >= ibis.literal(day)).fill_null(False),
    )
    then = book.customers_at(day).select("customer_id", *_THEN, was_known=True)

    def write(folder: Path) -> None:
        for number, part in enumerate(files.everyone(book)):
            both = part.of(then).outer_join(part.of(now), "customer_id")
            known = both.mutate(
                customer_id=ibis.coalesce(both.customer_id, both.customer_id_right),
                was_known=both.was_known.fill_null(False),
                has_bought=both.has_bought.fill_null(False),
            )
            files.write(known.drop("customer_id_right"), folder, number)

    return cache.built(book.folder / "since" / str(day), write)
