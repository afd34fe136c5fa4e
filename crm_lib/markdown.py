"""Markdown for the documents made from declarations: tables, and names set as code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; line breaks and bars within cells are taken out."""
    cells = [[" ".join(str(cell).split()).replace("|", "\\|") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def code(name: object) -> str:
    return f"`{name}`"


def listed(names: Iterable[object]) -> str:
    return ", ".join(map(code, names))
