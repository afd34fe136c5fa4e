"""Margins: what the next purchase of each customer is expected to earn.

An occasion earns what is spent on it times the share of that which is left after returns and costs.
Both are the customer's own, drawn towards everyone's as far as the customer is little known: spend by
the Gamma-Gamma model, the share by credibility. What is left is contribution where costs are known:
purchases less returns, cost of goods and cost to serve. Acquisition is not in it, being sunk for
whoever is a customer; nor are campaigns, each of which is a decision to be judged by the value it
adds. `earning` names what the data can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib import ledger as ledgers
from crm_lib.btyd.gamma_gamma import GammaGamma, spend_frequency_correlation
from crm_lib.btyd.spending import Spending
from crm_lib.btyd.spending import spending as checked_spending
from crm_lib.engine import collect
from crm_lib.errors import NoModel
from crm_lib.needs import needs

_EXACT_ROWS = 200_000
"""Above so many repeat customers their mean spend is grouped for the fit, within half a per cent."""
_GROUPS_AN_E = 200
_WORST_RATE = -1.0
"""A month may lose more than all that was bought; for the noise of rates it counts as this."""

_ADDS = {"lines.cost": "contribution in place of revenue"}


def earning(components: Sequence[ledgers.Component]) -> str:
    """What a margin is made of in this data set: "contribution", "gross profit", "revenue less cost to
    serve" or "revenue"."""
    known = {item.name for item in components if item.status != "missing"}
    served = bool(known.intersection(ledgers.SERVING))
    if "cost_of_goods" in known:
        return "contribution" if served else "gross profit"
    return "revenue less cost to serve" if served else "revenue"


@dataclass(frozen=True)
class Spend:
    """What customers spend on an occasion, and the model of it.

    model: None where none can be fitted (`refusal` says why); then everyone is expected to spend
    `mean`. mean, first_mean: money a repeat and a first occasion, over all occasions. customers: with
    a repeat occasion and positive spend, whom the model is fitted on; excluded: with repeats, but
    nothing spent. correlation: of the number of repeat occasions with the mean spent on them (Pearson;
    the model assumes 0). tilt: spend an occasion ÷ mean spend of a customer − 1, what a correlation
    amounts to: above 0 those who buy often spend more each time.
    """

    model: GammaGamma | None
    refusal: str
    mean: float
    first_mean: float
    customers: int
    excluded: int
    correlation: tuple[float, float, float] | None
    tilt: float | None

    def expected(self, x: ir.NumericValue, mean_spend: ir.NumericValue) -> ir.NumericValue:
        """E[spend on an occasion | x repeat occasions of `mean_spend` each], as an engine expression.

        p (γ + x z̄) / (p x + q − 1): Fader & Hardie 2013, brucehardie.com/notes/025, eq. 5.
        """
        if self.model is None:
            return ibis.literal(self.mean)
        p, q, gamma = (self.model.params_[name] for name in ("p", "q", "gamma"))
        spent = (x * mean_spend).fill_null(0.0)
        known = ibis.ifelse(spent > 0, x, 0)
        return p * (gamma + ibis.greatest(spent, 0.0)) / (p * known + q - 1)


@dataclass(frozen=True)
class Rates:
    """How much of what customers buy is left, and how far each one's own rate is believed.

    Bühlmann & Straub 1970 (Bühlmann & Gisler 2005, A Course in Credibility Theory, ch. 4): a
    customer's rate is (earned + k · mean) / (bought + k), with k = within ÷ between. `within`: variance
    of a month's rate around the customer's, times the purchases of the month; `between`: variance of
    the customers' true rates; k in money. Past purchases times these rates add up to what was earned.
    """

    mean: float
    within: float
    between: float
    customers: int

    @property
    def k(self) -> float | None:
        """Purchases (money) from which on the own rate weighs more than the mean; None: never."""
        return self.within / self.between if self.between > 0 else None

    @property
    def varies(self) -> bool:
        """Whether the rate of a customer changes from month to month."""
        return self.within > 0

    def expected(self, earned: ir.NumericValue, bought: ir.NumericValue) -> ir.NumericValue:
        """The rate expected of a customer, as an engine expression."""
        if self.within <= 0:
            return ibis.coalesce(earned / bought.nullif(0.0), self.mean)
        if self.k is None:
            return ibis.literal(self.mean)
        return (earned.fill_null(0.0) + self.k * self.mean) / (bought.fill_null(0.0) + self.k)


