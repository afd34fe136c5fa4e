"""The facts by loops: what each customer did, month by month, and what all did together."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import Any

from crm_lib.periods import add_months, is_partial_month, months
from tests.engines.company import Company, Row, Rows

ZERO = Decimal(0)


def month_of(day: date) -> date:
    return day.replace(day=1)


def total(amounts: Any) -> Decimal:
    """Exact; nothing counts as nothing."""
    return sum((amount for amount in amounts if amount is not None), ZERO)


def total_or_none(amounts: Any) -> Decimal | None:
    """Exact; null where nothing at all is known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, ZERO) if known else None


def ratio(part: Any, whole: Any) -> float | None:
    """Null where the whole is not above zero."""
    return (
        float(part) / float(whole) if whole is not None and whole > 0 and part is not None else None
    )


class Naive:
    """A company read line by line."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.observed, self.warm_up_ends = company.observed, company.warm_up_ends
        self.end = company.observed.end
        self.lines: Rows = [
            row | {"day": row["ordered_at"].date(), "is_purchase": row["amount"] > 0}
            for row in company.lines
        ]
        self.known_lines = [row for row in self.lines if row["customer_id"] is not None]

    @cached_property
    def customers(self) -> dict[str, Row]:
        listed = [row["customer_id"] for row in self.company.tables["customers"]]
        return self.customers_at(self.end, listed)

    def customers_at(self, end: date, listed: list[str] | None = None) -> dict[str, Row]:
        """The facts of everyone with a line before `end`, and of the `listed`."""
        own = defaultdict(list)
        for row in self.known_lines:
            if row["day"] < end:
                own[row["customer_id"]].append(row)
        return {name: self._facts(own[name], end) for name in sorted({*own, *(listed or [])})}

    def _facts(self, rows: Rows, end: date) -> Row:
        days = sorted({row["day"] for row in rows if row["is_purchase"]})
        gaps = [(b - a).days for a, b in pairwise(days)]
        last_day = end - timedelta(days=1)
        cost = total_or_none(row["cost"] for row in rows)
        revenue = total(row["amount"] for row in rows)
        return {
            "first_on": days[0] if days else None,
            "second_on": days[1] if len(days) > 1 else None,
            "last_on": days[-1] if days else None,
            "occasions": len(days),
            "orders": len({row["order_id"] for row in rows if row["is_purchase"]}),
            "lines": len(rows) if rows else 0,
            "active_months": len({month_of(day) for day in days}),
            "x": max(len(days) - 1, 0),
            "median_gap_days": float(median(gaps)) if gaps else None,
            "last_gap_days": gaps[-1] if gaps else None,
            "t_x": (days[-1] - days[0]).days if days else None,
            "T": (last_day - days[0]).days if days else None,
            "days_since_last": (last_day - days[-1]).days if days else None,
            "units": sum(row["quantity"] for row in rows),
            "revenue": revenue,
            "purchases": total(row["amount"] for row in rows if row["amount"] > 0),
            "returns": -total(row["amount"] for row in rows if row["amount"] < 0),
            "discount": total_or_none(row["discount"] for row in rows),
            "cost": cost,
            "margin": None if cost is None else revenue - cost,
            "is_first_seen": bool(days) and days[0] < self.warm_up_ends,
        }

    @cached_property
    def buyers(self) -> dict[str, Row]:
        """Customers with a purchase occasion."""
        return {name: row for name, row in self.customers.items() if row["occasions"]}

    @cached_property
    def occasions(self) -> Rows:
        """One row a customer and day with a purchase."""
        spent: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
        for row in self.known_lines:
            if row["is_purchase"]:
                spent[row["customer_id"], row["day"]] += row["amount"]
        rows: Rows = []
        for name, day in sorted(spent):
            before = rows[-1] if rows and rows[-1]["customer_id"] == name else None
            rows.append(
                {
                    "customer_id": name,
                    "on": day,
                    "number": before["number"] + 1 if before else 1,
                    "gap_days": (day - before["on"]).days if before else None,
                    "revenue": spent[name, day],
                }
            )
        return rows

    @cached_property
    def customer_months(self) -> Rows:
        """One row a customer and month with an order line."""
        own = defaultdict(list)
        for row in self.known_lines:
            own[row["customer_id"], month_of(row["day"])].append(row)
        columns = ("occasions", "orders", "lines", "units", "revenue", "purchases", "returns",
                   "discount", "cost", "margin")  # fmt: skip
        rows = []
        for (name, month), lines in sorted(own.items()):
            facts = self._facts(lines, self.end)
            rows.append({"customer_id": name, "month": month} | {c: facts[c] for c in columns})
        return rows

    @cached_property
    def calendar(self) -> list[date]:
        return months(self.observed)

    @cached_property
    def months(self) -> Rows:
        """One row a month of the observed window, anonymous lines included."""
        rows = []
        for month in self.calendar:
            lines = [row for row in self.lines if month_of(row["day"]) == month]
            bought = [row for row in lines if row["is_purchase"]]
            facts = self._facts(lines, self.end)
            rows.append(
                {
                    "month": month,
                    "lines": len(lines),
                    "orders": len({row["order_id"] for row in bought}),
                    "active_customers": len({r["customer_id"] for r in bought} - {None}),
                    "anonymous_revenue": total(r["amount"] for r in lines if r["customer_id"] is None),
                    "is_partial": is_partial_month(month, self.observed),
                    "is_warm_up": month < self.warm_up_ends,
                    **{c: facts[c] for c in ("units", "revenue", "purchases", "returns", "discount", "cost", "margin")},
                }
            )  # fmt: skip
        return rows

    @cached_property
    def days(self) -> Rows:
        rows = []
        for i in range(self.observed.days):
            day = self.observed.start + timedelta(days=i)
            lines = [row for row in self.lines if row["day"] == day]
            rows.append(
                {"day": day, "lines": len(lines), "revenue": total(r["amount"] for r in lines)}
            )
        return rows

    def month_before(self, months_back: int) -> date:
        return add_months(self.end, -months_back)
