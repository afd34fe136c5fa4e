"""Does a model tell what customers did? Frames that a chart draws as they are.

Over time (`tracking`), by what was known of customers (`by_repeats`, `by_decile`, `by_p_alive`), and by
how often they bought at all (`frequency`). Counts are customers, so weights are taken into account.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crm_lib.btyd.histories import Array, Histories, Unit, factor
from crm_lib.btyd.holdout import Holdout
from crm_lib.btyd.model import PurchaseModel
from crm_lib.errors import UsageError

ALIVE_BANDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def tracking(
    model: PurchaseModel,
    seen: Histories,
    actual: Sequence[float] | Array,
    *,
    ends: Sequence[float] | Array,
    unit: Unit,
) -> pd.DataFrame:
    """Repeat purchases by period, expected against actual, through calibration and holdout.

    `ends`: when each period ends, in `unit` after the last day of `seen`: negative inside calibration,
    ascending; the first period begins with the first customer. `actual`: repeat purchases of all
    customers of `seen` in each period. A customer counts from the first purchase on: T tells when.
    One row a period: end, is_holdout, actual, expected, actual_cumulative, expected_cumulative. This is
    what the model says of customers as they came, so histories are used for T alone.
    """
    last, bought = np.asarray(ends, dtype=float), np.asarray(actual, dtype=float)
    if last.shape != bought.shape or last.ndim != 1 or (np.diff(last) <= 0).any():
        raise UsageError(
            "Tracking needs one ascending end and one count of purchases for each period, "
            f"not {last.size} ends and {bought.size} counts."
        )
    cumulative = _expected_by(model, seen.to(unit), last, unit)
    return pd.DataFrame(
        {
            "end": last,
            "is_holdout": last > 0,
            "actual": bought,
            "expected": np.diff(cumulative, prepend=0.0),
            "actual_cumulative": np.cumsum(bought),
            "expected_cumulative": cumulative,
        }
    )


def _expected_by(model: PurchaseModel, seen: Histories, ends: Array, unit: Unit) -> Array:
    """Σ over customers of E[X(time since the first purchase)] at each end."""
    T, place = np.unique(seen.T, return_inverse=True)
    customers = np.bincount(place, seen.weight, len(T))
    elapsed = np.maximum(T[None, :] + ends[:, None], 0.0)
    # Few times occur, again and again, once they are on the grid of days.
    day = factor("day", unit) / 24
    times, where = np.unique(np.round(elapsed / day) * day, return_inverse=True)
    expected = model.expected_of_new(times, unit=unit)
    return expected[where.reshape(elapsed.shape)] @ customers


def by_repeats(held: Holdout, expected: Array, *, top: int = 7) -> pd.DataFrame:
    """Purchases in the holdout, a customer, by repeat purchases in calibration.

    `expected`: predicted purchases by row of the holdout. One row for 0, 1 … and `top` or more: repeats,
    is_open (the last), customers, actual, expected (means over customers; groups without any are left
    out). Fader, Hardie & Lee (2005), "Counting your customers the easy way", figure 4.
    """
    repeats = np.minimum(held.seen.x, top)
    return _means(held, {"repeats": repeats.astype(int)}, expected).assign(
        is_open=lambda rows: rows["repeats"] == top
    )[["repeats", "is_open", "customers", "actual", "expected"]]


def by_decile(held: Holdout, expected: Array, *, groups: int = 10) -> pd.DataFrame:
    """Purchases in the holdout, a customer, by tenth of customers, best predicted first.

    One row a group: group (1 = best predicted), customers, actual, expected (means over customers),
    actual_share and expected_share (of all purchases). Customers with equal predictions are spread
    evenly where a boundary falls among them.
    """
    size = held.customers / groups
    bought = held.by_rank(expected, held.actual, groups)
    ahead = held.by_rank(expected, expected, groups)
    return pd.DataFrame(
        {
            "group": np.arange(1, groups + 1),
            "customers": size,
            "actual": bought / size,
            "expected": ahead / size,
            "actual_share": _share(bought),
            "expected_share": _share(ahead),
        }
    )


def _share(values: Array) -> Array:
    total = values.sum()
    return values / total if total else np.full_like(values, np.nan)


def frequency(model: PurchaseModel, seen: Histories, *, top: int = 7) -> pd.DataFrame:
    """Customers by number of repeat purchases in calibration, as they are and as the model expects.

    Each customer is expected to have x repeats with P(X(T) = x), T being its own. One row for
    0, 1 … and `top` or more: repeats, is_open (the last), actual, expected (customers; both add up
    to all).
    """
    counts = np.arange(float(top))
    spans, place = np.unique(seen.T, return_inverse=True)
    customers = np.bincount(place, seen.weight, len(spans))
    expected = np.zeros(top)
    for span, number in zip(spans, customers, strict=True):
        expected += number * model.probabilities(counts, float(span), unit=seen.unit)
    repeats = np.minimum(seen.x, top).astype(int)
    return pd.DataFrame(
        {
            "repeats": np.arange(top + 1),
            "is_open": np.arange(top + 1) == top,
            "actual": np.bincount(repeats, seen.weight, top + 1),
            "expected": np.append(expected, seen.customers - expected.sum()),
        }
    )


def by_p_alive(
    held: Holdout, p_alive: Array, *, bands: Sequence[float] = ALIVE_BANDS
) -> pd.DataFrame:
    """Who bought in the holdout, by the P(alive) that calibration gave.

    `p_alive` by row of the holdout. One row a band with customers in it: low, high, customers, p_alive
    (mean), bought_share (of customers with a purchase in the holdout). The living need not buy within
    the holdout, so a right P(alive) lies at or above bought_share, and the two rise together.
    """
    edges = np.asarray(bands, dtype=float)
    if (np.diff(edges) <= 0).any() or edges[0] > 0 or edges[-1] < 1:
        raise UsageError(f"Bands of P(alive) ascend from 0 to 1, not {list(bands)}.")
    band = np.clip(np.searchsorted(edges, p_alive, side="right") - 1, 0, len(edges) - 2)
    customers = np.bincount(band, held.weight, len(edges) - 1)
    full = customers > 0
    alive = np.bincount(band, held.weight * p_alive, len(customers))[full] / customers[full]
    bought = np.bincount(band, held.weight * (held.actual > 0), len(customers))[full]
    return pd.DataFrame(
        {
            "low": edges[:-1][full],
            "high": edges[1:][full],
            "customers": customers[full],
            "p_alive": alive,
            "bought_share": bought / customers[full],
        }
    )


def _means(held: Holdout, key: dict[str, Array], expected: Array) -> pd.DataFrame:
    """Customers, and mean actual and expected purchases, by one key."""
    (name,) = key
    rows = pd.DataFrame(
        {
            **key,
            "customers": held.weight,
            "actual": held.weight * held.actual,
            "expected": held.weight * expected,
        }
    )
    sums = rows.groupby(name).sum()
    return sums.assign(
        actual=sums["actual"] / sums["customers"], expected=sums["expected"] / sums["customers"]
    ).reset_index()
