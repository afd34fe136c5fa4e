"""A whole run on data full of markup, formulas and names: nothing of it does harm in any artefact."""

from __future__ import annotations

import base64
import csv
import json
import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from tests.conftest import ROOT
from tests.web import projects
from tests.web.projects import DAY, FAILED_DAY, NAME, NASTY, SEGMENTS, TITLE

pytestmark = pytest.mark.xdist_group("browser")  # whose pages are opened there, made once

POLICY = "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'"
PICTURE = re.compile(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)")
RELATIVE = re.compile(r"#[^\s]+|(?!\w+:|/)[\w./-]+(#[\w.%-]+)?")
FORMULA = tuple("=+-@\t\r＝＋－＠")
ABSOLUTE = re.compile(r"(?:/(?:home|root|tmp|usr|opt|var|work|mnt|private|Users)/|[A-Z]:\\)[\w.]")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return projects.nasty(tmp_path_factory)


@pytest.fixture(scope="session")
def published(project: Path) -> Path:
    """The folder of the full run for readers outside the company."""
    return project / "reports" / "nasty" / "latest"


def artefacts(project: Path) -> list[Path]:
    """Every file that the runs left for a reader, those for an internal audience excepted."""
    files = [path for path in (project / "reports").rglob("*") if path.is_file()]
    return sorted(path for path in files if "internal" not in path.parts and path.stat().st_size)


def said(path: Path) -> str:
    """The text of a file, with the pictures inside it made readable."""
    text = path.read_text(encoding="utf-8")
    drawn = (base64.b64decode(found.group(1)).decode() for found in PICTURE.finditer(text))
    return "\n".join([text, *drawn])


def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_the_runs_left_what_they_should(project: Path, published: Path) -> None:
    assert [path.name for path in sorted(published.glob("*.html"))] == [
        "01_data_quality.html", "02_customer_base.html", "03_segments.html", "04_lifecycle.html",
        "05_profitability.html", "06_lifetime_value.html", "index.html",
    ]  # fmt: skip
    verdict = json.loads((published / "manifest.json").read_text())["verdict"]
    assert (verdict["verdict"], verdict["rows"]["quarantined"]) == ("passed with warnings", 3)
    reports = project / "reports"
    for page in (
        reports / "index.html",
        reports / "internal" / ".lab" / str(DAY) / "03_segments.html",
        reports / "broken" / ".failed" / str(DAY) / "index.html",
        reports / "broken" / ".failed" / str(DAY) / "01_data_quality.html",
        reports / "nasty" / ".failed" / str(FAILED_DAY) / "index.html",
    ):
        assert page.is_file(), page
    assert len(artefacts(project)) >= 30


def test_no_customer_is_named(project: Path) -> None:
    for path in artefacts(project):
        assert NAME not in said(path), path


def test_what_the_commands_said_names_nobody(project: Path) -> None:
    spoken = sorted(project.glob("said-*.txt"))
    assert [path.stem.split("-", 2)[2] for path in spoken] == [
        "nasty-0", "internal-0", "nasty-2", "broken-3", "nasty-5",
    ]  # fmt: skip
    for path in spoken:
        assert NAME not in path.read_text(), path


def test_a_profile_by_name_is_no_choice_for_an_external_audience(project: Path) -> None:
    said_of_it = (project / "said-3-nasty-2.txt").read_text()
    assert "There is no attribute 'name'" in said_of_it
    assert "Known: region, industry, loyalty" in said_of_it


def test_an_internal_audience_may_read_names_and_they_are_text(project: Path) -> None:
    page = soup(project / "reports" / "internal" / ".lab" / str(DAY) / "03_segments.html")
    for name in projects.NAMES:
        assert name in page.get_text()
    assert not page.select("script, svg, [onerror]")


def test_no_place_on_this_machine_and_no_traceback(project: Path) -> None:
    places = (str(project), str(ROOT), str(Path.home()) + "/", tempfile.gettempdir() + "/")
    for path in artefacts(project):
        text = said(path)
        assert not [place for place in places if place in text], path
        assert not (found := ABSOLUTE.search(text)), f"{path}: {found}"
        assert "Traceback" not in text, path
        assert "most recent call" not in text, path


def test_what_the_data_calls_things_is_shown_as_it_is(published: Path) -> None:
    regions = {cell.get_text() for cell in soup(published / "03_segments.html").select("tbody th")}
    assert set(NASTY) - {text for text in NASTY if "`" in text} <= regions
    assert set(SEGMENTS) <= regions
    customers = [c.get_text() for c in soup(published / "04_lifecycle.html").select("tbody th")]
    assert sum(text.startswith(NASTY) for text in customers) >= 10
    for path in published.glob("*.html"):
        assert TITLE in soup(path).get_text(), path.name


def test_figures_spell_names_out(published: Path) -> None:
    """Dollar signs are no formula, angle brackets no element of the picture."""
    drawn = said(published / "03_segments.html")
    for text in ("$x$", r"$\frac{1}{$", "客户 一号", "&lt;script&gt;alert(1)&lt;/script&gt;"):
        assert f">{text}</text>" in drawn, text


