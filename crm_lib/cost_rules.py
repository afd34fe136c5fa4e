"""The rules by which the profit ledger costs what nobody recorded a cost of, checked when they are read.

The defaults are below; `ledger:` of `dataset.yml` changes them. What they make is in `crm_lib.ledger`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Rate = Annotated[Decimal, Field(ge=0, lt=1_000_000_000)]

CONTACT_KINDS = ("complaint", "survey", "service", "visit", "request", "reason")
"""The kinds of contact that the canonical table declares; a data set may have more."""
OTHER = "other"
"""In `contact_cost`: every kind of contact that is not named."""


class CostRules(BaseModel):
    """Rates for costs that the data set does not record; without one such a cost is missing, not zero."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    contact_cost: dict[str, Rate] = {}
    """kind of contact: what one costs, where `contacts.cost` is empty; `other` stands for every kind
    not named"""
    hour_cost: Rate | None = None
    """of an hour worked for a customer, where `efforts.cost` is empty"""
    order_cost: Rate | None = None
    """of handling an order with a purchase"""
    line_cost: Rate | None = None
    """of handling an order line, returns included"""
    return_cost: Rate | None = None
    """of handling a returned line, on top of `line_cost`"""
    capital_rate: Annotated[Decimal, Field(ge=0, lt=10)] | None = None
    """cost of capital a year (0.08 = 8 %): revenue × `accounts.payment_days` ÷ 365.25 × this rate"""
    campaign_cost: Literal["exposed", "none"] = "exposed"
    """who bears what a campaign cost as a whole: in equal shares those exposed to it, the control group
    left out; or nobody, so that it counts in the total only"""
