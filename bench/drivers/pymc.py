"""Measures pymc-marketing's maximum a posteriori fit under its default priors, in its own environment.

A fit compiles its model first. Cold: the first fit of the process, PyTensor's and numba's caches empty.
Warm: the second, of a new model object on the same customers.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
import pandas as pd

from bench.drivers import common, customers

warnings.filterwarnings("ignore")

import xarray as xr  # noqa: E402
from pymc_marketing import clv  # noqa: E402

logging.disable(logging.INFO)

MODELS = {
    "bg_nbd": clv.BetaGeoModel,
    "pareto_nbd": clv.ParetoNBDModel,
    "gamma_gamma": clv.GammaGammaModel,
}
NAMES = {
    "bg_nbd": ("r", "alpha", "a", "b"),
    "pareto_nbd": ("r", "alpha", "s", "beta"),
    "gamma_gamma": ("p", "q", "v"),
}
OLD_API = "data" in clv.BetaGeoModel.__init__.__code__.co_varnames
"""Before 1.0 the data were given to the model, not to `fit`."""


def _frame(job: common.Job) -> pd.DataFrame:
    called = {"x": "frequency", "t_x": "recency", "z": "monetary_value"}
    frame = customers.read(job).rename(columns=called)
    frame.insert(0, "customer_id", np.arange(len(frame)))
    return frame


def _fitted(model: str, frame: pd.DataFrame) -> Any:
    if OLD_API:
        made = MODELS[model](data=frame)
        made.fit(method="map", progressbar=False)
    else:
        made = MODELS[model]()
        made.fit(frame, method="map", progressbar=False)
    return made


def fit(job: common.Job) -> common.Report:
    frame = _frame(job)
    base = common.memory()["now"]
    _, cold = common.timed(lambda: _fitted(job["model"], frame))
    model, report = common.timed(lambda: _fitted(job["model"], frame))
    found = {name: float(model.fit_result[name].mean()) for name in NAMES[job["model"]]}
    if "v" in found:
        found["gamma"] = found.pop("v")
    return report | {"params": found, "cold_seconds": cold["seconds"], "base_bytes": base}


def predict(job: common.Job) -> common.Report:
    """P(alive) and expected purchases of every customer, with the law's own parameters."""
    frame = _frame(job)
    model = _fitted(job["model"], frame.head(customers.WARM_UP))
    point = {name: (("chain", "draw"), [[value]]) for name, value in job["law"].items()}
    law = xr.Dataset(point, coords={"chain": [0], "draw": [0]})
    model.idata["posterior"] = xr.DataTree(dataset=law)
    base = common.memory()["now"]

    def work() -> tuple[Any, Any]:
        ahead = model.expected_purchases(frame, future_t=job["horizon"])
        return model.expected_probability_alive(frame), ahead

    (alive, ahead), report = common.timed(work)
    totals = customers.predictions(alive.to_numpy().ravel(), ahead.to_numpy().ravel())
    return report | totals | {"base_bytes": base}


if __name__ == "__main__":
    shown = ["pymc-marketing", "pymc", "pytensor", "numba", "numpy", "scipy", "pandas"]
    common.run({"fit": fit, "predict": predict}, shown)
