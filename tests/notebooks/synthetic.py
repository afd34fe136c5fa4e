"""A made-up company: 60 customers over 18 months, with everything that real ledgers have."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

START, AS_OF = date(2022, 7, 1), date(2024, 1, 1)
WARM_UP_DAYS = 31
CUSTOMERS = 60
SILENT_DAYS = range(7, 13)
"""Days of August 2023 on which no line arrived."""

Row = dict[str, str]
Tables = dict[str, list[Row]]
"""Raw table → rows as a file holds them, all cells text."""

YML = f"""
title: Synthetic company
currency: EUR
observed_from: {START}
warm_up_days: {WARM_UP_DAYS}
default_as_of: {AS_OF}
tolerate:
  lines.amount_readable: 0.01
  lines.order_id_present: 0.01
tables:
  lines:
    source: {{files: data/synthetic/lines*.FORMAT}}
    columns:
      customer_id: customer
      order_id: order
      ordered_at: when
      amount: amount
      quantity: quantity
      product_id: product
      cost: cost
      discount: discount
      channel: channel
  customers:
    source: {{files: data/synthetic/customers*.FORMAT}}
    columns:
      customer_id: customer
      name: name
      region: region
      size: size
      acquired_on: acquired
      source: source
      acquisition_cost: won_for
  products:
    source: {{files: data/synthetic/products*.FORMAT}}
    columns: {{product_id: product, name: name, category: category}}
  contacts:
    source: {{files: data/synthetic/contacts*.FORMAT}}
    columns: {{customer_id: customer, at: at, kind: kind, resolved_at: resolved, cost: cost}}
  campaigns:
    source: {{files: data/synthetic/campaigns*.FORMAT}}
    columns: {{campaign_id: campaign, kind: kind, starts_on: starts, ends_on: ends, cost: cost}}
  exposures:
    source: {{files: data/synthetic/exposures*.FORMAT}}
    columns: {{campaign_id: campaign, customer_id: customer, sent_at: sent, redeemed_at: redeemed}}
"""


def yml(form: str = "csv") -> str:
    """`dataset.yml` of the company with its files in one form: csv, parquet or xlsx."""
    return YML.replace("FORMAT", form)


def as_csv(rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def tables() -> Tables:
    """The raw tables of the company; the same at every call."""
    random_ = random.Random(1877)
    ledger = _Ledger(random_)
    people = [f"c{i:03d}" for i in range(1, CUSTOMERS + 1)]
    for number, person in enumerate(people):
        ledger.history(person, number)
    for _ in range(45):
        ledger.order("", START + timedelta(days=random_.randrange((AS_OF - START).days)))
    lines = sorted(ledger.lines, key=lambda row: (row["when"], row["order"]))
    return {
        "lines": lines + _bad_rows(),
        "customers": list(_customers(people, random_)),
        "products": [
            {"product": f"p{i}", "name": f"Product {i}", "category": ("tea", "pots", "cups")[i % 3]}
            for i in range(12)
        ],
        "contacts": list(_contacts(people, random_)),
        "campaigns": [
            {
                "campaign": "spring",
                "kind": "acquisition",
                "starts": "2023-03-01",
                "ends": "2023-03-31",
                "cost": "90.00",
            },
            {
                "campaign": "autumn",
                "kind": "promotion",
                "starts": "2023-10-01",
                "ends": "2023-10-31",
                "cost": "60.00",
            },
        ],
        "exposures": list(_exposures(people, random_)),
    }


@dataclass
class _Ledger:
    """Order lines as they are written, customer by customer."""

    random: random.Random

    def __post_init__(self) -> None:
        self.lines: list[Row] = []
        self.orders = 0

    def history(self, person: str, number: int) -> None:
        """One customer's purchases: regulars, lapsed and one-time buyers, some returns."""
        span = (AS_OF - START).days
        day = self.random.randrange(25) if number % 3 == 0 else self.random.randrange(span - 20)
        gap = self.random.choice((6, 14, 30, 75))
        last = span if number % 4 else min(span, day + 150)
        while day < last:
            self.order(person, START + timedelta(days=day))
            if number % 10 == 9:
                break
            day += max(1, round(self.random.expovariate(1 / gap)))

    def order(self, person: str, on: date) -> None:
        if (on.year, on.month) == (2023, 8) and on.day in SILENT_DAYS:
            return
        self.orders += 1
        at = datetime(on.year, on.month, on.day, self.random.randrange(8, 20), 15)
        for _ in range(self.random.choice((1, 1, 2, 4))):
            sign = -1 if self.random.random() < 0.05 else 1
            quantity = sign * self.random.randint(1, 5)
            cents = quantity * self.random.randint(150, 4000)
            self.lines.append(
                {
                    "customer": person,
                    "order": f"o{self.orders:05d}",
                    "when": at.isoformat(" "),
                    "amount": _money(cents),
                    "quantity": str(quantity),
                    "product": f"p{self.random.randrange(12)}",
                    "cost": _money(cents * 6 // 10),
                    "discount": _money(abs(cents) // 20),
                    "channel": self.random.choice(("shop", "web")),
                }
            )


def _money(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _bad_rows() -> list[Row]:
    """Three amounts that nobody can read, two lines without an order: below the tolerance."""
    good = {
        "customer": "c001", "order": "o90001", "when": "2023-05-05 10:15:00", "amount": "12.50",
        "quantity": "1", "product": "p1", "cost": "7.00", "discount": "0.00", "channel": "web",
    }  # fmt: skip
    amounts = [{**good, "amount": text} for text in ("n/a", "twelve", "1.2.3")]
    return [*amounts, {**good, "order": ""}, {**good, "customer": "c002", "order": ""}]


def _customers(people: list[str], random_: random.Random) -> Iterable[Row]:
    """All but five of those who buy, and two who have not bought yet; some regions are not known."""
    for number, person in enumerate([*people[:-5], "c900", "c901"]):
        yield {
            "customer": person,
            "name": f"Person {person}",
            "region": random_.choice(("north", "north", "south", "west", "")),
            "size": random_.choice(("small", "medium", "large")),
            "acquired": START.isoformat(),
            "source": ("referral", "fair", "web", "")[number % 4],
            "won_for": f"{20 + 15 * (number % 7)}.00",
        }


def _contacts(people: list[str], random_: random.Random) -> Iterable[Row]:
    for person in people[::3]:
        at = START + timedelta(days=random_.randrange(400))
        settled = at + timedelta(days=random_.randrange(1, 90))
        yield {
            "customer": person, "at": f"{at} 09:00:00", "kind": "complaint", "cost": "7.50",
            "resolved": f"{settled} 17:00:00" if random_.random() < 0.7 else "",
        }  # fmt: skip


def _exposures(people: list[str], random_: random.Random) -> Iterable[Row]:
    for campaign, sent in (("spring", "2023-03-01"), ("autumn", "2023-10-01")):
        for person in people[::2]:
            redeemed = date.fromisoformat(sent) + timedelta(days=random_.randrange(1, 25))
            yield {
                "campaign": campaign, "customer": person, "sent": f"{sent} 08:00:00",
                "redeemed": f"{redeemed} 12:00:00" if random_.random() < 0.4 else "",
            }  # fmt: skip
