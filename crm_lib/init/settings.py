"""The settings above the tables: currency, time zone, what is observed and what counts as what."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
from babel import Locale

from crm_lib import conditions
from crm_lib.casting import SIGNS
from crm_lib.dataset import UNKNOWN_CURRENCY
from crm_lib.init import names
from crm_lib.init.evidence import Column
from crm_lib.init.files import RawTable
from crm_lib.init.proposal import Entry, Preview, TableProposal

_ZONES = {
    "GBP": "Europe/London", "CNY": "Asia/Shanghai", "JPY": "Asia/Tokyo", "CHF": "Europe/Zurich",
    "PLN": "Europe/Warsaw", "SEK": "Europe/Stockholm", "INR": "Asia/Kolkata", "KRW": "Asia/Seoul",
    "EUR": "Europe/Berlin", "USD": "America/New_York", "BRL": "America/Sao_Paulo",
}  # fmt: skip
_CURRENCIES = frozenset(Locale("en").currencies)
WARM_UP_DAYS = 31


def proposed(name: str, table: RawTable, lines: TableProposal) -> tuple[Entry, ...]:
    """The settings that follow from the raw order lines; `refined` adds what staging shows."""
    when = lines.column("ordered_at")
    raw = table.columns.get(when.raw) if when else None
    money = currency(table)
    return (
        Entry("title", name.replace("_", " ").replace("-", " ").title(), "stands on every report"),
        money,
        time_zone(raw, str(money.value)),
        Entry("week_start", "monday", "or sunday, saturday"),
        Entry("fiscal_year_start", 1, "month in which the business year begins"),
        *_observed(raw),
    )


def currency(table: RawTable) -> Entry:
    """From a sign beside the amounts, a column of codes, or a code in a header; else asked for."""
    signs = {
        sign: share
        for raw in table.columns.values()
        if raw.is_number
        for sign, share in raw.signs.items()
    }
    if signs:
        sign = max(signs, key=lambda key: signs[key])
        first, *rest = SIGNS[sign]
        others = tuple((code, f"{sign} may also mean it") for code in rest)
        check = f"{sign} stands for {', '.join([first, *rest])}" if rest else ""
        more = sorted({SIGNS[s][0] for s in signs} - {first, *rest})
        if more:
            check = f"amounts bear the signs {', '.join(signs)}: one data set has one currency"
        return Entry("currency", first, f"{sign} stands beside the amounts", check, others)
    for raw in table.columns.values():
        if names.is_named(raw.name, names.CURRENCY) and set(raw.examples) <= _CURRENCIES:
            check = "" if raw.distinct == 1 else (
                f"'{raw.name}' holds {raw.distinct} currencies ({', '.join(raw.examples)}): keep one by a "
                f"`query:`, or write amount as CASE {conditions.quoted(raw.name)} WHEN … THEN amount * rate … END"
            )  # fmt: skip
            return Entry("currency", raw.examples[0], f"the most frequent of '{raw.name}'", check)
    for raw in table.columns.values():
        for word in re.findall(r"[A-Za-z]{3,6}|[€£¥元]", raw.name):
            code = {"dollar": "USD", "euro": "EUR"}.get(
                word.lower(), SIGNS.get(word, [word.upper()])[0]
            )
            if code in _CURRENCIES and code in _ZONES:
                return Entry("currency", code, "", f"only the name '{raw.name}' says so")
    return Entry(
        "currency", UNKNOWN_CURRENCY, "",
        "the files bear no currency sign: write yours, for example EUR, USD, GBP or CNY",
    )  # fmt: skip


def time_zone(raw: Column | None, money: str) -> Entry:
    """The business's own zone, which no file states; it matters only where times of day are given."""
    near = _ZONES.get(money)
    others = ((near, f"usual with {money}"),) if near else ()
    read = raw.reading if raw else None
    if read and not read.has_time:
        return Entry(
            "time_zone", "UTC", "the dates bear no time of day, so that no zone moves them"
        )
    if read and (read.has_zone or (read.first and not read.formats and raw and raw.kind == "time")):
        question = (
            "the times state their offset from UTC; write the zone in which the shops keep their days"
            if read.has_zone
            else "are the times those of the shops? Write their zone; times in UTC also need `zone: UTC`"
        )
        return Entry("time_zone", "UTC", "", question, others)
    return Entry("time_zone", "UTC", "", "write the zone whose clocks the file shows", others)


def _observed(raw: Column | None) -> tuple[Entry, ...]:
    read = raw.reading if raw else None
    if read is None or read.first is None or read.last is None:
        question = "FILL IN as YYYY-MM-DD:"
        return (
            Entry("observed_from", None, check=f"{question} the first day of the data"),
            Entry("default_as_of", None, check=f"{question} the day after the last"),
        )
    unsure = "follows from how the dates are read; see ordered_at" if read.twin else ""
    today = date.today()
    late = f"the last day, {read.last}, lies in the future" if read.last > today else ""
    return (
        Entry("observed_from", read.first, "first day in the file; nothing is known of anyone before", unsure),
        Entry("default_as_of", read.last + timedelta(days=1), "first day not seen: the day after the last", late or unsure),
    )  # fmt: skip


