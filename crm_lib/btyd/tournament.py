"""Models of repeat purchases against rules anybody can compute, on purchases that none of them saw.

The model with the lowest mean Poisson deviance is picked, unless a rule does as well: then the
tournament refuses, because a model that a rule beats must not be used. Among models that are tied
(see `TIED`) one whose parameters the data determine goes before one with open ones, which allows
no interval. Fewer parameters are no merit: NBD has the fewest because it knows no leaving, and values
too high. The mean absolute error is shown but never decides: on sparse data "nobody buys again"
nearly wins by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import xlogy

from crm_lib.btyd.histories import Array, factor
from crm_lib.btyd.holdout import Holdout
from crm_lib.btyd.model import PurchaseModel
from crm_lib.btyd.models import MODELS
from crm_lib.errors import NoModel, UsageError

FLOOR = 1e-3
"""Predictions below are taken as this in the deviance, which is infinite for a purchase predicted as 0."""

HIATUS_SHARE = 0.25
"""Silent for more than this share of the observed window counts as gone, unless a cut-off is given."""

TIED = 1e-3
"""Models whose deviance is within this share of the lowest predict equally well.

Not the standard error of the difference: within that NBD, which knows no leaving, would often replace
a model that sees customers leave, and value them too high.
"""

COLUMNS = (
    "contestant",
    "title",
    "kind",
    "predicted",
    "mae",
    "rmse",
    "deviance",
    "bias",
    "top_decile_capture",
    "remark",
)


# --- the rules ------------------------------------------------------------------------------------


def same_rate(held: Holdout, hiatus: float | None = None) -> Array:
    """Each customer goes on as before: x purchases in T are x · horizon ÷ T ahead; 0 where T is 0."""
    x, T = held.seen.x, held.seen.T
    return np.divide(x * held.horizon, T, out=np.zeros_like(x), where=T > 0)


def hiatus_rule(held: Holdout, hiatus: float | None = None) -> Array:
    """Who has been silent for longer than `hiatus` has left; the others go on as before.

    The hiatus heuristic of Wübben & v. Wangenheim (2008), whose managers named the cut-off. Where nobody
    does (None), it is `HIATUS_SHARE` of the observed window, first day to last: with 39 weeks of CDNOW
    more than 9.75 weeks. `hiatus` is in the unit of the histories.
    """
    seen = held.seen
    if hiatus is None:
        hiatus = HIATUS_SHARE * (float(seen.T.max()) + factor("day", seen.unit))
    gone = seen.T - seen.t_x > hiatus * (1 + 1e-12)
    return np.where(gone, 0.0, same_rate(held))


def always_zero(held: Holdout, hiatus: float | None = None) -> Array:
    """Nobody buys again."""
    return np.zeros(len(held.seen))


RULES: dict[str, tuple[str, Callable[[Holdout, float | None], Array]]] = {
    "same_rate": ("Same rate as before", same_rate),
    "hiatus": ("Hiatus rule", hiatus_rule),
    "always_zero": ("Nobody buys again", always_zero),
}
"""The naive rules by name: title, and prediction by row from the holdout and the hiatus cut-off."""


# --- how well a prediction did --------------------------------------------------------------------


def deviances(actual: Array, predicted: Array) -> Array:
    """Poisson deviance by row: 2 (y ln(y/p) − y + p), with p at least `FLOOR`; 0 is perfect."""
    p = np.maximum(predicted, FLOOR)
    return 2 * (xlogy(actual, actual / p) - actual + p)


def scores(held: Holdout, predicted: Array) -> dict[str, float]:
    """How well the purchases of the holdout were predicted, over customers.

    predicted (total), mae, rmse, deviance (mean), bias (total predicted ÷ total actual − 1),
    top_decile_capture (share of all purchases made by the tenth of customers predicted best; ties
    count in part). bias and capture are NaN where nobody bought.
    """
    missed = predicted - held.actual
    bought, total = held.purchases, held.total(predicted)
    top = held.by_rank(predicted, held.actual, 10)[0]
    return {
        "predicted": total,
        "mae": held.mean(np.abs(missed)),
        "rmse": float(np.sqrt(held.mean(missed**2))),
        "deviance": held.mean(deviances(held.actual, predicted)),
        "bias": total / bought - 1 if bought else np.nan,
        "top_decile_capture": float(top) / bought if bought else np.nan,
    }


# --- the tournament -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """Who predicted best.

    `winner`: name of the model to be used (lowest deviance, or tied with it), empty if none could be
    fitted; `best_rule`: the best rule's. `lead`: deviance of the best rule − that of the winner, a
    customer, and `lead_error` its standard error over customers (NaN without a winner): a lead of less
    than two errors may be chance. `refused`: no model may be used, and `reason` says why, in a
    sentence; else it says why the winner may. `table`: one row a contestant, `COLUMNS`, lowest deviance
    first but for the winner, who goes before models that are tied with it; contestants that could not
    be judged come last, with the reason as remark. `models`: those fitted to the calibration histories.
    """

    winner: str
    best_rule: str
    lead: float
    lead_error: float
    refused: bool
    reason: str
    table: pd.DataFrame
    models: Mapping[str, PurchaseModel]

    @property
    def model(self) -> PurchaseModel:
        """The winner, fitted to the calibration histories. Raises NoModel where the tournament refused."""
        if self.refused:
            raise NoModel(self.reason)
        return self.models[self.winner]


def tournament(
    held: Holdout,
    *,
    models: Mapping[str, type[PurchaseModel]] = MODELS,
    hiatus: float | None = None,
) -> Verdict:
    """Fit `models` to the histories, and judge them and the rules by the purchases that followed.

    `hiatus`: cut-off of the hiatus rule in the unit of the histories, see `hiatus_rule`. A model that
    cannot be fitted, or whose predictions are not finite, is listed with its reason.
    """
    if hiatus is not None and not (np.isfinite(hiatus) and hiatus >= 0):
        raise UsageError(f"The cut-off of the hiatus rule is 0 or more {held.unit}s, not {hiatus}.")
    fitted, predicted, remarks = _fitted(held, models)
    predicted |= {name: rule(held, hiatus) for name, (_, rule) in RULES.items()}
    titles = {name: model.title for name, model in models.items()}
    titles |= {name: title for name, (title, _) in RULES.items()}
    rows = [
        {
            "contestant": name,
            "title": titles[name],
            "kind": "rule" if name in RULES else "model",
            **(scores(held, predicted[name]) if name in predicted else {}),
            "remark": remarks.get(name, ""),
        }
        for name in titles
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values(
        "deviance", kind="stable", ignore_index=True
    )
    return _verdict(held, _winner_first(table, fitted), predicted, fitted)


def _winner_first(table: pd.DataFrame, fitted: Mapping[str, PurchaseModel]) -> pd.DataFrame:
    """The table with the model to be used put before those that it is tied with, by `TIED`.

    A model that a rule beats is never put before one that beats the rule.
    """
    models, rules = (table[table["kind"] == kind] for kind in ("model", "rule"))
    tied = models["deviance"] <= models["deviance"].min() * (1 + TIED)
    near = models.index[tied & (models["deviance"] < rules["deviance"].min())]
    if len(near) < 2:
        return table
    # What beats every rule stands above them, so the winner goes to the top.
    winner = min(near, key=lambda row: (_is_open(fitted[table.at[row, "contestant"]]), row))
    return table.loc[[winner, *table.index.drop(winner)]].reset_index(drop=True)


def _is_open(model: PurchaseModel) -> bool:
    """Whether the data leave a parameter of the model undetermined."""
    return bool(model.estimate_ and model.estimate_.weak)


def _fitted(
    held: Holdout, models: Mapping[str, type[PurchaseModel]]
) -> tuple[dict[str, PurchaseModel], dict[str, Array], dict[str, str]]:
    """Models that could be fitted, their predictions by row, and a remark on each that needs one."""
    fitted: dict[str, PurchaseModel] = {}
    predicted: dict[str, Array] = {}
    remarks: dict[str, str] = {}
    for name, kind in models.items():
        try:
            model = kind.fit(held.seen)
        except NoModel as error:
            remarks[name] = str(error)
            continue
        expected = model.expected_purchases(held.seen, horizon=held.horizon, unit=held.unit)
        if not np.isfinite(expected).all():
            lost = int(held.total((~np.isfinite(expected)).astype(float)))
            remarks[name] = f"No finite prediction for {lost:,} customers."
            continue
        fitted[name], predicted[name] = model, expected
        if model.estimate_ is not None and model.estimate_.weak:
            remarks[name] = f"The data do not determine {', '.join(model.estimate_.weak)}."
    return fitted, predicted, remarks


def _verdict(
    held: Holdout,
    table: pd.DataFrame,
    predicted: Mapping[str, Array],
    fitted: Mapping[str, PurchaseModel],
) -> Verdict:
    judged = table[table["deviance"].notna()].set_index("contestant")
    ranked = judged[judged["kind"] == "model"]
    rule = str(judged[judged["kind"] == "rule"].index[0])
    if not len(ranked):
        remarks = table.loc[table["kind"] == "model", "remark"]
        reason = "No model could be fitted. " + " ".join(dict.fromkeys(remarks))
        return Verdict("", rule, np.nan, np.nan, True, reason.strip(), table, fitted)
    winner = str(ranked.index[0])
    lead, error = _lead(held, predicted[winner], predicted[rule])
    refused = not held.purchases or lead <= 0
    reason = _reason(held, judged, winner, rule, refused)
    return Verdict(winner, rule, lead, error, refused, reason, table, fitted)


def _lead(held: Holdout, model: Array, rule: Array) -> tuple[float, float]:
    """By how much the deviance of the rule exceeds that of the model, a customer; its standard error."""
    each = deviances(held.actual, rule) - deviances(held.actual, model)
    mean = held.mean(each)
    return mean, float(np.sqrt(held.mean((each - mean) ** 2) / held.customers))


def _reason(held: Holdout, judged: pd.DataFrame, winner: str, rule: str, refused: bool) -> str:
    best, naive = judged.loc[winner], judged.loc[rule]
    over = f"over {held.customers:,.0f} customers and {held.horizon:g} {held.unit}s not seen"
    if not held.purchases:
        return f"Nobody bought in the held-out period, {over}, so no model can be judged: use none."
    if refused:
        return (
            f"Do not use a model here: the rule '{naive['title']}' predicts as well or better, {over} "
            f"(deviance {naive['deviance']:.3g} against {best['deviance']:.3g} of {best['title']})."
        )
    is_best = best["deviance"] <= judged.loc[judged["kind"] == "model", "deviance"].min()
    return (
        f"{best['title']} predicts {'best' if is_best else 'as well as any model'} {over} (deviance {best['deviance']:.3g} against "
        f"{naive['deviance']:.3g} of the rule '{naive['title']}')."
    )
