"""Marts: what a run finds of each customer, made once and read by every report and by lookups.

`customer` has one row a customer, with all that no model is needed for; `clv` adds what a model says of
those who bought. They are made customers by customers, a range of ids at a time, so that memory stays
bounded however many there are, and lie in files sorted by customer_id.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from crm_lib import balances, cache, fitted
from crm_lib.analysis import (
    clv,
    cohorts,
    concentration,
    dashboard,
    flow,
    lifetime,
    margins,
    profit,
    segments,
    stages,
)
from crm_lib.book import Book
from crm_lib.btyd import Histories, PurchaseModel
from crm_lib.engine import kept, write_for_lookups
from crm_lib.ranges import Range, ranges

CUSTOMERS_A_FILE = 2_500_000
"""Few enough for the memory of an engine, and no fewer: ledger and occasions are read once for each."""
_CARRIED = (*clv.KNOWN, "is_first_seen")
CLV_FACTS = "clv.json"
"""What the CLV mart holds, or why there is none."""
_GIVEN = "{name}_given"
"""What an attribute of the customer table is called where a fact has its name."""


def build(book: Book, durations: dict[str, float] | None = None) -> Path:
    """Write the marts of a book beside its facts; returns the folder.

    Adds to `durations` the seconds of what had to be made.

    customer, name (internal audience only: customer_id, name), held (what was known before the day that
    models are judged from: `lifetime.known_before`), clv, profit_rank (profit,
    profit_rank), and, to be added up, moves (`flow.moves`), cohorts (`cohorts.cells`) and buyers
    (`dashboard.by_revenue`). `clv.json`: earning (what the margin is made of), profit_label, horizon_months,
    discount_rate (a year), buyers (customers with a purchase), files_from (the id that each file of a mart
    begins with, or before), model, customers (valued), clv (their sum,
    money), and reason (why no model may be used, so that there is no mart `clv` and no sum; else empty).
    """

    def write(folder: Path) -> None:
        parts = _ranges(book)
        took = {} if durations is None else durations
        with cache.timed("profits", took):
            earned = balances.write(book, parts)
        with cache.timed("segments and stages", took):
            _write_customers(book, folder, parts, earned)
        with cache.timed("cohorts, moves and histories", took):
            _write_past(book, folder, parts)
        with cache.timed("lifetime values", took):
            _write_clv(book, folder, parts)

    return cache.built(book.folder / "marts", write)


def read(book: Book, name: str) -> ir.Table:
    """The mart `name`, made where there is none yet; sorted by customer_id.

    customer: customer facts; each attribute of the customer table but the name, as `<name>_given`, and
    is_listed (has a row there; null without that table); with the columns of `segments.rfm`, `segments.value_tiers`, `stages.stage`,
    `concentration.ranked`, `margins.spending` and `balances.write` (null without a row in the ledger). clv: `clv.listed`, with segment, value_tier, stage, revenue,
    profit, is_first_seen. Raises UsageError for another name, or one that this run has not.
    """
    build(book)
    return book.mart(name)


def equity(book: Book) -> dict[str, Any]:
    """What `clv.json` says: the equity of the present customers, on which terms, or why there is none.

    Makes the marts where the day has none yet.
    """
    found: dict[str, Any] = json.loads((build(book) / CLV_FACTS).read_text())
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
    return book.backend.read_parquet(sorted(_compared(book, day).glob("*.parquet")))


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
        return fitted.read(build(book))
    return lifetime.choose(
        read(book, "customer"), book.occasions, **book.span, model=model, holdout_days=holdout_days,
        known=known_before(book, holdout_days),
    )  # fmt: skip


def margins_of_each(book: Book) -> margins.Margins:
    """`margins.of_each` of the mart `customer`."""
    return fitted.read_margins(build(book), read(book, "customer"))


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
    rows = _valued(
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
        for number, part in enumerate(_ranges(book)):
            both = part.of(then).outer_join(part.of(now), "customer_id")
            known = both.mutate(
                customer_id=ibis.coalesce(both.customer_id, both.customer_id_right),
                was_known=both.was_known.fill_null(False),
                has_bought=both.has_bought.fill_null(False),
            )
            _write(known.drop("customer_id_right"), folder, "", number)

    return cache.built(book.folder / "since" / str(day), write)


# --- by range of ids ------------------------------------------------------------------------------


def _ranges(book: Book) -> list[Range]:
    """Everyone, some `CUSTOMERS_A_FILE` customers at a time."""
    ids = book.customers.select("customer_id")
    customers = int(ids.count().execute())
    return ranges(ids, customers, -(-customers // CUSTOMERS_A_FILE))


def _write(table: ir.Table, folder: Path, name: str, number: int) -> None:
    (folder / name).mkdir(exist_ok=True)
    made = _plain(table)
    if "customer_id" in made.columns:
        made = made.order_by("customer_id")
    write_for_lookups(made, folder / name / f"{number:04}.parquet")


def _plain(table: ir.Table) -> ir.Table:
    """Sums of money as the lines have it: half the size of the widest decimals, and faster to read."""
    wide = {
        name: dt.Decimal(18, type_.scale)
        for name, type_ in table.schema().items()
        if isinstance(type_, dt.Decimal) and (type_.precision or 38) > 18
    }
    return table.cast(wide) if wide else table


# --- customers ------------------------------------------------------------------------------------


def _write_customers(book: Book, folder: Path, parts: list[Range], earned: ir.Table) -> None:
    made = _customers(book, earned)
    named = book.named(book.customers)
    for number, part in enumerate(parts):
        _write(made(part), folder, "customer", number)
        if "name" in named.columns:
            _write(part.of(named).select("customer_id", "name"), folder, "name", number)
    customers = _written(book, folder, "customer")
    ranks = profit.profit_levels(customers.filter(customers.profit.notnull()))
    ranks.order_by("profit").to_parquet(folder / "profit_rank.parquet")


def _customers(book: Book, earned: ir.Table) -> Callable[[Range], ir.Table]:
    """The mart `customer` of a part; what has to be known of everybody is found once, here.

    earned: the balances of the book.
    """
    everyone = book.customers
    map_ = book.dataset.segment_map
    cuts = segments.cut_points(everyone, map_.scores)
    typical = stages.typical_gap(everyone)
    paid = _kept(segments.revenue_levels(everyone))
    places = _kept(concentration.levels(everyone))
    attributes = None
    if book.has("customers"):
        attributes = book.table("customers").drop("row_id")
        attributes = attributes.drop(*({"name"} & set(attributes.columns)))

    def made(part: Range) -> ir.Table:
        facts = part.of(everyone)
        table = segments.rfm(facts, cuts=cuts, segments=map_, carried=_but(facts, segments.RFM))
        table = segments.value_tiers(table, levels=paid, carried=_but(table, segments.FACTS))
        table = stages.stage(
            table,
            thresholds=book.dataset.thresholds,
            typical=typical,
            carried=_but(table, stages.COLUMNS),
        )
        for found in (
            concentration.ranked(facts, levels=places).drop("revenue_rank"),
            margins.spending(part.of(book.occasions)),
            part.of(earned),
        ):
            table = _beside(table, found)
        if attributes is not None:
            given = part.of(attributes).mutate(is_listed=True)
            taken = [name for name in given.columns if name not in ("customer_id", "is_listed")]
            given = given.rename({_GIVEN.format(name=name): name for name in taken})
            return _beside(table, given)
        return table.mutate(is_listed=ibis.null("boolean"))

    return made


def _write_past(book: Book, folder: Path, parts: list[Range]) -> None:
    split = lifetime.split_day(book.observed, book.warm_up_ends)
    for number, part in enumerate(parts):
        for name, table in _added_up(book, part).items():
            _write(table, folder, name, number)
        if split:
            held = lifetime.known_before(part.of(book.occasions), split=split)
            _write(held, folder, "held", number)


def _but(table: ir.Table, names: Sequence[str]) -> list[str]:
    """The columns of `table` besides these."""
    return [name for name in table.columns if name not in names]


def _added_up(book: Book, part: Range) -> dict[str, ir.Table]:
    """What some customers did by month, in few rows; those of all parts add up to everyone's."""
    months, customers = part.of(book.customer_months), part.of(book.customers)
    return {
        "moves": flow.moves(months, customers, warm_up_ends=book.warm_up_ends),
        "cohorts": cohorts.cells(months, customers),
        "buyers": dashboard.by_revenue(months, observed=book.observed),
    }


