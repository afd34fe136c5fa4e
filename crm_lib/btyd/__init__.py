"""Buy till you die: how often customers buy, whether they still do, and what they will be worth.

    seen = btyd.histories(frame, unit="day")          # columns x, t_x, T (and weight)
    model = btyd.fit(seen, "pareto_nbd")
    model.params_                                     # in days, as the histories
    model.predict(seen, horizon=52, unit="week")      # p_alive, expected_purchases

    spent = btyd.spending(frame)                      # columns x, mean_spend (and weight)
    spend = btyd.GammaGamma.fit(spent)
    ahead = btyd.discounted_purchases(model, seen, horizon=3, unit="year", discount_rate_a_year=.1)
    value = spend.expected_spend(spent) * ahead       # of rows that are the same customers

Fader, Hardie & Lee (2005), Schmittlein, Morrison & Colombo (1987) and the papers named beside each
model. Everything is numpy and scipy; nothing here knows of data sets or engines.
"""

from __future__ import annotations

from crm_lib.btyd.bg_nbd import BgNbd
from crm_lib.btyd.discounting import discounted_of_new, discounted_purchases
from crm_lib.btyd.gamma_gamma import GammaGamma, spend_frequency_correlation
from crm_lib.btyd.histories import Histories, Unit, histories
from crm_lib.btyd.mbg_nbd import MbgNbd
from crm_lib.btyd.model import PurchaseModel
from crm_lib.btyd.nbd import Nbd
from crm_lib.btyd.pareto_nbd import ParetoNbd
from crm_lib.btyd.spending import Spending, spending
from crm_lib.errors import UsageError, unknown

MODELS: dict[str, type[PurchaseModel]] = {
    model.name: model for model in (BgNbd, MbgNbd, ParetoNbd, Nbd)
}
"""The models of repeat purchases by name."""


def fit(data: Histories, model: str = "pareto_nbd") -> PurchaseModel:
    """The model called `model`, fitted to `data` by maximum likelihood: see `PurchaseModel.fit`."""
    if model not in MODELS:
        raise UsageError(unknown("model", model, MODELS))
    return MODELS[model].fit(data)


__all__ = [
    "MODELS",
    "GammaGamma",
    "Histories",
    "PurchaseModel",
    "Spending",
    "Unit",
    "discounted_of_new",
    "discounted_purchases",
    "fit",
    "histories",
    "spend_frequency_correlation",
    "spending",
]
