"""What must not matter does not: row order, what was recorded later, the unit of money, the file format."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest

from crm_lib import ledger
from crm_lib.analysis import (
    cohorts,
    concentration,
    dashboard,
    decomposition,
    flow,
    profiles,
    profit,
    repeat,
    segments,
    stages,
)
from crm_lib.book import Book, open_book
from crm_lib.engine import collect
from crm_lib.periods import compared
from tests.conftest import ROOT
from tests.notebooks import synthetic
from tests.notebooks.synthetic import Row, Tables

pytestmark = pytest.mark.xdist_group("invariance")

State = dict[str, pd.DataFrame]


# --- the state of a book ------------------------------------------------------------------------


def state(name: str) -> State:
    """Everything that reports are made of, as of the day, in a fixed order."""
    book = open_book(name, as_of=synthetic.AS_OF)
    facts = (book.months, book.customer_months, book.customers)
    scored = segments.rfm(book.customers)
    staged = stages.stage(book.customers)
    after, before = compared(book.observed, months=3)
    value = {"measure": "revenue", **book.span}
    found = {
        "customers": book.customers,
        "customer_months": book.customer_months,
        "occasions": book.occasions,
        "months": book.months,
        "days": book.days,
        "rfm": scored,
        "segments": segments.sizes(scored),
        "cut_points": segments.cut_points(book.customers).frame(),
        "tiers": segments.value_tiers(book.customers),
        "lorenz": concentration.lorenz(book.customers, points=20),
        "ranked": concentration.ranked(book.customers),
        "stages": staged,
        "stage_sizes": stages.sizes(staged, book.customers),
        "at_risk": stages.at_risk(staged, book.customers),
        "cohorts": cohorts.triangle(book.customer_months, book.customers, **book.span),
        "cohort_revenue": cohorts.triangle(book.customer_months, book.customers, **value),
        "ladder": repeat.ladder(book.customers, book.occasions),
        "second": repeat.time_to_second(book.customers),
        "flow": flow.monthly(book.customer_months, book.customers, book.months, **book.span),
        "measures": dashboard.measures(*facts, **book.span),
        "effects": decomposition.decompose(book.lines, before=before, after=after),
        "profile": profiles.by(book.profile, "region"),
        "concentration": pd.DataFrame(
            {
                "gini": [concentration.gini(book.customers)],
                "hhi": [concentration.hhi(book.customers)],
            }
        ),
        "ledger": book.ledger,
        "profit": profit.by_customer(book.ledger),
        "verdict": _verdict(book),
        **{
            each: _table(book, each)
            for each in ("contacts", "exposures", "campaigns")
            if book.has(each)
        },
    }
    frames = {
        key: table if isinstance(table, pd.DataFrame) else collect(table)
        for key, table in found.items()
    }
    return {key: _in_order(frame) for key, frame in frames.items()}


def _verdict(book: Book) -> pd.DataFrame:
    """What was accepted and set aside of each table, and what every rule found."""
    counts = [
        (count.table, part, getattr(count, part).rows, getattr(count, part).money)
        for count in book.verdict.tables
        for part in ("accepted", "quarantined", "out_of_scope")
    ]
    rules = [(o.rule_id, o.result, o.failing_rows, o.money) for o in book.verdict.outcomes]
    frame = pd.DataFrame(counts + rules, columns=["of", "what", "rows", "money"])
    return frame.astype({"money": float})


def _table(book: Book, name: str) -> pd.DataFrame:
    return collect(book.table(name).drop("row_id"))


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(list(frame.columns), ignore_index=True)


def differing(one: State, other: State, tolerance: float = 0.0) -> list[str]:
    """The names of the frames that are not equal."""
    found = []
    for name in one:
        try:
            pd.testing.assert_frame_equal(
                one[name], other[name], check_exact=not tolerance, rtol=tolerance or 1e-5, atol=0
            )
        except AssertionError as error:
            found.append(f"{name}: {error}")
    return found


# --- one company in many guises -----------------------------------------------------------------


def _shuffled(tables: Tables) -> Tables:
    order = random.Random(4)
    return {name: order.sample(rows, len(rows)) for name, rows in tables.items()}


def _later(tables: Tables) -> Tables:
    """The same company with everything that was recorded on the day of the report or after."""
    line = tables["lines"][0]
    lines = [
        {**line, "order": "o95001", "when": "2024-01-01 00:00:00"},
        {**line, "order": "o95002", "when": "2024-01-20 10:00:00", "amount": "n/a"},
        {**line, "order": "", "when": "2024-02-02 10:00:00", "customer": "c950"},
        {
            **line,
            "order": "o95003",
            "when": "2024-02-03 10:00:00",
            "customer": "",
            "amount": "-9.99",
        },
    ]
    person = {
        "customer": "c950", "name": "Later", "region": "south", "size": "small",
        "source": "search", "won_for": "99.00",
    }  # fmt: skip
    people = [
        {**person, "acquired": "2024-01-01"},
        {**tables["customers"][0], "region": "moved", "acquired": "2024-01-09"},
    ]
    contact, exposure = tables["contacts"][0], tables["exposures"][0]
    return {
        **tables,
        "lines": lines[:2] + tables["lines"] + lines[2:],
        "customers": people + tables["customers"],
        "contacts": [_filled(row, "resolved", "2024-01-15 17:00:00") for row in tables["contacts"]]
        + [{**contact, "at": "2024-01-02 09:00:00", "resolved": "2024-01-03 09:00:00"}],
        "campaigns": [
            *tables["campaigns"],
            {
                **tables["campaigns"][0],
                "campaign": "winter",
                "starts": "2024-01-01",
                "ends": "2024-01-31",
            },
        ],
        "exposures": [
            _filled(row, "redeemed", "2024-01-01 00:00:00") for row in tables["exposures"]
        ]
        + [{**exposure, "campaign": "winter", "sent": "2024-01-05 08:00:00", "redeemed": ""}],
    }


def _filled(row: Row, name: str, text: str) -> Row:
    return {**row, name: row[name] or text}


def _times(tables: Tables, factor: str) -> Tables:
    def scaled(row: Row) -> Row:
        amounts = [name for name in ("amount", "cost", "discount", "won_for") if name in row]
        return {**row, **{name: _product(row[name], factor) for name in amounts}}

    return {name: [scaled(row) for row in rows] for name, rows in tables.items()}


def _product(text: str, factor: str) -> str:
    try:
        return str(Decimal(text) * Decimal(factor))
    except ArithmeticError:
        return text


Files = dict[str, str | bytes]


def _csv(tables: Tables) -> Files:
    return {f"{name}.csv": synthetic.as_csv(rows) for name, rows in tables.items()}


def _in_three(tables: Tables) -> Files:
    lines = tables["lines"]
    parts = {f"lines_{i}.csv": synthetic.as_csv(lines[i::3]) for i in range(3)}
    return {**{k: v for k, v in _csv(tables).items() if k != "lines.csv"}, **parts}


def _typed(rows: list[Row]) -> pd.DataFrame:
    frame = pd.DataFrame(rows).replace("", None)
    times = [
        name
        for name in ("when", "acquired", "at", "resolved", "starts", "ends", "sent", "redeemed")
        if name in frame
    ]
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in times})


def _parquet(tables: Tables) -> Files:
    found: Files = {}
    for name, rows in tables.items():
        buffer = BytesIO()
        _typed(rows).to_parquet(buffer)
        found[f"{name}.parquet"] = buffer.getvalue()
    return found


def _excel(tables: Tables) -> Files:
    found: Files = {}
    for name, rows in tables.items():
        frame = _typed(rows)
        for column in [c for c in ("amount", "quantity", "cost", "discount") if c in frame]:
            numbers = pd.to_numeric(frame[column], errors="coerce")
            frame[column] = numbers.astype(object).where(numbers.notna(), frame[column])
        buffer = BytesIO()
        frame.to_excel(buffer, index=False)
        found[f"{name}.xlsx"] = buffer.getvalue()
    return found


GUISES: dict[str, tuple[Callable[[Tables], Files], str]] = {
    "usual": (_csv, "csv"),
    "shuffled": (lambda tables: _csv(_shuffled(tables)), "csv"),
    "later": (lambda tables: _csv(_later(tables)), "csv"),
    "hundredfold": (lambda tables: _csv(_times(tables, "100")), "csv"),
    "hundredth": (lambda tables: _csv(_times(tables, "0.01")), "csv"),
    "in_three": (_in_three, "csv"),
    "parquet": (_parquet, "parquet"),
    "excel": (_excel, "xlsx"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("invariance")
    for shared in ("notebooks", "expectations"):
        (folder / shared).symlink_to(ROOT / shared)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_HOME", str(folder))
        for variable in ("CRM_CACHE", "CRM_REPORTS"):
            patch.delenv(variable, raising=False)
        yield folder


def in_guise(project: Path, name: str) -> State:
    """The company's state when its files come in this guise."""
    write, form = GUISES[name]
    folder = project / "data" / name
    folder.mkdir(parents=True)
    for filename, content in write(synthetic.tables()).items():
        content = content.encode() if isinstance(content, str) else content
        (folder / filename).write_bytes(content)
    (folder / "dataset.yml").write_text(
        synthetic.yml(form).replace("data/synthetic", f"data/{name}")
    )
    return state(name)


