"""The page's last part: on which machine, with which versions, when, and what else it did then."""

from __future__ import annotations

from bench.lines import PANDAS, POLARS, SQL
from bench.models import LIFETIMES, OURS, PYMC
from bench.results import Results

PEERS = (SQL, PANDAS, POLARS, LIFETIMES, PYMC)


def machine(results: Results) -> str:
    runs = [(run, found["machine"]) for found in results.values() for run in found["runs"]]
    if not runs:
        return ""
    lines = []
    for each in sorted({tuple(sorted(each.items())) for _, each in runs}):
        told = dict(each)
        lines.append(
            f"- {told['processor']}, {told['cores']} cores, {told['memory']}, {told['system']}"
        )
    days = sorted({run["at"][:10] for run, _ in runs})
    lines.append(f"- measured {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else ""))
    busy = [run["load"] for run, each in runs if run.get("load", 0) > int(each["cores"]) + 1]
    if busy:
        lines.append(
            f"- **busy**: other programs ran during {len(busy)} of {len(runs)} runs (load up to "
            f"{max(busy):.0f}): their seconds are longer than on a quiet machine and their ratios rougher; "
            "processor time is sound"
        )
    for engine in (OURS, *PEERS):
        seen = {
            ", ".join(f"{name} {number}" for name, number in run["versions"].items())
            for run, _ in runs
            if run["engine"] == engine and "versions" in run
        }
        lines += [f"- {engine}: {versions}" for versions in sorted(seen)]
    return "## Machine and versions\n\n" + "\n".join(lines) + "\n"
