"""Campaigns: what was run, who took part, what it cost, and the lift that was planted."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from crm_lib.simulate.block import Block, Exposures, Ints, People
from crm_lib.simulate.clock import Clock
from crm_lib.simulate.laws import Campaign, Company
from crm_lib.simulate.tables import arrow, opening_hours

ARMS = ("treatment", "control")


def table(company: Company, clock: Clock) -> pa.Table:
    """The canonical `campaigns`: one row a campaign that begins within the window, by first day.

    `cost` is that of the campaign as a whole, in currency. What reaching each customer cost comes on
    top and is in `exposures`.
    """
    laws = _begun(company, clock)
    return pa.table(
        {
            **_named(laws, clock),
            "cost": arrow.money(arrow.cents(np.array([law.cost_fixed for law in laws]))),
        }
    )


def truth(company: Company, clock: Clock) -> pa.Table:
    """truth/campaigns: one row a campaign.

    lift: extra purchases of the treated who are alive, as a share of their usual rate; discount_rate:
    of every order that redeems it; redemption: share of the usual orders that redeem it, too;
    control_share: of those who take part; silent_days: only who had not bought for so long takes part.
    """
    laws = _begun(company, clock)
    shares = ("lift", "discount_rate", "redemption", "control_share")
    return pa.table(
        {
            **_named(laws, clock),
            **{name: pa.array([float(getattr(law, name)) for law in laws]) for name in shares},
            "silent_days": pa.array([law.silent_days for law in laws], pa.int64()),
        }
    )


def exposures_table(block: Block, people: People, exposures: Exposures) -> pa.Table:
    """The canonical `exposures`: one row a customer in a campaign, control group included.

    Sent when the first day opens, before any order can redeem it; `redeemed_at` is the time of the
    first order that does, to the second. `cost` is that of reaching the customer, 0 in the control
    group. Times beyond the window are null.
    """
    laws, clock = block.company.laws.campaigns, block.clock
    first_day = np.array([clock.day_at(law.starts) for law in laws], dtype=np.float64)
    return pa.table(
        {
            "campaign_id": arrow.texts(exposures.campaign, [law.campaign_id for law in laws]),
            "customer_id": arrow.ids("C", people.number).take(pa.array(exposures.customer)),
            "arm": arrow.texts(np.where(exposures.is_treated, 0, 1), ARMS),
            "sent_at": opening_hours.times(first_day[exposures.campaign], clock),
            "redeemed_at": opening_hours.times(exposures.redeemed, clock),
            "cost": arrow.money(_costs(block, exposures)),
        }
    )


def cost_cents(block: Block, people: People, exposures: Exposures) -> Ints:
    """What reaching each customer (row of `People`) cost over all campaigns, in cents."""
    cents = np.bincount(exposures.customer, _costs(block, exposures), minlength=len(people))
    return cents.astype(np.int64)


def _costs(block: Block, exposures: Exposures) -> Ints:
    each = arrow.cents(np.array([law.cost_each for law in block.company.laws.campaigns]))
    return np.where(exposures.is_treated, each[exposures.campaign], 0)


def _begun(company: Company, clock: Clock) -> list[Campaign]:
    begun = [law for law in company.laws.campaigns if clock.day_at(law.starts) < clock.days]
    return sorted(begun, key=lambda law: clock.day_at(law.starts))


def _named(laws: list[Campaign], clock: Clock) -> dict[str, pa.Array]:
    starts: list[date] = [clock.date_of(clock.day_at(law.starts)) for law in laws]
    ends = [day + timedelta(days=law.days - 1) for day, law in zip(starts, laws, strict=True)]
    return {
        "campaign_id": pa.array([law.campaign_id for law in laws], pa.string()),
        "kind": pa.array([law.kind for law in laws], pa.string()),
        "starts_on": pa.array(starts, pa.date32()),
        "ends_on": pa.array(ends, pa.date32()),
    }
