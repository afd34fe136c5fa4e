"""The customer base: what the other analyses say of CDNOW, through the same facts as in a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import ibis.expr.types as ir
import pandas as pd

from crm_lib import facts
from crm_lib.analysis import concentration, flow, repeat
from crm_lib.engine import collect, connect
from crm_lib.periods import Window
from crm_lib.verify.check import APART, Check, as_printed

if TYPE_CHECKING:
    from crm_lib.verify.study import Study

OBSERVED = Window(date(1997, 1, 1), date(1998, 7, 1))
TOP = (0.01, 0.1, 0.2)
_SOURCE = f"recomputed from the raw log, {APART}"


class Base:
    """The facts of CDNOW's customers, as `data/cdnow/dataset.yml` would make them."""

    def __init__(self, log: pd.DataFrame) -> None:
        raw = connect().create_table("log", log, temp=True)
        day = raw.day.date()
        self.lines = raw.select(
            "customer_id",
            day=day,
            ordered_at=raw.day,
            order_id=raw.customer_id + "-" + day.cast("string"),
            quantity=raw.cds,
            amount=raw.amount.cast("decimal(18, 4)"),
            # A free CD is a purchase occasion, too.
            is_purchase=raw.cds > 0,
            is_return=raw.amount < 0,
        )

    @cached_property
    def customers(self) -> ir.Table:
        return facts.customers(
            self.lines, "day", as_of=OBSERVED.end, warm_up_ends=OBSERVED.start
        ).cache()

    @cached_property
    def sums(self) -> dict[str, float]:
        """Totals of the customer facts, and two of the order lines that no fact holds."""
        each, lines = self.customers, self.lines
        of_facts = each.agg(
            customers=each.count(),
            lines=each.lines.sum(),
            revenue=each.revenue.sum().cast("float64"),
            once=(each.lines == 1).sum(),
        )
        of_lines = lines.agg(units=lines.quantity.sum(), free=(lines.amount == 0).sum())
        found = {**collect(of_facts).iloc[0], **collect(of_lines).iloc[0]}
        return {str(name): float(value) for name, value in found.items()}

    @cached_property
    def gini(self) -> float:
        return concentration.gini(self.customers)

    @cached_property
    def top_shares(self) -> pd.DataFrame:
        return collect(concentration.top_shares(self.customers, TOP))

    @cached_property
    def ladder(self) -> pd.DataFrame:
        return repeat.ladder(self.customers, facts.occasions(self.lines, "day"), steps=4)

    @cached_property
    def quarters(self) -> pd.DataFrame:
        table = flow.quarterly(
            facts.customer_months(self.lines, "day"),
            self.customers,
            facts.months(self.lines, observed=OBSERVED, warm_up_ends=OBSERVED.start),
            observed=OBSERVED,
            warm_up_ends=OBSERVED.start,
        )
        return collect(table)


def _column(frame: Callable[[Base], pd.DataFrame], column: str, row: int, scale: float) -> Callable[[Study], float]:  # fmt: skip
    return lambda study: scale * float(frame(study.base)[column].iloc[row])


def _checks() -> Sequence[Check]:
    def check(what: str, published: str, ours: Callable[[Study], float]) -> Check:
        subject = "CDNOW, the customer base"
        return Check(subject, what, published, as_printed(published), _SOURCE, ours)

    checks = [
        check("order lines", "69659", lambda study: study.base.sums["lines"]),
        check("revenue, $", "2500315.63", lambda study: study.base.sums["revenue"]),
        check("CDs (of the order lines, as read)", "167881", lambda study: study.base.sums["units"]),
        check("order lines with amount 0 (as read)", "80", lambda study: study.base.sums["free"]),
        check("customers", "23570", lambda study: study.base.sums["customers"]),
        check("customers of the 1/10 sample", "2357", lambda study: study.held("sample").customers),
        check("customer-days", "67591", lambda study: int((study.whole.x + 1) @ study.whole.weight)),
        check("one-time buyers, by day", "12054", lambda study: _buyers_once(study.base.ladder)),
        check("one-time buyers, by row", "11908", lambda study: study.base.sums["once"]),
        check("Gini coefficient of revenue", "0.6346", lambda study: study.base.gini),
    ]  # fmt: skip
    for place, (top, share) in enumerate(zip(TOP, ("15.88", "50.94", "67.78"), strict=True)):
        ours = _column(lambda base: base.top_shares, "value_share", place, 100)
        checks.append(check(f"revenue of the top {100 * top:g} % of customers, %", share, ours))
    steps = zip(("0.4886", "0.6492", "0.7051", "0.7276"), ("57", "52", "44", "37"), strict=True)
    for place, (probability, gap) in enumerate(steps):
        step = f"from purchase {place + 1} to {place + 2}"
        ours = _column(lambda base: base.ladder, "probability", place, 1)
        checks.append(check(f"share that goes on {step}", probability, ours))
        ours = _column(lambda base: base.ladder, "median_gap_days", place, 1)
        checks.append(check(f"median days {step}", gap, ours))
    revenue = ("1071.8", "359.2", "292.4", "300.8", "262.8", "213.3")
    active = ("23570", "5376", "4263", "4221", "3817", "3317")
    for place, (money, buyers) in enumerate(zip(revenue, active, strict=True)):
        quarter = f"quarter {place % 4 + 1} of {1997 + place // 4}"
        ours = _column(lambda base: base.quarters, "revenue_closing", place, 1e-3)
        checks.append(check(f"revenue in {quarter}, $000", money, ours))
        ours = _column(lambda base: base.quarters, "closing", place, 1)
        checks.append(check(f"customers who bought in {quarter}", buyers, ours))
    return checks


def _buyers_once(ladder: pd.DataFrame) -> float:
    return float(ladder["customers"].iloc[0] - ladder["continued"].iloc[0])


CHECKS = tuple(_checks())
