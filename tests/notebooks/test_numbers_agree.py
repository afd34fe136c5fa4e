"""The parts add up to the whole, to the cent, from notebook to notebook."""

from __future__ import annotations

import io
from collections.abc import Iterator
from decimal import Decimal

import pandas as pd
import pytest

from crm_lib.analysis import cohorts, dashboard, flow
from crm_lib.book import Book
from crm_lib.engine import collect
from tests.notebooks.conftest import RunNotebook
from tests.notebooks.said import Said
from tests.notebooks.test_execution import STEMS

pytestmark = pytest.mark.xdist_group("numbers")

Telling = dict[str, Said]

VIEWS = {
    "all lines": {"as_of": "2024-01-01", "scope": ""},
    "the web shop, in the middle of a month": {
        "as_of": "2023-10-11",
        "scope": "channel = 'web' or amount < 0",
    },
}


def cents(amounts: object) -> Decimal:
    """A sum as exact money; what crosses to pandas is a float."""
    return Decimal(str(round(float(pd.Series(amounts).sum()), 2)))


def exported(said: Said, name: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(said.exports[name]), dtype={"customer_id": str})


@pytest.fixture(scope="module")
def earlier() -> dict[str, Telling]:
    """What the notebooks said, by view: each is executed once."""
    return {}


@pytest.fixture(params=VIEWS)
def told(
    request: pytest.FixtureRequest, company: str, said: RunNotebook, earlier: dict[str, Telling]
) -> Iterator[Telling]:
    view = request.param
    if view not in earlier:
        earlier[view] = {
            stem: said(stem, pictures=False, dataset=company, **VIEWS[view]) for stem in STEMS
        }
    return earlier[view]


@pytest.fixture
def book(told: Telling) -> Book:
    found: Book = told["01_data_quality"].names["book"]
    return found


@pytest.fixture
def whole(book: Book) -> Decimal:
    """The money of all accepted lines, as the verdict counted it."""
    money = book.verdict.lines.accepted.money
    assert money is not None
    return money.quantize(Decimal("0.01"))


@pytest.fixture
def anonymous(book: Book) -> Decimal:
    money = book.verdict.anonymous.money
    assert money is not None
    return money.quantize(Decimal("0.01"))


def test_rows_read_are_accounted_for(told: Telling, book: Book) -> None:
    quality = told["01_data_quality"].metrics
    lines = book.verdict.lines
    fates = (lines.accepted, lines.quarantined, lines.later, lines.out_of_scope)
    assert lines.read.rows == sum(fate.rows for fate in fates) == 2332
    assert quality["rows_accepted"]["value"] == lines.accepted.rows
    assert cents(quality["amount_accepted"]["value"]) == lines.accepted.money
    assert collect(book.days)["lines"].sum() == lines.accepted.rows
    assert collect(book.months)["lines"].sum() == lines.accepted.rows


def test_months_and_days_add_up_to_the_ledger(told: Telling, book: Book, whole: Decimal) -> None:
    by_month = exported(told["02_customer_base"], "customer_base_by_month")
    assert cents(by_month["revenue"]) == whole
    assert cents(collect(book.days)["revenue"]) == whole
    assert cents(collect(book.lines)["amount"]) == whole


def test_classes_of_customers_and_the_anonymous_add_up(
    told: Telling, whole: Decimal, anonymous: Decimal
) -> None:
    segments, stages = told["03_segments"].names, told["04_lifecycle"].names
    parts = {
        "segments": segments["sizes"],
        "tiers": segments["tiers"],
        "profile": segments["profile"],
        "stages": stages["sizes"],
        "segments, exported": exported(told["03_segments"], "segments"),
    }
    assert {
        name: cents(frame["revenue"]) + anonymous for name, frame in parts.items()
    } == dict.fromkeys(parts, whole)
    counts = {
        name: parts[name]["customers"].sum() for name in ("segments", "tiers", "profile", "stages")
    }
    assert set(counts.values()) == {len(parts["segments, exported"])}
    assert len(exported(told["04_lifecycle"], "stages")) == counts["stages"]


def test_shares_add_up_to_one(told: Telling) -> None:
    segments, stages = told["03_segments"].names, told["04_lifecycle"].names
    for frame in (segments["sizes"], segments["tiers"], segments["profile"]):
        assert frame["customers_share"].sum() == pytest.approx(1)
        assert frame["revenue_share"].sum() == pytest.approx(1)
    assert stages["sizes"]["share"].sum() == pytest.approx(1)
    assert stages["sizes"]["revenue_share"].sum() == pytest.approx(1)


def test_the_flow_carries_all_revenue(told: Telling, book: Book, whole: Decimal) -> None:
    facts = (book.customer_months, book.customers, book.months)
    by_month = told["02_customer_base"].names["flow"]
    by_quarter = collect(flow.quarterly(*facts, **book.span))
    for frame in (by_month, by_quarter):
        assert cents(frame["revenue_closing"]) == whole
        moved = frame["opening"] + frame["new"] + frame["first_seen"] + frame["reactivated"]
        assert (moved - frame["lapsed"] == frame["closing"]).all()
    active = exported(told["02_customer_base"], "customer_base_by_month")["active_customers"]
    assert by_month["closing"].tolist() == active.tolist()


