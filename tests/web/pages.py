"""Pages to open in a browser: one of each kind, with names that try to break out of the text."""

from __future__ import annotations

import datetime as dt
from typing import Any

import nbformat
import pandas as pd
from nbformat import NotebookNode

from crm_lib.present import page
from crm_lib.present.figures import base, lifecycle, segments
from crm_lib.publishing import render, site
from crm_lib.verify import page as verified
from crm_lib.verify.check import Check, Result

SCRIPT = "<script>document.title='hacked'</script>"
IMAGE = '<img src="https://example.org/x.png" onerror="document.title=\'hacked\'">'
FORMULA = '=HYPERLINK("https://example.org","x")'
NASTY = (SCRIPT, IMAGE, FORMULA, "\"'><svg onload=alert(1)>", "</style></title><b>bold</b>")

VERDICT = {
    "verdict": "passed with warnings",
    "rows": {"read": 10, "accepted": 9, "quarantined": 1, "later": 0, "out_of_scope": 0},
    "money": {"accepted": 1234.5, "quarantined": 9.99},
    "currency": "EUR",
    "warnings": [f"A product is called {SCRIPT}", IMAGE],
    "link": "01_data_quality.html",
}
CONTEXT = {
    "dataset": "demo",
    "dataset_title": "Demo & Sons",
    "as_of": "2018-01-01",
    "verdict": VERDICT,
    "siblings": [
        {"title": "Data quality", "href": "01_data_quality.html"},
        {"title": "Customer base", "href": "02_customer_base.html", "current": True},
    ],
    "generated_at": "2018-01-03T06:00:00+00:00",
}


