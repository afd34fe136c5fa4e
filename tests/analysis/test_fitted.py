"""A choice that was kept is the choice that was made."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_lib import fitted
from crm_lib.analysis import lifetime, margins
from crm_lib.btyd.histories import Histories
from crm_lib.periods import Window
from tests.analysis.base import Base


@pytest.fixture(scope="module")
def base() -> Base:
    return Base()


def back(choice: lifetime.Choice, folder: Path) -> lifetime.Choice:
    fitted.save(choice, folder)
    return fitted.read(folder)


def same_histories(one: Histories | None, other: Histories | None) -> bool:
    assert one is not None
    assert other is not None
    columns = ("x", "t_x", "T", "weight")
    same = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in columns)
    return same and one.unit == other.unit


def test_a_kept_choice_is_the_same_to_the_last_digit(base: Base, tmp_path: Path) -> None:
    made = lifetime.choose(base.customers, base.occasions, **base.span)  # type: ignore[arg-type]
    kept = back(made, tmp_path)
    assert kept.card() == made.card()
    assert (kept.split, kept.as_of, kept.window) == (made.split, made.as_of, made.window)
    assert (kept.excluded, kept.first_seen) == (made.excluded, made.first_seen)
    pd.testing.assert_frame_equal(kept.judged, made.judged)
    assert same_histories(kept.seen, made.seen)
    assert same_histories(kept.tested.seen, made.tested.seen)
    assert np.array_equal(kept.tested.actual, made.tested.actual)
    assert kept.tested.horizon == made.tested.horizon
    for one, other in ((kept.model, made.model), (kept.calibrated, made.calibrated)):
        assert repr(one) == repr(other)
        assert one.params_ == other.params_
        assert one.customers_ == other.customers_
        assert one.estimate_ is not None
        assert other.estimate_ is not None
        assert one.estimate_.standard_errors == other.estimate_.standard_errors
        assert one.estimate_.log_likelihood == other.estimate_.log_likelihood
    assert kept.verdict is not None
    assert made.verdict is not None
    assert kept.verdict.models.keys() == made.verdict.models.keys()
    assert (kept.verdict.lead, kept.verdict.lead_error) == (
        made.verdict.lead,
        made.verdict.lead_error,
    )


def test_a_refusal_is_kept_with_its_reason(base: Base, tmp_path: Path) -> None:
    short = Window(base.observed.start, date(2022, 2, 1))
    made = lifetime.choose(base.customers, base.occasions, observed=short, warm_up_ends=short.start)
    assert made.refusal
    kept = back(made, tmp_path)
    assert (kept.refusal, kept.fitted, kept.split, kept.held) == (made.refusal, None, None, None)
    nobody = replace(made, seen=None, as_of=date(2024, 1, 1))
    (again := tmp_path / "again").mkdir()
    assert back(nobody, again).seen is None


def test_kept_margins_are_the_same_to_the_last_digit(base: Base, tmp_path: Path) -> None:
    each = margins.earnings(margins.earned(base.ledger))
    each = each.left_join(margins.spending(base.occasions), "customer_id").drop("customer_id_right")
    made = margins.of_each(each)
    fitted.save_margins(made, tmp_path)
    kept = fitted.read_margins(tmp_path, each)
    assert kept.rates == made.rates
    assert replace(kept.spend, model=None) == replace(made.spend, model=None)
    assert kept.spend.model is not None
    assert made.spend.model is not None
    assert kept.spend.model.params_ == made.spend.model.params_
    assert kept.spend.model.excluded_ == made.spend.model.excluded_
    pd.testing.assert_frame_equal(kept.facts(), made.facts())
    assert (kept.of_new, kept.spend_of_new) == (made.of_new, made.spend_of_new)
    assert kept.per_occasion().count().execute() == made.per_occasion().count().execute()


def test_margins_without_a_model_are_kept_with_the_reason(base: Base, tmp_path: Path) -> None:
    few = base.occasions.filter(base.occasions.number == 1)
    each = margins.earnings(margins.earned(base.ledger))
    each = each.left_join(margins.spending(few), "customer_id").drop("customer_id_right")
    made = margins.of_each(each)
    assert made.spend.model is None
    fitted.save_margins(made, tmp_path)
    kept = fitted.read_margins(tmp_path, each)
    assert kept.spend == made.spend
    assert kept.spend.refusal