def test_cohorts_hold_all_revenue_but_that_before_a_first_purchase(
    told: Telling, book: Book, whole: Decimal, anonymous: Decimal
) -> None:
    grid = collect(
        cohorts.triangle(book.customer_months, book.customers, measure="revenue", **book.span)
    )
    ledger = collect(book.customer_months).merge(collect(book.customers), on="customer_id")
    begun = ledger["first_on"].dt.to_period("M").dt.to_timestamp()
    outside = ledger[ledger["first_on"].isna() | (ledger["month"] < begun)]
    assert len(outside)
    assert cents(grid["value"]) + cents(outside["revenue_x"]) + anonymous == whole
    members = grid.drop_duplicates("cohort")["cohort_size"].sum()
    assert members == ledger.drop_duplicates("customer_id")["first_on"].notna().sum()
    counted = exported(told["04_lifecycle"], "cohorts").groupby("month")["value"].sum()
    active = exported(told["02_customer_base"], "customer_base_by_month").set_index("month")
    assert counted.to_dict() == active["active_customers"].to_dict()


def test_the_decomposition_explains_the_months_it_compares(told: Telling) -> None:
    base = told["02_customer_base"]
    effects = base.names["effects"].set_index("factor")
    total = effects.loc["total"]
    assert cents(effects["effect"].drop("total")) == cents(total["after"] - total["before"])
    by_month = exported(base, "customer_base_by_month").set_index("month")["revenue"]
    for window in ("before", "after"):
        span = base.names[window]
        inside = (by_month.index >= str(span.start)) & (by_month.index < str(span.end))
        assert cents(by_month[inside]) == cents(total[window])


def test_the_dashboard_is_the_sum_of_its_months(told: Telling) -> None:
    measures = exported(told["02_customer_base"], "customer_base_measures").set_index(
        ["key", "span"]
    )
    by_month = exported(told["02_customer_base"], "customer_base_by_month").set_index("month")
    for span in ("month", "year"):
        row = measures.loc[("revenue", span)]
        inside = (by_month.index >= row["window_start"]) & (by_month.index < row["window_end"])
        assert cents(by_month.loc[inside, "revenue"]) == cents(row["value"])
        for key in ("orders", "occasions", "new_customers"):
            assert by_month.loc[inside, key].sum() == measures.loc[(key, span), "value"]


def test_new_customers_are_those_of_the_facts(told: Telling, book: Book) -> None:
    buyers = collect(book.customers).dropna(subset="first_on")
    by_month = exported(told["02_customer_base"], "customer_base_by_month")
    moved = told["02_customer_base"].names["flow"]
    late = (buyers["first_on"] >= pd.Timestamp(book.warm_up_ends)).sum()
    assert by_month["new_customers"].sum() == moved["new"].sum() == late
    assert by_month["first_seen_customers"].sum() == len(buyers) - late
    ladder = told["04_lifecycle"].names["ladder"]
    assert ladder["customers"].iloc[0] == late
    assert told["04_lifecycle"].names["second"]["customers"].iloc[0] == late


def test_purchases_agree_by_weekday_category_and_customer(told: Telling, book: Book) -> None:
    segments = told["03_segments"].names
    lines = collect(book.lines)
    bought = lines[lines["is_purchase"] & lines["customer_id"].notna()]
    assert cents(segments["habits"]["purchases"]) == cents(bought["amount"])
    assert cents(segments["preferences"]["purchases"]) == cents(bought["amount"])
    assert segments["habits"]["occasions"].sum() == collect(book.customers)["occasions"].sum()
    assert segments["habits"]["occasions"].sum() == len(collect(book.occasions))


def test_moves_start_and_end_with_the_sizes(told: Telling) -> None:
    segments, stages = told["03_segments"].names, told["04_lifecycle"].names
    now = segments["moves"].groupby("now")["customers"].sum()
    assert now.to_dict() == segments["sizes"].set_index("segment")["customers"].to_dict()
    arrived = stages["moves"].groupby("to_stage")["customers"].sum()
    sizes = stages["sizes"].set_index("stage")["customers"]
    assert arrived.reindex(sizes.index).tolist() == sizes.tolist()


def test_the_list_of_those_at_risk_is_the_headline(told: Telling) -> None:
    listed = exported(told["04_lifecycle"], "at_risk_customers")
    said = told["04_lifecycle"].metrics
    assert listed["value_at_stake"].sum() == pytest.approx(said["value_at_stake"]["value"])
    in_stage = exported(told["04_lifecycle"], "stages").set_index("customer_id")["stage"]
    assert set(in_stage[listed["customer_id"]]) <= {"At risk", "Dormant"}


def test_measures_of_the_page_are_those_of_the_analysis(told: Telling, book: Book) -> None:
    found = dashboard.measures(
        book.months,
        book.customer_months,
        book.customers,
        **book.span,
        ledger=book.ledger,
        profit_label=book.profit_label,
    )
    by_key = found[found["span"] == "month"].set_index("key")["value"]
    said = told["02_customer_base"].metrics
    # The equity is of its mart: see the next test.
    assert set(said) - set(by_key.index) == {"clv_total"}
    for key in set(said) - {"clv_total"}:
        assert said[key]["value"] == pytest.approx(by_key[key]), key


def test_values_to_come_add_up_to_the_equity(told: Telling, book: Book) -> None:
    lifetime, base = told["06_lifetime_value"], told["02_customer_base"]
    equity = lifetime.metrics["clv_total"]["value"]
    assert base.metrics["clv_total"]["value"] == pytest.approx(equity)
    interval = lifetime.metrics["clv_total"]["interval"]
    assert base.metrics["clv_total"]["interval"] == pytest.approx(interval)
    for by, frame in lifetime.names["by_group"].items():
        assert frame["clv"].sum() == pytest.approx(equity), by
        assert frame["customers"].sum() == lifetime.names["totals"]["customers"].iloc[0]
    listed = exported(lifetime, "customer_values")
    assert listed["clv"].sum() == pytest.approx(equity)
    assert len(listed) == len(collect(book.customers))
    assert cents(listed["profit"]) == cents(
        exported(told["05_profitability"], "profit_by_customer")["profit"]
    )
