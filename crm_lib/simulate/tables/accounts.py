"""Accounts: business customers, how close we are to them, what they are worth and their terms.

`true_value` is what effort and terms ought to follow, in currency a year: the revenue expected from
the account while it is a customer, plus `WINNABLE` of what it is expected to buy from rivals,

    revenue = λ · 365.25 · p / ν        true value = revenue + WINNABLE · revenue · (1 / share − 1)

Terms (discount, payment days, service level) follow the rank of an account by true value; accounts
whose terms were switched have those of an account about half a ranking away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm_lib.simulate.behaviour.people import pick
from crm_lib.simulate.block import (
    BLOCK_CUSTOMERS,
    Block,
    Columns,
    Flags,
    Floats,
    Ints,
    People,
    Spells,
)
from crm_lib.simulate.clock import YEAR_DAYS
from crm_lib.simulate.laws import Accounts
from crm_lib.simulate.tables import arrow

WINNABLE = 0.25
"""Share of what an account buys from rivals that we could win."""
SHARES = (0.02, 0.98)
"""Bounds of our share of a wallet: every account has another supplier, and buys something of us."""
DISCOUNTS = (0.02, 0.18)
"""Agreed discount of the least and of the most valuable account; steps of half a per cent."""
PAYMENT_DAYS = (14, 30, 45, 60)
SERVICE_LEVELS = ("basic", "standard", "premium")
SERVICE_EDGES = (0.5, 0.85)
"""Places in the ranking (0 = the least valuable, 1 = the most) above which the next level is due."""
FIT_CONCENTRATION = 6.0
"""of strategic fit (beta) around the mean of the segment"""
PLANS = ("none", "acquire", "develop")
PLANNED = (0.1, 0.7)
"""Share of the accounts with a plan: of those that are not key, of those that are."""
SAVED = 0.02
"""Joint savings on the highest rung, as a share of yearly revenue; none on the lowest."""
SAVINGS_SPREAD = 0.5
"""σ of the lognormal spread of joint savings around this."""


@dataclass(frozen=True)
class Traits(Columns):
    """One row an account, in the order of `People`."""

    rung: Ints
    """a position in `laws.Accounts.rungs`"""
    share_of_wallet: Floats
    home_rep: Ints
    true_value: Floats
    """currency a year"""
    is_valuable: Flags
    """among the best by true value, whether still a customer or not"""
    strategic_fit: Floats
    discount_rate: Floats
    """agreed, a share of the list price"""
    discount_fits: Flags
    """the terms are those of the account's own value, not another's"""
    payment_days: Ints
    service_level: Ints
    """a position in `SERVICE_LEVELS`"""
    plan: Ints
    """a position in `PLANS`"""
    plan_day: Ints
    """from the start of the window; -1 without a plan"""
    joint_savings: Ints
    """cents a year"""


def law(block: Block) -> Accounts:
    """The law of accounts; ValueError for a company that sells to consumers."""
    if block.company.accounts is None:
        raise ValueError(f"{block.company.name} sells to consumers: it has no business accounts.")
    return block.company.accounts


def traits(block: Block, people: People) -> Traits:
    """What the accounts of a block are like, drawn from the law."""
    stream = block.stream("accounts")
    rung = pick(stream, (share for share, *_ in law(block).rungs.values()), len(people))
    share = _share_of_wallet(block, stream, rung)
    yearly = revenue(block, people)
    value = yearly + WINNABLE * yearly * (1 / share - 1)
    rank = np.argsort(np.argsort(value, kind="stable"), kind="stable")
    is_valuable = rank >= len(people) - max(round(law(block).key_share * len(people)), 1)
    fit = _strategic_fit(block, stream, people)
    terms_of = _terms_of(block, stream, rank)
    standing = (rank[terms_of] + 0.5) / len(people)
    plan, plan_day = _plans(block, stream, people, is_valuable)
    return Traits(
        rung=rung,
        share_of_wallet=share,
        home_rep=home_rep(block, people),
        true_value=value,
        is_valuable=is_valuable,
        strategic_fit=fit,
        discount_rate=np.rint(np.interp(standing, (0, 1), DISCOUNTS) * 200) / 200,
        discount_fits=terms_of == np.arange(len(people)),
        payment_days=np.array(PAYMENT_DAYS)[(standing * len(PAYMENT_DAYS)).astype(np.int64)],
        service_level=np.searchsorted(SERVICE_EDGES, standing),
        plan=plan,
        plan_day=plan_day,
        joint_savings=_joint_savings(block, stream, rung, yearly),
    )


def _share_of_wallet(block: Block, stream: np.random.Generator, rung: Ints) -> Floats:
    rungs = list(law(block).rungs.values())
    mean = np.array([mean for _, mean, _, _ in rungs])[rung]
    concentration = np.array([concentration for _, _, concentration, _ in rungs])[rung]
    return shares(stream, mean, concentration)


def shares(stream: np.random.Generator, mean: Floats, concentration: Floats | float) -> Floats:
    """Shares of wallets, within `SHARES`, with which sales ÷ wallets is `mean` in money.

    Beta(mean·c + 1, (1 − mean)·c): the mean of 1 / share is 1 / mean. It is Beta(mean·c, (1 − mean)·c)
    as seen through what we sell: of two customers who buy as much here, the one of whose wallet that
    is a large part is the likelier, as small wallets are more frequent than large ones.
    """
    drawn = stream.beta(mean * concentration + 1, (1 - mean) * concentration)
    return np.clip(drawn, *SHARES)


def revenue(block: Block, people: People) -> Floats:
    """What each customer is expected to buy of us while a customer, in currency a year."""
    order_shape = np.array([s.spend.p for s in block.company.segments])[people.segment]
    yearly = people.rate * YEAR_DAYS * order_shape / people.spend_rate
    return np.where(people.never_buys, 0.0, yearly)


def _strategic_fit(block: Block, stream: np.random.Generator, people: People) -> Floats:
    """Beta, on average 1 / (1 + |elasticity| / 2): who buys on price fits a quality supplier less."""
    elasticity = np.array([abs(s.price_elasticity) for s in block.company.segments])
    mean = (1 / (1 + elasticity / 2))[people.segment]
    return np.round(stream.beta(mean * FIT_CONCENTRATION, (1 - mean) * FIT_CONCENTRATION), 2)


def _terms_of(block: Block, stream: np.random.Generator, rank: Ints) -> Ints:
    """The account whose terms each account has: its own but for the switched ones.

    These pass their terms on among themselves over half of their ranking, so that what is granted in
    all stays as it was and nobody's terms fit by luck.
    """
    count = round(law(block).switched_discounts * len(rank))
    switched = stream.permutation(len(rank))[:count]
    switched = switched[np.argsort(rank[switched])]
    found = np.arange(len(rank))
    if count > 1:
        found[switched] = np.roll(switched, count // 2)
    return found


def _plans(
    block: Block, stream: np.random.Generator, people: People, is_valuable: Flags
) -> tuple[Ints, Ints]:
    """Plan and day, any of the window: before the first order it was made to win the account."""
    planned = stream.random(len(people)) < np.array(PLANNED)[is_valuable.astype(np.int64)]
    day = stream.integers(0, block.clock.days, len(people))
    wins = people.never_buys | (day < people.joined_day)
    plan = np.where(wins, PLANS.index("acquire"), PLANS.index("develop"))
    return np.where(planned, plan, PLANS.index("none")), np.where(planned, day, -1)


def _joint_savings(block: Block, stream: np.random.Generator, rung: Ints, yearly: Floats) -> Ints:
    height = rung / max(len(law(block).rungs) - 1, 1)
    return arrow.cents(SAVED * height * yearly * stream.lognormal(0, SAVINGS_SPREAD, len(rung)))


def key(block: Block, people: People, spells: Spells) -> Flags:
    """The key accounts: of those who are customers at the end of the window, the best by true value."""
    stays = np.zeros(len(people), dtype=bool)
    stays[spells.customer[spells.ends >= block.clock.days]] = True
    present = np.flatnonzero(stays)
    best = np.argsort(-traits(block, people).true_value[present], kind="stable")
    found = np.zeros(len(people), dtype=bool)
    found[present[best[: round(law(block).key_share * len(present))]]] = True
    return found


def reps(block: Block) -> int:
    """How many representatives work in the block."""
    return -(-block.count // law(block).accounts_per_rep)


def first_rep(block: Block) -> int:
    """The code of the first representative of the block; codes count from 0 over the company."""
    return block.number * -(-BLOCK_CUSTOMERS // law(block).accounts_per_rep)


def home_rep(block: Block, people: People) -> Ints:
    """The representative in whose territory each account lies.

    Territories are neighbouring towns, of the same number of accounts, give or take one.
    """
    chance = block.stream("territories").random(len(people))
    local = np.empty(len(people), dtype=np.int64)
    local[np.lexsort((chance, people.place))] = np.arange(len(people)) * reps(block) // len(people)
    return first_rep(block) + local


def rep_ids(block: Block, codes: Ints) -> pa.Array:
    """Ids such as R0001 of representatives of the block; null for a negative code."""
    first = first_rep(block)
    names = arrow.ids("R", first + np.arange(reps(block)), digits=4)
    return arrow.texts(np.where(codes < 0, -1, codes - first), names.to_pylist())


def table(block: Block, people: People) -> pa.Table:
    """The canonical `accounts`: one row an account's terms, in currency and days."""
    found = traits(block, people)
    return pa.table(
        {
            "customer_id": arrow.ids("C", people.number),
            "strategic_fit": found.strategic_fit,
            "discount_rate": found.discount_rate,
            "payment_days": found.payment_days,
            "service_level": arrow.texts(found.service_level, SERVICE_LEVELS),
            "plan": arrow.texts(found.plan, PLANS),
            "plan_on": arrow.days(found.plan_day, block.clock, found.plan_day < 0),
            "joint_savings": arrow.money(found.joint_savings),
        }
    )


def truth(block: Block, people: People, spells: Spells) -> pa.Table:
    """truth/accounts: one row an account; true_value in currency a year, of a customer while it stays."""
    found = traits(block, people)
    return pa.table(
        {
            "customer_id": arrow.ids("C", people.number),
            "rung": arrow.texts(found.rung, list(law(block).rungs)),
            "share_of_wallet": found.share_of_wallet,
            "true_value": found.true_value,
            "is_key": key(block, people, spells),
            "discount_fits": found.discount_fits,
            "home_rep": rep_ids(block, found.home_rep),
        }
    )
