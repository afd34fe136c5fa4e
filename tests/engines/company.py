"""A small random company as plain rows: what the engines and the naive reading are given alike."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from crm_lib.dataset import Dataset
from crm_lib.periods import Window

Row = dict[str, Any]
Rows = list[Row]
CAMPAIGNS = ("K1", "K2", "K3", "K4")
RULES = {
    "contact_cost": {"visit": "2.50", "other": "0.45"}, "hour_cost": "30.10", "order_cost": "0.35",
    "line_cost": "0.05", "return_cost": "1.05", "capital_rate": "0.08",
}  # fmt: skip


@dataclass
class Company:
    """Canonical tables as rows; money is Decimal with two decimals. `observed` is half-open."""

    observed: Window
    warm_up_days: int
    tables: dict[str, Rows] = field(default_factory=dict)

    @property
    def warm_up_ends(self) -> date:
        return self.observed.start + timedelta(days=self.warm_up_days)

    @property
    def lines(self) -> Rows:
        return self.tables["lines"]

    @property
    def config(self) -> Dataset:
        """The data set as `dataset.yml` would describe it."""
        tables = {
            name: {"source": {"files": "x"}, "columns": {c: c for c in rows[0] if c != "age"}}
            for name, rows in self.tables.items()
            if rows
        }
        tables["customers"]["attributes"] = {"age": "age"}
        return Dataset.model_validate(
            {
                "title": "Company", "currency": "EUR", "money_decimals": 2,
                "observed_from": self.observed.start, "default_as_of": self.observed.end,
                "warm_up_days": self.warm_up_days, "tables": tables, "ledger": RULES,
            }
        )  # fmt: skip


def cents(n: int) -> Decimal:
    return Decimal(n).scaleb(-2)


def company(seed: int, *, people: int, days: int) -> Company:
    """`people` customers over `days` days: most buy by a rhythm of their own, some only once, return
    only or never; with anonymous lines, lines of nothing, rows twice, gaps and missing values."""
    draw = random.Random(seed)
    start = date(2021, 1, 1) + timedelta(days=draw.randrange(40))
    made = Company(Window(start, start + timedelta(days=days)), warm_up_days=days // 8)
    names = [f"c{i:03}" for i in range(people)]
    lines = _lines(draw, names, made.observed)
    made.tables = {
        "lines": lines,
        "customers": _customers(draw, names, made.observed),
        "products": [
            {"product_id": f"p{i}", "category": draw.choice(["tea", "pots", None]), "subcategory": f"s{i % 3}"}
            for i in range(5)
        ],
        "contacts": _contacts(draw, names, made.observed),
        "efforts": _efforts(draw, names, made.observed),
        "campaigns": _campaigns(draw, made.observed),
        "exposures": _exposures(draw, names, made.observed),
        "accounts": [
            {"customer_id": name, "payment_days": draw.choice([None, 0, 14, 30, 60])}
            for name in names if draw.random() < 0.6
        ],
    }  # fmt: skip
    return made


def _day(draw: random.Random, window: Window) -> date:
    return window.start + timedelta(days=draw.randrange(window.days))


def _lines(draw: random.Random, names: list[str], window: Window) -> Rows:
    rows: Rows = []
    for name in names:
        kind = draw.random()
        if kind < 0.05:
            continue  # never bought
        day, gap = _day(draw, window), draw.choice([3, 9, 20, 60, 150])
        while day < window.end:
            for i in range(draw.choice([1, 1, 2])):
                rows.append(_line(draw, name, day, i, returns_only=kind < 0.1))
            if kind < 0.2 or draw.random() < 0.08:
                break
            day += timedelta(days=1 + int(draw.expovariate(1 / gap)))
    rows += [_line(draw, None, _day(draw, window), 0) for _ in range(1 + len(names) // 3)]
    rows += [dict(draw.choice(rows)) for _ in range(3)]  # the same row twice
    draw.shuffle(rows)
    return rows


def _line(
    draw: random.Random, name: str | None, day: date, number: int, *, returns_only: bool = False
) -> Row:
    amount = draw.choice([500, 1000, 1999, draw.randint(1, 9000)])
    fate = draw.random()
    if returns_only or fate < 0.12:
        amount = -amount
    elif fate < 0.16:
        amount = 0
    return {
        "customer_id": name,
        "order_id": f"{name}-{day}-{number // 2}",
        "ordered_at": datetime.combine(day, time(draw.choice([8, 13, 19]), draw.randrange(60))),
        "amount": cents(amount),
        "quantity": draw.choice([1.0, 2.0, 0.5]),
        "product_id": draw.choice(["p0", "p1", "p2", "p3", "p4", "p9", None]),
        "discount": draw.choice([None, cents(0), cents(draw.randint(1, 300))]),
        "cost": draw.choice([None, cents(amount // 2), cents(draw.randint(0, 9000))]),
        "channel": draw.choice(["web", "shop", "", "Unknown", None]),
        "campaign_id": draw.choice([None, None, *CAMPAIGNS]),
    }


def _customers(draw: random.Random, names: list[str], window: Window) -> Rows:
    rows = [
        {
            "customer_id": name,
            "acquired_on": draw.choice([None, date(1900, 1, 1), _day(draw, window)]),
            "source": draw.choice(["fair", "web", "friend", "", None]),
            "acquisition_cost": draw.choice([None, cents(0), cents(draw.randint(1, 3000))]),
            "region": draw.choice(["north", "south", " south ", "Other", None]),
            "role": draw.choice(["end customer", "partner"]),
            "age": draw.choice([None, *map(float, range(18, 80, 3))]),
        }
        for name in names
    ]
    return [row for row in rows if draw.random() < 0.95]


def _contacts(draw: random.Random, names: list[str], window: Window) -> Rows:
    return [
        {
            "customer_id": draw.choice([*names, "stranger"]),
            "at": datetime.combine(_day(draw, window), time(10, 30)),
            "kind": draw.choice(["visit", "survey", "complaint"]),
            "cost": draw.choice([None, None, cents(draw.randint(0, 900))]),
        }
        for _ in range(len(names))
    ]


def _efforts(draw: random.Random, names: list[str], window: Window) -> Rows:
    return [
        {
            "rep_id": draw.choice(["r1", "r2"]),
            "customer_id": draw.choice([*names, "stranger"]),
            "month": _day(draw, window).replace(day=1),
            "hours": draw.randrange(9) / 4,
            "cost": draw.choice([None, cents(draw.randint(0, 5000))]),
        }
        for _ in range(len(names) // 2)
    ]


def _campaigns(draw: random.Random, window: Window) -> Rows:
    kinds = ["acquisition", " Acquisition", "retention", "promotion"]
    return [
        {
            "campaign_id": name,
            "kind": kind,
            "starts_on": draw.choice([None, _day(draw, window), _day(draw, window)]),
            "cost": cents(draw.randint(100, 30000)),
        }
        for name, kind in zip(CAMPAIGNS, kinds, strict=True)
    ]


def _exposures(draw: random.Random, names: list[str], window: Window) -> Rows:
    return [
        {
            "campaign_id": draw.choice(CAMPAIGNS),
            "customer_id": draw.choice([*names, "stranger"]),
            "arm": draw.choice(["treatment", "control", "Control", None]),
            "sent_at": draw.choice([None, datetime.combine(_day(draw, window), time(6))]),
            "cost": draw.choice([None, cents(draw.randint(0, 200))]),
        }
        for _ in range(len(names) * 2)
    ]
