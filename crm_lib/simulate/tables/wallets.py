"""Wallets: what customers spend in a category with all suppliers, and how much of it with us.

Where we sell, the wallet is our sales ÷ our share. The share varies by category around the customer's,
and is larger all over where we hold much of the market: our customers are only a part of it
(`CUSTOMERS_PART`). Where a customer needs a category and buys none of it here (white space), the wallet
is what a customer like it is expected to spend, and our share is 0. Of consumers few are known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm_lib.simulate.behaviour import lifecycle
from crm_lib.simulate.behaviour.choice import draws
from crm_lib.simulate.behaviour.people import pick
from crm_lib.simulate.block import Block, Columns, Floats, Ints, People
from crm_lib.simulate.clock import YEAR_DAYS, Clock
from crm_lib.simulate.tables import accounts, arrow

CONSUMERS = (0.4, 5.0, 3)
"""Of consumers: mean share of wallet, its concentration, and most rivals."""
ASKED = 0.02
"""Share of the consumers whose wallet is known, from a survey."""
ALIKE = 20.0
"""Concentration of the share in a category around the account's."""
CUSTOMERS_PART = 0.5
"""What customers buy where they buy of us too, as a share of the market: at most about this."""
MOST_TO_US = 0.95
"""Of what our customers buy, at most this share comes to us, however much of the market we hold."""
NEEDED = 0.4
"""Probability that an account needs the favourite category of its segment without buying it here."""
SPREAD = 0.5
"""σ of the lognormal spread of spend in white space around what is expected."""
EVIDENCE = {"observed": (0.25, 0.0), "survey": (0.35, 0.1), "estimate": (0.4, 0.3)}
"""How a wallet is known: share of the accounts, and σ of the lognormal error (mean 1)."""


@dataclass(frozen=True)
class Wallets(Columns):
    """One row a customer, year and category. Money in cents."""

    customer: Ints
    """row in `People`"""
    year: Ints
    """calendar year"""
    category: Ints
    spend: Ints
    """truly, with all suppliers, within the window"""
    reported: Ints
    """what is on record, never less than our own sales"""
    our_share: Floats
    suppliers: Ints
    """how many, with us where we sell"""
    our_rank: Ints
    """1: nobody sells more; -1: we sell nothing"""
    main_rival: Ints
    """a position in `laws.Company.rivals`; -1: of no known name"""
    main_rival_share: Floats
    evidence: Ints
    """a position in `EVIDENCE`"""


@dataclass(frozen=True)
class _Needs(Columns):
    """One row a customer and category that it needs: what stays the same over the years."""

    customer: Ints
    """row in `People`"""
    category: Ints
    share: Floats
    """ours, where we sell"""
    potential: Floats
    """expected spend with all suppliers, cents a year at full demand"""
    rivals: Ints
    main_rival: Ints
    rival_shares: Floats
    """of what is not ours: one column a rival, each row adding up to 1"""


def years(clock: Clock) -> range:
    """The calendar years wholly or partly in the window."""
    return range(clock.start.year, clock.date_of(clock.days - 1).year + 1)


def wallets(block: Block, people: People, sales: Ints) -> Wallets:
    """The wallets on record, of the years in which a customer bought anything of us.

    sales: our net sales in cents by customer (row of `People`), year (of `years`) and category.
    """
    stream = block.stream("wallets")
    needs = _needs(block, stream, people, sales)
    demand, first = _demand(block), years(block.clock)[0]
    is_customer = np.any(sales > 0, axis=2)[needs.customer]
    row, year = np.nonzero(is_customer & (demand[needs.category] > 0))
    found = needs.take(row)
    own = np.maximum(sales[found.customer, year, found.category], 0)
    expected = found.potential * demand[found.category, year]
    expected *= stream.lognormal(-(SPREAD**2) / 2, SPREAD, len(found))
    spend = np.rint(np.where(own > 0, own / found.share, expected)).astype(np.int64)
    evidence = _evidence(block, stream, len(people))[found.customer]
    share = np.where(own > 0, found.share, 0.0)
    rival_shares = found.rival_shares * (1 - share)[:, None]
    rank = 1 + (rival_shares > share[:, None]).sum(axis=1)
    return Wallets(
        customer=found.customer,
        year=first + year,
        category=found.category,
        spend=spend,
        reported=np.maximum(_misjudged(stream, spend, evidence), own),
        our_share=share,
        suppliers=found.rivals + (own > 0),
        our_rank=np.where(own > 0, rank, -1),
        main_rival=found.main_rival,
        main_rival_share=rival_shares.max(axis=1),
        evidence=evidence,
    ).take(spend > 0)


def _needs(block: Block, stream: np.random.Generator, people: People, sales: Ints) -> _Needs:
    """What known customers buy here in any year, and what they need beside it."""
    weights = draws(block.company)
    who = np.flatnonzero(stream.random(len(people)) < (1.0 if block.company.accounts else ASKED))
    drawn_to = (weights / weights.max(axis=1, keepdims=True))[people.segment[who]]
    needed = (sales[who] > 0).any(axis=1) | (stream.random(drawn_to.shape) < NEEDED * drawn_to)
    row, category = np.nonzero(needed)
    customer = who[row]
    whole, most = _relationship(block, stream, people)
    here = 1 / (1 + (1 / whole[customer] - 1) / _strength(block)[category])
    mix = (weights / weights.sum(axis=1, keepdims=True))[people.segment[customer], category]
    rivals = 1 + (stream.random(len(customer)) * most[customer]).astype(np.int64)
    return _Needs(
        customer=customer,
        category=category,
        share=accounts.shares(stream, here, ALIKE),
        potential=accounts.revenue(block, people)[customer] * 100 * mix / here,
        rivals=rivals,
        main_rival=_main_rival(block, stream, len(customer)),
        rival_shares=_rival_shares(stream, rivals, int(most.max(initial=1))),
    )


