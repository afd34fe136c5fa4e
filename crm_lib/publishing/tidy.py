"""An executed notebook made fit to keep: nothing volatile, no path of this machine, no stderr."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from crm_lib import project

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_PATH = re.compile(
    r"(?:(?<=\s)|(?<=['\"(<=])|^)(?:/|[A-Za-z]:\\)[\w.@~+-]+(?:[/\\][\w.@~+ -]*[\w.@~+-])+"
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|‘[^’]*’|“[^”]*”")
_NUMBER = re.compile(r"\d[\d.,:-]*")
_KEPT_METADATA = ("kernelspec", "language_info", "crm")
_OUR_WORDS = ("UsageError", "NotInData", "CriticalDataFailure")
"""Errors whose texts are ours and speak of names (columns, parameters), not of values in rows."""


def tidied(nb: NotebookNode) -> NotebookNode:
    """`nb` itself, with times, memory addresses, local paths and stderr taken out."""
    for name in [name for name in nb.metadata if name not in _KEPT_METADATA]:
        del nb.metadata[name]
    for cell in nb.cells:
        for volatile in ("papermill", "execution", "ExecuteTime"):
            cell.metadata.pop(volatile, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
        if cell.cell_type == "code":
            cell.outputs = [_tidied(out) for out in cell.outputs if out.get("name") != "stderr"]
    return nb


def _tidied(output: NotebookNode) -> NotebookNode:
    if "text" in output:
        output.text = without_paths(_ADDRESS.sub("0x…", _joined(output.text)))
    data = output.get("data", {})
    if "text/html" in data:
        # The plain form repeats the same facts with names as they stand, markup and all.
        data.pop("text/plain", None)
    for mime, content in data.items():
        if mime.startswith("text/"):
            data[mime] = _without_known_paths(_ADDRESS.sub("0x…", _joined(content)))
    return output


def _joined(text: str | Sequence[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _known_folders() -> list[str]:
    """Folders of this machine that an output may name, longest first."""
    folders = {project.root(), Path.home(), Path(sys.prefix), Path(tempfile.gettempdir()),
               project.reports_folder().resolve(), project.cache_folder().resolve(),
               Path(__file__).resolve().parents[2]}  # fmt: skip
    if data := os.environ.get("CRM_DATA"):
        folders.add(Path(data).resolve())
    named = {str(folder) for folder in folders if len(folder.parts) > 1}
    return sorted(named, key=len, reverse=True)


def _without_known_paths(text: str) -> str:
    for folder in _known_folders():
        text = re.sub(re.escape(folder) + r"(?=[/\\\s'\"<:)]|$)", "…", text)
    return text


def without_paths(text: str) -> str:
    """`text` with every absolute path of a file replaced by its last part."""
    return _PATH.sub(lambda match: re.split(r"[/\\]", match.group(0))[-1], text)


def without_values(text: str) -> str:
    """`text` with quoted pieces and numbers taken out, for they may be values of someone's row."""
    return _NUMBER.sub("#", _QUOTED.sub("'…'", text))


def short_error(kind: str, text: str, longest: int = 300) -> str:
    """One line that says what went wrong and shows no row, value or path of this machine.

    kind: the exception's class name. Texts of our own errors name columns and parameters and are
    kept; any other text loses its quoted pieces and numbers.
    """
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    line = without_paths(lines[0]) if lines else ""
    if kind not in _OUR_WORDS:
        line = without_values(line)
    line = line if len(line) <= longest else line[: longest - 1] + "…"
    return f"{kind}: {line}" if line else kind


def heading_before(cells: Sequence[Any], index: int) -> str:
    """The nearest Markdown heading at or above cell `index`; empty when there is none."""
    for cell in reversed(list(cells)[: index + 1]):
        if cell["cell_type"] == "markdown":
            for line in reversed(cell["source"].splitlines()):
                if match := re.match(r"#{1,6}\s+(.+)", line):
                    return match.group(1).strip(" #")
    return ""