def _kept(table: ir.Table) -> ir.Table:
    """A small table, made once."""
    return ibis.memtable(table.to_pyarrow())


def _beside(table: ir.Table, other: ir.Table) -> ir.Table:
    """`table` with the columns of `other` that it lacks, null for customers whom `other` has not."""
    more = [name for name in other.columns if name not in table.columns]
    joined = table.left_join(other.select("customer_id", *more), "customer_id")
    return joined.drop("customer_id_right")


def _written(book: Book, folder: Path, name: str) -> ir.Table:
    return book.backend.read_parquet(sorted((folder / name).glob("*.parquet")))


# --- lifetime value -------------------------------------------------------------------------------


def _write_clv(book: Book, folder: Path, parts: list[Range]) -> None:
    customers = _written(book, folder, "customer")
    held = _written(book, folder, "held") if (folder / "held").is_dir() else None
    choice = lifetime.choose(customers, book.occasions, **book.span, known=held)
    known = {
        "earning": margins.earning(book.components),
        "profit_label": book.profit_label,
        "horizon_months": clv.HORIZON_MONTHS,
        "discount_rate": clv.DISCOUNT_RATE,
        "buyers": int(customers.filter(customers.occasions > 0).count().execute()),
        "model": choice.fitted.title if choice.fitted else None,
        "model_name": choice.fitted.name if choice.fitted else None,
        "parameters": dict(choice.fitted.params_) if choice.fitted else {},
        "reason": choice.refusal,
        "files_from": [part.low or "" for part in parts],
        "customers": 0,
        "clv": None,
    }
    each = margins.of_each(customers)
    if choice.fitted and choice.seen:
        for number, path in enumerate(sorted((folder / "customer").glob("*.parquet"))):
            some = each.onto(book.backend.read_parquet(path))
            _write(_valued(some, choice.seen, choice.fitted), folder, "clv", number)
        values = _written(book, folder, "clv")
        row = clv.totals(values.filter(values.clv.notnull())).iloc[0]
        known |= {"customers": int(row["customers"]), "clv": float(row["clv"])}
    (folder / CLV_FACTS).write_text(json.dumps(known, indent=1))
    fitted.save(choice, folder)
    fitted.save_margins(each, folder)


def _valued(customers: ir.Table, seen: Histories, model: PurchaseModel, **terms: Any) -> ir.Table:
    values = clv.by_customer(customers, seen, model, None, carried=_CARRIED, **terms)
    return clv.listed(values, customers, carried=_CARRIED)
