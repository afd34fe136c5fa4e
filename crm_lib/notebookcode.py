"""Which declared analyses a notebook uses, read from its code without running it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_lib import project
from crm_lib.errors import UsageError

OPTIONAL = "if_possible"
"""`with crm.if_possible():` marks a section that a report can do without."""


@dataclass(frozen=True)
class Use:
    """One analysis (`module.function`) in a notebook; optional when only `if_possible` sections call it."""

    analysis: str
    optional: bool


def title(path: Path) -> str:
    """The title that the notebook states in its metadata, else one made of its file name."""
    stated = _content(path).get("metadata", {}).get("crm", {}).get("title")
    return str(stated or path.stem.partition("_")[2].replace("_", " ").capitalize() or path.stem)


def uses(path: Path, known: set[str]) -> list[Use]:
    """The analyses among `known` that the notebook calls, sorted.

    Raises UsageError for a file that is no notebook, or a code cell that is no Python.
    """
    found: dict[str, bool] = {}
    for position, cell in enumerate(_content(path)["cells"], 1):
        if cell.get("cell_type") != "code":
            continue
        for call, optional in _calls(
            _parsed(cell, f"{project.shown(path)}, cell {position}"), False
        ):
            if call in known:
                found[call] = found.get(call, True) and optional
    return [Use(analysis, found[analysis]) for analysis in sorted(found)]


def _content(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        content["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{project.shown(path)} is not a notebook: {error!r}.") from None
    return content


def _parsed(cell: dict[str, Any], place: str) -> ast.Module:
    source = "".join(cell.get("source", ""))
    lines = ["" if line.startswith(("%", "!")) else line for line in source.splitlines()]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError as error:
        raise UsageError(f"{place} is not Python: {error.msg} (line {error.lineno}).") from None


def _calls(node: ast.AST, optional: bool) -> Iterator[tuple[str, bool]]:
    """Every `….module.function` named below `node`, and whether it stands in an optional section."""
    if isinstance(node, ast.With) and any(_is_optional(item) for item in node.items):
        optional = True
    if isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Attribute, ast.Name)):
        owner = node.value.attr if isinstance(node.value, ast.Attribute) else node.value.id
        yield f"{owner}.{node.attr}", optional
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, optional)


def _is_optional(item: ast.withitem) -> bool:
    call = item.context_expr
    function = call.func if isinstance(call, ast.Call) else call
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return bool(name == OPTIONAL)
