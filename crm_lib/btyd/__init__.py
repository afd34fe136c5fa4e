"""Buy till you die: how often customers buy, whether they still do, and what they will be worth.

    seen = btyd.histories(frame, unit="day")          # columns x, t_x, T (and weight)
    model = btyd.fit(seen, "pareto_nbd")
    model.params_                                     # in days, as the histories
    model.predict(seen, horizon=52, unit="week")      # p_alive, expected_purchases

    spent = btyd.spending(frame)                      # columns x, mean_spend (and weight)
    spend = btyd.GammaGamma.fit(spent)
    ahead = btyd.discounted_purchases(model, seen, horizon=3, unit="year", discount_rate_a_year=.1)
    value = spend.expected_spend(spent) * ahead       # of rows that are the same customers

Of customers under contract one sees who leaves at a renewal: shifted beta geometric (sBG) and beta
discrete Weibull (BdW) say how many stay, `btyd.fit_sbg(kept).survival([1, 2, 3])` of a `Retention`.

Fader, Hardie & Lee (2005), Schmittlein, Morrison & Colombo (1987) and the papers named beside each
model. Everything is numpy and scipy; nothing here knows of data sets or engines.
"""

from __future__ import annotations

from crm_lib.btyd.contractual import BetaDiscreteWeibull, ShiftedBetaGeometric, fit_bdw, fit_sbg
from crm_lib.btyd.discounting import discounted_of_new, discounted_purchases
from crm_lib.btyd.gamma_gamma import GammaGamma, spend_frequency_correlation
from crm_lib.btyd.histories import Histories, Unit, histories
from crm_lib.btyd.holdout import Holdout
from crm_lib.btyd.intervals import interval, parameter_interval
from crm_lib.btyd.model import PurchaseModel
from crm_lib.btyd.models import MODELS, fit
from crm_lib.btyd.retention import Retention
from crm_lib.btyd.simulation import predictive_interval, simulate
from crm_lib.btyd.spending import Spending, spending
from crm_lib.btyd.tournament import Verdict

__all__ = [
    "MODELS",
    "BetaDiscreteWeibull",
    "GammaGamma",
    "Histories",
    "Holdout",
    "PurchaseModel",
    "Retention",
    "ShiftedBetaGeometric",
    "Spending",
    "Unit",
    "Verdict",
    "discounted_of_new",
    "discounted_purchases",
    "fit",
    "fit_bdw",
    "fit_sbg",
    "histories",
    "interval",
    "parameter_interval",
    "predictive_interval",
    "simulate",
    "spend_frequency_correlation",
    "spending",
]
