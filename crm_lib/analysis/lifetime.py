"""Lifetime: which model can tell who still is a customer and how often each will buy again.

A buy-till-you-die model is fitted to what is known of every customer: x repeat occasions, t_x days
from the first to the last, T days from the first to the last observed. It is chosen on a held-out
period against rules that need no model; where a rule does as well there is no model and no value
from it, and `Choice.refusal` says why. Customers with the same history are one row, so that ten million
of them are fitted as one or two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib import baskets, btyd
from crm_lib.btyd import diagnostics
from crm_lib.btyd.holdout import Holdout
from crm_lib.btyd.holdout import holdout as checked_holdout
from crm_lib.btyd.nbd import Nbd
from crm_lib.btyd.tournament import COLUMNS, Verdict, tournament
from crm_lib.engine import collect
from crm_lib.errors import NoModel, UsageError, check_whole, unknown
from crm_lib.needs import FEWEST_CUSTOMERS, needs
from crm_lib.periods import Window

BEST = "best"
"""The model that predicts the held-out period best."""

SHORTEST_DAYS = 28
"""Neither what a model learns from nor what it is judged by is shorter than this."""
_MOST_HOLDOUT_DAYS = 365
_MOST_ROWS = 5_000_000
"""Different histories that may cross to the models: those of tens of millions of customers."""
_TRACKED = 40
_HISTORY = ("x", "t_x", "T")


@dataclass(frozen=True)
class Choice:
    """Which model the data can carry, and how that was found out.

    seen: the histories of all who bought before `as_of`. split: first day of the held-out period, None
    where the data is too short for one. held: histories before it and the purchases after. verdict:
    of the tournament. fitted: the winner, fitted to `seen`; None where refused. refusal: why no model
    may be used; empty where one may. excluded: known customers who never bought. first_seen: customers
    seen first in the warm-up, who may have bought before.
    """

    seen: btyd.Histories | None
    split: date | None
    as_of: date
    held: Holdout | None
    verdict: Verdict | None
    fitted: btyd.PurchaseModel | None
    refusal: str
    excluded: int
    first_seen: int

    @property
    def model(self) -> btyd.PurchaseModel:
        """The model fitted to everything. Raises NoModel, with the reason, where none may be used."""
        if self.fitted is None:
            raise NoModel(self.refusal)
        return self.fitted

    @property
    def calibrated(self) -> btyd.PurchaseModel:
        """The same model as fitted before the split, for a look at how it did. Raises NoModel."""
        if self.verdict is None or not self.verdict.winner:
            raise NoModel(self.refusal)
        return self.verdict.models[self.verdict.winner]

    @property
    def judged(self) -> pd.DataFrame:
        """One row a model or rule, best first: see `btyd.tournament.COLUMNS`; empty without a holdout."""
        return self.verdict.table if self.verdict else pd.DataFrame(columns=list(COLUMNS))

    @property
    def window(self) -> Window | None:
        """The held-out period; None where the data is too short for one."""
        return Window(self.split, self.as_of) if self.split else None

    @property
    def tested(self) -> Holdout:
        """The held-out period's histories and purchases. Raises NoModel where there is none."""
        if self.held is None:
            raise NoModel(self.refusal)
        return self.held

    @property
    def stays(self) -> bool:
        """Whether the model knows no leaving: everyone stays a customer for ever."""
        return isinstance(self.fitted, Nbd)

    @property
    def is_close(self) -> bool:
        """Whether the model's lead over the best rule may be chance: below two of its standard errors."""
        return self.verdict is not None and not self.verdict.lead >= 2 * self.verdict.lead_error

    @property
    def bias(self) -> float:
        """Purchases that the model expected in the held-out period ÷ those that came − 1."""
        return float(self.judged.set_index("contestant").loc[self.model.name, "bias"])

    def card(self) -> dict[str, str]:
        """How the model was made, as a reader of a report may want to know."""
        held = f"{self.window}, {self.tested.customers:,.0f} customers" if self.held else "none"
        made = {"Held back to judge models": held}
        if self.fitted is None:
            return {**made, "Model": "none"}
        values = ", ".join(f"{name} {x:.4g}" for name, x in self.fitted.params_.items())
        people = f"{self.fitted.customers_ or 0:,.0f} customers"
        return {
            **made,
            "Model": f"{self.fitted.title}, fitted to {people}; {values}; times in {self.fitted.unit}s",
            "Source of the model": self.fitted.source,
        }


# --- histories ------------------------------------------------------------------------------------


@needs(lines=())
def histories(customers: ir.Table) -> btyd.Histories:
    """The histories of all customers with a purchase, in days; equal ones are one weighted row.

    In: customer facts. Raises NoModel where nobody has bought.
    """
    bought = customers.filter(customers.first_on.notnull())
    grouped = bought.group_by(*_HISTORY).agg(weight=bought.count()).order_by(*_HISTORY)
    return btyd.histories(collect(grouped, max_rows=_MOST_ROWS), unit="day")


