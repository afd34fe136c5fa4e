"""Tenure: what the same customers brought in each year of the relationship, against what was planted.

The truth knows to the hour when a customer left, its tables only to the day. So of those who left
within a day of an anniversary it cannot be told here whether they stayed all of the year; what was
planted must lie between the sums without and with them.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.analysis import tenure
from crm_lib.book import Book
from crm_lib.engine import collect
from crm_lib.errors import NotInData
from crm_lib.periods import YEAR_DAYS
from crm_lib.present import words
from crm_lib.score.row import Row
from crm_lib.score.truth import Truth

NAME = "Tenure"
WHOLE_WINDOW = True
LATE = 4
SUMS = ("revenue_first_year", "revenue", "margin_first_year", "margin")
CENT = 0.005


def rows(truth: Truth, book: Book) -> list[Row]:
    """Sums of each year over those truly there for all of it, then the later year against the first."""
    if truth.is_dirty:
        return [Row("sums by year", "", "", "", None, "The delivery is damaged: its sums differ.")]
    years = tenure.years(book.lines, book.ledger, book.customers, observed=book.observed)
    planted = collect(truth.table("tenure"))
    found = [_year(row, years, truth, book) for row in planted.itertuples()]
    return [*found, *_growth(planted, years, book)]


def _year(planted: pd.Series, years: ir.Table, truth: Truth, book: Book) -> Row:
    """The planted sums of one year between those of the customers surely and perhaps there."""
    there = _lasting(truth, book, int(planted.year))
    own = years.group_by("customer_id").agg(**_sums(years, int(planted.year)))
    joined = there.left_join(own, "customer_id")
    sure, perhaps = joined.is_sure, ~joined.is_sure
    bounds = collect(
        joined.agg(
            customers=sure.sum().fill_null(0),
            customers_open=perhaps.sum().fill_null(0),
            **{name: joined[name].sum(where=sure).fill_null(0) for name in SUMS},
            **{f"{n}_less": joined[n].clip(upper=0).sum(where=perhaps).fill_null(0) for n in SUMS},
            **{f"{n}_more": joined[n].clip(lower=0).sum(where=perhaps).fill_null(0) for n in SUMS},
        )
    ).iloc[0]
    low = {name: bounds[name] + bounds[f"{name}_less"] for name in SUMS}
    high = {name: bounds[name] + bounds[f"{name}_more"] for name in SUMS}
    counted = 0 <= planted.customers - bounds.customers <= bounds.customers_open
    within = [low[n] - CENT <= float(getattr(planted, n)) <= high[n] + CENT for n in SUMS]
    return Row(
        f"gross margin of year {planted.year}, same customers",
        f"{_money(planted.margin, book)} of {words.count(planted.customers)} customers",
        f"{_money(low['margin'], book)} to {_money(high['margin'], book)}",
        "within",
        bool(counted and all(within)),
        f"{words.count(bounds.customers_open)} left within a day of an anniversary; the first year and "
        "revenue are compared as well.",
    )


def _sums(years: ir.Table, year: int) -> dict[str, ir.Value]:
    parts = {"revenue": years.revenue, "margin": years.gross_profit}
    late = {name: value.sum(where=years.year == year) for name, value in parts.items()}
    first = {f"{n}_first_year": value.sum(where=years.year == 1) for n, value in parts.items()}
    return {name: value.fill_null(0).cast("float64") for name, value in {**late, **first}.items()}


def _lasting(truth: Truth, book: Book, years: int) -> ir.Table:
    """Customers who stayed so many years in their first spell: customer_id, is_sure."""
    spells = truth.table("spells")
    first = spells.filter(spells.spell == 1)
    left = ibis.coalesce(first.left_on, ibis.literal(book.as_of))
    days = left.delta(first.began_on, unit="day")
    whole = years * YEAR_DAYS
    return first.select("customer_id", days=days, is_sure=days - 1 >= whole).filter(
        ibis._.days + 1 > whole
    )


def _growth(planted: pd.DataFrame, years: ir.Table, book: Book) -> list[Row]:
    """How the later year compares with the first: planted in margin, found in profit, not judged."""
    late = planted[planted.year == LATE]
    if late.empty:
        return []
    try:
        paired = tenure.paired(years, book.customers, observed=book.observed, late=LATE)
    except NotInData as few:
        return [Row(f"year {LATE} ÷ year 1", "", "", "", None, str(few))]
    found = paired.set_index("group")
    row, first = late.iloc[0], float(late.iloc[0].margin_first_year)
    stayed = found.loc["stayed"]
    return [
        Row(
            f"year {LATE} ÷ year 1, those who stayed",
            f"{words.ratio(float(row.margin) / first if first > 0 else None)} in gross margin",
            f"{words.ratio(stayed.ratio)} in profit ({words.ratio(stayed.low)} to {words.ratio(stayed.high)})",
            "",
            None,
            f"Planted: of those truly there; found: of those who bought in year {LATE}. Pooled over "
            f"different customers it would look like {words.ratio(found.loc['pooled'].ratio)}.",
        )
    ]


def _money(amount: object, book: Book) -> str:
    return words.money(float(amount), book.dataset.currency, digits=2)  # type: ignore[arg-type]
