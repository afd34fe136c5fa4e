"""What a reader's browser makes of our pages: silent, whole, readable everywhere, open to everyone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.browser import Browser

pytestmark = [pytest.mark.web, pytest.mark.xdist_group("browser")]
each_kind = pytest.mark.parametrize("kind", ["report", "run", "history", "failure", "verified"])
each_scheme = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


@each_kind
def test_a_page_asks_for_nothing_and_complains_about_nothing(
    browser: Browser, pages: dict[str, Path], kind: str
) -> None:
    visit = browser.open(pages[kind])
    assert visit.requests == []
    assert visit.complaints == []


def test_the_recorder_sees_requests_and_complaints(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<img src='missing.png'><script>console.error('x')</script>")
    visit = browser.open(page)
    assert len(visit.requests) == 1
    assert any("'x'" in entry or '"x"' in entry for entry in visit.complaints)


@each_kind
def test_names_that_are_markup_stay_text(
    browser: Browser, pages: dict[str, Path], kind: str
) -> None:
    browser.open(pages[kind])
    assert "hacked" not in str(browser.ask("return document.title")).split("<script>")[0]
    assert browser.ask("return document.scripts.length") == 0
    assert browser.ask("return document.querySelectorAll('img:not([src^=\"data:\"])').length") == 0
    handlers = "[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => a.name.startsWith('on')))"
    assert browser.ask(f"return {handlers}") is False
    assert "<script>" in browser.ask("return document.body.innerText")


@each_kind
@each_scheme
def test_no_serious_barrier(
    browser: Browser, pages: dict[str, Path], kind: str, dark: bool
) -> None:
    browser.open(pages[kind], dark=dark)
    browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.barriers() == []


@each_kind
def test_no_serious_barrier_on_a_phone(browser: Browser, pages: dict[str, Path], kind: str) -> None:
    browser.open(pages[kind], width=375)
    assert browser.barriers() == []


def test_the_barrier_check_finds_barriers(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<html><body style='background:#fff'><p style='color:#ccc'>pale</p><img src='data:,'>"
    )
    browser.open(page)
    found = " ".join(browser.barriers())
    assert "color-contrast" in found
    assert "image-alt" in found


@each_kind
@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_a_page_never_scrolls_sideways(
    browser: Browser, pages: dict[str, Path], kind: str, width: int
) -> None:
    browser.open(pages[kind], width=width)
    assert browser.ask("return document.documentElement.scrollWidth") <= width
    assert browser.ask("return document.body.scrollWidth") <= width


@each_scheme
def test_every_picture_is_described_and_really_drawn(
    browser: Browser, pages: dict[str, Path], dark: bool
) -> None:
    browser.open(pages["report"], dark=dark)
    pictures = browser.ask("return [...document.images].map(i => [i.alt, i.naturalWidth])")
    assert len(pictures) == 3
    assert all(alt and width > 100 for alt, width in pictures)


def test_phones_get_the_picture_that_was_drawn_for_them(
    browser: Browser, pages: dict[str, Path]
) -> None:
    sizes = []
    for width in (375, 1280):
        browser.open(pages["report"], width=width)
        sizes.append(browser.ask("return document.images[0].naturalWidth"))
    assert sizes[0] < sizes[1]


def test_wide_tables_scroll_by_themselves_and_by_keyboard(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["report"], width=375)
    region = "document.querySelector('.crm-tablewrap .crm-scroll')"
    assert browser.ask(f"return {region}.scrollWidth > {region}.clientWidth") is True
    assert browser.ask(f"{region}.focus(); return document.activeElement === {region}") is True


def test_the_finding_stands_on_the_first_screen(browser: Browser, pages: dict[str, Path]) -> None:
    for width, height in ((1280, 900), (375, 812)):
        browser.open(pages["report"], width=width)
        place = "document.querySelector('.crm-lead').getBoundingClientRect().bottom"
        assert browser.ask(f"return {place}") < height


def test_the_contents_lead_to_the_sections(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["report"])
    links = browser.ask("return [...document.querySelectorAll('.crm-contents a')].map(a => a.hash)")
    assert links == ["#revenue", "#names", "#how-this-page-was-made"]
    assert browser.ask(f"return {links}.every(id => document.querySelector(id))") is True


def test_print_hides_what_paper_cannot_use(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["report"], paper=True)
    shown = "e => getComputedStyle(e).display !== 'none'"
    for hidden in (".crm-code", ".crm-contents", ".crm-siblings"):
        query = f"return [...document.querySelectorAll('{hidden}')].some({shown})"
        assert browser.ask(query) is False, hidden


def test_dark_pages_have_dark_pictures(browser: Browser, pages: dict[str, Path]) -> None:
    """The picture's own paper follows the page's, measured on a screenshot of its corner."""
    import base64
    import io

    from PIL import Image

    for dark in (False, True):
        browser.open(pages["report"], dark=dark)
        box = browser.ask(
            "const r = document.images[0].getBoundingClientRect(); return [r.x + scrollX, r.y + scrollY]"
        )
        clip = {"x": box[0] + 2, "y": box[1] + 2, "width": 4, "height": 4, "scale": 1}
        shot = browser.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True}
        )
        pixel = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("L").getpixel((1, 1))
        assert (pixel < 60) is dark  # type: ignore[operator]


@each_kind
def test_a_page_is_light_to_send(pages: dict[str, Path], kind: str) -> None:
    assert pages[kind].stat().st_size < 1_000_000