@pytest.fixture(scope="module")
def usual(project: Path) -> State:
    return in_guise(project, "usual")


@pytest.mark.parametrize("name", ["shuffled", "in_three", "parquet", "excel"])
def test_order_and_format_of_the_files_change_nothing(
    project: Path, usual: State, name: str
) -> None:
    assert differing(usual, in_guise(project, name)) == []


def test_what_is_recorded_later_changes_nothing(project: Path, usual: State) -> None:
    assert differing(usual, in_guise(project, "later")) == []
    lines = open_book("later", as_of=synthetic.AS_OF).verdict.lines
    assert (lines.later.rows, lines.read.rows) == (4, 2332 + 4)


def test_the_day_hides_what_it_should(project: Path, usual: State) -> None:
    """Guards the test above: there is something in the company that later rows could change."""
    assert all(len(frame) for frame in usual.values())
    assert usual["contacts"]["resolved_at"].isna().any()
    assert usual["exposures"]["redeemed_at"].isna().any()
    assert usual["verdict"].query("of == 'lines' and what == 'quarantined'")["rows"].item() == 5


@pytest.mark.parametrize(("name", "factor"), [("hundredfold", 100), ("hundredth", 0.01)])
def test_the_unit_of_money_scales_money_and_nothing_else(
    project: Path, usual: State, name: str, factor: float
) -> None:
    other = in_guise(project, name)
    scaled = {key: _scaled(key, frame, factor) for key, frame in usual.items()}
    assert differing(scaled, other, tolerance=1e-9) == []
    assert other["months"]["revenue"].sum() != pytest.approx(usual["months"]["revenue"].sum())


