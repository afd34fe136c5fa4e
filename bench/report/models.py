"""The page's part on the models of `crm_lib.btyd`: fits, predictions, file to file."""

from __future__ import annotations

from typing import Any

from bench import data, models
from bench.models import LIFETIMES, LIFETIMES_WEIGHTED, OURS, PYMC, SCENARIOS, Scenario
from bench.report.shapes import (
    NONE,
    Aim,
    aim,
    gigabytes,
    ratio,
    seconds,
    summary,
    table,
    times,
)
from bench.results import Results

MODELS = ("bg_nbd", "pareto_nbd", "gamma_gamma")
SAME = 0.1
"""Log-likelihoods that differ by less are of the same optimum."""

METHOD = """### Models

- Imports and reading the file are not counted.
- crm_lib and lifetimes: one untimed fit on 2,000 customers first. pymc-marketing compiles its model in every fit:
  "cold" is the first fit of a process with empty compile caches, "warm" the second, of a new
  model object on the same customers. Ratios are to the warm one.
- Everyone gets one row a customer, times in weeks. crm_lib checks and compresses equal histories to one
  weighted row within the time shown. lifetimes takes weights too, if the analyst compresses
  himself: "weighted" is lifetimes on the compressed rows, the grouping (pandas) included.
- pymc-marketing: `fit(method="map")`, default priors. It maximises the posterior, not the likelihood, so
  that its log-likelihood is somewhat lower on few customers by design. Sampling (NUTS), its default, takes
  far longer and answers more: it is not compared here.
- Log-likelihoods are all computed by crm_lib at each library's estimate: a gap above 0.1 is a different
  optimum, not a different formula. lifetimes starts its Pareto/NBD search at random, so that its time
  and its optimum differ from run to run: the range is shown, × is of the median.
- Simulated customers: {law}. They came evenly over {weeks} weeks; times on a daily grid; fixed seeds.
  CDNOW: 39 weeks, from the log in the package lifetimes.
- Predictions: P(alive) and expected purchases in {horizon:.0f} weeks for every customer, with the parameters of the law.
"""


def sections(results: Results) -> list[str]:
    found = [_fits(results, model) for model in MODELS]
    return [*found, _predictions(results), _whole(results), _costs(results)]


def method() -> str:
    laws = "; ".join(
        f"{models.TITLES[name]} " + ", ".join(f"{k} {v:g}" for k, v in law.items())
        for name, law in data.LAWS.items()
    )
    return METHOD.format(law=laws, weeks=data.LONGEST_WEEKS, horizon=models.HORIZON_WEEKS)


def _took(found: dict[str, Any], name: str = "seconds") -> str:
    """The median; the whole range where the runs ended in different optima."""
    if name not in found:
        return str(found.get("status", NONE)) if name == "seconds" else NONE
    ends = found["log_likelihoods"] or [0.0]
    if name == "seconds" and max(ends) - min(ends) > SAME:
        low, high = found["range"]
        return f"{seconds(low)} to {seconds(high)}"
    some = f" ({found['finished']} of {found['runs']} runs; one {found['failure']})"
    return seconds(found[name]) + (some if found["finished"] < found["runs"] else "")


def _of(task: str, model: str | None = None) -> list[Scenario]:
    return [s for s in SCENARIOS if s.task == task and model in (None, s.model)]


def _fits(results: Results, model: str) -> str:
    head = ["customers", OURS, LIFETIMES, "×", "weighted", "×", f"{PYMC}, warm", "×", "cold"]
    rows, gaps = [], []
    for scenario in _of("fit", model):
        result = results.get(scenario.name)
        ours, theirs, weighted, pymc = (
            summary(result, e) for e in (OURS, LIFETIMES, LIFETIMES_WEIGHTED, PYMC)
        )
        if not result:
            continue
        cells = [_took(ours), _took(theirs), times(theirs, ours), _took(weighted)]
        cells += [times(weighted, ours), _took(pymc), times(pymc, ours)]
        rows.append([models.SIZES[scenario.size], *cells, _took(pymc, "cold_seconds")])
        gaps.append([models.SIZES[scenario.size], *_gaps(ours, theirs, pymc)])
    if not rows:
        return ""
    head_gaps = ["customers", f"log-likelihood, {OURS}", LIFETIMES, PYMC, f"parameters, {OURS}"]
    return (
        f"## {models.TITLES[model]}: fit\n\n{table(head, rows)}\n\n"
        f"× is how many times as long as {OURS}. Log-likelihood at the estimates, of peers as difference to {OURS}'s (negative: worse):\n\n"
        f"{table(head_gaps, gaps)}\n"
    )


def _gaps(*found: dict[str, Any]) -> list[str]:
    ours, *peers = found
    if "log_likelihood" not in ours:
        return [NONE] * 4
    best = ours["log_likelihood"]
    cells = [f"{best:,.2f}"]
    cells += [_gap(best, peer.get("log_likelihoods", [])) for peer in peers]
    params = ", ".join(f"{name} {value:.4g}" for name, value in ours["params"].items())
    return [*cells, params]


def _gap(best: float, theirs: list[float]) -> str:
    """The difference of a peer's log-likelihood to ours; of the worst and best run where they differ."""
    if not theirs:
        return NONE
    # Adding 0 to a rounded −0 makes it 0.
    worst, closest = (f"{round(v - best, 2) + 0.0:,.2f}" for v in (min(theirs), max(theirs)))
    return worst if worst == closest else f"{worst} to {closest}"


