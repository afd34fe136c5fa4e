"""`crm init`: look at a user's files, propose a `dataset.yml` with its reasons, write it.

Nothing is guessed silently: every line says why, names what else it could be, and is marked CHECK
where the files do not decide it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ibis.backends.duckdb import Backend
from rich.console import Console

from crm_lib import dataset, engine, project, staging
from crm_lib.errors import CrmError, UsageError, listing
from crm_lib.init import columns, derived, files, settings, show, tables, text
from crm_lib.init.proposal import Entry, Preview, Proposal, TableProposal

__all__ = ["Entry", "Preview", "Proposal", "TableProposal", "propose", "run", "write"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def propose(paths: Sequence[str | Path], *, name: str = "shop") -> Proposal:
    """A `dataset.yml` for the files: which is which table, which raw column which canonical one.

    Raises SourceError for a file that is not there or cannot be read. What cannot be found is not
    an error: its line has no value (`Proposal.missing`).
    """
    with tempfile.TemporaryDirectory(prefix="crm-init-") as folder:
        scratch = Path(folder)
        backend = engine.connect(scratch)
        raw = files.open_all(paths, backend, scratch)
        roles, unused = tables.assigned(raw)
        made = tuple(tables.proposed(role, table) for role, table in roles.items())
        made = tables.related(made, roles)
        lines, raw_lines = made[0], roles["lines"]
        for role in ("customers", "products"):
            if role not in roles and (more := derived.proposed(role, raw_lines, lines)):
                made = (*made, more)
        lines = tables.without_used(lines, made)
        kept = settings.proposed(name, raw_lines, lines)
        draft = Proposal(
            (*kept, *settings.refined(None, raw_lines, lines)), (lines, *made[1:]), tuple(unused)
        )
        preview, trouble = _read(draft, backend, scratch)
        if preview is None:
            return replace(draft, trouble=trouble)
        shown = tuple(_with_unread(entry, preview) for entry in lines.columns)
        kept = tuple(
            settings.with_hours(entry, preview) if entry.key == "time_zone" else entry
            for entry in kept
        )
        return replace(
            draft,
            settings=(*kept, *settings.refined(preview, raw_lines, lines)),
            tables=(replace(lines, columns=shown), *draft.tables[1:]),
            preview=preview,
        )


def _read(draft: Proposal, backend: Backend, scratch: Path) -> tuple[Preview | None, str]:
    """The draft read as the product will read it, or why it cannot be."""
    path = scratch / "draft" / "dataset.yml"
    path.parent.mkdir()
    path.write_text(text.rendered(draft), encoding="utf-8")
    try:
        config = dataset.read(path)
        staged = {name: staging.stage(name, config, backend, scratch) for name in config.tables}
        return settings.previewed(staged["lines"], config.observed_from), ""
    except CrmError as error:
        return None, str(error).removeprefix("dataset.yml: ")


def _with_unread(entry: Entry, preview: Preview) -> Entry:
    if entry.key not in preview.unreadable:
        return entry
    count, example = preview.unreadable[entry.key]
    trouble = (
        f"{count:,} of {preview.lines:,} cells cannot be read, such as {columns.form(example)}"
    )
    return replace(entry, check="; ".join(filter(None, [entry.check, trouble])))


def write(name: str, proposal: Proposal, *, force: bool = False) -> Path:
    """Write `data/<name>/dataset.yml` and return its path.

    Raises UsageError for a name that is no folder name, and for a file that is there already
    unless `force`.
    """
    check_name(name, force=force)
    path = project.data_folder() / name / "dataset.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rendered(proposal), encoding="utf-8")
    return path


def check_name(name: str, *, force: bool = False) -> None:
    """Raise UsageError unless a data set of this name can be written."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot name a data set: use lower-case letters, digits, '_' and '-', "
            "for example 'my_shop'."
        )
    path = project.data_folder() / name / "dataset.yml"
    if path.exists() and not force:
        raise UsageError(
            f"{project.shown(path)} is there already; --force writes it anew, and your changes to "
            f"it are lost. Data sets: {listing(dataset.names())}."
        )


def run(
    name: str, paths: Sequence[str | Path], *, force: bool = False, console: Console | None = None
) -> Path:
    """`crm init NAME FILE…`: propose, show the reasons, write, and say what to do next."""
    out = console or Console()
    check_name(name, force=force)
    with out.status("Looking at the files …"):
        proposal = propose(paths, name=name)
    path = write(name, proposal, force=force)
    show.proposal(proposal, out)
    show.next_steps(name, proposal, project.shown(path), out)
    return path
