"""Fitted: the models of purchases and margins of a run, kept beside its marts, so that no report fits them again.

What was found is JSON; the histories it was found on are Parquet.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from crm_lib import btyd
from crm_lib.analysis.lifetime import Choice
from crm_lib.analysis.margins import Margins, Rates, Spend
from crm_lib.btyd.credibility import Credibility
from crm_lib.btyd.estimation import Estimate
from crm_lib.btyd.gamma_gamma import GammaGamma
from crm_lib.btyd.histories import Array, Histories
from crm_lib.btyd.holdout import Holdout
from crm_lib.btyd.parameters import Parametric
from crm_lib.btyd.tournament import COLUMNS, Verdict

_FOUND, _MARGINS = "choice.json", "margins.json"
_SEEN, _HELD = "histories.parquet", "held_histories.parquet"
_HISTORY = ("x", "t_x", "T", "weight")


def save(choice: Choice, folder: Path) -> None:
    """Write a choice into `folder`."""
    if choice.seen is not None:
        _write(folder / _SEEN, choice.seen)
    if choice.held is not None:
        _write(folder / _HELD, choice.held.seen, actual=choice.held.actual)
    found = {
        "split": choice.split and choice.split.isoformat(),
        "as_of": choice.as_of.isoformat(),
        "horizon": choice.held and choice.held.horizon,
        "verdict": choice.verdict and _of_verdict(choice.verdict),
        "fitted": choice.fitted and _of_model(choice.fitted),
        "refusal": choice.refusal,
        "excluded": choice.excluded,
        "first_seen": choice.first_seen,
    }
    (folder / _FOUND).write_text(json.dumps(found, indent=1))


def read(folder: Path) -> Choice:
    """The choice that `save` wrote into `folder`, equal to the last digit."""
    found = json.loads((folder / _FOUND).read_text())
    seen = held = None
    if (folder / _SEEN).is_file():
        seen, _ = _histories(folder / _SEEN)
    if (folder / _HELD).is_file():
        before, more = _histories(folder / _HELD)
        held = Holdout(before, more["actual"], found["horizon"])
    return Choice(
        seen=seen,
        split=date.fromisoformat(found["split"]) if found["split"] else None,
        as_of=date.fromisoformat(found["as_of"]),
        held=held,
        verdict=_verdict(found["verdict"]) if found["verdict"] else None,
        fitted=_model(found["fitted"]) if found["fitted"] else None,
        refusal=found["refusal"],
        excluded=found["excluded"],
        first_seen=found["first_seen"],
    )


def save_margins(margins: Margins, folder: Path) -> None:
    """Write what was found of margins into `folder`; the tables they are of are not in it."""
    spend, rates = margins.spend, margins.rates
    model = spend.model and {**_of_estimate(spend.model), "excluded": dict(spend.model.excluded_)}
    found = {
        "spend": {**vars(spend), "model": model, "own": asdict(spend.own)},
        "rates": asdict(rates),
    }
    (folder / _MARGINS).write_text(json.dumps(found, indent=1))


def read_margins(folder: Path, each: ir.Table) -> Margins:
    """What `save_margins` wrote into `folder`, equal to the last digit; `each` as `margins.of_each` takes it."""
    found = json.loads((folder / _MARGINS).read_text())
    spend, rates = (
        {**found[name], "own": Credibility(**found[name]["own"])} for name in ("spend", "rates")
    )
    if spend["model"]:
        model = GammaGamma(**spend["model"]["estimate"]["params"])
        _estimated(model, spend["model"])
        model.excluded_ = spend["model"]["excluded"]
        spend["model"] = model
    if spend["correlation"]:
        spend["correlation"] = tuple(spend["correlation"])
    return Margins(each.filter(each.first_spend.notnull()), each, Spend(**spend), Rates(**rates))


def _write(path: Path, seen: Histories, **more: Array) -> None:
    assert seen.unit == "day"
    columns = {name: getattr(seen, name) for name in _HISTORY}
    parquet.write_table(pa.table(columns | more), path)


def _histories(path: Path) -> tuple[Histories, dict[str, Array]]:
    """Histories in days, and the other columns of the file."""
    table = parquet.read_table(path)
    columns = {name: table[name].to_numpy() for name in table.column_names}
    x, t_x, T, weight = (columns.pop(name) for name in _HISTORY)
    return Histories(x, t_x, T, weight, "day"), columns


def _of_verdict(verdict: Verdict) -> dict[str, Any]:
    models = {name: _of_model(model) for name, model in verdict.models.items()}
    return {**vars(verdict), "table": verdict.table.to_dict("records"), "models": models}


def _verdict(found: dict[str, Any]) -> Verdict:
    models = {name: _model(record) for name, record in found["models"].items()}
    table = pd.DataFrame(found["table"], columns=list(COLUMNS))
    return Verdict(**{**found, "table": table, "models": models})


def _of_model(model: btyd.PurchaseModel) -> dict[str, Any]:
    return {"name": model.name, "unit": model.unit, **_of_estimate(model)}


def _model(record: dict[str, Any]) -> btyd.PurchaseModel:
    kind = btyd.MODELS[record["name"]]
    model = kind(unit=record["unit"], **record["estimate"]["params"])
    _estimated(model, record)
    return model


def _of_estimate(model: Parametric) -> dict[str, Any]:
    assert model.estimate_ is not None
    covariance = model.estimate_.covariance.tolist()
    return {
        "customers": model.customers_,
        "estimate": {**asdict(model.estimate_), "covariance": covariance},
    }


def _estimated(model: Parametric, record: dict[str, Any]) -> None:
    """Give a model back what it was fitted to and how well."""
    found = record["estimate"]
    covariance, weak = np.array(found["covariance"]), tuple(found["weak"])
    model.estimate_ = Estimate(**{**found, "covariance": covariance, "weak": weak})
    model.customers_ = record["customers"]
