"""Ledgers for property tests: few customers and days, so that coincidences happen."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.analysis.ledger import Row

START = date(2023, 1, 1)
DAYS = 150

few = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
"""Every example asks the engine several times."""


def _row(customer: str | None, order: int, day: int, cents: int) -> Row:
    on = (START + timedelta(days=day)).isoformat()
    # An order belongs to one customer and one day.
    return (customer, f"{customer}-{on}-{order}", on, str(cents / 100))


rows = st.lists(
    st.builds(
        _row,
        st.sampled_from(["a", "b", "c", "d", "e", None]),
        st.integers(1, 2),
        st.integers(0, DAYS - 1),
        st.one_of(st.integers(-500, 5000), st.just(0)),
    ),
    min_size=1,
    max_size=40,
)
"""Order lines of January to May 2023: purchases, returns, gifts, some anonymous."""
