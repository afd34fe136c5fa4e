"""Customers of the benchmark: drawn from a known law on a daily grid, or CDNOW's.

A file has one row a customer: customer_id, x (repeat purchases), t_x and T (whole days) and, for
Gamma-Gamma, z (mean spend of the repeat purchases). Equal names give equal files: seeds are fixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet

HERE = Path(__file__).resolve().parent
FOLDER = HERE / ".data"

LAWS: dict[str, dict[str, float]] = {
    "bg_nbd": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "pareto_nbd": {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669},
    "gamma_gamma": {"p": 6.25, "q": 3.74, "gamma": 15.44},
}
"""Parameters published for CDNOW, in weeks and dollars: Fader, Hardie & Lee (2005); Hardie, note 025."""

SIZES = {"100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
LONGEST_WEEKS = 104
"""Customers came evenly over so many weeks before the last observed day."""

CDNOW_END = "1997-09-30"
_CHUNK = 1_000_000

Columns = dict[str, npt.NDArray[Any]]


def bg_nbd(law: dict[str, float], T: npt.NDArray[np.float64], rng: np.random.Generator) -> Columns:
    """x and t_x by T of customers who may leave after each repeat purchase; times in T's unit.

    The n purchases that would fall in T are uniform in it; the customer leaves after the N-th.
    """
    rate = rng.gamma(law["r"], 1 / law["alpha"], len(T))
    leaves = np.maximum(rng.beta(law["a"], law["b"], len(T)), 1e-12)
    wanted, last = rng.poisson(rate * T), rng.geometric(leaves)
    x = np.minimum(wanted, last)
    # The x-th smallest of `wanted` uniforms is Beta(x, wanted − x + 1).
    place = rng.beta(np.maximum(x, 1), np.maximum(wanted - x, 0) + 1)
    return {"x": x, "t_x": np.where(x > 0, place * T, 0.0)}


def pareto_nbd(
    law: dict[str, float], T: npt.NDArray[np.float64], rng: np.random.Generator
) -> Columns:
    """x and t_x by T of customers who leave after an exponential time; times in T's unit."""
    rate = rng.gamma(law["r"], 1 / law["alpha"], len(T))
    leaving = np.maximum(rng.gamma(law["s"], 1 / law["beta"], len(T)), 1e-300)
    active = np.minimum(rng.exponential(1.0, len(T)) / leaving, T)
    x = rng.poisson(rate * active)
    place = rng.beta(np.maximum(x, 1), 1.0)
    return {"x": x, "t_x": np.where(x > 0, place * active, 0.0)}


def mean_spend(
    law: dict[str, float], x: npt.NDArray[Any], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Mean spend of x purchases, each Gamma(p, ν) with the customer's own ν ~ Gamma(q, γ)."""
    scale = rng.gamma(law["q"], 1 / law["gamma"], len(x))
    return rng.gamma(law["p"] * x) / (scale * x)


def customers(law: str, count: int, rng: np.random.Generator) -> Columns:
    """`count` customers of `law`, x and whole days; for Gamma-Gamma only those who bought again."""
    days = rng.integers(1, LONGEST_WEEKS * 7, count, endpoint=True)
    draw = pareto_nbd if law == "pareto_nbd" else bg_nbd
    timing = draw(LAWS["pareto_nbd" if law == "pareto_nbd" else "bg_nbd"], days / 7.0, rng)
    x = timing["x"]
    last = np.where(x > 0, np.clip(np.rint(timing["t_x"] * 7), 1, days), 0)
    columns: Columns = {"x": x, "t_x": last, "T": days}
    if law == "gamma_gamma":
        columns = {name: values[x > 0] for name, values in columns.items()}
        columns["z"] = mean_spend(LAWS[law], columns["x"], rng)
    return columns


def _chunks(law: str, count: int) -> Iterator[Columns]:
    seeds = np.random.SeedSequence([count, sorted(LAWS).index(law)])
    made = 0
    while made < count:
        part = customers(law, min(_CHUNK, count), np.random.default_rng(seeds.spawn(1)[0]))
        part = {name: values[: count - made] for name, values in part.items()}
        size = len(part["x"])
        yield {"customer_id": np.arange(made, made + size), **part}
        made += size


def cdnow(lines: Path) -> Columns:
    """Histories of CDNOW's customers in 39 weeks; purchases of one day are one."""
    names = ["customer_id", "sample_id", "day", "cds", "dollars"]
    if lines.name == "CDNOW_sample.txt":
        frame = pd.read_csv(lines, sep=r"\s+", names=names)
    else:
        frame = pd.read_csv(lines, sep=r"\s+", skiprows=1, names=[names[0], *names[2:]])
    frame["day"] = pd.to_datetime(frame["day"].astype(str), format="%Y%m%d")
    seen = frame[frame["day"] <= CDNOW_END].groupby("customer_id")["day"]
    first, last, days = seen.min(), seen.max(), seen.nunique()
    return {
        "customer_id": first.index.to_numpy(),
        "x": days.to_numpy() - 1,
        "t_x": (last - first).dt.days.to_numpy(),
        "T": (pd.Timestamp(CDNOW_END) - first).dt.days.to_numpy(),
    }


def _cdnow_file(name: str) -> Path:
    package = "lib/python3*/site-packages/lifetimes/datasets"
    found = sorted(HERE.glob(f".venv-lifetimes/{package}/CDNOW_{name}.txt"))
    if not found:
        raise FileNotFoundError(
            "CDNOW's log comes with lifetimes: run `make bench`, which installs it."
        )
    return found[0]


def path(name: str) -> Path:
    """The file called `name` (cdnow_sample, cdnow_full, bg_nbd_1m …), made where it is missing."""
    target = FOLDER / f"{name}.parquet"
    if target.is_file():
        return target
    law, _, size = name.rpartition("_")
    if law == "cdnow":
        chunks = iter([cdnow(_cdnow_file("sample" if size == "sample" else "master"))])
    else:
        chunks = _chunks(law, SIZES[size])
    FOLDER.mkdir(exist_ok=True)
    _write(chunks, target)
    return target


def _write(chunks: Iterator[Columns], target: Path) -> None:
    """A Parquet file, complete or not there."""
    unfinished = target.with_suffix(".part")
    writer = None
    for chunk in chunks:
        types = {name: pa.float64() if name == "z" else pa.int32() for name in chunk}
        table = pa.table({n: pa.array(v).cast(types[n], safe=False) for n, v in chunk.items()})
        writer = writer or parquet.ParquetWriter(unfinished, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()
    unfinished.replace(target)
