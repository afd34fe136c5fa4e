"""What a call in a notebook returns: a piece of HTML that also carries plain text and, sometimes, numbers.

Classes are styled by the report's own style sheet. In JupyterLab the small style sheet below does;
rendering removes it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_CODE = re.compile(r"`([^`]+)`")
METRICS_MIME = "application/vnd.crm.metrics+json"
FINDING_MIME = "application/vnd.crm.finding+json"

LAB_STYLE = """<style>
.crm-lead{font-size:1.35em;line-height:1.35;max-width:44em;font-weight:600}
.crm-cards{display:flex;flex-wrap:wrap;gap:12px;padding:0;margin:8px 0}
.crm-card{border:1px solid var(--jp-border-color1,#ccc);border-top:3px solid #14607a;padding:8px 14px;min-width:150px;max-width:230px}
.crm-card p{margin:2px 0}.crm-value{font-size:1.7em;font-weight:600;line-height:1.2}
.crm-window,.crm-change,.crm-fineprint,.crm-note{color:var(--jp-ui-font-color2,#555)}
.crm-finding{font-weight:600;font-size:1.1em;max-width:44em;margin:8px 0}
.crm-figure{margin:8px 0}.crm-figure img{max-width:760px;width:100%}
.crm-scroll{overflow-x:auto}.crm-table td,.crm-table th{padding:3px 10px;text-align:left;vertical-align:baseline}
.crm-long{min-width:18em;white-space:normal;overflow-wrap:anywhere}.crm-caption{font-weight:600;margin:8px 0 4px}
.crm-table .crm-number{text-align:right;font-variant-numeric:tabular-nums}
.crm-callout,.crm-verdict{border-left:4px solid #14607a;padding:6px 14px;max-width:60em;margin:8px 0}
.crm-facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px}.crm-facts dd{margin:0}
</style>"""


@dataclass(frozen=True)
class Html:
    """A displayable piece: `html` for people, `text` for logs and readers without HTML, `data` by mime type."""

    html: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/html": LAB_STYLE + self.html, "text/plain": self.text, **self.data}

    def __repr__(self) -> str:
        return self.text


def escape(text: object) -> str:
    """Text as it may stand between tags and inside quoted attributes."""
    return html.escape(str(text), quote=True)


def prose(text: object) -> str:
    """Escaped text in which `names in backticks` are set as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def tag(name: str, content: str, css: str = "", **attributes: object) -> str:
    """One element; `content` is HTML already, attribute values are escaped (`aria_label` → aria-label)."""
    given = {
        "class": css,
        **{key.rstrip("_").replace("_", "-"): text for key, text in attributes.items()},
    }
    written = "".join(f' {key}="{escape(text)}"' for key, text in given.items() if text != "")
    return f"<{name}{written}>{content}</{name}>"
