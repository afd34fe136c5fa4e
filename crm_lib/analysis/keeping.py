"""Winning against keeping: what a new customer cost, against what an existing one costs a year.

The articles say that winning a customer costs five times what keeping one does (another says four).
Both sides are counted here over the same twelve full months:

- winning: acquisition and campaigns of the kind "acquisition", whomever they reached, ÷ customers who
  first bought in them;
- keeping: contacts, representatives' hours and all other campaigns for customers who had bought before,
  ÷ those of them who bought again.

Both are of the profit ledger, each cost in its month and on one side at most.

Goods, handling and payment terms serve a sale that is made and are on neither side. What a company
does for both at once (brand, shops, prices) is on neither side either.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.engine import collect
from crm_lib.errors import NotInData
from crm_lib.needs import needs
from crm_lib.periods import Window, add_months, last_full_month
from crm_lib.quality.dates import EARLIEST

CLAIM = 5.0
"""Winning is said to cost so many times as much as keeping."""
KEEPING = ("contact_cost", "effort_cost", "exposure_cost", "campaign_cost")
CAMPAIGN = ("exposure_cost", "campaign_cost")
MONTHS = 12


@dataclass(frozen=True)
class Comparison:
    """Winning and keeping over one window. Costs in money, all counted, none estimated."""

    window: Window
    winning_cost: float
    won: int
    keeping_cost: float
    existing: int
    """customers who had bought before the window"""
    kept: int
    """those of them who bought in it"""
    parts: pd.DataFrame
    """one row a component known: side ("winning", "keeping"), component, cost, customers, per_customer"""
    undated: float
    """acquisition cost on neither side: of customers who never bought, recorded without a day"""

    @property
    def per_won(self) -> float | None:
        return self.winning_cost / self.won if self.won else None

    @property
    def per_kept(self) -> float | None:
        return self.keeping_cost / self.kept if self.kept else None

    @property
    def ratio(self) -> float | None:
        """Winning one ÷ keeping one for a year; None where one side has no customer or no cost."""
        if not self.per_won or not self.per_kept:
            return None
        return self.per_won / self.per_kept


@needs(
    lines=(),
    customers=("acquisition_cost",),
    optional={
        "contacts.cost": "contacts as a cost of keeping",
        "efforts.cost": "representatives' hours as a cost of keeping",
        "exposures.cost": "campaigns as a cost of keeping",
        "campaigns.cost": "campaigns on both sides",
    },
)
def compare(
    ledger: ir.Table,
    customers: ir.Table,
    *,
    observed: Window,
    campaigns: ir.Table | None = None,
    recorded: ir.Table | None = None,
) -> Comparison:
    """The cost of winning a customer beside that of keeping one, over the last twelve full months.

    In: profit ledger and customer facts; `campaigns`: what of the ledger acquisition campaigns cost
    (customer_id, month, exposure_cost, campaign_cost); `recorded`: the customers (customer_id,
    acquired_on), to tell a cost without a day from one of the first month. Customers first seen in the
    warm-up are existing ones, never won. Raises NotInData where twelve full months are not observed, or
    where one of the sides has no known cost.
    """
    window = _window(observed)
    rows = _within(ledger, window)
    acquiring = None if campaigns is None else _within(campaigns, window)
    won, existing = _sides(customers, window)
    winning, keeping = _of_winning(rows, acquiring), _of_keeping(rows, acquiring, existing)
    if not winning or not keeping:
        raise NotInData(
            "Winning against keeping needs a cost on both sides: `acquisition_cost` of `customers`, "
            "and `cost` of `contacts`, `efforts` or `exposures`."
        )
    new, kept = int(won.count().execute()), _bought(rows, existing, window)
    parts = [_parts("winning", winning, new), _parts("keeping", keeping, kept)]
    return Comparison(
        window,
        winning_cost=sum(winning.values()),
        won=new,
        keeping_cost=sum(keeping.values()),
        existing=int(existing.count().execute()),
        kept=kept,
        parts=pd.concat(parts, ignore_index=True),
        undated=_undated(ledger, customers, recorded, window),
    )


def _parts(side: str, costs: dict[str, float], customers: int) -> pd.DataFrame:
    """What was spent on a side, one row a component: see `Comparison.parts`."""
    rows = [
        (side, name, cost, customers, cost / customers if customers else None)
        for name, cost in costs.items()
    ]
    return pd.DataFrame(rows, columns=["side", "component", "cost", "customers", "per_customer"])


def _window(observed: Window) -> Window:
    end = last_full_month(observed.end).end
    window = Window(add_months(end, -MONTHS), end)
    if window.start < observed.start:
        raise NotInData(
            f"Winning against keeping needs {MONTHS} full months; {observed} holds fewer."
        )
    return window


def _within(rows: ir.Table, window: Window) -> ir.Table:
    return rows.filter(
        rows.month >= ibis.literal(window.start), rows.month < ibis.literal(window.end)
    )


def _sides(customers: ir.Table, window: Window) -> tuple[ir.Table, ir.Table]:
    """Who was won in the window, and who had bought before it."""
    start, end = ibis.literal(window.start), ibis.literal(window.end)
    buyers = customers.filter(customers.first_on.notnull())
    won = buyers.filter(buyers.first_on >= start, buyers.first_on < end, ~buyers.is_first_seen)
    return won, buyers.filter((buyers.first_on < start) | buyers.is_first_seen)


def _of_winning(rows: ir.Table, acquiring: ir.Table | None) -> dict[str, float]:
    """What was spent on winning, by component. Both tables: within the window; `acquiring`: what of
    the ledger acquisition campaigns cost."""
    found = _sums(rows, ("acquisition_cost",))
    campaigns = {} if acquiring is None else _sums(acquiring, CAMPAIGN)
    return found | ({"acquisition campaigns": sum(campaigns.values())} if campaigns else {})


def _of_keeping(
    rows: ir.Table, acquiring: ir.Table | None, customers: ir.Table
) -> dict[str, float]:
    """What was spent on keeping these customers, by component, acquisition campaigns that reached them
    taken off. The tables are those of `_of_winning`."""
    spent = _spent(rows, customers)
    if acquiring is None:
        return spent
    theirs = _sums(acquiring.semi_join(customers, "customer_id"), CAMPAIGN)
    return spent | {name: spent[name] - theirs.get(name, 0.0) for name in CAMPAIGN if name in spent}


def _spent(rows: ir.Table, customers: ir.Table) -> dict[str, float]:
    """What of the ledger these customers cost, by component of `KEEPING` that anything is known of."""
    known = collect(rows.agg(**{name: rows[name].count() for name in KEEPING})).iloc[0]
    names = tuple(name for name in KEEPING if known[name])
    if not names:
        return {}
    # Few rows have such a cost, and only they look for their customer.
    paid = rows.filter(ibis.or_(*(rows[name] != 0 for name in names)))
    own = paid.semi_join(customers, "customer_id")
    return dict.fromkeys(names, 0.0) | _sums(own, names)


def _bought(rows: ir.Table, customers: ir.Table, window: Window) -> int:
    """How many of the customers bought in the window. rows: the ledger within it."""
    last = customers.last_on
    bought = customers.filter(last >= ibis.literal(window.start), last < ibis.literal(window.end))
    found = int(bought.count().execute())
    # Only of who bought after it, too, the ledger must tell: nobody, where the window ends with the data.
    later = customers.filter(last >= ibis.literal(window.end))
    if int(later.count().execute()):
        own = rows.filter(rows.occasions > 0).semi_join(later, "customer_id")
        found += int(own.customer_id.nunique().execute())
    return found


def _sums(rows: ir.Table, names: tuple[str, ...]) -> dict[str, float]:
    """The columns added up, without those that nothing is known of."""
    found = collect(rows.agg(**{name: rows[name].sum() for name in names})).iloc[0]
    return {name: float(found[name]) for name in names if not pd.isna(found[name])}


def _undated(
    ledger: ir.Table, customers: ir.Table, recorded: ir.Table | None, window: Window
) -> float:
    """Acquisition cost before the window of who never bought and has no day of acquisition, which the
    ledger counts in the first month for want of a day."""
    if recorded is None:
        return 0.0
    if "acquired_on" in recorded.columns:
        day = recorded.acquired_on.cast("date")
        recorded = recorded.filter(
            day.isnull() | (day < ibis.literal(date.fromisoformat(EARLIEST)))
        )
    rows = ledger.filter(ledger.month < ibis.literal(window.start), ledger.acquisition_cost != 0)
    rows = rows.anti_join(customers.filter(customers.lines > 0), "customer_id")
    rows = rows.semi_join(recorded, "customer_id")
    return _sums(rows, ("acquisition_cost",)).get("acquisition_cost", 0.0)
