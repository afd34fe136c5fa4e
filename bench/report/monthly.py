"""The page's part on the monthly run: stages, growth, the month after, memory, ledger, lookup."""

from __future__ import annotations

import math
from decimal import Decimal
from statistics import median, quantiles
from typing import Any

from bench.monthly import FIRST, LEDGER, LOOKUP, MEMORY_4GB, SCENARIOS, SECOND, ULIMIT_4GB
from bench.report.shapes import NONE, Aim, aim, gigabytes, seconds, summary, table
from bench.results import Results

METHOD = """### The monthly run

- `crm run` on the simulated retailer, from files to published pages: 24 months with nothing in the cache;
  then, with the cache that left, the same company one month later. By then a month of order lines,
  contacts and exposures has come as new files, and customers and prospects have been sent whole again.
- Stages are those of the run's own manifest. Reports run beside each other, so their times overlap.
- Growth: b where time = a · lines^b between two neighbouring sizes; 1 is linear, below 1 better.
- Ledger: money by component over all months, summed over every customer, against what the simulator
  says it planted; exact, as decimals.
- With 4 GB: `CRM_MEMORY=2400MB` is what engines get of a machine with 4 GB, `ulimit -v` bounds what each
  process may map.
- Lookup: `lookup.customer` of random customers in one process, one after the other, from the call to the
  answer; the start of Python is not in it.
"""
TEN_MILLION = "month-retailer-10m"
STAGED = "marts: segments and stages"
"""The stage of the run that finds everyone's segment and stage; another one finds what each has earned."""


def method() -> str:
    return METHOD


def sections(results: Results) -> list[str]:
    found = _measured(results)
    if not found:
        return []
    return [_runs(found), _stages(found), _exactness(found), _limits(found), _lookups(found)]


def _measured(results: Results) -> list[dict[str, Any]]:
    return [results[s.name] for s in SCENARIOS if s.name in results]


def growth(before: dict[str, Any], after: dict[str, Any]) -> float | None:
    """The exponent of the first run's time in lines, between two sizes."""
    ours, theirs = summary(before, FIRST), summary(after, FIRST)
    if "seconds" not in ours or "seconds" not in theirs:
        return None
    return math.log(theirs["seconds"] / ours["seconds"]) / math.log(
        after["lines"] / before["lines"]
    )


def _runs(found: list[dict[str, Any]]) -> str:
    head = ["customers", "lines", FIRST, "a million lines", "growth", "peak memory", SECOND, "of the first", "its peak"]  # fmt: skip
    rows = []
    for before, result in zip([None, *found], found, strict=False):
        first, second = summary(result, FIRST), summary(result, SECOND)
        exponent = growth(before, result) if before else None
        is_done = "seconds" in first
        rows.append(
            [
                f"{result['customers']:,}",
                f"{result['lines']:,}",
                _took(first),
                seconds(first["seconds"] / result["lines"] * 1e6) if is_done else NONE,
                NONE if exponent is None else f"{exponent:.2f}",
                _peak(first),
                _took(second),
                _share(second, first),
                _peak(second),
            ]
        )
    return f"## The monthly run\n\n{table(head, rows)}\n"


def _stages(found: list[dict[str, Any]]) -> str:
    runs = {
        f"{result['customers']:,}, {engine}": summary(result, engine).get("stages", {})
        for result in found
        for engine in (FIRST, SECOND)
    }
    names = list(dict.fromkeys(name for stages in runs.values() for name in stages))
    rows = [
        [name, *(seconds(run[name]) if name in run else NONE for run in runs.values())]
        for name in names
    ]
    return f"Stages, by customers and run:\n\n{table(['stage', *runs], rows)}\n"


def totals_differ(result: dict[str, Any]) -> Decimal | None:
    """By how much ledger and truth differ, all components added up; None where not measured."""
    totals = summary(result, LEDGER).get("totals")
    if not totals:
        return None
    apart = (abs(Decimal(t["ledger"]) - Decimal(t["truth"])) for t in totals.values())
    return sum(apart, Decimal(0))


def _exactness(found: list[dict[str, Any]]) -> str:
    rows = []
    for result in found:
        totals = summary(result, LEDGER).get("totals", {})
        apart = totals_differ(result)
        if apart is None:
            continue
        revenue = totals["revenue"]
        sides = [f"{Decimal(revenue[side]):,}" for side in ("truth", "ledger")]
        rows.append([f"{result['customers']:,}", *sides, ", ".join(totals), f"{apart:,}"])
    head = ["customers", "revenue, truth", "revenue, ledger", "compared", "difference"]
    return f"Ledger and truth, {SECOND}:\n\n{table(head, rows)}\n" if rows else ""


