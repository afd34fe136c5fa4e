"""Hard cases of the formulas, computed to 60 digits: parameters at which naive code fails.

`exact_cases.csv`: one row a case, with its model, parameters (p1 … p4 in the model's order), history,
horizon in the same unit, and exact expected_purchases and p_alive, which were computed to 60 digits
apart from this software and are written as the nearest double.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from importlib import resources
from typing import TYPE_CHECKING

import pandas as pd

from crm_lib.btyd import MODELS, PurchaseModel, histories
from crm_lib.verify.check import APART, Check, relative

if TYPE_CHECKING:
    from crm_lib.verify.study import Study

_NAMES = {"BG/NBD": "bg_nbd", "Pareto/NBD": "pareto_nbd"}
_SOURCE = f"computed to 60 digits, {APART}"
_SHARE = 1e-9
_SHARE_FAR = 1e-6
_FAR = 10_000
"""A horizon of 10,000 weeks, at which 1e-6 is asked."""


def cases() -> list[dict[str, str]]:
    """The cases as texts, in the order of the file."""
    text = resources.files("crm_lib.verify").joinpath("exact_cases.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _checks() -> Iterator[Check]:
    for case in cases():
        subject = f"{case['model']}, exact cases"
        at = f"{case['case'].removeprefix('P ')}; x = {case['x']}, t_x = {case['t_x']}, T = {case['T']}"
        far = float(case["horizon"]) >= _FAR
        for column, what in (
            ("expected_purchases", f"E[Y({float(case['horizon']):g})]"),
            ("p_alive", "P(alive)"),
        ):
            published = case[column]
            tolerance = relative(published, _SHARE_FAR if far else _SHARE)
            yield Check(
                subject, f"{what}, {at}", published, tolerance, _SOURCE, _ours(case, column)
            )


def _ours(case: dict[str, str], column: str) -> Callable[[Study], float]:
    def ours(study: Study) -> float:
        row = {name: [float(case[name])] for name in ("x", "t_x", "T")}
        seen = histories(pd.DataFrame(row), unit="week")
        ahead = _model(case).predict(seen, horizon=float(case["horizon"]), unit="week")
        return float(ahead[column].iloc[0])

    return ours


def _model(case: dict[str, str]) -> PurchaseModel:
    model = MODELS[_NAMES[case["model"]]]
    values = (float(case[f"p{place}"]) for place in range(1, 5))
    return model(unit="week", **dict(zip(model.names, values, strict=True)))


CHECKS = tuple(_checks())
