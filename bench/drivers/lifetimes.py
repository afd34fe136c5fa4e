"""Measures lifetimes 0.11.3, in its own environment."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd

from bench.drivers import common, customers

warnings.filterwarnings("ignore")

import lifetimes  # noqa: E402

FITTERS = {"bg_nbd": lifetimes.BetaGeoFitter, "pareto_nbd": lifetimes.ParetoNBDFitter}
SPEND_NAMES = {"v": "gamma"}
"""What lifetimes calls otherwise than the papers."""


def _fitted(model: str, frame: pd.DataFrame) -> Any:
    if model == "gamma_gamma":
        return lifetimes.GammaGammaFitter().fit(frame["x"], frame["z"])
    return FITTERS[model]().fit(frame["x"], frame["t_x"], frame["T"])


def fit(job: common.Job) -> common.Report:
    frame = customers.read(job)
    _fitted(job["model"], frame.head(customers.WARM_UP))
    base = common.memory()["now"]
    fitter, report = common.timed(lambda: _fitted(job["model"], frame))
    found = {SPEND_NAMES.get(name, name): float(v) for name, v in fitter.params_.items()}
    return report | {"params": found, "base_bytes": base}


def fit_weighted(job: common.Job) -> common.Report:
    """As `fit`, equal histories grouped by pandas into one weighted row first; that is timed too."""
    frame = customers.read(job)

    def work(rows: pd.DataFrame) -> Any:
        grouped = rows.groupby(["x", "t_x", "T"]).size().reset_index(name="weight")
        history = grouped["x"], grouped["t_x"], grouped["T"]
        return FITTERS[job["model"]]().fit(*history, weights=grouped["weight"])

    work(frame.head(customers.WARM_UP))
    base = common.memory()["now"]
    fitter, report = common.timed(lambda: work(frame))
    return report | {"params": fitter.params_.to_dict(), "base_bytes": base}


def predict(job: common.Job) -> common.Report:
    """P(alive) and expected purchases of every customer, with the law's own parameters."""
    frame = customers.read(job)
    fitter = FITTERS[job["model"]]()
    fitter.params_ = pd.Series(job["law"])
    base = common.memory()["now"]

    def work() -> tuple[Any, Any]:
        history = frame["x"], frame["t_x"], frame["T"]
        ahead = fitter.conditional_expected_number_of_purchases_up_to_time(job["horizon"], *history)
        return fitter.conditional_probability_alive(*history), ahead

    (alive, ahead), report = common.timed(work)
    return report | customers.predictions(alive, ahead) | {"base_bytes": base}


if __name__ == "__main__":
    tasks = {"fit": fit, "fit_weighted": fit_weighted, "predict": predict}
    common.run(tasks, ["lifetimes", "numpy", "scipy", "pandas"])
