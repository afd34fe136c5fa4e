"""Headline numbers: the cards at the top of a report, and the same numbers as data for `metrics.json`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, SupportsFloat

from crm_lib import errors
from crm_lib.present import words
from crm_lib.present.html import METRICS_MIME, Html, escape, tag

Numeric = SupportsFloat | None
_KEY = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Number:
    """One headline number with everything a reader needs to use it.

    `value`: in `unit` (shares as fractions). `change`, `year_change`: relative (0.05 = +5%), for shares
    the difference of shares. `window`: what period it covers. `good`: the direction that is good news.
    """

    key: str
    label: str
    value: Numeric
    unit: str
    window: str
    change: Numeric = None
    change_label: str = ""
    year_change: Numeric = None
    year_change_label: str = ""
    good: Literal["up", "down"] | None = None
    interval: tuple[Numeric, Numeric] | None = None
    denominator: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        words.check_unit(self.unit)
        if not _KEY.fullmatch(self.key):
            raise errors.UsageError(
                f"The key '{self.key}' of a headline number must be lower-case letters, digits and "
                "underscores, such as 'repeat_purchase_rate'."
            )
        if self.good not in {"up", "down", None}:
            raise errors.UsageError(
                errors.unknown("direction `good`", str(self.good), ["up", "down"])
            )

    def as_data(self, currency: str | None) -> dict[str, Any]:
        """The number as JSON keeps it: plain floats, null where there is none."""
        return {
            "label": self.label,
            "value": _plain(self.value),
            "unit": self.unit,
            "currency": currency if self.unit == "money" else None,
            "window": self.window,
            "change": _plain(self.change),
            "change_label": self.change_label,
            "year_change": _plain(self.year_change),
            "year_change_label": self.year_change_label,
            "good": self.good,
            "interval": [_plain(bound) for bound in self.interval] if self.interval else None,
            "denominator": self.denominator,
            "note": self.note,
        }


def _plain(x: Numeric) -> float | None:
    return None if x is None or words.is_missing(x) else float(x)


def headline(numbers: Sequence[Number], *, currency: str | None = None) -> Html:
    """The cards of a report's most important numbers; their data goes to `metrics.json` by key.

    Raises UsageError for a key used twice or money without a currency.
    """
    data: dict[str, dict[str, Any]] = {}
    for number in numbers:
        if number.key in data:
            raise errors.UsageError(f"Two headline numbers have the key '{number.key}'.")
        # JSON objects have no order; the rank keeps that of the cards.
        data[number.key] = {**number.as_data(currency), "rank": len(data)}
    cards = "".join(card(each) for each in data.values())
    lines = [f"{each['label']}: {shown(each)} ({each['window']})" for each in data.values()]
    return Html(tag("div", cards, "crm-cards"), "\n".join(lines), {METRICS_MIME: data})


def shown(data: dict[str, Any]) -> str:
    """The value with its unit, large amounts shortened."""
    return words.value(data["value"], data["unit"], data.get("currency"), compact=True)


def card(data: dict[str, Any]) -> str:
    """One card from a number's data (as in `metrics.json`); missing keys are left out."""
    parts = [
        tag("p", escape(data["label"]), "crm-label"),
        tag("p", escape(shown(data)), "crm-value"),
        _change(data, "change"),
        _change(data, "year_change"),
        _interval(data),
        tag(
            "p",
            escape(", ".join(filter(None, [data.get("window"), data.get("denominator")]))),
            "crm-window",
        ),
        tag("p", escape(data["note"]), "crm-fineprint") if data.get("note") else "",
    ]
    return tag("div", "".join(parts), "crm-card")


def _interval(data: dict[str, Any]) -> str:
    if not data.get("interval"):
        return ""
    low, high = (
        words.value(x, data["unit"], data.get("currency"), compact=True) for x in data["interval"]
    )
    return tag("p", escape(words.say("card.interval", low=low, high=high)), "crm-window")


def _change(data: dict[str, Any], name: str) -> str:
    """Arrow, signed number and what it is compared with; colour only adds whether that is good."""
    change = data.get(name)
    if change is None:
        return ""
    text = words.change(change, data["unit"])
    flat = text.strip("0.%") in {"", " points"}
    arrow = "■" if flat else "▲" if change > 0 else "▼"
    good = data.get("good")
    mood = "" if flat or not good else " crm-good" if (change > 0) == (good == "up") else " crm-bad"
    mark = tag("span", arrow, "crm-arrow", aria_hidden="true")
    figure = tag("span", f"{mark} {escape(text)}", "crm-delta" + mood)
    return tag("p", f"{figure} {escape(data.get(name + '_label', ''))}", "crm-change")
