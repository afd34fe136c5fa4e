"""Customer equity: what the present customers will earn together, and those who will come, apart.

Equity of the present customers is the sum of their residual CLV. Future cohorts are those expected to
be won within the horizon at the pace of the last twelve full months, each customer worth what one
earns within the horizon of the first purchase, less what it costs to win one. The levers say what a
little more retention, acquisition or margin is worth; everything is computed again for each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib import btyd
from crm_lib.btyd import discounting
from crm_lib.btyd.stakes import Living, Stakes
from crm_lib.engine import collect
from crm_lib.errors import NoModel
from crm_lib.needs import needs
from crm_lib.periods import Window, add_months, last_full_month

ARRIVAL_MONTHS = 12
"""New customers are counted over the last so many full months."""
YEAR_MONTHS = 12

_MOST_ROWS = 5_000_000


@needs(lines=())
def stakes(values: ir.Table) -> Stakes:
    """The customers by history. In: `clv.by_customer`."""
    grouped = values.group_by("x", "t_x", "T").agg(
        weight=values.count(),
        margin=values.margin_per_occasion.sum(),
        spend=values.expected_spend.sum(),
        squares=(values.margin_per_occasion * values.margin_per_occasion).sum(),
    )
    frame = collect(grouped.order_by("x", "t_x", "T"), max_rows=_MOST_ROWS)
    seen = btyd.histories(frame, unit="day")
    return Stakes(seen, *(frame[name].to_numpy(float) for name in ("margin", "spend", "squares")))


@needs(lines=())
def by_group(values: ir.Table, groups: ir.Table, *, by: str) -> ir.Table:
    """Equity by segment, tier or stage; the parts add up to the whole.

    In: `clv.by_customer`, and a table of customer_id and `by` (null: "unknown"). Out: one row a
    group, most equity first: `by`, customers, customers_share, still_customers (expected number: the
    sum of P(alive)), expected_occasions, clv (sum, money), clv_share (null where the whole is not
    positive), clv_per_customer.
    """
    named = groups.select("customer_id", group=groups[by].cast("string"))
    joined = values.left_join(named, "customer_id").drop("customer_id_right")
    joined = joined.mutate(group=joined.group.fill_null("unknown"))
    grouped = joined.group_by("group").agg(
        customers=joined.count(),
        still_customers=joined.p_alive.sum(),
        expected_occasions=joined.expected_occasions.sum(),
        clv=joined.clv.sum(),
    )
    whole = grouped.clv.sum().over(ibis.window())
    found = grouped.select(
        "group",
        "customers",
        customers_share=grouped.customers / grouped.customers.sum().over(ibis.window()),
        still_customers="still_customers",
        expected_occasions="expected_occasions",
        clv="clv",
        clv_share=(whole > 0).ifelse(grouped.clv / whole, ibis.null("float64")),
        clv_per_customer=grouped.clv / grouped.customers,
    )
    return found.rename({by: "group"}).order_by(ibis.desc("clv"), by)


# --- those who will come ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Newcomers:
    """Who was won in the last full months: counted after the warm-up, whose customers may be old ones.

    acquisition_cost: money spent in the window to win customers ÷ customers won; None where the data
    has no such cost, or nobody was won.
    """

    window: Window
    months: int
    customers: int
    acquisition_cost: float | None

    @property
    def a_month(self) -> float:
        return self.customers / self.months


@dataclass(frozen=True)
class Future:
    """What customers to come are worth on the day of the report, in money.

    first: margin of a new customer's first occasion; later: that of the others within the horizon,
    discounted to the first; acquisition_cost: of winning one (None: unknown, and not deducted). clv:
    first + later − acquisition_cost. customers: expected within the horizon; equity: what
    they are worth together, discounted to the day.
    """

    first: float
    later: float
    acquisition_cost: float | None
    customers: float
    equity: float

    @property
    def clv(self) -> float:
        return self.first + self.later - (self.acquisition_cost or 0.0)

    def steps(self) -> pd.DataFrame:
        """How `clv` comes about: step ("first", "later", "acquisition_cost", "clv"), amount (money)."""
        rows = [("first", self.first), ("later", self.later)]
        if self.acquisition_cost is not None:
            rows.append(("acquisition_cost", -self.acquisition_cost))
        return pd.DataFrame([*rows, ("clv", self.clv)], columns=["step", "amount"])


@needs(
    lines=(),
    optional={"customers.acquisition_cost": "new customers net of what winning them costs"},
)
def newcomers(
    customers: ir.Table, ledger: ir.Table, *, observed: Window, warm_up_ends: date
) -> Newcomers:
    """Customers won in the last twelve full months, or the fewer there are after the warm-up.

    In: customer facts and the profit ledger. Raises NoModel where there is no full month.
    """
    end = last_full_month(observed.end).end
    start = max(observed.start, warm_up_ends)
    first = start if start.day == 1 else add_months(start.replace(day=1), 1)
    first = max(first, add_months(end, -ARRIVAL_MONTHS))
    if first >= end:
        raise NoModel(f"There is no full month after {start} to count new customers in.")
    window = Window(first, end)
    won = (customers.first_on >= ibis.literal(first)) & (customers.first_on < ibis.literal(end))
    count = int(collect(customers.agg(n=won.sum().fill_null(0)))["n"].iloc[0])
    inside = (ledger.month >= ibis.literal(first)) & (ledger.month < ibis.literal(end))
    spent = collect(ledger.agg(cost=ledger.acquisition_cost.sum(where=inside)))["cost"].iloc[0]
    months = (end.year - first.year) * YEAR_MONTHS + end.month - first.month
    each = float(spent) / count if count and not pd.isna(spent) else None
    return Newcomers(window, months, count, each)


def future(
    won: Newcomers,
    model: btyd.PurchaseModel,
    *,
    of_new: tuple[float, float],
    horizon_months: int,
    discount_rate: float,
) -> Future:
    """What those who will be won within the horizon are worth, at the pace of `won`.

    of_new: margin of the first and of a later occasion of a customer nothing is known of. Each is valued
    over the horizon from the first purchase on, and discounted from the middle of its month to the day.
    """
    first, each = of_new
    later = each * _of_new(model, horizon_months, discount_rate)
    value = first + later - (won.acquisition_cost or 0.0)
    months = (np.arange(horizon_months) + 0.5) / YEAR_MONTHS
    customers = won.a_month * horizon_months
    equity = won.a_month * value * float(((1 + discount_rate) ** -months).sum())
    return Future(first, later, won.acquisition_cost, customers, equity)


# --- what moves it ----------------------------------------------------------------------------------


def parts(present: float, interval: tuple[float, float] | None, future: float) -> pd.DataFrame:
    """Equity of present customers and of those to come: part ("present", "future"), equity, low, high."""
    low, high = interval or (np.nan, np.nan)
    return pd.DataFrame(
        {
            "part": ["present", "future"],
            "equity": [present, future],
            "low": [low, np.nan],
            "high": [high, np.nan],
        }
    )


@dataclass(frozen=True)
class Levers:
    """What a little more of each driver adds to equity.

    table: one row a lever ("retention", "acquisition", "margin") and step ("point", "percent"), with the
    change of the equity of present customers, of future ones, and of both (money). retention: expected
    occasions of the present customers in months 13–24 ÷ those in months 1–12, as the model has it.
    """

    table: pd.DataFrame
    retention: float


def levers(
    held: Stakes,
    model: btyd.PurchaseModel,
    won: Newcomers,
    *,
    of_new: tuple[float, float],
    spend_of_new: tuple[float, float],
    horizon_months: int,
    discount_rate: float,
) -> Levers:
    """What one per cent, or one point, more of retention, acquisition and margin is worth.

    Each lever is pulled from the day on, and present and future equity computed again:

    - retention: customers leave less readily, all by the same factor on the model's parameter of leaving
      (`DROPOUT`), such that `retention` grows by one point or by one per cent of itself. Who still is a
      customer on the day stays as it was. No row for a model without leaving, or where retention cannot
      grow so far.
    - acquisition: one per cent more new customers, at the same cost each; no row where none come.
    - margin: the margin of every occasion grows by one per cent of itself, or the margin rate by one
      point of what is spent; what it costs to win a customer stays.

    of_new, spend_of_new: margin and spend of the first and of a later occasion of a new customer.
    """
    living = Living.of(held, model)

    def there(by: btyd.PurchaseModel, of: str = "margin") -> float:
        return living.worth(by, horizon_months=horizon_months, discount_rate=discount_rate, of=of)

    def coming(by: btyd.PurchaseModel, each: tuple[float, float], newcomers: Newcomers) -> float:
        return future(
            newcomers,
            by,
            of_new=each,
            horizon_months=horizon_months,
            discount_rate=discount_rate,
        ).equity

    present, ahead = there(model), coming(model, of_new, won)
    free = replace(won, acquisition_cost=None)  # a larger margin costs no more to win
    rows: list[tuple[str, str, float, float]] = []
    kept = living.kept(model)
    for step, target in (("point", kept + 0.01), ("percent", kept * 1.01)):
        changed = living.keeping(model, target)
        if changed is not None:
            gain = coming(changed, of_new, won) - ahead
            rows.append(("retention", step, there(changed) - present, gain))
    if won.customers:
        rows.append(("acquisition", "percent", 0.0, 0.01 * ahead))
    of_spend = there(model, of="spend"), coming(model, spend_of_new, free)
    rows.append(("margin", "point", 0.01 * of_spend[0], 0.01 * of_spend[1]))
    rows.append(("margin", "percent", 0.01 * present, 0.01 * coming(model, of_new, free)))
    table = pd.DataFrame(rows, columns=["lever", "step", "present", "future"])
    return Levers(table.assign(total=table["present"] + table["future"]), kept)


def _of_new(model: btyd.PurchaseModel, horizon_months: int, discount_rate: float) -> float:
    """Expected occasions of a new customer after the first, within the horizon, each discounted to it."""
    return discounting.discounted_of_new(
        model, horizon=horizon_months, unit="month", discount_rate_a_year=discount_rate
    )
