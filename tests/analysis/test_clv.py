"""Lifetime value and equity: by hand, identities, and what must not matter."""

from __future__ import annotations

from dataclasses import replace

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest
from scipy import integrate

from crm_lib import btyd
from crm_lib.analysis import clv, equity, lifetime, margins
from crm_lib.btyd.nbd import Nbd
from crm_lib.btyd.pareto_nbd import ParetoNbd
from crm_lib.btyd.stakes import Living, Stakes
from crm_lib.engine import collect
from crm_lib.errors import NoModel, UsageError
from tests.analysis.base import Base

TERMS = {"horizon_months": 36, "discount_rate": 0.1}
LAW = ParetoNbd(unit="day", r=2.0, alpha=60.0, s=1.5, beta=400.0)


@pytest.fixture(scope="module")
def base() -> Base:
    return Base()


def valued(base: Base, model: btyd.PurchaseModel = LAW, **terms: float) -> ir.Table:
    each = margins.of(base.occasions, base.ledger).per_occasion()
    seen = lifetime.histories(base.customers)
    return clv.by_customer(base.customers, seen, model, each, **{**TERMS, **terms})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def values(base: Base) -> ir.Table:
    table = valued(base)
    return ibis.memtable(table.to_pyarrow(), schema=table.schema())


@pytest.fixture(scope="module")
def frame(values: ir.Table) -> pd.DataFrame:
    return collect(values).set_index("customer_id").sort_index()


def test_a_customer_by_hand(frame: pd.DataFrame) -> None:
    """Margin × ∫ (1 + d)^−t dE(t), with E from the model and the integral by another program."""
    row = frame.iloc[7]
    one = btyd.histories(pd.DataFrame([row[["x", "t_x", "T"]].astype(float)]), unit="day")
    days = 36 * 365.25 / 12

    def until(t: float) -> float:
        return float(LAW.expected_purchases(one, horizon=t, unit="day")[0])

    delta = np.log(1.1) / 365.25
    kept, _ = integrate.quad(lambda t: delta * np.exp(-delta * t) * until(t), 0, days)
    discounted = np.exp(-delta * days) * until(days) + kept
    assert row["expected_occasions"] == pytest.approx(until(days))
    assert row["clv"] == pytest.approx(row["margin_per_occasion"] * discounted, rel=1e-6)
    assert row["margin_rate"] == pytest.approx(0.5, abs=0.001)  # half of each amount is its cost


def test_everyone_who_bought_has_a_value(frame: pd.DataFrame, base: Base) -> None:
    assert len(frame) == 400
    assert frame["occasions"].sum() == len(base.log.drop_duplicates(["customer_id", "day"]))
    assert frame[["p_alive", "clv", "expected_occasions"]].notna().all(axis=None)
    assert frame["p_alive"].between(0, 1).all()
    assert (frame["clv"] > 0).all()


def test_currency_only_scales(frame: pd.DataFrame) -> None:
    cents = collect(valued(Base(scale=100.0))).set_index("customer_id").sort_index()
    assert cents["clv"].to_numpy() == pytest.approx(100 * frame["clv"].to_numpy(), rel=1e-4)
    assert cents["p_alive"].to_numpy() == pytest.approx(frame["p_alive"].to_numpy())


def test_without_discount_value_is_margin_times_occasions(base: Base) -> None:
    rows = collect(valued(base, discount_rate=0.0))
    told = rows["margin_per_occasion"] * rows["expected_occasions"]
    assert rows["clv"].to_numpy() == pytest.approx(told.to_numpy())


def test_a_higher_discount_or_a_shorter_horizon_is_worth_less(
    base: Base, frame: pd.DataFrame
) -> None:
    for terms in ({"discount_rate": 0.2}, {"horizon_months": 12}):
        assert collect(valued(base, **terms))["clv"].sum() < frame["clv"].sum()


@pytest.mark.parametrize("terms", [{"horizon_months": 0}, {"discount_rate": -0.1}])
def test_terms_that_make_no_value_are_refused(base: Base, terms: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"month or more|0 or more a year"):
        valued(base, **terms)


def test_groups_add_up_to_the_equity(values: ir.Table, frame: pd.DataFrame) -> None:
    names = sorted(frame.index)
    groups = ibis.memtable({"customer_id": names[:399], "kind": ["ab"[i % 2] for i in range(399)]})
    parts = collect(equity.by_group(values, groups, by="kind"))
    assert set(parts["kind"]) == {"a", "b", "unknown"}  # the last customer has no group
    for name in ("clv", "expected_occasions"):
        assert parts[name].sum() == pytest.approx(frame[name].sum())
    assert parts["customers"].sum() == 400
    assert parts["clv_share"].sum() == pytest.approx(1)
    assert parts["customers_share"].sum() == pytest.approx(1)
    total = clv.totals(values).iloc[0]
    assert total["clv"] == pytest.approx(frame["clv"].sum())
    assert clv.alive_bands(values)["clv"].sum() == pytest.approx(frame["clv"].sum())


def test_the_best_come_first_with_an_interval(values: ir.Table, frame: pd.DataFrame) -> None:
    best = clv.best(values, LAW, rows=10, horizon_months=36)
    assert best["clv"].tolist() == sorted(frame["clv"], reverse=True)[:10]
    assert (best["low"] <= best["expected_occasions"]).all()
    assert (best["expected_occasions"] <= best["high"]).all()


