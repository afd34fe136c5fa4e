"""The decomposition is exact for any numbers and any ledger."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import fsum, prod

from hypothesis import given
from hypothesis import strategies as st

from crm_lib.analysis import decomposition
from crm_lib.periods import Window
from tests.analysis.ledger import Ledger, Row
from tests.properties.ledgers import few, rows

numbers = st.fractions(min_value=-50, max_value=50, max_denominator=50)
two_windows = st.integers(1, 5).flatmap(
    lambda n: st.tuples(
        *[st.fixed_dictionaries({f"f{i}": numbers for i in range(n)}) for _ in range(2)]
    )
)
BEFORE, AFTER = (
    Window(date(2023, 1, 1), date(2023, 3, 1)),
    Window(date(2023, 3, 1), date(2023, 5, 1)),
)


@given(two_windows)
def test_effects_add_up_exactly(windows: tuple[dict[str, Fraction], dict[str, Fraction]]) -> None:
    before, after = windows
    effects = decomposition.shapley(before, after)
    assert sum(effects.values()) == prod(after.values()) - prod(before.values())


@given(two_windows)
def test_a_factor_that_stands_still_has_no_effect(
    windows: tuple[dict[str, Fraction], dict[str, Fraction]],
) -> None:
    before, after = windows
    after = {**after, "f0": before["f0"]}
    assert decomposition.shapley(before, after)["f0"] == 0


@given(two_windows)
def test_back_undoes_forth_and_order_does_not_matter(
    windows: tuple[dict[str, Fraction], dict[str, Fraction]],
) -> None:
    before, after = windows
    forth = decomposition.shapley(before, after)
    back = decomposition.shapley(after, before)
    assert {name: -effect for name, effect in back.items()} == forth
    turned = dict(reversed(list(before.items())))
    assert decomposition.shapley(turned, after) == forth


@given(two_windows, st.fractions(min_value=1, max_value=9, max_denominator=3))
def test_the_unit_of_a_factor_does_not_matter(
    windows: tuple[dict[str, Fraction], dict[str, Fraction]], scale: Fraction
) -> None:
    before, after = windows
    scaled = decomposition.shapley(
        {**before, "f0": before["f0"] * scale}, {**after, "f0": after["f0"] * scale}
    )
    expected = decomposition.shapley(before, after)
    assert scaled == {name: effect * scale for name, effect in expected.items()}


def spent(lines: list[Row], window: Window) -> Decimal:
    inside = [x for x in lines if str(window.start) <= x[2] < str(window.end)]
    return sum((Decimal(x[3]) for x in inside), Decimal(0))


@few
@given(rows, st.randoms(use_true_random=False))
def test_any_ledger_adds_up_to_the_cent(lines: list[Row], chance: random.Random) -> None:
    frame = decomposition.decompose(
        Ledger(lines, end="2023-06-01").lines, before=BEFORE, after=AFTER
    ).set_index("factor")
    change = spent(lines, AFTER) - spent(lines, BEFORE)
    assert round(fsum(frame["effect"].drop("total")), 2) == float(change)
    assert frame.loc["total", "effect"] == float(change)
    later = [("a", "later", "2023-05-30", "9999")]
    mixed = chance.sample(lines, len(lines)) + later
    again = decomposition.decompose(
        Ledger(mixed, end="2023-06-01").lines, before=BEFORE, after=AFTER
    )
    assert again.set_index("factor").equals(frame)


@few
@given(rows)
def test_any_margin_adds_up_to_the_cent(lines: list[Row]) -> None:
    costs = [str(i % 7) for i in range(len(lines))]
    frame = decomposition.decompose(
        Ledger(lines, end="2023-06-01", costs=costs).lines,
        before=BEFORE,
        after=AFTER,
        measure="margin",
    ).set_index("factor")
    assert round(fsum(frame["effect"].drop("total")), 2) == round(frame.loc["total", "effect"], 2)
