"""Acquisition: what customers cost to win, when they pay it back, and what each source brought.

A customer is *won* with the first purchase occasion after the warm-up; who was first seen in the
warm-up is in no row. Costs of winning that were spent on people who never bought count as well:

    CAC = cost of winning everyone the origin brought ÷ those who bought

Contribution here is what a customer brought less the known costs of goods and of serving it, before
any campaign and before acquisition, as lifetime value counts it: what was spent on winning is in the
CAC and never deducted a second time, and what is brought and expected yet can be added. The month of
the first purchase is month 1 of the relationship; what was spent on a customer before it counts there.
Months that are not wholly observed are left out.
"""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib import schema
from crm_lib.cost_components import earned
from crm_lib.engine import collect
from crm_lib.errors import NotInData, UsageError, unknown
from crm_lib.needs import FEWEST_CUSTOMERS, needs
from crm_lib.periods import YEAR_DAYS, Window, last_full_month, month_number, month_numbers

YEAR_MONTHS, HALF_YEAR = 12, 6
LEVEL = 0.95
COVERED = 0.95
"""Below this share of customers with a recorded cost, the CAC is that of those who have one."""
UNKNOWN = "unknown"
ALL = "all"

_ADDS = {
    "lines.cost": "payback and value by contribution instead of revenue",
    "campaigns.cost": "cost of acquisition campaigns",
}
_SOURCE = ("source", "acquisition_cost")


def _won(
    customers: ir.Table, origins: ir.Table, by: str, recorded: ir.Table | None = None
) -> ir.Table:
    """The customers not first seen in the warm-up, with origin; and has_cost (an acquisition cost is
    recorded; null where that cannot be told), asked for `recorded`."""
    if by not in origins.columns:
        if by in schema.CUSTOMERS.column_names:
            raise NotInData(
                f"What each {by} cost and brought needs `{by}` of the table `customers`."
            )
        raise UsageError(unknown("column of the origins", by, origins.columns))
    named = _beside(customers, customers, origins, origin=lambda t: t[by].cast("string").nullif(""))
    found = named.mutate(origin=named.origin.fill_null(UNKNOWN), has_cost=ibis.null("boolean"))
    if recorded is not None and "acquisition_cost" in recorded.columns:
        found = _beside(found, customers, recorded, has_cost=lambda t: t.acquisition_cost.notnull())
        found = found.mutate(has_cost=found.has_cost.fill_null(False))
    return found.filter(~found.is_first_seen)


def _beside(
    found: ir.Table, customers: ir.Table, other: ir.Table, **column: Callable[[ir.Table], ir.Value]
) -> ir.Table:
    """`found`, made of `customers`, with a column of `other`; without a join where that is `customers` itself."""
    if other is customers:
        return found.mutate(**column)
    ((name, _),) = column.items()
    known = other.select("customer_id", **column)
    joined = found.drop(*({name} & set(found.columns))).left_join(known, "customer_id")
    return joined.drop("customer_id_right")


def _aged(ledger: ir.Table, customers: ir.Table) -> ir.Table:
    """Rows of the ledger of those who bought: customer_id, occasions, earned (see `cost_components`), age (0 =
    first month)."""
    buyers = customers.filter(customers.first_on.notnull())
    first = buyers.select("customer_id", first_month=month_numbers(buyers.first_on))
    rows = ledger.join(first, "customer_id")
    return rows.select(
        "customer_id", "occasions",
        age=ibis.greatest(month_numbers(rows.month) - rows.first_month, 0),
        earned=earned(rows).cast("float64"),
    )  # fmt: skip


@needs(lines=(), customers=_SOURCE)
def payback(
    ledger: ir.Table, customers: ir.Table, origins: ir.Table, *, by: str, observed: Window
) -> pd.DataFrame:
    """What a customer won has brought by each month of the relationship, those who left included.

    In: profit ledger, customer facts, and a table of customer_id and `by` (a source, a campaign). Out:
    one row an origin and month, in order, and the same for `by` = "all": `by`, month (1 = that of the
    first purchase), customers (observed for the whole of it; the others are left out of it),
    contribution (mean a customer in that month), cumulative (sum of these means so far). It ends
    where fewer than `FEWEST_CUSTOMERS` customers were observed.
    """
    won = _won(customers, origins, by)
    month = month_number(last_full_month(observed.end).start)
    buyers = won.filter(won.first_on.notnull())
    sums = collect(_by_age(ledger, buyers, month))
    months = ibis.greatest(month - month_numbers(buyers.first_on) + 1, 0)
    sizes = collect(buyers.group_by("origin", months=months).agg(customers=buyers.count()))
    parts = [_curve(name, sums, sizes) for name in (ALL, *sorted(sizes["origin"].unique()))]
    return pd.concat(parts, ignore_index=True).rename(columns={"origin": by})


