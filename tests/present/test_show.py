"""What a section says that the data cannot fill."""

from __future__ import annotations

import pytest

from crm_lib.errors import NoTable, NotInData
from crm_lib.present import show
from crm_lib.present.html import Html


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            NoTable("'shop' has no table 'campaigns'. Map it in data/shop/dataset.yml.", "campaigns"),
            "The data hold no table of campaigns (one row is a campaign).",
        ),
        (
            NotInData("Two full months are needed; 2024-11-01 – 2024-12-31 holds fewer."),
            "Two full months are needed; November–December 2024 holds fewer.",
        ),
    ],
)  # fmt: skip
def test_a_refusal_is_said_in_words_of_the_page(
    error: NotInData, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Html] = []
    monkeypatch.setattr(show, "show", shown.append)
    with show.if_possible():
        raise error
    assert [part.text for part in shown] == [f"Not part of this report: {said}"]
