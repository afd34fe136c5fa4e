"""The making of the marts: customers with all that is known of them, what adds up over them, their values."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from crm_lib import cache, engine, fitted
from crm_lib.analysis import (
    clv,
    cohorts,
    concentration,
    dashboard,
    equity,
    flow,
    lifetime,
    margins,
    profit,
    segments,
    stages,
)
from crm_lib.book import Book
from crm_lib.btyd import Histories, PurchaseModel
from crm_lib.marts import balances, files
from crm_lib.ranges import Range

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
    begins with, or before), model, stays (it knows no leaving), bias (`Choice.bias`), customers (valued), clv
    (their sum, money), interval (its 95 % interval, two ends; null where the data determine none), and reason (why
    no model may be used, so that there is no mart `clv` and no sum; else empty).
    """

    def write(folder: Path) -> None:
        parts = files.everyone(book)
        took = {} if durations is None else durations
        with cache.timed("profits", took):
            balance = balances.of(book, parts)
            ranks = profit.profit_levels(balance)
            engine.write(ranks.order_by("profit"), folder / "profit_rank.parquet")
        with cache.timed("segments and stages", took):
            _write_customers(book, folder, parts, balance)
        with cache.timed("cohorts, moves and histories", took):
            _write_past(book, folder, parts)
        with cache.timed("lifetime values", took):
            _write_clv(book, folder, parts)

    return cache.built(book.folder / "marts", write)


# --- customers ------------------------------------------------------------------------------------


def _write_customers(book: Book, folder: Path, parts: list[Range], balance: ir.Table) -> None:
    made = _customers(book, balance)
    named = book.named(book.customers)
    for number, part in enumerate(parts):
        files.write(made(part), folder / "customer", number)
        if "name" in named.columns:
            files.write(part.of(named).select("customer_id", "name"), folder / "name", number)


def _customers(book: Book, balance: ir.Table) -> Callable[[Range], ir.Table]:
    """The mart `customer` of a part; what has to be known of everybody is found once, here.

    balance: `balances.of` the book.
    """
    everyone = book.customers
    map_ = book.dataset.segment_map
    cuts = segments.cut_points(everyone, map_.scores)
    typical = stages.typical_gap(everyone)
    paid = _kept(segments.revenue_levels(everyone))
    places = _kept(concentration.places(everyone).drop("revenue_rank"))
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
        value = (table.occasions > 0).ifelse(table.revenue, None)
        table = table.mutate(value=value).left_join(places, "value").drop("value", "value_right")
        table = _beside(table, part.of(balance))
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
            files.write(table, folder / name, number)
        if split:
            held = lifetime.known_before(part.of(book.occasions), split=split)
            files.write(held, folder / "held", number)


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


# --- lifetime value -------------------------------------------------------------------------------


def _write_clv(book: Book, folder: Path, parts: list[Range]) -> None:
    customers = files.read(folder / "customer", book)
    held = files.read(folder / "held", book) if (folder / "held").is_dir() else None
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
        "stays": choice.stays,
        "bias": choice.bias if choice.fitted else None,
        "reason": choice.refusal,
        "files_from": [part.low or "" for part in parts],
        "customers": 0,
        "clv": None,
        "interval": None,
    }
    each = margins.of_each(customers)
    if choice.fitted and choice.seen:
        for number, path in enumerate(sorted((folder / "customer").glob("*.parquet"))):
            some = each.onto(book.backend.read_parquet(path))
            files.write(valued(some, choice.seen, choice.fitted), folder / "clv", number)
        values = files.read(folder / "clv", book).filter(lambda t: t.clv.notnull())
        row = clv.totals(values).iloc[0]
        known |= {"customers": int(row["customers"]), "clv": float(row["clv"])}
        known["interval"] = equity.stakes(values).interval(
            choice.fitted, horizon_months=clv.HORIZON_MONTHS, discount_rate=clv.DISCOUNT_RATE
        )
    (folder / CLV_FACTS).write_text(json.dumps(known, indent=1))
    fitted.save(choice, folder)
    fitted.save_margins(each, folder)


def valued(customers: ir.Table, seen: Histories, model: PurchaseModel, **terms: Any) -> ir.Table:
    values = clv.by_customer(customers, seen, model, None, carried=_CARRIED, **terms)
    return clv.listed(values, customers, carried=_CARRIED)
