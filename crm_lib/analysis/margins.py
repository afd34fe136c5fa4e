"""Margins: what the next purchase of each customer is expected to earn.

An occasion earns what is spent on it times the share of that which is left after returns and costs.
Both are the customer's own, drawn towards everyone's as far as the customer is little known: spend by
the Gamma-Gamma model (by credibility where that cannot be used), the share by credibility. What is left
is contribution where costs are known: purchases less returns, cost of goods and cost to serve.
Acquisition is not in it, being sunk for whoever is a customer; nor are campaigns, each of which is a
decision to be judged by the value it adds. `earning` names what the data can tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib import baskets, cost_components
from crm_lib.btyd.credibility import UNKNOWN, Credibility, credibility
from crm_lib.btyd.gamma_gamma import GammaGamma, spend_frequency_correlation
from crm_lib.btyd.spending import Spending
from crm_lib.btyd.spending import spending as checked_spending
from crm_lib.engine import collect
from crm_lib.errors import NoModel, listing
from crm_lib.ledger.earning import earning, partly_known
from crm_lib.needs import needs

__all__ = [
    "Margins", "Rates", "Spend", "earned", "earning", "earnings", "of", "of_each", "of_new",
    "partly_known", "rates", "spend", "spending", "with_expected_spend",
]  # fmt: skip

_EXACT_ROWS = 200_000
"""Above so many repeat customers their mean spend is grouped for the fit, within half a per cent."""
_GROUPS_AN_E = 200
_WORST_RATE = -1.0
"""A month may lose more than all that was bought; for the noise of rates it counts as this."""
_NO_MEAN_BELOW = 2.0
"""With a q below this Gamma-Gamma has no variance, and its mean is to be held against the data's."""
_NEAR = (0.5, 2.0)
"""How far from the data's mean spend that of the model may then lie, as a share of it."""

_ADDS = {"lines.cost": "contribution in place of revenue"}


@dataclass(frozen=True)
class Spend:
    """What customers spend on an occasion, and the model of it.

    model: None where none can be used (`refusal` says why); then the own mean is believed by
    credibility, `own`, and everyone else is expected to spend `mean`; so is everyone where `own.k` is
    None. mean, first_mean: money a repeat and a first occasion, over all occasions. customers: with
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
    own: Credibility = UNKNOWN

    @property
    def repeat_mean(self) -> float | None:
        """`mean` where a repeat occasion was seen; without one it is that of the first."""
        return self.mean if self.customers or self.excluded else None

    def expected(self, x: ir.NumericValue, mean_spend: ir.NumericValue) -> ir.NumericValue:
        """E[spend on an occasion | x repeat occasions of `mean_spend` each], as an engine expression.

        p (γ + x z̄) / (p x + q − 1): Fader & Hardie 2013, brucehardie.com/notes/025, eq. 5.
        """
        spent = (x * mean_spend).fill_null(0.0)
        known = ibis.ifelse(spent > 0, x, 0)
        if self.model is None:
            return _drawn(self.own, ibis.greatest(spent, 0.0), known, self.mean)
        p, q, gamma = (self.model.params_[name] for name in ("p", "q", "gamma"))
        return p * (gamma + ibis.greatest(spent, 0.0)) / (p * known + q - 1)


@dataclass(frozen=True)
class Rates:
    """How much of what customers buy is left, and how far each one's own rate is believed.

    mean: expected of a customer nothing is known of. own: credibility of a customer's rate, observed in
    months that weigh by what was bought, so that `own.k` is in money. Past purchases times the rates
    expected add up to what was earned.
    """

    mean: float
    own: Credibility
    customers: int

    def expected(self, earned: ir.NumericValue, bought: ir.NumericValue) -> ir.NumericValue:
        """The rate expected of a customer, as an engine expression."""
        return _drawn(self.own, earned, bought, self.mean)


def _drawn(
    own: Credibility, total: ir.NumericValue, weight: ir.NumericValue, mean: float
) -> ir.NumericValue:
    """A customer's total ÷ weight, drawn towards the mean of all as far as credibility says."""
    if own.k is None:
        # A bare number is an exact decimal to the engine, and the product of a few overflows.
        return ibis.literal(repr(float(mean))).cast("float64")
    if own.k == 0:
        return ibis.coalesce(total / weight.nullif(0), mean)
    return (total.fill_null(0.0) + own.k * mean) / (weight.fill_null(0.0) + own.k)


