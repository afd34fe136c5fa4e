"""Spend ahead: did customers spend in a held-out period what models that had not seen it expected?

A model that tells purchases well may still be wrong in money: what is spent on an occasion may grow or
fall, and those who come may be others than those expected.
"""

from __future__ import annotations

import math
from datetime import timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from crm_lib.btyd.holdout import Holdout
from crm_lib.btyd.model import PurchaseModel
from crm_lib.engine import collect
from crm_lib.needs import needs
from crm_lib.periods import Window

_HISTORY = ("x", "t_x", "T")


@needs(lines=())
def judge(
    occasions: ir.Table,
    expected: ir.Table | None,
    held: Holdout,
    model: PurchaseModel,
    *,
    window: Window,
    known: ir.Table | None = None,
) -> pd.DataFrame:
    """What was spent in the held-out `window`, and expected: purchases × spend an occasion.

    In: purchase occasions; `margins.expected_spend` before the window; the holdout in days; the model
    as fitted before it; `known`: `lifetime.known_before` the window, where it has been made; without
    `expected` it has the column expected_spend. One row: customers (known before), expected, actual (money), bias (expected ÷
    actual − 1; NaN where nothing was spent), expected_occasions, actual_occasions. Predictions are made
    once a history and joined in the engine.
    """
    known = _known(occasions, window) if known is None else known
    with_spend = known if expected is None else known.join(expected, "customer_id")
    joined = with_spend.join(_purchases(held, model), list(_HISTORY))
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


def _known(occasions: ir.Table, window: Window) -> ir.Table:
    """The history of each customer on the last day before the window, in days; and what came in it."""
    occasions = occasions.filter(occasions.on < ibis.literal(window.end))
    is_before = occasions.on < ibis.literal(window.start)
    each = occasions.group_by("customer_id").agg(
        x=is_before.sum() - 1,
        first=occasions.on.min(),
        last=occasions.on.max(where=is_before),
        actual=(~is_before).sum(),
        spent=occasions.revenue.sum(where=~is_before),
    )
    each = each.filter(each.x >= 0)
    last_day = ibis.literal(window.start - timedelta(days=1))
    return each.select(
        "customer_id",
        "actual",
        "spent",
        x=each.x.cast("int64"),
        t_x=each["last"].delta(each["first"], unit="day").cast("int64"),
        T=last_day.delta(each["first"], unit="day").cast("int64"),
    )


def _purchases(held: Holdout, model: PurchaseModel) -> ir.Table:
    """Expected purchases in the held-out period, one row a history."""
    seen = held.seen.compressed()
    told = model.expected_purchases(seen, horizon=held.horizon, unit=held.unit)
    known = {name: getattr(seen, name).astype("int64") for name in _HISTORY}
    return ibis.memtable(pa.table({**known, "purchases": told}))