def _relationship(block: Block, stream: np.random.Generator, people: People) -> tuple[Floats, Ints]:
    """Our share of each customer's wallet, and the most rivals that it buys of."""
    law = block.company.accounts
    if law is None:
        mean, concentration, most = CONSUMERS
        every = np.full(len(people), mean)
        return accounts.shares(stream, every, concentration), np.full(len(people), most)
    traits = accounts.traits(block, people)
    named = len(block.company.rivals) or None
    by_rung = np.clip([most for *_, most in law.rungs.values()], 1, named)
    return traits.share_of_wallet, by_rung[traits.rung]


def _strength(block: Block) -> Floats:
    """By category: how the odds that money comes to us differ from the customer's whole wallet.

    1 / share − 1 is divided by it. It is 1 where our share of all wallets is enough for our share of
    the market; else what makes it enough with `CUSTOMERS_PART` of the market.
    """
    law = block.company.accounts
    rungs = list(law.rungs.values()) if law else [(1.0, *CONSUMERS)]
    total = sum(share for share, *_ in rungs)
    usual = 1 / sum(share / total / mean for share, mean, _, _ in rungs)
    market = np.array([category.market_share for category in block.company.categories])
    needed = np.clip(market / CUSTOMERS_PART, usual, MOST_TO_US)
    strength: Floats = needed / (1 - needed) / (usual / (1 - usual))
    return strength


def _rival_shares(stream: np.random.Generator, rivals: Ints, most: int) -> Floats:
    """Shares of the rivals of each row: evenly distributed over all ways to split 1."""
    weights = stream.exponential(size=(len(rivals), most))
    weights *= np.arange(most) < rivals[:, None]
    return weights / weights.sum(axis=1, keepdims=True)


def _main_rival(block: Block, stream: np.random.Generator, count: int) -> Ints:
    """The second rival is the largest half as often as the first, the third a third as often …"""
    rivals = block.company.rivals
    if not rivals:
        return np.full(count, -1)
    return pick(stream, (1 / (at + 1) for at in range(len(rivals))), count)


def _demand(block: Block) -> Floats:
    """Years at full demand by category and calendar year: a year wholly in the window counts 1."""
    clock = block.clock
    months = np.bincount(clock.month_of_day) / YEAR_DAYS
    year = [day.year - clock.start.year for day in clock.month_starts[:-1]]
    in_year = np.eye(len(years(clock)))[year]
    return (lifecycle.demand(block.company, clock) * months) @ in_year


def _evidence(block: Block, stream: np.random.Generator, count: int) -> Ints:
    """How each customer's wallets are known: consumers were asked."""
    if block.company.accounts is None:
        return np.full(count, list(EVIDENCE).index("survey"))
    return pick(stream, (share for share, _ in EVIDENCE.values()), count)


def _misjudged(stream: np.random.Generator, spend: Ints, evidence: Ints) -> Ints:
    sigma = np.array([sigma for _, sigma in EVIDENCE.values()])[evidence]
    error = np.exp(sigma * stream.standard_normal(len(spend)) - sigma**2 / 2)
    return np.rint(spend * error).astype(np.int64)


def table(block: Block, people: People, sales: Ints) -> pa.Table:
    """The canonical `wallets`: one row a customer's spend in a category and year, in currency.

    Where we sell nothing, our rank is empty and we are not counted among the suppliers.
    """
    found = wallets(block, people, sales)
    return pa.table(
        {
            **_keys(block, people, found),
            "spend": arrow.money(found.reported),
            "main_rival": arrow.texts(found.main_rival, block.company.rivals),
            "supplier_count": found.suppliers,
            "our_rank": pa.array(found.our_rank, mask=found.our_rank < 0),
            "evidence": arrow.texts(found.evidence, list(EVIDENCE)),
        }
    )


def truth(block: Block, people: People, sales: Ints) -> pa.Table:
    """truth/wallets: the same rows; the three shares of `true_spend` (currency) add up to 1."""
    found = wallets(block, people, sales)
    return pa.table(
        {
            **_keys(block, people, found),
            "true_spend": arrow.money(found.spend),
            "our_share": found.our_share,
            "main_rival": arrow.texts(found.main_rival, block.company.rivals),
            "main_rival_share": found.main_rival_share,
            "other_rivals_share": 1 - found.our_share - found.main_rival_share,
        }
    )


def _keys(block: Block, people: People, found: Wallets) -> dict[str, pa.Array]:
    names = [category.name for category in block.company.categories]
    return {
        "customer_id": arrow.repeated_ids("C", people.number, found.customer),
        "year": pa.array(found.year),
        "category": arrow.texts(found.category, names),
    }
