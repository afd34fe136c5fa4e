"""Real runs for the tests of pages, each made once a session: data full of markup, and two failures.

The project holds three data sets of the same rows: `nasty`, `internal` (its pages may show names) and
`broken` (too many unreadable amounts). A fourth run fails in a notebook.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock

from tests.conftest import ROOT
from tests.publishing.conftest import write_notebook

NAME = "Mustermann"
"""In every customer's name and nowhere else, so that one search finds any name that slipped through."""
NAMES = (
    f"<script>alert('{NAME}')</script>", f"<img src=x onerror=alert('{NAME}')>",
    f'=HYPERLINK("http://{NAME}","y")', f"Erika {NAME}", f"{NAME} 诗雨", f'"{NAME}", \'Söhne\' & Co',
)  # fmt: skip
NASTY = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '=HYPERLINK("http://x","y")',
    "[x](javascript:alert(1))", "{{ jinja }}{% raw %}", "$x$", r"$\frac{1}{$", "客户 一号", "'\"><svg onload=alert(1)>",
    "</style></td></title>", "@SUM(A1)", "-2-3 `code` **bold**", "W" * 300 + " &lt;b&gt;",
)  # fmt: skip
"""What ids, products, regions, attributes, shops and orders are called; as many as a profile names."""
TITLE = "<b>Nasty</b> {{ 7*7 }} $x$ & Söhne 客户"
SEGMENTS = ("<i onclick=alert(1)>Best</i>", "=Rest {{ 7*7 }} $x$ [x](javascript:alert(1))")
UNREADABLE = f"<img src=x onerror=alert('{NAME}')>12.5O"
"""An amount of a row whose cells have slipped: a name stands where the amount should."""
DAY, FAILED_DAY = date(2023, 7, 1), date(2023, 6, 1)
CUSTOMERS = 90


def _lines(bad: int) -> str:
    """Purchases from January to June; customers differ in rhythm, some fall silent. `bad` are unreadable."""
    rows = []
    for number in range(CUSTOMERS):
        day, rhythm = date(2023, 1, 2) + timedelta(number), 5 + number % 11
        last = date(2023, 6, 30) - timedelta(13 * (number % 5))
        while day <= last:
            text = NASTY[len(rows) % len(NASTY)]
            amount = f"{10 + number % 7 + len(rows) % 5}.50"
            rows.append([identity(number), f"{text}{len(rows)}", day, amount, 1, text, text, text])
            day += timedelta(rhythm)
    for row in range(bad):
        rows[row * 7][3] = UNREADABLE
    rows.append(
        ["", "anonymous", DAY - timedelta(5), "7.00", 1, "<b>not in products</b>", "$y$", ""]
    )
    return _csv(["customer", "order", "when", "amount", "quantity", "product", "place", "channel"], rows)  # fmt: skip


def identity(number: int) -> str:
    return f"{NASTY[number % len(NASTY)]}{number}"


def _customers() -> str:
    rows = [
        [identity(n), NAMES[n % len(NAMES)], *(NASTY[(n + shift) % len(NASTY)] for shift in (0, 3, 5))]
        for n in range(CUSTOMERS)
    ]  # fmt: skip
    return _csv(["id", "name", "region", "industry", "loyalty"], rows)


def _products() -> str:
    return _csv(["id", "name", "category"], [[text, text, text] for text in NASTY])


