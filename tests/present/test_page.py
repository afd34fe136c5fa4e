"""What a notebook says to its reader: findings, headline numbers, verdict, figures."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from matplotlib.axes import Axes

from crm_lib.errors import UsageError
from crm_lib.present import page
from crm_lib.present.html import FINDING_MIME, METRICS_MIME
from crm_lib.present.page import Number

NASTY = '<img src=x onerror="alert(1)">'


def number(**given: object) -> Number:
    known: dict[str, object] = {"key": "revenue", "label": "Revenue", "value": 4.0, "unit": "count"}
    return Number(**{**known, "window": "2017", **given})  # type: ignore[arg-type]


def text_of(html: str) -> str:
    return " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split())


def test_everything_said_is_escaped_in_html_and_kept_in_text() -> None:
    for said in (page.finding(NASTY), page.note(NASTY), page.run_card({NASTY: NASTY})):
        assert "<img" not in said.html
        assert NASTY in said.text
        bundle = said._repr_mimebundle_()
        assert bundle["text/plain"] == said.text
        assert bundle["text/html"].endswith(f"{said.html}</div>")


def test_amounts_in_dollars_are_no_formula_in_the_lab() -> None:
    """JupyterLab's MathJax typesets $…$ in displayed HTML unless an element of these classes holds it."""
    shown = page.finding("From $1 to $2.")._repr_mimebundle_()["text/html"]
    around = BeautifulSoup(shown, "html.parser").select_one(".crm-lead").parent  # type: ignore[union-attr]
    assert around["class"] == ["tex2jax_ignore", "mathjax_ignore"]  # type: ignore[index]


def test_a_finding_travels_as_data_for_the_index() -> None:
    assert page.finding("Up.")._repr_mimebundle_()[FINDING_MIME] == {"sentence": "Up."}


def test_a_card_shows_value_change_window_and_denominator() -> None:
    rate = number(
        key="repeat_rate", label="Repeat rate", value=0.873, unit="percent", change=0.004,
        change_label="on October", good="up", interval=(0.859, 0.886), denominator="of 2,469 customers",
    )  # fmt: skip
    shown = text_of(page.headline([rate]).html)
    for part in ("Repeat rate", "87.3%", "▲ +0.4 points on October", "95% interval 85.9% to 88.6%",
                 "2017, of 2,469 customers"):  # fmt: skip
        assert part in shown


@pytest.mark.parametrize(
    ("change", "good", "arrow", "mood"),
    [
        (0.05, "up", "▲", "crm-good"),
        (-0.05, "up", "▼", "crm-bad"),
        (0.05, "down", "▲", "crm-bad"),
        (-0.05, "down", "▼", "crm-good"),
        (0.05, None, "▲", None),
        (0.0, "up", "■", None),
        (-0.0001, "up", "■", None),
    ],
)
def test_good_and_bad_news_follow_the_direction(
    change: float, good: str | None, arrow: str, mood: str | None
) -> None:
    html = page.headline([number(change=change, good=good)]).html
    assert arrow in html
    assert [m for m in ("crm-good", "crm-bad") if m in html] == ([mood] if mood else [])


def test_headline_numbers_travel_as_json_with_null_for_what_is_missing() -> None:
    bundle = page.headline(
        [number(value=pd.NA, change=float("nan")), number(key="money", unit="money", value=7)],
        currency="EUR",
    )._repr_mimebundle_()
    data = json.loads(json.dumps(bundle[METRICS_MIME], allow_nan=False))
    assert data["revenue"]["value"] is None
    assert data["revenue"]["change"] is None
    assert (data["money"]["value"], data["money"]["currency"]) == (7.0, "EUR")
    assert data["revenue"]["currency"] is None
    assert [each["rank"] for each in data.values()] == [0, 1]


