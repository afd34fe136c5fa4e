"""The reports of a project: its notebooks `notebooks/NN_subject.ipynb`, found and named."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from crm_lib import project
from crm_lib.errors import UsageError, listing, unknown
from crm_lib.publishing import parameters
from crm_lib.publishing.parameters import Declaration

_NAME = re.compile(r"^(\d\d)_([a-z0-9_]+)$")
_TESTS: dict[str, Callable[[float, float], bool]] = {
    "min": operator.ge, "above": operator.gt, "max": operator.le, "below": operator.lt,
}  # fmt: skip


class Range(BaseModel):
    """Bounds of a number: `min` and `max` belong to the range, `above` and `below` do not."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    min: float | None = None
    above: float | None = None
    max: float | None = None
    below: float | None = None

    def holds(self, value: float) -> bool:
        """Does `value` lie within the bounds?"""
        return all(_TESTS[name](value, bound) for name, bound in self if bound is not None)

    def __str__(self) -> str:
        said = {"min": "at least", "above": "above", "max": "at most", "below": "below"}
        return " and ".join(f"{said[name]} {bound:g}" for name, bound in self if bound is not None)


@dataclass(frozen=True)
class Report:
    """One notebook: `stem` is its file name without ending, for example `03_segments`."""

    path: Path

    @property
    def stem(self) -> str:
        return self.path.stem

    @property
    def number(self) -> str:
        return self.stem[:2]

    @property
    def subject(self) -> str:
        return self.stem[3:]

    @cached_property
    def content(self) -> dict[str, Any]:
        """The notebook's JSON. Raises UsageError when it is not a notebook."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            cells = found["cells"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{project.shown(self.path)} is not a notebook: {error}") from None
        return {**found, "cells": [{**cell, "source": _joined(cell)} for cell in cells]}

    @property
    def title(self) -> str:
        """The title the notebook states, else one made of its name."""
        stated = self._stated.get("title")
        return str(stated or self.subject.replace("_", " ").capitalize())

    @property
    def question(self) -> str:
        """The question the report answers; empty when the notebook states none."""
        return str(self._stated.get("question", ""))

    @property
    def _stated(self) -> dict[str, Any]:
        found: dict[str, Any] = self.content.get("metadata", {}).get("crm", {})
        return found

    @property
    def choices(self) -> dict[str, list[str] | str]:
        """What a parameter may be: a list of values, or the table whose columns it must name."""
        stated: dict[str, list[str] | str] = self._stated.get("choices", {})
        self._check_declared(stated)
        return stated

    @property
    def ranges(self) -> dict[str, Range]:
        """Between which bounds a numeric parameter must lie."""
        stated = self._stated.get("ranges", {})
        self._check_declared(stated)
        for name in stated:
            if (kind := self.declaration.parameters[name].type) not in ("int", "float"):
                raise UsageError(
                    f"{self.stem} states a range for '{name}', which is {kind}, no number."
                )
        try:
            return {name: Range.model_validate(bounds) for name, bounds in stated.items()}
        except ValidationError as error:
            raise UsageError(
                f"{self.stem} states a range that is none: {error.errors()[0]['msg']}. "
                'Write it as {"top_share": {"above": 0, "max": 1}}; keys: '
                f"{listing(Range.model_fields)}."
            ) from None

    def _check_declared(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.declaration.parameters:
                raise UsageError(
                    unknown(f"parameter of {self.stem}", name, self.declaration.parameters)
                )

    @cached_property
    def declaration(self) -> Declaration:
        """The parameters this notebook declares."""
        return parameters.declared(self.content["cells"], self.stem)


def _joined(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def every() -> list[Report]:
    """All reports in reading order. Raises UsageError when there are none, or two of one number."""
    found = [Report(path) for path in sorted(project.notebooks_folder().glob("*.ipynb"))]
    reports = [report for report in found if _NAME.match(report.stem)]
    if not reports:
        raise UsageError(
            f"No reports in {project.shown(project.notebooks_folder())}: "
            "a report is a notebook named NN_subject.ipynb, for example 03_segments.ipynb."
        )
    numbers = [report.number for report in reports]
    if twice := {number for number in numbers if numbers.count(number) > 1}:
        raise UsageError(f"Two notebooks carry the number {sorted(twice)[0]}; rename one of them.")
    return reports


def find(name: str, among: list[Report]) -> Report:
    """The report called `name`: by number (`03` or `3`), file name or subject.

    Raises UsageError naming the nearest and all there are.
    """
    wanted = name.strip().removesuffix(".ipynb")
    for report in among:
        if wanted in (report.stem, report.subject) or wanted.zfill(2) == report.number:
            return report
    raise UsageError(unknown("report", name, _names(among)))


def _names(reports: list[Report]) -> list[str]:
    return [name for report in reports for name in (report.stem, report.subject)]


def select(only: Iterable[str] = ()) -> list[Report]:
    """The reports named by `only`, each once and in reading order; all when it is empty."""
    reports = every()
    names = list(only)
    if not names:
        return reports
    wanted = {find(name, reports).stem for name in names}
    return [report for report in reports if report.stem in wanted]
