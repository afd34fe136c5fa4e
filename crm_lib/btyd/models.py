"""The models of repeat purchases, by name."""

from __future__ import annotations

from crm_lib.btyd.bg_nbd import BgNbd
from crm_lib.btyd.histories import Histories
from crm_lib.btyd.mbg_nbd import MbgNbd
from crm_lib.btyd.model import PurchaseModel
from crm_lib.btyd.nbd import Nbd
from crm_lib.btyd.pareto_nbd import ParetoNbd
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
