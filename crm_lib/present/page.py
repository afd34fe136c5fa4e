"""What a notebook calls to speak to its reader: finding, numbers, figure, table, note, verdict, run card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crm_lib import errors
from crm_lib.present import style, words
from crm_lib.present.figures import canvas
from crm_lib.present.html import FINDING_MIME, Html, escape, prose, tag
from crm_lib.present.numbers import Number, headline
from crm_lib.present.tables import Column, table

__all__ = [
    "Column",
    "Html",
    "Number",
    "figure",
    "finding",
    "headline",
    "note",
    "run_card",
    "table",
    "verdict_strip",
]

VERDICTS = ("passed", "passed with warnings", "failed")
# Order of the rows of a verdict, and how each is called.
ROW_COUNTS = ("read", "accepted", "quarantined", "later", "out_of_scope")


def finding(sentence: str) -> Html:
    """The report's main finding, the first thing under its title; the index of the run quotes it."""
    return Html(
        tag("p", escape(sentence), "crm-lead"), sentence, {FINDING_MIME: {"sentence": sentence}}
    )


def note(text: str) -> Html:
    """A remark that must not be overlooked: a limit, an assumption, a warning."""
    return Html(tag("div", tag("p", prose(text)), "crm-callout", role="note"), text)


def figure(
    draw: canvas.Draw,
    frame: pd.DataFrame,
    *,
    finding: str,
    note: str = "",
    size: str = "wide",
    currency: str | None = None,
    **options: Any,
) -> Html:
    """Draw the frame; the finding is the figure's title and its description for those who do not see it.

    `draw(ax, frame, **options)` is one of `present.figures`; `size` is wide, half or tall. The picture is
    made twice, for a desk and for a phone. Raises UsageError for an unknown size, option or column.
    """
    if size not in style.SIZES:
        raise errors.UsageError(errors.unknown("figure size", size, style.SIZES))
    canvas.check_options(draw, options)
    if currency is not None and canvas.takes(draw, "currency"):
        options["currency"] = words.known_currency(currency)
    caption = tag("figcaption", escape(finding), "crm-finding")
    if frame.empty:
        picture = tag("p", escape(words.say("figure.empty")), "crm-empty")
    else:
        picture = _picture(draw, frame, finding, size, options)
    below = tag("p", prose(note), "crm-note") if note else ""
    body = caption + picture + below
    return Html(tag("figure", body, f"crm-figure crm-figure-{size}"), f"[figure] {finding}")


def _picture(
    draw: canvas.Draw, frame: pd.DataFrame, finding: str, size: str, options: Mapping[str, Any]
) -> str:
    desk, phone = (canvas.svg(draw, frame, inches, options) for inches in style.SIZES[size])
    small = f'<source media="(max-width: 600px)" srcset="{canvas.data_uri(phone)}">'
    image = f'<img alt="{escape(finding)}" src="{canvas.data_uri(desk)}">'
    return tag("picture", small + image)


def verdict_strip(verdict: Mapping[str, Any]) -> Html:
    """One strip that says whether the data can be trusted, from a dictionary with the keys

    `verdict` ("passed", "passed with warnings", "failed"), `rows` {read, accepted, quarantined, later,
    out_of_scope: int}, `money` {accepted, quarantined, …: number} and `currency` (both optional),
    `warnings` [sentence], `link` (an address in the same folder, optional), `link_text`.
    """
    state = verdict.get("verdict", "")
    if state not in VERDICTS:
        raise errors.UsageError(errors.unknown("verdict", str(state), VERDICTS))
    warnings = list(verdict.get("warnings", []))
    fields = {"warnings": words.counted(len(warnings), "warning")} if state == VERDICTS[1] else {}
    head = words.say(f"verdict.{state}", **fields)
    facts = " ".join(filter(None, [_rows_sentence(verdict), _money_sentence(verdict)]))
    mark = tag(
        "span", {"passed": "✓", "failed": "✕"}.get(state, "!"), "crm-mark", aria_hidden="true"
    )
    link = str(verdict.get("link") or "")
    shown_link = (
        f" {tag('a', escape(verdict.get('link_text') or words.say('verdict.link')), href=link)}"
        if link
        else ""
    )
    parts = [
        tag(
            "p",
            f"{mark} {tag('strong', escape(head))} {tag('span', escape(facts), 'crm-verdict-facts')}{shown_link}",
        ),
        _warnings(warnings) if warnings else "",
    ]
    css = "crm-verdict crm-verdict-" + state.split()[-1]
    return Html(tag("div", "".join(parts), css), " ".join([head, facts, *warnings]))


def _warnings(warnings: list[str]) -> str:
    said = words.say("verdict.warning")
    if len(warnings) > 1:
        said = words.say("verdict.warnings", warnings=words.counted(len(warnings), "warning"))
    return tag(
        "details",
        tag("summary", escape(said))
        + tag("ul", "".join(tag("li", prose(text)) for text in warnings)),
        "crm-warnings",
    )


def _rows_sentence(verdict: Mapping[str, Any]) -> str:
    rows = verdict.get("rows")
    if not rows:
        return ""
    for name in rows:
        if name not in ROW_COUNTS:
            raise errors.UsageError(errors.unknown("row count of a verdict", name, ROW_COUNTS))
    parts = {name: words.count(rows.get(name, 0)) for name in ROW_COUNTS[:4]}
    parts["read"] = words.counted(rows.get("read", 0), "row")
    sentence = words.say("verdict.rows", **parts)
    outside = rows.get("out_of_scope", 0)
    if outside:
        sentence += " " + words.say("verdict.out_of_scope", rows=words.counted(outside, "row"))
    return sentence


def _money_sentence(verdict: Mapping[str, Any]) -> str:
    amounts, currency = verdict.get("money"), verdict.get("currency")
    if not amounts or not currency:
        return ""
    accepted, quarantined = (
        words.money(amounts.get(name, 0), currency, digits=2)
        for name in ("accepted", "quarantined")
    )
    if not amounts.get("quarantined"):
        return words.say("verdict.money", accepted=accepted)
    return words.say("verdict.money_quarantined", accepted=accepted, quarantined=quarantined)


def run_card(facts: Mapping[str, object]) -> Html:
    """How this page was made: name → text, in the given order (data set, day, versions, parameters …)."""
    items = "".join(
        tag("dt", escape(name)) + tag("dd", escape(text)) for name, text in facts.items()
    )
    plain = "\n".join(f"{name}: {text}" for name, text in facts.items())
    return Html(tag("dl", items, "crm-facts"), plain)
