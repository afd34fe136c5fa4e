"""The scoreboard: what the analyses find in a simulated company against what was planted in it.

Each subject is a module with `NAME`, `WHOLE_WINDOW` and `rows(truth, book)`; a later analysis adds
its own module to `SUBJECTS`.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from crm_lib import dataset as datasets
from crm_lib.book import Book, open_book
from crm_lib.errors import UsageError
from crm_lib.score import (
    comebacks,
    cuts,
    delivery,
    groups,
    histories,
    lifetime,
    profit,
    quality,
    stages,
    tenure,
    totals,
)
from crm_lib.score import truth as truths
from crm_lib.score.row import Row, Subject
from crm_lib.score.truth import Truth

SUBJECTS: tuple[Subject, ...] = (
    totals,
    histories,
    profit,
    quality,
    cuts,
    groups,
    stages,
    comebacks,
    tenure,
    lifetime,
)

COLUMNS = ("subject", "measure", "planted", "found", "tolerance", "holds", "note")


def board(dataset: str, as_of: date) -> pd.DataFrame:
    """The scoreboard of a simulated company as of a day: one row a comparison, by subject.

    subject, measure; planted, found, tolerance (texts with units); holds: whether the found lies
    within the tolerance, None where there is nothing to judge; note. Before another day than the end
    of the window, subjects whose truth is over the whole window are listed, but not compared.
    Raises UsageError for a data set without a truth, limited to a scope, or changed since written.
    """
    declared = datasets.load(dataset)
    truths.folder_of(declared)
    if declared.scope:
        raise UsageError(
            f"dataset.yml limits '{dataset}' to order lines where {declared.scope}, but the truth is "
            "of all of them. Take `scope:` out to score it."
        )
    delivery.refuse_corrections(declared)
    book = open_book(dataset, as_of=as_of)
    truth = Truth(declared, book.backend)
    rows = [
        (subject.NAME, row.measure, row.planted, row.found, row.tolerance, row.holds, row.note)
        for subject in SUBJECTS
        for row in _compared(subject, truth, book)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"holds": object})


def _compared(subject: Subject, truth: Truth, book: Book) -> list[Row]:
    if subject.WHOLE_WINDOW and book.as_of != truth.ends:
        note = f"Not compared: this truth is over the whole window, so only before {truth.ends}."
        return [Row("everything", "", "", "", None, note)]
    return subject.rows(truth, book)
