"""What a call in a notebook returns: a piece of HTML that also carries plain text and, sometimes, numbers.

Classes are styled by the report's own style sheet. In JupyterLab the small style sheet below does;
rendering removes it. The lab has no page beside the notebook, so it hides the verdict's link.
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
.crm-scroll{overflow-x:auto}.crm-caption{font-weight:600;margin:8px 0 4px}
.crm-tablewrap .crm-table td,.crm-tablewrap .crm-table th{padding:3px 10px;text-align:left;vertical-align:baseline}
.crm-tablewrap tbody th{font-weight:400}.crm-tablewrap .crm-table .crm-number{text-align:right;font-variant-numeric:tabular-nums}
.crm-tablewrap .crm-long{min-width:18em;white-space:normal;overflow-wrap:anywhere}
.crm-callout,.crm-verdict{border-left:4px solid #14607a;padding:6px 14px;max-width:60em;margin:8px 0}
.crm-mark{font-weight:700;color:#a87b0a}.crm-verdict-passed .crm-mark{color:#2f8f78}.crm-verdict-failed .crm-mark{color:#c4501b}
.crm-verdict a{display:none}
.crm-facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px}.crm-facts dd{margin:0}
</style>"""
# Two amounts in dollars would be typeset as a formula; JupyterLab leaves elements of these classes alone.
_NO_FORMULA = '<div class="tex2jax_ignore mathjax_ignore">'


@dataclass(frozen=True)
class Html:
    """A displayable piece: `html` for people, `text` for logs and readers without HTML, `data` by mime type."""

    html: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        shown = f"{LAB_STYLE}{_NO_FORMULA}{self.html}</div>"
        return {"text/html": shown, "text/plain": self.text, **self.data}

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
