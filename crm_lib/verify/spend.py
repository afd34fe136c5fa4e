"""Published fit of the model of spend, on the repeat buyers of CDNOW's 1/10 sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from crm_lib.verify.check import LOG_LIKELIHOOD, PARAMETER, Check, as_printed

if TYPE_CHECKING:
    from crm_lib.verify.study import Study

_SUBJECT = "Gamma-Gamma, CDNOW 1/10 sample, repeat purchases of 39 weeks"
_NOTE_025 = "Hardie note 025; tests of CLVTools"
_PARAMS = {"p": "6.25", "q": "3.74", "gamma": "15.44"}
_EXPECTED = ("24.65", "18.91", "35.17", "35.17", "35.17", "71.46", "18.91", "35.17", "27.28", "35.17")  # fmt: skip


def _checks() -> Iterator[Check]:
    def check(what: str, published: str, tolerance: float, ours: Callable[[Study], float]) -> Check:
        return Check(_SUBJECT, what, published, tolerance, _NOTE_025, ours)

    yield check(
        "repeat buyers", "946", as_printed("946"), lambda study: study.spend.fittable().customers
    )
    yield check("mean spend a repeat purchase, $", "35.08", as_printed("35.08"), _mean)
    for name, published in _PARAMS.items():
        yield check(name, published, as_printed(published, PARAMETER), _param(name))
    yield check("log-likelihood", "-4055.918", LOG_LIKELIHOOD, _likelihood)
    for customer, published in enumerate(_EXPECTED, 1):
        what = f"expected spend of customer {customer}, $"
        yield check(what, published, as_printed(published), _expected(customer))


def _mean(study: Study) -> float:
    """The mean over customers of their mean spend."""
    buyers = study.spend.fittable()
    return float(buyers.weight @ buyers.mean_spend / buyers.customers)


def _param(name: str) -> Callable[[Study], float]:
    return lambda study: study.spend_model.params_[name]


def _likelihood(study: Study) -> float:
    estimate = study.spend_model.estimate_
    return float("nan") if estimate is None else estimate.log_likelihood


def _expected(customer: int) -> Callable[[Study], float]:
    return lambda study: float(study.spend_model.expected_spend(study.spend)[customer - 1])


CHECKS = tuple(_checks())