def refined(preview: Preview | None, table: RawTable, lines: TableProposal) -> tuple[Entry, ...]:
    """What the staged lines say of warm-up, occasions and returns."""
    a_day = preview.orders_a_day if preview else None
    holds = f"a customer's day with purchases holds {a_day:.2f} orders; " if a_day else ""
    entries = [
        _warm_up(preview.first_seen_share if preview else None),
        Entry("occasion", "day", f"{holds}or order"),
        Entry("purchase", "amount > 0"),
    ]
    share = preview.return_share if preview else 0.0
    returned = f"{share:.1%} of the lines" if share else ""
    quantity = raw.negative_share if (raw := table.columns.get(_raw(lines, "quantity"))) else 0.0
    check = ""
    if preview and not share:
        check = "no amount is negative: are returns absent, or marked in another way?"
        if quantity:
            check += f" The quantity is negative in {quantity:.1%} of the lines"
    return (*entries, Entry("returned", "amount < 0", returned, check))


def _warm_up(seen: float | None) -> Entry:
    """The warm-up by the share of customers seen in it; without a reason where nobody was seen."""
    if seen is None:
        return Entry(
            "warm_up_days", WARM_UP_DAYS, "customers first seen in them are not called new"
        )
    why = f"{seen:.0%} of the customers appear within the first {WARM_UP_DAYS} days"
    if seen < 0.9:
        return Entry("warm_up_days", WARM_UP_DAYS, f"{why}; those are first seen, not new")
    check = f"0 calls all of them new; where they may be older than the file, write {WARM_UP_DAYS}"
    return Entry("warm_up_days", 0, f"{why}: a cohort known from its start, or a short file", check)


def _raw(lines: TableProposal, column: str) -> str:
    entry = lines.column(column)
    return entry.raw if entry else ""


def with_hours(zone: Entry, preview: Preview) -> Entry:
    """The time zone with the hours of business, which tell whether the clock is the shops' own."""
    if not zone.check or len(preview.hours) < 2:
        return zone
    busiest = max(preview.hours, key=lambda hour: preview.hours[hour])
    quietest = min(range(24), key=lambda hour: preview.hours.get(hour, 0))
    clue = f"as the times are read, most lines fall at {busiest}:00, fewest at {quietest}:00"
    return replace(zone, check=f"{zone.check} ({clue})")


def previewed(staged: ir.Table, first_day: date) -> Preview:
    """What the order lines come to; `staged` is the canonical table of lines."""
    timed = staged.filter(staged.ordered_at.notnull())
    hours = timed.group_by(hour=timed.ordered_at.hour()).aggregate(lines=timed.count())
    unread = [name for name in staged.columns if name.startswith("unreadable_")]
    limit = ibis.literal(first_day + timedelta(days=WARM_UP_DAYS))
    # Rules set aside what lacks one of these, such as the sums at the end of an export.
    whole = staged.drop_null(["order_id", "ordered_at", "amount"])
    bought = whole.filter(whole.customer_id.notnull(), whole.amount > 0)
    customers = bought.group_by("customer_id").aggregate(first=bought.day.min())
    days = bought.group_by("customer_id", "day").aggregate(orders=bought.order_id.nunique())
    cells = _one(staged.aggregate(
        lines=staged.count(),
        **{name: staged[name].count() for name in unread},
        **{f"example_{name}": staged[name].min() for name in unread},
    ))  # fmt: skip
    bad = {
        name.removeprefix("unreadable_"): (cells[name], cells[f"example_{name}"])
        for name in unread
        if cells[name]
    }
    kept = _one(whole.aggregate(
        complete=whole.count(), customers=whole.customer_id.nunique(), orders=whole.order_id.nunique(),
        revenue=whole.amount.sum().fill_null(0), return_share=(whole.amount < 0).mean().fill_null(0.0),
        anonymous_share=whole.customer_id.isnull().mean().fill_null(0.0),
    ))  # fmt: skip
    return Preview(
        lines=cells["lines"],
        **kept,
        first_seen_share=_mean(customers, customers["first"] < limit),
        orders_a_day=_mean(days, days.orders),
        hours={row["hour"]: row["lines"] for row in hours.to_pyarrow().to_pylist()},
        unreadable=bad,
    )  # fmt: skip


def _one(row: ir.Table) -> dict[str, Any]:
    values: dict[str, Any] = row.to_pyarrow().to_pylist()[0]
    return values


def _mean(rows: ir.Table, values: ir.Value) -> float | None:
    """The mean over the rows; None where there are none."""
    found: float | None = rows.aggregate(mean=values.mean()).to_pyarrow()["mean"][0].as_py()
    return found
