"""What a company does with its customers, and they with it: campaigns, service, sales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Campaign:
    """A campaign with a randomised control group and its planted effect."""

    campaign_id: str
    kind: str
    """promotion, retention, acquisition or pilot"""
    starts: float
    """moment of the first day"""
    days: int = 28
    reach: float = 0.3
    """share of the eligible customers that take part, control included; eligible: 30 days known"""
    control_share: float = 0.2
    lift: float = 0.0
    """extra purchases of the treated who are alive, as a share of their usual rate"""
    discount_rate: float = 0.0
    """on every order that redeems the campaign"""
    redemption: float = 0.0
    """share of the treated customers' usual orders within the days that redeem it, too"""
    silent_days: int = 0
    """only customers who have not bought for so long"""
    cost_each: float = 0.0
    """of reaching one treated customer"""
    cost_fixed: float = 0.0
    """of the campaign as a whole"""
    source: str = ""
    """acquisition campaigns: the source whose customers' first orders are booked to it"""


@dataclass(frozen=True)
class Complaints:
    """Orders that end in a complaint, and what a complaint does.

    Some who leave for one come back later (`Comeback`), so that a year on less of it is seen.
    """

    rate: float = 0.03
    """share of orders (those won by a campaign excepted) that are complained about"""
    causes: Mapping[str, tuple[float, float, str]] = field(default_factory=dict)
    """cause: (share of complaints, share of them that is resolved, department responsible)"""
    resolution_days: float = 4.0
    """median; lognormal with σ = 0.8"""
    leave_if_resolved: float = 0.04
    leave_if_unresolved: float = 0.35
    """probability that the customer leaves for this complaint"""
    cost: float = 8.0
    """of handling one (gamma, coefficient of variation 0.5)"""


@dataclass(frozen=True)
class Service:
    """What serving customers costs, complaints apart."""

    rate: float = 0.05
    """share of orders followed by a service contact"""
    cost: float = 5.0
    """of one contact (gamma, coefficient of variation 0.5)"""
    costly_factor: tuple[float, float] = (1.05, 1.55)
    """costly customers need service after every order: cost ÷ margin of the order, evenly between"""


@dataclass(frozen=True)
class Survey:
    """A yearly survey: each driver is answered 1–5, the whole 1–5, recommending 0–10."""

    asked_share: float = 0.1
    """share of the customers known for 60 days that is asked in a year"""
    response_rate: float = 0.35
    drivers: Mapping[str, float] = field(default_factory=dict)
    """driver: weight in overall satisfaction; the weights add up to 1"""
    noise: float = 0.35
    """standard deviation of overall satisfaction around the weighted drivers, in points"""
    performance: Mapping[str, float] = field(default_factory=dict)
    """driver: our mean performance, in points of 1–5"""


@dataclass(frozen=True)
class Prospecting:
    """Prospects and their odds: logit P(convert) = intercept + Σ coefficient × attribute."""

    intercept: float = -2.0
    coefficients: Mapping[str, float] = field(default_factory=dict)
    """of the attributes interest (0–1), budget (0–1), referred (0 or 1)"""
    days_to_convert: float = 45.0
    """median; lognormal with σ = 0.6"""


@dataclass(frozen=True)
class Accounts:
    """Business accounts: relationship rungs, wallets, terms and the work of representatives."""

    rungs: Mapping[str, tuple[float, float, float, int]] = field(default_factory=dict)
    """rung: (share of accounts, share of wallet, its concentration, most rival suppliers); the share is
    sales ÷ wallets over the accounts of the rung (their harmonic mean), before categories of which we
    hold much or little of the market"""
    accounts_per_rep: int = 40
    hours_per_rep: float = 130.0
    """a month"""
    hour_cost: float = 48.0
    misallocated_share: float = 0.25
    """of a rep's hours: given by chance to accounts of any territory instead of by value to the own;
    how far hours lie from right is in truth/efforts, and less, since chance hits the right ones, too"""
    switched_discounts: float = 0.2
    """share of accounts whose discount fits another account's value, not their own"""
    staff: tuple[str, ...] = ()
    """who nominates key accounts"""
    key_share: float = 0.1
    """the key accounts: the best by true value of those who are customers at the end, so many of them"""
    nominated_if_key: float = 0.75
    nominated_otherwise: float = 0.05