def _predictions(results: Results) -> str:
    head = ["customers", OURS, LIFETIMES, "×", PYMC, "×", "no number: crm_lib / lifetimes / pymc"]
    rows = []
    for scenario in _of("predict"):
        if scenario.name not in results:
            continue
        found = [summary(results[scenario.name], e) for e in (OURS, LIFETIMES, PYMC)]
        ours, theirs, pymc = found
        label = f"{models.TITLES[scenario.model]}, {models.SIZES[scenario.size]}"
        cells = [_took(ours), _took(theirs), times(theirs, ours), _took(pymc), times(pymc, ours)]
        bad = " / ".join(f"{f['not_a_number']:,}" if "not_a_number" in f else NONE for f in found)
        rows.append([label, *cells, bad])
    return f"## Predict: P(alive) and expected purchases\n\n{table(head, rows)}\n" if rows else ""


def _whole(results: Results) -> str:
    rows, names = [], []
    for scenario in _of("whole"):
        found = summary(results.get(scenario.name), OURS)
        if "stages" not in found:
            continue
        names = list(found["stages"])
        rows.append(
            [
                f"{models.TITLES[scenario.model]}, {models.SIZES[scenario.size]}",
                f"{found['rows']:,}",
                *(seconds(value) for value in found["stages"].values()),
                seconds(found["seconds"]),
                gigabytes(found["peak_bytes"]),
            ]
        )
    if not rows:
        return ""
    head = ["customers", "distinct histories", *names, "all", "peak memory"]
    return (
        "## From a file of 10 M customers to a file of their predictions\n\n"
        "DuckDB groups equal histories of a Parquet file and hands them over, the engine fits and predicts,\n"
        "DuckDB joins the predictions to the customers and writes them as Parquet (crm_lib only).\n\n"
        f"{table(head, rows)}\n"
    )


def _costs(results: Results) -> str:
    """Processor time and peak memory of the large ones."""
    rows = []
    for scenario in [*_of("fit"), *_of("predict")]:
        if scenario.size not in ("1m", "10m") or scenario.name not in results:
            continue
        found = [summary(results[scenario.name], e) for e in (OURS, LIFETIMES, PYMC)]
        busy = [_took(f, "processor_seconds") for f in found]
        peaks = [gigabytes(f["peak_bytes"]) if "peak_bytes" in f else NONE for f in found]
        label = f"{models.TITLES[scenario.model]}, {scenario.task}"
        rows.append([f"{label}, {models.SIZES[scenario.size]}", *busy, *peaks])
    if not rows:
        return ""
    head = ["", *(f"{e}, {w}" for w in ("processor", "memory") for e in (OURS, LIFETIMES, PYMC))]
    return (
        "## Processor time and peak memory\n\n"
        "Time on the processors, all threads added up, tells little of what else the machine does.\n\n"
        f"{table(head, rows)}\n"
    )


def aims(results: Results) -> list[Aim]:
    """What we set out to reach, and whether these results do."""
    rows = []
    for model, size, peer, wanted in (
        ("bg_nbd", "1m", LIFETIMES, 10),
        ("bg_nbd", "1m", PYMC, 10),
        ("pareto_nbd", "1m", PYMC, 20),
    ):
        result = results.get(f"fit-{model}-{size}")
        times_ours = ratio(summary(result, peer), summary(result, OURS))
        what = f"{models.TITLES[model]} fit, 1 M customers: at least {wanted}× {peer}"
        reached = None if times_ours is None else times_ours >= wanted
        rows.append(aim(what, f"{times_ours or 0:.1f}×", reached))
    for scenario in _of("whole"):
        found = summary(results.get(scenario.name), OURS)
        title = models.TITLES[scenario.model]
        what = f"{title}, 10 M customers, file to file: under 30 s and 4 GB"
        if "seconds" not in found:
            rows.append(aim(what, NONE, None))
            continue
        value = f"{found['seconds']:.1f} s, {gigabytes(found['peak_bytes'])}"
        rows.append(aim(what, value, found["seconds"] < 30 and found["peak_bytes"] < 4e9))
    gaps = [_ahead(results.get(scenario.name)) for scenario in _of("fit")]
    known = [gap for gap in gaps if gap is not None]
    what = "log-likelihood of every fit at least that of every peer; the worst of a peer"
    reached = all_right(results) if known else None
    return [*rows, aim(what, f"{min(known, default=0.0):,.2f}", reached)]


def _ahead(result: dict[str, Any] | None) -> float | None:
    """The lowest log-likelihood of a peer's run, as difference to ours; None without both."""
    ours = summary(result, OURS).get("log_likelihoods")
    peers = [summary(result, e).get("log_likelihoods", []) for e in (LIFETIMES, PYMC)]
    found = [value for values in peers for value in values]
    return min(found) - ours[-1] if ours and found else None


def all_right(results: Results) -> bool:
    """Whether no peer found a better optimum than ours in any fit."""
    for scenario in _of("fit"):
        result = results.get(scenario.name)
        ours = summary(result, OURS).get("log_likelihoods", [])
        for engine in (LIFETIMES, LIFETIMES_WEIGHTED, PYMC):
            theirs = summary(result, engine).get("log_likelihoods", [])
            if ours and theirs and max(theirs) > min(ours) + SAME:
                return False
    return True