MONEY = {
    "purchases", "cost", "margin", "anonymous_revenue", "value_at_stake", "money", *ledger.MONEY,
}  # fmt: skip
"""Columns of money beside revenue and what begins with it."""


def _scaled(name: str, frame: pd.DataFrame, factor: float) -> pd.DataFrame:
    """The frame as it must be when every amount of money is `factor` times as large."""
    scaled = frame.copy()
    for column in frame.columns:
        is_revenue = column.startswith("revenue") and not column.endswith(("share", "rank"))
        if column in MONEY or is_revenue:
            scaled[column] = frame[column] * factor
    every = pd.Series(True, index=frame.index)
    partly = {
        "lorenz": (["value"], every),
        "cohort_revenue": (["value", "per_customer"], every),
        "cut_points": (["reached_at"], frame.get("measure") == "Revenue"),
        "measures": (["value", "change_from", "year_change_from"], frame.get("unit") == "money"),
        "effects": (["before", "after"], ~frame.get("factor", every).isin(_COUNTED)),
    }
    columns, rows = partly.get(name, ([], every))
    scaled.loc[rows, columns] = frame.loc[rows, columns] * factor
    if name == "effects":
        scaled["effect"] = frame["effect"] * factor
    return _in_order(scaled)


_COUNTED = ("customers", "orders_a_customer", "lines_an_order")