def _by_age(ledger: ir.Table, buyers: ir.Table, last: int) -> ir.Table:
    """What the buyers of an origin brought in months up to `last`: origin, age (0 = first month), contribution.

    Added up by calendar month first, so that ages are made of few rows and not of the whole ledger.
    """
    first = buyers.select("customer_id", "origin", first_month=month_numbers(buyers.first_on))
    rows = ledger.join(first, "customer_id")
    money = {name: rows[name].sum() for name in ("contribution", "revenue", "cost_to_serve")}
    cells = rows.group_by("origin", "first_month", "month").agg(**money)
    cells = cells.mutate(
        age=ibis.greatest(month_numbers(cells.month) - cells.first_month, 0), earned=earned(cells)
    )
    seen = cells.filter(cells.age <= last - cells.first_month)
    return seen.group_by("origin", "age").agg(contribution=seen.earned.sum())


def _curve(origin: str, sums: pd.DataFrame, sizes: pd.DataFrame) -> pd.DataFrame:
    mine, own = (
        frame if origin == ALL else frame[frame["origin"] == origin] for frame in (sums, sizes)
    )
    ages = np.arange(int(own["months"].max()) if len(own) else 0)
    observed = own.groupby("months")["customers"].sum()
    customers = np.array([observed[observed.index > age].sum() for age in ages], dtype=int)
    enough = customers >= FEWEST_CUSTOMERS
    ages, customers = ages[enough], customers[enough]
    brought = mine.groupby("age")["contribution"].sum().reindex(ages, fill_value=0.0).to_numpy()
    mean = brought / customers
    return pd.DataFrame(
        {
            "origin": origin, "month": ages + 1, "customers": customers, "contribution": mean,
            "cumulative": mean.cumsum(),
        }
    )  # fmt: skip


@needs(lines=(), customers=_SOURCE, optional=_ADDS)
def by_origin(
    customers: ir.Table,
    origins: ir.Table,
    curves: pd.DataFrame,
    *,
    by: str,
    costs: ir.Table | None = None,
    recorded: ir.Table | None = None,
    clv: ir.Table | None = None,
) -> pd.DataFrame:
    """What each source or campaign cost and what it brought: CAC, payback, quality, worth.

    In: customers as `brought` or the mart `customer` has them; `origins`: customer_id and `by`; `curves`:
    their `payback`; `costs`: further costs of winning (`by`, cost), such as `campaigns.costs`;
    `recorded`: the recorded cost of each customer (customer_id, acquisition_cost: null where none was
    recorded), by default that of `origins`; `clv`: residual value from as_of on (customer_id, clv). Out:
    one row an origin, the most won first, and one for `by` = "all" at the end:

    - `by`, known (customers of the origin), won (with a purchase), cost (money: acquisition cost of
      all known + `costs`; null where neither is recorded), coverage (share of known with a recorded
      acquisition cost; null where that cannot be told), cac (cost ÷ won; null without a customer won
      or a cost). Where coverage is below `COVERED`, acquisition cost is divided by the customers won
      who have one recorded;
    - payback_month (first month of the relationship by which the cumulative mean contribution covers
      the CAC; null if it has not by `followed_months`, the months that were observed);
    - first_year (customers observed for a year), first_year_contribution (their mean in the first
      twelve months), first_year_low, first_year_high (its 95 % interval), repeat_rate (second
      occasion within a year), repeat_low, repeat_high (its 95 % Wilson interval), still_buying (bought
      in months 7–12), unprofitable_share (profit so far, campaigns and acquisition deducted, below
      zero): shares of first_year. No interval below `FEWEST_CUSTOMERS`;
    - so_far (mean contribution of all won, up to as_of), residual (mean clv of all won; null without
      `clv`), worth (so_far + residual: what one won brings in all, before campaigns and acquisition,
      with the past not discounted), worth_to_cac (null without both).

    An origin that is only in `costs` has no customers, but its cost is in "all". Where no cost of
    winning is known, cost and all that follows from it is null. Raises NotInData without column `by`.
    """
    won = _won(customers, origins, by, origins if recorded is None else recorded)
    table = _costed(_with_further(_quality(won, clv), costs, by))
    return _ordered(_with_worth(_with_payback(table, curves, by)), by)


