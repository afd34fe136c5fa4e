"""One browser for all tests of pages. Without Chromium they are skipped, or fail where CRM_REQUIRE_BROWSER=1."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web import browser as chromium
from tests.web import projects
from tests.web.browser import Browser
from tests.web.pages import every_page


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    for program in (chromium.CHROMIUM, chromium.CHROMEDRIVER):
        if not program.is_file():
            absent = f"{program} is not here (Debian: apt-get install chromium chromium-driver)"
            required = os.environ.get("CRM_REQUIRE_BROWSER") == "1"
            (pytest.fail if required else pytest.skip)(absent)
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files with one page of each kind: report, run, history, failure, verified."""
    folder = tmp_path_factory.mktemp("pages")
    written = {name: folder / f"{name}.html" for name in every_page()}
    for name, text in every_page().items():
        written[name].write_text(text, encoding="utf-8")
    return written


@pytest.fixture(scope="session")
def nasty_reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of real runs on data full of markup, two failures among them."""
    return projects.nasty(tmp_path_factory) / "reports"


@pytest.fixture(scope="session")
def journey_reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a real run of Complete Journey."""
    return projects.completejourney(tmp_path_factory) / "reports"
