"""What customers cost to win and when they pay it back: by hand, with those who left and who never bought."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest

from crm_lib.analysis import acquisition, campaigns, keeping
from crm_lib.errors import NotInData, UsageError
from crm_lib.periods import Window
from tests.analysis.ledger import Ledger
from tests.analysis.profits import Month, ledger

NAMES = [f"c{i:02d}" for i in range(60)]


def by_origin(
    ledger: ir.Table,
    customers: ir.Table,
    origins: ir.Table,
    *,
    by: str,
    observed: Window,
    **more: Any,
) -> pd.DataFrame:
    """`acquisition.by_origin` with what it rests on; index: the origin."""
    curves = acquisition.payback(ledger, customers, origins, by=by, observed=observed)
    each = acquisition.brought(ledger, customers)
    return acquisition.by_origin(each, origins, curves, by=by, **more).set_index(by)


class Firm:
    """Sixty customers won in January 2022, thirty by each source; three who never bought.

    "fair": 30 each to win, 10 a month for half of them, the others leave after the first month; the
    three who never bought cost 30, too. "shop": 5 each, 4 in the first month and nothing after.
    """

    def __init__(self) -> None:
        orders, months = [], []
        for i, name in enumerate(NAMES):
            fair = i < 30
            months.append((name, "2022-01", {"acquisition_cost": 30 if fair else 5}))
            for m in range(1, 13 if fair and i % 2 else 2):
                day = f"2022-{m:02d}-10"
                amount = 10 if fair else 4
                orders.append((name, f"{name}-{m}", day, str(amount)))
                months.append((name, day[:7], {"revenue": amount}))
        months += [(f"n{i}", "2022-02", {"acquisition_cost": 30}) for i in range(3)]
        self.made = Ledger(orders, start="2022-01-01", end="2023-03-01", warm_up_ends="2022-01-01")
        self.ledger = ledger(list[Month](months))
        people = [*NAMES, "n0", "n1", "n2"]
        source = ["fair"] * 30 + ["shop"] * 30 + ["fair"] * 3
        self.origins = ibis.memtable({"customer_id": people, "source": source})
        strangers = ibis.memtable({"customer_id": ["n0", "n1", "n2"]})
        known = self.made.customers.outer_join(strangers, "customer_id")
        self.customers = known.mutate(
            customer_id=ibis.coalesce(known.customer_id, known.customer_id_right),
            is_first_seen=known.is_first_seen.fill_null(False),
        ).drop("customer_id_right")
        self.args: dict[str, Any] = {"by": "source", "observed": self.made.observed}

    def table(self, **more: Any) -> pd.DataFrame:
        return by_origin(self.ledger, self.customers, self.origins, **self.args, **more)


@pytest.fixture(scope="module")
def firm() -> Firm:
    return Firm()


def test_what_was_spent_on_those_who_never_bought_counts(firm: Firm) -> None:
    table = firm.table()
    assert table.loc["fair", ["known", "won", "cost", "cac"]].tolist() == [33, 30, 990, 33]
    assert table.loc["shop", ["known", "won", "cost", "cac"]].tolist() == [30, 30, 150, 5]
    assert table.loc["all", ["won", "cost", "cac"]].tolist() == [60, 1140, 19]


def test_payback_counts_those_who_left(firm: Firm) -> None:
    """Fair: 10 in month 1, then 5 a month (half have left): 10 + 5·(m − 1) covers 33 in month 6."""
    table = firm.table()
    assert table.loc["fair", "payback_month"] == 6
    assert np.isnan(table.loc["shop", "payback_month"]), "4 a customer never covers 5"
    assert table.loc["shop", "followed_months"] == 14
    curve = acquisition.payback(firm.ledger, firm.customers, firm.origins, **firm.args)
    fair = curve[curve["source"] == "fair"]["cumulative"].tolist()
    assert fair[:3] == [10, 15, 20]
    assert fair[-1] == 65
    net = acquisition.net_of_cost(curve, table.reset_index(), by="source")
    assert net[net["origin"] == "fair"]["net"].iloc[0] == 10 - 33


def test_a_month_counts_only_who_was_observed_for_all_of_it() -> None:
    orders = [(f"a{i}", f"a{i}", "2022-01-10", "10") for i in range(40)]
    orders += [(f"b{i}", f"b{i}", "2022-03-05", "10") for i in range(40)]
    months: list[Month] = [(who, day[:7], {"revenue": 10}) for who, _, day, _ in orders]
    made = Ledger(orders, start="2022-01-01", end="2022-03-20", warm_up_ends="2022-01-01")
    everyone = ibis.memtable({"customer_id": [row[0] for row in orders], "source": ["x"] * 80})
    curve = acquisition.payback(
        ledger(months), made.customers, everyone, by="source", observed=made.observed
    )
    whole = curve[curve["source"] == "all"]
    assert whole["customers"].tolist() == [40, 40], (
        "March is not over, so who came in it is not followed"
    )
    assert whole["contribution"].tolist() == [10, 0]


def test_quality_of_a_source_by_hand(firm: Firm) -> None:
    fair = firm.table().loc["fair"]
    assert (fair["first_year"], fair["repeat_rate"], fair["still_buying"]) == (30, 0.5, 0.5)
    # Wilson (1927) for 15 of 30.
    assert (fair["repeat_low"], fair["repeat_high"]) == pytest.approx((0.3315, 0.6685), abs=5e-5)
    # Half bring 120 in the first year, half 10.
    assert fair["first_year_contribution"] == pytest.approx(65)
    # Profit so far: 120 − 30 and 10 − 30.
    assert fair["unprofitable_share"] == 0.5
    assert fair["first_year_low"] < 65 < fair["first_year_high"]


def test_all_together_are_as_if_of_one_origin(firm: Firm) -> None:
    """Means and intervals of "all", which are made of those by origin, are those of everybody."""
    one = firm.origins.mutate(source=ibis.literal("one"))
    alone = by_origin(firm.ledger, firm.customers, one, **firm.args).loc["one"]
    together = firm.table().loc["all"]
    assert alone.notna().sum() > 12
    assert together.to_list() == pytest.approx(alone.to_list(), nan_ok=True)


def test_worth_is_what_was_brought_and_what_is_expected_yet(firm: Firm) -> None:
    clv = ibis.memtable({"customer_id": NAMES, "clv": [2.0] * 60})
    table = firm.table(clv=clv)
    assert table.loc["fair", ["so_far", "residual", "worth"]].tolist() == pytest.approx([65, 2, 67])
    assert table.loc["fair", "worth_to_cac"] == pytest.approx(67 / 33)
    assert firm.table()["residual"].isna().all()


def test_a_campaign_is_deducted_once() -> None:
    """Sixty bring 10 in month 1 and 1 a month after; the campaign cost 8 and reaching 1 for each of them.

    CAC 9, covered by the 10 of month 1; by the end of the year each brought 10 + 11 = 21.
    """
    orders, months = [], []
    for name in NAMES:
        for m in range(1, 13):
            amount = 10 if m == 1 else 1
            orders.append((name, f"{name}-{m}", f"2022-{m:02d}-10", str(amount)))
            months.append((name, f"2022-{m:02d}", {"revenue": amount}))
        months.append((name, "2022-01", {"campaign_cost": 8, "exposure_cost": 1}))
    made = Ledger(orders, start="2022-01-01", end="2023-03-01", warm_up_ends="2022-01-01")
    table = by_origin(
        ledger(list[Month](months)),
        made.customers,
        ibis.memtable({"customer_id": NAMES, "campaign_id": ["mail"] * 60}),
        by="campaign_id",
        observed=made.observed,
        costs=ibis.memtable({"campaign_id": ["mail"], "cost": [540.0]}),
    )
    for name in ("mail", "all"):
        row = table.loc[name, ["cac", "payback_month", "so_far", "first_year_contribution"]]
        assert row.tolist() == [9, 1, 21, 21]
        # Below zero or not is by profit, which bears the campaign: 21 − 9.
        assert table.loc[name, "unprofitable_share"] == 0


def test_campaigns_are_in_the_cost_of_all_and_of_no_source(firm: Firm) -> None:
    months: list[Month] = [
        ("c01", "2022-01", {"campaign_cost": 35, "exposure_cost": 5}),
        (None, "2022-02", {"campaign_cost": 20}),
    ]
    costs = campaigns.in_one(ledger(months), "source")
    table = firm.table(costs=costs)
    assert table.loc["all", ["cost", "cac"]].tolist() == [1200, 20]
    assert table.loc[["fair", "shop"], "cac"].tolist() == [33, 5]
    row = table.loc[campaigns.CAMPAIGNS]
    assert row[["known", "won", "cost"]].tolist() == [0, 0, 60]
    assert np.isnan(row["cac"])
    assert campaigns.in_one(ledger([]), "source") is None


def test_a_source_without_a_recorded_cost_is_not_free(firm: Firm) -> None:
    """Six of the thirty from "shop" have a recorded cost of 10, nobody from "fair" has one."""
    six = NAMES[30:36]
    spent = ledger([(who, "2022-01", {"revenue": 4, "acquisition_cost": 10}) for who in six])
    people = [*NAMES, "n0", "n1", "n2"]
    recorded = ibis.memtable(
        {
            "customer_id": people,
            "acquisition_cost": [10.0 if who in six else None for who in people],
        }
    )
    table = by_origin(spent, firm.customers, firm.origins, **firm.args, recorded=recorded)
    assert table.loc["fair", ["cost", "cac", "payback_month"]].isna().all()
    assert table.loc["fair", "coverage"] == 0
    # Not 60 ÷ 30 = 2: what those cost for whom nothing is recorded is not known.
    assert table.loc["shop", ["cost", "coverage", "cac"]].tolist() == pytest.approx([60, 0.2, 10])
    assert table.loc["all", ["cost", "coverage", "cac"]].tolist() == pytest.approx([60, 6 / 63, 10])


def test_a_recorded_cost_of_who_never_bought_wins_nobody(firm: Firm) -> None:
    """Recorded are 10 for six of "shop", and 10 for one of "fair" who never bought."""
    seven = [*NAMES[30:36], "n0"]
    spent = ledger([(who, "2022-01", {"revenue": 4, "acquisition_cost": 10}) for who in seven])
    recorded = ibis.memtable({"customer_id": seven, "acquisition_cost": [10.0] * 7})
    table = by_origin(spent, firm.customers, firm.origins, **firm.args, recorded=recorded)
    assert table.loc["fair", "cost"] == 10
    assert np.isnan(table.loc["fair", "cac"])
    assert table.loc["all", "cac"] == pytest.approx(70 / 6)


def test_a_recorded_cost_of_nothing_is_a_cost(firm: Firm) -> None:
    people = [*NAMES, "n0", "n1", "n2"]
    recorded = ibis.memtable({"customer_id": people, "acquisition_cost": [0.0] * 63})
    free = firm.ledger.mutate(
        acquisition_cost=(firm.ledger.acquisition_cost * 0).cast("decimal(18, 2)")
    )
    table = by_origin(free, firm.customers, firm.origins, **firm.args, recorded=recorded)
    assert table["cac"].tolist() == [0, 0, 0]
    assert table["coverage"].tolist() == [1, 1, 1]


def test_parts_make_the_whole(firm: Firm) -> None:
    table = firm.table()
    parts = table.drop("all")
    for name in ("known", "won", "cost", "first_year"):
        assert parts[name].sum() == table.loc["all", name]


def test_the_warm_up_wins_nobody() -> None:
    made = Ledger([("a", "1", "2022-01-05", "9"), ("b", "2", "2022-02-05", "9")], start="2022-01-01",
                  end="2022-04-01", warm_up_ends="2022-02-01")  # fmt: skip
    months: list[Month] = [
        ("a", "2022-01", {"acquisition_cost": 4}),
        ("b", "2022-02", {"acquisition_cost": 6}),
    ]
    everyone = ibis.memtable({"customer_id": ["a", "b"], "source": ["x", None]})
    table = by_origin(ledger(months), made.customers, everyone, by="source", observed=made.observed)
    assert table.loc["all", ["won", "cac"]].tolist() == [1, 6]
    assert table.loc["unknown", "won"] == 1


def test_without_a_cost_of_winning_quality_is_shown_all_the_same(firm: Firm) -> None:
    table = by_origin(
        firm.ledger.mutate(acquisition_cost=ibis.null("decimal(18, 2)")),
        firm.customers, firm.origins, **firm.args,
    )  # fmt: skip
    assert table[["cost", "cac", "payback_month"]].isna().all(axis=None)
    assert table.loc["fair", "repeat_rate"] == 0.5


def test_a_missing_source_and_a_misspelt_column_are_told_apart(firm: Firm) -> None:
    only_ids = firm.origins.select("customer_id")
    with pytest.raises(NotInData, match="`source` of the table `customers`"):
        acquisition.payback(firm.ledger, firm.customers, only_ids, **firm.args)
    with pytest.raises(UsageError, match="Did you mean 'source'"):
        acquisition.payback(
            firm.ledger, firm.customers, firm.origins, by="sorce", observed=firm.made.observed
        )


CAMPAIGNS = ibis.memtable(
    {
        "campaign_id": ["fair", "mail", "sale"],
        "kind": ["Acquisition", "acquisition", "promotion"],
        "starts_on": [date(2022, 1, 1), date(2022, 2, 1), date(2022, 2, 1)],
        "cost": [100.0, 50.0, 70.0],
    }
)


def test_a_campaign_wins_by_the_first_purchase_or_by_what_was_sent_before() -> None:
    made = Ledger(
        [("a", "1", "2022-01-05", "9"), ("a", "2", "2022-02-05", "9"), ("b", "3", "2022-02-05", "9"),
         ("c", "4", "2022-02-07", "9"), ("d", "5", "2022-02-08", "9")],
        start="2022-01-01", end="2022-04-01", warm_up_ends="2022-01-01",
    )  # fmt: skip
    booked = ibis.cases((made.lines.order_id == "1", "fair"), (made.lines.order_id == "3", "sale"))
    lines = made.lines.mutate(campaign_id=booked)
    sent = ibis.memtable(
        {
            "campaign_id": ["mail", "mail", "mail", "mail"],
            "customer_id": ["a", "b", "c", "d"],
            "arm": ["treatment", "treatment", "treatment", "control"],
            "sent_at": [pd.Timestamp(2022, 1, 1), pd.Timestamp(2022, 2, 1), pd.Timestamp(2022, 3, 1),
                        pd.Timestamp(2022, 2, 1)],
            "cost": [1.0, 1.0, 1.0, 0.0],
        }
    )  # fmt: skip
    found = campaigns.origins(lines, made.customers, CAMPAIGNS, sent).to_pandas()
    # a: booked goes before sent; b: a promotion wins nobody, but the mail came before; c: too late;
    # d: of the control group.
    assert dict(zip(found["customer_id"], found["campaign_id"], strict=True)) == {
        "a": "fair", "b": "mail",
    }  # fmt: skip
    costs = campaigns.costs(CAMPAIGNS, sent).to_pandas().set_index("campaign_id")["cost"]
    assert costs.to_dict() == {"fair": 100, "mail": 53}


def test_without_acquisition_campaigns_it_says_what_is_needed() -> None:
    with pytest.raises(NotInData, match="`kind` acquisition"):
        campaigns.costs(CAMPAIGNS.filter(CAMPAIGNS.kind == "promotion"))


def test_winning_against_keeping_by_hand() -> None:
    made = Ledger(
        [("old", "1", "2021-06-05", "9"), ("old", "2", "2022-06-05", "9"), ("gone", "3", "2021-07-05", "9"),
         ("new", "4", "2022-05-05", "9"), ("newer", "5", "2022-06-05", "9")],
        start="2021-01-01", end="2023-01-10", warm_up_ends="2021-01-01",
    )  # fmt: skip
    months: list[Month] = [
        ("old", "2021-06", {"revenue": 9, "acquisition_cost": 99, "contact_cost": 50}),
        ("old", "2022-06", {"revenue": 9, "contact_cost": 4}),
        ("gone", "2022-03", {"contact_cost": 6, "exposure_cost": 2}),
        ("new", "2022-05", {"revenue": 9, "acquisition_cost": 30, "contact_cost": 40}),
        ("newer", "2022-06", {"revenue": 9, "acquisition_cost": 10}),
        ("old", "2023-01", {"contact_cost": 1000}),
    ]
    # The acquisition campaign cost 100 and reached new for 70 and nobody known for 30.
    months += [("new", "2022-01", {"campaign_cost": 70}), (None, "2022-01", {"campaign_cost": 30})]
    posted = ledger(months)
    found = keeping.compare(
        posted,
        made.customers,
        observed=made.observed,
        campaigns=posted.filter(posted.campaign_cost > 0),
    )
    assert (found.window.start, found.window.end) == (date(2022, 1, 1), date(2023, 1, 1))
    # Won: new and newer, for 40 and a campaign of 100. Kept: old, for 12 spent on old and gone.
    assert (found.won, found.per_won) == (2, 70)
    assert (found.existing, found.kept, found.per_kept) == (2, 1, 12)
    assert found.ratio == pytest.approx(70 / 12)
    assert found.parts["cost"].sum() == found.winning_cost + found.keeping_cost


def test_who_bought_after_the_window_is_kept_only_by_a_purchase_in_it() -> None:
    """All three bought in January 2023, which is not over; only b and c in 2022, c also twice."""
    days = {"a": ["2021-06-05", "2023-01-05"], "b": ["2021-06-05", "2022-04-05", "2023-01-05"],
            "c": ["2021-06-05", "2022-04-05", "2022-09-05", "2023-01-05"], "d": ["2021-06-05"]}  # fmt: skip
    bought = [(who, day) for who, own in days.items() for day in own]
    made = Ledger(
        [(who, f"{who}{day}", day, "9") for who, day in bought],
        start="2021-01-01", end="2023-01-10", warm_up_ends="2021-01-01",
    )  # fmt: skip
    months: list[Month] = [(who, day[:7], {"revenue": 9, "contact_cost": 1}) for who, day in bought]
    months.append(("d", "2022-05", {"contact_cost": 2, "acquisition_cost": 7}))
    found = keeping.compare(ledger(months), made.customers, observed=made.observed)
    assert (found.won, found.existing, found.kept) == (0, 4, 2)
    assert found.keeping_cost == 5


def test_no_campaign_is_on_both_sides() -> None:
    """100 and 30 for reaching spent on an acquisition campaign, 60 of it on those who had bought before;
    20 on a promotion for one of them: 130 for winning, 20 for keeping, 150 spent."""
    made = Ledger(
        [("old", "1", "2021-06-05", "9"), ("old", "2", "2022-06-05", "9"), ("new", "3", "2022-05-05", "9")],
        start="2021-01-01", end="2023-01-10", warm_up_ends="2021-01-01",
    )  # fmt: skip
    acquiring: list[Month] = [
        ("old", "2022-03", {"campaign_cost": 50, "exposure_cost": 10}),
        ("new", "2022-03", {"campaign_cost": 50, "exposure_cost": 20}),
    ]
    promotion: list[Month] = [("old", "2022-09", {"campaign_cost": 15, "exposure_cost": 5})]
    found = keeping.compare(
        ledger([*acquiring, *promotion]),
        made.customers,
        observed=made.observed,
        campaigns=ledger(acquiring),
    )
    assert (found.winning_cost, found.keeping_cost) == (130, 20)
    parts = found.parts.set_index(["side", "component"])["cost"]
    assert parts["keeping", "campaign_cost"] == 15
    assert parts["keeping", "exposure_cost"] == 5


def test_a_cost_of_winning_without_a_day_is_named() -> None:
    """Of two who never bought, one has a day of acquisition in the first month, one has none."""
    made = Ledger(
        [("old", "1", "2021-06-05", "9"), ("old", "2", "2022-06-05", "9")],
        start="2021-01-01", end="2023-01-10", warm_up_ends="2021-01-01",
    )  # fmt: skip
    months: list[Month] = [
        ("old", "2021-01", {"acquisition_cost": 5}),
        ("old", "2022-06", {"revenue": 9, "contact_cost": 1}),
        ("known", "2021-01", {"acquisition_cost": 3}),
        ("undated", "2021-01", {"acquisition_cost": 8}),
    ]
    recorded = ibis.memtable(
        {"customer_id": ["old", "known", "undated"], "acquired_on": [None, date(2021, 1, 9), None]}
    )
    found = keeping.compare(
        ledger(months), made.customers, observed=made.observed, recorded=recorded
    )
    assert (found.winning_cost, found.undated) == (0, 8)


def test_winning_against_keeping_needs_a_year_and_both_sides() -> None:
    made = Ledger([("a", "1", "2022-06-05", "9")], start="2022-01-01", end="2022-12-01")
    with pytest.raises(NotInData, match="12 full months"):
        keeping.compare(ledger([("a", "2022-06", {})]), made.customers, observed=made.observed)
    longer = Ledger([("a", "1", "2022-06-05", "9")], start="2022-01-01", end="2023-02-01")
    one_side = ledger([("a", "2022-06", {"acquisition_cost": 3})], known=["acquisition_cost"])
    with pytest.raises(NotInData, match="both sides"):
        keeping.compare(one_side, longer.customers, observed=longer.observed)
