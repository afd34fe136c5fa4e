"""What the planted defects did to the order lines: how many, worth how much, and whose.

The truth says where each defect is and what it changed of the amounts. Discounts and costs of the rows
that were set aside, and the rows of a file that came late, are read where they lie.
"""

from __future__ import annotations

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np

from crm_lib.book import Book
from crm_lib.parts import PART_BITS
from crm_lib.score import delivery
from crm_lib.score.truth import Truth

MEASURES = ("lines", "revenue", "returns", "discount", "cost")
_MONEY = dt.Decimal(18, 2)
_MONTH = r"(\d{4}-\d{2})/[^/]*$"
"""The month that a file of order lines lies under."""


def located(truth: Truth, book: Book, table: str) -> ir.Table:
    """The defects of single rows of a table, with the `row_id` of the staged row that has each."""
    planted = delivery.defects(truth)
    planted = planted.filter(planted.table == table, planted.row.notnull())
    staged = book.staged(table)
    read = staged.select(label="source_file", number=staged.row_id >> PART_BITS).distinct()
    named = planted.select("file").distinct()
    # A label names the same file from the project's folder, or from the folders' common one.
    is_same = read.label.endswith(named.file) | named.file.endswith(read.label)
    at = planted.join(named.join(read, is_same).select("file", "number"), "file")
    return at.mutate(row_id=(at.number << PART_BITS) + at.row).drop("number")


def changes(truth: Truth, book: Book) -> ir.Table:
    """One row a month with a defect: what defects add to each of `MEASURES` of the accepted lines."""
    rows = _of_rows(truth, book)
    late = _late(truth)
    if late is not None:
        rows = rows.union(_of_late(late))
    return rows.group_by("month").agg(**{name: rows[name].sum() for name in MEASURES})


def touched(truth: Truth, book: Book) -> ir.Table:
    """The customers whose history a defect of their order lines may change: customer_id, distinct."""
    spoilt = _with_cells(truth, book)
    telling = (spoilt.fate != "kept") | spoilt.column.isin(["customer_id", "amount", "cost"])
    spoilt = spoilt.filter(telling & (spoilt.kind != "duplicate"))
    is_id = spoilt.column == "customer_id"
    whose = spoilt.select(customer_id=is_id.ifelse(spoilt.was, spoilt.customer_id))
    late = _late(truth)
    if late is not None:
        whose = whose.union(late.select("customer_id"))
    return whose.distinct()


def longest_gap_days(truth: Truth, book: Book) -> int:
    """The longest run of days without an order line that the company and its planted defects leave.

    Counted from the lines as they are read, without the rows that defects set aside.
    """
    lines = book.staged("lines")
    if truth.is_dirty:
        spoilt = located(truth, book, "lines")
        lines = lines.anti_join(spoilt.filter(spoilt.fate == "quarantined"), "row_id")
    days = lines.filter(lines.ordered_at < ibis.literal(book.as_of))
    days = days.select(day=days.ordered_at.cast(dt.date)).distinct()
    known = np.sort(days.to_pyarrow()["day"].to_numpy().astype("datetime64[D]").astype(np.int64))
    return int(np.diff(known).max(initial=1)) - 1


def strangers(truth: Truth) -> ir.Table:
    """The mistyped ids that order lines hold in place of customers' own: customer_id, distinct."""
    planted = delivery.defects(truth)
    wrong = planted.filter(
        planted.table == "lines", planted.column == "customer_id", planted.now.notnull()
    )
    return wrong.select(customer_id="now").distinct()


def _with_cells(truth: Truth, book: Book) -> ir.Table:
    """The defects of order lines with whose line it is, and its discount and cost as delivered."""
    cells = book.staged("lines").select("row_id", "customer_id", "discount", "cost")
    return located(truth, book, "lines").join(cells, "row_id")


def _of_rows(truth: Truth, book: Book) -> ir.Table:
    """One row a defect of a single line: its month and what it adds to each measure."""
    spoilt = _with_cells(truth, book)
    is_lost = (spoilt.fate == "quarantined") & (spoilt.kind != "duplicate")
    is_price = (spoilt.fate == "kept") & (spoilt.column == "amount")
    is_cost = (spoilt.fate == "kept") & (spoilt.column == "cost")
    more_cost = spoilt.now.try_cast(_MONEY) - spoilt.was.try_cast(_MONEY)
    zero = ibis.literal(0).cast(_MONEY)
    return _measured(
        spoilt,
        "file",
        lines=is_lost.ifelse(-1, 0),
        revenue=spoilt.money,
        # Set aside, a return is missing; with its sign turned, a price counts as one.
        returns=ibis.cases(
            (is_lost, -ibis.greatest(spoilt.money, zero)),
            (is_price, -spoilt.now.try_cast(_MONEY)),
            else_=zero,
        ),
        discount=is_lost.ifelse(-spoilt.discount, zero),
        cost=ibis.cases((is_lost, -spoilt.cost), (is_cost, more_cost), else_=zero),
    )


def _late(truth: Truth) -> ir.Table | None:
    """The lines of the files that have not come yet; None where no file is late."""
    planted = delivery.defects(truth)
    found = planted.filter(planted.fate == delivery.LATE).select("file").to_pyarrow()
    paths = [truth.folder.parent / str(file) for file in found["file"].to_pylist()]
    if not paths:
        return None
    return truth.backend.read_parquet(sorted(paths), filename=True)


def _of_late(late: ir.Table) -> ir.Table:
    """The same for each line of a late file: all of it is missing."""
    money = {name: late[name].cast(_MONEY) for name in ("amount", "discount", "cost")}
    return _measured(
        late,
        "filename",
        lines=ibis.literal(-1),
        revenue=-money["amount"],
        returns=ibis.least(money["amount"], ibis.literal(0).cast(_MONEY)),
        discount=-money["discount"],
        cost=-money["cost"],
    )


def _measured(rows: ir.Table, file: str, **measures: ir.Value) -> ir.Table:
    """The measures beside the month of the file, in types that can be put below each other."""
    month = (rows[file].re_extract(_MONTH, 1) + "-01").cast(dt.date)
    types = {name: dt.int64 if name == "lines" else _MONEY for name in MEASURES}
    return rows.select(month=month, **{name: measures[name].cast(types[name]) for name in MEASURES})
