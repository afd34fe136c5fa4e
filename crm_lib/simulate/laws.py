"""The laws of a simulated company: every parameter that decides what its customers do.

A law is a small frozen declaration. What the parameters were is written beside the data
(`truth/laws.parquet`), so that an analysis can be scored against them and never has to guess.
Rates are a day, money is in the company's currency, shares are between 0 and 1. A `moment` is a
share of the observed window (0 = its first day, 1 = its end; negative = before it), so that one
company can be simulated over 24 months or 60.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

ADOPTERS = ("Innovator", "Early adopter", "Early majority", "Late majority", "Laggard")
ADOPTER_SHARES = (0.025, 0.135, 0.34, 0.34, 0.16)
"""Rogers 1962, Diffusion of Innovations: shares of the adopter categories."""

STAGES = ("Introduction", "Growth", "Maturity", "Decline")
"""The life of a product category."""

WINDOW_ENDS = date(2026, 1, 1)
"""First day not simulated, whatever the number of months before it."""


@dataclass(frozen=True)
class Purchasing:
    """Pareto/NBD (Schmittlein, Morrison & Colombo 1987, Management Science 33, eq. 1–4).

    While alive a customer buys at random at a rate λ ~ Gamma(r, rate α) a day, starting with a
    first purchase, and leaves for good (but see `Comeback`) after a time that is exponential with a
    rate μ ~ Gamma(s, rate β) a day.
    """

    r: float
    alpha_days: float
    s: float
    beta_days: float

    @property
    def mean_rate(self) -> float:
        """Mean purchases a day of a customer who is alive."""
        return self.r / self.alpha_days


@dataclass(frozen=True)
class Spend:
    """Gamma-Gamma (Fader & Hardie 2013, brucehardie.com/notes/025, eq. 1–2).

    The value of an order, net of discount, is Gamma(p, rate ν) with ν ~ Gamma(q, rate γ) for each
    customer, independent of how often the customer buys.
    """

    p: float
    q: float
    gamma: float

    @property
    def mean(self) -> float:
        """Mean order value over customers: p γ / (q − 1)."""
        return self.p * self.gamma / (self.q - 1)


@dataclass(frozen=True)
class Segment:
    """A kind of customers, hidden from the analyses: they have to find it."""

    name: str
    share: float
    """of all customers"""
    purchasing: Purchasing
    spend: Spend
    extra_lines: float
    """an order has 1 + Poisson(extra_lines) lines"""
    categories: Mapping[str, float]
    """how strongly the segment is drawn to a category; categories left out weigh 0"""
    channels: Mapping[str, float]
    """share of its orders by channel"""
    regular_share: float = 0.0
    """customers whose gaps are Erlang with `Laws.regular_shape` instead of exponential"""
    costly_share: float = 0.0
    """customers whose service contacts cost more than their orders earn"""
    price_elasticity: float = -1.0
    """of the quantity of a product to its price; what an order is worth does not answer to prices"""
    attributes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """shares of the values of further columns of the customers table, such as `size`"""


@dataclass(frozen=True)
class Source:
    """Where customers come from: what one costs, and how good they are."""

    name: str
    share: float
    cost: float
    """mean acquisition cost of a customer (gamma, coefficient of variation 0.3)"""
    rate_factor: float = 1.0
    """purchase rate of its customers against the segment's"""
    hazard_factor: float = 1.0
    """rate of leaving of its customers against the segment's"""
    sells: bool = False
    """its customers were prospects before (see `Prospecting`)"""


@dataclass(frozen=True)
class Product:
    """A product, sold by the kilogram, litre, metre or piece in parts of a thousand."""

    product_id: str
    name: str
    subcategory: str
    list_price: float
    cost_rate: float
    """cost of goods as a share of the list price"""
    popularity: float = 1.0
    """weight among the products of its category"""
    launched: float = -1.0
    """moment of the launch"""
    replaced: float | None = None
    """moment at which its successor takes over, gradually within half a year"""
    successor: str = ""
    """product_id of the successor"""
    return_rate: float = 0.03
    """share of its order lines that come back"""


@dataclass(frozen=True)
class Category:
    """A product category and the moments at which the stages of its life begin (None: never)."""

    name: str
    products: tuple[Product, ...]
    introduction: float = -3.0
    growth: float | None = -2.0
    maturity: float | None = -1.0
    decline: float | None = None
    market_share: float = 0.15
    """our share of the category's whole market over the window"""


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
class Comeback:
    """Customers who left and come back once, with the same rates as before."""

    probability: float = 0.12
    shortest_days: float = 60.0
    mean_days: float = 240.0
    """the pause lasts shortest_days + an exponential time, mean_days on average"""


@dataclass(frozen=True)
class Tenure:
    """Orders grow with the relationship: value × (1 + yearly_growth) ** completed years.

    Profit grows less than that from year to year, since year 1 holds the first order for certain and
    rates differ by season and event; what came of it for the same customers is in truth/tenure.
    """

    yearly_growth: float = 0.0
    most_years: int = 5

    def factor(self, year: int) -> float:
        """Mean order value of relationship year `year` (1 = first) against year 1."""
        return float((1 + self.yearly_growth) ** min(year - 1, self.most_years))


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
    tenure: Tenure = Tenure()
    comeback: Comeback = Comeback(probability=0.0)
    complaints: Complaints = Complaints(rate=0.0)
    service: Service = Service(rate=0.0)
    survey: Survey = Survey(asked_share=0.0)
    prospecting: Prospecting = Prospecting()
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
