"""Pages of real runs in a real browser: all reports on nasty data, both failures, Complete Journey."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.browser import A4_TEXT_WIDTH, Browser
from tests.web.projects import DAY, FAILED_DAY

pytestmark = [pytest.mark.web, pytest.mark.slow, pytest.mark.xdist_group("browser")]

RUN = (
    "index",
    "01_data_quality",
    "02_customer_base",
    "03_segments",
    "04_lifecycle",
    "05_profitability",
    "06_lifetime_value",
)
NASTY = {
    "history": "index.html",
    "history of a set": "nasty/index.html",
    **{name: f"nasty/latest/{name}.html" for name in RUN},
    "picked": f"internal/.lab/{DAY}/index.html",
    "names": f"internal/.lab/{DAY}/03_segments.html",
    "failed data": f"broken/.failed/{DAY}/index.html",
    "failed data in detail": f"broken/.failed/{DAY}/01_data_quality.html",
    "failed notebook": f"nasty/.failed/{FAILED_DAY}/index.html",
}
JOURNEY = {f"journey {name}": f"completejourney/latest/{name}.html" for name in RUN}
UNSAFE = """
    const all = [...document.querySelectorAll('*')];
    return [
        ...document.querySelectorAll('script, iframe, object, embed, form, main svg'),
        ...all.filter(e => [...e.attributes].some(a => a.name.startsWith('on') || a.name === 'style')),
        ...[...document.links].filter(a => !/^(file|https):$/.test(a.protocol)),
        ...[...document.images].filter(i => !i.currentSrc.startsWith('data:image/svg+xml;base64,')),
    ].map(e => e.outerHTML.slice(0, 200));
"""


@pytest.fixture(params=[*NASTY, *JOURNEY])
def page(request: pytest.FixtureRequest) -> Path:
    """One page after the other; the run behind it is made when its first page is asked for."""
    if request.param in NASTY:
        folder: Path = request.getfixturevalue("nasty_reports")
        return folder / NASTY[request.param]
    folder = request.getfixturevalue("journey_reports")
    return folder / JOURNEY[request.param]


def test_a_page_on_a_desk(browser: Browser, page: Path) -> None:
    """Silent, harmless, every picture drawn and described, no barrier, nothing beside the screen."""
    visit = browser.open(page)
    assert visit.requests == []
    assert visit.complaints == []
    assert browser.ask(UNSAFE) == []
    pictures = browser.ask("return [...document.images].map(i => [i.alt, i.naturalWidth])")
    assert all(alt.strip() and width > 100 for alt, width in pictures)
    assert browser.ask("return document.documentElement.scrollWidth") <= 1280
    browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.barriers() == []


def test_a_page_in_the_dark(browser: Browser, page: Path) -> None:
    visit = browser.open(page, dark=True)
    assert (visit.requests, visit.complaints) == ([], [])
    assert browser.barriers() == []


def test_a_page_on_a_phone(browser: Browser, page: Path) -> None:
    visit = browser.open(page, width=375)
    assert (visit.requests, visit.complaints) == ([], [])
    assert browser.ask("return document.documentElement.scrollWidth") <= 375
    assert browser.ask("return document.body.scrollWidth") <= 375
    assert browser.barriers() == []


def test_a_page_on_paper(browser: Browser, page: Path) -> None:
    """Nothing is wider than the page: a browser would print everything smaller, or cut it off."""
    browser.open(page, width=A4_TEXT_WIDTH, paper=True)
    assert browser.ask("return document.documentElement.scrollWidth") <= A4_TEXT_WIDTH
    browser.open(page)
    made = browser.printed()
    assert made.startswith(b"%PDF-")
    assert len(made) > 10_000


def test_tables_fit_a_desk(browser: Browser, page: Path) -> None:
    """At 1280 px no table hides columns at its side, not even when a customer's name is one long word."""
    browser.open(page)
    hidden = (
        "[...document.querySelectorAll('.crm-scroll')].filter(t => t.scrollWidth > t.clientWidth)"
    )
    assert browser.ask(f"return {hidden}.map(t => t.getAttribute('aria-label'))") == []