def test_pages_hold_nothing_that_runs_or_loads(project: Path) -> None:
    for path in projects.pages(project / "reports"):
        page = soup(path)
        assert not page.select(
            "script, svg, iframe, object, embed, form, input, base, video, audio"
        )
        assert len(page.select("style")) == 1
        policies = page.select("meta[http-equiv]")
        assert [(meta["http-equiv"], meta["content"]) for meta in policies] == [
            ("Content-Security-Policy", POLICY)
        ]
        assert page.head.find(True, recursive=False).name == "meta"
        for tag in page.find_all(True):
            assert not [name for name in tag.attrs if name.startswith("on") or name == "style"]
            for name in ("src", "srcset"):
                assert PICTURE.fullmatch(tag.get(name, "data:image/svg+xml;base64,AAAA")), path
            if tag.name == "link":
                assert (tag["rel"], tag["href"][:19]) == (["icon"], "data:image/svg+xml,")
            elif tag.has_attr("href"):
                assert RELATIVE.fullmatch(tag["href"]), f"{path}: {tag['href']}"
        for sheet in page.select("style"):
            assert not re.search(r"url\(|@import|expression", sheet.get_text())


def test_the_policy_comes_before_anything_it_governs(published: Path) -> None:
    for path in published.glob("*.html"):
        before = path.read_text().partition('<meta http-equiv="Content-Security-Policy"')[0]
        assert re.findall(r"<\w+", before) == ["<html", "<head", "<meta"]


def test_pictures_load_nothing_either(project: Path) -> None:
    found = 0
    for path in projects.pages(project / "reports"):
        for drawn in map(base64.b64decode, PICTURE.findall(path.read_text())):
            picture = BeautifulSoup(drawn.decode(), "html.parser")
            found += 1
            assert not picture.select("script, image, foreignobject, a, iframe")
            for tag in picture.find_all(True):
                assert not [name for name in tag.attrs if name.startswith("on")]
                for name in ("href", "xlink:href"):
                    assert tag.get(name, "#").startswith("#")
            assert not re.search(r"url\((?!#)|@import", drawn.decode())
    assert found > 20


def test_every_element_is_closed_where_it_should_be(project: Path) -> None:
    """A name that closed an element would leave the page's elements crossed."""

    class Nesting(HTMLParser):
        void = frozenset({"meta", "br", "img", "hr", "source", "col", "link", "input"})

        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in self.void:
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag, self.getpos()

    for path in projects.pages(project / "reports"):
        nesting = Nesting()
        nesting.feed(path.read_text())
        assert nesting.open == [], path


def test_pages_are_light_to_send(project: Path) -> None:
    for path in projects.pages(project / "reports"):
        assert path.stat().st_size < 1_000_000, path


def test_lists_do_nothing_in_a_spreadsheet(project: Path) -> None:
    files = list((project / "reports").rglob("*.csv"))
    assert len(files) >= 9
    formulas = 0
    for path in files:
        with path.open(newline="", encoding="utf-8") as opened:
            rows = list(csv.reader(opened))
        assert len({len(row) for row in rows}) == 1, path
        for cell in (cell for row in rows for cell in row):
            formulas += cell.startswith("'=")
            if cell.lstrip().startswith(FORMULA):
                assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", cell), f"{path}: {cell}"
    assert formulas > 10


def test_the_finding_and_the_strip_count_the_same_warnings(published: Path) -> None:
    """One rule failed, one broke within its tolerance: both are warnings."""
    text = soup(published / "01_data_quality.html").get_text(" ")
    assert "The data passed, with 2 warnings." in text
    assert "no critical rule failed, 2 warnings to know of" in text
    found = json.loads((published / "metrics.json").read_text())["01_data_quality"]["rules_broken"]
    assert found["value"] == 2


def test_numbers_and_manifest_are_json_about_this_run(published: Path) -> None:
    metrics = json.loads((published / "metrics.json").read_text())
    assert set(metrics) == {path.stem for path in published.glob("0*.html")}
    manifest = json.loads((published / "manifest.json").read_text())
    assert manifest["dataset_title"] == TITLE
    assert list(manifest["made_from"]["inputs"]["lines"]) == ["data/nasty/lines.csv"]
    assert manifest["reports"][2]["finding"].startswith(SEGMENTS)


def test_executed_notebooks_hold_no_error_and_nothing_that_runs(published: Path) -> None:
    notebooks = sorted((published / "notebooks").glob("*.ipynb"))
    assert len(notebooks) == 6
    for path in notebooks:
        nbformat.validate(nbformat.read(path, as_version=4))
        for output in projects.outputs(path):
            assert output["output_type"] == "display_data", path
            shown = BeautifulSoup(output["data"]["text/html"], "html.parser")  # type: ignore[index]
            assert not shown.select("script, svg, iframe, form, b, i, title"), path
            assert shown.find("div")["class"] == ["tex2jax_ignore", "mathjax_ignore"]  # "$x$"
            for tag in shown.find_all(True):
                assert not [name for name in tag.attrs if name.startswith("on")], path


def test_a_cell_whose_row_has_slipped_shows_its_form_only(project: Path) -> None:
    """The amount held a name: what is wrong can be seen, who it is cannot."""
    page = soup(project / "reports" / "broken" / ".failed" / str(DAY) / "index.html").get_text(" ")
    assert "40 of 1,168 rows of 'lines'" in page
    assert "row 1 of data/broken/lines.csv" in page
    assert "12.5x" in page or "<xxx xxx=x xxxxxxx=xxxxx('xxxxxxxxxx')>" in page


def test_a_failed_notebook_tells_its_error_without_values(project: Path) -> None:
    page = soup(project / "reports" / "nasty" / ".failed" / str(FAILED_DAY) / "index.html")
    text = page.get_text(" ")
    assert "Raises <b>an error</b>" in text
    assert "KeyError" in text
    assert "reports to 30 June 2023" in text
    standing = page.select_one('main a[href*="latest"]')
    assert standing is not None
    assert (project / "reports/nasty/.failed" / str(FAILED_DAY) / standing["href"]).is_file()
