"""The making of a book: its tables judged as of the day, its facts counted, its ledger written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import duckdb

from crm_lib import baskets, cache, contents, engine, history, ledger, machine
from crm_lib.accepted import Accepted
from crm_lib.errors import UsageError
from crm_lib.history import History, counting, shelf
from crm_lib.quality import verdict as verdicts

VERDICT = "verdict.json"


def make(rows: Accepted, folder: Path, durations: dict[str, float]) -> None:
    """Write the facts, the verdict and the ledger into `folder`; adds to `durations` the seconds of each.

    The verdict looks up whom facts met: a customer once, not each of his lines.
    Raises UsageError where an amount is too large for `money_decimals`, and where memory is too short.
    """
    machine.check_room(sum(part.rows for part in rows.intake.parts.get("customers", [])))
    with _fitting_money(rows):
        with cache.timed("facts", durations):
            made = history.write(delivery(rows), folder)
        with cache.timed("judging as of the day", durations):
            _judge(rows, made, folder)
        with cache.timed("ledger", durations):
            if rows.has("contacts"):
                ledger.check_kinds(rows.dataset.ledger, rows.staged("contacts"))
            ledger.write(
                records(rows, made), _spans(made), folder,
                lambda name: shelf.linked(rows.dataset, name, folder), rows.backend,
            )  # fmt: skip


def delivery(rows: Accepted) -> history.Delivery:
    """What the facts of a book are made of."""
    return history.Delivery(
        rows.dataset, rows.as_of, _made_by(rows), rows.periods(), rows.lines_of, rows.known(), rows.backend
    )  # fmt: skip


def records(rows: Accepted, made: History) -> ledger.Records:
    """What its ledger is made of."""
    starts = None
    if rows.has("campaigns", "starts_on"):
        starts = rows.staged("campaigns").select("campaign_id", "starts_on")
    return ledger.Records(
        rows.dataset,
        rows.lines,
        made.customer_months,
        made.customers.select("customer_id"),
        {name: rows.table(name) for name in ledger.COST_TABLES if rows.has(name)},
        rows.as_of,
        starts,
        bool(rows.scope),
        made.counted(counting.MONTHLY),
    )


def _spans(made: History) -> list[ledger.Span]:
    """The months of the ledger as they were counted."""
    starts = [date.fromisoformat(batch.first) for batch in made.contents.batches]
    again, spans = _again(made), []
    for at, (start, end) in enumerate(pairwise([*starts, date.max])):
        inside = {month: it for month, it in again.items() if start <= month < end}
        key = f"{made.contents.batches[at].key} {sorted(inside.items())}"
        spans.append(ledger.Span(key, start, made.months_in(range(at, at + 1))))
    return spans


def _again(made: History) -> dict[date, str]:
    """By month, a hash of which orders are bought on several days, and therefore counted once."""
    if made.repeated is None:
        return {}
    dated = made.repeated.mutate(month=baskets.month_of(made.repeated.day))
    return contents.by(dated, "month")


def _judge(rows: Accepted, made: History, folder: Path) -> None:
    tables, customers = list(rows.dataset.tables), made.customers
    verdict = verdicts.assess(
        rows.dataset,
        {name: rows.staged(name) for name in tables},
        {name: rows.failures(name) for name in tables},
        as_of=rows.as_of,
        scope=rows.scope,
        notes=rows.intake.notes,
        buyers=customers.filter(customers.lines > 0).select("customer_id"),
    )
    (folder / VERDICT).write_text(verdict.model_dump_json(indent=1))


def _made_by(rows: Accepted) -> str:
    """A hash of everything that facts depend on besides the lines and what is set aside of them."""
    dataset = rows.dataset
    return cache.hashed(
        cache.code(cache.COUNTING), dataset.engine, metadata.version("duckdb"), rows.scope,
        dataset.purchase, dataset.returned, dataset.occasion, str(dataset.money_decimals),
    )[:16]  # fmt: skip


@contextmanager
def _fitting_money(rows: Accepted) -> Iterator[None]:
    try:
        yield
    except engine.errors() as error:
        first = str(error).splitlines()[0]
        if engine.is_overflow(error):
            decimals = rows.dataset.money_decimals
            raise UsageError(
                f"A month's money does not fit into 18 digits, {decimals} of them after the point: lower "
                f"`money_decimals: {decimals}` in dataset.yml. ({first})"
            ) from None
        if isinstance(error, duckdb.ConversionException):
            raise UsageError(
                "The scope, the purchase or the return condition cannot be told of some order line: "
                f"{first}. TRY_CAST takes what cannot be converted for unknown."
            ) from None
        raise