_COLUMNS = [
    "known", "won", "cost", "coverage", "cac", "payback_month", "followed_months", "first_year",
    "first_year_contribution", "first_year_low", "first_year_high", "repeat_rate", "repeat_low",
    "repeat_high", "still_buying", "unprofitable_share", "so_far", "residual", "worth", "worth_to_cac",
]  # fmt: skip


def net_of_cost(curves: pd.DataFrame, table: pd.DataFrame, *, by: str) -> pd.DataFrame:
    """What one customer won has brought by each month, less what winning it cost.

    In: `payback` and `by_origin` of the same customers. Out: one row an origin and month, the origins
    with most customers won first: origin, month, net (money; paid back from zero on). Without "all".
    """
    cac = table[(table[by] != ALL) & table["cac"].notna()].set_index(by)["cac"]
    parts = [
        pd.DataFrame({"origin": name, "month": own["month"], "net": own["cumulative"] - cost})
        for name, cost in cac.items()
        for own in [curves[curves[by] == name]]
    ]
    none = pd.DataFrame({"origin": [], "month": [], "net": []})
    return pd.concat(parts, ignore_index=True) if parts else none


@needs(lines=())
def brought(ledger: ir.Table, customers: ir.Table) -> ir.Table:
    """Customers with what they brought. In: profit ledger and customer facts.

    Out: `customers` with earned (contribution before any campaign and acquisition), profit,
    acquisition_cost, null without a row in the ledger, and the columns of `first_year`.
    """
    sums = ledger.group_by("customer_id").agg(
        earned=earned(ledger).sum().cast("float64"),
        profit=ledger.profit.sum(),
        acquisition_cost=ledger.acquisition_cost.sum(),
    )
    for found in (sums, first_year(ledger, customers)):
        customers = customers.left_join(found, "customer_id").drop("customer_id_right")
    return customers


@needs(lines=())
def first_year(ledger: ir.Table, customers: ir.Table) -> ir.Table:
    """The first twelve months of the relationship, that of the first purchase and what was before it included.

    In: profit ledger and customer facts, or parts of both. Out: one row a customer with a purchase:
    customer_id, first_year_earned (contribution before any campaign and acquisition), is_still_buying
    (bought in months 7–12).
    """
    rows = _aged(ledger, customers)
    rows = rows.filter(rows.age < YEAR_MONTHS)
    late = (rows.age >= HALF_YEAR) & (rows.occasions > 0)
    return rows.group_by("customer_id").agg(
        first_year_earned=rows.earned.sum(), is_still_buying=late.any()
    )


def _with_further(table: pd.DataFrame, costs: ir.Table | None, by: str) -> pd.DataFrame:
    """`table` with further (money): costs of winning that are no customer's, of origins without one, too."""
    more = None if costs is None else collect(costs).astype({"cost": float})
    found = pd.Series(dtype=float) if more is None else more.groupby(by)["cost"].sum()
    found.loc[ALL] = found.sum(min_count=1)
    joined = table.join(found.rename_axis("origin").to_frame("further"), how="outer")
    counts = ["known", "won", "first_year"]
    return joined.fillna(dict.fromkeys(counts, 0)).astype(dict.fromkeys(counts, int))