@dataclass(frozen=True)
class Margins:
    """What is known of spend and rates, and the models of both: see `of`.

    spent: `spending`, one row a customer with a purchase. months: `earned`, one row a customer and
    month.
    """

    spent: ir.Table
    months: ir.Table
    spend: Spend
    rates: Rates

    @property
    def spend_of_new(self) -> tuple[float, float]:
        """What a customer nothing is known of spends on the first and on a later occasion: money."""
        model = self.spend.model
        return self.spend.first_mean, model.population_mean if model else self.spend.mean

    @property
    def of_new(self) -> tuple[float, float]:
        """What these two occasions earn: money."""
        first, later = self.spend_of_new
        return first * self.rates.mean, later * self.rates.mean

    def per_occasion(self) -> ir.Table:
        """What the next occasion of each customer is expected to earn: one row a customer with a purchase.

        customer_id, expected_spend (money), margin_rate (of it; may be negative), margin_per_occasion
        (expected_spend × margin_rate, money).
        """
        sums = self.months.group_by("customer_id").agg(
            bought=self.months.bought.sum(), earned=self.months.earned.sum()
        )
        joined = self.spent.left_join(sums, "customer_id").drop("customer_id_right")
        found = joined.select(
            "customer_id",
            expected_spend=self.spend.expected(joined.x, joined.mean_spend),
            margin_rate=self.rates.expected(joined.earned, joined.bought),
        )
        return found.mutate(margin_per_occasion=found.expected_spend * found.margin_rate)

    def facts(self) -> pd.DataFrame:
        """What the models found, one row a measure: measure (a key), value, unit, customers (it is of)."""
        spend, rates = self.spend, self.rates
        first, later = self.spend_of_new
        rows = [
            ("first_spend", first, "money", None),
            ("repeat_spend", spend.mean, "money", None),
            ("expected_spend", later, "money", spend.customers),
            ("correlation", spend.correlation and spend.correlation[0], "ratio", spend.customers),
            ("tilt", spend.tilt, "percent", spend.customers),
            ("margin_rate", rates.mean, "percent", rates.customers),
            (
                "rate_spread",
                rates.between**0.5 if rates.varies else None,
                "percent",
                rates.customers,
            ),
        ]
        return pd.DataFrame(rows, columns=["measure", "value", "unit", "customers"])


@needs(lines=(), optional=_ADDS)
def of(occasions: ir.Table, ledger: ir.Table) -> Margins:
    """The margin of an occasion, customer by customer: spend × the share of it that is left.

    In: purchase occasions and the profit ledger. `Margins.per_occasion` is the table.
    """
    spent, months = spending(occasions), earned(ledger)
    return Margins(spent, months, spend(spent), rates(months))


@needs(lines=())
def spending(occasions: ir.Table) -> ir.Table:
    """What each customer spent on an occasion: one row a customer with a purchase.

    customer_id, x (repeat occasions), mean_spend (money a repeat occasion; null without one),
    first_spend.
    """
    is_repeat = occasions.number > 1
    paid = occasions.revenue.cast("float64")
    return occasions.group_by("customer_id").agg(
        x=is_repeat.sum().cast("int64"),
        mean_spend=paid.mean(where=is_repeat),
        first_spend=paid.sum(where=~is_repeat),
    )


@needs(lines=())
def spend(spent: ir.Table) -> Spend:
    """The model of spend, fitted on the mean spend of those who bought again. In: `spending`."""
    repeated = spent.x > 0
    used = repeated & (spent.mean_spend > 0)
    money = spent.x * spent.mean_spend
    sums = collect(
        spent.agg(
            customers=used.sum().fill_null(0),
            excluded=(repeated & ~used).sum().fill_null(0),
            mean=money.sum() / spent.x.sum(),
            each=spent.mean_spend.mean(where=used),
            often=money.sum(where=used) / spent.x.sum(where=used),
            first_mean=spent.first_spend.mean(),
        )
    ).iloc[0]
    first = 0.0 if sums["first_mean"] != sums["first_mean"] else float(sums["first_mean"])
    mean = first if sums["mean"] != sums["mean"] else float(sums["mean"])
    paid = _paid(spent.filter(used), int(sums["customers"]))
    model, refusal = _fitted(paid)
    tilt = sums["often"] / sums["each"] - 1 if sums["customers"] else None
    return Spend(
        model, refusal, mean, first, int(sums["customers"]), int(sums["excluded"]),
        _correlation(paid, model), None if tilt is None else float(tilt),
    )  # fmt: skip


