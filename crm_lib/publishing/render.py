"""An executed notebook becomes one self-contained page: no script, no request, nothing unescaped.

nbconvert renders the cells with our template, nh3 lets pass only what the allow-list below names, and
the frame (title, contents, style sheet) is added around the clean body.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any

import nh3
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from crm_lib.present import page, style, words
from crm_lib.present.html import FINDING_MIME, METRICS_MIME

TEMPLATES = Path(__file__).parent / "templates"
LANGUAGE = "en"

TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del",
    "details", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "hr", "i",
    "img", "li", "ol", "p", "picture", "pre", "q", "s", "small", "source", "span", "strong", "sub",
    "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "*": {"class", "role", "aria-label", "aria-hidden"},
    "a": {"href"},
    "div": {"tabindex"},
    "pre": {"tabindex"},
    **{heading: {"id"} for heading in ("h1", "h2", "h3", "h4")},
    "img": {"alt", "src"},
    "source": {"media", "srcset"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "ol": {"start"},
}
_PICTURE = re.compile(r"data:image/(svg\+xml|png|jpeg);base64,[A-Za-z0-9+/=]+")
_ADDRESS = re.compile(r"#[\w.%-]+|https?://\S+|(?!\w+:)[\w./-]+(#[\w.%-]+)?")
# Our own classes, and the short ones that Pygments gives to code.
_CLASS = re.compile(r"crm-[a-z0-9-]+|highlight|dataframe|[a-z]{1,2}[0-9a-z]?")
# nh3 writes attributes in double quotes and escapes those within.
_GIVEN = r"(?:\s[\w-]+=\"[^\"]*\")*"
_HEADING = re.compile(rf"<h([1-4])({_GIVEN})>(.*?)</h\1>", re.DOTALL)
_IMAGE = re.compile(rf"<img({_GIVEN})\s*/?>")


def _filter(element: str, attribute: str, text: str) -> str | None:
    if attribute == "class":
        return " ".join(name for name in text.split() if _CLASS.fullmatch(name)) or None
    if attribute in {"src", "srcset"}:
        return text if _PICTURE.fullmatch(text) else None
    if attribute == "href":
        return text if _ADDRESS.fullmatch(text) else None
    if attribute == "tabindex":
        return "0"
    if attribute == "role":
        return text if text in {"region", "note"} else None
    return text


@functools.cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=TAGS,
        clean_content_tags={"script", "style"},
        attributes=ATTRIBUTES,
        attribute_filter=_filter,
        url_schemes={"http", "https", "data"},
        link_rel="noopener noreferrer",
    )


def clean(fragment: str) -> str:
    """The fragment with only what a report may hold; anything else is dropped, its text kept."""
    cleaned = str(_cleaner().clean(fragment))
    return _IMAGE.sub(lambda image: image.group() if ' src="' in image.group(1) else "", cleaned)


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@functools.cache
def stylesheet() -> str:
    """The style sheet of every page: colours by role on light and dark paper, then the rules."""
    names = {role.replace("_", "-"): pair for role, pair in style.COLOURS.items()}
    light, dark = ("".join(f"--{role}:{pair[i]};" for role, pair in names.items()) for i in (0, 1))
    fonts = f"--sans:{style.SANS};--serif:{style.SERIF};--mono:{style.MONO};"
    bars = "".join(f".crm-bar-{n}{{background-size:{n}% 1.15em}}" for n in range(101))
    rules = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return (
        f":root{{{light}{fonts}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        f"{rules}\n{bars}"
    )


def page_html(template: str, **fields: Any) -> str:
    """One of our own page templates, filled in; every text field is escaped."""
    shared = {"lang": LANGUAGE, "stylesheet": Markup(stylesheet())}
    return _environment().get_template(template).render(**shared, **fields)


def render_notebook(nb: NotebookNode, *, title: str, context: Mapping[str, Any]) -> str:
    """The executed notebook as a page.

    `context`: `dataset` (its name), `dataset_title`, `as_of` ("2018-01-01", exclusive), `verdict` (as for
    `page.verdict_strip`, or None; shown unless the notebook shows it itself), `siblings`
    [{title, href, current?}], `generated_at` (ISO text, optional).
    """
    body, contents = _anchored(clean(_body(nb)))
    strip = context.get("verdict")
    verdict = "" if not strip or "crm-verdict" in body else clean(page.verdict_strip(strip).html)
    return page_html(
        "report.html.j2",
        title=title,
        dataset_title=context["dataset_title"],
        through=words.through(context["as_of"]),
        siblings=[{"current": False, **each} for each in context.get("siblings", [])],
        generated_at=words.moment(context.get("generated_at", "")),
        contents=contents,
        has_title="<h1" in body,
        verdict=Markup(verdict),
        body=Markup(body),
    )


def _body(nb: NotebookNode) -> str:
    exporter = HTMLExporter(
        template_name="crm_report",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_anchor_links=True,
    )
    exporter.register_filter("text_base64", _text_base64)
    exporter.register_filter("opens_the_report", _opens_the_report)
    return str(exporter.from_notebook_node(nb)[0])


def _opens_the_report(cell: NotebookNode) -> bool:
    """Cells of the first screen, whose code would stand between the reader and the finding."""
    if {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", [])):
        return True
    bundles = [output["data"] for output in cell.outputs if "data" in output]
    return any(
        FINDING_MIME in data
        or METRICS_MIME in data
        or 'class="crm-verdict' in data.get("text/html", "")
        for data in bundles
    )


def _text_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _anchored(body: str) -> tuple[str, list[tuple[str, str]]]:
    """The body with an id of its own on every heading, and the list of its second-level headings."""
    used: set[str] = set()
    contents: list[tuple[str, str]] = []

    def number(match: re.Match[str]) -> str:
        level, _, inner = match.groups()
        text = unescape(re.sub(r"<[^>]+>", "", inner)).strip()
        stem = re.sub(r"[^\w]+", "-", text.lower()).strip("-") or "section"
        anchor = next(
            a for a in (stem, *(f"{stem}-{n}" for n in range(2, 10_000))) if a not in used
        )
        used.add(anchor)
        if level == "2":
            contents.append((anchor, text))
        return f'<h{level} id="{anchor}">{inner}</h{level}>'

    return _HEADING.sub(number, body), contents


def headline_numbers(nb: NotebookNode) -> dict[str, dict[str, Any]]:
    """The numbers of all `page.headline` calls of an executed notebook, by key (see `Number.as_data`)."""
    found: dict[str, dict[str, Any]] = {}
    for data in _outputs(nb):
        found.update(data.get(METRICS_MIME, {}))
    return found


def first_finding(nb: NotebookNode) -> str:
    """The sentence of the notebook's first `page.finding`; empty where it states none."""
    stated = (data[FINDING_MIME]["sentence"] for data in _outputs(nb) if FINDING_MIME in data)
    return str(next(stated, ""))


def _outputs(nb: NotebookNode) -> list[dict[str, Any]]:
    cells = (cell for cell in nb.cells if cell.cell_type == "code")
    return [output["data"] for cell in cells for output in cell.outputs if "data" in output]
