"""Measures pandas: the script an analyst would write for facts, ledger and cohorts, vectorised.

Ids become categories (one factorisation for all groupings), money floats, which are rounded to cents
at the end: sums of this size stay exact to far below a cent. Tuned, the same script has pyarrow make
both while it reads, which spares pandas a Python object a decimal.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet

from bench.drivers import common

MONEY = ["amount", "discount", "cost"]
COLUMNS = ["customer_id", "order_id", "day", "quantity", *MONEY]
BY = {"observed": True, "sort": False}


class Script:
    """The tables of the script, one after the other."""

    def __init__(self, job: common.Job, read: Callable[[str], pd.DataFrame]) -> None:
        self.read = read
        self.job, self.out = job, Path(job["out"])
        self.last_day = pd.Timestamp(job["last_day"])

    def facts(self) -> None:
        lines = self.lines = self.read(self.job["lines"])
        bought = lines[lines["amount"] > 0]
        back = lines[lines["amount"] < 0]
        customers = lines.groupby("customer_id", **BY).agg(
            lines=("amount", "size"),
            units=("quantity", "sum"),
            revenue=("amount", "sum"),
            discount=("discount", "sum"),
            cost=("cost", "sum"),
        )
        orders = bought[["customer_id", "order_id"]].drop_duplicates()
        customers["orders"] = orders.groupby("customer_id", **BY).size()
        customers["purchases"] = bought.groupby("customer_id", **BY)["amount"].sum()
        customers["returns"] = -back.groupby("customer_id", **BY)["amount"].sum()
        customers["margin"] = customers["revenue"] - customers["cost"]
        customers = customers.join(self._history(bought))
        counts = ["orders", "occasions", "active_months"]
        customers[counts] = customers[counts].fillna(0).astype("int64")
        customers["x"] = (customers["occasions"] - 1).clip(lower=0)
        customers["t_x"] = (customers["last_on"] - customers["first_on"]).dt.days
        customers["T"] = (self.last_day - customers["first_on"]).dt.days
        customers["days_since_last"] = (self.last_day - customers["last_on"]).dt.days
        customers["is_first_seen"] = customers["first_on"] < self.job["observed_from"]
        money = ["revenue", "purchases", "returns", "discount", "cost", "margin"]
        customers[["purchases", "returns"]] = customers[["purchases", "returns"]].fillna(0.0)
        customers[money] = customers[money].round(2)
        self.customers = customers.sort_index()
        self._write(self.customers.reset_index(), "customers")

    def _history(self, bought: pd.DataFrame) -> pd.DataFrame:
        days = bought[["customer_id", "day"]].drop_duplicates()
        days = days.sort_values(["customer_id", "day"], ignore_index=True)
        is_same = days["customer_id"].cat.codes.diff() == 0
        days["gap_days"] = days["day"].diff().dt.days.where(is_same)
        days["month"] = days["day"].dt.year * 12 + days["day"].dt.month
        by = days.groupby("customer_id", **BY)
        history = by.agg(
            first_on=("day", "first"),
            last_on=("day", "last"),
            occasions=("day", "size"),
            median_gap_days=("gap_days", "median"),
            last_gap_days=("gap_days", "last"),
            active_months=("month", "nunique"),
        )
        second = days[by.cumcount() == 1].set_index("customer_id")["day"]
        return history.join(second.rename("second_on"))

    def ledger(self) -> None:
        lines = self.lines
        lines["month"] = lines["day"].dt.to_period("M").dt.to_timestamp()
        keys = ["customer_id", "month"]
        lines["returned"] = -lines["amount"].clip(upper=0)
        ledger = lines.groupby(keys, **BY).agg(
            lines=("amount", "size"),
            revenue=("amount", "sum"),
            returns=("returned", "sum"),
            discount=("discount", "sum"),
            cost_of_goods=("cost", "sum"),
        )
        bought = lines[lines["amount"] > 0]
        days = bought[[*keys, "day"]].drop_duplicates()
        ledger["occasions"] = days.groupby(keys, **BY).size()
        orders = bought[[*keys, "order_id"]].drop_duplicates()
        ledger["orders"] = orders.groupby(keys, **BY).size()
        counts = ["occasions", "orders"]
        ledger[counts] = ledger[counts].fillna(0).astype("int64")
        ledger["gross_sales"] = ledger["revenue"] + ledger["returns"] + ledger["discount"]
        ledger["gross_profit"] = ledger["revenue"] - ledger["cost_of_goods"]
        ledger["profit"] = ledger["gross_profit"]
        self.ledgered = ledger.round(2).sort_index().reset_index()
        self._write(self.ledgered, "ledger")

    def cohorts(self) -> None:
        first = self.customers["first_on"].dropna()
        cohort = first.dt.to_period("M").dt.to_timestamp().rename("cohort")
        sizes = cohort.value_counts().sort_index()
        rows = self.ledgered.merge(cohort, left_on="customer_id", right_index=True)
        rows["customers"] = rows["occasions"] > 0
        months = pd.date_range(self.job["observed_from"], self.last_day, freq="MS")
        for measure in ("customers", "revenue"):
            cells = rows.pivot_table(
                index="cohort", columns="month", values=measure, aggfunc="sum", fill_value=0
            )
            cells = cells.reindex(columns=months, fill_value=0).rename_axis(columns="month")
            long = cells.stack().rename("value").reset_index()
            long = long[long["month"] >= long["cohort"]]
            apart = long["month"].dt.to_period("M").astype("int64")
            long["period"] = apart - long["cohort"].dt.to_period("M").astype("int64")
            long["value"] = long["value"].astype(float).round(2)
            long["cohort_size"] = long["cohort"].map(sizes)
            long["per_customer"] = long["value"] / long["cohort_size"]
            self._write(long, f"cohorts_{measure}")

    def _write(self, frame: pd.DataFrame, name: str) -> None:
        frame.to_parquet(self.out / f"{name}.parquet", index=False)


def plainly(path: str) -> pd.DataFrame:
    lines = pd.read_parquet(path, columns=COLUMNS)
    types = {"customer_id": "category", "day": "datetime64[s]", **dict.fromkeys(MONEY, "float64")}
    return lines.astype(types)


def tuned(path: str) -> pd.DataFrame:
    table = parquet.read_table(path, columns=COLUMNS, read_dictionary=["customer_id"])
    for name in MONEY:
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].cast(pa.float64()))
    return table.to_pandas(date_as_object=False, self_destruct=True, split_blocks=True)


def _measured(job: common.Job, read: Callable[[str], pd.DataFrame]) -> common.Report:
    script = Script(job, read)
    return common.staged(
        {"facts": script.facts, "ledger": script.ledger, "cohorts": script.cohorts}
    )


if __name__ == "__main__":
    tasks = {
        "facts": lambda job: _measured(job, plainly),
        "facts_tuned": lambda job: _measured(job, tuned),
    }
    common.run(tasks, ["pandas", "pyarrow", "numpy"])
