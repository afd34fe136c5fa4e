"""The tournament of models and naive rules on CDNOW's holdout, as measured apart from this software."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from crm_lib.btyd import MODELS
from crm_lib.btyd.tournament import FLOOR, RULES
from crm_lib.verify.check import APART, Check, as_printed

if TYPE_CHECKING:
    from crm_lib.verify.study import Part, Study

_MEASURES = {
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "deviance": "mean Poisson deviance",
}
_SOURCE = (
    "models fitted on 39 weeks, judged on the next 39, deviance with predictions floored at "
    f"{FLOOR:g}; measured {APART}"
)
_MEASURED: dict[Part, dict[str, tuple[str, ...]]] = {
    "sample": {
        "bg_nbd": ("0.785", "1.608", "1.60"),
        "mbg_nbd": ("0.765", "1.607", "1.60"),
        "pareto_nbd": ("0.755", "1.603", "1.59"),
        "same_rate": ("1.024", "2.212", "3.18"),
        "hiatus": ("0.789", "1.990", "5.41"),
        "always_zero": ("0.798", "2.206"),
    },
    "full": {
        "bg_nbd": ("0.819", "1.733", "1.64"),
        "mbg_nbd": ("0.795", "1.740", "1.65"),
        "pareto_nbd": ("0.794", "1.726", "1.64"),
        "same_rate": ("1.038", "2.158", "3.28"),
        "hiatus": ("0.842", "2.042", "5.92"),
        "always_zero": ("0.835", "2.467"),
    },
}
_SUBJECTS = {
    "sample": "Models against rules, CDNOW 1/10 sample, 39 + 39 weeks",
    "full": "Models against rules, CDNOW all customers, 39 + 39 weeks",
}


def _checks() -> Iterator[Check]:
    for part, contestants in _MEASURED.items():
        for name, values in contestants.items():
            title = MODELS[name].title if name in MODELS else RULES[name][0]
            # "Nobody buys again" has no deviance to compare: it depends on the floor alone.
            for measure, published in zip(_MEASURES, values, strict=False):
                what = f"{title}: {_MEASURES[measure]}"
                # Half a unit of the last digit: a share of 1 % could not tell the models apart.
                tolerance = as_printed(published)
                ours = _measured(part, name, measure)
                yield Check(_SUBJECTS[part], what, published, tolerance, _SOURCE, ours)


def _measured(part: Part, name: str, measure: str) -> Callable[[Study], float]:
    def ours(study: Study) -> float:
        table = study.verdict(part).table.set_index("contestant")
        return float(table.loc[name, measure])

    return ours


CHECKS = tuple(_checks())
