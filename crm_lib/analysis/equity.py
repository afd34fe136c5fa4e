"""Customer equity: what the present customers will earn together, and those who will come, apart.

Equity of the present customers is the sum of their residual CLV. Future cohorts are those expected to
be won within the horizon at the pace of the last twelve full months, each customer worth what one
earns within the horizon of the first purchase, less what it costs to win one. What a new customer does
is learnt from those alone whose first purchase was seen: who was there before buys otherwise. Where
the pace is not steady, or too few came, no value is put on customers to come. The levers say what a
little more retention, acquisition or margin is worth; everything is computed again for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import stats

from crm_lib import btyd
from crm_lib.btyd import discounting
from crm_lib.btyd.stakes import Living, Stakes, with_dropout
from crm_lib.engine import collect
from crm_lib.errors import NoModel
from crm_lib.needs import FEWEST_CUSTOMERS, needs
from crm_lib.periods import Window, add_months, last_full_month

ARRIVAL_MONTHS = 12
"""New customers are counted over the last so many full months."""
YEAR_MONTHS = 12

_MOST_ROWS = 5_000_000
_HISTORY = ("x", "t_x", "T")
_Change = tuple[str, str, float, float]
"""Lever, step, and how equity of present customers and of those to come changes."""
_SURE, _CHANGED = 0.01, 1.5
"""Half a window differs from the other where chance does so less often, and by this factor at least."""


@needs(lines=())
def stakes(values: ir.Table) -> Stakes:
    """The customers by history. In: `clv.by_customer`."""
    grouped = values.group_by(*_HISTORY).agg(
        weight=values.count(),
        margin=values.margin_per_occasion.sum(),
        spend=values.expected_spend.sum(),
        squares=(values.margin_per_occasion * values.margin_per_occasion).sum(),
    )
    frame = collect(grouped.order_by(*_HISTORY), max_rows=_MOST_ROWS)
    seen = btyd.histories(frame, unit="day")
    return Stakes(seen, *(frame[name].to_numpy(float) for name in ("margin", "spend", "squares")))


# --- those who will come ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Newcomers:
    """Who was won in the last full months: counted after the warm-up, whose customers may be old ones.

    window: the months whose pace is carried on (`steady`), None where there is no full month; is_changed:
    it is but the later half, whose pace is another. counts: customers won in each month. costs: money spent in the window to win customers, by what is recorded
    ("customers", "campaigns"). model: of purchases, fitted to those alone whose first purchase was seen.
    refusal: why no value is put on customers to come; empty where one is, and `model` is there then.
    """

    window: Window | None
    is_changed: bool
    counts: tuple[int, ...]
    costs: dict[str, float]
    model: btyd.PurchaseModel | None
    refusal: str

    @property
    def customers(self) -> int:
        return sum(self.counts)

    @property
    def a_month(self) -> float:
        return self.customers / len(self.counts) if self.counts else 0.0

    @property
    def acquisition_cost(self) -> float | None:
        """Money spent ÷ customers won; None where no such cost is recorded, or nobody was won."""
        return sum(self.costs.values()) / self.customers if self.costs and self.customers else None

    @property
    def known(self) -> btyd.PurchaseModel:
        """`model`. Raises NoModel, with the reason, where no value is put on customers to come."""
        if self.model is None or self.refusal:
            raise NoModel(self.refusal)
        return self.model


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
    optional={
        "customers.acquisition_cost": "new customers net of what winning them costs",
        "campaigns.cost": "acquisition campaigns as a part of that cost",
        "exposures.cost": "reaching customers as a part of what these campaigns cost",
    },
)
def newcomers(
    customers: ir.Table,
    ledger: ir.Table,
    model: btyd.PurchaseModel,
    *,
    observed: Window,
    warm_up_ends: date,
    campaigns: ir.Table | None = None,
) -> Newcomers:
    """Customers won in the last twelve full months, or the fewer there are after the warm-up.

    In: customer facts, the profit ledger, the model of the present customers, whose kind is fitted
    again to those whose first purchase was seen, and what of the ledger acquisition campaigns cost
    (month, exposure_cost, campaign_cost), where recorded; all that was spent in the window counts,
    whomever it reached. Where the pace changed (`steady`) the window is its later half.
    """
    window: Window | None = None
    every: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    costs: dict[str, float] = {}
    fitted: btyd.PurchaseModel | None = None
    try:
        window = _full_months(observed, warm_up_ends)
        counts = every = _by_month(customers, window)
        counts = steady(every)
        window = Window(add_months(window.end, -len(counts)), window.end)
        costs = _costs(ledger, window, campaigns)
        fitted, refusal = _fitted_to_new(customers, model), ""
    except NoModel as error:
        refusal = str(error)
    return Newcomers(window, counts != every, counts, costs, fitted, refusal)


def steady(counts: Sequence[int]) -> tuple[int, ...]:
    """The months whose mean may be carried on: all of `counts` (customers won), or their later half.

    Two halves of a window differ where one has 1.5 times as many a month as the other, and chance
    alone would part them so less than once in a hundred times (exact binomial test, two-sided; of
    halves of unequal length the later is the longer). Then the mean of the whole is nobody's pace, and
    the later half counts alone, if its own halves do not differ. A season looks like a trend here.
    Raises NoModel where they do.
    """
    if not _differ(counts):
        return tuple(counts)
    later = tuple(counts[len(counts) // 2 :])
    if _differ(later):
        told = ", ".join(f"{n:,}" for n in counts)
        raise NoModel(
            f"New customers a month were {told}: a pace that changes so cannot be carried on into months "
            "to come. In a panel, or a group chosen for a study, it may be its members being seen for the "
            "first time."
        )
    return later


def _differ(counts: Sequence[int]) -> bool:
    months, half = len(counts), len(counts) // 2
    early, late = sum(counts[:half]), sum(counts[half:])
    if not half or not early + late:
        return False
    chance = stats.binomtest(late, early + late, (months - half) / months).pvalue
    a_month = sorted((early / half, late / (months - half)))
    return bool(chance < _SURE and a_month[1] > _CHANGED * a_month[0])


def _full_months(observed: Window, warm_up_ends: date) -> Window:
    end = last_full_month(observed.end).end
    start = max(observed.start, warm_up_ends)
    first = start if start.day == 1 else add_months(start.replace(day=1), 1)
    first = max(first, add_months(end, -ARRIVAL_MONTHS))
    if first >= end:
        raise NoModel(f"There is no full month after {start} to count new customers in.")
    return Window(first, end)


def _by_month(customers: ir.Table, window: Window) -> tuple[int, ...]:
    first = customers.first_on
    won = customers.filter(first >= ibis.literal(window.start), first < ibis.literal(window.end))
    month = (won.first_on.year() * YEAR_MONTHS + won.first_on.month()).cast("int64")
    found = collect(won.group_by(month=month).agg(n=won.count())).set_index("month")["n"]
    begin, end = (day.year * YEAR_MONTHS + day.month for day in (window.start, window.end))
    return tuple(int(found.get(at, 0)) for at in range(begin, end))


def _costs(ledger: ir.Table, window: Window, campaigns: ir.Table | None) -> dict[str, float]:
    """Known costs of winning customers in the window, by where they are recorded."""
    of = {"customers": (ledger, ["acquisition_cost"])}
    if campaigns is not None:
        of["campaigns"] = (campaigns, ["exposure_cost", "campaign_cost"])
    found = {}
    for name, (table, columns) in of.items():
        inside = table.filter(
            table.month >= ibis.literal(window.start), table.month < ibis.literal(window.end)
        )
        sums = collect(inside.agg(**{column: inside[column].sum() for column in columns})).iloc[0]
        if sums.notna().any():
            found[name] = float(sums.dropna().astype(float).sum())
        elif name == "campaigns" and found:
            found[name] = 0.0  # recorded, and none in the window
    return found


def _fitted_to_new(customers: ir.Table, model: btyd.PurchaseModel) -> btyd.PurchaseModel:
    """The same kind of model, fitted to those whose first purchase was seen; `model` if all are."""
    bought = customers.filter(customers.first_on.notnull())
    is_new = ~bought.is_first_seen
    counts = collect(bought.agg(all=bought.count(), new=is_new.sum().fill_null(0))).iloc[0]
    if counts["new"] < FEWEST_CUSTOMERS:
        raise NoModel(
            f"What a new customer will buy is learnt from those whose first purchase was seen: at least "
            f"{FEWEST_CUSTOMERS}, not {counts['new']}."
        )
    if counts["new"] == counts["all"]:
        return model
    grouped = bought.filter(is_new).group_by(*_HISTORY).agg(weight=lambda t: t.count())
    frame = collect(grouped.order_by(*_HISTORY), max_rows=_MOST_ROWS)
    return type(model).fit(btyd.histories(frame, unit="day"))


def future(
    won: Newcomers,
    *,
    model: btyd.PurchaseModel | None = None,
    of_new: tuple[float, float],
    horizon_months: int,
    discount_rate: float,
) -> Future:
    """What those who will be won within the horizon are worth, at the pace of `won`.

    of_new: margin of the first and of a later occasion of a customer nothing is known of. Each is valued
    over the horizon from the first purchase on, and discounted from the middle of its month to the day.
    model: of a new customer, if not that of `won`. Raises NoModel where `won` has a refusal.
    """
    first, each = of_new
    later = each * _of_new(model or won.known, horizon_months, discount_rate)
    value = first + later - (won.acquisition_cost or 0.0)
    months = (np.arange(horizon_months) + 0.5) / YEAR_MONTHS
    customers = won.a_month * horizon_months
    equity = won.a_month * value * float(((1 + discount_rate) ** -months).sum())
    return Future(first, later, won.acquisition_cost, customers, equity)


# --- what moves it ----------------------------------------------------------------------------------


def parts(
    present: float, interval: tuple[float, float] | None, future: Future | None
) -> pd.DataFrame:
    """Equity of present customers and of those to come, where a value is put on them: part ("present",
    "future"), equity, low, high."""
    low, high = interval or (np.nan, np.nan)
    rows = [("present", present, low, high)]
    if future is not None:
        rows.append(("future", future.equity, np.nan, np.nan))
    return pd.DataFrame(rows, columns=["part", "equity", "low", "high"])


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

    of_new, spend_of_new: margin and spend of the first and of a later occasion of a new customer. Where
    no value is put on customers to come (`won.refusal`) no lever changes it.
    """
    terms = {"horizon_months": horizon_months, "discount_rate": discount_rate}
    equity = _Equity(Living.of(held, model), model, won, of_new, terms)
    present, ahead = now = equity.present(), equity.ahead()
    kept = equity.living.kept(model)
    rows = _of_retention(equity, now, kept)
    if won.customers and not won.refusal:
        rows.append(("acquisition", "percent", 0.0, 0.01 * ahead))
    rows += _of_margin(equity, present, spend_of_new)
    table = pd.DataFrame(rows, columns=["lever", "step", "present", "future"])
    return Levers(table.assign(total=table["present"] + table["future"]), kept)