def test_the_export_holds_everyone(values: ir.Table, base: Base) -> None:
    stages = base.customers.select("customer_id", stage=ibis.literal("New"))
    profits = base.ledger.group_by("customer_id").agg(
        revenue=base.ledger.revenue.sum(), profit=base.ledger.contribution.sum()
    )
    rows = collect(clv.listed(values, profits, {"stage": stages}, base.customers))
    assert rows.columns.tolist() == [
        "customer_id", "stage", "revenue", "profit", *clv.WORTH,
    ]  # fmt: skip
    assert rows["customer_id"].tolist() == sorted(rows["customer_id"])
    assert len(rows) == 400


# --- equity -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stakes(values: ir.Table) -> Stakes:
    return equity.stakes(values)


def test_stakes_hold_the_whole_equity(stakes: Stakes, frame: pd.DataFrame) -> None:
    living = Living.of(stakes, LAW)
    assert living.worth(LAW, **TERMS) == pytest.approx(frame["clv"].sum())  # type: ignore[arg-type]
    assert living.customers.sum() == pytest.approx(frame["p_alive"].sum())


def test_the_interval_is_around_the_equity(stakes: Stakes, base: Base) -> None:
    model = btyd.fit(stakes.seen, "pareto_nbd")
    whole = Living.of(stakes, model).worth(model, **TERMS)  # type: ignore[arg-type]
    found = stakes.interval(model, **TERMS)  # type: ignore[arg-type]
    assert found is not None
    assert 0.5 * whole < found[0] < whole < found[1] < 1.5 * whole
    assert stakes.interval(LAW, **TERMS) is None  # type: ignore[arg-type]  # not fitted to anything


def newcomers(base: Base) -> equity.Newcomers:
    return equity.newcomers(base.customers, base.ledger, **base.span)  # type: ignore[arg-type]


def test_newcomers_are_counted_over_the_last_full_year(base: Base) -> None:
    won = newcomers(base)
    assert str(won.window) == "2023-01-01 – 2023-12-31"
    first = base.log.groupby("customer_id")["day"].min()
    assert won.customers == ((first >= won.window.start) & (first < won.window.end)).sum()
    assert won.a_month == won.customers / 12
    assert won.acquisition_cost is None
    paid = base.ledger.mutate(acquisition_cost=ibis.literal(3, "decimal(18, 4)"))
    rows = collect(paid.filter(paid.month >= won.window.start, paid.month < won.window.end))
    cost = equity.newcomers(base.customers, paid, **base.span).acquisition_cost  # type: ignore[arg-type]
    assert cost == pytest.approx(3 * len(rows) / won.customers)


def test_no_full_month_after_the_warm_up_counts_nobody(base: Base) -> None:
    with pytest.raises(NoModel, match="no full month after"):
        equity.newcomers(
            base.customers, base.ledger, observed=base.observed, warm_up_ends=base.observed.end
        )


def test_a_new_customer_by_hand(base: Base) -> None:
    won = replace(newcomers(base), acquisition_cost=4.0)
    found = equity.future(won, LAW, of_new=(10.0, 20.0), horizon_months=12, discount_rate=0.0)
    later = 20 * LAW.expected_of_new(12, unit="month")[0]
    assert found.clv == pytest.approx(10 + later - 4)
    assert found.customers == won.a_month * 12
    assert found.equity == pytest.approx(won.customers * found.clv)
    assert found.steps()["amount"].iloc[:-1].sum() == pytest.approx(found.clv)


def pulled(base: Base, stakes: Stakes, model: btyd.PurchaseModel = LAW) -> equity.Levers:
    return equity.levers(
        stakes,
        model,
        newcomers(base),
        of_new=(10.0, 20.0),
        spend_of_new=(20.0, 40.0),
        **TERMS,  # type: ignore[arg-type]
    )


def test_levers_are_recomputed(base: Base, stakes: Stakes, frame: pd.DataFrame) -> None:
    found = pulled(base, stakes)
    table = found.table.set_index(["lever", "step"])
    assert table.loc[("margin", "percent"), "present"] == pytest.approx(0.01 * frame["clv"].sum())
    half = (
        table.loc[("margin", "point"), "present"] / 0.02
    )  # a point of spend, of which half is margin
    assert half == pytest.approx(frame["clv"].sum(), rel=0.01)
    ahead = equity.future(newcomers(base), LAW, of_new=(10.0, 20.0), **TERMS)  # type: ignore[arg-type]
    assert table.loc[("acquisition", "percent"), "total"] == pytest.approx(0.01 * ahead.equity)
    assert table["total"].to_numpy() == pytest.approx(
        (table["present"] + table["future"]).to_numpy()
    )
    assert (table["total"] > 0).all()


def test_a_point_of_retention_is_a_point(base: Base, stakes: Stakes) -> None:
    living = Living.of(stakes, LAW)
    kept = living.kept(LAW)
    stayers = living.keeping(LAW, kept + 0.01)
    assert stayers is not None
    assert living.kept(stayers) == pytest.approx(kept + 0.01, abs=1e-9)
    assert stayers.params_["s"] < LAW.params_["s"]
    assert pulled(base, stakes).retention == kept


def test_who_never_leaves_cannot_be_kept_better(base: Base, stakes: Stakes) -> None:
    found = pulled(base, stakes, Nbd(unit="day", r=2.0, alpha=60.0))
    assert found.retention == pytest.approx(1)
    assert set(found.table["lever"]) == {"acquisition", "margin"}
