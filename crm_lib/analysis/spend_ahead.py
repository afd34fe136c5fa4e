"""Spend ahead: did customers spend in a held-out period what models that had not seen it expected?

A model that tells purchases well may still be wrong in money: what is spent on an occasion may grow or
fall, and those who come may be others than those expected.
"""

from __future__ import annotations

import math

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from crm_lib.btyd.holdout import Holdout
from crm_lib.btyd.model import PurchaseModel
from crm_lib.engine import collect
from crm_lib.needs import needs

_HISTORY = ("x", "t_x", "T")


@needs(lines=())
def judge(known: ir.Table, held: Holdout, model: PurchaseModel) -> pd.DataFrame:
    """What was spent in a held-out period, and expected: purchases × spend an occasion.

    In: `lifetime.known_before` the period, with expected_spend (see `margins.with_expected_spend`); the
    holdout in days; the model as fitted before it. One row: customers (known before), expected, actual
    (money), bias (expected ÷ actual − 1; NaN where nothing was spent), expected_occasions,
    actual_occasions. Predictions are made once a history and joined in the engine.
    """
    joined = known.join(_purchases(held, model), list(_HISTORY))
    told = joined.agg(
        customers=joined.count(),
        expected=(joined.purchases * joined.expected_spend).sum(),
        expected_occasions=joined.purchases.sum(),
    )
    spent = known.spent.sum().cast("float64").fill_null(0)
    real = known.agg(actual=spent, actual_occasions=known.actual.sum().fill_null(0))
    row = {**collect(told).iloc[0], **collect(real).iloc[0]}
    row["bias"] = row["expected"] / row["actual"] - 1 if row["actual"] else math.nan
    return pd.DataFrame([row])


def _purchases(held: Holdout, model: PurchaseModel) -> ir.Table:
    """Expected purchases in the held-out period, one row a history."""
    seen = held.seen.compressed()
    told = model.expected_purchases(seen, horizon=held.horizon, unit=held.unit)
    known = {name: getattr(seen, name).astype("int64") for name in _HISTORY}
    return ibis.memtable(pa.table({**known, "purchases": told}))
