"""A headless Chromium that records what a page asks the network for and what it complains about."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from selenium import webdriver

CHROMIUM, CHROMEDRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
GRAVE = {"serious", "critical"}
A4_TEXT_WIDTH = 672
"""Pixels (96 an inch) between the margins of our A4 pages: 210 mm less twice 16 mm."""


@dataclass(frozen=True)
class Visit:
    """What happened while a page was open: addresses requested beside its own, console entries."""

    requests: list[str]
    complaints: list[str]


class Browser:
    """`open` visits a file at a width and colour scheme; the rest asks about the open page."""

    def __init__(self, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(str(CHROMEDRIVER))
        self.driver = webdriver.Chrome(options=options, service=service)

    def close(self) -> None:
        self.driver.quit()

    def open(
        self, path: Path, *, width: int = 1280, dark: bool = False, paper: bool = False
    ) -> Visit:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        medium = {"media": "print" if paper else "", "features": [scheme]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", medium)
        self._events()
        self.driver.get(path.as_uri())
        # Pictures that are decoded late and requests that start late belong to the visit, too.
        self.ask("return Promise.all([...document.images].map(i => i.decode().catch(() => 0)))")
        events = self._events()
        asked = [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        complaints = [str(entry["message"]) for entry in self.driver.get_log("browser")]
        own = path.as_uri()
        return Visit(
            [url for url in asked if url != own and not url.startswith("data:")], complaints
        )

    def ask(self, script: str) -> Any:
        """The value of a piece of JavaScript, run from outside the page's own policy."""
        return self.driver.execute_script(script)

    def printed(self) -> bytes:
        """The open page as a PDF, as a reader would print it."""
        made = self.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
        return base64.b64decode(made["data"])

    def barriers(self) -> list[str]:
        """Serious and critical violations that axe-core finds, each with the element."""
        source = resources.files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
        self.driver.execute_script(source)
        result = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document, {iframes: false}).then(done)"
        )
        return [
            f"{violation['id']} ({violation['impact']}): {node['html'][:160]}"
            for violation in result["violations"]
            if violation["impact"] in GRAVE
            for node in violation["nodes"]
        ]

    def _events(self) -> list[dict[str, Any]]:
        return [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
