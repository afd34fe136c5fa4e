"""The page `reports/verified.html`: the same table as the command prints."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from crm_lib import project
from crm_lib.present import words
from crm_lib.publishing import pages
from crm_lib.publishing.render import page_html
from crm_lib.publishing.store import write_atomically
from crm_lib.verify import show
from crm_lib.verify.check import Result


def html(results: Sequence[Result], origin: str) -> str:
    """The page: the conclusion, what fails, then every check by subject."""
    rows = [
        {
            "subject": subject,
            "source": source,
            "rows": [_row(result) for result in group],
        }
        for subject, source, group in show.by_subject(results)
    ]
    software = [f"Python {platform.python_version()}"]
    software += [f"{name} {metadata.version(name)}" for name in ("numpy", "pandas", "scipy")]
    return page_html(
        "verified.html.j2",
        conclusion=show.conclusion(results),
        failing=[_row(result) for result in results if not result.holds],
        subjects=rows,
        columns=show.COLUMNS,
        origin=origin,
        software=", ".join(software),
        generated_at=words.moment(datetime.now(UTC).isoformat(timespec="seconds")),
    )


def _row(result: Result) -> dict[str, object]:
    return {"subject": result.check.subject, "holds": result.holds, "cells": show.cells(result)}


def write(results: Sequence[Result], origin: str) -> Path:
    """Write the page into the reports folder and link it from the history. Returns its path.

    UsageError outside a project.
    """
    folder = project.reports_folder()
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / pages.VERIFIED, html(results, origin))
    pages.write_history(folder)
    return folder / pages.VERIFIED
