"""Measures crm_lib.btyd: fit, predict, and the whole way from a file of customers to predictions."""

from __future__ import annotations

from typing import Any

import duckdb
import pandas as pd

from bench.drivers import common, customers
from crm_lib import btyd
from crm_lib.btyd.gamma_gamma import GammaGamma
from crm_lib.btyd.spending import Spending, spending


def _fitted(model: str, frame: pd.DataFrame) -> Any:
    if model == "gamma_gamma":
        return GammaGamma.fit(_spending(frame))
    return btyd.fit(btyd.histories(frame, unit="week"), model)


def _spending(frame: pd.DataFrame) -> Spending:
    return spending(frame.rename(columns={"z": "mean_spend"}))


def fit(job: common.Job) -> common.Report:
    """From one row a customer: checks and compression are timed with the search."""
    frame = customers.read(job)
    _fitted(job["model"], frame.head(customers.WARM_UP))
    base = common.memory()["now"]
    model, report = common.timed(lambda: _fitted(job["model"], frame))
    return report | {"params": model.params_, "base_bytes": base}


def predict(job: common.Job) -> common.Report:
    """P(alive) and expected purchases of every customer, with the law's own parameters."""
    frame = customers.read(job)
    model = btyd.MODELS[job["model"]](unit="week", **job["law"])
    base = common.memory()["now"]

    def work() -> pd.DataFrame:
        seen = btyd.histories(frame, unit="week")
        return model.predict(seen, horizon=job["horizon"], unit="week")

    found, report = common.timed(work)
    totals = customers.predictions(found["p_alive"], found["expected_purchases"])
    return report | totals | {"base_bytes": base}


def log_likelihoods(job: common.Job) -> common.Report:
    """Our log-likelihood at the estimates that the job brings by name in `estimates`."""
    frame = customers.read(job)
    found: dict[str, float] = {}
    for name, params in job["estimates"].items():
        if job["model"] == "gamma_gamma":
            found[name] = GammaGamma(**params).log_likelihood(_spending(frame))
        else:
            seen = btyd.histories(frame, unit="week").compressed()
            model = btyd.MODELS[job["model"]](unit="week", **params)
            found[name] = model.log_likelihood(seen)
    return {"log_likelihoods": found}


GROUPED = "select x, t_x, T, count(*) as weight from read_parquet(?) group by all"
JOINED = """copy (select customer_id, p_alive, expected_purchases
    from read_parquet('{source}') join predicted using (x, t_x, T)) to '{target}' (format parquet)"""


def whole(job: common.Job) -> common.Report:
    """DuckDB groups equal histories, the engine fits and predicts, DuckDB joins and writes the file."""
    stages: dict[str, float] = {}
    busy = 0.0
    connection = duckdb.connect(config={"memory_limit": "2GB"})
    source, target = job["data"], job["report"] + ".parquet"
    base = common.memory()["now"]

    def stage(name: str, work: Any) -> Any:
        nonlocal busy
        result, taken = common.timed(work)
        stages[name] = taken["seconds"]
        busy += taken["processor_seconds"]
        return result

    def hand_over() -> tuple[pd.DataFrame, btyd.Histories]:
        grouped = connection.execute(GROUPED, [source]).df()
        return grouped, btyd.histories(grouped, unit="day")

    def join(grouped: pd.DataFrame, found: pd.DataFrame) -> None:
        connection.register("predicted", pd.concat([grouped, found], axis=1))
        connection.execute(JOINED.format(source=source, target=target))

    grouped, seen = stage("group and hand over", hand_over)
    model = stage("fit", lambda: btyd.fit(seen, job["model"]))
    weeks = {"horizon": job["horizon"], "unit": "week"}
    found = stage("predict", lambda: model.predict(seen, **weeks))
    stage("join and write", lambda: join(grouped, found))
    written = connection.execute("select count(*) from read_parquet(?)", [target]).fetchone()
    return {
        "seconds": sum(stages.values()),
        "processor_seconds": busy,
        "stages": stages,
        "params": model.params_,
        "rows": len(grouped),
        "customers_written": written[0] if written else 0,
        "base_bytes": base,
    }


if __name__ == "__main__":
    tasks = {"fit": fit, "predict": predict, "whole": whole, "log_likelihoods": log_likelihoods}
    common.run(tasks, ["numpy", "scipy", "pandas", "duckdb"])
