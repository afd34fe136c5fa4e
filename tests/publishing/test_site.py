"""The pages that lead to the reports say what a reader needs to choose, and what could not be shown."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup

from crm_lib.errors import UsageError
from crm_lib.publishing import site

NUMBER = {
    "label": "Revenue",
    "value": 4596039.58,
    "unit": "money",
    "currency": "USD",
    "window": "2017",
}
ROWS = {"label": "Rows", "value": 10, "unit": "count", "window": "2017"}
METRICS = {"01_data_quality": {"rows": ROWS}, "02_customer_base": {"revenue": NUMBER}}
REPORTS = [
    {"stem": "01_data_quality", "title": "Data quality", "href": "01_data_quality.html", "finding": "All good."},
    {"stem": "02_customer_base", "title": "Customer base", "href": "02_customer_base.html", "seconds": 4.06,
     "question": "Is it growing?", "finding": "It grew."},
]  # fmt: skip
MANIFEST = {
    "dataset_title": "Complete Journey",
    "as_of": "2018-01-01",
    "verdict": {"verdict": "passed"},
}


def text(html: str) -> str:
    return " ".join(BeautifulSoup(html, "html.parser").select_one("main").get_text(" ").split())  # type: ignore[union-attr]


def links(html: str) -> list[str]:
    return [str(a["href"]) for a in BeautifulSoup(html, "html.parser").select("main a")]


def run(**given: Any) -> dict[str, Any]:
    known = {"dataset": "cj", "dataset_title": "Complete Journey", "as_of": "2018-01-01", "verdict": "passed",
             "generated_at": "2018-01-03T06:00:00+00:00", "href": "cj/2018-01-01/index.html", "metrics": METRICS}  # fmt: skip
    return {**known, **given}


def test_the_index_says_where_the_time_went() -> None:
    times = [
        {"stage": "data", "seconds": 30.0, "parts": {"reading": 20.0, "facts": 10.0}},
        {"stage": "marts", "seconds": 10.0, "parts": {}},
        {"stage": "reports", "seconds": 60.0, "parts": {"Customer base": 45.0, "Segments": 60.0}},
    ]
    html = site.run_index({**MANIFEST, "times": times, "peak_memory_bytes": 3 * 10**9}, {}, REPORTS)
    rows = BeautifulSoup(html, "html.parser").select("#times ~ div tbody tr")
    found = {row.th.text: (row.td.text, row.td["class"][-1]) for row in rows}  # type: ignore[union-attr]
    assert found["Data"] == ("30.0 s", "crm-bar-30")
    assert found["reading"] == ("20.0 s", "crm-bar-20")
    assert [found[name][1] for name in ("Reports", "Segments")] == ["crm-bar-60"] * 2
    assert "At most 3.0 GB of memory were taken" in text(html)
    assert "Where the time went" not in text(site.run_index(MANIFEST, {}, REPORTS))


def test_the_index_leads_with_the_business_finding_and_its_numbers() -> None:
    html = site.run_index(MANIFEST, METRICS, REPORTS)
    shown = text(html)
    assert (
        shown.index("The data passed every rule.") < shown.index("It grew.") < shown.index("$4.6M")
    )
    assert "Data up to and including 31 December 2017" in shown
    assert "Is it growing?" in shown
    assert "made in 4.1 s" in shown
    assert "Rows" not in shown
    assert links(html) == ["01_data_quality.html", "02_customer_base.html"]


def test_the_data_report_leads_where_there_is_no_other() -> None:
    html = site.run_index(MANIFEST, {"01_data_quality": {"rows": ROWS}}, REPORTS[:1])
    assert "All good." in text(html)
    assert "Rows 10" in text(html)


def test_what_cannot_be_shown_is_said_with_what_would_unlock_it() -> None:
    coverage = [
        {"title": "Segments", "status": "full"},
        {
            "title": "Profit",
            "status": "impossible",
            "missing": "cost",
            "unlock": "map a cost column",
        },
    ]
    shown = text(site.run_index({**MANIFEST, "coverage": coverage}, METRICS, REPORTS))
    assert "Profit impossible cost map a cost column" in shown
    assert "Segments" not in shown
    with pytest.raises(UsageError, match="Did you mean 'partial'"):
        site.run_index({**MANIFEST, "coverage": [{"title": "x", "status": "partly"}]}, {}, [])


def test_exports_are_linked_with_safe_addresses() -> None:
    html = site.run_index({**MANIFEST, "exports": ["at risk.csv"]}, METRICS, REPORTS)
    assert "exports/at%20risk.csv" in links(html)


def test_the_history_shows_each_set_with_its_latest_day_on_top() -> None:
    other = {**NUMBER, "value": 7000}
    html = site.history_index(
        [
            run(as_of="2017-12-01", href="old", metrics={"02_customer_base": {"revenue": other}}),
            run(href="new", findings={"02_customer_base": "It grew.", "01_data_quality": "Fine."}),
            run(as_of="2018-02-01", href="bad", status="failed", metrics={}),
            run(
                dataset="cdnow", dataset_title="CDNOW", as_of="1998-07-01", href="cdnow", metrics={}
            ),
        ]
    )
    assert links(html) == ["cdnow", "cdnow", "new", "bad", "new", "old"]
    shown = text(html)
    assert "Reports to 31 December 2017 It grew." in shown
    assert "31 January 2018 – ✕ not published" in shown
    assert "31 December 2017 $4.6M passed" in shown
    assert "30 November 2017 $7K passed" in shown


def test_numbers_keep_the_order_of_their_cards_whatever_json_did_to_it() -> None:
    ranked = {
        "a": {**ROWS, "label": "Second", "rank": 1},
        "b": {**ROWS, "label": "First", "rank": 0},
    }
    for html in (
        site.run_index(MANIFEST, {"02_customer_base": ranked}, REPORTS),
        site.history_index([run(metrics={"02_customer_base": ranked})]),
    ):
        assert text(html).index("First") < text(html).index("Second")


def test_the_history_counts_the_warnings() -> None:
    verdict = {"verdict": "passed with warnings", "warnings": ["a", "b"]}
    assert "2 warnings" in text(site.history_index([run(verdict=verdict)]))


def test_an_empty_history_says_how_to_begin() -> None:
    assert "crm run DATASET" in text(site.history_index([]))


def test_the_history_leads_to_the_verified_numbers_where_there_are_any() -> None:
    assert 'href="verified.html"' in site.history_index([], verified="verified.html")
    assert "verified" not in site.history_index([])


FAILURE: dict[str, Any] = {
    "dataset_title": "Complete Journey",
    "as_of": "2018-01-01",
    "kind": "data",
    "problems": [{"title": "order id is there", "text": "12 of 100 rows (12%) lack one."}],
}


def test_a_failure_says_what_failed_what_stands_and_what_to_do() -> None:
    standing = {"as_of": "2017-12-01", "href": "../2017-12-01/index.html"}
    html = site.failure_page({**FAILURE, "still_published": standing})
    shown = text(html)
    assert "1 critical rule did not hold" in shown
    assert "order id is there 12 of 100 rows (12%) lack one." in shown
    assert "reports to 30 November 2017" in shown
    assert "Correct the rows in the source" in shown
    assert links(html) == ["../2017-12-01/index.html"]


def test_a_failed_report_names_the_place() -> None:
    problem = {"title": "Segments", "where": "RFM", "text": "Division by zero."}
    shown = text(site.failure_page({**FAILURE, "kind": "report", "problems": [problem]}))
    assert "A report could not be made" in shown
    assert "Segments under “RFM” Division by zero." in shown
    assert "has no good run yet" in shown
    with pytest.raises(UsageError, match="Known: data, report"):
        site.failure_page({**FAILURE, "kind": "kernel"})
