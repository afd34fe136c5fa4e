"""The printed scoreboard: whole in a log, and no number broken on a narrow terminal."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from rich.console import Console

from crm_lib import score, scoreboard

DAY = date(2026, 1, 1)
ROWS = [
    ("Totals", "revenue", "€10,000,000.00", "€10,000,000.00", "none", True, "of all"),
    ("Totals", "returns", "€1.00", "€2.00", "none", False, "why [it] fails"),
    ("Groups", "clusters " * 5, "12.5% (5 of 40) " * 3, "20.0% (8 of 40)", "", None, "both"),
    ("Groups", "others", "1", "1", "", None, "both"),
]


def printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int | None
) -> list[str]:
    """The lines on a terminal of this width, or in a file."""

    def console(**options: object) -> Console:
        given = {"width": width} if width else {}
        return Console(**options | given, force_terminal=width is not None, no_color=True)  # type: ignore[arg-type]

    monkeypatch.setattr(scoreboard, "Console", console)
    board = pd.DataFrame(ROWS, columns=list(score.COLUMNS)).astype({"holds": object})
    assert scoreboard.show("demo", DAY, board) is False
    text = capsys.readouterr().out
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[2m"):
        text = text.replace(code, "")
    return text.splitlines()


def test_a_log_has_each_measure_on_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(monkeypatch, capsys, None)
    assert "yes  revenue   €10,000,000.00   €10,000,000.00   none" in lines
    (clusters,) = (line for line in lines if "clusters" in line)
    assert clusters.count("12.5% (5 of 40)") == 3
    assert "20.0% (8 of 40)" in clusters
    assert [lines.count(name) for name in ("Totals", "Groups")] == [1, 1]
    assert [line.strip() for line in lines].count("both") == 1  # shared by two
    assert "       why [it] fails" in lines
    assert "1 measure holds." in lines
    assert "1 is outside its tolerance: Totals, returns." in lines


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_terminal_is_filled_and_numbers_stay_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    lines = printed(monkeypatch, capsys, width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert text.count("€10,000,000.00") == 2
    assert text.count("12.5%") == 3
    assert ("     measure   planted" in text) == (
        width >= 80
    )  # the totals fit, the groups never do
    assert "       planted" in text
