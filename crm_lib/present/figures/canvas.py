"""From a drawing function to a picture: one SVG for a desk, one for a phone, light and dark in both."""

from __future__ import annotations

import base64
import inspect
import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crm_lib import errors
from crm_lib.present import style

Draw = Callable[..., Any]
# Below this width (inches) a figure is drawn for a phone.
NARROW = 5.0
_HEX = re.compile(r"#[0-9a-f]{6}")
_REMARK = re.compile(r"<!--.*?-->\s*|<metadata>.*?</metadata>\s*", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
# A hundredth of a point is finer than any screen.
_LONG_DECIMAL = re.compile(r"(\d\.\d\d)\d+")


def is_narrow(ax: Axes) -> bool:
    """True where the figure is drawn for a phone: fewer ticks, shorter labels."""
    figure = ax.get_figure(root=True)
    return figure is not None and float(figure.get_figwidth()) < NARROW


def svg(
    draw: Draw, frame: pd.DataFrame, inches: tuple[float, float], options: Mapping[str, Any]
) -> bytes:
    """Draw once and return the SVG's bytes: the same for the same frame, dark colours included."""
    with mpl.rc_context(style.matplotlib_settings()):
        figure = Figure(figsize=inches, layout="constrained")
        draw(figure.add_subplot(), frame, **options)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _finish(buffer.getvalue().decode()).encode()


def _finish(text: str) -> str:
    """Drop what is not seen, use the page's fonts, and map each colour to its dark value."""
    body = _REMARK.sub("", text[text.index("<svg") :])
    body = _TAG.sub(lambda part: _LONG_DECIMAL.sub(r"\1", part.group()), body)
    used = set(_HEX.findall(body))
    dark = "".join(
        f'[style*="{kind}: {light}"],[{kind}="{light}"]{{{kind}:{night}!important}}'
        for light, night in style.dark_values().items()
        if light in used
        for kind in ("fill", "stroke")
    )
    ink = f"text:not([style*='fill']){{fill:{style.COLOURS['ink'][1]}}}"
    sheet = (
        f"<style>text{{font-family:{style.SANS}!important}}"
        f"@media screen and (prefers-color-scheme:dark){{{ink}{dark}}}</style>"
    )
    return body.replace("<defs>", sheet + "<defs>", 1)


def data_uri(picture: bytes) -> str:
    """The picture as an address that needs no request."""
    return "data:image/svg+xml;base64," + base64.b64encode(picture).decode()


def check_options(draw: Draw, options: Mapping[str, Any]) -> None:
    """Raise UsageError for an option that the drawing function does not take."""
    parameters = inspect.signature(draw).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    known = list(parameters)[2:]
    for name in options:
        if name not in known:
            raise errors.UsageError(
                errors.unknown(f"option of figure {draw.__name__}", name, known)
            )


def takes(draw: Draw, option: str) -> bool:
    """Whether the drawing function has an option of that name."""
    parameters = inspect.signature(draw).parameters
    return option in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
