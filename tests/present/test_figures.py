"""Every figure draws its frame at both sizes, the same each time, in the palette and without aggregating."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crm_lib.errors import UsageError
from crm_lib.present import style
from crm_lib.present.figures import base, canvas, lifecycle, marks, profit, quality, segments
from crm_lib.present.sentences.profit import STEP_NAMES

MONTHS = [dt.date(2017, m, 1) for m in range(1, 13)]
STAGES = ["new", "established", "lost"]
FRAMES: dict[Callable[..., Axes], tuple[pd.DataFrame, dict[str, Any]]] = {
    base.revenue_by_month: (
        pd.DataFrame({"month": MONTHS, "revenue": [100.0 * n for n in range(1, 13)],
                      "is_partial": [False] * 11 + [True], "is_warm_up": [True] + [False] * 11}),
        {"currency": "USD"},
    ),
    base.customer_flow: (
        pd.DataFrame({"month": MONTHS, "opening": 100, "new": 9, "reactivated": 3, "lapsed": 5, "closing": 107}),
        {},
    ),
    base.decomposition: (
        pd.DataFrame({"factor": ["May", "customers", "price", "June"], "effect": [1000, -300, 50, 750],
                      "kind": ["start", "effect", "effect", "end"]}),
        {"currency": "GBP"},
    ),
    segments.segment_sizes: (
        pd.DataFrame({"segment": ["Lost", "Champions"], "customers_share": [0.7, 0.3], "revenue_share": [0.2, 0.8]}),
        {},
    ),
    segments.profile_bars: (
        pd.DataFrame({"value": ["a & b", "<c>"], "customers_share": [0.7, 0.3], "revenue_share": [0.2, 0.8]}),
        {},
    ),
    segments.rfm_grid: (
        pd.DataFrame({"recency_score": [1, 5], "frequency_score": [1, 5], "customers": [40, 7]}), {},
    ),
    segments.lorenz: (
        pd.DataFrame({"customer_share": [0, 0.25, 1], "revenue_share": [0, 0.75, 1]}),
        {"top": pd.DataFrame({"share": [0.2], "customers_share": [0.25], "value_share": [0.75]})},
    ),
    lifecycle.stage_sizes: (
        pd.DataFrame({"stage": STAGES, "customers": [1, 7, 2], "share": [0.1, 0.7, 0.2], "revenue_share": [0.0, 0.9, 0.1]}),
        {},
    ),
    lifecycle.transition_matrix: (
        pd.DataFrame([(a, b, 1, 1 / 3) for a in STAGES for b in STAGES],
                     columns=["from_stage", "to_stage", "customers", "share"]), {},
    ),
    lifecycle.cohort_triangle: (
        pd.DataFrame([(m, p, 0.5 / (p + 1), i + p == 11, i == 0) for i, m in enumerate(MONTHS) for p in range(12 - i)],
                     columns=["cohort", "period", "share", "is_partial", "is_warm_up"]), {},
    ),
    lifecycle.survival: (
        pd.DataFrame({"days": [0, 30, 60] * 2, "survival": [1, 0.8, 0.6] * 2, "lower": [1, 0.7, 0.5] * 2,
                      "upper": [1, 0.9, 0.7] * 2, "group": ["a"] * 3 + ["b"] * 3}), {},
    ),
    lifecycle.repeat_ladder: (
        pd.DataFrame({"step": ["1st→2nd", "2nd→3rd"], "probability": [0.4, 0.6], "lower": [0.3, 0.5],
                      "upper": [0.5, 0.7], "median_gap_days": [60, None]}), {},
    ),
    lifecycle.days_to_second: (pd.DataFrame({"days": [0, 50, 100], "share": [0.0, 0.3, 0.4]}), {}),
    profit.profit_bridge: (
        pd.DataFrame({"label": ["gross sales", "− cost of goods", "= gross profit"], "amount": [1000, -600, 400],
                      "kind": ["start", "cost", "end"]}),
        {"currency": "GBP"},
    ),
    profit.profit_by_month: (
        pd.DataFrame({"month": MONTHS, "profit": [100.0 * (n - 3) for n in range(12)],
                      "is_partial": [False] * 11 + [True]}),
        {"currency": "USD", "profit": "gross profit"},
    ),
    profit.cost_to_serve: (
        pd.DataFrame({"month": MONTHS, "cost_to_serve_share": [0.1] * 11 + [None], "is_partial": [True] + [False] * 11}),
        {},
    ),
    profit.whale_curve: (
        pd.DataFrame({"customers_share": [0, 0.5, 0.8, 1], "profit": [0, 900, 1200, 1000],
                      "is_peak": [False, False, True, False]}),
        {"currency": "EUR", "profit": "net profit"},
    ),
    profit.tenure_years: (
        pd.DataFrame([(g, y, 10.0 * y) for g in ("won", "stayed", "pooled") for y in (1, 2, 3)],
                     columns=["group", "year", "profit"]),
        {"currency": "EUR", "profit": "net profit"},
    ),
    profit.payback: (
        pd.DataFrame([(o, m, 10.0 * m - 30) for o in ("fair", "web") for m in range(1, 9)],
                     columns=["origin", "month", "net"]),
        {"currency": "EUR"},
    ),
    quality.volume_by_day: (
        pd.DataFrame({"day": [dt.date(2017, 1, 30), dt.date(2017, 2, 2)], "lines": [5, 7]}), {},
    ),
}  # fmt: skip
each_figure = pytest.mark.parametrize("draw", FRAMES, ids=lambda draw: draw.__name__)


def svg(draw: Callable[..., Axes], size: int = 0) -> str:
    frame, options = FRAMES[draw]
    return canvas.svg(draw, frame, style.SIZES["wide"][size], options).decode()


def texts(picture: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", picture)


@each_figure
@pytest.mark.parametrize("size", [0, 1], ids=["desk", "phone"])
def test_a_figure_is_drawn_in_the_palette_and_the_same_each_time(
    draw: Callable[..., Axes], size: int
) -> None:
    picture = svg(draw, size)
    assert picture == svg(draw, size)
    drawn = picture[picture.index("<defs>") :]
    assert set(re.findall(r"#[0-9a-f]{6}", drawn)) <= set(style.dark_values())
    assert "prefers-color-scheme:dark" in picture
    assert "<!--" not in picture
    assert "<metadata" not in picture


@each_figure
def test_a_figure_takes_axes_and_returns_them_and_leaves_its_frame_alone(
    draw: Callable[..., Axes],
) -> None:
    frame, options = FRAMES[draw]
    before = frame.copy()
    ax = Figure().add_subplot()
    assert draw(ax, frame, **options) is ax
    pd.testing.assert_frame_equal(frame, before)


@each_figure
def test_a_missing_column_is_named(draw: Callable[..., Axes]) -> None:
    frame, options = FRAMES[draw]
    with pytest.raises(UsageError, match=r"There is no column"):
        draw(Figure().add_subplot(), frame[[]].assign(other=1), **options)


def test_names_in_figures_stay_text() -> None:
    assert {"a &amp; b", "&lt;c&gt;"} <= set(texts(svg(segments.profile_bars)))


def test_a_share_below_one_per_cent_is_not_called_nothing() -> None:
    frame = FRAMES[segments.profile_bars][0].assign(customers_share=[0.003, 0.0])
    shown = texts(canvas.svg(segments.profile_bars, frame, (8, 4), {}).decode())
    assert {"&lt;1%", "0%"} <= set(shown)


def test_partial_months_and_the_warm_up_are_named_not_only_coloured() -> None:
    assert {"partial", "warm-up"} <= set(texts(svg(base.revenue_by_month)))


def test_the_waterfall_prints_every_step() -> None:
    shown = texts(svg(base.decomposition))
    assert [text for text in shown if "£" in text] == ["£1,000", "−£300", "+£50", "£750"]


def test_the_lorenz_curve_says_the_number_of_the_sentence_beside_it() -> None:
    # The curve read off at 20% would say 60.0%.
    assert "The best 20% hold 75.0%" in texts(svg(segments.lorenz))


def test_the_lorenz_curve_is_drawn_whole_where_some_lose_money() -> None:
    frame, options = FRAMES[segments.lorenz]
    ax = Figure().add_subplot()
    segments.lorenz(ax, frame.assign(revenue_share=[0, 5.4, 1]), **options)
    assert ax.get_ylim()[1] > 5.4


@pytest.mark.parametrize("size", range(2))
def test_the_number_of_a_loss_does_not_cover_the_name_beside_it(size: int) -> None:
    ax = Figure(figsize=style.SIZES["tall"][size]).add_subplot()
    marks.two_shares(ax, ["Loyal", "Promising"], [0.5, 0.5], [2.85, -2.33])
    (number,) = [text for text in ax.texts if text.get_text() == "−233%"]
    assert number.get_window_extent().x0 > ax.get_window_extent().x0


@pytest.mark.parametrize(
    ("first", "months", "expected"),
    [
        ("2021-01-01", 12, "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
        ("2022-08-01", 30, "Oct Jan Apr Jul Oct Jan Apr Jul Oct Jan"),
        ("2021-01-01", 60, "Jan Jul Jan Jul Jan Jul Jan Jul Jan Jul"),
        ("2006-01-01", 240, " ".join(["Jan"] * 10)),
    ],
)
def test_months_are_ticked_at_steps_that_fit_a_year(first: str, months: int, expected: str) -> None:
    ax = Figure(figsize=style.SIZES["wide"][0]).add_subplot()
    marks.label_months(ax, [day.date() for day in pd.date_range(first, periods=months, freq="MS")])
    assert " ".join(tick.get_text() for tick in ax.get_xticklabels()) == expected


def test_the_last_month_s_amount_stands_above_its_taller_neighbour() -> None:
    frame = pd.DataFrame({"month": pd.date_range("2021-01-01", periods=60, freq="MS"),
                          "revenue": [100.0] * 58 + [900.0, 300.0],
                          "is_partial": False, "is_warm_up": False})  # fmt: skip
    ax = Figure(figsize=style.SIZES["wide"][0]).add_subplot()
    base.revenue_by_month(ax, frame, currency="USD")
    (amount,) = [text for text in ax.texts if text.get_text() == "$300.00"]
    assert amount.xy == (59, 900)


def test_days_that_the_feed_left_out_count_as_gaps() -> None:
    assert "2 days without lines" in texts(svg(quality.volume_by_day))


def test_a_cohort_triangle_prints_each_later_period_once_and_stars_the_warm_up() -> None:
    shown = texts(svg(lifecycle.cohort_triangle))
    assert shown.count("25") == 11
    assert "Jan 2017*" in shown
    assert any("not over" in text for text in shown)


def test_many_cohorts_are_cut_and_the_figure_says_so() -> None:
    cohorts = pd.date_range("2010-01-01", periods=48, freq="MS")
    frame = pd.DataFrame(
        [(m.date(), p, 0.5, False, False) for i, m in enumerate(cohorts) for p in range(48 - i)],
        columns=["cohort", "period", "share", "is_partial", "is_warm_up"],
    )
    picture = canvas.svg(lifecycle.cohort_triangle, frame, style.SIZES["tall"][0], {}).decode()
    assert any("latest cohorts" in text for text in texts(picture))
    assert len(picture) < 200_000


def test_more_survival_curves_than_colours_are_refused_not_dropped() -> None:
    frame = pd.DataFrame(
        {"days": 1, "survival": 1.0, "lower": 1.0, "upper": 1.0, "group": list("abcdefg")}
    )
    with pytest.raises(UsageError, match="at most 6 curves apart; the frame has 7"):
        lifecycle.survival(Figure().add_subplot(), frame)


def test_the_bridge_to_profit_prints_every_step() -> None:
    shown = texts(svg(profit.profit_bridge))
    assert [text for text in shown if "£" in text] == ["£1K", "−£600.00", "£400.00"]


def test_no_step_of_the_bridge_is_cut_on_a_phone() -> None:
    _, options = FRAMES[profit.profit_bridge]
    labels = [f"− {name}" for name in STEP_NAMES.values()]
    frame = pd.DataFrame({"label": labels, "amount": 100, "kind": "cost"})
    picture = canvas.svg(profit.profit_bridge, frame, style.SIZES["wide"][1], options).decode()
    assert "…" not in "".join(texts(picture))
    assert "−" not in texts(picture)


def test_the_peak_of_the_whale_curve_is_named_only_where_it_falls_again() -> None:
    assert "peak: €1.2K with the best 80%" in texts(svg(profit.whale_curve))
    frame, options = FRAMES[profit.whale_curve]
    rising = frame.assign(profit=[0, 900, 1200, 1300], is_peak=[False, False, False, True])
    shown = texts(canvas.svg(profit.whale_curve, rising, (8, 4), options).decode())
    assert not any("peak" in text for text in shown)
