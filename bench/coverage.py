"""Do 95 % intervals hold the truth in 95 % of cases? `python -m bench.coverage` asks 1,000 times.

Customers are simulated from known parameters, the model is fitted to them, and both kinds of interval
are asked whether the truth is inside: Wald (on the logarithm of a parameter) and importance sampling,
the latter also for something that follows from all parameters. Every simulation has its own fixed
seed. A share within three binomial standard errors of 95 % is as good as 1,000 simulations can tell.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from crm_lib.btyd import MODELS
from crm_lib.btyd.contractual import BetaDiscreteWeibull, ContractModel, ShiftedBetaGeometric
from crm_lib.btyd.intervals import draws, models, wald_interval
from crm_lib.btyd.model import PurchaseModel
from crm_lib.btyd.retention import Retention
from crm_lib.btyd.simulation import simulate
from crm_lib.errors import NoModel

RESULTS = Path(__file__).parent / "results"
LEVEL = 0.95
DRAWS, POSSIBLE = 1000, 400


@dataclass(frozen=True)
class Study:
    """What is simulated: a truth, how many customers, and a quantity that follows from parameters."""

    truth: PurchaseModel | ContractModel
    customers: int
    simulated: Callable[[PurchaseModel | ContractModel, int, int], Any]
    quantity_name: str
    quantity: Callable[[Any], float]


@dataclass(frozen=True)
class Row:
    """Of `simulations` in which the model could be fitted, in `covered` the truth was inside."""

    model: str
    customers: int
    kind: str
    quantity: str
    simulations: int
    covered: int
    refused: int

    @property
    def share(self) -> float:
        return self.covered / self.simulations

    @property
    def is_good(self) -> bool:
        """Within three binomial standard errors of the level."""
        return abs(self.share - LEVEL) <= 3 * np.sqrt(LEVEL * (1 - LEVEL) / self.simulations)


def purchase_histories(truth: Any, customers: int, seed: int) -> Any:
    """Customers of CDNOW's kind: first purchases spread over 12 weeks, observed for two years."""
    days = np.random.default_rng(seed).integers(92 * 7, 104 * 7, customers)
    return simulate(truth, days, unit="day", seed=seed + 1)


def staggered_cohorts(truth: Any, customers: int, seed: int) -> Retention:
    """Ten cohorts, one a year, the oldest with ten renewals behind it."""
    rng, size = np.random.default_rng(seed), customers // 10
    chances = [*truth.probabilities(range(1, 11)), truth.survival(10)[0]]
    cohorts = {}
    for renewals in range(1, 11):
        left = rng.multinomial(size, chances)[:renewals]
        cohorts[10 - renewals] = size - np.cumsum([0, *left])
    return Retention.of(cohorts, unit="year")


def _silent(model: PurchaseModel) -> float:
    return float(model.probabilities([0], 52.0, unit="week")[0])


def _lifetime(model: ContractModel) -> float:
    return float(model.expected_residual_lifetime(1, discount_rate=0.1)[0])


def _purchases(name: str, customers: int, **params: float) -> Study:
    truth = MODELS[name](unit="week", **params)
    return Study(truth, customers, purchase_histories, "P(X(52 weeks) = 0)", _silent)


def _contracts(truth: ContractModel, customers: int) -> Study:
    return Study(truth, customers, staggered_cohorts, "DERL at 10 %", _lifetime)


def studies() -> dict[str, Study]:
    """The studies by name of the model; truths near the published fits."""
    return {
        "nbd": _purchases("nbd", 1000, r=0.385, alpha=12.07),
        "bg_nbd": _purchases("bg_nbd", 2000, r=0.243, alpha=4.414, a=0.793, b=2.426),
        "mbg_nbd": _purchases("mbg_nbd", 2000, r=0.525, alpha=6.183, a=0.891, b=1.614),
        "pareto_nbd": _purchases("pareto_nbd", 2000, r=0.553, alpha=10.58, s=0.606, beta=11.67),
        "sbg": _contracts(ShiftedBetaGeometric(unit="year", alpha=0.668, beta=3.806), 5000),
        "bdw": _contracts(
            BetaDiscreteWeibull(unit="year", gamma=0.214, delta=1.427, c=1.724), 20000
        ),
    }