def test_numbers_are_checked() -> None:
    with pytest.raises(UsageError, match="Two headline numbers have the key 'revenue'"):
        page.headline([number(), number()])
    with pytest.raises(UsageError, match="lower-case"):
        number(key="Repeat rate")
    with pytest.raises(UsageError, match=r"no unit 'mney'.*Did you mean 'money'"):
        number(unit="mney")
    with pytest.raises(UsageError, match="Known: up, down"):
        number(good="higher")
    with pytest.raises(UsageError, match="needs a currency"):
        page.headline([number(unit="money")])


VERDICT = {
    "verdict": "passed with warnings",
    "rows": {"read": 10, "accepted": 7, "quarantined": 1, "later": 2, "out_of_scope": 0},
    "money": {"accepted": 1234.5, "quarantined": 9.99},
    "currency": "EUR",
    "warnings": ["One line has no product.", NASTY],
}


def test_one_warning_is_not_counted_twice() -> None:
    shown = text_of(page.verdict_strip({**VERDICT, "warnings": ["One line has no product."]}).html)
    assert "with 1 warning." in shown
    assert "Read the warning One line has no product." in shown


def test_the_verdict_says_where_every_row_went_and_lists_the_warnings() -> None:
    html = page.verdict_strip({**VERDICT, "link": "01_data_quality.html"}).html
    shown = text_of(html)
    assert "The data passed, with 2 warnings." in shown
    assert "10 rows read: 7 accepted, 1 quarantined, 2 later" in shown
    assert "€1,234.50" in shown
    assert "€9.99" in shown
    assert "<img" not in html
    assert 'href="01_data_quality.html"' in html
    assert "outside the scope" not in shown


def test_rows_out_of_scope_are_said() -> None:
    rows = {"read": 10, "accepted": 7, "out_of_scope": 3}
    assert "3 rows outside the scope" in text_of(page.verdict_strip({**VERDICT, "rows": rows}).html)


def test_an_unknown_verdict_or_count_is_an_error() -> None:
    with pytest.raises(UsageError, match="Did you mean 'passed'"):
        page.verdict_strip({"verdict": "pazzed"})
    with pytest.raises(UsageError, match="Did you mean 'quarantined'"):
        page.verdict_strip({"verdict": "passed", "rows": {"quarantine": 1}})


def bars(ax: Axes, frame: pd.DataFrame, *, currency: str = "", colour: str = "#14607a") -> Axes:
    ax.bar(frame["name"], frame["value"], color=colour)
    ax.set_ylabel(currency)
    return ax


FRAME = pd.DataFrame({"name": ["a", "b"], "value": [1.0, 2.0]})


def test_the_finding_is_title_and_description_of_the_figure() -> None:
    shown = page.figure(bars, FRAME, finding=NASTY, note="Source: lines", currency="EUR")
    figure = BeautifulSoup(shown.html, "html.parser").select_one("figure")
    assert figure is not None
    assert figure.select_one("figcaption").get_text() == NASTY
    image = figure.select_one("img")
    assert image["alt"] == NASTY
    assert image["src"].startswith("data:image/svg+xml;base64,")
    assert figure.select_one("source")["media"] == "(max-width: 600px)"
    assert "Source: lines" in figure.get_text()


def test_an_empty_frame_is_said_instead_of_drawn() -> None:
    html = page.figure(bars, FRAME.head(0), finding="Nobody bought").html
    assert "nothing to draw" in html
    assert "<img" not in html


def test_misspelt_options_and_sizes_of_figures_are_errors() -> None:
    with pytest.raises(
        UsageError, match=r"no option of figure bars 'color'.*Did you mean 'colour'"
    ):
        page.figure(bars, FRAME, finding="x", color="red")
    with pytest.raises(UsageError, match=r"no figure size 'wiide'.*Did you mean 'wide'"):
        page.figure(bars, FRAME, finding="x", size="wiide")
    with pytest.raises(UsageError, match=r"ISO 4217"):
        page.figure(bars, FRAME, finding="x", currency="euro")
