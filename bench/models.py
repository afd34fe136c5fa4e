"""Models of `crm_lib.btyd` beside their peers: what is measured, and how one scenario is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from bench import data, process
from bench.machine import described
from bench.process import Run, Say

Task = Literal["fit", "predict", "whole"]
OURS, LIFETIMES, PYMC = "crm_lib", "lifetimes", "pymc-marketing"
LIFETIMES_WEIGHTED = "lifetimes, weighted"
ALL = (OURS, LIFETIMES, PYMC)
WEIGHTED = (OURS, LIFETIMES, LIFETIMES_WEIGHTED, PYMC)
DRIVERS = {
    OURS: ("bench.drivers.ours", process.python()),
    LIFETIMES: ("bench.drivers.lifetimes", process.python("lifetimes")),
    LIFETIMES_WEIGHTED: ("bench.drivers.lifetimes", process.python("lifetimes")),
    PYMC: ("bench.drivers.pymc", process.python("pymc")),
}

HORIZON_WEEKS = 39.0

TITLES = {"bg_nbd": "BG/NBD", "pareto_nbd": "Pareto/NBD", "gamma_gamma": "Gamma-Gamma"}
SIZES = {
    "cdnow_sample": "CDNOW sample, 2,357",
    "cdnow_full": "CDNOW, 23,570",
    "100k": "100,000",
    "1m": "1,000,000",
    "10m": "10,000,000",
}


@dataclass(frozen=True)
class Scenario(process.Scenario):
    """One line of a table. `size` is a key of SIZES."""

    task: Task
    model: str
    size: str
    engines: tuple[str, ...] = ALL

    @property
    def name(self) -> str:
        return f"{self.task}-{self.model}-{self.size}"

    @property
    def data(self) -> str:
        return self.size if self.size.startswith("cdnow") else f"{self.model}_{self.size}"

    def measure(self, *, repetitions: int, full: bool, say: Say) -> dict[str, Any]:
        """The machine, and every run of every engine, in the order they ran."""
        limit = process.FULL_LIMIT_SECONDS if full else process.LIMIT_SECONDS
        engines = [e for e in self.engines if full or e not in self.only_full]
        engines = [e for e in engines if DRIVERS[e][1].exists()]
        runs = process.in_turns(engines, repetitions, lambda e: self._once(e, limit), say)
        if self.task == "fit":
            self._judge(runs)
        return {"scenario": self.name, "machine": described(), "runs": runs}

    def _once(self, engine: str, limit: float, **more: Any) -> Run:
        module, python = DRIVERS[engine]
        job = {
            "task": "fit_weighted" if engine == LIFETIMES_WEIGHTED else self.task,
            "model": self.model,
            "data": str(data.path(self.data)),
            "law": data.LAWS[self.model],
            "estimates": {},
            "horizon": HORIZON_WEEKS,
            **more,
        }
        return process.drive(module, job, python=python, limit=limit)

    def _judge(self, runs: list[Run]) -> None:
        """Add our log-likelihood at each run's estimate, so that a wrong optimum shows."""
        found = {str(place): run["params"] for place, run in enumerate(runs) if "params" in run}
        if not found:
            return
        judged = self._once(OURS, process.LIMIT_SECONDS, task="log_likelihoods", estimates=found)
        for place, value in judged.get("log_likelihoods", {}).items():
            runs[int(place)]["log_likelihood"] = value


SCENARIOS = (
    Scenario("fit", "bg_nbd", "cdnow_sample", quick=True),
    Scenario("fit", "bg_nbd", "cdnow_full"),
    Scenario("fit", "bg_nbd", "100k", quick=True),
    Scenario("fit", "bg_nbd", "1m", engines=WEIGHTED),
    Scenario("fit", "bg_nbd", "10m", engines=WEIGHTED),
    Scenario("fit", "pareto_nbd", "cdnow_sample", quick=True),
    Scenario("fit", "pareto_nbd", "cdnow_full"),
    Scenario("fit", "pareto_nbd", "100k", only_full=(LIFETIMES,)),
    Scenario("fit", "pareto_nbd", "1m", engines=(OURS, PYMC)),
    Scenario("fit", "pareto_nbd", "10m", engines=(OURS,)),
    Scenario("fit", "gamma_gamma", "1m"),
    Scenario("predict", "bg_nbd", "1m", quick=True),
    Scenario("predict", "bg_nbd", "10m"),
    Scenario("predict", "pareto_nbd", "100k"),
    Scenario("predict", "pareto_nbd", "1m"),
    Scenario("predict", "pareto_nbd", "10m", engines=(OURS,)),
    Scenario("whole", "bg_nbd", "10m", engines=(OURS,), quick=True),
    Scenario("whole", "pareto_nbd", "10m", engines=(OURS,)),
)
