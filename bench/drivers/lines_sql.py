"""Measures plain SQL in DuckDB, written by hand: the floor for facts, ledger and cohorts of order lines."""

from __future__ import annotations

from pathlib import Path

import duckdb

from bench.drivers import common

CUSTOMERS = """
WITH occasions AS (
  SELECT customer_id, day, sum(amount) AS revenue FROM lines
  WHERE amount > 0 AND customer_id IS NOT NULL GROUP BY ALL
), numbered AS (
  SELECT *, row_number() OVER w AS number, day - lag(day) OVER w AS gap_days FROM occasions
  WINDOW w AS (PARTITION BY customer_id ORDER BY day)
), history AS (
  SELECT customer_id, min(day) AS first_on, min(day) FILTER (number = 2) AS second_on,
    max(day) AS last_on, count(*) AS occasions, median(gap_days) AS median_gap_days,
    arg_max(gap_days, number) AS last_gap_days,
    count(DISTINCT date_trunc('month', day)) AS active_months
  FROM numbered GROUP BY customer_id
), bought AS (
  SELECT customer_id, count(DISTINCT order_id) FILTER (amount > 0) AS orders, count(*) AS lines,
    sum(quantity) AS units, sum(amount) AS revenue,
    coalesce(sum(amount) FILTER (amount > 0), 0) AS purchases,
    -coalesce(sum(amount) FILTER (amount < 0), 0) AS returns,
    sum(discount) AS discount, sum(cost) AS cost, sum(amount) - sum(cost) AS margin
  FROM lines WHERE customer_id IS NOT NULL GROUP BY customer_id
)
SELECT bought.*, first_on, second_on, last_on, coalesce(occasions, 0) AS occasions,
  median_gap_days, last_gap_days, coalesce(active_months, 0) AS active_months,
  greatest(coalesce(occasions, 0) - 1, 0) AS x, last_on - first_on AS t_x,
  DATE '{last_day}' - first_on AS "T", DATE '{last_day}' - last_on AS days_since_last,
  coalesce(first_on < DATE '{observed_from}', false) AS is_first_seen
FROM bought LEFT JOIN history USING (customer_id) ORDER BY customer_id
"""

LEDGER = """
SELECT *, revenue + returns + discount AS gross_sales, revenue - cost_of_goods AS gross_profit,
  revenue - cost_of_goods AS profit
FROM (
  SELECT customer_id, CAST(date_trunc('month', day) AS DATE) AS month,
    count(DISTINCT day) FILTER (amount > 0 AND customer_id IS NOT NULL) AS occasions,
    count(DISTINCT order_id) FILTER (amount > 0) AS orders, count(*) AS lines,
    sum(amount) AS revenue, -coalesce(sum(amount) FILTER (amount < 0), 0) AS returns,
    sum(discount) AS discount, sum(cost) AS cost_of_goods
  FROM lines GROUP BY ALL
) ORDER BY customer_id, month
"""

COHORTS = """
WITH first AS (
  SELECT customer_id, CAST(date_trunc('month', first_on) AS DATE) AS cohort
  FROM customers WHERE first_on IS NOT NULL
), sizes AS (
  SELECT cohort, count(*) AS cohort_size FROM first GROUP BY cohort
), cells AS (
  SELECT cohort, month, {value} AS value FROM ledger JOIN first USING (customer_id) GROUP BY ALL
), months AS (
  SELECT CAST(unnest(generate_series(DATE '{observed_from}', DATE '{last_day}', INTERVAL 1 MONTH))
    AS DATE) AS month
)
SELECT sizes.cohort, date_diff('month', sizes.cohort, months.month) AS period, months.month,
  coalesce(value, 0) AS value, cohort_size, coalesce(value, 0)::DOUBLE / cohort_size AS per_customer
FROM sizes JOIN months ON months.month >= sizes.cohort
LEFT JOIN cells ON cells.cohort = sizes.cohort AND cells.month = months.month
ORDER BY sizes.cohort, period
"""
VALUES = {"customers": "count(*) FILTER (occasions > 0)", "revenue": "sum(revenue)"}


def facts(job: common.Job) -> common.Report:
    out = Path(job["out"])
    connection = duckdb.connect(config={"temp_directory": str(out)})

    def see(name: str, path: str | Path) -> None:
        connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{path}')")

    def write(query: str, name: str) -> Path:
        path = out / f"{name}.parquet"
        connection.execute(f"COPY ({query.format(**job)}) TO '{path}' (FORMAT parquet)")
        return path

    def cohorts() -> None:
        for measure, value in VALUES.items():
            write(COHORTS.replace("{value}", value), f"cohorts_{measure}")

    see("lines", job["lines"])
    return common.staged(
        {
            "facts": lambda: see("customers", write(CUSTOMERS, "customers")),
            "ledger": lambda: see("ledger", write(LEDGER, "ledger")),
            "cohorts": cohorts,
        }
    )


if __name__ == "__main__":
    common.run({"facts": facts}, ["duckdb"])