def _csv(head: list[str], rows: list[list[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    return text.getvalue()


def _yml(name: str, audience: str) -> str:
    """`dataset.yml`; JSON is YAML, and quotes whatever the texts hold."""

    def of(table: str) -> dict[str, object]:
        return {"files": f"data/{name}/{table}.csv"}

    segments = [
        {"name": text, "recency": bounds, "frequency": [1, 5], "meaning": text, "action": text}
        for text, bounds in zip(SEGMENTS, ([4, 5], [1, 3]), strict=True)
    ]
    tables = {
        "lines": {
            "source": of("lines"),
            "columns": {
                "customer_id": "customer", "order_id": "order", "ordered_at": "when", "amount": "amount",
                "quantity": "quantity", "product_id": "product", "place": "place", "channel": "channel",
            },
        },
        "customers": {
            "source": of("customers"),
            "columns": {"customer_id": "id", "name": "name", "region": "region", "industry": "industry"},
            "attributes": {"loyalty": "loyalty"},
        },
        "products": {
            "source": of("products"),
            "columns": {"product_id": "id", "name": "name", "category": "category"},
        },
    }  # fmt: skip
    return json.dumps({
        "title": TITLE, "about": NASTY[0], "currency": "EUR", "observed_from": "2023-01-01", "warm_up_days": 31,
        "default_as_of": str(DAY), "audience": audience, "segments": segments, "tables": tables,
    })  # fmt: skip


def _write_project(folder: Path) -> None:
    for name in ("notebooks", "expectations"):
        shutil.copytree(ROOT / name, folder / name)
    for name, audience, bad in (("nasty", "external", 3), ("internal", "internal", 3), ("broken", "external", 40)):  # fmt: skip
        home = folder / "data" / name
        home.mkdir(parents=True)
        tables = {"lines": _lines(bad), "customers": _customers(), "products": _products()}
        for table, text in tables.items():
            (home / f"{table}.csv").write_text(text, encoding="utf-8", newline="")
        (home / "dataset.yml").write_text(_yml(name, audience), encoding="utf-8")


def _crm(folder: Path, *arguments: str, exit_code: int = 0) -> None:
    """`crm …` in the project `folder`, as a person would run it; what it says is kept beside."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CRM_")}
    done = subprocess.run(
        [sys.executable, "-m", "crm_lib.cli", *arguments],
        cwd=ROOT, env={**kept, "CRM_HOME": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    number = len(list(folder.glob("said-*.txt"))) + 1
    (folder / f"said-{number}-{arguments[1]}-{exit_code}.txt").write_text(done.stdout + done.stderr)
    assert done.returncode == exit_code, done.stderr


def _make(folder: Path) -> None:
    _write_project(folder)
    _crm(folder, "run", "nasty", "--as-of", str(DAY))
    by_name = ("--as-of", str(DAY), "--only", "03", "--parameter", "attribute=name")
    _crm(folder, "run", "internal", *by_name)
    _crm(folder, "run", "nasty", *by_name, exit_code=2)
    _crm(folder, "run", "broken", "--as-of", str(DAY), exit_code=3)
    reads_a_name = f'names = {{"a": 1}}\nnames["{NAMES[0]}"]'
    write_notebook(folder / "notebooks", "09_raises", reads_a_name, title="Raises <b>an error</b>")
    _crm(folder, "run", "nasty", "--as-of", str(FAILED_DAY), "--only", "09", exit_code=5)


def _make_completejourney(folder: Path) -> None:
    for name in ("notebooks", "expectations", "data/completejourney"):
        shutil.copytree(ROOT / name, folder / name)
    _crm(folder, "run", "completejourney", "--as-of", "default")


def _once(factory: pytest.TempPathFactory, name: str, make: object) -> Path:
    """The folder `name` of this test session, filled by the first worker that asks for it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = shared / name, shared / f"{name}.done"
    with FileLock(shared / f"{name}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)  # type: ignore[operator]
            done.touch()
    return folder


def nasty(factory: pytest.TempPathFactory) -> Path:
    """The project folder with the four runs."""
    return _once(factory, "nasty", _make)


def completejourney(factory: pytest.TempPathFactory) -> Path:
    """A project folder with one full run of Complete Journey."""
    return _once(factory, "completejourney", _make_completejourney)


def pages(reports: Path) -> list[Path]:
    """Every page below a folder of reports, each once however many links lead to it."""
    return sorted(path for path in reports.rglob("*.html") if path.is_file())


def outputs(notebook: Path) -> Iterator[dict[str, object]]:
    """What the cells of an executed notebook displayed."""
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            yield dict(output)
