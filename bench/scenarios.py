"""What is measured: task, model, customers, libraries, repetitions and limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Task = Literal["fit", "predict", "whole"]
OURS, LIFETIMES, PYMC = "crm_lib", "lifetimes", "pymc-marketing"
LIFETIMES_WEIGHTED = "lifetimes, weighted"
ALL = (OURS, LIFETIMES, PYMC)
WEIGHTED = (OURS, LIFETIMES, LIFETIMES_WEIGHTED, PYMC)

HORIZON_WEEKS = 39.0
LIMIT_SECONDS = 300.0
"""A measurement that takes longer is stopped and reported as such."""
FULL_LIMIT_SECONDS = 1_500.0
LIMIT_BYTES = 14e9

TITLES = {"bg_nbd": "BG/NBD", "pareto_nbd": "Pareto/NBD", "gamma_gamma": "Gamma-Gamma"}
SIZES = {
    "cdnow_sample": "CDNOW sample, 2,357",
    "cdnow_full": "CDNOW, 23,570",
    "100k": "100,000",
    "1m": "1,000,000",
    "10m": "10,000,000",
}


@dataclass(frozen=True)
class Scenario:
    """One line of a table. `size` is a key of SIZES; `quick`: part of `QUICK=1` too."""

    task: Task
    model: str
    size: str
    engines: tuple[str, ...] = ALL
    quick: bool = False
    only_full: tuple[str, ...] = field(default=())
    """Engines that are measured only with `FULL=1`, because they take minutes."""

    @property
    def name(self) -> str:
        return f"{self.task}-{self.model}-{self.size}"

    @property
    def data(self) -> str:
        return self.size if self.size.startswith("cdnow") else f"{self.model}_{self.size}"


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
