"""A company, and the laws that hold for all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from crm_lib.simulate.laws.contact import (
    Accounts,
    Campaign,
    Complaints,
    Prospecting,
    Service,
    Survey,
)
from crm_lib.simulate.laws.customers import Comeback, Segment, Source, Tenure
from crm_lib.simulate.laws.goods import Category, Product

WINDOW_ENDS = date(2026, 1, 1)
"""First day not simulated, whatever the number of months before it."""


@dataclass(frozen=True)
class Incident:
    """In one month the repeat purchases of one segment through one channel drop."""

    moment: float
    segment: str
    channel: str
    drop: float
    """share of these orders that does not happen"""


@dataclass(frozen=True)
class Event:
    """Something outside the company, and what it does to every purchase rate from that day on."""

    moment: float
    what: str
    kind: str
    factor: float = 1.0


@dataclass(frozen=True)
class Laws:
    """Everything that holds for the whole company."""

    season: tuple[float, ...] = (1.0,) * 12
    """purchase rate by calendar month, January first, against the year's mean"""
    week: tuple[float, ...] = (1.0,) * 7
    """purchase rate by day of the week, Monday first; only the proportions count"""
    opening_share: float = 0.3
    """customers who join within the first 90 days"""
    growth: float = 0.5
    """the others join evenly, at a density that rises by this share over the window"""
    never_buy_share: float = 0.0
    """customers on file who never buy"""
    regular_shape: int = 4
    """Erlang shape of the gaps of regular buyers: coefficient of variation 1/√shape"""
    tenure: Tenure = field(default_factory=Tenure)
    comeback: Comeback = field(default_factory=lambda: Comeback(probability=0.0))
    complaints: Complaints = field(default_factory=lambda: Complaints(rate=0.0))
    service: Service = field(default_factory=lambda: Service(rate=0.0))
    survey: Survey = field(default_factory=lambda: Survey(asked_share=0.0))
    prospecting: Prospecting = field(default_factory=Prospecting)
    price_cut_share: float = 0.0
    """products that are sold below list in a month, at 10 % or 20 % off"""
    return_days: tuple[int, int] = (2, 21)
    """a returned line comes back so many days after the order, evenly"""
    request_rate: float = 0.0
    """orders with a product of a category in introduction or growth that bring a request"""
    reason_share: float = 0.0
    """customers who say why they came, and leavers who say why they left"""
    satisfaction_slope: float = 0.25
    """how much the drivers' answers sink, in points, for each standard deviation of log μ"""
    adoption: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """stage of the category: weight by adopter (`ADOPTERS`) against the usual"""
    incident: Incident | None = None
    events: tuple[Event, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    target_growth: tuple[float, float] = (1.05, 0.97)
    """targets against what comes about: in the first and the second half of the window"""


@dataclass(frozen=True)
class Company:
    """A company: what it is called, sells and where, and its laws."""

    name: str
    title: str
    about: str
    currency: str
    time_zone: str
    segments: tuple[Segment, ...]
    sources: tuple[Source, ...]
    categories: tuple[Category, ...]
    places: Mapping[str, float]
    """towns with a branch, and the share of customers who live near it"""
    regions: Mapping[str, str]
    """town: region"""
    laws: Laws
    accounts: Accounts | None = None
    """business accounts; None: consumers"""
    rivals: tuple[str, ...] = ()
    """who else sells what it sells, the strongest first"""
    roles: Mapping[str, float] = field(default_factory=dict)
    """shares of the customers' roles"""
    industries: Mapping[str, float] = field(default_factory=dict)
    brand_tiers: Mapping[str, float] = field(default_factory=dict)
    readiness: Mapping[str, tuple[tuple[str, ...], float, float]] = field(default_factory=dict)
    """pillar: (questions, mean score of 1–5, money invested)"""
    customers: int = 1_000
    """how many it has unless `crm simulate` says otherwise"""
    is_plain: bool = False
    """made by `plain`"""

    @property
    def products(self) -> tuple[Product, ...]:
        return tuple(product for category in self.categories for product in category.products)

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for s in self.segments for name in s.channels))


def plain(company: Company) -> Company:
    """The company with nothing but Pareto/NBD and Gamma-Gamma, for testing models of purchasing.

    No seasons, weekdays, price cuts, campaigns, incident, complaints, returns, comebacks or growth of orders;
    all sources alike and every gap exponential. Segments keep their own parameters.
    """
    segments = tuple(replace(s, regular_share=0.0, costly_share=0.0) for s in company.segments)
    sources = tuple(
        replace(s, rate_factor=1.0, hazard_factor=1.0, sells=False) for s in company.sources
    )
    categories = tuple(
        replace(c, products=tuple(replace(p, return_rate=0.0) for p in c.products))
        for c in company.categories
    )
    laws = Laws(opening_share=company.laws.opening_share, growth=company.laws.growth)
    return replace(
        company, segments=segments, sources=sources, categories=categories, laws=laws, is_plain=True
    )
