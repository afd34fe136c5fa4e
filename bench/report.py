"""The benchmark's page: README.md, written from the results alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from bench import data, scenarios
from bench.scenarios import LIFETIMES, LIFETIMES_WEIGHTED, OURS, PYMC, SCENARIOS, Scenario

Results = dict[str, dict[str, Any]]
MODELS = ("bg_nbd", "pareto_nbd", "gamma_gamma")
NONE = "–"
SAME = 0.1
"""Log-likelihoods that differ by less are of the same optimum."""

INTRODUCTION = """# How fast, how right: `crm_lib.btyd` beside its peers

Written by `make bench` from the files in `results/`; do not edit it by hand. `make bench` takes up to
20 minutes, `make bench QUICK=1` under 3 (a smaller set, printed and not kept),
`make bench FULL=1` about 40 (limits of 25 minutes instead of 5, and fits of a peer that take minutes).
"""

METHOD = """## Method

- Each measurement runs in a fresh process, in an environment that has only that library. Libraries take
  turns (crm_lib, peer, crm_lib, peer …), up to three times; the tables show medians. A process
  that takes over a minute is not repeated. Imports and reading the file are not counted.
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
- Peak memory is of the whole process: libraries, customers and work.
"""


def page(results: Results, coverage: str = "") -> str:
    """The whole README. `coverage`: the section on intervals, if it has been studied."""
    laws = "; ".join(
        f"{scenarios.TITLES[name]} " + ", ".join(f"{k} {v:g}" for k, v in law.items())
        for name, law in data.LAWS.items()
    )
    method = METHOD.format(law=laws, weeks=data.LONGEST_WEEKS, horizon=scenarios.HORIZON_WEEKS)
    parts = [INTRODUCTION, _targets(results), *(_fits(results, model) for model in MODELS)]
    parts += [_predictions(results), _whole(results), _costs(results), coverage, method]
    parts.append(_machine(results))
    return "\n".join(part.rstrip() + "\n" for part in parts if part)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column left, numbers right."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def seconds(value: float) -> str:
    """66 ms, 3.62 s, 102 s."""
    if value < 0.9995:
        return f"{value * 1e3:.0f} ms"
    return f"{value:.2f} s" if value < 9.995 else f"{value:.0f} s"


def summary(result: dict[str, Any] | None, engine: str) -> dict[str, Any]:
    """Medians of the engine's finished runs; `status` of a run that did not finish; {} if none.

    `log_likelihoods` are of all finished runs: lifetimes starts some searches at random.
    """
    runs = [run for run in (result or {}).get("runs", []) if run["engine"] == engine]
    done = [run for run in runs if run["status"] == "done"]
    if not done:
        return {"status": runs[-1]["status"]} if runs else {}
    found: dict[str, Any] = dict(done[-1])
    for name in ("seconds", "cold_seconds", "processor_seconds", "peak_bytes"):
        if name in found:
            found[name] = median(run[name] for run in done)
    found["range"] = [pick(run["seconds"] for run in done) for pick in (min, max)]
    found["log_likelihoods"] = [r["log_likelihood"] for r in done if "log_likelihood" in r]
    return found | {"finished": len(done), "runs": len(runs), "failure": runs[-1]["status"]}


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


def ratio(found: dict[str, Any], ours: dict[str, Any]) -> float | None:
    """How many times as long as ours, where both finished."""
    return found["seconds"] / ours["seconds"] if "seconds" in found and "seconds" in ours else None


def _times(found: dict[str, Any], ours: dict[str, Any]) -> str:
    value = ratio(found, ours)
    if value is None:
        return NONE
    return f"{value:.1f}×" if value < 9.95 else f"{value:,.0f}×"


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
        cells = [_took(ours), _took(theirs), _times(theirs, ours), _took(weighted)]
        cells += [_times(weighted, ours), _took(pymc), _times(pymc, ours)]
        rows.append([scenarios.SIZES[scenario.size], *cells, _took(pymc, "cold_seconds")])
        gaps.append([scenarios.SIZES[scenario.size], *_gaps(ours, theirs, pymc)])
    if not rows:
        return ""
    head_gaps = ["customers", f"log-likelihood, {OURS}", LIFETIMES, PYMC, f"parameters, {OURS}"]
    return (
        f"## {scenarios.TITLES[model]}: fit\n\n{table(head, rows)}\n\n"
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
        label = f"{scenarios.TITLES[scenario.model]}, {scenarios.SIZES[scenario.size]}"
        cells = [_took(ours), _took(theirs), _times(theirs, ours), _took(pymc), _times(pymc, ours)]
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
                f"{scenarios.TITLES[scenario.model]}, {scenarios.SIZES[scenario.size]}",
                f"{found['rows']:,}",
                *(seconds(value) for value in found["stages"].values()),
                seconds(found["seconds"]),
                f"{found['peak_bytes'] / 1e9:.2f} GB",
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
        peaks = [f"{f['peak_bytes'] / 1e9:.2f} GB" if "peak_bytes" in f else NONE for f in found]
        label = f"{scenarios.TITLES[scenario.model]}, {scenario.task}"
        rows.append([f"{label}, {scenarios.SIZES[scenario.size]}", *busy, *peaks])
    if not rows:
        return ""
    head = ["", *(f"{e}, {w}" for w in ("processor", "memory") for e in (OURS, LIFETIMES, PYMC))]
    return (
        "## Processor time and peak memory\n\n"
        "Time on the processors, all threads added up, tells little of what else the machine does.\n\n"
        f"{table(head, rows)}\n"
    )


def _targets(results: Results) -> str:
    """What we set out to reach, and whether these results do."""
    rows = []

    def say(what: str, value: str, reached: bool | None) -> None:
        verdict = {True: "reached", False: "missed", None: "not measured"}[reached]
        rows.append([what, value, verdict])

    for model, size, peer, wanted in (
        ("bg_nbd", "1m", LIFETIMES, 10),
        ("bg_nbd", "1m", PYMC, 10),
        ("pareto_nbd", "1m", PYMC, 20),
    ):
        result = results.get(f"fit-{model}-{size}")
        value = ratio(summary(result, peer), summary(result, OURS))
        what = f"{scenarios.TITLES[model]} fit, 1 M customers: at least {wanted}× {peer}"
        say(
            what,
            NONE if value is None else f"{value:.1f}×",
            None if value is None else value >= wanted,
        )
    for scenario in _of("whole"):
        found = summary(results.get(scenario.name), OURS)
        what = (
            f"{scenarios.TITLES[scenario.model]}, 10 M customers, file to file: under 30 s and 4 GB"
        )
        if "seconds" not in found:
            say(what, NONE, None)
            continue
        reached = found["seconds"] < 30 and found["peak_bytes"] < 4e9
        say(what, f"{found['seconds']:.1f} s, {found['peak_bytes'] / 1e9:.2f} GB", reached)
    gaps = [_ahead(results.get(scenario.name)) for scenario in _of("fit")]
    known = [gap for gap in gaps if gap is not None]
    what = "log-likelihood of every fit at least that of every peer; the worst of a peer"
    say(what, f"{min(known, default=0.0):,.2f}", all_right(results) if known else None)
    return f"## Aims\n\n{table(['aim', 'measured', ''], rows)}\n"


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


def _machine(results: Results) -> str:
    runs = [(run, found["machine"]) for found in results.values() for run in found["runs"]]
    if not runs:
        return ""
    lines = []
    for machine in {tuple(sorted(machine.items())) for _, machine in runs}:
        told = dict(machine)
        lines.append(
            f"- {told['processor']}, {told['cores']} cores, {told['memory']}, {told['system']}"
        )
    days = sorted({run["at"][:10] for run, _ in runs})
    lines.append(f"- measured {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else ""))
    busy = [run["load"] for run, machine in runs if run.get("load", 0) > int(machine["cores"]) + 1]
    if busy:
        lines.append(
            f"- **busy**: other programs ran during {len(busy)} of {len(runs)} runs (load up to "
            f"{max(busy):.0f}): their seconds are longer than on a quiet machine and their ratios rougher; "
            "processor time is sound"
        )
    for engine in (OURS, LIFETIMES, PYMC):
        seen = {
            ", ".join(f"{name} {number}" for name, number in run["versions"].items())
            for run, _ in runs
            if run["engine"] == engine and "versions" in run
        }
        lines += [f"- {engine}: {versions}" for versions in sorted(seen)]
    return "## Machine and versions\n\n" + "\n".join(lines) + "\n"