def _paid(used: ir.Table, customers: int) -> Spending:
    """x and mean spend; of very many customers what is spent within half a per cent is one row."""
    by = used.mean_spend
    if customers > _EXACT_ROWS:
        by = (used.mean_spend.ln() * _GROUPS_AN_E).round()
    rows = used.group_by("x", by=by).agg(mean_spend=used.mean_spend.mean(), weight=used.count())
    return checked_spending(collect(rows.order_by("x", "mean_spend"), max_rows=5_000_000))


def _fitted(paid: Spending) -> tuple[GammaGamma | None, str]:
    """The model, or why there is none."""
    try:
        model = GammaGamma.fit(paid)
        _ = model.population_mean  # raises where it does not exist
    except NoModel as error:
        return None, str(error)
    return model, ""


def _correlation(paid: Spending, model: GammaGamma | None) -> tuple[float, float, float] | None:
    try:
        row = spend_frequency_correlation(paid, model).loc["pearson_of_logs"]
    except NoModel:
        return None
    return float(row["correlation"]), float(row["low"]), float(row["high"])


@needs(lines=(), optional=_ADDS)
def earned(ledger: ir.Table) -> ir.Table:
    """What each known customer bought and what was left of it, month by month.

    In: the profit ledger. Out, one row of it each, as floats: customer_id, month, bought (purchases
    before returns), earned (contribution; without cost of goods revenue less cost to serve).
    """
    known = ledger.filter(ledger.customer_id.notnull())
    left = ibis.coalesce(known.contribution, known.revenue - known.cost_to_serve)
    return known.select(
        "customer_id",
        "month",
        bought=(known.revenue + known.returns).cast("float64"),
        earned=left.cast("float64"),
    )


@needs(lines=(), optional=_ADDS)
def rates(months: ir.Table) -> Rates:
    """The mean rate and its variances within and between customers. In: `earned`.

    A month without a purchase belongs to the last one with a purchase, its costs included.
    """
    own = ibis.cumulative_window(group_by="customer_id", order_by="month")
    dated = months.mutate(stretch=(months.bought > 0).cast("int64").sum().over(own))
    dated = dated.mutate(stretch=ibis.greatest(dated.stretch, 1))
    seen = dated.group_by("customer_id", "stretch").agg(
        bought=dated.bought.sum(), earned=dated.earned.sum()
    )
    seen = seen.filter(seen.bought > 0)
    seen = seen.mutate(rate=ibis.greatest(seen.earned / seen.bought, _WORST_RATE))
    each = seen.group_by("customer_id").agg(
        n=seen.count(),
        w=seen.bought.sum(),
        earned=seen.earned.sum(),
        weighed=(seen.bought * seen.rate).sum(),
        squares=(seen.bought * seen.rate * seen.rate).sum(),
    )
    each = each.mutate(rate=each.weighed / each.w)
    each = each.mutate(within=each.squares - each.w * each.rate * each.rate)
    sums = collect(
        each.agg(
            customers=each.count(),
            n=each.n.sum(),
            w=each.w.sum(),
            w2=(each.w * each.w).sum(),
            earned=each.earned.sum(),
            weighed=each.weighed.sum(),
            squares=(each.w * each.rate * each.rate).sum(),
            within=each.within.sum(),
        )
    ).iloc[0]
    return _balanced(each, sums.to_dict())


def _balanced(each: ir.Table, sums: dict[str, float]) -> Rates:
    """The estimators of Bühlmann & Gisler, ch. 4.8, with the mean that keeps the sum of what was earned."""
    customers = int(sums["customers"])
    if not customers or not sums["w"] > 0:
        return Rates(1.0, 0.0, 0.0, 0)
    overall = sums["earned"] / sums["w"]
    spare = sums["n"] - customers
    within = max(sums["within"], 0.0) / spare if spare > 0 else 0.0
    # Rounding leaves a trace of a variance where every rate is the same.
    within = within if within > 1e-12 * sums["w"] else 0.0
    centre = sums["weighed"] / sums["w"]
    scatter = sums["squares"] - sums["w"] * centre**2 - (customers - 1) * within
    room = sums["w"] - sums["w2"] / sums["w"]
    between = max(scatter / room, 0.0) if room > 0 and spare > 0 else 0.0
    if within <= 0 or between <= 0:
        return Rates(overall, within, between, customers)
    k = within / between
    z = each.w / (each.w + k)
    both = collect(each.agg(z=z.sum(), rate=(z * each.earned / each.w).sum())).iloc[0]
    return Rates(float(both["rate"] / both["z"]), within, between, customers)
