"""The book: one data set as of one day, staged, judged and counted, read-only for whoever opens it.

book = open_book("completejourney", as_of="2018-01-01")
book.customers          # one row a customer, an Ibis table; collect(...) brings it to pandas
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from crm_lib import cache, conditions, engine, facts, fetching, intake, making, schema
from crm_lib import dataset as datasets
from crm_lib import ledger as ledgers
from crm_lib.accepted import Accepted
from crm_lib.dataset import Dataset
from crm_lib.errors import NotInData, UsageError, check_whole, unknown
from crm_lib.history import History
from crm_lib.intake import Intake
from crm_lib.periods import Window, add_months, parse_day
from crm_lib.quality import verdict as verdicts

LAST_DAYS = 31
"""The last observed day may lie this many days after the last order line; further out, silence would be
invented."""


def open_book(name: str, *, as_of: str | date, scope: str = "") -> Book:
    """The data set `name` as it was known before `as_of` (exclusive), within `scope`.

    `scope` is an SQL condition on order lines ("place = '367'"); empty means what `dataset.yml` says.
    Builds what the cache lacks: staged tables, the verdict on the data, facts.
    Raises UsageError for an unknown data set, a day outside the data, or a faulty condition.
    """
    if not isinstance(scope, str):
        raise UsageError(f"scope must be text, such as 'quantity > 0', not {scope!r}.")
    dataset = datasets.load(name)
    day = parse_day(as_of, "as_of")
    condition = scope.strip() or dataset.scope
    if day <= dataset.observed_from:
        raise UsageError(
            f"as_of {day} lies before the data: '{name}' is observed from {dataset.observed_from}."
        )
    conditions.check_lines(dataset, condition)
    dataset = fetching.fetched(dataset)
    taken = intake.taken(dataset)
    _check_day(dataset, day, taken)
    rows = Accepted(dataset, day, condition, taken)
    folder = taken.folder / "as_of" / f"{day}{cache.slug(condition)}"
    durations = dict(taken.durations)
    cache.built(folder, lambda scratch: making.make(rows, scratch, durations))
    return Book(rows, folder, durations)


def check_days(dataset: Dataset, days: Iterable[date]) -> None:
    """Raise UsageError for a day too long after the last order line; stages what the cache lacks."""
    _check_day(dataset, max(days), intake.taken(fetching.fetched(dataset)))


def _check_day(dataset: Dataset, as_of: date, taken: Intake) -> None:
    """The rule of `LAST_DAYS`. Where no line has a readable date, the verdict says so, not this."""
    days = [part.last_on for part in taken.parts["lines"] if part.last_on]
    if days and as_of > max(days) + timedelta(days=1 + LAST_DAYS):
        raise UsageError(
            f"as_of {as_of} lies after the data: the last order line of "
            f"'{dataset.name}' is of {max(days)}. Use {max(days) + timedelta(days=1)} or earlier."
        )


class Book:
    """A read-only handle on the cache of one data set, one day and one scope."""

    def __init__(self, rows: Accepted, folder: Path, durations: Mapping[str, float]) -> None:
        self.rows = rows
        self.dataset = rows.dataset
        self.as_of = rows.as_of
        self.scope = rows.scope
        self.folder = folder
        self.intake = rows.intake
        self.backend = rows.backend
        self.observed = Window(rows.dataset.observed_from, rows.as_of)
        self.warm_up_ends = rows.dataset.warm_up_ends
        self.durations = durations
        """Seconds by stage of what was made to open it; empty when all came from the cache."""

    def __repr__(self) -> str:
        return f"<Book {self.dataset.name} as of {self.as_of}, {self.scope or 'all lines'}>"

    @property
    def made_from(self) -> dict[str, object]:
        """Hashes of configuration, inputs, expectations and code behind this book."""
        return self.intake.made_from

    @cached_property
    def verdict(self) -> verdicts.Verdict:
        """What the expectations say of the data as of the day."""
        return verdicts.Verdict.model_validate_json((self.folder / making.VERDICT).read_text())

    def card(self) -> dict[str, str]:
        """How this book was made, as a reader of a report may want to know."""
        dataset = self.dataset
        return {
            "Data set": f"{dataset.title} ({dataset.name})",
            "As of": f"{self.as_of} (first day not seen)",
            "Observed": str(self.observed),
            "Scope": f"{self.scope}; customers without such a line are left out"
            if self.scope
            else "all order lines",
            "Warm-up": f"until {self.warm_up_ends}: customers first seen before are not called new"
            if dataset.warm_up_days
            else "none: whoever buys for the first time is new",
            "Purchase occasion": f"a customer's {dataset.occasion} with a line where {dataset.purchase}",
            "Currency, time zone": f"{dataset.currency}, {dataset.time_zone}",
            "Engine": engine.named(self.backend),
            "Data fingerprint": self.intake.folder.name,
        }

    def has(self, table: str, *columns: str) -> bool:
        """Does this data set supply the canonical table (and all these columns)?"""
        return self.rows.has(table, *columns)

    def table(self, name: str) -> ir.Table:
        """The canonical table `name` as of the day: accepted rows, nothing recorded later.

        Personal columns are absent unless the audience is internal. Raises NotInData.
        """
        return self.rows.table(name)

    def staged(self, name: str) -> ir.Table:
        """Every row read of a table, accepted or not, with what could not be read beside it."""
        return self.rows.staged(name)

    def failures(self, name: str) -> ir.Table:
        """One row for each row rule that a row of the table broke: row_id, rule_id."""
        return self.rows.failures(name)

    @cached_property
    def lines(self) -> ir.Table:
        """Accepted order lines in scope, with `day`, `is_purchase` and `is_return`."""
        return self.rows.lines

    @cached_property
    def history(self) -> History:
        """The facts on disk."""
        return History.of(self.folder, self.dataset.occasion, self.backend)

    @cached_property
    def customers(self) -> ir.Table:
        """One row a known customer: see `facts.customers`."""
        return self.history.customers

    @cached_property
    def customer_months(self) -> ir.Table:
        """One row a known customer and month: see `facts.customer_months`."""
        return self.history.customer_months

    @cached_property
    def ledger(self) -> ir.Table:
        """One row a customer and month with an order line or a cost: see `crm_lib.ledger`."""
        return ledgers.read(self.folder, self.backend)

    @cached_property
    def components(self) -> list[ledgers.Component]:
        """The parts of the profit: recorded, by rule, or missing."""
        return ledgers.components(self.dataset, ledgers.counts_of(self.folder))

    @property
    def profit_label(self) -> str:
        """What the ledger's `profit` is with what this data set knows: see `ledger.profit_label`."""
        return ledgers.profit_label(self.components)

    def spent_on_campaigns(self, kind: str) -> ir.Table | None:
        """What of the ledger campaigns of this kind cost: see `ledger.of_campaigns`."""
        return ledgers.of_campaigns(self.records, kind)

    @cached_property
    def reconciliation(self) -> ir.Table:
        """Do the ledger and its sources agree? One row a component and month: see `ledger`."""
        return ledgers.reconciliation(self.records, self.ledger, self.components)

    @cached_property
    def months(self) -> ir.Table:
        """One row a month, anonymous lines included: see `facts.months`."""
        return self.history.months

    @property
    def span(self) -> dict[str, Any]:
        """`observed` and `warm_up_ends`, as the analyses over time take them."""
        return {"observed": self.observed, "warm_up_ends": self.warm_up_ends}

    @cached_property
    def days(self) -> ir.Table:
        """One row a day of the observed window, with its order lines: see `facts.days`."""
        return facts.days(self.lines, observed=self.observed)

    @cached_property
    def occasions(self) -> ir.Table:
        """One row a purchase occasion of a known customer: see `facts.occasions`."""
        return self.history.occasions

    @cached_property
    def profile(self) -> ir.Table:
        """`customers` with the attributes of the canonical customers table, null where unknown."""
        attributes = self.table("customers").drop("row_id")
        taken = [
            c for c in attributes.columns if c != "customer_id" and c in self.customers.columns
        ]
        if taken:
            attributes = attributes.rename({f"{name}_given": name for name in taken})
        return self.customers.left_join(attributes, "customer_id").drop("customer_id_right")

    @property
    def attributes(self) -> tuple[str, ...]:
        """What customers can be profiled by: text columns of the customers table that name nobody."""
        columns = self.table("customers").schema().items()
        texts = [name for name, type_ in columns if type_.is_string() and name != "customer_id"]
        return tuple(name for name in texts if not schema.CUSTOMERS.column(name).personal)

    def attribute(self, name: str = "") -> str:
        """The attribute `name`, or the first that tells customers apart: two values at least among them.

        Where none does, the first there is. Raises NotInData, UsageError for a misspelt one.
        """
        if not self.attributes:
            raise NotInData("Profiles need an attribute of the table 'customers' besides its id.")
        if name and name not in self.profile.columns:
            raise UsageError(unknown("attribute of the customers", name, self.attributes))
        return name or next(filter(self._tells_apart, self.attributes), self.attributes[0])

    def _tells_apart(self, attribute: str) -> bool:
        # Without a scope everyone listed is a customer, and no join is needed.
        rows = self.profile if self.scope else self.table("customers")
        known = rows[attribute].cast("string").strip().nullif("")
        return bool((known.min() != known.max()).fill_null(False).execute())

    def named(self, table: ir.Table) -> ir.Table:
        """`table` with the customers' names beside `customer_id`, where the audience may see them."""
        if self.dataset.audience == "external" or not self.has("customers", "name"):
            return table
        names = self.table("customers").select("customer_id", "name")
        joined = table.left_join(names, "customer_id").drop("customer_id_right")
        return joined.relocate("name", after="customer_id")

    def customers_at(self, day: str | date) -> ir.Table:
        """The customer facts as of an earlier day, from the same accepted lines."""
        earlier = parse_day(day, "day")
        if not self.observed.start < earlier <= self.as_of:
            raise UsageError(
                f"The day {earlier} lies outside {self.observed.start} – {self.as_of}."
            )
        known, warm_up_ends = self.rows.known(earlier), self.warm_up_ends
        if earlier.day == 1:
            return self.history.customers_at(earlier, warm_up_ends=warm_up_ends, known=known)
        before = self.lines.filter(self.lines.day < ibis.literal(earlier))
        occasion = self.dataset.occasion
        return facts.customers(
            before, occasion, as_of=earlier, warm_up_ends=warm_up_ends, known=known
        )

    def months_before(self, months: int) -> date:
        """The day `months` months before `as_of`; NotInData where the data does not reach back so far."""
        check_whole("months_back", months)
        earlier = add_months(self.as_of, -months)
        if earlier <= self.observed.start:
            raise NotInData(
                f"{months} months before {self.as_of} lies before the data, "
                f"which begins on {self.observed.start}."
            )
        return earlier

    def mart(self, name: str) -> ir.Table:
        """A mart of this run: see `marts.read`, which makes them first. Raises UsageError."""
        folder = self.folder / "marts"
        files = sorted((folder / name).glob("*.parquet"))
        if not files:
            known = sorted(item.name for item in folder.glob("*") if item.is_dir())
            raise UsageError(unknown("mart", name, known))
        return self.backend.read_parquet(files)

    def mart_facts(self, name: str) -> dict[str, Any]:
        """What this run says of a mart, such as the terms of `clv`; empty where it has not made it."""
        path = self.folder / "marts" / f"{name}.json"
        return json.loads(path.read_text()) if path.is_file() else {}

    @cached_property
    def records(self) -> ledgers.Records:
        """What the ledger is made of."""
        return making.records(self.rows, self.history)
