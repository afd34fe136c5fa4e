"""The one place that speaks to Great Expectations (GX): what rules it knows, and judging a frame.

GX takes seconds to import, so it is imported on first use. Its traps that are handled here: it
drops a misspelt type with a log line, returns results in an order of its own, reports a check that
could not run as failed, and grows 17 times slower when the frame's index has a name.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.errors import UsageError, unknown

_GENERAL = frozenset(
    ("id", "meta", "notes", "description", "severity", "result_format", "catch_exceptions",
     "rendered_content", "windows", "batch_id", "library_metadata")
)  # fmt: skip
"""Fields that every GX expectation has beside its own arguments."""

_ONE_AT_A_TIME = threading.Lock()
"""GX keeps what it works on in one context, which threads would share."""
_ROW_CLASSES = {"ColumnMapExpectation", "ColumnPairMapExpectation", "MulticolumnMapExpectation"}


class Expectation(Protocol):
    """What `judge` reads of a rule."""

    @property
    def rule_id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def kwargs(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Judgement:
    """One rule on one frame: `failing` holds positions of rows; `problem` says why it did not run."""

    passed: bool
    failing: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    problem: str = ""


@cache
def _library() -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations
    import great_expectations.expectations.core

    # Everything it logs is reported through Judgement or UsageError.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    return great_expectations


@cache
def _frames() -> Any:
    """GX's handle for judging any frame in memory, in a context that leaves nothing on disk."""
    library = _library()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = library.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("engine").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("batch")


@cache
def _classes() -> dict[str, Any]:
    _library()
    from great_expectations.expectations import registry

    names = sorted(registry.list_registered_expectation_implementations())
    return {name: registry.get_expectation_impl(name) for name in names}


def types() -> list[str]:
    """Every expectation type that the installed GX has."""
    return list(_classes())


def judges_rows(type_: str) -> bool:
    """True for a type that finds single failing rows, false for one about a whole table."""
    return any(base.__name__ in _ROW_CLASSES for base in _classes()[type_].__mro__)


def check(type_: str, kwargs: dict[str, Any], place: str) -> None:
    """Raise UsageError, opening with `place`, for a type or argument that GX does not have."""
    if type_ not in _classes():
        raise UsageError(f"{place}: " + unknown("expectation type", type_, types()))
    class_ = _classes()[type_]
    known = [name for name in class_.__fields__ if name not in _GENERAL]
    for name in kwargs:
        if name not in known:
            raise UsageError(f"{place}: " + unknown(f"argument of {type_}", name, known))
    try:
        class_(**kwargs)
    except ValueError as error:
        faults = error.errors() if hasattr(error, "errors") else [{"loc": (), "msg": str(error)}]
        # A faulty row_condition fails each form that GX tries; one mention says enough.
        texts = dict.fromkeys(_fault(fault) for fault in faults)
        raise UsageError(f"{place}: {type_}: {'; '.join(texts)}.") from None


def _fault(fault: dict[str, Any]) -> str:
    if fault["loc"][:1] == ("row_condition",):
        return "row_condition is no condition of GX"
    return ": ".join(map(str, [*fault["loc"], fault["msg"]]))


def judge(frame: pd.DataFrame, rules: Sequence[Expectation]) -> dict[str, Judgement]:
    """One judgement a rule (by rule_id) on the rows of `frame`, whose index must be 0, 1, 2 …"""
    if not rules:
        return {}
    suite = _library().ExpectationSuite(
        name="rules",
        expectations=[
            {"type": rule.type, "kwargs": rule.kwargs, "meta": {"rule_id": rule.rule_id}}
            for rule in rules
        ],
    )
    with _ONE_AT_A_TIME:
        batch = _frames().get_batch({"dataframe": frame})
        found = batch.validate(suite, result_format={"result_format": "COMPLETE"})
    judged = {
        result.expectation_config.meta["rule_id"]: _judgement(result) for result in found.results
    }
    dropped = Judgement(False, problem="Great Expectations returned no result for it")
    return {rule.rule_id: judged.get(rule.rule_id, dropped) for rule in rules}


def _judgement(result: Any) -> Judgement:
    if problem := _problem(result.exception_info or {}):
        return Judgement(False, problem=problem)
    positions = result.result.get("unexpected_index_list") or []
    return Judgement(bool(result.success), np.asarray(positions, dtype=np.int64))


def _problem(info: dict[str, Any]) -> str:
    """Why a check could not run. GX gives the facts flat, or one block for each metric."""
    blocks = [info] if "raised_exception" in info else list(info.values())
    for block in blocks:
        if block["raised_exception"]:
            lines = str(block.get("exception_message") or "unknown reason").strip().splitlines()
            return lines[0][:200]
    return ""
