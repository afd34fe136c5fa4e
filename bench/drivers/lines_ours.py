"""Measures crm_lib: facts, ledger and cohorts of order lines as the product makes them, file to file."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import ibis.expr.types as ir

from bench.drivers import common
from crm_lib import dataset as datasets
from crm_lib import engine, facts
from crm_lib import ledger as ledgers
from crm_lib.analysis import cohorts, lifetime
from crm_lib.dataset import Dataset
from crm_lib.periods import Window


class Work:
    """The job's order lines in the engine, and the folder that results go to."""

    def __init__(self, job: common.Job) -> None:
        os.environ["CRM_HOME"] = job["home"]
        self.dataset = _of_lines_alone(datasets.load(job["dataset"]))
        self.out, self.as_of = Path(job["out"]), date.fromisoformat(job["as_of"])
        self.observed = Window(date.fromisoformat(job["observed_from"]), self.as_of)
        self.backend = engine.connect(self.out)
        self.lines = facts.marked(self.backend.read_parquet(job["lines"]), self.dataset)

    def customer_facts(self) -> ir.Table:
        return facts.customers(
            self.lines, "day", as_of=self.as_of, warm_up_ends=self.observed.start
        )

    def customers(self) -> None:
        self._write(self.customer_facts(), "customers", "customer_id")

    def ledger(self) -> None:
        """The customer-months first, then the ledger made of them."""
        months = facts.customer_months(self.lines, "day")
        self._write(months, "customer_months", "customer_id", "month")
        known = self._read("customers").select("customer_id")
        months = self._read("customer_months")
        records = ledgers.Records(self.dataset, self.lines, months, known, {}, self.as_of)
        lacking = ledgers.lacking(ledgers.components(self.dataset, ledgers.counted(records)))
        self._write(ledgers.ledger(records, lacking), "ledger", "customer_id", "month")

    def cohorts(self) -> None:
        """The triangles of active customers and of revenue, from what is there already."""
        months, known = self._read("customer_months"), self._read("customers")
        measures: tuple[cohorts.Measure, ...] = ("customers", "revenue")
        for measure in measures:
            cells = cohorts.triangle(
                months,
                known,
                measure=measure,
                observed=self.observed,
                warm_up_ends=self.observed.start,
            )
            self._write(cells, f"cohorts_{measure}", "cohort", "period")

    def summary(self) -> None:
        """x, t_x, T and the mean spend of a repeat occasion; the engine leaves out the rest.

        Customers come in no order: no model asks for one.
        """
        known = lifetime.known_before(facts.occasions(self.lines, "day"), split=self.as_of)
        self._write(known.select("customer_id", "x", "t_x", "T", "mean_spend"), "summary")

    def _write(self, table: ir.Table, name: str, *order: str) -> None:
        ordered = table.order_by(*order) if order else table
        ordered.to_parquet(self.out / f"{name}.parquet")

    def _read(self, name: str) -> ir.Table:
        return self.backend.read_parquet(self.out / f"{name}.parquet")


def _of_lines_alone(dataset: Dataset) -> Dataset:
    return dataset.model_copy(update={"tables": {"lines": dataset.tables["lines"]}})


def facts_(job: common.Job) -> common.Report:
    work = Work(job)
    return common.staged({"facts": work.customers, "ledger": work.ledger, "cohorts": work.cohorts})


def summary(job: common.Job) -> common.Report:
    return common.staged({"summary": Work(job).summary})


if __name__ == "__main__":
    common.run({"facts": facts_, "summary": summary}, ["duckdb", "ibis-framework"])
