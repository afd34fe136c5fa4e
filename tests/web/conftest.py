"""One browser for all tests of pages; without Chromium they are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web import browser as chromium
from tests.web.browser import Browser
from tests.web.pages import every_page


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    for program in (chromium.CHROMIUM, chromium.CHROMEDRIVER):
        if not program.is_file():
            pytest.skip(f"{program} is not here (Debian: apt-get install chromium chromium-driver)")
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files with one page of each kind: report, run, history, failure."""
    folder = tmp_path_factory.mktemp("pages")
    written = {name: folder / f"{name}.html" for name in every_page()}
    for name, text in every_page().items():
        written[name].write_text(text, encoding="utf-8")
    return written