def run(n: int = 1000, only: Iterable[str] | None = None, processes: int = 1) -> list[Row]:
    """One row a model, kind of interval and quantity, from `n` simulations each.

    The same `n` gives the same rows, whatever the number of processes.
    """
    chosen = list(only) if only is not None else list(studies())
    rows = []
    for name in chosen:
        once = partial(_once, name)
        if processes > 1:
            with ProcessPoolExecutor(processes) as pool:
                found = list(pool.map(once, range(n), chunksize=10))
        else:
            found = [once(seed) for seed in range(n)]
        rows += _rows(name, found)
    return rows


def _once(name: str, number: int) -> dict[tuple[str, str], bool] | None:
    """One simulation: is the truth inside, by kind of interval and quantity; None if refused."""
    study = studies()[name]
    truth = study.truth
    data = study.simulated(truth, study.customers, 1_000_003 * (number + 1))
    try:
        model = type(truth).fit(data)
        drawn = draws(model, data, seed=number, n=DRAWS)
        wald = wald_interval(model, level=LEVEL)
    except NoModel:
        return None
    inside = {}
    for kind, interval in (("Wald", wald), ("importance", drawn.interval(LEVEL))):
        for parameter, value in truth.params_.items():
            low, high = interval.loc[parameter, ["low", "high"]]
            inside[kind, parameter] = bool(low <= value <= high)
    values = [study.quantity(one) for one in models(model, drawn, n=POSSIBLE, seed=number)]
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    inside["importance", study.quantity_name] = bool(low <= study.quantity(truth) <= high)
    return inside


def _rows(name: str, found: list[dict[tuple[str, str], bool] | None]) -> list[Row]:
    study = studies()[name]
    fitted = [inside for inside in found if inside is not None]
    covered: Counter[tuple[str, str]] = Counter()
    for inside in fitted:
        covered.update({key: int(hit) for key, hit in inside.items()})
    refused = len(found) - len(fitted)
    return [
        Row(study.truth.title, study.customers, kind, quantity, len(fitted), hits, refused)
        for (kind, quantity), hits in covered.items()
    ]


def section(rows: list[Row]) -> str:
    """The rows as a section of Markdown for the benchmark's page."""
    most = max(row.simulations for row in rows)
    band = 300 * np.sqrt(LEVEL * (1 - LEVEL) / most)
    lines = [
        "## Coverage of 95 % intervals",
        "",
        f"Share of up to {most:,} simulations with fixed seeds in which the interval held the truth; "
        f"95 ± {band:.1f} % is as good as so many can tell (three binomial standard errors). Refused: "
        "fits without an interval because the simulated data left a parameter undetermined.",
        "",
        "| model | customers | quantity | Wald on the logarithm | importance sampling | refused |",
        "|---|---|---|---|---|---|",
    ]
    by_key = {(row.model, row.quantity, row.kind): row for row in rows}
    for model, quantity in dict.fromkeys((row.model, row.quantity) for row in rows):
        pair = [by_key.get((model, quantity, kind)) for kind in ("Wald", "importance")]
        row = next(r for r in pair if r)
        cells = [_cell(one) for one in pair]
        lines.append(
            f"| {model} | {row.customers:,} | {quantity} | {cells[0]} | {cells[1]} | {row.refused:,} |"
        )
    return "\n".join(lines) + "\n"


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    return f"{100 * row.share:.1f} %" + ("" if row.is_good else " (outside)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.coverage", description=__doc__)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--only", nargs="+", choices=list(studies()), help="models; all without it")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    rows = run(chosen.simulations, chosen.only, chosen.processes)
    text = section(rows)
    print(text)
    if chosen.only is None:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "coverage.md").write_text(text, encoding="utf-8")
        kept = [asdict(row) | {"share": row.share} for row in rows]
        (RESULTS / "coverage.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
