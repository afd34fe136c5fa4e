"""Published fits and predictions of the models of repeat purchases, on CDNOW."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crm_lib.btyd import MODELS, PurchaseModel, histories
from crm_lib.btyd.diagnostics import by_repeats
from crm_lib.btyd.tournament import RULES
from crm_lib.verify.check import APART, LOG_LIKELIHOOD, PARAMETER, Check, as_printed

if TYPE_CHECKING:
    from crm_lib.verify.study import Part, Study

_FHL = "Fader, Hardie & Lee 2005; tests of CLVTools"
_RECOMPUTED = f"recomputed from the raw log, {APART}"
_HOLDOUT = "Fader, Hardie & Lee 2005"
_NOTE_027 = "Hardie note 027"
_CLVTOOLS = "tests of CLVTools and lifetimes"
_BTYDPLUS = "BTYDplus"

# MBG/NBD and NBD were recomputed with times to 0.01 week, which moves a log-likelihood by 0.004.
_FITS: tuple[tuple[str, Part, str, dict[str, str], str], ...] = (
    ("bg_nbd", "sample", "-9582.429", {"r": "0.243", "alpha": "4.414", "a": "0.793", "b": "2.426"}, _FHL),
    ("pareto_nbd", "sample", "-9594.976", {"r": "0.553", "alpha": "10.578", "s": "0.606", "beta": "11.669"}, _FHL),
    ("mbg_nbd", "sample", "-9582.132", {"r": "0.525", "alpha": "6.183", "a": "0.891", "b": "1.614"}, _BTYDPLUS),
    ("nbd", "sample", "-9763.660", {"r": "0.3848", "alpha": "12.0721"}, _RECOMPUTED),
    ("bg_nbd", "full", "-95368.44", {"r": "0.25162", "alpha": "4.78894", "a": "0.72343", "b": "2.16109"}, _RECOMPUTED),
)  # fmt: skip
_ON_78_WEEKS = {"r": "0.26713", "alpha": "5.98649", "a": "0.48352", "b": "2.11161"}
_WHERE = {"sample": "1/10 sample", "full": "all customers"}

_KNOWN: dict[str, dict[str, float]] = {
    "bg_nbd": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "bg_nbd, note 027": {"r": 0.25, "alpha": 4.0, "a": 0.8, "b": 2.5},
    "pareto_nbd": {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669},
    "pareto_nbd, paper": {"r": 0.55, "alpha": 10.56, "s": 0.61, "beta": 11.64},
}
"""Parameters as printed, at which some numbers were published."""


def _known(name: str) -> PurchaseModel:
    return MODELS[name.split(",")[0]](unit="week", **_KNOWN[name])


# --- fits -----------------------------------------------------------------------------------------


def _fits() -> Iterator[Check]:
    for name, part, likelihood, params, source in _FITS:
        subject = f"{MODELS[name].title}, CDNOW {_WHERE[part]}, 39 weeks"
        yield from _fit(subject, likelihood, params, source, _fitted(name, part))
    subject = f"{MODELS['bg_nbd'].title}, CDNOW all customers, 78 weeks"
    yield from _fit(
        subject, "-173425.92", _ON_78_WEEKS, _RECOMPUTED, lambda study: study.on_78_weeks
    )


def _fitted(name: str, part: Part) -> Callable[[Study], PurchaseModel]:
    return lambda study: study.model(name, part)


def _fit(
    subject: str, likelihood: str, params: dict[str, str], source: str, model: Callable[[Study], PurchaseModel]
) -> Iterator[Check]:  # fmt: skip
    for parameter, published in params.items():
        tolerance = as_printed(published, PARAMETER)
        yield Check(subject, parameter, published, tolerance, source, _param(model, parameter))
    # BTYDplus prints the parameters of MBG/NBD alone.
    source = _RECOMPUTED if source == _BTYDPLUS else source
    yield Check(subject, "log-likelihood", likelihood, LOG_LIKELIHOOD, source, _likelihood(model))


def _param(model: Callable[[Study], PurchaseModel], parameter: str) -> Callable[[Study], float]:
    return lambda study: model(study).params_[parameter]


def _likelihood(model: Callable[[Study], PurchaseModel]) -> Callable[[Study], float]:
    def ours(study: Study) -> float:
        estimate = model(study).estimate_
        return np.nan if estimate is None else estimate.log_likelihood

    return ours


# --- single points --------------------------------------------------------------------------------

_NEW = {"0.1429": "0.0078", "1": "0.0532", "3": "0.1506", "31.8571": "1.0405", "32": "1.0437", "78": "1.8576"}  # fmt: skip
_PARETO_NEW = {
    "pareto_nbd": ("0.05097984", "0.0995754", "0.14606119"),
    "pareto_nbd, paper": ("0.05077821", "0.09916088", "0.14542507"),
}
_SHARES = ((39, 0, "0.5737864"), (2, 10, "1.07869e-7"), (30, 11, "0.0019995214"))


def _one(x: float, t_x: float, T: float) -> pd.DataFrame:
    return pd.DataFrame({"x": [x], "t_x": [t_x], "T": [T]})


def _ahead(model: PurchaseModel, x: float, t_x: float, T: float, horizon: float) -> float:
    seen = histories(_one(x, t_x, T), unit="week")
    return float(model.expected_purchases(seen, horizon=horizon, unit="week")[0])


def _points() -> Iterator[Check]:
    def check(model: str, what: str, published: str, source: str, ours: Callable[[Study], float], share: float = 0.0) -> Check:  # fmt: skip
        subject = f"{MODELS[model.split(',')[0]].title}, single points"
        return Check(subject, what, published, as_printed(published, share), source, ours)

    yield check(
        "bg_nbd", "E[Y(39) | x = 2, t_x = 30.43, T = 38.86], fitted", "1.226", _FHL,
        lambda study: _ahead(study.model("bg_nbd"), 2, 30.43, 38.86, 39),
    )  # fmt: skip
    # The sheet behind these sums 150 terms of a series, which at t = 78 tells 1.8576 from 1.8580.
    for t, published in _NEW.items():
        ours = _new("bg_nbd", float(t))
        yield check("bg_nbd", f"E[X({t})], fitted", published, _CLVTOOLS, ours, PARAMETER)
    for span, n, published in _SHARES:
        ours = _share("bg_nbd", n, span)
        yield check("bg_nbd", f"P(X({span}) = {n}), rounded parameters", published, _CLVTOOLS, ours)
    for x, t_x, published in ((0, 0, "-0.59947382"), (200, 38, "100.7957")):
        what = f"log-likelihood of x = {x}, t_x = {t_x}, T = 40"
        yield check("bg_nbd", what, published, _NOTE_027, _log_likelihood(x, t_x))
    yield check(
        "pareto_nbd", "P(alive | x = 26, t_x = 30.86, T = 31), fitted", "0.9979", _CLVTOOLS, _alive
    )
    yield check(
        "pareto_nbd", "E[Y(52) | x = 26, t_x = 30.86, T = 31], fitted", "25.46", _CLVTOOLS,
        lambda study: _ahead(study.model("pareto_nbd"), 26, 30.86, 31, 52),
    )  # fmt: skip
    for model, values in _PARETO_NEW.items():
        digits = ", ".join(f"{key} {value:g}" for key, value in _KNOWN[model].items())
        for weeks, published in enumerate(values, 1):
            what = f"E[X({weeks})] at {digits}"
            yield check(model, what, published, _CLVTOOLS, _new_at(model, weeks))


def _new(name: str, t: float) -> Callable[[Study], float]:
    return lambda study: float(study.model(name).expected_of_new(t, unit="week")[0])


def _new_at(name: str, t: float) -> Callable[[Study], float]:
    return lambda study: float(_known(name).expected_of_new(t, unit="week")[0])


def _share(name: str, n: int, t: float) -> Callable[[Study], float]:
    return lambda study: float(_known(name).probabilities([n], t, unit="week")[0])


def _log_likelihood(x: float, t_x: float) -> Callable[[Study], float]:
    seen = histories(_one(x, t_x, 40.0), unit="week")
    return lambda study: _known("bg_nbd, note 027").log_likelihood(seen)


def _alive(study: Study) -> float:
    seen = histories(_one(26, 30.86, 31), unit="week")
    return float(study.model("pareto_nbd").p_alive(seen)[0])


# --- the holdout ----------------------------------------------------------------------------------

_CUSTOMERS = ("1411", "439", "214", "100", "62", "38", "29", "64")
_ACTUAL = ("0.2367", "0.6970", "1.3925", "1.5600", "2.5323", "2.9474", "3.8621", "6.3594")
_EXPECTED = {
    "bg_nbd": ("0.2251", "0.5231", "1.0441", "1.5203", "2.1639", "2.6539", "3.5041", "6.1573"),
    "pareto_nbd": ("0.1385", "0.5995", "1.1959", "1.7139", "2.3984", "2.9073", "3.8186", "6.4032"),
}
_TOTALS = {"bg_nbd": "1653", "pareto_nbd": "1666", "nbd": "2930", "same_rate": "2930"}
_MAE = {"bg_nbd": "0.785", "pareto_nbd": "0.755", "same_rate": "1.024"}


def _holdout() -> Iterator[Check]:
    def check(
        what: str, published: str, ours: Callable[[Study], float], share: float = PARAMETER
    ) -> Check:
        subject = "Holdout, CDNOW 1/10 sample, weeks 40 to 78"
        return Check(subject, what, published, as_printed(published, share), _HOLDOUT, ours)

    yield check("repeat purchases in calibration", "2457", _repeats_before, 0)
    yield check("purchases in the holdout", "1882", lambda study: study.held("sample").purchases, 0)
    for x, published in enumerate(_CUSTOMERS):
        ours = _mean_by_repeats("actual", x, "customers")
        yield check(f"customers with {_at(x)}", published, ours, 0)
    for x, published in enumerate(_ACTUAL):
        ours = _mean_by_repeats("actual", x, "actual")
        yield check(f"purchases a customer, {_at(x)}", published, ours, 0)
    for name, values in _EXPECTED.items():
        for x, published in enumerate(values):
            ours = _mean_by_repeats(name, x, "expected")
            yield check(f"expected by {MODELS[name].title}, {_at(x)}", published, ours)
    for name, published in _TOTALS.items():
        yield check(f"total, {_title(name)}", published, _total(name))
    for name, published in _MAE.items():
        yield check(f"mean absolute error, {_title(name)}", published, _mae(name))


def _title(name: str) -> str:
    return MODELS[name].title if name in MODELS else RULES[name][0].lower()


def _at(x: int) -> str:
    return f"x = {x}" if x < len(_CUSTOMERS) - 1 else f"x ≥ {x}"


def _repeats_before(study: Study) -> float:
    return study.held("sample").seen.repeats


def _predicted(study: Study, name: str) -> np.ndarray:
    held = study.held("sample")
    if name == "actual":
        return held.actual
    return study.model(name).expected_purchases(held.seen, horizon=held.horizon, unit=held.unit)


def _mean_by_repeats(name: str, x: int, column: str) -> Callable[[Study], float]:
    def ours(study: Study) -> float:
        table = by_repeats(study.held("sample"), _predicted(study, name))
        return float(table.set_index("repeats").loc[x, column])

    return ours


def _total(name: str) -> Callable[[Study], float]:
    return lambda study: _scored(study, name, "predicted")


def _mae(name: str) -> Callable[[Study], float]:
    return lambda study: _scored(study, name, "mae")


def _scored(study: Study, name: str, measure: str) -> float:
    return float(study.verdict("sample").table.set_index("contestant").loc[name, measure])


CHECKS = (*_fits(), *_points(), *_holdout())
