"""`postgres:` in dataset.yml: the name of a variable, never what it holds."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from crm_lib import dataset
from crm_lib.errors import UsageError
from crm_lib.source import Source
from tests.conftest import SIX_YML, MakeProject


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://ada:hunter2@db/shop", "host=db password=hunter2", "${hunter2}", "hunter2 ", "", "1hunter2",
        "hunter-2",
    ],
)  # fmt: skip
def test_a_connection_in_the_file_is_refused_and_not_repeated(
    make_project: MakeProject, value: str
) -> None:
    source = f'{{postgres: "{value}", table: sales.order_lines}}'
    make_project(yml=SIX_YML.replace("{files: data/six/lines.csv}", source))
    with pytest.raises(UsageError) as refused:
        dataset.load("six")
    text = str(refused.value)
    assert "tables.lines.source: `postgres:` is the name of an environment variable" in text
    assert "CRM_SHOP_DB" in text
    assert "hunter" not in text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"postgres": "DB"}, "needs `table: SCHEMA.NAME`"),
        ({"postgres": "DB", "table": "a.b", "files": ["x.csv"]}, "and nothing else"),
        ({"postgres": "DB", "table": "a.b", "encoding": "utf-8"}, "and nothing else"),
        ({"postgres": "DB", "table": "a.b", "renamed": {"a": "b"}}, "and nothing else"),
        ({"files": ["x.csv"], "period": "day"}, "`period:` is for a `postgres:` table"),
        ({"duckdb": "x.duckdb", "table": "a", "period": "day"}, "`period:` is for a `postgres:` table"),
        ({"table": "a.b"}, "`duckdb:` or `postgres:`"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Source.model_validate(given)


def test_a_table_with_or_without_a_period() -> None:
    for period in (None, "ordered_at"):
        given = {"postgres": "CRM_SHOP_DB", "table": "sales.order_lines", "period": period}
        assert Source.model_validate(given).period == period
