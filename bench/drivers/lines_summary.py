"""Measures the summaries of lifetimes and pymc-marketing: frequency, recency, T and mean spend of lines.

One program for both: each environment has one of the two.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet

from bench.drivers import common

warnings.filterwarnings("ignore")

try:
    from lifetimes.utils import summary_data_from_transaction_data as summarise

    PACKAGE = "lifetimes"
except ImportError:
    from pymc_marketing.clv.utils import rfm_summary as summarise

    PACKAGE = "pymc-marketing"

NAMES = {"frequency": "x", "recency": "t_x", "monetary_value": "mean_spend"}


def summary(job: common.Job) -> common.Report:
    """Of the lines with a purchase, since these summaries take every row for one."""

    def work() -> None:
        columns = ["customer_id", "day", "amount"]
        table = parquet.read_table(job["lines"], columns=columns)
        table = table.set_column(2, "amount", table["amount"].cast(pa.float64()))
        frame: pd.DataFrame = table.to_pandas(date_as_object=False)
        bought = frame[frame["amount"] > 0]
        found = summarise(
            bought, "customer_id", "day", "amount", observation_period_end=job["last_day"]
        )
        named = found.reset_index() if PACKAGE == "lifetimes" else found
        named = named.rename(columns=NAMES)
        named.to_parquet(Path(job["out"]) / "summary.parquet", index=False)

    return common.staged({"summary": work})


if __name__ == "__main__":
    common.run({"summary": summary}, [PACKAGE, "pandas", "numpy"])
