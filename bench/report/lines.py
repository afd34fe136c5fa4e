"""The page's part on order lines: facts, ledger and cohorts beside SQL, pandas, polars, summaries."""

from __future__ import annotations

from typing import Any

from bench import lines
from bench.lines import ENGINES, OURS_600MB, PANDAS, PANDAS_TUNED, SCENARIOS, SQL, STAGES
from bench.models import LIFETIMES, OURS, PYMC
from bench.report.shapes import (
    NONE,
    Aim,
    aim,
    gigabytes,
    multiple,
    ratio,
    seconds,
    summary,
    table,
)
from bench.results import Results

METHOD = """### Order lines

- Of a simulated retailer, 25 months, ordered by time, in one Parquet file: customer, order, day, amount,
  quantity, discount and cost, money as DECIMAL. Everyone reads the file and writes Parquet; both count.
- Customer facts: 22 columns, among them the median gap between purchase days, distinct orders and active
  months. Ledger: a row a customer and month with orders, occasions, lines and all money. Cohorts: active
  customers and revenue by month of the first purchase and month since.
- crm_lib: the functions and files of the monthly run (its ledger is made of the customer-months, written
  first; peers make theirs in one go). DuckDB SQL: the same columns by hand, the floor. pandas: a
  vectorised script, `pd.read_parquet`, then ids as categories and money as floats, rounded to cents;
  "tuned" is the same script where pyarrow makes categories and floats while it reads. polars: lazy,
  written by its streaming engine, money as Decimal.
- With CRM_MEMORY=600MB the engine spills what does not fit, as in a run that has little memory.
- A time counts only where the numbers are ours: each table of each run is joined to ours and compared,
  money as whole cents, means to 9 digits.
- Summaries: frequency, recency, T and mean spend of a customer, which is all that lifetimes'
  `summary_data_from_transaction_data` and pymc-marketing's `rfm_summary` make of purchases.
- Ratios are of medians of the same measurement, never across measurements.
"""


def sections(results: Results) -> list[str]:
    return [_facts(results), _summaries(results)]


def method() -> str:
    return METHOD


def stage(found: dict[str, Any], name: str) -> dict[str, Any]:
    """The seconds and the peak of memory of one stage, as if it were a measurement of its own."""
    if "stages" not in found:
        return {"status": found["status"]} if "status" in found else {}
    return {"seconds": found["stages"][name], "peak_bytes": found["peaks"][name]}


def _sized(results: Results, task: str) -> list[tuple[str, dict[str, Any]]]:
    named = [s.name for s in SCENARIOS if s.task == task]
    return [(f"{results[name]['lines']:,}", results[name]) for name in named if name in results]


def _facts(results: Results) -> str:
    head = ["lines", "", OURS]
    for peer in ENGINES["facts"][1:]:
        head += [peer, "×"]
    rows = []
    for size, result in _sized(results, "facts"):
        found = {engine: summary(result, engine) for engine in ENGINES["facts"]}
        for name, title in STAGES.items():
            parts = {engine: stage(each, name) for engine, each in found.items()}
            rows.append([size, title, *_compared(parts, _time)])
        rows.append([size, "all", *_compared(found, _time_range)])
        rows.append([size, "peak memory", *_compared(found, _peak, of="peak_bytes")])
    if not rows:
        return ""
    return (
        "## Customer facts, ledger and cohorts from order lines\n\n"
        f"{table(head, rows)}\n\n"
        f"× is how many times as long, or as much memory, as {OURS}; below 1 the peer is better. In "
        "brackets: the shortest and the longest run.\n"
    )


def _summaries(results: Results) -> str:
    peers = (LIFETIMES, PYMC)
    head = ["lines", OURS, *(cell for peer in peers for cell in (peer, "×", "memory"))]
    rows = []
    for size, result in _sized(results, "summary"):
        ours = summary(result, OURS)
        cells = [_time_range(ours)]
        for peer in peers:
            found = summary(result, peer)
            cells += [_time_range(found), multiple(ratio(found, ours)), _peak(found)]
        rows.append([size, *cells])
    if not rows:
        return ""
    return (
        "## Frequency, recency, T and mean spend from order lines\n\n"
        f"{table(head, rows)}\n\n× is how many times as long as {OURS}.\n"
    )


def _compared(found: dict[str, dict[str, Any]], shown: Any, of: str = "seconds") -> list[str]:
    ours = found[OURS]
    cells = [shown(ours)]
    for engine, each in found.items():
        if engine != OURS:
            cells += [shown(each), multiple(ratio(each, ours, of))]
    return cells


def _time(found: dict[str, Any]) -> str:
    return seconds(found["seconds"]) if "seconds" in found else str(found.get("status", NONE))


def _time_range(found: dict[str, Any]) -> str:
    if "range" not in found or found["finished"] == 1:
        return _time(found)
    low, high = found["range"]
    return f"{seconds(found['seconds'])} ({seconds(low)}–{seconds(high)})"


def _peak(found: dict[str, Any]) -> str:
    return gigabytes(found["peak_bytes"]) if "peak_bytes" in found else NONE


def aims(results: Results) -> list[Aim]:
    """Judged at the largest size that was measured."""
    return [*_aims_of_facts(results), _aim_of_summary(results)]


def _aims_of_facts(results: Results) -> list[Aim]:
    size, result = next(reversed(_sized(results, "facts")), (NONE, {}))
    found = {e: stage(summary(result, e), "facts") for e in lines.ENGINES["facts"]}
    ours, where = found[OURS], f"customer facts, {size} lines"
    rows = [aim(f"{where}: within 1.3× of plain DuckDB SQL", *_judged(ratio(ours, found[SQL]), lambda v: v <= 1.3))]  # fmt: skip
    for engine, peer in ((OURS, PANDAS), (OURS_600MB, PANDAS), (OURS, PANDAS_TUNED)):
        faster, leaner = (ratio(found[peer], found[engine], of) for of in ("seconds", "peak_bytes"))
        what = f"{where}, {engine}: at least"
        rows += [
            aim(f"{what} 3× faster than {peer}", *_judged(faster, lambda v: v >= 3)),
            aim(f"{what} 4× leaner than {peer}", *_judged(leaner, lambda v: v >= 4)),
        ]
    return rows


def _aim_of_summary(results: Results) -> Aim:
    size, result = next(reversed(_sized(results, "summary")), (NONE, {}))
    faster = ratio(summary(result, LIFETIMES), summary(result, OURS))
    what = f"frequency, recency, T, mean spend, {size} lines: at least 5× lifetimes' summary"
    return aim(what, *_judged(faster, lambda v: v >= 5))


def _judged(value: float | None, reached: Any) -> tuple[str, bool | None]:
    return (multiple(value, 2), None if value is None else bool(reached(value)))
