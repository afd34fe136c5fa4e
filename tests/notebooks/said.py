"""What a notebook says: its code cells executed in this process, what they show collected."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from crm_lib.present import show as door
from crm_lib.present.figures import canvas
from crm_lib.present.html import FINDING_MIME, METRICS_MIME, Html
from crm_lib.publishing import reports
from crm_lib.publishing.reports import Report
from crm_lib.publishing.store import EXPORTS_VARIABLE

_PICTURE = re.compile(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)")
_SVG_TEXT = re.compile(r"<text[^>]*>(.*?)</text>", re.DOTALL)
_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_ALT = re.compile(r'alt="([^"]*)"')
_TITLE = re.compile(r"<figcaption[^>]*>(.*?)</figcaption>", re.DOTALL)
NO_VALUE = re.compile(r"\b(?:nan|NaN|NaT|None|inf|Inf|<NA>|datetime|Decimal|Timestamp)\b|(?<!\w)—")
"""How Python writes what has no value; a reader never sees it."""


@dataclass
class Said:
    """What one notebook showed, wrote and left behind."""

    stem: str
    parts: list[Html] = field(default_factory=list)
    exports: dict[str, str] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All that a reader without pictures gets."""
        return "\n".join(part.text for part in self.parts)

    @property
    def finding(self) -> str:
        found = [
            part.data[FINDING_MIME]["sentence"] for part in self.parts if FINDING_MIME in part.data
        ]
        return "".join(found)

    @property
    def metrics(self) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for part in self.parts:
            merged |= part.data.get(METRICS_MIME, {})
        return merged

    @property
    def figures(self) -> list[Html]:
        return [part for part in self.parts if part.html.startswith("<figure")]

    @property
    def left_out(self) -> list[str]:
        """Sections that the data could not fill, in the notebook's words."""
        return [part.text for part in self.parts if part.text.startswith("Not part of this report")]

    @property
    def everything(self) -> tuple[str, dict[str, str]]:
        return self.text, self.exports


def visible(part: Html) -> Iterator[str]:
    """Every piece of text that a browser shows or reads out, the words inside pictures too."""
    yield part.text
    body = _STYLE.sub("", part.html)
    for picture in _PICTURE.findall(body):
        yield from _SVG_TEXT.findall(base64.b64decode(picture).decode())
    yield from _ALT.findall(body)
    yield html.unescape(_TAG.sub(" ", _PICTURE.sub("", body)))


def titles(figure: Html) -> list[str]:
    """The finding above a figure."""
    return [html.unescape(title) for title in _TITLE.findall(figure.html)]


def execute(
    stem: str,
    exports: Path,
    parameters: dict[str, Any],
    *,
    pictures: bool = True,
    until: str = "",
) -> Said:
    """Run the code cells of a real notebook; `parameters` replace the declared defaults.

    Two ways to be faster: without `pictures` figures have their words only; `until` names the last
    cell to run.
    """
    (report,) = reports.select([stem])
    said = Said(stem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door, "show", lambda *parts: said.parts.extend(parts))
        patch.setenv(EXPORTS_VARIABLE, str(exports))
        if not pictures:
            patch.setattr(canvas, "svg", lambda *drawing: b"<svg/>")
        for cell in _code(report):
            exec(compile(cell["source"], f"{stem}, cell {cell['id']}", "exec"), said.names)
            if "parameters" in cell["metadata"].get("tags", []):
                said.names |= report.declaration.check(parameters)
            if cell["id"] == until:
                break
    said.exports = {path.stem: path.read_text() for path in sorted(exports.iterdir())}
    return said


def _code(report: Report) -> list[dict[str, Any]]:
    return [cell for cell in report.content["cells"] if cell["cell_type"] == "code"]
