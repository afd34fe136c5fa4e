"""A proposal as the text of a `dataset.yml`, with its reasons as comments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crm_lib import schema
from crm_lib.init.proposal import Entry, Proposal, TableProposal

_COMMENT_AT = 38


def rendered(proposal: Proposal) -> str:
    """The whole file, valid YAML, one reason a line."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), trim_blocks=True, lstrip_blocks=True,
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True,
    )  # fmt: skip
    labels = "; ".join(dict.fromkeys(table.label for table in proposal.tables))
    text = environment.get_template("dataset.yml.j2").render(
        proposal=proposal, title=proposal.setting("title").value, labels=one_line(labels),
        line=_line, one_line=one_line, flow=flow, source=source_keys, pad=_pad,
        grain=lambda name: schema.table(name).grain,
    )  # fmt: skip
    return text.rstrip() + "\n"


def flow(value: Any) -> str:
    """A value on one line of YAML."""
    if value is None:
        return ""
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000
    )
    return text.removesuffix("\n").removesuffix("\n...")


def one_line(text: str) -> str:
    """Text from a file as part of a comment: a line break in it would end the comment."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def source_keys(table: TableProposal) -> dict[str, Any]:
    """The source as written: only what is not the default."""
    keys = table.source.model_dump(exclude_defaults=True)
    files = keys["files"]
    return keys | {"files": files[0] if len(files) == 1 else files}


def _pad(start: str) -> str:
    return " " * max(1, _COMMENT_AT - len(start))


def _line(entry: Entry, indent: str) -> str:
    start = f"{indent}{entry.key}: {flow(entry.value)}".rstrip()
    check = f"CHECK: {entry.check}" if entry.check and entry.value is not None else entry.check
    comment = one_line("; ".join(filter(None, [check, entry.because])))
    lines = [f"{start}{_pad(start)}# {comment}" if comment else start]
    for value, why in entry.others:
        other = f"{indent}# {entry.key}: {flow(value)}"
        lines.append(f"{other}{_pad(other)}# or: {one_line(why)}")
    return "\n".join(lines)
