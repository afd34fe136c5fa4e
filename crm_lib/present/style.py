"""Colours and type, once: each colour has a role, and a value on light and on dark paper.

The categorical colours keep apart for the common kinds of colour blindness and in grey; colour never
carries a meaning alone. In figures every role has its own light value, so that the dark value can be
put in its place inside the finished picture.
"""

from __future__ import annotations

from typing import Any

# role → (on light paper, on dark paper)
COLOURS: dict[str, tuple[str, str]] = {
    "ink": ("#1d2733", "#e8ecf0"),
    "muted": ("#566370", "#a9b4bf"),
    "axis": ("#8b97a3", "#74808c"),
    "grid": ("#dfe4e8", "#343e48"),
    "paper": ("#ffffff", "#14191f"),
    "accent": ("#14607a", "#5db7d3"),
    "accent_soft": ("#a3c8d5", "#2f6579"),
    "contrast": ("#c4501b", "#f0955f"),
    "contrast_soft": ("#ebbda5", "#7d4a2a"),
    "quiet": ("#c3cbd2", "#55616c"),
    "ochre": ("#a87b0a", "#d9b04a"),
    "plum": ("#85497a", "#c98bbd"),
    "green": ("#2f8f78", "#5fc3aa"),
    "slate": ("#6b7885", "#93a0ad"),
    # labels on the two dark ends of the ramp below
    "on_ramp_middle": ("#1d2734", "#0b1621"),
    "on_ramp": ("#fefefe", "#0b1620"),
}
CATEGORIES = ("accent", "contrast", "ochre", "plum", "green", "slate")

# Nine steps from little to much; on dark paper much is bright.
RAMP: tuple[tuple[str, str], ...] = (
    ("#eaf3f5", "#1d2b33"),
    ("#cfe3e9", "#233c47"),
    ("#b5d3dc", "#284e5c"),
    ("#9ac3d0", "#2c6072"),
    ("#7fb3c4", "#2d7087"),
    ("#6397aa", "#518ea2"),
    ("#487d91", "#72aabb"),
    ("#2c6378", "#93c7d5"),
    ("#0c4a60", "#b5e4f0"),
)

SANS = '-apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", "Liberation Sans", sans-serif'
SERIF = 'Charter, "Bitstream Charter", "Iowan Old Style", Georgia, Cambria, "Noto Serif", "Liberation Serif", serif'
MONO = 'ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace'

# Size of a figure in inches: as seen on a desk, and redrawn for a phone.
SIZES: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "wide": ((8.4, 4.2), (4.4, 4.0)),
    "half": ((5.6, 3.7), (4.4, 3.7)),
    "tall": ((8.4, 6.2), (4.4, 6.0)),
}
FONT_SIZE = 10.5

MOST_COHORTS = 18
"""So many cohorts are drawn, the latest: more squares cannot be read."""


def colour(role: str) -> str:
    """The light value of a role, which the finished figure maps to the dark one."""
    return COLOURS[role][0]


def ramp_step(share: float) -> int:
    """Which of the nine steps a value between 0 and 1 takes."""
    return min(int(max(share, 0.0) * len(RAMP)), len(RAMP) - 1)


def ramp_label(step: int) -> str:
    """The colour of a number printed on a step of the ramp (contrast at least 4.5 on both papers)."""
    return colour("ink" if step < 5 else "on_ramp_middle" if step == 5 else "on_ramp")


def dark_values() -> dict[str, str]:
    """Light value → dark value, for all roles and the ramp."""
    return dict([*COLOURS.values(), *RAMP])


def matplotlib_settings() -> dict[str, Any]:
    """Settings for one figure: no frame, faint horizontal lines, text as text, the same bytes every time."""
    ink, muted, axis = colour("ink"), colour("muted"), colour("axis")
    return {
        "font.family": "DejaVu Sans", "font.size": FONT_SIZE, "text.color": ink,
        "axes.labelcolor": muted, "axes.labelsize": FONT_SIZE, "axes.edgecolor": axis,
        "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
        "axes.linewidth": 0.8, "axes.axisbelow": True, "axes.unicode_minus": True,
        "axes.grid": True, "axes.grid.axis": "y", "grid.color": colour("grid"), "grid.linewidth": 0.8,
        "axes.facecolor": colour("paper"), "figure.facecolor": colour("paper"),
        "xtick.color": axis, "xtick.labelcolor": muted, "xtick.labelsize": FONT_SIZE - 0.5,
        "ytick.color": axis, "ytick.labelcolor": muted, "ytick.labelsize": FONT_SIZE - 0.5,
        "ytick.left": False, "xtick.major.size": 4, "lines.linewidth": 2.2, "lines.solid_capstyle": "round",
        "hatch.linewidth": 1.2, "svg.fonttype": "none", "svg.hashsalt": "crm_lib", "legend.frameon": False,
        # Names and amounts hold dollar signs: `$x$` is text, `$\\frac$` no faulty formula.
        "text.parse_math": False,
    }  # fmt: skip
