"""Concentration and segments on public data, against the numbers recomputed from the raw files.

CDNOW (Fader and Hardie 2001) and Online Retail (UCI Machine Learning Repository, id 352).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from crm_lib.analysis import clusters, concentration, segments
from crm_lib.book import Book, open_book
from crm_lib.engine import collect
from tests.conftest import ROOT

SOLD = "quantity > 0 AND amount > 0 AND customer_id IS NOT NULL"


@pytest.fixture(scope="module", autouse=True)
def own_cache(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_DATA", str(shared_data))
        patch.setenv("CRM_HOME", str(ROOT))
        patch.setenv("CRM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def cdnow() -> Book:
    return open_book("cdnow", as_of="1998-07-01")


@pytest.fixture(scope="module")
def retail() -> Book:
    return open_book("online_retail", as_of="2011-12-10")


@pytest.fixture(scope="module")
def retail_sold() -> Book:
    return open_book("online_retail", as_of="2011-12-10", scope=SOLD)


def test_cdnow_top_shares_and_gini(cdnow: Book) -> None:
    found = collect(concentration.top_shares(cdnow.customers, shares=(0.01, 0.1, 0.2)))
    assert found.value_share.round(4).tolist() == [0.1588, 0.5094, 0.6778]
    assert concentration.gini(cdnow.customers) == pytest.approx(0.6346, abs=5e-5)
    curve = collect(concentration.lorenz(cdnow.customers))
    assert (curve.customers.iloc[-1], curve.value.iloc[-1]) == (23_570, 2_500_315.63)


def test_online_retail_eighty_percent(retail_sold: Book) -> None:
    customers = retail_sold.customers.filter(retail_sold.customers.occasions > 0)
    assert concentration.hhi(customers) == pytest.approx(0.0046436, abs=1e-7)
    answer = collect(concentration.customers_for_share(customers, 0.8)).iloc[0]
    assert answer.customers == 1_133
    assert answer.customers_share == pytest.approx(0.261, abs=5e-4)
    top = collect(concentration.top_shares(customers, shares=(0.2, 1))).set_index("share")
    assert top.value_share[0.2] == pytest.approx(0.746, abs=5e-4)
    assert (top.customers[1.0], top.value[1.0]) == (4_338, pytest.approx(8_911_407.904))


def test_online_retail_negative_customers_to_the_penny(retail: Book) -> None:
    found = concentration.negatives(retail.customers).to_pyarrow().to_pylist()[0]
    assert found["customers"] == 41
    assert found["value"] == Decimal("-13229.14")
    assert (found["without_occasion"], found["known_customers"]) == (33, 4_372)


def test_online_retail_segments_add_up_to_the_ledger(retail: Book) -> None:
    rfm = segments.rfm(retail.customers)
    for classified, by in (
        (rfm, "segment"),
        (segments.value_tiers(retail.customers), "value_tier"),
    ):
        parts = segments.sizes(classified, by).to_pyarrow().to_pandas()
        assert parts.customers.sum() == 4_372
        assert sum(parts.revenue) == Decimal("8300065.8140")


def test_clusters_of_public_data_are_stable(cdnow: Book, retail: Book) -> None:
    for book in (cdnow, retail):
        fitted = clusters.fit(book.customers, resamples=5)
        assert fitted.refusal == ""
        assert collect(fitted.sizes(book.customers)).customers.sum() == int(
            (book.customers.occasions > 0).sum().to_pyarrow().as_py()
        )
