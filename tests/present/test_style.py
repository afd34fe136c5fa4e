"""Contrast of text and marks on both papers (WCAG 2.2: 4.5 for text, 3 for graphical objects)."""

from __future__ import annotations

import pytest

from crm_lib.present import style


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("paper", [0, 1], ids=["light", "dark"])
def test_text_and_marks_stand_out_on_their_paper(paper: int) -> None:
    ground = style.COLOURS["paper"][paper]
    for role in ("ink", "muted", "accent", "contrast"):
        assert contrast(style.COLOURS[role][paper], ground) >= 4.5, role
    for role in style.CATEGORIES:
        assert contrast(style.COLOURS[role][paper], ground) >= 3, role


@pytest.mark.parametrize("paper", [0, 1], ids=["light", "dark"])
def test_numbers_can_be_read_on_every_step_of_the_ramp(paper: int) -> None:
    both = dict(style.COLOURS.values())
    for step, colours in enumerate(style.RAMP):
        label = style.ramp_label(step)
        shown = (label, both[label])[paper]
        assert contrast(colours[paper], shown) >= 4.5, step


def test_light_values_are_unique_so_that_each_has_one_dark_value() -> None:
    light = [pair[0] for pair in [*style.COLOURS.values(), *style.RAMP]]
    assert len(set(light)) == len(light)


def test_the_ramp_covers_nothing_to_all() -> None:
    assert [style.ramp_step(x) for x in (-1, 0, 0.5, 1, 2)] == [0, 0, 4, 8, 8]
    steps = [luminance(light) for light, _ in style.RAMP]
    assert steps == sorted(steps, reverse=True)