def _costed(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with cost, coverage and cac: see `by_origin`."""
    known, won = (table[name].where(table[name] > 0) for name in ("known", "won"))
    coverage = table["has_cost"] / known
    own = table["own"].fillna(table.loc[ALL, "own"] * 0).where(~(coverage == 0))
    costed = table["won_with_cost"].where(table["won_with_cost"] > 0)
    each = own / won.where(~(coverage < COVERED), costed)
    further = table["further"]
    return table.assign(
        coverage=coverage,
        cost=own.add(further, fill_value=0.0),
        cac=each.add(further / won, fill_value=0.0),
    )


def _quality(each: ir.Table, clv: ir.Table | None) -> pd.DataFrame:
    """By origin and for "all": counts, first year, value; index origin."""
    residual = ibis.null("float64")
    if clv is not None:
        values = clv.select("customer_id", clv=clv.clv.cast("float64"))
        each = each.left_join(values, "customer_id").drop("customer_id_right")
        residual = each.clv.fill_null(0.0)
    found = collect(_summary(each.mutate(residual=residual))).set_index("origin")
    spread = found.pop("spread")
    sums = found.astype(float)
    sums.loc[ALL] = sums.sum(min_count=1)
    for whole, parts in (("first_year", _OF_FIRST_YEAR), ("won", _OF_WON)):
        sums[parts] = sums[parts].div(sums[whole].where(sums[whole] > 0), axis=0)
    spread.loc[ALL] = _pooled(spread, sums)
    error = _half_width(sums["first_year"], spread)
    sums["first_year_low"] = sums["first_year_contribution"] - error
    sums["first_year_high"] = sums["first_year_contribution"] + error
    sums["repeat_low"], sums["repeat_high"] = _of_share(sums["first_year"], sums["repeat_rate"])
    return sums


_OF_FIRST_YEAR = ["first_year_contribution", "repeat_rate", "still_buying", "unprofitable_share"]
_OF_WON = ["so_far", "residual"]
"""What is a mean of the customers observed for a year, and of all won."""


def _summary(each: ir.Table) -> ir.Table:
    """By origin: counts and sums, of which means are made, and the variance (spread) of the first year."""
    buyer = each.first_on.notnull()
    year = buyer & (each["T"] + 1 >= YEAR_DAYS)
    again = each.second_on.delta(each.first_on, unit="day") <= YEAR_DAYS
    of_year = {
        "repeat_rate": again, "still_buying": each.is_still_buying, "unprofitable_share": each.profit < 0,
    }  # fmt: skip
    first = each.first_year_earned.fill_null(0)
    return each.group_by("origin").agg(
        known=each.count(),
        own=each.acquisition_cost.sum().cast("float64"),
        won=buyer.sum(),
        has_cost=each.has_cost.sum(),
        won_with_cost=(buyer & each.has_cost).sum(),
        first_year=year.sum(),
        first_year_contribution=first.sum(where=year),
        spread=first.var(how="sample", where=year),
        **{name: (year & is_so.fill_null(False)).sum() for name, is_so in of_year.items()},
        so_far=each.earned.fill_null(0.0).sum(where=buyer),
        residual=each.residual.sum(where=buyer),
    )


def _pooled(spread: pd.Series, means: pd.DataFrame) -> float:
    """The variance of the first year of all origins together, from that within and between them."""
    n, mean = (means[name].drop(ALL) for name in ("first_year", "first_year_contribution"))
    between = (mean - means.loc[ALL, "first_year_contribution"]) ** 2
    squares = ((n - 1) * spread).sum() + (n * between).sum()
    return float(squares / (n.sum() - 1)) if n.sum() > 1 else np.nan


def _half_width(customers: pd.Series, spread: pd.Series) -> pd.Series:
    """Half the interval of the mean of the first year, by Student's t; null below `FEWEST_CUSTOMERS`."""
    from scipy.stats import t

    n = customers.where(customers >= FEWEST_CUSTOMERS)
    return t.ppf((1 + LEVEL) / 2, n - 1) * np.sqrt(spread / n)


def _of_share(customers: pd.Series, share: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The Wilson interval of a share of `customers`; null below `FEWEST_CUSTOMERS`."""
    from statsmodels.stats.proportion import proportion_confint

    n = customers.where(customers >= FEWEST_CUSTOMERS)
    low, high = proportion_confint(n * share, n, alpha=1 - LEVEL, method="wilson")
    return low, high


def _with_payback(table: pd.DataFrame, curves: pd.DataFrame, by: str) -> pd.DataFrame:
    """`table` with payback_month and followed_months: see `by_origin`."""
    found = [_paid_back(curves[curves[by] == name], cac) for name, cac in table["cac"].items()]
    covered, followed = zip(*found, strict=True)
    return table.assign(payback_month=covered, followed_months=followed)


def _paid_back(curve: pd.DataFrame, cac: float) -> tuple[float, int]:
    """The month that covers the CAC (NaN: none yet), and the months that were followed."""
    covered = curve.loc[curve["cumulative"] >= cac, "month"]
    return (float(covered.iloc[0]) if len(covered) else np.nan), len(curve)


def _with_worth(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with worth and worth_to_cac: see `by_origin`."""
    worth = table["so_far"] + table["residual"]
    return table.assign(worth=worth, worth_to_cac=worth / table["cac"].where(table["cac"] > 0))


def _ordered(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """The origins as rows, the most won first, and "all" at the end."""
    rows = table.reset_index(names=by)
    last = rows[by] == ALL
    rest = rows[~last].sort_values(["won", by], ascending=[False, True])
    return pd.concat([rest, rows[last]], ignore_index=True)[[by, *_COLUMNS]]
