"""Who the customers are and how they buy, spend, stay and come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ADOPTERS = ("Innovator", "Early adopter", "Early majority", "Late majority", "Laggard")
ADOPTER_SHARES = (0.025, 0.135, 0.34, 0.34, 0.16)
"""Rogers 1962, Diffusion of Innovations: shares of the adopter categories."""


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
class Comeback:
    """Customers who left and come back once, with the same rates as before."""

    probability: float = 0.12
    shortest_days: float = 60.0
    mean_days: float = 240.0
    """the pause lasts shortest_days + an exponential time, mean_days on average"""