@dataclass(frozen=True)
class Margins:
    """What is known of spend and rates, and the models of both: see `of`.

    spent: `spending`, one row a customer with a purchase. earnings: `earnings`, one row a customer.
    """

    spent: ir.Table
    earnings: ir.Table
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
        sums = self.earnings.select("customer_id", "bought", "earned")
        joined = self.spent.left_join(sums, "customer_id").drop("customer_id_right")
        return self.onto(joined).select(
            "customer_id", "expected_spend", "margin_rate", "margin_per_occasion"
        )

    def onto(self, each: ir.Table) -> ir.Table:
        """`each`, a table with the columns of `spending` and `earnings`, with those of `per_occasion`."""
        found = each.mutate(
            expected_spend=self.spend.expected(each.x, each.mean_spend),
            margin_rate=self.rates.expected(each.earned, each.bought),
        )
        return found.mutate(margin_per_occasion=found.expected_spend * found.margin_rate)

    def facts(self) -> pd.DataFrame:
        """What the models found, one row a measure: measure (a key), value, unit, customers (it is of)."""
        spend, rates = self.spend, self.rates
        first, later = self.spend_of_new
        expected = None if spend.repeat_mean is None else later
        rows = [
            ("first_spend", first, "money", None),
            ("repeat_spend", spend.repeat_mean, "money", None),
            ("expected_spend", expected, "money", spend.customers),
            ("correlation", spend.correlation and spend.correlation[0], "ratio", spend.customers),
            ("tilt", spend.tilt, "percent", spend.customers),
            ("margin_rate", rates.mean, "percent", rates.customers),
            (
                "rate_spread",
                rates.own.between**0.5 if rates.own.is_known else None,
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
    spent, sums = spending(occasions), earnings(earned(ledger))
    return Margins(spent, sums, spend(spent), _rates(sums))


@needs(lines=(), optional=_ADDS)
def of_each(each: ir.Table) -> Margins:
    """`of` what is summed by customer already. In: one table with the columns of `spending` and
    `earnings`; the first are null without a purchase."""
    spent = each.filter(each.first_spend.notnull())
    return Margins(spent, each, spend(spent), _rates(each))


@needs(lines=(), optional=_ADDS)
def of_new(occasions: ir.Table, ledger: ir.Table, customers: ir.Table) -> Margins:
    """The margin of an occasion to expect of new customers: `of` those whose first purchase was seen.

    In: as in `of`, and customer facts.
    """
    new = customers.filter(~customers.is_first_seen)
    return of(occasions.semi_join(new, "customer_id"), ledger.semi_join(new, "customer_id"))


@needs(lines=())
def spending(occasions: ir.Table) -> ir.Table:
    """What each customer spent on an occasion: one row a customer with a purchase.

    customer_id, x (repeat occasions), mean_spend (money a repeat occasion) and its variance, both null
    without one, first_spend.
    """
    repeats = (occasions.number > 1).sum().cast("int64")
    return occasions.group_by("customer_id").agg(x=repeats, **baskets.spends(occasions))


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
    model, refusal = _fitted(paid, mean)
    own = UNKNOWN if model else _own_spend(spent.filter(used))
    tilt = sums["often"] / sums["each"] - 1 if sums["customers"] else None
    return Spend(
        model, refusal, mean, first, int(sums["customers"]), int(sums["excluded"]),
        _correlation(paid, model), None if tilt is None else float(tilt), own,
    )  # fmt: skip


@needs(lines=())
def with_expected_spend(spent: ir.Table) -> ir.Table:
    """`spent` with expected_spend (money an occasion). In: a table with the columns of `spending`, or of
    `lifetime.known_before`: then nothing that came later is looked at."""
    return spent.mutate(expected_spend=spend(spent).expected(spent.x, spent.mean_spend))


def _paid(used: ir.Table, customers: int) -> Spending:
    """x and mean spend; of very many customers what is spent within half a per cent is one row."""
    by = used.mean_spend
    if customers > _EXACT_ROWS:
        by = (used.mean_spend.ln() * _GROUPS_AN_E).round()
    rows = used.group_by("x", by=by).agg(mean_spend=used.mean_spend.mean(), weight=used.count())
    return checked_spending(collect(rows.order_by("x", "mean_spend"), max_rows=5_000_000))


def _fitted(paid: Spending, mean: float) -> tuple[GammaGamma | None, str]:
    """The model, or why none can be used of those who spend `mean` on a repeat occasion."""
    try:
        model = GammaGamma.fit(paid)
        expected = model.population_mean  # raises where it does not exist
    except NoModel as error:
        return None, str(error)
    if model.estimate_ and model.estimate_.weak:
        names = listing(model.estimate_.weak)
        return None, f"The data do not determine {names} of the model of spend ({model.title})."
    near = _NEAR[0] * mean <= expected <= _NEAR[1] * mean
    if model.params_["q"] < _NO_MEAN_BELOW and not near:
        return None, (
            f"The model of spend ({model.title}) would expect {expected / mean:.2g} times that mean of a "
            "customer nothing is known of, so it is not used."
        )
    return model, ""


def _own_spend(used: ir.Table) -> Credibility:
    """How far the own mean spend is believed, every repeat occasion counting 1."""
    each = used.select(n=used.x, w=used.x, rate=used.mean_spend, within=used.x * used.variance)
    return credibility(_sums(each))


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
    return known.select(
        "customer_id",
        "month",
        bought=(known.revenue + known.returns).cast("float64"),
        earned=cost_components.earned(known).cast("float64"),
    )


@needs(lines=(), optional=_ADDS)
def rates(months: ir.Table) -> Rates:
    """The mean rate and its variances within and between customers. In: `earned`."""
    return _rates(earnings(months))


@needs(lines=(), optional=_ADDS)
def earnings(months: ir.Table) -> ir.Table:
    """What each customer bought and what was left of it, and what `rates` must know. In: `earned`.

    Out: one row a customer: customer_id, bought, earned (of all months); over its observations of the
    rate rate_n (how many), rate_w (bought in them), rate_earned, rate_weighed and rate_squares (Σ bought ×
    rate and × rate²); these null without one. An observation is a month with a purchase and those without
    one that follow it, their costs included.
    """
    own = ibis.cumulative_window(group_by="customer_id", order_by="month")
    dated = months.mutate(stretch=(months.bought > 0).cast("int64").sum().over(own))
    dated = dated.mutate(stretch=ibis.greatest(dated.stretch, 1))
    seen = dated.group_by("customer_id", "stretch").agg(
        bought=dated.bought.sum(), earned=dated.earned.sum()
    )
    rate = ibis.greatest(seen.earned / seen.bought, _WORST_RATE)
    seen = seen.mutate(rate=ibis.ifelse(seen.bought > 0, rate, ibis.null("float64")))
    return seen.group_by("customer_id").agg(
        bought=seen.bought.sum(),
        earned=seen.earned.sum(),
        rate_n=seen.count(where=seen.rate.notnull()),
        rate_w=seen.bought.sum(where=seen.rate.notnull()),
        rate_earned=seen.earned.sum(where=seen.rate.notnull()),
        rate_weighed=(seen.bought * seen.rate).sum(),
        rate_squares=(seen.bought * seen.rate * seen.rate).sum(),
    )


def _rates(earnings: ir.Table) -> Rates:
    """The mean rate and its variances. In: `earnings`."""
    seen = earnings.filter(earnings.rate_n > 0)
    each = seen.select(
        n=seen.rate_n,
        w=seen.rate_w,
        earned=seen.rate_earned,
        squares=seen.rate_squares,
        rate=seen.rate_weighed / seen.rate_w,
    )
    each = each.mutate(within=each.squares - each.w * each.rate * each.rate)
    sums = _sums(each, earned=each.earned.sum())
    if not sums["customers"] or not sums["w"] > 0:
        return Rates(1.0, UNKNOWN, 0)
    return Rates(_balanced(each, sums, own := credibility(sums)), own, int(sums["customers"]))


def _sums(each: ir.Table, **more: ir.Value) -> dict[str, float]:
    """What `credibility` takes of customers with n observations of weight w, mean `rate` and `within`."""
    found = each.agg(
        customers=each.count(),
        n=each.n.sum(),
        w=each.w.sum(),
        w2=(each.w * each.w).sum(),
        weighed=(each.w * each.rate).sum(),
        squares=(each.w * each.rate * each.rate).sum(),
        within=each.within.sum(),
        **more,
    )
    return {str(name): float(value or 0) for name, value in collect(found).iloc[0].items()}


def _balanced(each: ir.Table, sums: dict[str, float], own: Credibility) -> float:
    """The mean that keeps the sum of what was earned."""
    if not own.k:
        return sums["earned"] / sums["w"]
    z = each.w / (each.w + own.k)
    both = collect(each.agg(z=z.sum(), rate=(z * each.earned / each.w).sum())).iloc[0]
    return float(both["rate"] / both["z"])