def markdown(text: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(text)


def code(source: str, *shown: page.Html, tags: tuple[str, ...] = (), **output: Any) -> NotebookNode:
    """An executed cell that displayed `shown`; `output` adds one more raw output."""
    outputs = [
        nbformat.v4.new_output("display_data", data=each._repr_mimebundle_()) for each in shown
    ]
    if output:
        outputs.append(nbformat.v4.new_output(**output))
    cell = nbformat.v4.new_code_cell(source, outputs=outputs, execution_count=1)
    cell.metadata["tags"] = list(tags)
    return cell


def notebook(*cells: NotebookNode) -> NotebookNode:
    made = nbformat.v4.new_notebook(cells=list(cells))
    made.metadata["language_info"] = {"name": "python"}
    return made


def numbers() -> list[page.Number]:
    return [
        page.Number("revenue", "Revenue", 4596039.58, "money", "2017", 0.05, "on October", good="up"),
        page.Number("repeat", "Repeat rate", 0.87, "percent", "2017", -0.01, "on October", good="up"),
        page.Number("lapsed", f"Lapsed {SCRIPT}", 74, "count", "2017", 0.1, "on October", good="down"),
        page.Number("gap", "Median days between purchases", 4, "days", "2017", note=IMAGE),
    ]  # fmt: skip


def _figures() -> list[NotebookNode]:
    months = [dt.date(2017, month, 1) for month in range(1, 13)]
    revenue = pd.DataFrame(
        {
            "month": months,
            "revenue": 100.0,
            "is_partial": [False] * 11 + [True],
            "is_warm_up": False,
        }
    )
    names = pd.DataFrame(
        {"value": NASTY, "customers_share": 0.2, "revenue_share": [0.1, 0.2, 0.3, 0.4, 0.0]}
    )
    cohorts = pd.DataFrame(
        [(m, p, 0.3, i + p == 11, i == 0) for i, m in enumerate(months) for p in range(12 - i)],
        columns=["cohort", "period", "share", "is_partial", "is_warm_up"],
    )
    return [
        code("f1", page.figure(base.revenue_by_month, revenue, finding="Revenue stood still", currency="EUR")),
        code("f2", page.figure(segments.profile_bars, names, finding=f"{SCRIPT} buys most", size="half")),
        code("f3", page.figure(lifecycle.cohort_triangle, cohorts, finding="Three in ten return", size="tall")),
    ]  # fmt: skip


def report_notebook() -> NotebookNode:
    """A report as notebooks make it: title, parameters, verdict, finding, numbers, sections, run card."""
    table = pd.DataFrame({"name": NASTY, "share": 0.2, **{f"n{i}": 1234567.0 for i in range(9)}})
    columns = {"name": page.Column("Name"), "share": page.Column("Share", "percent", bar=True)}
    columns |= {f"n{i}": page.Column(f"Long heading {i}", "money") for i in range(9)}
    return notebook(
        markdown(f"# Customer base\n\nWhich way is it going?\n\n{SCRIPT}\n\n{IMAGE}"),
        code("as_of = '2018-01-01'  # end", tags=("parameters",)),
        code("crm.verdict_strip(book)", page.verdict_strip(VERDICT)),
        code("crm.finding(...)", page.finding(f"Revenue stood still, says {SCRIPT}")),
        code("crm.headline(...)", page.headline(numbers(), currency="EUR")),
        markdown("## Revenue\n\nNet of returns, `code`, [link](02_customer_base.html).\n\n### Detail\n\ntext"),
        *_figures(),
        markdown("## Names\n\n| a | b |\n|---|---|\n| 1 | 2 |"),
        code("crm.table(...)", page.table(table, columns=columns, currency="EUR", caption="Customers")),
        code("print", output_type="stream", name="stdout", text=f"printed {SCRIPT}\n" + "x" * 200),
        code("raw", output_type="display_data", data={"text/html": f"<p onclick='x()'>raw</p>{SCRIPT}{IMAGE}"}),
        code("note", page.note(f"Households first seen in January are not new {IMAGE}")),
        markdown("## How this page was made"),
        code("card", page.run_card({"Data set": SCRIPT, "Fingerprint": "0123456789abcdef" * 4})),
    )  # fmt: skip


def metrics() -> dict[str, dict[str, Any]]:
    return {"02_customer_base": {each.key: each.as_data("EUR") for each in numbers()}}


def every_page() -> dict[str, str]:
    """One page of each kind, by name."""
    title = f"Demo {SCRIPT}"
    finding = f"Revenue stood still, says {IMAGE}"
    reports = [
        {"stem": "01_data_quality", "title": "Data quality", "href": "01.html", "seconds": 3.2},
        {"stem": "02_customer_base", "title": title, "href": "02.html", "question": SCRIPT, "finding": finding},
    ]  # fmt: skip
    coverage = {"title": "Profit", "status": "impossible", "missing": SCRIPT, "unlock": "a cost"}
    manifest = {
        "dataset_title": title, "as_of": "2018-01-01", "verdict": VERDICT, "exports": ["a b.csv"],
        "generated_at": "2018-01-03T06:00:00+00:00", "coverage": [coverage], "run_card": {"Run": IMAGE},
    }  # fmt: skip
    run = {
        "dataset": "demo", "dataset_title": title, "as_of": "2018-01-01", "href": "demo/2018-01-01/index.html",
        "generated_at": "2018-01-03T06:00:00+00:00", "verdict": VERDICT, "seconds": 31.2,
        "metrics": metrics(), "findings": {"02_customer_base": finding},
    }  # fmt: skip
    failure = {
        "dataset_title": title, "as_of": "2018-01-01", "kind": "data", "verdict": {**VERDICT, "verdict": "failed"},
        "problems": [{"title": SCRIPT, "text": IMAGE, "where": "Revenue"}],
        "still_published": {"as_of": "2017-12-01", "href": "../latest/index.html"},
        "details": {"title": "The data in detail", "href": "01_data_quality.html"},
    }  # fmt: skip
    return {
        "report": render.render_notebook(report_notebook(), title="Customer base", context=CONTEXT),
        "run": site.run_index(manifest, metrics(), reports),
        "history": site.history_index([run, {**run, "as_of": "2017-12-01", "status": "failed"}]),
        "failure": site.failure_page(failure),
        "verified": verified.html(_checked(), IMAGE),
    }


def _checked() -> list[Result]:
    """A number that holds, one that does not, and one that nothing could compute."""
    check = Check(f"A subject {SCRIPT}", IMAGE, "1.5", 0.05, SCRIPT, lambda study: 1.5)
    return [Result(check, 1.5, ""), Result(check, 2.5, ""), Result(check, float("nan"), SCRIPT)]
