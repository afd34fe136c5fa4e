"""Measures polars: facts, ledger and cohorts of order lines, lazily and streaming where it can."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from bench.drivers import common

AMOUNT, IS_BOUGHT = pl.col("amount"), pl.col("amount") > 0
SUMS = {
    "revenue": AMOUNT.sum(),
    "returns": -AMOUNT.filter(AMOUNT < 0).sum(),
    "discount": pl.col("discount").sum(),
}
MONTH = pl.col("day").dt.truncate("1mo")


class Queries:
    """The queries, each from files to a file."""

    def __init__(self, job: common.Job) -> None:
        self.out = Path(job["out"])
        self.lines = pl.scan_parquet(job["lines"])
        self.start = date.fromisoformat(job["observed_from"])
        self.last_day = date.fromisoformat(job["last_day"])

    def facts(self) -> None:
        bought = self.lines.group_by("customer_id").agg(
            pl.col("order_id").filter(IS_BOUGHT).n_unique().alias("orders"),
            pl.len().alias("lines"),
            pl.col("quantity").sum().alias("units"),
            **SUMS,
            purchases=AMOUNT.filter(IS_BOUGHT).sum(),
            cost=pl.col("cost").sum(),
        )
        facts = bought.join(self._history(), on="customer_id", how="left")
        counts = pl.col("occasions", "active_months").fill_null(0)
        facts = facts.with_columns(counts, margin=pl.col("revenue") - pl.col("cost")).with_columns(
            x=(pl.col("occasions").cast(pl.Int64) - 1).clip(lower_bound=0),
            t_x=(pl.col("last_on") - pl.col("first_on")).dt.total_days(),
            T=(pl.lit(self.last_day) - pl.col("first_on")).dt.total_days(),
            days_since_last=(pl.lit(self.last_day) - pl.col("last_on")).dt.total_days(),
            is_first_seen=(pl.col("first_on") < self.start).fill_null(False),
        )
        self._write(facts.sort("customer_id"), "customers")

    def _history(self) -> pl.LazyFrame:
        days = self.lines.filter(IS_BOUGHT).select("customer_id", "day").unique()
        gaps = pl.col("day").sort().diff().dt.total_days()
        return days.group_by("customer_id").agg(
            first_on=pl.col("day").min(),
            second_on=pl.col("day").sort().get(1, null_on_oob=True),
            last_on=pl.col("day").max(),
            occasions=pl.len(),
            median_gap_days=gaps.median(),
            last_gap_days=gaps.last(),
            active_months=MONTH.n_unique(),
        )

    def ledger(self) -> None:
        rows = self.lines.group_by("customer_id", MONTH.alias("month")).agg(
            occasions=pl.col("day").filter(IS_BOUGHT).n_unique(),
            orders=pl.col("order_id").filter(IS_BOUGHT).n_unique(),
            lines=pl.len(),
            **SUMS,
            cost_of_goods=pl.col("cost").sum(),
        )
        gross_profit = pl.col("revenue") - pl.col("cost_of_goods")
        rows = rows.with_columns(
            gross_sales=pl.col("revenue") + pl.col("returns") + pl.col("discount"),
            gross_profit=gross_profit,
            profit=gross_profit,
        )
        self._write(rows.sort("customer_id", "month"), "ledger")

    def cohorts(self) -> None:
        first = pl.scan_parquet(self.out / "customers.parquet").drop_nulls("first_on")
        first = first.select("customer_id", cohort=pl.col("first_on").dt.truncate("1mo"))
        sizes = first.group_by("cohort").agg(cohort_size=pl.len())
        months = pl.date_range(self.start, self.last_day, "1mo", eager=True).alias("month")
        grid = sizes.join(months.to_frame().lazy(), how="cross")
        grid = grid.filter(pl.col("month") >= pl.col("cohort"))
        rows = pl.scan_parquet(self.out / "ledger.parquet").join(first, on="customer_id")
        values = {"customers": (pl.col("occasions") > 0).sum(), "revenue": pl.col("revenue").sum()}
        ordinal = {name: pl.col(name).dt.year() * 12 + pl.col(name).dt.month() for name in ("month", "cohort")}  # fmt: skip
        for measure, value in values.items():
            cells = rows.group_by("cohort", "month").agg(value=value)
            cells = grid.join(cells, on=["cohort", "month"], how="left").with_columns(
                pl.col("value").fill_null(0), period=ordinal["month"] - ordinal["cohort"]
            )
            share = pl.col("value").cast(pl.Float64) / pl.col("cohort_size")
            cells = cells.with_columns(per_customer=share).sort("cohort", "period")
            self._write(cells, f"cohorts_{measure}")

    def _write(self, frame: pl.LazyFrame, name: str) -> None:
        frame.sink_parquet(self.out / f"{name}.parquet", engine="streaming")


def facts(job: common.Job) -> common.Report:
    queries = Queries(job)
    return common.staged(
        {"facts": queries.facts, "ledger": queries.ledger, "cohorts": queries.cohorts}
    )


if __name__ == "__main__":
    common.run({"facts": facts}, ["polars"])