def _limits(found: list[dict[str, Any]]) -> str:
    rows = []
    for result in found:
        for engine in (MEMORY_4GB, ULIMIT_4GB):
            if run := summary(result, engine):
                label = f"{result['customers']:,}"
                rows.append([label, engine, _took(run), _share(run, summary(result, FIRST)), _peak(run)])  # fmt: skip
    head = ["customers", "limit", "time or refusal", "of the run without", "peak memory"]
    return f"With 4 GB:\n\n{table(head, rows)}\n" if rows else ""


def percentile_99(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98]


def _lookups(found: list[dict[str, Any]]) -> str:
    rows = []
    for result in found:
        run = summary(result, LOOKUP)
        if "milliseconds" in run:
            values = run["milliseconds"]
            shown = [run["first_milliseconds"], median(values), percentile_99(values), max(values)]
            cells = [f"{value:.1f} ms" for value in shown]
            rows.append([f"{result['customers']:,}", f"{len(values):,}", *cells])
    head = ["customers", "lookups", "first", "median", "99th percentile", "longest"]
    return f"`crm lookup`, time of the query:\n\n{table(head, rows)}\n" if rows else ""


def aims(results: Results) -> list[Aim]:
    ten = results.get(TEN_MILLION, {})
    first, second = summary(ten, FIRST), summary(ten, SECOND)
    is_done = "seconds" in first
    what = "monthly run, 10 M customers, 24 months: under 6 minutes and 6 GB, all processes"
    value = f"{_took(first)}, {_peak(first)}"
    reached = first["seconds"] < 360 and first["peak_bytes"] < 6e9 if is_done else None
    apart = totals_differ(ten)
    return [
        aim(what, value, reached if first else None),
        *_aims_of_months(first, second),
        _aim_of_growth(results),
        aim("ledger at 10 M customers equals the truth to the cent; difference", f"{apart}", None if apart is None else apart == 0),
        _aim_of_lookup(ten),
    ]  # fmt: skip


def _aims_of_months(first: dict[str, Any], second: dict[str, Any]) -> list[Aim]:
    """From the files to everyone's segment and stage, and the month after: of this part and of all."""
    months = [first.get("stages", {}), second.get("stages", {})]
    parts = [stages["data"] + stages[STAGED] if STAGED in stages else None for stages in months]
    wholes = [run.get("seconds") for run in (first, second)]
    to_stages = (
        "profits of each apart, from files to validated data, facts, ledger, segments and stages"
    )
    more = "one month more, 10 M customers"
    return [
        aim(f"10 M customers, {to_stages}: under 2 minutes", seconds(parts[0] or 0), None if parts[0] is None else parts[0] < 120),
        _aim_of_a_quarter(f"{more}, {to_stages}: under a quarter of the first", *parts),
        _aim_of_a_quarter(f"{more}, the whole run: under a quarter of the first", *wholes),
    ]  # fmt: skip


def _aim_of_a_quarter(what: str, first: float | None, second: float | None) -> Aim:
    if not first or second is None:
        return aim(what, NONE, None)
    return aim(what, f"{second / first:.0%}".replace("%", " %"), second / first < 0.25)


def _aim_of_growth(results: Results) -> Aim:
    """From the smallest to the largest company that an ordinary or full bench measures."""
    found = [r for s in SCENARIOS if not s.quick and (r := results.get(s.name))]
    exponent = growth(found[0], found[-1]) if len(found) > 1 else None
    sizes = f"{found[0]['customers']:,} to {found[-1]['customers']:,}" if found else NONE
    what = f"growth of the run's time in lines, {sizes} customers: exponent at most 1"
    return aim(what, f"{exponent or 0:.2f}", None if exponent is None else exponent <= 1)


def _aim_of_lookup(ten: dict[str, Any]) -> Aim:
    values = summary(ten, LOOKUP).get("milliseconds")
    what = "`crm lookup`, 10 M customers: query under 20 ms (median; 99th percentile)"
    if not values:
        return aim(what, NONE, None)
    middle, late = median(values), percentile_99(values)
    return aim(what, f"{middle:.1f} ms; {late:.1f} ms", middle < 20)


def _took(run: dict[str, Any]) -> str:
    return seconds(run["seconds"]) if "seconds" in run else str(run.get("status", NONE))


def _peak(run: dict[str, Any]) -> str:
    return gigabytes(run["peak_bytes"]) if "peak_bytes" in run else NONE


def _share(run: dict[str, Any], of: dict[str, Any]) -> str:
    if "seconds" not in run or "seconds" not in of:
        return NONE
    return f"{100 * run['seconds'] / of['seconds']:.0f} %"
