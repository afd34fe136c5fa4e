"""Reading one GX suite: `expectations/<table>.json`, every key of it checked.

`{"name": …, "expectations": [{"type": …, "kwargs": {…}, "severity": "critical" | "warning",
"meta": {"rule_id": …, "because": …, "on_fail": "keep" | "quarantine", "tolerate": 0.01}}]}`
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crm_lib import project
from crm_lib.errors import UsageError, unknown
from crm_lib.quality.rule import OnFail, Severity

_SUITE_KEYS = ("name", "expectations", "meta", "notes", "id")


class Meta(BaseModel):
    """What a rule says beyond GX: its name, its reason, and what becomes of failing rows."""

    model_config = ConfigDict(extra="forbid")
    rule_id: str = Field(pattern=r"^[\w.-]+$")
    because: str = Field(min_length=1)
    on_fail: OnFail = "keep"
    tolerate: float = Field(default=0.0, ge=0, le=1)
    severity: Severity | None = None


class Expectation(BaseModel):
    """One expectation as written."""

    model_config = ConfigDict(extra="forbid")
    type: str
    kwargs: dict[str, Any] = {}
    severity: Severity | None = None
    meta: Meta
    description: str | None = None
    notes: Any = None
    id: str | None = None


@dataclass(frozen=True)
class Entry:
    """One expectation as read, with its place for error texts."""

    place: str
    type: str
    kwargs: dict[str, Any]
    severity: Severity
    meta: Meta


def read(path: Path) -> list[Entry]:
    """The expectations of the file. Raises UsageError for JSON that is broken, incomplete or misspelt."""
    place = project.shown(path)
    try:
        suite = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise UsageError(f"{place} is not valid JSON: {error}.") from None
    if not isinstance(suite, dict) or not isinstance(suite.get("expectations"), list):
        raise UsageError(f'{place} must hold {{"name": …, "expectations": [ … ]}}.')
    _check_keys(suite, _SUITE_KEYS, "key of a suite", place)
    return [
        _entry(item, f"{place}, expectation {at}")
        for at, item in enumerate(suite["expectations"], 1)
    ]


def _entry(item: Any, place: str) -> Entry:
    if not isinstance(item, dict):
        raise UsageError(f"{place}: must be an object with `type`, `kwargs` and `meta`.")
    _check_keys(item, Expectation.model_fields, "key of an expectation", place)
    if isinstance(item.get("meta"), dict):
        place = f"{place} ({item['meta'].get('rule_id', 'without rule_id')})"
        _check_keys(item["meta"], Meta.model_fields, "key of meta", place)
    try:
        written = Expectation.model_validate(item)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors()]
        raise UsageError(f"{place}: {'; '.join(faults)}.") from None
    return Entry(place, written.type, written.kwargs, _severity(written, place), written.meta)


def _severity(written: Expectation, place: str) -> Severity:
    said = {s for s in (written.severity, written.meta.severity) if s is not None}
    if len(said) != 1:
        fault = "twice, and differently" if said else "nowhere"
        raise UsageError(f'{place}: the severity is stated {fault}; write "critical" or "warning".')
    return said.pop()


def _check_keys(given: Iterable[str], known: Iterable[str], what: str, place: str) -> None:
    known = list(known)
    for name in given:
        if name not in known:
            raise UsageError(f"{place}: " + unknown(what, name, known))
