"""Who was won in the last full months: at what pace and cost, and what they buy.

What a new customer does is learnt from those alone whose first purchase was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
from scipy import stats

from crm_lib import btyd
from crm_lib.engine import collect
from crm_lib.errors import NoModel
from crm_lib.needs import FEWEST_CUSTOMERS, needs
from crm_lib.periods import Window, add_months, last_full_month, month_number, month_numbers

ARRIVAL_MONTHS = 12
"""New customers are counted over the last so many full months."""

_MOST_ROWS = 5_000_000
_HISTORY = ("x", "t_x", "T")
_SURE, _CHANGED = 0.01, 1.5
"""Half a window differs from the other where chance does so less often, and by this factor at least."""


@dataclass(frozen=True)
class Newcomers:
    """Who was won in the last full months: counted after the warm-up, whose customers may be old ones.

    window: the months whose pace is carried on (`steady`), None where there is no full month; is_changed:
    it is but the later half, whose pace is another. counts: customers won in each month. costs: money
    spent in the window to win customers, by what is recorded ("customers", "campaigns"). model: of
    purchases, fitted to those alone whose first purchase was seen. refusal: why no value is put on
    customers to come; empty where one is, and `model` is there then.
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
    found = collect(won.group_by(month=month_numbers(won.first_on)).agg(n=won.count())).set_index(
        "month"
    )["n"]
    begin, end = (month_number(day) for day in (window.start, window.end))
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
