"""Lifetime value and equity: by hand, identities, and what must not matter."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest
from scipy import integrate

from crm_lib import btyd
from crm_lib.analysis import clv, equity, lifetime, margins
from crm_lib.analysis.equity import new_customers
from crm_lib.btyd.credibility import UNKNOWN
from crm_lib.btyd.nbd import Nbd
from crm_lib.btyd.pareto_nbd import ParetoNbd
from crm_lib.btyd.stakes import Living, Stakes, with_dropout
from crm_lib.engine import collect
from crm_lib.errors import NoModel, UsageError
from crm_lib.periods import Window
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


@pytest.mark.parametrize(
    "terms", [{"horizon_months": 0}, {"horizon_months": 2.5}, {"discount_rate": -0.1}]
)
def test_terms_that_make_no_value_are_refused(base: Base, terms: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"whole number of at least 1|0 or more a year"):
        valued(base, **terms)


def test_groups_add_up_to_the_equity(values: ir.Table, frame: pd.DataFrame) -> None:
    names = sorted(frame.index)
    groups = ibis.memtable({"customer_id": names[:399], "kind": ["ab"[i % 2] for i in range(399)]})
    parts = collect(clv.by_group(values, groups, by="kind"))
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
    with pytest.raises(UsageError, match="rows must be a whole number of at least 0, not -1"):
        clv.best(values, LAW, rows=-1)
    assert best["clv"].tolist() == sorted(frame["clv"], reverse=True)[:10]
    assert (best["low"] <= best["expected_occasions"]).all()
    assert (best["expected_occasions"] <= best["high"]).all()


def test_the_list_holds_who_never_bought_too(values: ir.Table, base: Base) -> None:
    idle = {"customer_id": "Z", "first_on": None, "revenue": Decimal("-3")}
    nobody = ibis.memtable([idle], schema={"customer_id": "string", "first_on": "date", "revenue": "decimal(18, 4)"})  # fmt: skip
    revenue = base.customers.select("customer_id", "revenue")
    known = values.join(revenue, "customer_id")
    rows = collect(clv.listed(known, nobody, carried=["revenue"])).set_index("customer_id")
    assert tuple(rows.columns) == tuple(known.columns[1:])
    assert len(rows) == 401
    assert rows.loc["Z", "revenue"] == -3
    assert rows.loc["Z"].drop("revenue").isna().all()
    assert rows.drop("Z").notna().all(axis=None)


# --- equity -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stakes(values: ir.Table) -> Stakes:
    return equity.stakes(values)


def test_stakes_hold_the_whole_equity(stakes: Stakes, frame: pd.DataFrame) -> None:
    living = Living.of(stakes, LAW)
    assert living.worth(LAW, **TERMS) == pytest.approx(frame["clv"].sum())  # type: ignore[arg-type]
    assert living.customers.sum() == pytest.approx(frame["p_alive"].sum())


def test_everyone_alike_has_a_stake_too(base: Base) -> None:
    """One mean spend and one rate for all, with all the digits that a number has."""
    known = margins.of(base.occasions, base.ledger)
    spend = replace(known.spend, model=None, mean=26.123456789012345, own=UNKNOWN)
    rates = replace(known.rates, mean=0.512345678901234567, own=UNKNOWN)
    alike = replace(known, spend=spend, rates=rates)
    seen = lifetime.histories(base.customers)
    values = clv.by_customer(base.customers, seen, LAW, alike.per_occasion(), **TERMS)  # type: ignore[arg-type]
    each = spend.mean * rates.mean
    held = equity.stakes(values)
    assert held.squares.sum() == pytest.approx(400 * each**2)
    assert held.margin.sum() == pytest.approx(400 * each)


def test_the_interval_is_around_the_equity(stakes: Stakes, base: Base) -> None:
    model = btyd.fit(stakes.seen, "pareto_nbd")
    whole = Living.of(stakes, model).worth(model, **TERMS)  # type: ignore[arg-type]
    found = stakes.interval(model, **TERMS)  # type: ignore[arg-type]
    assert found is not None
    assert 0.5 * whole < found[0] < whole < found[1] < 1.5 * whole
    assert stakes.interval(LAW, **TERMS) is None  # type: ignore[arg-type]  # not fitted to anything


def newcomers(base: Base, model: btyd.PurchaseModel = LAW, **more: ir.Table) -> equity.Newcomers:
    return equity.newcomers(base.customers, base.ledger, model, **base.span, **more)  # type: ignore[arg-type]


def test_newcomers_are_counted_over_the_last_full_year(base: Base) -> None:
    start, end = date(2023, 1, 1), date(2024, 1, 1)
    first = pd.to_datetime(base.log.groupby("customer_id")["day"].min())
    months = [((first.dt.year == 2023) & (first.dt.month == m)).sum() for m in range(1, 13)]
    found = new_customers._by_month(base.customers, Window(start, end))
    assert found == tuple(months)  # everyone joins within three quarters of the two years
    assert found[6:] == (2, 0, 0, 0, 0, 0)
    won = newcomers(base)
    assert (won.counts, won.is_changed, won.refusal) == (found[6:], True, "")
    assert str(won.window) == "2023-07-01 – 2023-12-31"
    assert won.a_month == 2 / 6
    assert won.acquisition_cost is None
    assert won.known is LAW  # no warm-up: the same customers


def test_what_winning_costs_is_recorded_of_customers_and_of_campaigns(base: Base) -> None:
    window = Window(date(2022, 3, 1), date(2022, 9, 1))
    paid = base.ledger.mutate(acquisition_cost=ibis.literal(3, "decimal(18, 4)"))
    inside = paid.filter(
        paid.month >= ibis.literal(window.start), paid.month < ibis.literal(window.end)
    )
    each = 3 * int(inside.count().execute())
    sent = pd.DataFrame(
        {
            "month": [date(2022, 2, 1), date(2022, 3, 1), date(2022, 8, 1), date(2022, 9, 1)],
            "exposure_cost": [1.0, 2.0, 4.0, 8.0],
            "campaign_cost": [10.0, 20.0, np.nan, 80.0],
        }
    )
    campaigns = ibis.memtable(sent)
    assert new_customers._costs(base.ledger, window, None) == {}
    assert new_customers._costs(base.ledger, window, campaigns) == {"campaigns": 26.0}
    assert new_customers._costs(paid, window, campaigns) == {"customers": each, "campaigns": 26.0}
    none = campaigns.filter(campaigns.exposure_cost > 100)
    assert new_customers._costs(paid, window, none) == {"customers": each, "campaigns": 0.0}
    assert new_customers._costs(base.ledger, window, none) == {}
    won = equity.Newcomers(window, False, (10, 16), {"customers": 26.0, "campaigns": 26.0}, LAW, "")
    assert won.acquisition_cost == 2.0


def test_no_full_month_after_the_warm_up_counts_nobody(base: Base) -> None:
    late = {"observed": base.observed, "warm_up_ends": base.observed.end}
    won = equity.newcomers(base.customers, base.ledger, LAW, **late)  # type: ignore[arg-type]
    assert "no full month after" in won.refusal
    with pytest.raises(NoModel, match="no full month after"):
        equity.future(won, of_new=(10.0, 20.0), **TERMS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ((20, 25, 18, 22, 21, 19), (20, 25, 18, 22, 21, 19)),
        ((60, 55, 62, 20, 22, 19), (20, 22, 19)),  # a new pace, steady since
        ((20, 22, 19, 60, 55, 62), (60, 55, 62)),
        ((1, 0, 2, 0, 0, 1), (1, 0, 2, 0, 0, 1)),  # a third, and that may be chance
        ((1000, 1000, 1200, 1300), (1000, 1000, 1200, 1300)),  # no chance, but by a quarter only
        ((0, 0, 0), (0, 0, 0)),
        ((7,), (7,)),
    ],
)
def test_a_steady_pace_is_carried_on(counts: tuple[int, ...], found: tuple[int, ...]) -> None:
    assert equity.steady(counts) == found


def test_a_panel_that_fills_up_has_no_pace() -> None:
    """First purchases a month after the warm-up of Complete Journey."""
    with pytest.raises(NoModel, match="were 185, 112, 47, 46, 20, 21, 16, 16, 6, 11, 6: a pace"):
        equity.steady((185, 112, 47, 46, 20, 21, 16, 16, 6, 11, 6))


@pytest.fixture(scope="module")
def mixed() -> tuple[ir.Table, ir.Table]:
    """Facts of 600 steady buyers seen first in the warm-up and of 300 new ones who seldom come back;
    their model, fitted to all."""
    rng = np.random.default_rng(3)
    days = 700
    rows = []
    for i in range(900):
        is_old = i < 600
        first = int(rng.integers(0, 30)) if is_old else int(rng.integers(31, days - 1))
        x = int(rng.poisson((days - first) * rng.gamma(2.0, 1 / 20 if is_old else 1 / 400)))
        last = int(rng.integers(x, days - first)) if 0 < x < days - first else 0
        rows.append((f"c{i}", is_old, x if last else 0, last, days - first))
    frame = pd.DataFrame(rows, columns=["customer_id", "is_first_seen", "x", "t_x", "T"])
    on = pd.Timestamp("2024-01-01") - pd.to_timedelta(frame["T"], unit="D")
    table = ibis.memtable(frame.assign(first_on=on.dt.date)).cast({"first_on": "date"})
    return table, table.filter(~table.is_first_seen)


def test_what_new_customers_do_is_learnt_from_new_customers(
    mixed: tuple[ir.Table, ir.Table],
) -> None:
    every, new = mixed
    model = Nbd.fit(lifetime.histories(every))
    found = new_customers._fitted_to_new(every, model)
    truth = 180 * 2 / 400  # purchases of a new customer within 180 days
    assert found.expected_of_new(180, unit="day")[0] == pytest.approx(truth, rel=0.15)
    assert model.expected_of_new(180, unit="day")[0] > 8 * truth
    assert (
        new_customers._fitted_to_new(new, model) is model
    )  # nobody of a warm-up: the same customers
    with pytest.raises(NoModel, match="at least 30, not 29"):
        new_customers._fitted_to_new(new.limit(29).union(every.filter(every.is_first_seen)), model)


def test_what_new_customers_spend_is_learnt_from_new_customers() -> None:
    base = Base(warm_up_days=90)
    new = collect(base.customers.filter(~base.customers.is_first_seen))["customer_id"]
    firsts = base.log.groupby(["customer_id", "day"])["amount"].sum().groupby("customer_id").first()
    found = margins.of_new(base.occasions, base.ledger, base.customers)
    assert found.spend_of_new[0] == pytest.approx(firsts[new].mean())
    assert firsts[new].mean() != pytest.approx(firsts.mean())
    every = Base()
    of_all = margins.of(every.occasions, every.ledger).of_new
    of_new = margins.of_new(every.occasions, every.ledger, every.customers).of_new
    assert of_new == pytest.approx(of_all, rel=1e-6)


WON = equity.Newcomers(
    Window(date(2023, 1, 1), date(2024, 1, 1)), False, (10,) * 12, {"customers": 480.0}, LAW, ""
)


def test_a_new_customer_by_hand() -> None:
    found = equity.future(WON, of_new=(10.0, 20.0), horizon_months=12, discount_rate=0.0)
    later = 20 * LAW.expected_of_new(12, unit="month")[0]
    assert found.clv == pytest.approx(10 + later - 4)
    assert found.customers == 120
    assert found.equity == pytest.approx(120 * found.clv)
    assert found.steps()["amount"].iloc[:-1].sum() == pytest.approx(found.clv)
    table = equity.parts(1000.0, (900.0, 1100.0), found)
    assert table["equity"].tolist() == [1000.0, found.equity]
    assert equity.parts(1000.0, None, None)["part"].tolist() == ["present"]


def test_customers_to_come_are_discounted_from_the_middle_of_their_month() -> None:
    found = equity.future(WON, of_new=(10.0, 0.0), horizon_months=2, discount_rate=0.21)
    assert found.equity == pytest.approx(10 * 6 * (1.21 ** (-0.5 / 12) + 1.21 ** (-1.5 / 12)))


def pulled(
    stakes: Stakes, model: btyd.PurchaseModel = LAW, won: equity.Newcomers = WON
) -> equity.Levers:
    return equity.levers(
        stakes, model, won, of_new=(10.0, 20.0), spend_of_new=(20.0, 40.0), **TERMS  # type: ignore[arg-type]
    )  # fmt: skip


def test_levers_are_recomputed(stakes: Stakes, frame: pd.DataFrame) -> None:
    table = pulled(stakes).table.set_index(["lever", "step"])
    assert table.loc[("margin", "percent"), "present"] == pytest.approx(0.01 * frame["clv"].sum())
    half = (
        table.loc[("margin", "point"), "present"] / 0.02
    )  # a point of spend, of which half is margin
    assert half == pytest.approx(frame["clv"].sum(), rel=0.01)
    ahead = equity.future(WON, of_new=(10.0, 20.0), **TERMS)  # type: ignore[arg-type]
    assert table.loc[("acquisition", "percent"), "total"] == pytest.approx(0.01 * ahead.equity)
    assert table["total"].to_numpy() == pytest.approx(
        (table["present"] + table["future"]).to_numpy()
    )
    assert (table["total"] > 0).all()


def test_levers_move_new_customers_by_their_own_model(stakes: Stakes) -> None:
    rare = ParetoNbd(unit="day", r=1.0, alpha=600.0, s=1.5, beta=400.0)
    usual, own = pulled(stakes).table, pulled(stakes, won=replace(WON, model=rare)).table
    assert own["present"].tolist() == usual["present"].tolist()
    factor = Living.of(stakes, LAW).keeping(LAW, pulled(stakes).retention + 0.01)
    assert factor is not None
    stayers = replace(WON, model=with_dropout(rare, factor))
    worth = [
        equity.future(won, of_new=(10.0, 20.0), **TERMS).equity  # type: ignore[arg-type]
        for won in (replace(WON, model=rare), stayers)
    ]
    assert own["future"].iloc[0] == pytest.approx(worth[1] - worth[0])
    refused = pulled(stakes, won=replace(WON, model=None, refusal="Too few came.")).table
    assert (refused["future"] == 0).all()
    assert "acquisition" not in set(refused["lever"])


def test_a_point_of_retention_is_a_point(stakes: Stakes) -> None:
    living = Living.of(stakes, LAW)
    kept = living.kept(LAW)
    factor = living.keeping(LAW, kept + 0.01)
    assert factor is not None
    assert factor < 1
    assert living.kept(with_dropout(LAW, factor)) == pytest.approx(kept + 0.01, abs=1e-9)
    assert pulled(stakes).retention == kept


def test_customers_who_left_long_ago_for_certain_are_worth_nothing() -> None:
    """Lifetimes of 8 days, twenty years ago: P(alive) is below the smallest number there is."""
    model = ParetoNbd(unit="day", r=1.0, alpha=10.0, s=8103.0, beta=8 * 8103.0)
    data = pd.DataFrame({"x": [0, 3, 5], "t_x": [0, 9, 7300], "T": [7305, 7305, 7305]})
    one = np.ones(3)
    living = Living.of(Stakes(btyd.histories(data, unit="day"), one, one, one), model)
    assert living.worth(model, **TERMS) >= 0  # type: ignore[arg-type]
    assert np.isfinite(living.kept(model))


def test_who_never_leaves_cannot_be_kept_better(stakes: Stakes) -> None:
    steady = Nbd(unit="day", r=2.0, alpha=60.0)
    found = pulled(stakes, steady, replace(WON, model=steady))
    assert found.retention == pytest.approx(1)
    assert set(found.table["lever"]) == {"acquisition", "margin"}
