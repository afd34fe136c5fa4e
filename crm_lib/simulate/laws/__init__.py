"""The laws of a simulated company: every parameter that decides what its customers do.

A law is a small frozen declaration. What the parameters were is written beside the data
(`truth/laws.parquet`), so that an analysis can be scored against them and never has to guess.
Rates are a day, money is in the company's currency, shares are between 0 and 1. A `moment` is a
share of the observed window (0 = its first day, 1 = its end; negative = before it), so that one
company can be simulated over 24 months or 60.
"""

from __future__ import annotations

from crm_lib.simulate.laws.company import WINDOW_ENDS, Company, Event, Incident, Laws, plain
from crm_lib.simulate.laws.contact import (
    Accounts,
    Campaign,
    Complaints,
    Prospecting,
    Service,
    Survey,
)
from crm_lib.simulate.laws.customers import (
    ADOPTER_SHARES,
    ADOPTERS,
    Comeback,
    Purchasing,
    Segment,
    Source,
    Spend,
    Tenure,
)
from crm_lib.simulate.laws.goods import ADOPTION, STAGES, Category, Product

__all__ = [
    "ADOPTERS",
    "ADOPTER_SHARES",
    "ADOPTION",
    "STAGES",
    "WINDOW_ENDS",
    "Accounts",
    "Campaign",
    "Category",
    "Comeback",
    "Company",
    "Complaints",
    "Event",
    "Incident",
    "Laws",
    "Product",
    "Prospecting",
    "Purchasing",
    "Segment",
    "Service",
    "Source",
    "Spend",
    "Survey",
    "Tenure",
    "plain",
]