@dataclass(frozen=True)
class _Equity:
    """Equity of present customers and of those to come, computed again when a lever is pulled.

    of_new: margin of the first and of a later occasion of a new customer. terms: of `future`.
    """

    living: Living
    model: btyd.PurchaseModel
    won: Newcomers
    of_new: tuple[float, float]
    terms: Mapping[str, Any]

    def present(self, leaving: float = 1.0, of: str = "margin") -> float:
        """Of the present customers, the parameter of leaving times `leaving`."""
        return self.living.worth(_leaving(self.model, leaving), of=of, **self.terms)

    def ahead(self, leaving: float = 1.0) -> float:
        """Of those to come, alike; 0 where no value is put on them."""
        if self.won.refusal:
            return 0.0
        model = _leaving(self.won.known, leaving)
        return future(self.won, model=model, of_new=self.of_new, **self.terms).equity


def _leaving(model: btyd.PurchaseModel, factor: float) -> btyd.PurchaseModel:
    """`with_dropout`, for models without leaving, too, where the factor is 1."""
    return with_dropout(model, factor) if factor != 1 else model


def _of_retention(equity: _Equity, now: tuple[float, float], kept: float) -> list[_Change]:
    """Retention of a point more than `kept`, and of one per cent. now: what both are worth as it is."""
    rows: list[_Change] = []
    for step, target in (("point", kept + 0.01), ("percent", kept * 1.01)):
        factor = equity.living.keeping(equity.model, target)
        if factor is not None:
            gains = equity.present(factor) - now[0], equity.ahead(factor) - now[1]
            rows.append(("retention", step, *gains))
    return rows


def _of_margin(equity: _Equity, present: float, spend: tuple[float, float]) -> list[_Change]:
    """A margin rate of a point more, and a margin of one per cent. spend: of a new customer."""
    free = replace(equity, won=replace(equity.won, costs={}))  # winning costs no more for it
    point = equity.present(of="spend"), replace(free, of_new=spend).ahead()
    return [
        ("margin", "point", 0.01 * point[0], 0.01 * point[1]),
        ("margin", "percent", 0.01 * present, 0.01 * free.ahead()),
    ]


def _of_new(model: btyd.PurchaseModel, horizon_months: int, discount_rate: float) -> float:
    """Expected occasions of a new customer after the first, within the horizon, each discounted to it."""
    return discounting.discounted_of_new(
        model, horizon=horizon_months, unit="month", discount_rate_a_year=discount_rate
    )
