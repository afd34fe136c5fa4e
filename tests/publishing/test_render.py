"""From an executed notebook to a page: what is shown, in which order, and what never gets through."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag

from crm_lib.present import page
from crm_lib.publishing import render
from tests.web.pages import CONTEXT, NASTY, code, markdown, notebook, numbers, report_notebook

POLICY = "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'"


def rendered(*cells: Any, **context: Any) -> BeautifulSoup:
    html = render.render_notebook(
        notebook(*cells), title="Customer base", context={**CONTEXT, **context}
    )
    return BeautifulSoup(html, "html.parser")


def one(soup: BeautifulSoup | Tag, selector: str) -> Tag:
    found = soup.select(selector)
    assert len(found) == 1, f"{len(found)} × {selector}"
    return found[0]


def test_the_policy_forbids_everything_but_inline_style_and_data() -> None:
    soup = rendered(markdown("# T"))
    assert one(soup, 'meta[http-equiv="Content-Security-Policy"]')["content"] == POLICY
    assert one(soup, "html")["lang"] == "en"
    assert one(soup, "body > a:first-child")["href"] == "#main"
    assert soup.select_one("main#main") is not None


def test_the_page_says_until_when_its_data_goes_and_when_it_was_made() -> None:
    text = rendered(markdown("# T")).get_text(" ")
    assert "data to 31 December 2017" in text
    assert "Made on 3 Jan 2018, 06:00 UTC" in text


def test_a_title_is_added_only_where_the_notebook_has_none() -> None:
    assert [h.get_text() for h in rendered(markdown("# Own title")).select("h1")] == ["Own title"]
    assert [h.get_text() for h in rendered(markdown("text")).select("h1")] == ["Customer base"]


def test_the_verdict_is_shown_once() -> None:
    own = page.verdict_strip({"verdict": "passed"})
    assert len(rendered(markdown("# T")).select(".crm-verdict")) == 1
    assert len(rendered(markdown("# T"), code("v", own)).select(".crm-verdict")) == 1
    assert not rendered(markdown("# T"), verdict=None).select(".crm-verdict")


def test_code_is_folded_and_that_of_the_first_screen_stands_at_the_end() -> None:
    soup = BeautifulSoup(
        render.render_notebook(report_notebook(), title="T", context=CONTEXT), "html.parser"
    )
    for block in soup.select(".highlight"):
        assert block.find_parent("details") is not None
        assert not block.find_parent("details").has_attr("open")
        assert one(block, "pre")["tabindex"] == "0", "long lines are scrolled with the keyboard"
    last = one(soup, ".crm-setup")
    for source in ("as_of = ", "crm.verdict_strip", "crm.finding", "crm.headline"):
        assert source in last.get_text()
    assert "crm.table" not in last.get_text()
    order = [tag.get("class")[0] for tag in soup.select(".crm-lead, .crm-cards, .crm-code")]
    assert order[:3] == ["crm-lead", "crm-cards", "crm-code"]


def test_the_contents_list_the_sections_with_ids_of_their_own() -> None:
    soup = rendered(markdown("# T\n\n## Same\n\n## Same\n\n### Not listed"), markdown("## A > B"))
    links = [(a["href"], a.get_text()) for a in soup.select(".crm-contents a")]
    assert links == [("#same", "Same"), ("#same-2", "Same"), ("#a-b", "A > B")]
    ids = [tag["id"] for tag in soup.select("[id]")]
    assert len(ids) == len(set(ids))
    assert all(soup.select_one(href) for href, _ in links)


def test_errors_and_warnings_of_the_kernel_stay_out_of_the_page() -> None:
    secret = "/home/someone/secret.csv"
    soup = rendered(
        markdown("# T"),
        code("a", output_type="stream", name="stderr", text=secret),
        code("b", output_type="error", ename="ValueError", evalue=secret, traceback=[secret]),
        code("c", output_type="stream", name="stdout", text="said aloud"),
    )
    assert secret not in str(soup)
    assert "did not finish" in soup.get_text()
    assert "said aloud" in soup.get_text()


@pytest.mark.parametrize("said", NASTY)
def test_what_the_data_says_stays_text(said: str) -> None:
    frame = pd.DataFrame({"name": [said]})
    soup = rendered(
        markdown("# T"),
        code("a", page.finding(said), page.note(said), page.run_card({said: said})),
        code("b", page.table(frame, columns={"name": page.Column(said)}, caption=said, note=said)),
        code("c", output_type="execute_result", data={"text/plain": said}),
        code("d", output_type="stream", name="stdout", text=said),
        dataset_title=said,
    )
    assert not soup.select("script, svg, iframe, object, form, img")
    assert len(soup.select("style")) == 1
    assert soup.select_one("b") is None
    assert soup.get_text().count(said) >= 8
    assert one(soup, "title").get_text() == f"Customer base · {said}"


@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script>",
        "<p onclick='x()' style='position:fixed'>p</p>",
        "<a href='javascript:alert(1)'>a</a>",
        "<a href='  java\nscript:alert(1)'>a</a>",
        "<img src='https://example.org/x.png'>",
        "<img src='data:text/html;base64,AAAA'>",
        "<picture><source srcset='https://example.org/x.png 2x'></picture>",
        "<iframe src='https://example.org'></iframe>",
        "<form action='https://example.org'><input></form>",
        "<meta http-equiv='refresh' content='0;url=https://example.org'>",
        "<link rel='stylesheet' href='https://example.org/x.css'>",
        "<base href='https://example.org'>",
        "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
        "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
        "<div class='crm-card evil' id='main' role='alert' tabindex='5'>d</div>",
        "<style>body{background:url(https://example.org)}</style>",
    ],
)
def test_markup_beyond_the_allow_list_is_dropped(markup: str) -> None:
    cleaned = render.clean(markup)
    for trace in ("script:", "<script", "onclick", "onerror", "style", "example.org", "evil", "id=",
                  "alert\"", "<iframe", "<form", "<meta", "<link", "<base", "<svg", "<img", "=\"5\""):  # fmt: skip
        assert trace not in cleaned, trace


def test_what_reports_are_made_of_passes_the_cleaning_unchanged() -> None:
    frame = pd.DataFrame({"name": ["a > b", 'say "x"'], "share": [0.5, 1.0]})
    columns = {"name": page.Column("Name"), "share": page.Column("Share", "percent", bar=True)}
    made = [
        page.finding("x > y & z"),
        page.headline(numbers(), currency="EUR"),
        page.table(frame, columns=columns, caption="A > B"),
        page.figure(lambda ax, data: ax.plot(data["share"]), frame, finding='a > b, "c"'),
        page.verdict_strip({"verdict": "passed", "link": "01_data_quality.html#rules"}),
        page.run_card({"a": "b"}),
    ]
    for each in made:
        before, after = (
            BeautifulSoup(html, "html.parser") for html in (each.html, render.clean(each.html))
        )
        for link in after.select("a"):
            del link["rel"]
        assert [(t.name, t.attrs) for t in before.find_all()] == [
            (t.name, t.attrs) for t in after.find_all()
        ]
        assert before.get_text() == after.get_text()


def test_raw_pictures_of_other_libraries_are_embedded_and_described() -> None:
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"
    soup = rendered(
        markdown("# T"),
        code(
            "a",
            output_type="display_data",
            data={"image/png": "iVBORw0KGgo=\n", "text/plain": "<Figure>"},
        ),
        code("b", output_type="display_data", data={"image/svg+xml": svg, "text/plain": "A chart"}),
    )
    assert [image["alt"] for image in soup.select("img")] == ["<Figure>", "A chart"]
    assert all(
        re.match(r"data:image/(png|svg\+xml);base64,\S+$", i["src"]) for i in soup.select("img")
    )


def test_rendering_is_the_same_each_time() -> None:
    once, again = (
        render.render_notebook(report_notebook(), title="T", context=CONTEXT) for _ in (1, 2)
    )
    assert once == again


def test_numbers_and_finding_can_be_read_from_the_executed_notebook() -> None:
    made = report_notebook()
    assert render.first_finding(made).startswith("Revenue stood still")
    assert list(render.headline_numbers(made)) == ["revenue", "repeat", "lapsed", "gap"]
    assert render.headline_numbers(made)["revenue"]["value"] == 4596039.58
    empty = nbformat.v4.new_notebook(cells=[markdown("# T")])
    assert (render.first_finding(empty), render.headline_numbers(empty)) == ("", {})


def test_the_notebook_is_left_as_it_was() -> None:
    made = report_notebook()
    before = nbformat.writes(made)
    render.render_notebook(made, title="T", context=CONTEXT)
    assert nbformat.writes(made) == before
