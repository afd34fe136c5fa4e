"""Tenure: are older customers worth more? Profit by year of the relationship, the same customers paired.

Reichheld & Sasser, "Zero Defections: Quality Comes to Services" (Harvard Business Review 68/5, 1990),
say that a customer earns a company more the longer it stays; retold, a customer of four years earns
three times what one earns in the first. Comparing all customers of year four with all of year one
flatters that: those who brought little have left. So three readings stand side by side:

| group  | who                                                            | what it answers              |
|--------|----------------------------------------------------------------|------------------------------|
| won    | everyone observed for so many whole years; years without a     | what a customer won yields   |
|        | purchase count, as zero or as what they cost                   | as the years go by           |
| stayed | those of them who bought in the later year, in both years      | does one who stays grow      |
| pooled | in each year, whoever bought in it                             | the flattering reading       |

A year of the relationship is 365.25 days from the first purchase occasion. Lines count by their day;
other costs, which the ledger keeps by month, in the year that holds the middle of their month, those
before the first purchase in the first. The cost of acquisition is left out throughout: it is spent
once, before the relationship, and stands apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NoReturn

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.engine import collect
from crm_lib.errors import NotInData, UsageError
from crm_lib.needs import FEWEST_CUSTOMERS, needs
from crm_lib.periods import YEAR_DAYS, Window

MIDDLE = 14
"""Days from the first of a month to its middle."""
LEVEL = 0.95
CLAIM = 3.0
"""A customer of four years is said to earn so many times what it earned in the first."""
GROUPS = ("won", "stayed", "pooled")

_ADDS = {"lines.cost": "profit instead of revenue by year of the relationship"}


@needs(lines=(), optional=_ADDS)
def years(
    lines: ir.Table,
    ledger: ir.Table,
    customers: ir.Table,
    *,
    observed: Window,
    whole_only: bool = False,
) -> ir.Table:
    """What each customer brought in each year of its relationship.

    In: order lines, profit ledger and customer facts, all as of `observed.end`. Out: one row a
    customer whose first purchase was seen (not in the warm-up) and year in which anything happened,
    the current, unfinished year included unless `whole_only`: customer_id, year (1 = the first), whole
    (years of the customer that were observed to their end), purchases (order lines that buy), revenue,
    gross_profit (null without costs), profit (before the cost of acquisition; with no cost known it is
    revenue). Summed over all years, profit is the ledger's profit plus acquisition cost.
    """
    started = _started(customers)
    started = started.mutate(whole=_observed_years(started, observed.end))
    if whole_only:
        started = started.filter(started.whole >= 1)
    started = started.select("customer_id", "first_on", "whole")
    both = _sold(lines).union(_spent(ledger, lines.amount.type())).join(started, "customer_id")
    both = both.mutate(year=_year(both.day, both.first_on))
    if whole_only:
        both = both.filter(both.year <= both.whole)
    summed = both.group_by("customer_id", "year").agg(
        whole=both.whole.max(),
        **{name: both[name].sum() for name in ("purchases", "revenue", "goods", "other")},
    )
    gross = summed.revenue - summed.goods
    if "cost" not in lines.columns:
        gross = ibis.null(gross.type())
    return summed.select(
        "customer_id",
        "year",
        "whole",
        "purchases",
        "revenue",
        gross_profit=gross,
        profit=summed.revenue - summed.goods - summed.other,
    )


def _sold(lines: ir.Table) -> ir.Table:
    """What order lines bring: customer_id, day, purchases, revenue, goods (their cost), other (costs: none)."""
    money = lines.amount.type()
    goods = lines.cost.fill_null(0) if "cost" in lines.columns else ibis.literal(0)
    return lines.select(
        "customer_id",
        "day",
        purchases=lines.is_purchase.cast("int64"),
        revenue="amount",
        goods=goods.cast(money),
        other=ibis.literal(0).cast(money),
    )


def _spent(ledger: ir.Table, money: dt.DataType) -> ir.Table:
    """The other costs of the ledger, in the columns of `_sold`; the day is the middle of the month."""
    nothing = ibis.literal(0)
    known = ledger.cost_of_goods.fill_null(0) + ledger.acquisition_cost.fill_null(0)
    other = (ledger.revenue - ledger.profit - known).cast(money)
    # A month with sales and no other cost adds nothing to what its lines say.
    # A DuckDB date with some days more is a timestamp, which Ibis takes for a date: hence the two casts.
    middle = (ledger.month + ibis.interval(days=MIDDLE)).cast("timestamp").cast("date")
    return ledger.filter((other != 0) | (ledger.lines == 0)).select(
        "customer_id",
        day=middle,
        purchases=nothing.cast("int64"),
        revenue=nothing.cast(money),
        goods=nothing.cast(money),
        other=other,
    )


def _year(day: ir.DateValue, first_on: ir.DateValue) -> ir.IntegerValue:
    days = day.delta(first_on, unit="day").cast("float64")
    return ibis.greatest((days / YEAR_DAYS).floor().cast("int64") + 1, 1)


@dataclass(frozen=True)
class Base:
    """Whom a comparison over `years` whole years rests on; counts of customers with a purchase."""

    years: int
    buyers: int
    first_seen: int
    """left out: first seen in the warm-up, so that their first year is not known"""
    too_recent: int
    """left out: not observed for so many whole years yet"""
    compared: int


@needs(lines=())
def base(customers: ir.Table, *, observed: Window, years: int = 4) -> Base:
    """Who can be compared over so many years. In: customer facts. Raises UsageError below one year."""
    _check(1, years)
    buyers = customers.filter(customers.first_on.notnull())
    is_long = _observed_years(buyers, observed.end) >= years
    counts = collect(
        buyers.agg(
            buyers=buyers.count(),
            first_seen=buyers.is_first_seen.sum().fill_null(0),
            too_recent=(~buyers.is_first_seen & ~is_long).sum().fill_null(0),
            compared=(~buyers.is_first_seen & is_long).sum().fill_null(0),
        )
    ).iloc[0]
    return Base(years, **{name: int(n) for name, n in counts.items()})


@needs(lines=())
def reached(customers: ir.Table, *, observed: Window, early: int = 1, late: int = 4) -> int:
    """The latest year, up to `late`, that at least `FEWEST_CUSTOMERS` customers can be compared over.

    In: customer facts. Raises UsageError for years out of order, NotInData where not even the year
    after `early` is carried by so many.
    """
    _check(early, late)
    if early == late:
        return late
    started = _started(customers)
    seen = _observed_years(started, observed.end)
    years = range(early + 1, late + 1)
    counts = collect(
        started.agg(**{f"of_{k}": (seen >= k).sum().fill_null(0) for k in years})
    ).iloc[0]
    carried = [k for k in years if counts[f"of_{k}"] >= FEWEST_CUSTOMERS]
    if not carried:
        _refuse(base(customers, observed=observed, years=early + 1), early, late, observed)
    return max(carried)


def _refuse(who: Base, early: int, asked: int, observed: Window) -> NoReturn:
    unknown = f" and {who.first_seen:,} were first seen in the warm-up" if who.first_seen else ""
    earliest = "" if asked == who.years else f" even for year {who.years}"
    raise NotInData(
        f"Year {asked} of the relationship against year {early} needs{earliest} {FEWEST_CUSTOMERS} customers "
        f"observed for {who.years} whole years since their first purchase; of {who.buyers:,}, "
        f"{who.compared:,} were{unknown} ({observed})."
    )


def _observed_years(customers: ir.Table, as_of: date) -> ir.IntegerValue:
    """Whole years of the relationship that lie before `as_of`."""
    seen = ibis.literal(as_of).delta(customers.first_on, unit="day").cast("float64")
    return (seen / YEAR_DAYS).floor().cast("int64")


@needs(lines=())
def paired(
    years: ir.Table, customers: ir.Table, *, observed: Window, early: int = 1, late: int = 4
) -> pd.DataFrame:
    """The later year against the earlier one, for the three groups of the table above.

    In: `years`, whole ones at least, and customer facts. Out: one row a group ("won", "stayed",
    "pooled"): group, customers (of "pooled": who bought in the later year), early, late (mean profit a
    customer, money), ratio (late ÷ early; null where early is not positive), low, high (95 % interval
    of the ratio by Fieller's theorem for paired means; null for "pooled", whose means are of different
    customers, and where the data cannot bound it), early_year, late_year.

    Raises UsageError for years out of order, NotInData where fewer than `FEWEST_CUSTOMERS` customers were
    observed for `late` whole years.
    """
    _check(early, late)
    who = base(customers, observed=observed, years=late)
    if who.compared < FEWEST_CUSTOMERS:
        _refuse(who, early, late, observed)
    both = _two_years(years, early, late)
    stayed = both.filter(both.late_purchases > 0)
    rows = [_ratio("won", both), _ratio("stayed", stayed), _pooled(years, early, late)]
    return pd.DataFrame(rows).assign(early_year=early, late_year=late)


def _check(early: int, late: int) -> None:
    if not 1 <= early <= late or (early == late and late > 1):
        raise UsageError(
            f"An earlier year (from 1) is compared with a later one, not {early} with {late}."
        )


def _two_years(years: ir.Table, early: int, late: int) -> ir.Table:
    """One row a customer observed for `late` whole years: early, late (profit), late_purchases."""
    each = years.filter(years.whole >= late)
    profit = each.profit.cast("float64")
    return each.group_by("customer_id").agg(
        early=profit.sum(where=each.year == early).fill_null(0),
        late=profit.sum(where=each.year == late).fill_null(0),
        late_purchases=each.purchases.sum(where=each.year == late).fill_null(0),
    )


def _started(customers: ir.Table) -> ir.Table:
    """Customers whose first purchase was seen."""
    return customers.filter(customers.first_on.notnull(), ~customers.is_first_seen)


def _ratio(group: str, both: ir.Table) -> dict[str, object]:
    sums = collect(
        both.agg(
            n=both.count(),
            x=both.early.mean(),
            y=both.late.mean(),
            xx=both.early.var(how="sample"),
            yy=both.late.var(how="sample"),
            xy=both.early.cov(both.late, how="sample"),
        )
    ).iloc[0]
    low, high = fieller(*(float(sums[name]) for name in ("n", "x", "y", "xx", "yy", "xy")))
    ratio = sums.y / sums.x if sums.x > 0 else np.nan
    return {
        "group": group, "customers": int(sums.n), "early": sums.x, "late": sums.y,
        "ratio": ratio, "low": low, "high": high,
    }  # fmt: skip


def fieller(
    n: float, x: float, y: float, xx: float, yy: float, xy: float, level: float = LEVEL
) -> tuple[float, float]:
    """The interval of the ratio of two means of the same `n` cases, ȳ ÷ x̄.

    x, y: the means; xx, yy, xy: sample variances and covariance of the cases. Fieller 1954: all R for
    which ȳ − R·x̄ does not differ from zero by a t-test. (NaN, NaN) where that set is not bounded (x̄
    does not differ from zero) or with fewer than `FEWEST_CUSTOMERS` cases.
    """
    from scipy.stats import t

    if not n >= FEWEST_CUSTOMERS or not x > 0:
        return np.nan, np.nan
    reach = float(t.ppf((1 + level) / 2, n - 1)) ** 2 / n
    a, b, c = x * x - reach * xx, x * y - reach * xy, y * y - reach * yy
    inside = b * b - a * c
    if a <= 0 or inside < 0:
        return np.nan, np.nan
    half = np.sqrt(inside)
    return float((b - half) / a), float((b + half) / a)


def _pooled(years: ir.Table, early: int, late: int) -> dict[str, object]:
    bought = _pooled_years(years, late).filter(ibis._.year.isin([early, late]))
    means = bought.group_by("year").agg(n=bought.count(), mean=bought.profit.cast("float64").mean())
    found = collect(means).set_index("year").reindex(sorted({early, late}))
    first, last = found.loc[early, "mean"], found.loc[late, "mean"]
    customers = int(found["n"].fillna(0).loc[late])
    return {
        "group": "pooled", "customers": customers, "early": first, "late": last,
        "ratio": last / first if first > 0 else np.nan, "low": np.nan, "high": np.nan,
    }  # fmt: skip


def _pooled_years(years: ir.Table, late: int) -> ir.Table:
    """The years up to `late` in which who was observed for all of it bought."""
    return years.filter(years.purchases > 0, years.year <= years.whole, years.year <= late)


@needs(lines=())
def curve(years: ir.Table, *, late: int = 4) -> ir.Table:
    """Mean profit by year of the relationship, from the first to the `late`-th, for the three groups.

    In: `years`, whole ones at least. Out: one row a group and year, in order: group, year, customers,
    profit (mean a customer, money). "won" and "stayed" are the same customers in every year; "pooled"
    are those who bought in the year, among everyone observed for all of it.
    """
    _check(1, late)
    grid = ibis.memtable([{"year": y} for y in range(1, late + 1)], schema={"year": "int64"})
    won = years.filter(years.whole >= late)
    buyers = won.filter(won.year == late, won.purchases > 0)
    parts = [
        _means("won", won, grid),
        _means("stayed", won.semi_join(buyers, "customer_id"), grid),
        _pooled_means(years, late),
    ]
    every = ibis.union(*parts)
    order = ibis.cases(*((every.group == name, i) for i, name in enumerate(GROUPS)), else_=9)
    return every.order_by(order, "year")


def _means(group: str, own: ir.Table, grid: ir.Table) -> ir.Table:
    """The years of the same customers, all of whom have a first; one in which nothing happened counts as zero."""
    size = own.agg(customers=(own.year == 1).sum().fill_null(0))
    sums = own.group_by("year").agg(profit=own.profit.sum().cast("float64"))
    joined = grid.cross_join(size).left_join(sums, "year")
    return joined.select(
        group=ibis.literal(group),
        year="year",
        customers=joined.customers.cast(dt.int64),
        profit=joined.profit.fill_null(0.0) / joined.customers.nullif(0),
    )


def _pooled_means(years: ir.Table, late: int) -> ir.Table:
    bought = _pooled_years(years, late)
    means = bought.group_by("year").agg(
        group=ibis.literal("pooled"),
        customers=bought.count(),
        profit=bought.profit.cast("float64").mean(),
    )
    return means.select("group", "year", "customers", "profit")
