"""Published fits of the models of contractual retention: two segments of 1,000 customers each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from crm_lib.btyd.contractual import ContractModel, fit_bdw, fit_sbg
from crm_lib.btyd.retention import Retention
from crm_lib.verify.check import LOG_LIKELIHOOD, PARAMETER, Check, as_printed

if TYPE_CHECKING:
    from crm_lib.verify.study import Study

SURVIVORS = {
    "Regular": (1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173),
    "High-end": (1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394),
}
"""Customers left after each year, Fader & Hardie (2007), table 1."""

_FITTERS = {"sBG": fit_sbg, "BdW": fit_bdw}
_SOURCES = {
    "sBG": "Fader & Hardie 2007, How to project customer retention",
    "BdW": "Fader, Hardie, Liu, Davin & Steenburgh 2018",
}
_FITS = (
    ("sBG", "Regular", {"alpha": "0.7041", "beta": "1.182"}, "-1680.27"),
    ("sBG", "High-end", {"alpha": "0.6681", "beta": "3.8061"}, "-1611.16"),
    ("BdW", "Regular", {"gamma": "0.4556", "delta": "0.7793", "c": "1.2835"}, "-1679.60"),
    ("BdW", "High-end", {"gamma": "0.2143", "delta": "1.4266", "c": "1.7236"}, "-1605.31"),
)
_YEAR_12 = (
    ("sBG", "Regular", 7, "17.0"),
    ("sBG", "High-end", 7, "37.8"),
    ("sBG", "High-end", 4, "30.7"),
    ("BdW", "High-end", 4, "38.9"),
)


def _model(name: str, segment: str, years: int) -> ContractModel:
    return _FITTERS[name](Retention.of(SURVIVORS[segment][: years + 1], unit="year"))


def _checks() -> Iterator[Check]:
    for name, segment, params, likelihood in _FITS:
        subject = f"{name}, {segment.lower()} segment, 7 years"
        for parameter, published in params.items():
            tolerance = as_printed(published, PARAMETER)
            ours = _param(name, segment, parameter)
            yield Check(subject, parameter, published, tolerance, _SOURCES[name], ours)
        ours = _likelihood(name, segment)
        yield Check(subject, "log-likelihood", likelihood, LOG_LIKELIHOOD, _SOURCES[name], ours)
    for name, segment, years, published in _YEAR_12:
        subject = f"{name}, {segment.lower()} segment, {years} years"
        ours = _survival(name, segment, years)
        what = "customers left in year 12, %"
        yield Check(subject, what, published, as_printed(published), _SOURCES[name], ours)


def _param(name: str, segment: str, parameter: str) -> Callable[[Study], float]:
    return lambda study: _model(name, segment, 7).params_[parameter]


def _likelihood(name: str, segment: str) -> Callable[[Study], float]:
    def ours(study: Study) -> float:
        estimate = _model(name, segment, 7).estimate_
        return float("nan") if estimate is None else estimate.log_likelihood

    return ours


def _survival(name: str, segment: str, years: int) -> Callable[[Study], float]:
    return lambda study: 100 * float(_model(name, segment, years).survival(12)[0])


CHECKS = tuple(sorted(_checks(), key=lambda check: check.subject, reverse=True))
