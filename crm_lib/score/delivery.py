"""The delivery as it lies now: whether it still is the one whose defects the truth lists."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import ibis.expr.types as ir

from crm_lib import corrections, project, sourcefiles
from crm_lib.dataset import Dataset
from crm_lib.engine import collect
from crm_lib.errors import UsageError, listing
from crm_lib.score.truth import Truth

LATE = "late"
DELIVERED = "delivered"
"""The fate of a late file once it lies where it is read."""


class _LateFile(NamedTuple):
    """Where a late file lay when the company was written, and where it was to lie."""

    waiting: Path
    due: Path


def refuse_corrections(dataset: Dataset) -> None:
    """Raises UsageError where corrected rows are re-admitted: the truth knows none of them."""
    files = [corrections.path(dataset.name, table) for table in dataset.tables]
    if found := [project.shown(file) for file in files if file.is_file()]:
        raise UsageError(
            f"{listing(found)} changes what was delivered; scores are of the delivery as written. "
            "Move it away to score."
        )


def defects(truth: Truth) -> ir.Table:
    """The planted defects, those of files that came late with the fate `DELIVERED` once they came.

    Raises UsageError when only some of these files came, or one lies elsewhere.
    """
    planted = truth.table("defects")
    if not _have_come(truth, planted):
        return planted
    fate = (planted.fate == LATE).ifelse(DELIVERED, planted.fate)
    return planted.mutate(fate=fate)


def _have_come(truth: Truth, planted: ir.Table) -> bool:
    """Whether the late files are among those that are read; False, too, where none was late."""
    listed = collect(planted.filter(planted.fate == LATE).select("file", "was", "now"))
    home = truth.folder.parent
    late = [
        _LateFile(home / row.file, home / row.was / Path(row.file).relative_to(row.now))
        for row in listed.itertuples()
    ]
    source = truth.dataset.tables["lines"].source
    read = {file.path.resolve() for file in sourcefiles.files(source)} if late and source else set()
    came = [{file.waiting.resolve(), file.due.resolve()} & read for file in late]
    astray = [
        file for file, at in zip(late, came, strict=True) if not at and not file.waiting.is_file()
    ]
    if astray or (any(came) and not all(came)):
        file = (astray or late)[0]
        raise UsageError(
            f"What came late of '{truth.dataset.name}' neither lies whole in "
            f"{project.shown(home / listed['now'].iloc[0])} nor is read whole: the delivery is not the "
            f"one that truth/ describes. Move {file.waiting.name} back to "
            f"{project.shown(file.waiting.parent)}, or to {project.shown(file.due.parent)}, to score it."
        )
    return bool(late) and all(came)