def split_day(observed: Window, warm_up_ends: date, holdout_days: int = 0) -> date | None:
    """The first day of the held-out period: the last `holdout_days`, by default the last third of the
    observed window and at most a year. None where what is before or after it would be too short.
    """
    check_whole("holdout_days", holdout_days, least=0)
    days = holdout_days or min(observed.days // 3, _MOST_HOLDOUT_DAYS)
    split = observed.end - timedelta(days=days)
    learnt = (split - max(observed.start, warm_up_ends)).days
    return split if min(days, learnt) >= SHORTEST_DAYS else None


@needs(lines=())
def holdout(occasions: ir.Table, *, split: date, as_of: date) -> Holdout:
    """Histories before `split`, and the occasions of the same customers from then to `as_of`.

    In: purchase occasions. Equal histories with equal purchases are one weighted row; in days.
    """
    return _compressed(known_before(occasions, split=split), split, as_of)


@needs(lines=())
def known_before(occasions: ir.Table, *, split: date) -> ir.Table:
    """What was known of customers before `split`, and what they did from then on.

    In: purchase occasions. Out: one row a customer with an occasion before: customer_id, x, t_x, T (as of
    the day before `split`), mean_spend, variance, first_spend (of the occasions before, as `margins.spending`
    has them), actual (occasions from then on), spent (on these, money).
    """
    day = ibis.literal(split)
    is_seen = occasions.on < day
    each = occasions.group_by("customer_id").agg(
        x=occasions.count(where=is_seen) - 1,
        first=occasions.on.min(),
        last=occasions.on.max(where=is_seen),
        actual=occasions.count(where=~is_seen),
        spent=occasions.revenue.sum(where=~is_seen).fill_null(0),
        **baskets.spends(occasions, where=is_seen),
    )
    each = each.filter(each["first"] < day)
    last_day = ibis.literal(split - timedelta(days=1))
    return each.select(
        "customer_id",
        "x",
        t_x=each["last"].delta(each["first"], unit="day").cast("int64"),
        T=last_day.delta(each["first"], unit="day").cast("int64"),
        **{name: name for name in ("mean_spend", "variance", "first_spend", "actual", "spent")},
    )


def _compressed(known: ir.Table, split: date, as_of: date) -> Holdout:
    keys = (*_HISTORY, "actual")
    grouped = known.group_by(*keys).agg(weight=known.count()).order_by(*keys)
    frame = collect(grouped, max_rows=2 * _MOST_ROWS)
    if frame.empty:
        raise NoModel(_too_few(split, 0))
    return checked_holdout(frame, horizon=(as_of - split).days, unit="day")


# --- which model ----------------------------------------------------------------------------------


@needs(lines=())
def choose(
    customers: ir.Table,
    occasions: ir.Table,
    *,
    observed: Window,
    warm_up_ends: date,
    model: str = BEST,
    holdout_days: int = 0,
    known: ir.Table | None = None,
) -> Choice:
    """The model that predicts a held-out period best, fitted again to everything before `observed.end`.

    In: customer facts and purchase occasions. `model`: "best" or the name of one, which then is held
    against the rules alone. `known`: `known_before` the split, where it has been made. Never raises
    NoModel: `Choice.refusal` says why there is no model.
    """
    if model != BEST and model not in btyd.MODELS:
        raise UsageError(unknown("model", model, (BEST, *btyd.MODELS)))
    contestants = btyd.MODELS if model == BEST else {model: btyd.MODELS[model]}
    split = split_day(observed, warm_up_ends, holdout_days)
    seen = held = verdict = fitted = None
    try:
        seen = histories(customers)
        if split is None:
            raise NoModel(_too_short(observed, warm_up_ends))
        known = known_before(occasions, split=split) if known is None else known
        held = _compressed(known, split, observed.end)
        if held.customers < FEWEST_CUSTOMERS:
            raise NoModel(_too_few(split, held.customers))
        verdict = tournament(held, models=contestants)
        fitted, refusal = btyd.fit(seen, verdict.winner if verdict.model else ""), ""
    except NoModel as error:
        refusal = str(error)
    return Choice(seen, split, observed.end, held, verdict, fitted, refusal, *_left_out(customers))


def _left_out(customers: ir.Table) -> tuple[int, int]:
    """How many never bought, and how many were seen first in the warm-up."""
    never, first_seen = customers.first_on.isnull(), customers.is_first_seen
    counts = collect(
        customers.agg(never=never.sum().fill_null(0), first_seen=first_seen.sum().fill_null(0))
    ).iloc[0]
    return int(counts["never"]), int(counts["first_seen"])


def _too_few(split: date, known: float) -> str:
    return (
        f"A model is judged by what customers did in a period that it had not seen: at least "
        f"{FEWEST_CUSTOMERS} have to be known before {split}, not {known:,.0f}."
    )


def _too_short(observed: Window, warm_up_ends: date) -> str:
    learnt = max(observed.start, warm_up_ends)
    return (
        f"A model has to be held against a period that it has not seen, and {observed} leaves too little: "
        f"at least {SHORTEST_DAYS} days after {learnt} to learn from, and as many to be judged by."
    )


@needs(lines=())
def sensitivity(customers: ir.Table, choice: Choice, *, horizon_months: int) -> pd.DataFrame:
    """What the customers first seen in the warm-up do to the forecast; their first purchase is unknown.

    Two rows, the model fitted to all and to those alone whose first purchase was seen: fitted_on
    ("all", "first purchase seen"), customers (fitted on), p_alive (mean) and expected_occasions (total
    within the horizon) that it gives those whose first purchase was seen, and occasions_of_new:
    expected of one new customer after the first, within the horizon. Empty without a warm-up; raises
    NoModel where too few are left, or no model may be used.
    """
    model = choice.model
    if not choice.first_seen or choice.seen is None:
        return pd.DataFrame(
            columns=["fitted_on", "customers", "p_alive", "expected_occasions", "occasions_of_new"]
        )
    new = histories(customers.filter(~customers.is_first_seen))
    if new.customers < FEWEST_CUSTOMERS:
        raise NoModel(f"The first purchase of {new.customers:,.0f} customers only was seen.")
    fits = {"all": (model, choice.seen), "first purchase seen": (type(model).fit(new), new)}
    rows = []
    for name, (fit, data) in fits.items():
        told = fit.predict(new, horizon=horizon_months, unit="month")
        rows.append(
            {
                "fitted_on": name,
                "customers": data.customers,
                "p_alive": float(new.weight @ told["p_alive"]) / new.customers,
                "expected_occasions": float(new.weight @ told["expected_purchases"]),
                "occasions_of_new": float(fit.expected_of_new(horizon_months, unit="month")[0]),
            }
        )
    return pd.DataFrame(rows)


@needs(lines=())
def tracking(choice: Choice, occasions: ir.Table) -> pd.DataFrame:
    """Repeat occasions as they came and as the calibrated model expected them, period by period.

    See `btyd.diagnostics.tracking`, with `on` in place of `end`: the last day of the period (date).
    Periods are whole weeks, at most 40 of them or a few more; an unfinished last one is left out.
    Raises NoModel.
    """
    held, model = choice.tested, choice.calibrated
    begins = choice.as_of - timedelta(days=int(held.horizon))
    reach = float(held.seen.T.max())
    step = 7 * max(1, round((reach + held.horizon) / 7 / _TRACKED))
    ends = np.arange(-int(reach // step) * step, held.horizon + 1, step)
    newcomers = occasions.filter(occasions.number == 1, occasions.on >= ibis.literal(begins))
    later = occasions.filter(occasions.number > 1).anti_join(newcomers, "customer_id")
    offset = later.on.delta(ibis.literal(begins - timedelta(days=1)), unit="day")
    later = later.mutate(end=(offset / step).ceil().cast("int64") * step)
    found = collect(later.group_by("end").agg(bought=later.count())).set_index("end")["bought"]
    actual = found.reindex(ends, fill_value=0).to_numpy(float)
    frame = diagnostics.tracking(model, held.seen, actual, ends=ends, unit="day")
    last = pd.Timestamp(begins) - pd.Timedelta(days=1)
    return frame.assign(on=last + pd.to_timedelta(frame["end"], unit="D")).drop(columns="end")


def calibration(choice: Choice) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the model expected before the split, against what came, by repeat purchases until then.

    Two frames: purchases a customer in the held-out period (`btyd.diagnostics.by_repeats`), and
    customers (`btyd.diagnostics.frequency`). Raises NoModel.
    """
    held, model = choice.tested, choice.calibrated
    expected = model.expected_purchases(held.seen, horizon=held.horizon, unit=held.unit)
    return diagnostics.by_repeats(held, expected), diagnostics.frequency(model, held.seen)


@needs(lines=())
def limits(
    choice: Choice, customers: ir.Table, *, observed: Window, horizon_months: int
) -> dict[str, Any]:
    """What a reader must know of a value that rests on `choice`, as `sentences.clv_limits` takes it.

    Raises NoModel where no model may be used.
    """
    model = choice.model
    try:
        without = sensitivity(customers, choice, horizon_months=horizon_months)
    except NoModel:
        without = None
    return {
        "title": model.title,
        "stays": choice.stays,
        "weak": model.estimate_.weak if model.estimate_ else (),
        "is_close": choice.is_close,
        "horizon_months": horizon_months,
        "observed": observed,
        "bias": choice.bias,
        "first_seen_share": choice.first_seen / (model.customers_ or 1.0),
        "sensitivity": without,
    }
