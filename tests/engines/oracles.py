"""What each analysis ought to find, by name: the naive reading of the same company."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from crm_lib.periods import add_months
from tests.engines import analyses
from tests.engines.company import Company, Rows
from tests.engines.naive import of_customers, of_profit, of_time
from tests.engines.naive.base import Naive
from tests.engines.naive.ledger import ledger


class Reading(Naive):
    """A company read once, with its ledger."""

    def __init__(self, company: Company) -> None:
        super().__init__(company)

    @cached_property
    def ledger(self) -> Rows:
        return ledger(self)

    @cached_property
    def stages(self) -> Rows:
        return of_customers.stages(self.customers)


Oracle = Callable[[Reading], Any]


def histories(n: Reading) -> Rows:
    found: dict[tuple[int, int, int], int] = {}
    for row in n.buyers.values():
        key = (row["x"], row["t_x"], row["T"])
        found[key] = found.get(key, 0) + 1
    return [
        dict(zip(("x", "t_x", "T", "weight"), (*key, w), strict=True)) for key, w in found.items()
    ]


ORACLES: dict[str, Oracle] = {
    "facts.occasions": lambda n: n.occasions,
    "facts.customers": lambda n: [{"customer_id": name} | row for name, row in n.customers.items()],
    "facts.customer_months": lambda n: n.customer_months,
    "facts.months": lambda n: n.months,
    "facts.days": lambda n: n.days,
    "ledger.ledger": lambda n: n.ledger,
    "cohorts.triangle": of_time.triangle,
    "concentration.lorenz": lambda n: of_customers.lorenz(n, 7),
    "concentration.gini": of_customers.gini,
    "concentration.hhi": of_customers.hhi,
    "concentration.top_shares": of_customers.top_shares,
    "concentration.customers_for_share": of_customers.customers_for_share,
    "concentration.negatives": of_customers.negatives,
    "concentration.ranked": of_customers.ranked,
    "dashboard.monthly": lambda n: of_time.monthly(n, n.ledger),
    "dashboard.measures": lambda n: of_time.measures(n, n.ledger),
    "decomposition.factors": lambda n: of_time.factors(n, n.observed, by="channel"),
    "decomposition.decompose": lambda n: of_time.decompose(n, **analyses.halves(n)),
    "flow.monthly": lambda n: of_time.flow(n, of_time.calendar_steps(n, 1)),
    "flow.quarterly": lambda n: of_time.flow(n, of_time.calendar_steps(n, 3, 2)),
    "flow.rolling": lambda n: of_time.flow(n, of_time.rolling_steps(n, 45)),
    "keeping.compare": lambda n: of_profit.keeping(n, n.ledger),
    "losses.gains": lambda n: of_profit.gains(n.ledger),
    "losses.negatives": lambda n: of_profit.negatives(n.ledger),
    "losses.causes": lambda n: of_profit.causes(n.ledger, add_months(n.end, -6)),
    "margins.spending": of_profit.spending,
    "margins.earned": lambda n: of_profit.earned(n.ledger),
    "profit.by_customer": lambda n: of_profit.by_customer(n.ledger),
    "profit.summed": lambda n: [
        {name: value for name, value in row.items() if name != "profit_rank"}
        for row in of_profit.by_customer(n.ledger)
    ],
    "profit.ranked": lambda n: of_profit.by_customer(n.ledger),
    "profit.by_month": lambda n: of_profit.by_month(n, n.ledger),
    "profit.bridge": lambda n: of_profit.bridge(n.ledger),
    "profit.whale": lambda n: of_profit.whale(n.ledger, 9),
    "profit.peak": lambda n: of_profit.peak(n.ledger),
    "profit.by_group": lambda n: of_profit.by_group(n.ledger, n.stages),
    "profit.by_product": of_profit.by_product,
    "repeat.ladder": lambda n: of_time.ladder(n, 3, 60),
    "repeat.survival": lambda n: of_time.survival(n, "role"),
    "repeat.time_to_second": lambda n: of_time.time_to_second(n, "role", (30, 90)),
    "segments.rfm": of_customers.rfm,
    "segments.value_tiers": of_customers.value_tiers,
    "segments.sizes": of_customers.sizes,
    "segments.grid": of_customers.grid,
    "stages.stage": lambda n: n.stages,
    "stages.sizes": of_customers.stage_sizes,
    "stages.at_risk": of_customers.at_risk,
    "tenure.years": lambda n: of_profit.years(n, n.ledger),
    "tenure.curve": lambda n: of_profit.tenure_curve(n, n.ledger, 2),
    "transitions.matrix": lambda n: of_customers.matrix(n, analyses.earlier(n)),
    "transitions.matrix (counted)": lambda n: of_customers.matrix(n, analyses.earlier(n)),
    "transitions.bought_since": lambda n: of_customers.bought_since(n, analyses.earlier(n)),
    "transitions.bought_since (counted)": lambda n: of_customers.bought_since(
        n, analyses.earlier(n)
    ),
}
"""By the name in `analyses.ANALYSES`; columns that an oracle leaves out are compared among engines."""
