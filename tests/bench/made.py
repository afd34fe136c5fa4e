"""Results as the benchmark keeps them, made by hand."""

from __future__ import annotations

from typing import Any


def run(engine: str, seconds: float | None = None, **more: Any) -> dict[str, Any]:
    if seconds is None:
        return {"engine": engine, "at": "2026-01-01", **more}
    done = {"status": "done", "at": "2026-01-02T03:04:05", "seconds": seconds, "peak_bytes": 2e9}
    return {"engine": engine, **done, "versions": {"Python": "3.11.7"}, **more}


def result(name: str, *runs: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    machine = {"processor": "P", "cores": "2", "memory": "23 GiB", "system": "Linux"}
    return {name: {"scenario": name, "machine": machine, **more, "runs": list(runs)}}
