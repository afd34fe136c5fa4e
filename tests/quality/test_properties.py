"""For any dirty ledger: every row has one fate, and rows and money add up."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.quality.conftest import AS_OF, dataset, staged, verdict_on

COLUMNS = [
    "customer_id", "order_id", "ordered_at", "amount", "quantity",
    "unreadable_ordered_at", "unreadable_amount",
]  # fmt: skip
LIMIT = Decimal(50)

_days = st.integers(0, 40).map(
    lambda n: (AS_OF - timedelta(days=20) + timedelta(days=n)).isoformat()
)
_cents = st.integers(-10_000, 10_000).map(lambda n: str(Decimal(n) / 100))
rows = st.lists(
    st.builds(
        lambda customer, order, day, amount, raw: (
            customer, order, day, amount, None, raw if day is None else None, raw if amount is None else None,
        ),
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["1", "2", None]),
        st.none() | _days,
        st.none() | _cents,
        st.sampled_from([None, "?"]),
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


def fate(row: tuple[Any, ...], scoped: bool) -> str:
    _, order, day, amount, *_ = row
    if day is not None and date.fromisoformat(day) >= AS_OF:
        return "later"
    if scoped and amount is not None and Decimal(amount) >= LIMIT:
        return "out_of_scope"
    return "quarantined" if None in (order, day, amount) else "accepted"


@pytest.fixture(scope="module")
def empty_project(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("project")
    for folder in ("data", "notebooks", "expectations"):
        (home / folder).mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_HOME", str(home))
        yield home


@pytest.mark.usefixtures("empty_project")
@settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(rows, st.booleans())
def test_every_row_has_one_fate_and_all_adds_up(
    ledger: list[tuple[Any, ...]], scoped: bool
) -> None:
    expected = Counter(fate(row, scoped) for row in ledger)
    if scoped and not expected["accepted"] + expected["quarantined"]:
        scoped, expected = False, Counter(fate(row, False) for row in ledger)
    table = staged(COLUMNS, ledger)
    verdict = verdict_on(dataset(), {"lines": table}, scope=f"amount < {LIMIT}" if scoped else "")
    count = verdict.lines
    parts = {
        name: getattr(count, name) for name in ("accepted", "quarantined", "later", "out_of_scope")
    }
    assert {name: part.rows for name, part in parts.items() if part.rows} == dict(expected)
    assert count.read.rows == len(ledger)
    assert count.read.money == sum(part.money for part in parts.values())
    for name, part in parts.items():
        mine = [row for row in ledger if fate(row, scoped) == name]
        assert part.money == sum(
            (Decimal(row[3]) for row in mine if row[3] is not None), Decimal(0)
        )
    nobody = [row for row in ledger if row[0] is None and fate(row, scoped) == "accepted"]
    assert verdict.anonymous.rows == len(nobody)
    assert verdict.anonymous.money == sum((Decimal(row[3]) for row in nobody), Decimal(0))
