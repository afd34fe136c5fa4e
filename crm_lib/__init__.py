"""What an analyst types: `import crm_lib as crm`, then `crm.open_book(...)`.

    book = crm.open_book("completejourney", as_of="2018-01-01")
    sizes = crm.collect(crm.segments.sizes(crm.segments.rfm(book.customers)))

Names load when first used, so that a command that needs one of them does not pay for all.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from crm_lib.errors import unknown

if TYPE_CHECKING:
    from crm_lib import btyd, coverage, marts
    from crm_lib.analysis import (
        acquisition,
        campaigns,
        clusters,
        clv,
        cohorts,
        concentration,
        dashboard,
        decomposition,
        equity,
        flow,
        keeping,
        lifetime,
        losses,
        margins,
        profiles,
        profit,
        repeat,
        segments,
        spend_ahead,
        stages,
        tenure,
        transitions,
    )
    from crm_lib.book import Book, open_book
    from crm_lib.engine import collect, kept
    from crm_lib.periods import Window, compared, trailing
    from crm_lib.present import cards, figures, sentences, shapes
    from crm_lib.present.page import (
        Column,
        Number,
        figure,
        finding,
        headline,
        note,
        run_card,
        table,
        verdict_strip,
    )
    from crm_lib.present.show import if_possible, show
    from crm_lib.present.words import day, in_words
    from crm_lib.publishing.exports import export
    from crm_lib.quality.frames import reconciliation_frame, rules_frame

__version__ = "0.1.0"

_DOOR = {
    "crm_lib.analysis": (
        "acquisition", "campaigns", "clusters", "clv", "cohorts", "concentration", "dashboard", "decomposition",
        "equity", "flow", "keeping", "lifetime", "losses", "margins", "profiles", "profit",
        "repeat", "segments", "spend_ahead", "stages", "tenure", "transitions",
    ),
    "crm_lib.book": ("Book", "open_book"),
    "crm_lib.engine": ("collect", "kept"),
    "crm_lib.periods": ("Window", "compared", "trailing"),
    "crm_lib.present": ("cards", "figures", "sentences", "shapes"),
    "crm_lib.present.page": (
        "Column", "Number", "figure", "finding", "headline", "note", "run_card", "table",
        "verdict_strip",
    ),
    "crm_lib.present.show": ("if_possible", "show"),
    "crm_lib.present.words": ("day", "in_words"),
    "crm_lib.publishing.exports": ("export",),
    "crm_lib": ("btyd", "coverage", "marts"),
    "crm_lib.quality.frames": ("reconciliation_frame", "rules_frame"),
}  # fmt: skip
_HOME = {name: module for module, names in _DOOR.items() for name in names}

__all__ = [
    "Book",
    "Column",
    "Number",
    "Window",
    "acquisition",
    "btyd",
    "campaigns",
    "cards",
    "clusters",
    "clv",
    "cohorts",
    "collect",
    "compared",
    "concentration",
    "coverage",
    "dashboard",
    "day",
    "decomposition",
    "equity",
    "export",
    "figure",
    "figures",
    "finding",
    "flow",
    "headline",
    "if_possible",
    "in_words",
    "keeping",
    "kept",
    "lifetime",
    "losses",
    "margins",
    "marts",
    "note",
    "open_book",
    "profiles",
    "profit",
    "reconciliation_frame",
    "repeat",
    "rules_frame",
    "run_card",
    "segments",
    "sentences",
    "shapes",
    "show",
    "spend_ahead",
    "stages",
    "table",
    "tenure",
    "trailing",
    "transitions",
    "verdict_strip",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        home = _HOME[name]
        try:
            return importlib.import_module(f"{home}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{home}.{name}":
                raise
            return getattr(importlib.import_module(home), name)
    raise AttributeError(unknown("name in crm_lib", name, __all__))


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
